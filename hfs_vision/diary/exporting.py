"""A diary as tables for other programs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from hfs_vision.diary.dates import local_day, open_zone
from hfs_vision.diary.records import KEYS, Diary, SessionRecord, Treatment
from hfs_vision.results import check_folder, line, numbered_labels, write_result
from hfs_vision.schema import LANDMARKERS

SESSIONS_FILE, COUNTS_FILE = "sessions.csv", "counts.csv"
TREATMENTS_FILE = "treatments.csv"
EXPORTED_FILES = (SESSIONS_FILE, COUNTS_FILE, TREATMENTS_FILE)

_FACTS = [f.name for f in fields(SessionRecord) if f.name not in ("number", "segments", "warnings")]
_TELLING = ("started_utc", "sha256", "result", "result_sha256", "device", "protocol", "note")
_HASH, _VERSION = re.compile(r"[0-9a-f]{64}"), re.compile(r"\d+(\.\d+)*([abc]|rc|\.dev|\.post)?\d*")

Row = Sequence[object]


def export_diary(diary: Diary, out: Path, *, deidentify: bool = False, force: bool = False) -> None:
    """Writes `EXPORTED_FILES` into a folder that is private to the user.

    De-identified, names, paths, hashes of recordings, devices and free text are left out, labels
    of segments are numbered where they are the user's own words, and dates become days since the
    first session (or the first treatment, where there is no session).

    Raises:
        UsageError: If files are there and ``force`` is not set.
        OutputError: If the folder cannot be written.
    """
    check_folder(out, EXPORTED_FILES, force=force, what="tables")
    tables = (_sessions, _counts, _treatments)
    files: dict[str, Callable[[TextIO], None]] = {
        name: partial(_write, rows=table(diary, deidentify))
        for name, table in zip(EXPORTED_FILES, tables, strict=True)
    }
    write_result(out, files, force=force)


def _write(handle: TextIO, rows: Iterable[Row]) -> None:
    for row in rows:
        handle.write(line(row))


def _sessions(diary: Diary, deidentify: bool) -> Iterable[Row]:
    zone, whose = open_zone(diary.timezone), {"affected_side": diary.affected_side}
    names = [name for name in _FACTS if not (deidentify and name in _TELLING)]
    if not deidentify:
        whose = {"person": diary.person, **whose}
        names.append("warnings")
    yield ["session", "day" if deidentify else "date", *whose, *names]
    for session in diary.sessions:
        values = {name: getattr(session, name) for name in names}
        if deidentify:
            values |= _safe(session)
        else:
            values["started_utc"] = session.started_utc.isoformat()
            values["warnings"] = "; ".join(session.warnings)
        day = _told_day(diary, local_day(session.started_utc, zone), deidentify)
        yield [session.number, day, *whose.values(), *values.values()]


def _counts(diary: Diary, deidentify: bool) -> Iterable[Row]:
    labels = {s.label for session in diary.sessions for s in session.segments}
    told = numbered_labels(sorted(labels)) if deidentify else {label: label for label in labels}
    yield [
        *("session", "segment", "side", "kind"),
        *("count", "time_s", "valid_s", "rate_per_min", "time_share"),
    ]
    for session in diary.sessions:
        for found in session.segments:
            valid_s = found.valid_s if found.valid_s > 0 else math.nan
            for side, kind in KEYS:
                count, time_s = found.counts[side, kind], found.time_s[side, kind]
                where = [session.number, told[found.label], side, kind]
                rates = [60 * count / valid_s, time_s / valid_s]
                yield [*where, count, time_s, found.valid_s, *rates]


def _treatments(diary: Diary, deidentify: bool) -> Iterable[Row]:
    free = () if deidentify else ("product", "units", "sites", "text")
    names = [f.name for f in fields(Treatment) if f.name in free]
    yield ["treatment", "day" if deidentify else "date", "kind", *names]
    for treatment in diary.treatments:
        day = _told_day(diary, treatment.date, deidentify)
        texts = [getattr(treatment, name) for name in names]
        yield [treatment.number, day, treatment.kind, *texts]


def _told_day(diary: Diary, day: date, deidentify: bool) -> object:
    if not deidentify:
        return day.isoformat()
    zone = open_zone(diary.timezone)
    days = [local_day(session.started_utc, zone) for session in diary.sessions[:1]]
    first = next(iter([*days, *(treatment.date for treatment in diary.treatments[:1])]))
    return (day - first).days


def _safe(session: SessionRecord) -> dict[str, Any]:
    """Only what cannot be a name: a summary may have been edited by hand before it was added."""

    def matching(pattern: re.Pattern[str], text: str | None) -> str | None:
        return text if text and pattern.fullmatch(text) else None

    return {
        "settings_sha256": matching(_HASH, session.settings_sha256),
        "model_sha256": matching(_HASH, session.model_sha256),
        "landmarker": session.landmarker if session.landmarker in LANDMARKERS else None,
        "hfs_vision": matching(_VERSION, session.hfs_vision),
    }
