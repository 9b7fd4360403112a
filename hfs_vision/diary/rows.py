"""Rows of the tables <-> records."""

from __future__ import annotations

import gc
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, select

from hfs_vision.diary import layout
from hfs_vision.diary.records import KEYS, Diary, SegmentCounts, SessionRecord, Treatment

_SESSION = [f.name for f in fields(SessionRecord) if f.name != "segments"]
_TREATMENT = [f.name for f in fields(Treatment)]
_COUNTS = [f"{side}_{kind}_count" for side, kind in KEYS]
_TIMES = [f"{side}_{kind}_time_s" for side, kind in KEYS]


def session_row(record: SessionRecord) -> dict[str, Any]:
    """Columns of the session but its number, which the file gives."""
    values = {name: getattr(record, name) for name in _SESSION if name != "number"}
    return {**values, "warnings": list(record.warnings)}


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
    """Everything that the file holds."""
    about = connection.execute(select(layout.person)).one()
    treatments = connection.execute(
        select(*(layout.treatment.c[name] for name in _TREATMENT)).order_by(
            layout.treatment.c.date, layout.treatment.c.number
        )
    )
    with _nothing_collected():
        sessions = tuple(_sessions(connection))
    return Diary(
        person=about.person,
        affected_side=about.affected_side,
        timezone=about.timezone,
        sessions=sessions,
        treatments=tuple(Treatment(**row) for row in treatments.mappings()),
    )


def read_session(connection: Connection, number: int) -> SessionRecord | None:
    """One session; ``None`` if there is none of that number."""
    return next(iter(_sessions(connection, number)), None)


def _sessions(connection: Connection, number: int | None = None) -> list[SessionRecord]:
    table, parts = layout.session, layout.segment
    # With their names, so that the order of columns in the file does not matter.
    sessions = select(*(table.c[name] for name in _SESSION))
    names = ("session", "label", "valid_s", *_COUNTS, *_TIMES)
    segments = select(*(parts.c[name] for name in names))
    if number is not None:
        sessions = sessions.where(table.c.number == number)
        segments = segments.where(parts.c.session == number)
    segments = segments.order_by(parts.c.session, parts.c.position)
    found: defaultdict[int, list[SegmentCounts]] = defaultdict(list)
    for session, label, valid_s, *values in connection.execute(segments).all():
        counts, times = values[: len(KEYS)], values[len(KEYS) :]
        if None in times:
            times = [math.nan if time_s is None else time_s for time_s in times]
        found[session].append(
            SegmentCounts(
                label=label,
                valid_s=valid_s,
                counts=dict(zip(KEYS, counts, strict=True)),
                time_s=dict(zip(KEYS, times, strict=True)),
            )
        )
    sessions = sessions.order_by(table.c.started_utc, table.c.number)
    records = []
    for row in connection.execute(sessions).all():
        known = dict(zip(_SESSION, row, strict=True))  # the rows' own mappings are slow
        known["warnings"] = tuple(known["warnings"])
        records.append(SessionRecord(**known, segments=tuple(found[known["number"]])))
    return records


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
