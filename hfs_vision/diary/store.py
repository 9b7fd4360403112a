"""A diary that is open: what can be read from it and done to it, each in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from hfs_vision.diary import tables
from hfs_vision.diary.database import Database
from hfs_vision.diary.dates import started_identity
from hfs_vision.diary.mapping import (
    read_all,
    read_session,
    segment_rows,
    session_row,
    treatment_row,
)
from hfs_vision.diary.records import BadRow, Diary, SessionRecord, Treatment
from hfs_vision.errors import DiaryError, UsageError

_SESSIONS, _SEGMENTS, _TREATMENTS = tables.session, tables.segment, tables.treatment
_MOST = 2**63
"""No number of a row is as large."""


@dataclass(frozen=True)
class Added:
    """What became of a session that was added.

    Attributes:
        number: Of the session in the diary.
        started_utc: When it was recorded, as the diary has it.
        state: ``added``; ``known`` if it was there already; ``differs`` if it was there with other
            counts; ``updated`` if it was replaced.
        warnings: What is to be known of its result, in sentences.
    """

    number: int
    started_utc: datetime
    state: str
    warnings: tuple[str, ...] = ()


class DiaryStore:
    """A diary file of this version's layout; made by `hfs_vision.diary.open_diary`.

    Attributes:
        path: The file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.path = database.path

    @property
    def home(self) -> Path:
        """The folder from which paths in the diary count."""
        return self.path.absolute().parent

    @property
    def timezone(self) -> str:
        """IANA name of the zone in which days are counted."""
        with self._database.reading() as connection:
            return str(connection.execute(select(tables.person.c.timezone)).scalar_one())

    def load(self) -> Diary:
        """Everything that the diary holds, in one state of it.

        Raises:
            DiaryError: If the file cannot be read.
        """
        with self._database.reading() as connection:
            return read_all(connection)

    def session(self, number: int) -> SessionRecord:
        """One session.

        Raises:
            UsageError: If there is none of that number.
            DiaryError: If it cannot be read.
        """
        with self._database.reading() as connection:
            found = read_session(connection, number) if abs(number) < _MOST else None
        if found is None:
            raise UsageError(_no("session", number, self.path))
        if isinstance(found, BadRow):
            raise DiaryError(f"{self.path}: {found.told}")
        return found

    def find(self, identity: str) -> SessionRecord | None:
        """The session of this identity, as `add` was given it; ``None`` if there is none, or one
        that cannot be read.
        """
        with self._database.reading() as connection:
            number = _number_of(connection, identity)
            found = None if number is None else read_session(connection, number)
            return found if isinstance(found, SessionRecord) else None

    def add(
        self, record: SessionRecord, *, identity: str | None = None, replace: bool = False
    ) -> Added:
        """Adds a session, unless it is there.

        Args:
            record: The session; its number is not looked at.
            identity: By what the same session is recognised when it comes again; the recording's
                SHA-256 if ``None``, or else the moment at which it started.
            replace: Whether one that is there is replaced; it keeps its number.

        Raises:
            DiaryError: If one that is there cannot be read, and is not replaced.
        """
        identity = identity or record.sha256 or started_identity(record.started_utc)
        with self._database.writing() as connection:
            number = _number_of(connection, identity)
            if number is None:
                row = {**session_row(record), "identity": identity}
                number = _insert(connection, _SESSIONS, row)
                _write_segments(connection, number, record)
                return Added(number, record.started_utc, "added")
            if replace:
                _replace(connection, number, record)
                return Added(number, record.started_utc, "updated")
            known = read_session(connection, number)
        assert known is not None
        if isinstance(known, BadRow):
            raise DiaryError(f"{self.path}: {known.told}, and --update replaces it")
        state = "known" if _counted(known) == _counted(record) else "differs"
        return Added(number, known.started_utc, state)

    def recount(self, records: Iterable[SessionRecord]) -> list[int]:
        """Replaces sessions by number, all or none.

        Left as they are: those that were removed meanwhile, and those that a person's corrections
        have reached meanwhile.

        Returns:
            Numbers of those that were replaced.
        """
        replaced = []
        with self._database.writing() as connection:
            for record in records:
                known = read_session(connection, record.number)
                if isinstance(known, SessionRecord) and not known.reviewed:
                    _replace(connection, record.number, record)
                    replaced.append(record.number)
        return replaced

    def remove_session(self, number: int) -> None:
        """Removes a session and its counts.

        Raises:
            UsageError: If there is none of that number.
        """
        self._remove(_SESSIONS, number, "session")

    def add_treatment(self, treatment: Treatment) -> int:
        """Adds a treatment or note; gives its number."""
        with self._database.writing() as connection:
            return _insert(connection, _TREATMENTS, treatment_row(treatment))

    def remove_treatment(self, number: int) -> None:
        """Removes a treatment or note.

        Raises:
            UsageError: If there is none of that number.
        """
        self._remove(_TREATMENTS, number, "treatment")

    def edit(self, **values: str) -> None:
        """Changes ``person``, ``affected_side`` or ``timezone``."""
        with self._database.writing() as connection:
            connection.execute(update(tables.person).values(values))

    def _remove(self, table: Table, number: int, what: str) -> None:
        removed = 0
        if abs(number) < _MOST:
            with self._database.writing() as connection:
                done = connection.execute(delete(table).where(table.c.number == number))
                removed = done.rowcount
        if not removed:
            raise UsageError(_no(what, number, self.path))


def _number_of(connection: Connection, identity: str) -> int | None:
    return connection.execute(
        select(_SESSIONS.c.number).where(_SESSIONS.c.identity == identity)
    ).scalar()


def _insert(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """Adds a row and gives its number."""
    statement = insert(table).values(row).returning(table.c.number)
    return int(connection.execute(statement).scalar_one())


def _replace(connection: Connection, number: int, record: SessionRecord) -> None:
    connection.execute(
        update(_SESSIONS).where(_SESSIONS.c.number == number).values(session_row(record))
    )
    connection.execute(delete(_SEGMENTS).where(_SEGMENTS.c.session == number))
    _write_segments(connection, number, record)


def _write_segments(connection: Connection, number: int, record: SessionRecord) -> None:
    if record.segments:
        connection.execute(insert(_SEGMENTS), segment_rows(number, record))


def _counted(record: SessionRecord) -> list[tuple[object, ...]]:
    return [(s.label, s.valid_s, s.counts) for s in record.segments]


def _no(what: str, number: int, path: Path) -> str:
    return f"{path} holds no {what} {number}: hfs-vision diary list shows the numbers"
