"""Scripts and truths as CSV: the same table, so that a truth can be rendered again."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from hfs_vision.errors import HfsVisionError, TableError, UsageError
from hfs_vision.schema import StrPath
from hfs_vision.simulate.movements import Movement, Script
from hfs_vision.simulate.video_file import replacing

COLUMNS = (
    "onset_s",
    "duration_s",
    "offset_s",
    "side",
    "region",
    "kind",
    "component",
    "closure",
    "excursion",
    "angle_deg",
)
"""Columns of a truth; `Movement` documents them."""

_NEEDED = ("onset_s", "duration_s", "side", "kind")
_DERIVED = ("region", "component")
_SLACK_S = 0.002  # a derived offset may differ by rounding


def write_truth(path: StrPath, script: Script) -> None:
    """Write a script as its truth, ordered by onset, whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    path = Path(path)
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for movement in sorted(script, key=lambda m: (m.onset_s, m.side, m.kind)):
            writer.writerow(_row(movement))


def _row(movement: Movement) -> tuple[str, ...]:
    # The offset is made from the printed numbers, so that the printed row adds up.
    onset, duration = round(movement.onset_s, 4), round(movement.duration_s, 4)
    return (
        f"{onset:.4f}",
        f"{duration:.4f}",
        f"{onset + duration:.4f}",
        movement.side,
        movement.region,
        movement.kind,
        movement.component or "",
        f"{movement.closure:.3f}",
        f"{movement.excursion:.3f}",
        f"{movement.angle_deg:.2f}",
    )


def read_script(path: StrPath) -> Script:
    """Read a script; a truth written by `write_truth` is one.

    ``onset_s``, ``duration_s``, ``side`` and ``kind`` are needed; amplitudes count as 0 where
    they are missing; ``offset_s``, ``region`` and ``component`` follow from the others and must
    agree with them where they are given.

    Raises:
        UsageError: There is no such file.
        TableError: The table is malformed; the message names file and row.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            reader.fieldnames = header = [
                "_".join(name.lower().split()) for name in reader.fieldnames or []
            ]
            missing = [name for name in _NEEDED if name not in header]
            if missing:
                raise TableError(
                    f"{path}, row 1: no column {', '.join(missing)}; a script needs the columns "
                    f"{', '.join(COLUMNS)}"
                )
            return tuple(_movement(row, f"{path}, row {reader.line_num}") for row in reader)
    except FileNotFoundError as error:
        raise UsageError(f"no such script: {path}") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path} cannot be read as a CSV table: {error}") from error


def _movement(row: dict[str, str], where: str) -> Movement:
    if None in row or None in row.values():
        raise TableError(f"{where}: as many fields as the header has are expected")
    try:
        movement = Movement(
            kind=row["kind"].strip(),
            side=row["side"].strip(),
            onset_s=_number(row, "onset_s"),
            duration_s=_number(row, "duration_s"),
            closure=_number(row, "closure", 0.0),
            excursion=_number(row, "excursion", 0.0),
            angle_deg=_number(row, "angle_deg", 0.0),
        )
        _check_derived(row, movement)
    except HfsVisionError as error:
        raise TableError(f"{where}: {error}") from error
    return movement


def _number(row: dict[str, str], name: str, default: float | None = None) -> float:
    text = (row.get(name) or "").strip()
    if not text and default is not None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TableError(f"{name} is {text!r}: expected a number")
    return value


def _check_derived(row: dict[str, str], movement: Movement) -> None:
    offset = _number(row, "offset_s", movement.offset_s)
    if abs(offset - movement.offset_s) > _SLACK_S:
        raise TableError(
            f"offset_s is {offset:g}: expected onset_s + duration_s = {movement.offset_s:g}"
        )
    for name in _DERIVED:
        given, expected = (row.get(name) or "").strip(), getattr(movement, name) or ""
        if given and given != expected:
            raise TableError(f"{name} is {given!r}: expected {expected!r} for {movement.kind}")
