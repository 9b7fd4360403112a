"""What Ctrl-C, SIGTERM and a closed terminal do to the program."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leave_on_signal() -> Iterator[None]:
    """Exits at once on Ctrl-C and SIGTERM, for the time in which libraries are imported.

    An exception could strike inside a library, which turns it into another error, or makes Python
    end by SIGINT whatever the exit code was to be.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone may set them
        yield
        return
    before = {n: signal.signal(n, _leave) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: object) -> None:
    os.write(sys.stderr.fileno(), b"error: interrupted\n")
    os._exit(128 + number)


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
