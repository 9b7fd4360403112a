"""Rows of the tables <-> records."""

from __future__ import annotations

import gc
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import date, datetime, timezone
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select, type_coerce
from sqlalchemy.types import NullType

from hfs_vision.core.messages import read_messages, stored_messages
from hfs_vision.diary import tables
from hfs_vision.diary.records import (
    AFFECTED_SIDES,
    KEYS,
    TREATMENT_KINDS,
    BadRow,
    Diary,
    SegmentCounts,
    SessionRecord,
    Treatment,
)
from hfs_vision.results import sound_json
from hfs_vision.schema import FIRST_YEAR, LARGEST, LAST_YEAR, in_years

_SESSION = [f.name for f in fields(SessionRecord) if f.name != "segments"]
_PERSON = ("person", "affected_side", "timezone")
_TREATMENT = [f.name for f in fields(Treatment)]
_COUNTS = [f"{side}_{kind}_count" for side, kind in KEYS]
_TIMES = [f"{side}_{kind}_time_s" for side, kind in KEYS]


def session_row(record: SessionRecord) -> dict[str, Any]:
    """Columns of the session but its number, which the file gives."""
    values = {name: getattr(record, name) for name in _SESSION if name != "number"}
    return {**values, "warnings": stored_messages(record.warnings)}


def segment_rows(number: int, record: SessionRecord) -> list[dict[str, Any]]:
    """Columns of each of the session's segments."""
    return [
        {
            "session": number,
            "position": position,
            "label": found.label,
            "valid_s": found.valid_s,
            **{name: found.counts[key] for name, key in zip(_COUNTS, KEYS, strict=True)},
            **{name: _known(found.time_s[key]) for name, key in zip(_TIMES, KEYS, strict=True)},
        }
        for position, found in enumerate(record.segments)
    ]


def treatment_row(treatment: Treatment) -> dict[str, Any]:
    """Columns of the treatment but its number."""
    return {name: getattr(treatment, name) for name in _TREATMENT if name != "number"}


def read_all(connection: Connection) -> Diary:
    """Everything that the file holds.

    Raises:
        ValueError: If it does not say whose it is.
    """
    about = connection.execute(select(*_raw(tables.person, _PERSON))).one()
    for name, value in zip(_PERSON, about, strict=True):
        _text(name, value)
    _choice("affected_side", about.affected_side, AFFECTED_SIDES)
    treatments = connection.execute(
        select(*_raw(tables.treatment, _TREATMENT)).order_by(
            tables.treatment.c.date, tables.treatment.c.number
        )
    )
    with _nothing_collected():
        sessions = _sessions(connection)
    marked = [_treatment(row) for row in treatments.all()]
    return Diary(
        person=about.person,
        affected_side=about.affected_side,
        timezone=about.timezone,
        sessions=tuple(row for row in sessions if isinstance(row, SessionRecord)),
        treatments=tuple(row for row in marked if isinstance(row, Treatment)),
        bad=tuple(row for row in (*sessions, *marked) if isinstance(row, BadRow)),
    )


def read_session(connection: Connection, number: int) -> SessionRecord | BadRow | None:
    """One session; ``None`` if there is none of that number."""
    return next(iter(_sessions(connection, number)), None)


def _sessions(connection: Connection, number: int | None = None) -> list[SessionRecord | BadRow]:
    table, parts = tables.session, tables.segment
    # With their names, so that the order of columns in the file does not matter.
    sessions = select(*_raw(table, _SESSION))
    segments = select(*_raw(parts, ("session", "label", "valid_s", *_COUNTS, *_TIMES)))
    if number is not None:
        sessions = sessions.where(table.c.number == number)
        segments = segments.where(parts.c.session == number)
    segments = segments.order_by(parts.c.session, parts.c.position)
    found: defaultdict[int, list[SegmentCounts]] = defaultdict(list)
    wrong: dict[int, str] = {}
    for session, *values in connection.execute(segments).all():
        try:
            found[session].append(_segment(*values))
        except ValueError as error:
            wrong[session] = str(error)
    sessions = sessions.order_by(table.c.started_utc, table.c.number)
    records: list[SessionRecord | BadRow] = []
    for row in connection.execute(sessions).all():
        known = dict(zip(_SESSION, row, strict=True))  # the rows' own mappings are slow
        its_number = known["number"]
        try:
            if its_number in wrong:
                raise ValueError(wrong[its_number])
            for name, read in _READ_SESSION:
                known[name] = read(name, known[name])
        except ValueError as error:
            records.append(BadRow("session", its_number, str(error)))
        else:
            records.append(SessionRecord(**known, segments=tuple(found[its_number])))
    return records


