"""Makes, opens and reads diaries. SQLAlchemy and Alembic are loaded here, when they are needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hfs_vision.diary.dates import open_zone
from hfs_vision.diary.paths import diary_file
from hfs_vision.diary.records import AFFECTED_SIDES, Diary
from hfs_vision.errors import DiaryError, OutputError, UsageError, check_extra
from hfs_vision.schema import StrPath

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from hfs_vision.diary.database import Database
    from hfs_vision.diary.store import DiaryStore


def check_libraries() -> None:
    """Makes sure that a diary can be opened.

    Raises:
        UsageError: If a library is missing.
    """
    check_extra("a diary", ("sqlalchemy", "alembic"), "diary")


def init_diary(path: StrPath, *, person: str, affected_side: str, timezone: str) -> Path:
    """Makes a new diary, private to the user.

    Args:
        path: The file, or a folder that gets one.
        person: Name or code.
        affected_side: One of `hfs_vision.diary.AFFECTED_SIDES`.
        timezone: IANA name of the zone in which days are counted.

    Returns:
        The file.

    Raises:
        UsageError: If there is a file already, or a value is wrong.
        OutputError: If the file cannot be made.
    """
    path = Path(path)
    check_libraries()
    from hfs_vision.diary import tables
    from hfs_vision.diary.database import Database
    from hfs_vision.diary.migrating import migrate

    open_zone(timezone)
    if affected_side not in AFFECTED_SIDES:
        raise UsageError(
            f"affected side is {affected_side!r}: give one of {', '.join(AFFECTED_SIDES)}"
        )
    file = diary_file(path)
    taken = f"{file} exists: choose another name, or add to it with hfs-vision diary add"
    if file.is_symlink():  # would be made where it leads
        raise UsageError(taken)
    try:
        # An empty file may be left of a call that was killed, or be the user's.
        handle = os.open(file, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            if os.fstat(handle).st_size == 0 and hasattr(os, "fchmod"):
                os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError(
            f"cannot make {file}: {error.strerror or error}; choose another place"
        ) from error
    database = Database(file)
    if file.stat().st_size:
        try:
            with database.reading() as connection:
                empty = not connection.dialect.get_table_names(connection)
        except DiaryError as error:
            raise UsageError(taken) from error
        if not empty:
            raise UsageError(taken)
    with database.writing() as connection:
        if connection.dialect.get_table_names(connection):
            raise UsageError(taken)
        migrate(connection, None)
        about = {"person": person, "affected_side": affected_side, "timezone": timezone}
        connection.execute(tables.person.insert().values(about))
    return file


@contextmanager
def open_diary(path: StrPath) -> Iterator[DiaryStore]:
    """Opens a diary; one of an older version is backed up and brought up to date first.

    Args:
        path: The file, or a study's folder that holds ``diary.sqlite``.

    Raises:
        UsageError: If there is none, or a library is missing.
        DiaryError: If it is damaged, in use, of a newer version of the program, or no diary.
    """
    check_libraries()
    from hfs_vision.diary.database import Database
    from hfs_vision.diary.store import DiaryStore

    file = diary_file(Path(path))
    if not file.is_file():
        raise UsageError(f"there is no diary {file}: hfs-vision diary init makes one")
    database = Database(file)
    database.check()
    with database.reading() as connection:
        up_to_date = _is_up_to_date(database, connection)
    if not up_to_date:
        _bring_up_to_date(database)
    yield DiaryStore(database)


def read_diary(path: StrPath) -> Diary:
    """All that a diary holds; see `open_diary`."""
    with open_diary(path) as store:
        return store.load()


def _is_up_to_date(database: Database, connection: Connection) -> bool:
    from hfs_vision.diary import tables

    revision = database.revision(connection)
    if revision == tables.HEAD:
        return True
    if revision is None:
        raise DiaryError(
            f"{database.path} is no diary, or one that was never finished: hfs-vision diary init "
            "makes one"
        )
    from hfs_vision.diary.migrating import knows

    if not knows(revision):
        raise DiaryError(
            f"{database.path} was written by a newer hfs-vision (layout {revision}, this one reads "
            f"up to {tables.HEAD}): install the newest version; nothing was changed"
        )
    return False


def _bring_up_to_date(database: Database) -> None:
    from hfs_vision.diary.backups import back_up
    from hfs_vision.diary.migrating import migrate

    back_up(database.path)
    with database.writing() as connection:  # another program may have done it meanwhile
        if not _is_up_to_date(database, connection):
            migrate(connection, database.revision(connection))
