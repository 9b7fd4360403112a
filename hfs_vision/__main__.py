"""Runs the command line: ``python -m hfs_vision``."""

from hfs_vision.cli import main

main()