def _segment(label: Any, valid_s: Any, *values: Any) -> SegmentCounts:
    counts, times = values[: len(KEYS)], values[len(KEYS) :]
    if set(map(type, counts)) != {int} or min(counts) < 0:
        raise ValueError(f"a count is none: {_told(counts)}")
    if None in times:
        times = tuple(math.nan if time_s is None else time_s for time_s in times)
    if set(map(type, times)) != {float} or min(times) < 0 or max(times) >= LARGEST:
        raise ValueError(f"the time of a count is none: {_told(times)}")
    if type(valid_s) is not float or not 0 <= valid_s < LARGEST:
        raise ValueError(f"valid_s is {_told(valid_s)}; it must be a number of seconds")
    return SegmentCounts(
        label=_text("label", label),
        valid_s=valid_s,
        counts=dict(zip(KEYS, counts, strict=True)),
        time_s=dict(zip(KEYS, times, strict=True)),
    )


def _treatment(row: Sequence[Any]) -> Treatment | BadRow:
    known = dict(zip(_TREATMENT, row, strict=True))
    try:
        known["date"] = _day("date", known["date"])
        _choice("kind", known["kind"], TREATMENT_KINDS)
        for name in ("product", "units", "sites", "text"):
            known[name] = _text(name, known[name])
    except ValueError as error:
        return BadRow("treatment", known["number"], str(error))
    return Treatment(**known)


# What a cell may hold. SQLite keeps what it is given, and any program may have written it.


def _raw(table: Table, names: Sequence[str]) -> list[ColumnElement[Any]]:
    """Columns as the file has them: what another program wrote there must not end the reading."""
    as_it_is = NullType()
    return [type_coerce(table.c[name], as_it_is).label(name) for name in names]


def _told(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]} ..."


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {_told(value)}; it must be a text")
    return value


def _optional_text(name: str, value: Any) -> str | None:
    return None if value is None else _text(name, value)


def _choice(name: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"{name} is {_told(value)}; it must be one of {', '.join(choices)}")


def _flag(name: str, value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError(f"{name} is {_told(value)}; it must be 0 or 1")
    return bool(value)


def _measured(name: str, value: Any) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, (int, float)) or not abs(value) < LARGEST:
        raise ValueError(f"{name} is {_told(value)}; it must be a number")
    return float(value)


def _whole(name: str, value: Any) -> int | None:
    if value is not None and not isinstance(value, int):
        raise ValueError(f"{name} is {_told(value)}; it must be a whole number")
    return value


def _moment(name: str, value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value)
        known = in_years(found)
        found = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
        found = found.astimezone(timezone.utc)
    except (ValueError, TypeError, OverflowError):
        known = False
    if not known:
        raise ValueError(f"{name} is {_told(value)}; {_DATED}")
    return found


def _day(name: str, value: Any) -> date:
    try:
        found = date.fromisoformat(value)
        known = in_years(found)
    except (ValueError, TypeError):
        known = False
    if not known:
        raise ValueError(f"{name} is {_told(value)}; {_DATED}")
    return found


def _warnings(name: str, value: Any) -> tuple[str, ...]:
    try:
        found = json.loads(value)
        if isinstance(found, list):
            return tuple(read_messages(sound_json(found)))
    except (ValueError, TypeError, RecursionError):
        pass
    raise ValueError(f"{name} is {_told(value)}; it must be a list of texts or of messages")


_LONGEST_TOLD = 60
_DATED = f"it must be a date in the years {FIRST_YEAR} to {LAST_YEAR}"
_READ: dict[str, Callable[[str, Any], Any]] = {
    "started_utc": _moment,
    "sha256": _optional_text,
    "result": _optional_text,
    "result_sha256": _optional_text,
    "partial": _flag,
    "reviewed": _flag,
    "settings_sha256": _optional_text,
    "model_sha256": _optional_text,
    "fps": _measured,
    "face_px": _measured,
    "width": _whole,
    "height": _whole,
    "duration_s": _measured,
    "warnings": _warnings,
}
_READ_SESSION: list[tuple[str, Callable[[str, Any], Any]]] = [
    (name, _READ.get(name, _text)) for name in _SESSION if name != "number"
]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """No search for garbage: among records that are just made it finds none, and takes a third of
    the time that they take.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
