"""Writes result files: rows as text, whole files, and folders that are complete or not there."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.messages import Message
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Count, Segment
from hfs_vision.errors import OutputError, UsageError
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.results.atomic import (
    PRIVATE_FOLDER,
    check_free,
    finish_replacing,
    replace_files,
)
from hfs_vision.results.columns import (
    COUNT_COLUMNS,
    DERIVED_COLUMNS,
    EVENT_COLUMNS,
    FACE_COLUMNS,
    FORMULA,
    MEASURED_COLUMNS,
    SEGMENT_COLUMNS,
    SIGNAL_COLUMNS,
    TWITCH_COLUMNS,
)
from hfs_vision.results.ownership import check_replaceable, is_ours
from hfs_vision.schema import SIDES, Event, FloatArray

_QUOTED = ',"\r\n'
"""A cell that holds one of these goes into quotes."""
_SIGNAL_LINE = "%.6f,%d" + ",%.6f" * (len(SIGNAL_COLUMNS) - 2) + "\n"
_PROVISIONAL_LINE = "%.6f," + ",%.6f" * len(MEASURED_COLUMNS) + "," * len(DERIVED_COLUMNS) + "\n"


def check_folder(
    folder: Path,
    names: Sequence[str],
    *,
    force: bool,
    renewed: Sequence[str] = (),
    retired: Sequence[str] = (),
    inputs: Sequence[Path] = (),
    what: str = "results",
    place: str = "folder",
) -> None:
    """Refuses a folder before the long work starts, where writing to it would fail at the end.

    Args:
        folder: Need not exist.
        names: Files that will be written.
        force: Whether files of those names may be replaced.
        renewed: Files that will be written too, and replace those that this program wrote.
        retired: Files that go, where this program wrote them.
        inputs: What the command reads, which must stay.
        what: Of what kind the files are, as the user is told.
        place: What the command's ``--out`` names.

    Raises:
        UsageError: If files are there and ``force`` is not set, or an input would be replaced.
        OutputError: If the folder cannot be made or written, or a session is writing there.
    """
    try:
        if folder.is_dir():
            check_free(folder)
            finish_replacing(folder)
        for name in (*names, *renewed, *filter(lambda name: is_ours(folder / name), retired)):
            check_replaceable(folder / name, force=force or name in names, inputs=inputs)
        existing = [name for name in names if os.path.lexists(folder / name)]
        ancestor = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    except OSError as error:  # below a folder that is closed to the user, or too long a name
        raise OutputError(
            f"cannot write {what} to {folder}: {error.strerror or error}; choose another {place} "
            "with --out"
        ) from error
    if existing and not force:
        raise UsageError(
            f"{folder} already holds {existing[0]}: choose another {place} with --out, or replace "
            f"the {what} with --force"
        )
    if not ancestor.is_dir() or not os.access(ancestor, os.W_OK | os.X_OK):
        raise OutputError(
            f"cannot write {what} to {folder}: {ancestor} is not a folder that can be written; "
            f"choose another {place} with --out"
        )


def write_result(
    folder: Path,
    files: Mapping[str, Callable[[TextIO], None]],
    *,
    force: bool = False,
    inputs: Sequence[Path] = (),
    remove: Sequence[str] = (),
    retiring: bool = False,
    alone: bool = False,
) -> str | None:
    """Writes files into a folder that is private to the user; all of them appear, or none.

    Args:
        folder: Made if it is missing.
        files: Writer of each file's text, by file name.
        force: Whether files that this program did not write may be replaced.
        inputs: What the running command reads: never replaced.
        remove: Names of files that go at the same time, where this program wrote them.
        retiring: Whether the files are another result: see `hfs_vision.results.retire`.
        alone: Whether the caller has the folder `held`.

    Returns:
        The new name of corrections of other events, as `hfs_vision.results.retire` gives it.

    Raises:
        UsageError: If a file that this program did not write is there; see ``force``.
        OutputError: If the folder or a file cannot be written; nothing is left behind.
    """

    def write_all(complete: Path) -> None:
        for name, write in files.items():
            with open(
                complete / name, "x", encoding="utf-8", newline="", opener=_private
            ) as handle:
                write(handle)

    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        return replace_files(
            folder,
            write_all,
            force=force,
            inputs=inputs,
            remove=remove,
            retiring=retiring,
            alone=alone,
        )
    except OSError as error:
        raise OutputError(
            f"cannot write results to {folder}: {error.strerror or error}; choose another folder "
            "with --out"
        ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def write_events(handle: TextIO, events: Iterable[Event]) -> None:
    """Writes one row per event, with microsecond decimals; of its twitches the number."""
    handle.write(line(EVENT_COLUMNS))
    for event in events:
        handle.write(event_line(event))


def write_twitches(handle: TextIO, events: Iterable[Event]) -> None:
    """Writes one row per twitch, event by event.

    Column ``event`` is the row of the event in the table that `write_events` makes of the same
    events, from 1, the header not counted.
    """
    handle.write(line(TWITCH_COLUMNS))
    for number, event in enumerate(events, start=1):
        handle.write(twitch_lines(number, event))


def write_counts(handle: TextIO, counts: Sequence[Count]) -> None:
    """Writes one row per side and kind, then the totals."""
    handle.write(line(COUNT_COLUMNS))
    for count in counts:
        handle.write(line(getattr(count, name) for name in COUNT_COLUMNS))


def write_segments(handle: TextIO, segments: Sequence[Segment]) -> None:
    """Writes the rows of `write_counts` for each segment, numbered from 1."""
    handle.write(line(SEGMENT_COLUMNS))
    for number, segment in enumerate(segments, start=1):
        where = (number, segment.label, segment.start_s, segment.end_s, segment.valid_s)
        for count in segment.counts:
            handle.write(line([*where, *(getattr(count, name) for name in COUNT_COLUMNS)]))


def write_signals(handle: TextIO, measured: Measurements, signals: Signals) -> None:
    """Writes one row per frame; the two must hold the same frames."""
    handle.write(line(SIGNAL_COLUMNS))
    for text in signal_lines(measured, signals):
        handle.write(text)


def event_line(event: Event) -> str:
    """Row of `EVENT_COLUMNS`."""
    return line(event_cells(event))


def event_cells(event: Event) -> list[object]:
    """Values of `EVENT_COLUMNS`."""
    values = {name: getattr(event, name) for name in EVENT_COLUMNS}
    values["twitches"] = len(event.twitches) or None
    return list(values.values())


def twitch_lines(number: int, event: Event) -> str:
    """Rows of `TWITCH_COLUMNS` of the event with this row number."""
    known = {"event": number, "side": event.side}
    return "".join(
        line(known[name] if name in known else getattr(twitch, name) for name in TWITCH_COLUMNS)
        for twitch in event.twitches
    )


def signal_lines(measured: Measurements, signals: Signals | None) -> Iterator[str]:
    """Rows of `SIGNAL_COLUMNS`; what is derived stays empty where no signals are known yet."""
    template = _PROVISIONAL_LINE if signals is None else _SIGNAL_LINE
    columns = signal_columns(measured, signals)
    known = [columns[name] for name in SIGNAL_COLUMNS if name in columns]
    for row in np.column_stack(known).tolist():
        yield (template % tuple(row)).replace("nan", "")


def signal_columns(measured: Measurements, signals: Signals | None) -> dict[str, FloatArray]:
    """`SIGNAL_COLUMNS` by name, ``(n,)`` each; those that are derived only if they are known."""
    found = {"time_s": measured.time_s} | {name: getattr(measured, name) for name in FACE_COLUMNS}
    for region in FACE_REGIONS:
        values = getattr(measured, region.field)
        for i, side in enumerate(SIDES):
            of_side = values[:, i].reshape(len(values), len(region.measured)).T
            found |= {f"{n}_{side}": v for n, v in zip(region.measured, of_side, strict=True)}
    if signals is not None:
        found["valid"] = signals.valid.astype(np.float64)
        for name in (name for region in FACE_REGIONS for name in (region.amplitude, region.score)):
            pair = getattr(signals, name)
            found |= {f"{name}_{side}": pair[:, i] for i, side in enumerate(SIDES)}
    return found


def line(values: Iterable[object]) -> str:
    """One row as text, with its newline."""
    return line_of_cells(list(map(format_cell, values)))


def line_of_cells(cells: Sequence[str]) -> str:
    """The same of cells that are texts already, and stay as they are."""
    joined = "".join(cells)
    if len(cells) > 1 and not any(character in joined for character in _QUOTED):
        return ",".join(cells) + "\n"
    text = io.StringIO()
    # Before Python 3.13 a cell is put into quotes for the characters of the row's end alone.
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()[:-2] + "\n"


def write_json(handle: TextIO, values: dict[str, Any]) -> None:
    """Writes strict JSON; NaN becomes null."""
    text = json.dumps(_json_ready(values), indent=2, ensure_ascii=False, allow_nan=False)
    handle.write(_encodable(text) + "\n")


def format_cell(value: object) -> str:
    """Text of a cell: microsecond decimals, 0 or 1 for a truth value, empty for what is missing.

    What a spreadsheet would take for a formula gets an apostrophe first, also within a text.
    """
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6f}"
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return FORMULA.sub("'", _encodable(value)) if isinstance(value, str) else str(value)


def _encodable(text: str) -> str:
    r"""The text with ``\udce9`` for half a character, as names of files have that are not UTF-8.

    In JSON that means the same. A NUL, which Python 3.10 can neither write nor read, is left out.
    """
    text = text.replace("\0", "")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _json_ready(value: Any) -> Any:
    if isinstance(value, Message):
        return _json_ready(value.as_dict())
    if isinstance(value, dict):
        return {key: _json_ready(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_ready(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return round(value, 6) if isinstance(value, float) else value
