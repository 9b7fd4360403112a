"""Reads tables back, also those that were edited by hand, and says which row is wrong."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import numpy as np

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.signals import Signals
from hfs_vision.errors import TableError
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.results.columns import (
    DEFUSED,
    FACE_COLUMNS,
    MARK_COLUMNS,
    MEASURED_COLUMNS,
    SIGNAL_COLUMNS,
)
from hfs_vision.results.measured_limits import check_measured
from hfs_vision.results.time_limits import RecordingSpan
from hfs_vision.schema import LARGEST, SIDES, FloatArray, StrPath

ANY_RECORDING = RecordingSpan()
"""Nothing is known of it: every time will do."""

MOST_COLUMNS = 1000
"""Of a table; each row is looked up by their names."""

LONGEST_LINE = 1_000_000
"""Characters of a line: cells have 131072 at most, and rows of texts a few of those."""

MOST_ROWS = 500_000
"""Lines of a table but that of signals: a day of movements that follow at the least distance."""


def read_signals(path: StrPath) -> Measurements:
    """Reads the measured columns of a signals file; derived ones are ignored.

    Raises:
        TableError: If the file, a column or a cell is not as documented; names file and row.
    """
    return read_signals_and_valid(path)[0]


def read_signals_and_valid(path: StrPath) -> tuple[Measurements, FloatArray]:
    """The same, and the column ``valid``, ``(n,)``; NaN where it says nothing.

    Raises:
        TableError: As `read_signals`.
    """
    path, names = Path(path), ("time_s", *MEASURED_COLUMNS)
    named = "valid" in read_header(path)
    columns = read_numbers(path, (*names, *["valid"] * named))
    measured = as_measurements(path, columns)
    return measured, columns["valid"] if named else np.full(len(measured), np.nan)


def as_measurements(path: Path, columns: Mapping[str, FloatArray]) -> Measurements:
    """The columns ``time_s`` and `MEASURED_COLUMNS` as measurements.

    Raises:
        TableError: If the times do not increase, see `check_times`, or a value is impossible.
    """
    check_times(path, columns["time_s"])
    check_measured(path, np.column_stack([columns[name] for name in MEASURED_COLUMNS]))
    values = {name: columns[name] for name in ("time_s", *FACE_COLUMNS)}
    values |= {r.field: _of_both_sides(columns, *r.measured) for r in FACE_REGIONS}
    complete = np.all([np.isfinite(columns[name]) for name in MEASURED_COLUMNS], axis=0)
    return Measurements(**values).where(complete)


def as_signals(columns: Mapping[str, FloatArray]) -> Signals:
    """The columns ``time_s`` and `DERIVED_COLUMNS` as signals."""
    names = [name for region in FACE_REGIONS for name in (region.amplitude, region.score)]
    return Signals(columns["time_s"], **{name: _of_both_sides(columns, name) for name in names})


def _of_both_sides(columns: Mapping[str, FloatArray], *names: str) -> FloatArray:
    """``(n, 2)`` of one name, ``(n, 2, k)`` of several."""
    pairs = [np.column_stack([columns[f"{name}_{side}"] for side in SIDES]) for name in names]
    return pairs[0] if len(pairs) == 1 else np.stack(pairs, axis=2)


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


def read_numbers(path: Path, names: Sequence[str]) -> dict[str, FloatArray]:
    """Columns of a table of signals by name, ``(n,)`` each; NaN where a cell is empty.

    Raises:
        TableError: If the file, a column or a cell is not as documented; names file and row.
    """
    plain = _read_plain(path, names)
    if plain is not None:
        return plain
    rows = []
    for number, record in read_rows(path, names, grown=SIGNAL_COLUMNS):
        rows.append([parse_number(path, number, name, record[name]) for name in names])
    table = np.array(rows, dtype=np.float64).reshape(-1, len(names))
    return dict(zip(names, table.T.copy(), strict=True))


def _read_plain(path: Path, names: Sequence[str]) -> dict[str, FloatArray] | None:
    """The same in half the time, of a file that holds numbers alone; ``None`` of any other."""
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        columns = head.split(",")
        if "\0" in head or len(columns) > MOST_COLUMNS or _has_long_line(body):
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
    found = dict(zip(columns, table.T, strict=True))
    return {name: found[name].copy() for name in names}


def _has_long_line(text: str) -> bool:
    """Whether a line is longer than `LONGEST_LINE`: from newline to newline, as far as may be."""
    place = 0
    while len(text) - place > LONGEST_LINE:
        newline = text.rfind("\n", place, place + LONGEST_LINE)
        if newline < 0:
            return True
        place = newline + 1
    return False


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
        if grown is not SIGNAL_COLUMNS:  # which has a row for each frame
            _check_number_of_lines(path, MOST_ROWS)
        with path.open(encoding="utf-8-sig", newline="") as handle:
            separator = separator_of(first_line(handle))
            lines = _Lines(handle)
            reader = csv.DictReader(lines, delimiter=separator)
            reader.fieldnames = header = column_names(reader.fieldnames or ())
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
    except TooLargeError as error:
        raise TableError(f"{path} cannot be read as a CSV table: {error}") from error


def read_header(path: StrPath) -> list[str]:
    """Names of a table's columns; none where the file cannot be read."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as handle:
            first = first_line(handle).replace("\0", "")
            rows = csv.reader([first], delimiter=separator_of(first))
            return column_names(next(rows, []))
    except (OSError, UnicodeDecodeError, csv.Error, TooLargeError):
        return []


