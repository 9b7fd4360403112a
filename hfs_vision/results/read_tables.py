"""Reads tables back, also those that were edited by hand, and says which row is wrong."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from hfs_vision.core.geometry import Measurements
from hfs_vision.errors import TableError
from hfs_vision.results.columns import (
    DEFUSED,
    EVENT_COLUMNS,
    MARK_COLUMNS,
    MEASURED_COLUMNS,
    SIGNAL_COLUMNS,
)
from hfs_vision.results.time_limits import RecordingSpan
from hfs_vision.schema import (
    COMPONENTS,
    END_SLACK_S,
    LARGEST,
    REGIONS,
    SIDES,
    Event,
    FloatArray,
    StrPath,
)

ANY_RECORDING = RecordingSpan()
"""Nothing is known of it: every time will do."""

_ROUNDING_S = 5e-7
"""Of the microseconds that tables hold."""

MOST_COLUMNS = 1000
"""Of a table; each row is looked up by their names."""


def read_signals(path: StrPath) -> Measurements:
    """Reads the measured columns of a signals file; derived ones are ignored.

    Raises:
        TableError: If the file, a column or a cell is not as documented; names file and row.
    """
    path = Path(path)
    return as_measurements(path, read_numbers(path, ("time_s", *MEASURED_COLUMNS)))


def as_measurements(path: Path, table: FloatArray) -> Measurements:
    """The columns ``time_s`` and `MEASURED_COLUMNS` as measurements.

    Raises:
        TableError: If the times do not increase; see `check_times`.
    """
    time_s = table[:, 0]
    check_times(path, time_s)
    complete = np.isfinite(table[:, 1:]).all(axis=1)
    table[~complete, 1:] = np.nan
    return Measurements(
        time_s, table[:, 1:3], table[:, 3:7].reshape(-1, 2, 2), *table[:, 7:].T.copy()
    )


def check_times(path: Path, time_s: FloatArray) -> None:
    """Refuses times of frames that do not increase, by a microsecond or more: tables hold no less.

    Raises:
        TableError: With the first row that is wrong.
    """
    wrong = np.flatnonzero(~(np.diff(np.rint(time_s * 1e6), prepend=-np.inf) > 0))
    if len(wrong):
        raise TableError(
            f"{path}, row {wrong[0] + 2}: time_s is {time_s[wrong[0]]:g}; times must be numbers "
            "that increase from row to row"
        )


def read_numbers(path: Path, names: Sequence[str]) -> FloatArray:
    """Columns of a table of signals, ``(n, len(names))``; NaN where a cell is empty.

    Raises:
        TableError: If the file, a column or a cell is not as documented; names file and row.
    """
    table = _read_plain(path, names)
    if table is not None:
        return table
    rows = []
    for number, record in read_rows(path, names, grown=SIGNAL_COLUMNS):
        rows.append([parse_number(path, number, name, record[name]) for name in names])
    return np.array(rows, dtype=np.float64).reshape(-1, len(names))


def _read_plain(path: Path, names: Sequence[str]) -> FloatArray | None:
    """The same in half the time, of a file that holds numbers alone; ``None`` of any other."""
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        columns = head.split(",")
        if "\0" in head or len(columns) > MOST_COLUMNS:
            return None
        if not body.endswith("\n") or not set(names) <= set(columns) or _UNPLAIN.search(body):
            return None
        if not body.strip():  # which NumPy warns of
            return None
        # Twice, since each replacement uses up a comma that the next empty cell needs.
        body = f"\n{body}".replace("\n,", "\nnan,").replace(",\n", ",nan\n")[1:]
        body = body.replace(",,", ",nan,").replace(",,", ",nan,")
        table = np.loadtxt(io.StringIO(body), delimiter=",", ndmin=2)
    except (OSError, ValueError):  # which row is wrong is told by the other way
        return None
    sound = table.shape[1] == len(columns) == len(set(columns))
    if not sound or (np.abs(table) >= LARGEST).any() or np.isnan(table).all(axis=1).any():
        return None
    return np.asarray(table[:, [columns.index(name) for name in names]])


_UNPLAIN = re.compile(r"[^0-9.,\n-]")
"""What no table of signals holds that this program wrote."""


def read_segments(
    path: StrPath, recorded: RecordingSpan = ANY_RECORDING
) -> list[tuple[str, float]]:
    """Label and start in seconds of each segment that a table of marks names.

    Raises:
        TableError: If a row is not as documented, beyond the recording, or starts before the one
            above it.
    """
    path = Path(path)
    found: list[tuple[str, float]] = []
    for number, record in read_rows(path, MARK_COLUMNS, grown=MARK_COLUMNS):
        if record["kind"] != "segment":
            continue
        start_s = parse_time(path, number, "time_s", record["time_s"])
        recorded.check_mark(path, number, "time_s", start_s, segment=True)
        if not start_s >= (found[-1][1] if found else -math.inf):
            raise TableError(
                f"{path}, row {number}: a segment starts at {record['time_s']!r}; it must have a "
                "time that is not before the segment above it"
            )
        found.append((record["label"], start_s))
    return found


def read_events(path: StrPath, recorded: RecordingSpan = ANY_RECORDING) -> list[Event]:
    """Reads an event table, also one that was edited by hand.

    Only ``onset_s``, ``side`` and ``region``, and ``duration_s`` or ``offset_s`` are required;
    what else is missing becomes NaN. Where both are given the offset counts, and ``kind`` never:
    it follows from region and component. Of the twitches the table holds but the number: the
    events have none. An event without a component is tonic from ``recorded.tonic_s`` on.

    Args:
        path: The table.
        recorded: What is known of the recording that it is of; nothing by itself.

    Raises:
        TableError: If a row is not as documented, or beyond the recording; names file and row.
    """
    path = Path(path)
    required = ("onset_s", "side", "region")
    rows = read_rows(path, required, grown=EVENT_COLUMNS)
    return [read_event(path, row, cells, recorded) for row, cells in rows]


def read_event(path: Path, row: int, cells: Mapping[str, str], recorded: RecordingSpan) -> Event:
    """The event of one row; see `read_events`.

    Raises:
        TableError: If it is not as documented.
    """

    def value(name: str) -> float:
        return parse_number(path, row, name, cells.get(name) or "")

    def choice(name: str, choices: Sequence[str]) -> str:
        return parse_choice(path, row, name, cells[name], choices)

    def share(name: str) -> float:
        found = value(name)
        if not math.isnan(found) and not 0 <= found <= 1:
            raise TableError(
                f"{path}, row {row}: {name} is {found:g}; write a share from 0 to 1 with a decimal "
                "point, or leave it empty"
            )
        return found

    onset_s, offset_s = value("onset_s"), value("offset_s")
    if math.isnan(offset_s):
        offset_s = onset_s + value("duration_s")
    in_order = onset_s < offset_s < LARGEST
    if not (in_order and round(onset_s * 1e6) < round(offset_s * 1e6)):
        raise TableError(
            f"{path}, row {row}: the event runs from {onset_s:g} s to {offset_s:g} s; it "
            "must have onset_s and a positive duration_s, or offset_s after onset_s"
        )
    peak_s = value("peak_s")
    ends = ("onset_s", onset_s), ("the end of the event", offset_s)
    recorded.check(path, row, [*ends, ("peak_s", peak_s)])
    if (cells.get("verdict") or "").strip().lower() != "added":
        check_peak(path, row, peak_s, onset_s, offset_s)
    elif not onset_s <= peak_s <= offset_s:  # of the row that a person copied to add another
        peak_s = math.nan
    lag_s = value("eye_mouth_lag_s")
    return Event(
        onset_s=onset_s,
        offset_s=offset_s,
        side=choice("side", SIDES),
        region=choice("region", REGIONS),
        component=choice("component", COMPONENTS)
        if (cells.get("component") or "").strip()
        else COMPONENTS[int(offset_s - onset_s >= recorded.tonic_s - _ROUNDING_S)],
        peak_s=peak_s,
        score=value("score"),
        confidence=share("confidence"),
        closure=value("closure"),
        excursion=value("excursion"),
        rise_s=value("rise_s"),
        closure_velocity=value("closure_velocity"),
        excursion_velocity=value("excursion_velocity"),
        eye_mouth_lag_s=None if math.isnan(lag_s) else lag_s,
        valid_fraction=share("valid_fraction"),
        truncated=parse_flag(path, row, "truncated", cells.get("truncated") or ""),
    )


def check_peak(path: Path, row: int, peak_s: float, onset_s: float, offset_s: float) -> None:
    """Refuses a peak outside of its movement; NaN is passed over.

    Raises:
        TableError: If it is more than `END_SLACK_S` outside.
    """
    if peak_s < onset_s - END_SLACK_S or peak_s > offset_s + END_SLACK_S:
        raise TableError(
            f"{path}, row {row}: peak_s is {peak_s:g} s, but the movement runs from {onset_s:g} to "
            f"{offset_s:g} s: write a time within it, in seconds with a decimal point, or leave it "
            "empty"
        )


def read_rows(
    path: StrPath, required: Sequence[str], *, grown: Sequence[str] = ()
) -> Iterable[tuple[int, dict[str, str]]]:
    """Rows of a CSV file with their line numbers, after checking the header.

    What spreadsheets make of a table is read too: semicolons or tabs between the cells, then with
    decimal commas; a byte order mark; empty rows, and empty cells beyond the last column. Columns
    may stand in any order, and others beside them.

    Args:
        path: File with a header row.
        required: Columns that must be there; ``a|b`` where either will do.
        grown: Columns of a file that grows while a session runs. Where the header is just these,
            a last line with too few cells and no newline was being written when the session was
            killed, and is left out.

    Raises:
        TableError: If the file, its header or a row's number of cells is wrong.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            separator = separator_of(handle.readline())
            handle.seek(0)
            lines = _Lines(handle)
            reader = csv.DictReader(lines, delimiter=separator)
            reader.fieldnames = header = [name.strip() for name in reader.fieldnames or ()]
            _check_header(path, header, required)
            for record in reader:
                beyond: Sequence[str] = record.pop(None, ())
                if None in record.values() and lines.cut and header == list(grown):
                    return
                if any(cell.strip() for cell in beyond) or None in record.values():
                    raise TableError(
                        f"{path}, row {reader.line_num}: the number of cells differs from that of "
                        "the first row"
                    )
                if separator != ",":
                    record = {name: dotted(name, cell) for name, cell in record.items()}
                if any(cell.strip() for cell in record.values()):
                    yield reader.line_num, {n: plain_text(cell) for n, cell in record.items() if n}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(
            f"{path} cannot be read as a CSV table: {error}; save it as CSV in UTF-8"
        ) from error


