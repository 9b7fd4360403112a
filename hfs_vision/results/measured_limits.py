"""What the measured columns of a table of signals can hold, and what their frames count."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hfs_vision.errors import TableError
from hfs_vision.results.columns import MEASURED_COLUMNS, SIGNALS_FILE
from hfs_vision.schema import BoolArray, FloatArray

_ROUNDING = 5e-7
"""Of the six decimals that tables hold."""

_POSSIBLE = {"yaw": 180.0, "pitch": 180.0, "roll": 180.0, "face": 1e5, "visibility": 1.0}
"""Of a measured value at most, by how its column begins: angles are in degrees, no picture is
100000 pixels wide, and visibility is a share. The others are in iod, see the next."""

_POSSIBLE_IOD = 10.0
"""Ten times the distance between the outer corners of the eyes, nearly a metre: no lid or corner of
a mouth is as far from the middle of its face, however badly a mesh fits."""

_NOT_NEGATIVE = ("face", "fit", "visibility")


def check_measured(path: Path, table: FloatArray) -> None:
    """Refuses values that no face can have; the limits are far from what was ever seen."""
    begins = [name.partition("_")[0] for name in MEASURED_COLUMNS]
    most = np.array([_POSSIBLE.get(begin, _POSSIBLE_IOD) for begin in begins]) + _ROUNDING
    least = np.where([begin in _NOT_NEGATIVE for begin in begins], -_ROUNDING, -most)
    wrong = np.argwhere((table < least) | (table > most))
    if len(wrong):
        row, column = wrong[0]
        raise TableError(
            f"{path}, row {row + 2}: {MEASURED_COLUMNS[column]} is {table[row, column]:g}; it can "
            f"be {max(least[column], -most[column]):.0f} to {most[column]:.0f}: correct it, or "
            "empty the measured cells of the row"
        )


def struck_out(valid: FloatArray, counts: BoolArray) -> list[str]:
    """A warning where ``valid`` says no of frames whose measurements count all the same.

    Args:
        valid: ``(n,)`` the column, as it stands.
        counts: ``(n,)`` what is measured in truth, by the other columns.
    """
    rows = np.flatnonzero((valid == 0) & counts)
    if not len(rows):
        return []
    return [
        f"{SIGNALS_FILE} says valid 0 in {len(rows)} row(s) whose measurements count, the first of "
        f"them row {rows[0] + 2}: valid follows from the measured columns and is not read; empty "
        "those to strike a stretch out"
    ]
