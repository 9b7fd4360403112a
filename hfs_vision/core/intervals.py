"""Masks and half-open intervals of row numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hfs_vision.schema import BoolArray, FloatArray

IntervalArray = NDArray[np.int64]


def runs(mask: BoolArray, broken: BoolArray | None = None) -> IntervalArray:
    """``(k, 2)`` half-open intervals of rows in which ``mask`` ``(n,)`` holds.

    No interval runs across a row at which ``broken`` ``(n,)`` says that time is missing before it.

    >>> runs(np.array([True, True, False, True])).tolist()
    [[0, 2], [3, 4]]
    >>> runs(np.array([True, True]), np.array([False, True])).tolist()
    [[0, 1], [1, 2]]
    """
    padded = np.zeros(len(mask) + 2, dtype=np.bool_)
    padded[1:-1] = mask
    edges = np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2)
    if broken is None:
        return edges
    cuts = np.flatnonzero(broken[1:] & mask[1:] & mask[:-1]) + 1
    starts, stops = np.append(edges[:, 0], cuts), np.append(edges[:, 1], cuts)
    return np.column_stack([np.sort(starts), np.sort(stops)])


def hysteresis(
    score: FloatArray, *, high: float, low: float, broken: BoolArray | None = None
) -> IntervalArray:
    """``(k, 2)`` runs at or above ``low`` that reach ``high`` somewhere; NaN ends a run.

    >>> hysteresis(np.array([0, 0.6, 1.2, 0.7, 0, 0.8]), high=1.0, low=0.5).tolist()
    [[1, 4]]
    """
    with np.errstate(invalid="ignore"):
        candidates = runs(score >= low, broken)
    if not len(candidates):
        return candidates
    peaks = np.maximum.reduceat(np.append(score, -np.inf), candidates.ravel())[::2]
    return candidates[peaks >= high]


def merge(intervals: IntervalArray, onset_s: FloatArray, reach_s: FloatArray) -> IntervalArray:
    """Joins intervals, ordered by start, that overlap or of which the next is within reach.

    Args:
        intervals: ``(k, 2)`` rows.
        onset_s: ``(n,)`` time at which each row begins.
        reach_s: ``(n,)`` time before which another interval must begin to be joined to one that
            ends with that row.

    >>> t = np.arange(6) / 10
    >>> merge(np.array([[0, 1], [2, 3], [5, 6]]), t, t + 0.25).tolist()
    [[0, 3], [5, 6]]
    """
    merged: list[list[int]] = []
    for start, stop in intervals.tolist():
        if merged and onset_s[start] < reach_s[merged[-1][1] - 1]:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([start, stop])
    return np.array(merged, dtype=np.int64).reshape(-1, 2)
