"""Where a diary and what belongs to it are."""

from __future__ import annotations

import os
from pathlib import Path

DIARY_FILE = "diary.sqlite"
"""Name of the diary in a study's folder."""

BACKUP_SUFFIX = ".backup"


def diary_file(path: Path) -> Path:
    """The file that a user means: itself, or the one in a folder."""
    return path / DIARY_FILE if path.is_dir() else path


def newest_backup(path: Path) -> Path | None:
    """The latest of the backups beside a diary that were named by the program."""
    start = f"{path.name}."
    try:
        names = [
            found.name
            for found in path.absolute().parent.iterdir()
            if found.name.startswith(start) and found.suffix == BACKUP_SUFFIX
        ]
    except OSError:
        return None
    return path.with_name(max(names)) if names else None  # their date and time come after the name


def relative(path: Path, home: Path) -> str:
    """A path as the diary keeps it: from its own folder where that is possible."""
    path, home = path.absolute(), home.absolute()
    try:
        return Path(os.path.relpath(path, home)).as_posix()
    except ValueError:  # on another drive of Windows
        return path.as_posix()