def column_names(header: Iterable[str]) -> list[str]:
    """Names of columns as they are looked up: in small letters, with ``_`` for a blank.

    A name that another column has already as it stands is left as it is.

    >>> column_names([" Side ", "Onset s", "Name", "name"])
    ['side', 'onset_s', 'Name', 'name']
    """
    given = [name.strip() for name in header]
    plain = ["_".join(name.lower().split()) for name in given]
    known = set(given)
    return [n if p in known else p for n, p in zip(given, plain, strict=True)]


class TooLargeError(Exception):
    """A file is no table of ours by its size alone; says what is too large."""


def first_line(handle: TextIO) -> str:
    """The first line of a file, which is at its beginning again afterwards.

    Raises:
        TooLargeError: If it is longer than `LONGEST_LINE`.
    """
    found = handle.readline(LONGEST_LINE + 1)
    handle.seek(0)
    _check_length(found, 1)
    return found


def _check_length(text: str, number: int) -> None:
    if len(text) > LONGEST_LINE:
        raise TooLargeError(
            f"line {number} has more than {LONGEST_LINE} characters: is it a table, with a row for "
            "each line?"
        )


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
        lines = iter(partial(self._handle.readline, LONGEST_LINE + 1), "")
        for number, line in enumerate(lines, start=1):
            _check_length(line, number)
            self.cut = not line.endswith(("\n", "\r"))
            yield line.replace("\0", "")


def _check_number_of_lines(path: Path, most: int) -> None:
    """Counts first, which is fast, so that nobody waits for a table of a size that none has."""
    with path.open("rb") as handle:
        number = sum(part.count(b"\n") for part in iter(partial(handle.read, 1 << 24), b""))
    if number > most:
        raise TooLargeError(f"it has {number} lines, and such a table {most} at most")


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


def parse_share(path: Path, row: int, name: str, text: str) -> float:
    """Share in a cell; NaN if it is empty, a `TableError` if it is not from 0 to 1."""
    found = parse_number(path, row, name, text)
    if not math.isnan(found) and not 0 <= found <= 1:
        raise TableError(
            f"{path}, row {row}: {name} is {found:g}; write a share from 0 to 1 with a decimal "
            "point, or leave it empty"
        )
    return found


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
