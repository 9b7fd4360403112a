"""The file of a diary: transactions, and what goes wrong with them in the user's words.

One SQLite file with a rollback journal, which is gone between transactions: what the user copies is
the whole diary. A transaction that is killed is undone by whoever opens the file next.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from hfs_vision.diary import tables
from hfs_vision.diary.paths import newest_backup
from hfs_vision.errors import DiaryError

UNSOUND = "its pages do not hang together"

_STEPS = 100_000
"""Of SQLite's machine, a few milliseconds, between two looks for a signal."""

_WAIT_S = 30.0
"""So long a writer waits for another one."""


class Database:
    """A diary file. Every use opens it anew, so that nothing is held between two of them.

    Args:
        path: Must exist: a file that is missing is not made.
        wait_s: How long to wait for another program that writes.
    """

    def __init__(self, path: Path, wait_s: float = _WAIT_S) -> None:
        self.path = path
        self._wait_s = wait_s
        self._engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        event.listen(self._engine, "begin", _begin)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the file.

        Raises:
            DiaryError: If the file cannot be read.
        """
        with self._told(), self._engine.connect() as connection, connection.begin():
            try:
                yield connection
            except (ValueError, TypeError, KeyError) as error:
                raise DiaryError(damaged(self.path, str(error))) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is alone in writing from its begin on; all of it happens, or nothing.

        Raises:
            DiaryError: If the file cannot be written.
        """
        engine = self._engine.execution_options(writes=True)
        with self._told(), engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def driver(self) -> Iterator[sqlite3.Connection]:
        """The connection of the standard library, for copying the file while others write.

        Raises:
            DiaryError: If the file cannot be read.
        """
        with self._told():
            connection = self._connect()
            try:
                yield connection
            finally:
                connection.close()

    def check(self) -> None:
        """Looks through all pages, 30 ms for 10,000 sessions.

        Raises:
            DiaryError: If the file is damaged, or no diary.
        """
        with self.driver() as connection:
            check_tables(connection, self.path)
            if not is_sound(connection):
                raise DiaryError(damaged(self.path, UNSOUND))

    def revision(self, connection: Connection) -> str | None:
        """Which layout the file has; ``None`` if it is no diary."""
        if not connection.dialect.has_table(connection, tables.revision.name):
            return None
        return connection.execute(select(tables.revision.c.version_num)).scalar()

    def _connect(self) -> sqlite3.Connection:
        # "rw" makes no file; a slash after the scheme makes the path absolute on Windows too.
        where = f"file:/{quote(self.path.absolute().as_posix().lstrip('/'))}?mode=rw"
        connection = sqlite3.connect(
            where, uri=True, timeout=self._wait_s, isolation_level=None, check_same_thread=False
        )
        try:
            # Python looks after signals between its own steps: a long query makes none otherwise.
            connection.set_progress_handler(lambda: 0, _STEPS)
            for pragma in ("foreign_keys", "secure_delete"):  # what is removed is overwritten
                connection.execute(f"PRAGMA {pragma} = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            _leave_if_interrupted(error.orig)
            raise DiaryError(self._sentence(error.orig or error)) from error
        except (sqlite3.Error, UnicodeError) as error:
            _leave_if_interrupted(error)
            raise DiaryError(self._sentence(error)) from error
        except SQLAlchemyError as error:
            raise DiaryError(damaged(self.path, str(error))) from error

    def _sentence(self, error: BaseException) -> str:
        text = str(error)
        if "locked" in text or "busy" in text:
            return (
                f"{self.path} has been in use by another program for {self._wait_s:g} s: "
                "try again when that is done"
            )
        if isinstance(error, UnicodeError):
            return (
                f"a name or text cannot be kept in {self.path}, since it is no Unicode: change it"
            )
        # Its subclasses are errors of the call, but for what a damaged list of tables leads to.
        if type(error) is sqlite3.DatabaseError or "no such" in text:
            return damaged(self.path, text)
        return (
            f"{self.path} cannot be read or written ({text}): check its folder's permissions and "
            "the free space"
        )


def check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Makes sure that what is read are tables: a view may have rows without end.

    Raises:
        DiaryError: If the file holds anything but tables and their indexes.
    """
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        virtual = (sql or "").upper().startswith("CREATE VIRTUAL")
        if kind not in ("table", "index") or virtual:
            raise DiaryError(
                f"{path} is no diary: it holds the {'virtual table' if virtual else kind} "
                f"{name!r}, and a diary has tables alone; go back to a backup of it, or make one "
                "by hfs-vision diary init"
            )


def _leave_if_interrupted(error: BaseException | None) -> None:
    """A signal that struck while SQLite worked ends the program, as it would elsewhere."""
    if isinstance(error, sqlite3.OperationalError) and str(error) == "interrupted":
        raise KeyboardInterrupt from error


def is_sound(connection: sqlite3.Connection) -> bool:
    """Whether all pages of a database hang together."""
    return connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]


def damaged(path: Path, reason: str) -> str:
    """What is told of a damaged file: which backup there is, and the way back to it."""
    backup = newest_backup(path)
    way = (
        f'the newest backup beside it is {backup.name}; hfs-vision diary restore "{path}" '
        f'"{backup}" goes back to it and keeps the damaged file'
        if backup
        else "no backup is beside it; put a copy of yours in its place"
    )
    return f"{path} is damaged, or no diary ({reason}): {way}"


def _begin(connection: Connection) -> Any:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
