"""``cohort_counts.csv``: the counts of all persons in one tidy table, and what its columns mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from hfs_vision.cohort.persons import Person
from hfs_vision.diary import TREATMENT_KINDS, SegmentCounts
from hfs_vision.results import line, numbered_labels, write_json, write_result
from hfs_vision.schema import KINDS, NOT_A_DEVICE, SIDES

COUNTS_CSV, COUNTS_PARQUET = "cohort_counts.csv", "cohort_counts.parquet"
CODE_BOOK = "cohort_counts.json"
TABLE_FILES = (COUNTS_CSV, COUNTS_PARQUET, CODE_BOOK)

DATED_KINDS = tuple(kind for kind in TREATMENT_KINDS if kind != "note")
"""What the days of a session are counted from."""


@dataclass(frozen=True)
class CountColumn:
    """What a column holds.

    Attributes:
        text: Meaning.
        kind: ``text``, ``whole``, ``number`` or ``truth``.
        unit: Empty where it has none.
    """

    text: str
    kind: str = "text"
    unit: str = ""


_STARTED = {"started_utc": CountColumn("When the session was recorded, ISO 8601 in UTC")}
_SINCE = {
    f"days_since_{kind}": CountColumn(
        f"Days from the last {kind} until the session, 0 on the day itself; missing before the "
        "first",
        "whole",
        "d",
    )
    for kind in DATED_KINDS
}
COLUMNS = {
    "person": CountColumn("Who, as the diary says; a number where names are left out"),
    "session": CountColumn("Number of the session in the person's diary", "whole"),
    **_STARTED,
    "day": CountColumn(
        "Days since the person's first session, counted on the person's own calendar", "whole", "d"
    ),
    "segment": CountColumn(
        "Label of a stretch of the session; missing for the session as a whole, which holds its "
        "stretches: do not add the two"
    ),
    "side": CountColumn("left or right, the subject's own"),
    "affected": CountColumn(
        "yes or no: whether that is the affected side as the diary states it; unknown where it "
        "does not"
    ),
    "kind": CountColumn("Kind of movement; there are no rows of sums"),
    "count": CountColumn("Events of that side and kind", "whole"),
    "time_s": CountColumn("Their total duration", "number", "s"),
    "valid_s": CountColumn(
        "Time in which both sides were measured; the same in all rows of a segment", "number", "s"
    ),
    "rate_per_min": CountColumn(
        "Events per minute of valid time; missing without any", "number", "1/min"
    ),
    "time_share": CountColumn("Their duration as a share of valid time, 0 to 1", "number"),
    **_SINCE,
    "reviewed": CountColumn("Whether a person corrected the events", "truth"),
    "partial": CountColumn("Whether the recording was not analysed to its end", "truth"),
    "fps": CountColumn("Median frames per second", "number", "1/s"),
    "face_px": CountColumn("Median distance between the outer corners of the eyes", "number", "px"),
    "settings_sha256": CountColumn("Of the settings: counts of other settings may differ"),
    "model_sha256": CountColumn("Of the landmark model"),
    "hfs_vision": CountColumn("Version of the program that counted"),
}
"""Columns of the table in order; ``started_utc`` is left out without names."""


def shown_columns(*, deidentify: bool) -> dict[str, CountColumn]:
    """The columns that a table has."""
    return {name: c for name, c in COLUMNS.items() if not (deidentify and name in _STARTED)}


def count_rows(persons: Sequence[Person], *, deidentify: bool = False) -> Iterator[dict[str, Any]]:
    """One row for each person, session, segment, side and kind; of `COLUMNS`.

    Args:
        persons: Whose.
        deidentify: Number the labels that are no usual ones: they are free text.
    """
    given = (s.label for p in persons for session in p.diary.sessions for s in session.segments)
    labels = numbered_labels(given) if deidentify else {}
    for person in persons:
        sessions = person.diary.sessions
        for session in sessions:
            day = person.day(session)
            about: dict[str, Any] = {
                "person": person.name,
                "session": session.number,
                "started_utc": session.started_utc.isoformat(timespec="seconds"),
                "day": (day - person.day(sessions[0])).days,
                **days_since(person, day),
                **{
                    name: getattr(session, name)
                    for name in ("reviewed", "partial", "fps", "face_px", "settings_sha256")
                },
                "model_sha256": session.model_sha256,
                "hfs_vision": session.hfs_vision or None,
            }
            for segment in session.segments:
                label = labels.get(segment.label, segment.label) or None
                for row in _segment_rows(segment):
                    yield (
                        about
                        | row
                        | {
                            "segment": label,
                            "affected": _is_affected(row["side"], person.diary.affected_side),
                        }
                    )


def days_since(person: Person, day: date) -> dict[str, int | None]:
    """Days from the last treatment of each kind until a day; None before the first."""
    since: dict[str, int | None] = dict.fromkeys(_SINCE)
    for treatment in person.diary.treatments:
        if treatment.kind in DATED_KINDS and treatment.date <= day:
            since[f"days_since_{treatment.kind}"] = (day - treatment.date).days
    return since


def write_table(
    persons: Sequence[Person], folder: Path, *, deidentify: bool = False
) -> tuple[str, ...]:
    """Writes the table as CSV and Parquet with its code book; all files or none.

    Args:
        persons: Whose counts.
        folder: Made if it is missing.
        deidentify: Leave out dates, and labels that are free text.

    Returns:
        Names of the files; without `COUNTS_PARQUET` where pyarrow cannot be loaded.

    Raises:
        OutputError: If the folder or a file cannot be written.
    """
    columns = shown_columns(deidentify=deidentify)
    rows = list(count_rows(persons, deidentify=deidentify))
    book = {
        "notice": NOT_A_DEVICE,
        "hfs_vision": version("hfs-vision"),
        "persons": len(persons),
        "rows": len(rows),
        "columns": {name: vars(column) for name, column in columns.items()},
    }
    files: dict[str, Callable[[TextIO], None]] = {
        COUNTS_CSV: partial(_write_csv, columns=columns, rows=rows),
        CODE_BOOK: partial(write_json, values=book),
    }
    if _has_pyarrow():
        files[COUNTS_PARQUET] = partial(_write_parquet, columns=columns, rows=rows)
    write_result(folder, files, force=True)  # what is there was asked about before
    return tuple(files)


def _segment_rows(segment: SegmentCounts) -> Iterator[dict[str, Any]]:
    valid_s = segment.valid_s if segment.valid_s > 0 else math.nan
    for side in SIDES:
        for kind in KINDS:
            count, time_s = segment.counts.get((side, kind), 0), segment.time_s.get((side, kind), 0)
            yield {
                "side": side,
                "kind": kind,
                "count": count,
                "time_s": float(time_s),
                "valid_s": segment.valid_s,
                "rate_per_min": 60.0 * count / valid_s,
                "time_share": time_s / valid_s,
            }


def _is_affected(side: str, stated: str) -> str:
    if stated == "unknown":
        return stated
    return "yes" if stated in (side, "both") else "no"


def _write_csv(handle: TextIO, columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> None:
    handle.write(line(columns))
    for row in rows:
        handle.write(line(row[name] for name in columns))


def _has_pyarrow() -> bool:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        return False
    return True


def _write_parquet(
    handle: TextIO, columns: Mapping[str, CountColumn], rows: Sequence[Mapping[str, Any]]
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"text": pa.string(), "whole": pa.int64(), "number": pa.float64(), "truth": pa.bool_()}
    fields = [
        pa.field(
            name, types[column.kind], metadata={"description": column.text, "unit": column.unit}
        )
        for name, column in columns.items()
    ]
    schema = pa.schema(fields, metadata={"hfs_vision.notice": NOT_A_DEVICE})
    arrays = [  # NaN becomes null
        pa.array([row[f.name] for row in rows], type=f.type, from_pandas=True) for f in schema
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), handle.buffer)
