"""Runs the command line: ``hfs-vision`` or ``python -m hfs_vision``."""

from __future__ import annotations

import sys

from hfs_vision.errors import library_hint


def main() -> None:
    """Loads and runs the command line; says what is missing if a library cannot be loaded."""
    try:
        from hfs_vision.cli import main as run
    except ImportError as error:
        # OpenCV is linked to libraries that a bare machine lacks.
        sys.exit(f"error: a library cannot be loaded: {error}{library_hint(error)}")
    run()


if __name__ == "__main__":
    main()
