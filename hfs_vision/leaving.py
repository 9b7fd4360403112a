"""Ends the program at once, where an exception for a signal would do harm."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leave_on_signal() -> Iterator[None]:
    """While libraries are loaded Ctrl-C and SIGTERM end the program, which has begun nothing yet.

    As an exception they could strike inside a library, which makes another error of it, or has
    Python end by SIGINT whatever the exit code was to be.
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
