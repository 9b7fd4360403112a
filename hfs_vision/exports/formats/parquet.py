"""Typed tables in Parquet: one of each for all recordings, which a column names."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hfs_vision.errors import UsageError
from hfs_vision.exports.column_descriptions import (
    EVENTS,
    FREE_TEXT,
    NUMBER,
    REVIEW,
    SEGMENT,
    SIGNALS,
    TWITCHES,
    ColumnDescription,
)
from hfs_vision.exports.content import OWN_CLOCK, Content
from hfs_vision.exports.export_format import ExportFormat, ExportJob
from hfs_vision.results import signal_columns
from hfs_vision.schema import NOT_A_DEVICE

_TABLES = ("recordings", "events", "twitches", "stretches", "signals")

SCHEMA_VERSION = "1"
"""Raised when a column changes its name, type or meaning."""

ROW_GROUP = 65536
"""Frames of one row group: 18 minutes at 60 frames/s."""

_RECORDING = ColumnDescription("Which recording; the same in all tables", "", "text")
_STRETCHES = {
    "recording": _RECORDING,
    "kind": ColumnDescription(
        "What it is",
        "",
        "text",
        {
            "segment": "A labelled stretch of a session",
            "not_measured": "No face, or no frames: no valid time",
            "mark": "A moment that the user marked",
        },
    ),
    "label": ColumnDescription("What it is called", "", "text"),
    "start_s": ColumnDescription("When it begins, on the recording's own clock", "s"),
    "end_s": ColumnDescription("When it ends", "s"),
}
_RECORDINGS = {
    "recording": _RECORDING,
    "start_s": ColumnDescription("Time of the first frame, on the recording's own clock", "s"),
    "end_s": ColumnDescription("End of the last frame", "s"),
    "zero_s": ColumnDescription(
        "Where players begin to count; taken off a time, it gives what they show", "s"
    ),
    "valid_s": ColumnDescription("Time in which both sides were measured; rates refer to it", "s"),
    "fps": ColumnDescription("Median frame rate", "1/s"),
    "reviewed": ColumnDescription("The events are those that a person corrected", "", "truth"),
    "started_utc": ColumnDescription("When a live session started, ISO 8601", "", "text"),
    "hfs_vision_version": ColumnDescription("Version of the program", "", "text"),
    "landmarker": ColumnDescription("Landmark model", "", "text"),
    "settings": ColumnDescription("What was decided by, as JSON", "", "text"),
}


def _check_pyarrow(_: Path) -> None:
    """Raises a `UsageError` where the library is missing, or does not go with numpy."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"--to parquet needs pyarrow, which cannot be loaded ({error}): "
            "python -m pip install 'hfs-vision[export]'"
        ) from error


def write_parquet(folder: Path, contents: Iterable[Content], *, deidentify: bool) -> None:
    """Writes ``recordings``, ``events``, ``twitches``, ``stretches`` and ``signals.parquet``.

    One recording is held at a time. Missing values are null.

    Args:
        folder: Must exist.
        contents: The recordings.
        deidentify: Leave out the columns of free text and dates.
    """
    hidden = {*FREE_TEXT, "started_utc"} if deidentify else set()
    tables = {
        "recordings": _RECORDINGS,
        "events": {"recording": _RECORDING, "number": NUMBER, **EVENTS, "segment": SEGMENT}
        | REVIEW,
        "twitches": {"recording": _RECORDING, "event": NUMBER, **TWITCHES},
        "stretches": _STRETCHES,
        "signals": {"recording": _RECORDING, **SIGNALS},
    }
    clock = "Times are seconds from the first frame" if deidentify else OWN_CLOCK
    with ExitStack() as stack:
        written = {}
        for name, columns in tables.items():
            shown = {k: column for k, column in columns.items() if k not in hidden}
            table = _ParquetTable(folder / f"{name}.parquet", shown, clock)
            written[name] = stack.enter_context(table)
        for content in contents:
            written["recordings"].add([_recording(content)])
            written["events"].add(_events(content))
            written["twitches"].add(_twitches(content))
            written["stretches"].add(
                {"recording": content.name, **vars(stretch)} for stretch in content.stretches
            )
            for columns in _signals(content):
                written["signals"].add_columns(columns)


