"""Runs the command line: ``hfs-vision`` or ``python -m hfs_vision``."""

from __future__ import annotations

import os
import signal
import sys

from hfs_vision.errors import library_error


def main() -> None:
    """Loads and runs the command line; says what is missing if a library cannot be loaded."""
    os.umask(0o077)  # whatever is written, by whichever library, is the user's alone
    # As an exception Ctrl-C could strike inside a library that is being loaded. Nothing has begun.
    before = signal.signal(signal.SIGINT, _leave)
    try:
        from hfs_vision.cli import main as run
    except ImportError as error:
        # OpenCV is linked to libraries that a bare machine lacks.
        sys.exit(f"error: {library_error(error)}")
    finally:
        signal.signal(signal.SIGINT, before)
    run()


def _leave(number: int, _frame: object) -> None:
    os.write(sys.stderr.fileno(), b"error: interrupted\n")
    os._exit(128 + number)


if __name__ == "__main__":
    main()