def read_header(path: StrPath) -> list[str]:
    """Names of a table's columns; none where the file cannot be read."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as handle:
            first = handle.readline().replace("\0", "")
            rows = csv.reader([first], delimiter=separator_of(first))
            return [name.strip() for name in next(rows, [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


_TEXTS = ("comment", "reviewer", "history", "label", "prompt")
"""Columns whose commas are no decimal commas."""


def separator_of(header: str) -> str:
    """What stands between the cells, by the first row; no name of a column holds one of these.

    In a table of one column nothing does, and a comma is a decimal comma.
    """
    return max(";,\t", key=header.count)


def _check_header(path: Path, header: Sequence[str], required: Sequence[str]) -> None:
    if len(header) > MOST_COLUMNS:
        raise TableError(
            f"{path}, row 1: there are {len(header)} columns; a table has {MOST_COLUMNS} at most"
        )
    missing = [name for name in required if not set(header).intersection(name.split("|"))]
    if missing:
        name = " or ".join(map(repr, missing[0].split("|")))
        raise TableError(
            f"{path}, row 1: column {name} is missing; the first row must name the columns"
        )
    twice = [name for name in header if name and header.count(name) > 1]
    if twice:
        raise TableError(f"{path}, row 1: column {twice[0]!r} stands twice; take one of them out")


def dotted(name: str, cell: str) -> str:
    """A number with a decimal point where it had a decimal comma."""
    is_number = name not in _TEXTS and _DECIMAL_COMMA.fullmatch(cell.strip())
    return cell.replace(",", ".") if is_number else cell


_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d*(?:[eE][+-]?\d+)?")


def plain_text(cell: str) -> str:
    """The text of a cell without the apostrophes that `hfs_vision.results.format_cell` puts in."""
    return DEFUSED.sub("", cell) if "'" in cell else cell


class _Lines:
    """Lines of a file; ``cut`` from the moment on at which one came that no newline ends.

    Zeros are left out: a disk may end a file with them when the power fails, Python 3.10 refuses
    them, and `hfs_vision.results.format_cell` writes none.
    """

    def __init__(self, handle: TextIO) -> None:
        self._handle = handle
        self.cut = False

    def __iter__(self) -> Iterator[str]:
        for line in self._handle:
            self.cut = not line.endswith(("\n", "\r"))
            yield line.replace("\0", "")


def parse_number(path: Path, row: int, name: str, text: str) -> float:
    """Number in a cell; NaN if it is empty, a `TableError` if it is anything else."""
    try:
        value = float(text) if text.strip() else math.nan
    except ValueError:
        value = math.inf
    if abs(value) >= LARGEST:
        raise TableError(
            f"{path}, row {row}: {name} is {text!r}; write a number below "
            f"{LARGEST:g}, or leave it empty"
        )
    return value


def parse_time(path: Path, row: int, name: str, text: str) -> float:
    """Number in a cell that must not be empty; a `TableError` if it is."""
    value = parse_number(path, row, name, text)
    if math.isnan(value):
        raise TableError(f"{path}, row {row}: {name} is {text!r}; write a number")
    return value


def parse_choice(path: Path, row: int, name: str, text: str, choices: Sequence[str]) -> str:
    """The choice that a cell names, be it in capitals; a `TableError` if it names none."""
    found = text.strip().lower()
    if found not in choices:
        raise TableError(
            f"{path}, row {row}: {name} is {text!r}; write one of {', '.join(choices)}"
        )
    return found


def parse_flag(path: Path, row: int, name: str, text: str) -> bool:
    """Whether a cell says yes: 1, or TRUE as spreadsheets write it; an empty one says no."""
    word = text.strip().lower()
    return word == "true" if word in ("true", "false") else parse_number(path, row, name, text) == 1
