"""Corrections of the events that the program found: who said what, when, and how to take it back.

``document`` is the review of one result folder, ``history`` the log of changes in a cell of each
row, ``measuring`` what the signals say of an event that was moved, ``store`` the file and its lock.
docs/review.md describes the file.
"""

from hfs_vision.review.document import Review

__all__ = ["Review"]
