"""Ctrl-C, SIGTERM and the closing of the terminal end long work in good order."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_on_signal() -> Iterator[list[int]]:
    """Notes the first signal that asks to end instead of raising; a second one ends the program.

    Under ``nohup`` the closing of the terminal is none.
    """
    caught: list[int] = []

    def note(number: int, _frame: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield caught
    except KeyboardInterrupt:
        handler = before[signal.Signals(caught[0])] if caught else None
        if callable(handler):
            handler(caught[0], None)  # so that the exit code tells which signal it was
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
