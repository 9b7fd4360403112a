"""Result files: tables of events, twitches, counts and signals, and ``summary.json``.

Plain RFC 4180 CSV with a header row, dot decimals and an empty cell for what is missing. Columns
and units are documented in the README. Files are written beside their place and moved there
when complete, so that a reader never meets half of one.
"""

from __future__ import annotations

import csv
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Count
from hfs_vision.errors import OutputError, TableError, UsageError
from hfs_vision.schema import COMPONENTS, REGIONS, SIDES, Event

EVENT_COLUMNS = (
    "onset_s",
    "duration_s",
    "offset_s",
    "side",
    "region",
    "kind",
    "component",
    "peak_s",
    "score",
    "confidence",
    "closure",
    "excursion",
    "rise_s",
    "closure_velocity",
    "excursion_velocity",
    "eye_mouth_lag_s",
    "valid_fraction",
    "truncated",
    "twitches",
)
TWITCH_COLUMNS = ("event", "onset_s", "duration_s", "side", "region", "peak_s", "score")
COUNT_COLUMNS = ("side", "kind", "count", "rate_per_min", "time_s", "time_share")
_MEASURED = (
    "aperture_left",
    "aperture_right",
    "commissure_lateral_left",
    "commissure_up_left",
    "commissure_lateral_right",
    "commissure_up_right",
    "yaw_deg",
    "pitch_deg",
    "roll_deg",
    "face_px",
    "fit_error",
    "visibility",
)
_DERIVED = (
    "closure_left",
    "closure_right",
    "excursion_left",
    "excursion_right",
    "eye_score_left",
    "eye_score_right",
    "mouth_score_left",
    "mouth_score_right",
)
SIGNAL_COLUMNS = ("time_s", "valid", *_MEASURED, *_DERIVED)

_PRIVATE_FOLDER = 0o700


def check_folder(folder: Path, names: Sequence[str], *, force: bool) -> None:
    """Refuses a folder before the long work starts, where writing to it would fail at the end.

    Args:
        folder: Need not exist.
        names: Files that will be written.
        force: Whether files of those names may be replaced.

    Raises:
        UsageError: If results are there and ``force`` is not set.
        OutputError: If the folder cannot be made or written.
    """
    try:
        existing = [name for name in names if (folder / name).exists()]
        ancestor = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    except OSError as error:  # below a folder that is closed to the user, or too long a name
        raise OutputError(
            f"cannot write results to {folder}: {error.strerror or error}; choose another folder "
            "with --out"
        ) from error
    if existing and not force:
        raise UsageError(
            f"{folder} already holds {existing[0]}: choose another folder with --out, or replace "
            "the results with --force"
        )
    if not ancestor.is_dir() or not os.access(ancestor, os.W_OK | os.X_OK):
        raise OutputError(
            f"cannot write results to {folder}: {ancestor} is not a folder that can be written; "
            "choose another folder with --out"
        )


def write_result(folder: Path, files: dict[str, Callable[[TextIO], None]]) -> None:
    """Writes files into a folder that is private to the user; none appears before all are complete.

    Args:
        folder: Made if it is missing.
        files: Writer of each file's text, by file name.

    Raises:
        OutputError: If the folder or a file cannot be written; nothing is left behind.
    """
    try:
        folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as temporary:
            for name, write in files.items():
                with (Path(temporary) / name).open("w", encoding="utf-8", newline="") as handle:
                    write(handle)
            for name in files:
                (Path(temporary) / name).replace(folder / name)
    except OSError as error:
        raise OutputError(
            f"cannot write results to {folder}: {error.strerror or error}; choose another folder "
            "with --out"
        ) from error


def write_events(handle: TextIO, events: Iterable[Event]) -> None:
    """Writes one row per event, with microsecond decimals; of its twitches the number."""
    rows = csv.writer(handle, lineterminator="\n")
    rows.writerow(EVENT_COLUMNS)
    for event in events:
        values = {name: getattr(event, name) for name in EVENT_COLUMNS}
        values["twitches"] = len(event.twitches) or None
        rows.writerow(map(format_cell, values.values()))


def write_twitches(handle: TextIO, events: Iterable[Event]) -> None:
    """Writes one row per twitch, event by event.

    Column ``event`` is the row of the event in the table that `write_events` makes of the same
    events, from 1, the header not counted.
    """
    rows = csv.writer(handle, lineterminator="\n")
    rows.writerow(TWITCH_COLUMNS)
    for number, event in enumerate(events, start=1):
        for twitch in event.twitches:
            known = {"event": number, "side": event.side}
            rows.writerow(
                format_cell(known[name] if name in known else getattr(twitch, name))
                for name in TWITCH_COLUMNS
            )


def write_counts(handle: TextIO, counts: Sequence[Count]) -> None:
    """Writes one row per side and kind, then the totals."""
    rows = csv.writer(handle, lineterminator="\n")
    rows.writerow(COUNT_COLUMNS)
    for count in counts:
        rows.writerow(format_cell(getattr(count, name)) for name in COUNT_COLUMNS)


