"""Runs the command line: ``hfs-vision`` or ``python -m hfs_vision``."""

from __future__ import annotations

import contextlib
import os
import sys

from hfs_vision.errors import library_error
from hfs_vision.support.interrupts import leave_on_signal

_SIGNAL_CODES = 128
"""A program that a signal ended exits with this and the signal's number."""


def main() -> None:
    """Loads and runs the command line; says what is missing if a library cannot be loaded."""
    os.umask(0o077)  # whatever is written, by whichever library, is the user's alone
    try:
        with leave_on_signal():
            from hfs_vision.cli import main as run
    except ImportError as error:
        # OpenCV is linked to libraries that a bare machine lacks.
        sys.exit(f"error: {library_error(error)}")
    try:
        run()
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code > _SIGNAL_CODES:
            # Under `python -m` Python would end by SIGINT, where the exception for the signal
            # passed through `exec` in some library, and lose the code that says which it was.
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(ended.code)
        raise


if __name__ == "__main__":
    main()
