"""Traces as a page can draw them: as many points as it has room for, and no peak lost."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.signals import Signals
from hfs_vision.errors import UsageError
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.schema import SIDES

COLUMNS = (
    "time",
    "valid",
    *(
        f"{r.amplitude}_{side}_{end}"
        for r in FACE_REGIONS
        for side in SIDES
        for end in ("min", "max")
    ),
    *(f"{r.score}_{side}" for r in FACE_REGIONS for side in SIDES),
)
"""What a row holds: the time in seconds since the start that was asked for, the share of frames in
which both sides were measured, least and largest value, largest score; NaN where nothing was
measured."""

MOST_POINTS = 8192
"""Rows of one answer: more than any screen is wide."""


def decimated(signals: Signals, from_s: float, to_s: float, points: int) -> NDArray[np.float32]:
    """The signals of ``[from_s, to_s]``, ``(rows, len(COLUMNS))``.

    Up to twice as many frames as points are given as they are, together with the frame before and
    the one after; more are put into stretches of equal length, of which those without a frame have
    no row.

    Raises:
        UsageError: The times are no numbers in order, or the number of points is not sensible.
    """
    if not (math.isfinite(from_s) and math.isfinite(to_s) and from_s < to_s):
        raise UsageError(f"traces from {from_s:g} to {to_s:g} s cannot be: give a start and an end")
    if not 1 <= points <= MOST_POINTS:
        raise UsageError(f"{points} points cannot be drawn: ask for 1 to {MOST_POINTS}")
    first, last = np.searchsorted(signals.time_s, [from_s, to_s])
    part = signals[slice(max(int(first) - 1, 0), int(last) + 1)]
    if not len(part):
        return np.empty((0, len(COLUMNS)), np.float32)
    if len(part) <= 2 * points:
        starts = np.arange(len(part))
    else:
        place = np.floor((part.time_s - from_s) / (to_s - from_s) * points)
        starts = np.flatnonzero(np.diff(place, prepend=-math.inf) > 0)
    frames = np.diff(starts, append=len(part))
    columns = {
        "time": np.add.reduceat(part.time_s - from_s, starts) / frames,
        "valid": np.add.reduceat(part.valid.astype(np.float64), starts) / frames,
    }
    for region in FACE_REGIONS:
        for side, values in zip(SIDES, part.amplitude(region).T, strict=True):
            columns[f"{region.amplitude}_{side}_min"] = np.fmin.reduceat(values, starts)
            columns[f"{region.amplitude}_{side}_max"] = np.fmax.reduceat(values, starts)
        for side, values in zip(SIDES, part.score(region).T, strict=True):
            columns[f"{region.score}_{side}"] = np.fmax.reduceat(values, starts)
    return np.column_stack([columns[name] for name in COLUMNS]).astype(np.float32)