class _ParquetTable:
    """A Parquet file that takes rows, or whole columns, a row group at a time."""

    def __init__(self, path: Path, columns: Mapping[str, ColumnDescription], clock: str) -> None:
        import pyarrow
        import pyarrow.parquet

        types = {
            "number": pyarrow.float64(),
            "whole": pyarrow.int32(),
            "truth": pyarrow.bool_(),
            "text": pyarrow.string(),
        }
        fields = [
            pyarrow.field(name, types[column.kind], metadata=_about(column))
            for name, column in columns.items()
        ]
        about = {
            "hfs_vision.schema_version": SCHEMA_VERSION,
            "hfs_vision.notice": NOT_A_DEVICE,
            "hfs_vision.clock": clock,
        }
        self._schema = pyarrow.schema(fields, metadata=about)
        self._arrow = pyarrow
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema)

    def __enter__(self) -> _ParquetTable:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        rows = list(rows)
        if rows:
            self.add_columns({n: [row.get(n) for row in rows] for n in self._schema.names})

    def add_columns(self, columns: Mapping[str, Any]) -> None:
        arrays = [
            # NaN becomes null.
            self._arrow.array(columns[field.name], type=field.type, from_pandas=True)
            for field in self._schema
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))


def _about(column: ColumnDescription) -> dict[str, str]:
    about = {"description": column.text}
    if column.unit:
        about["unit"] = column.unit
    if column.levels:
        about["levels"] = json.dumps(column.levels)
    return about


def _recording(content: Content) -> dict[str, Any]:
    started = content.started_utc
    return {
        "recording": content.name,
        "start_s": content.start_s,
        "end_s": content.end_s,
        "zero_s": content.zero_s,
        "valid_s": content.valid_s,
        "fps": content.fps,
        "reviewed": content.reviewed,
        "started_utc": started.isoformat() if started else None,
        "hfs_vision_version": content.facts.get("hfs_vision_version"),
        "landmarker": content.facts.get("landmarker"),
        "settings": json.dumps(content.facts["settings"]),
    }


def _events(content: Content) -> Iterator[dict[str, Any]]:
    for number, record in enumerate(content.events, start=1):
        event = record.event
        values = {name: getattr(event, name) for name in EVENTS}
        values["twitches"] = len(event.twitches) or None
        texts = {name: getattr(record, name) or None for name in REVIEW}
        texts["segment"] = content.segment_at(record.event.onset_s) or None
        yield {"recording": content.name, "number": number, **values, **texts}


def _twitches(content: Content) -> Iterator[dict[str, Any]]:
    for number, record in enumerate(content.events, start=1):
        for twitch in record.event.twitches:
            own = {n: getattr(twitch, n) for n in TWITCHES if n != "side"}
            known = {"recording": content.name, "event": number, "side": record.event.side}
            yield known | own


def _signals(content: Content) -> Iterator[dict[str, Any]]:
    for start in range(0, len(content.signals), ROW_GROUP):
        rows = slice(start, start + ROW_GROUP)
        measured, signals = content.measurements[rows], content.signals[rows]
        named = {"recording": [content.name] * len(signals), "valid": signals.valid}
        yield signal_columns(measured, signals) | named


def _write(folder: Path, job: ExportJob) -> None:
    write_parquet(folder, job.contents, deidentify=job.request.deidentify)


FORMAT = ExportFormat(
    name="parquet",
    title="Parquet",
    targets=lambda *_: [f"{table}.parquet" for table in _TABLES],
    write=_write,
    check=_check_pyarrow,
)
