"""Copies of a diary that are whole, and the way back to them."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

from hfs_vision.diary.database import UNSOUND, Database, check_tables, damaged, is_sound
from hfs_vision.diary.paths import BACKUP_SUFFIX
from hfs_vision.errors import DiaryError, OutputError, UsageError

_LEFT_BY_SQLITE = ("-journal", "-wal", "-shm")
"""Endings of files that belong to a database which was not closed in order."""


def back_up(path: Path, to: Path | None = None) -> Path:
    """Copies a diary, also while others write to it, and checks the copy.

    Args:
        path: The diary.
        to: The copy; ``None`` for a name beside the diary, with date and time.

    Returns:
        The copy.

    Raises:
        UsageError: If a file is there already.
        DiaryError: If the diary is damaged.
        OutputError: If the copy cannot be written.
    """
    target = to or _free_name(path, BACKUP_SUFFIX)
    if os.path.lexists(target):
        raise UsageError(f"{target} exists: name another file by --to")
    try:
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=target.parent) as temporary:
            copy = Path(temporary) / "copy"
            _make_private(copy)
            _copy(path, copy)
            copy.replace(target)
    except OSError as error:
        raise OutputError(
            f"cannot write {target}: {error.strerror or error}; name another file by --to"
        ) from error
    return target


def restore(path: Path, backup: Path) -> Path | None:
    """Puts a copy of a backup in a diary's place.

    Returns:
        Under which name the file that was there is kept; ``None`` if there was none.

    Raises:
        UsageError: If the backup does not exist, or is the diary itself.
        DiaryError: If the backup is damaged, or no diary.
        OutputError: If a file cannot be written.
    """
    if not backup.is_file():
        raise UsageError(f"{backup} does not exist: give a file that hfs-vision diary backup made")
    if path.exists() and path.samefile(backup):
        raise UsageError(f"{backup} is the diary itself: give a backup of it")
    kept = _free_name(path, ".damaged")
    try:
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.absolute().parent) as place:
            copy = Path(place) / "copy"
            _make_private(copy)
            _copy(backup, copy)
            there = path.exists()
            if there:
                path.replace(kept)
            for ending in _LEFT_BY_SQLITE:  # else they would be applied to the restored file
                if (left := path.with_name(path.name + ending)).exists():
                    left.replace(kept.with_name(kept.name + ending))
            copy.replace(path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; check its folder's permissions"
        ) from error
    return kept if there else None


def _copy(source: Path, target: Path) -> None:
    database = Database(source)
    with database.driver() as given, closing(sqlite3.connect(target)) as made:
        check_tables(given, source)
        given.backup(made)
        if not is_sound(made):
            raise DiaryError(damaged(source, UNSOUND))
    with database.reading() as connection:
        if database.revision(connection) is None:
            raise DiaryError(f"{source} is no diary: it holds no version of one")


def _free_name(path: Path, suffix: str) -> Path:
    """A name with date and time that no file has yet, also not after a change of the clock."""
    now, number = f"{datetime.now():%Y%m%d-%H%M%S}", 1
    while True:
        more = f"-{number}" if number > 1 else ""
        found = path.with_name(f"{path.name}.{now}{more}{suffix}")
        if not found.exists():
            return found
        number += 1


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