def write_signals(handle: TextIO, measured: Measurements, signals: Signals) -> None:
    """Writes one row per frame; the two must hold the same frames."""
    table = np.column_stack(
        [
            measured.time_s,
            signals.valid,
            measured.aperture,
            measured.commissure.reshape(-1, 4),
            measured.yaw_deg,
            measured.pitch_deg,
            measured.roll_deg,
            measured.face_px,
            measured.fit_error,
            measured.visibility,
            signals.closure,
            signals.excursion,
            signals.eye_score,
            signals.mouth_score,
        ]
    )
    handle.write(",".join(SIGNAL_COLUMNS) + "\n")
    line = "%.6f,%d" + ",%.6f" * (len(SIGNAL_COLUMNS) - 2) + "\n"
    for row in table.tolist():
        handle.write((line % tuple(row)).replace("nan", ""))


def write_json(handle: TextIO, values: dict[str, Any]) -> None:
    """Writes strict JSON; NaN becomes null."""
    json.dump(_json_ready(values), handle, indent=2, ensure_ascii=False, allow_nan=False)
    handle.write("\n")


def read_signals(path: Path) -> Measurements:
    """Reads the measured columns of a signals file; derived ones are ignored.

    Raises:
        TableError: If the file, a column or a cell is not as documented; names file and row.
    """
    names = ("time_s", *_MEASURED)
    rows = []
    for number, record in read_rows(path, names):
        rows.append([parse_number(path, number, name, record[name]) for name in names])
    table = np.array(rows, dtype=np.float64).reshape(-1, len(names))
    time_s = table[:, 0]
    wrong = np.flatnonzero(~np.isfinite(time_s) | ~(np.diff(time_s, prepend=-np.inf) > 0))
    if len(wrong):
        raise TableError(
            f"{path}, row {wrong[0] + 2}: time_s is {time_s[wrong[0]]:g}; times must be numbers "
            "that increase from row to row"
        )
    complete = np.isfinite(table[:, 1:]).all(axis=1)
    table[~complete, 1:] = np.nan
    return Measurements(
        time_s, table[:, 1:3], table[:, 3:7].reshape(-1, 2, 2), *table[:, 7:].T.copy()
    )


def read_events(path: Path) -> list[Event]:
    """Reads an event table, also one that was edited by hand.

    Only ``onset_s``, ``side`` and ``region``, and ``duration_s`` or ``offset_s`` are required;
    what else is missing becomes NaN. Of the twitches the table holds but the number: the events
    have none.

    Raises:
        TableError: If a row is not as documented; names file and row.
    """
    events = []
    for number, record in read_rows(path, ("onset_s", "side", "region")):

        def value(name: str, row: int = number, cells: dict[str, str] = record) -> float:
            return parse_number(path, row, name, cells.get(name) or "")

        def choice(
            name: str, choices: Sequence[str], row: int = number, cells: dict[str, str] = record
        ) -> str:
            if cells[name] not in choices:
                raise TableError(
                    f"{path}, row {row}: {name} is {cells[name]!r}; write one of "
                    f"{', '.join(choices)}"
                )
            return cells[name]

        onset_s, offset_s = value("onset_s"), value("offset_s")
        if math.isnan(offset_s):
            offset_s = onset_s + value("duration_s")
        if not offset_s > onset_s:
            raise TableError(
                f"{path}, row {number}: the event runs from {onset_s:g} s to {offset_s:g} s; it "
                "must have onset_s and a positive duration_s, or offset_s after onset_s"
            )
        lag_s = value("eye_mouth_lag_s")
        component = "component" in record and record["component"]
        events.append(
            Event(
                onset_s=onset_s,
                offset_s=offset_s,
                side=choice("side", SIDES),
                region=choice("region", REGIONS),
                component=choice("component", COMPONENTS)
                if component
                else COMPONENTS[int(offset_s - onset_s >= 1.0)],
                peak_s=value("peak_s"),
                score=value("score"),
                confidence=value("confidence"),
                closure=value("closure"),
                excursion=value("excursion"),
                rise_s=value("rise_s"),
                closure_velocity=value("closure_velocity"),
                excursion_velocity=value("excursion_velocity"),
                eye_mouth_lag_s=None if math.isnan(lag_s) else lag_s,
                valid_fraction=value("valid_fraction"),
                truncated=value("truncated") == 1,
            )
        )
    return events


def read_rows(path: Path, required: Sequence[str]) -> Iterable[tuple[int, dict[str, str]]]:
    """Rows of a CSV file with their line numbers, after checking the header.

    Args:
        path: File with a header row.
        required: Columns that must be there; ``a|b`` where either will do.

    Raises:
        TableError: If the file, its header or a row's number of cells is wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            header = set(reader.fieldnames or ())
            missing = [name for name in required if not header.intersection(name.split("|"))]
            if missing:
                name = " or ".join(map(repr, missing[0].split("|")))
                raise TableError(
                    f"{path}, row 1: column {name} is missing; the first row must name the columns"
                )
            for record in reader:
                if None in record or None in record.values():
                    raise TableError(
                        f"{path}, row {reader.line_num}: the number of cells differs from that of "
                        "the first row"
                    )
                yield reader.line_num, record
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path} cannot be read as a CSV table: {error}") from error


def parse_number(path: Path, row: int, name: str, text: str) -> float:
    """Number in a cell; NaN if it is empty, a `TableError` if it is anything else."""
    try:
        value = float(text) if text.strip() else math.nan
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise TableError(f"{path}, row {row}: {name} is {text!r}; write a number or leave it empty")
    return value


def format_cell(value: object) -> str:
    """Text of a cell: microsecond decimals, 0 or 1 for a truth value, empty for what is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def _json_ready(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json_ready(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_ready(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return round(value, 6) if isinstance(value, float) else value
