"""Runs the command line: ``hfs-vision`` or ``python -m hfs_vision``."""

from __future__ import annotations

import os
import sys

from hfs_vision.errors import library_error
from hfs_vision.support.interrupts import leave_on_signal


def main() -> None:
    """Loads and runs the command line; says what is missing if a library cannot be loaded."""
    os.umask(0o077)  # whatever is written, by whichever library, is the user's alone
    try:
        with leave_on_signal():
            from hfs_vision.cli import main as run
    except ImportError as error:
        # OpenCV is linked to libraries that a bare machine lacks.
        sys.exit(f"error: {library_error(error)}")
    run()


if __name__ == "__main__":
    main()
