"""Which rows of the signals are drawn, so that no peak and no gap is lost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.signals import Signals
from hfs_vision.schema import FloatArray


def window(signals: Signals, start_s: float, end_s: float) -> Signals:
    """The rows of a stretch, and one more at each end so that lines reach its edges."""
    first, last = np.searchsorted(signals.time_s, (start_s, end_s))
    return signals[slice(max(int(first) - 1, 0), int(last) + 1)]


def broken(time_s: FloatArray, columns: FloatArray, gap_s: float) -> tuple[FloatArray, FloatArray]:
    """The same with a missing row in each stretch without frames, so that no line crosses it."""
    wide = np.flatnonzero(np.diff(time_s) > gap_s) + 1
    middle = (time_s[wide - 1] + time_s[wide]) / 2
    return np.insert(time_s, wide, middle), np.insert(columns, wide, np.nan, axis=0)


def decimate(values: FloatArray, points: int) -> NDArray[np.int64]:
    """Rows that draw as all of them would: of each stretch the least and the largest value.

    Args:
        values: ``(n,)``, NaN where missing.
        points: About how many rows to keep. No peak is lost, and no gap: a stretch with missing
            values keeps one of them.

    Returns:
        Row numbers, increasing; all where there are no more than ``points``.
    """
    if len(values) <= points:
        return np.arange(len(values))
    kept: set[int] = set()
    edges = np.linspace(0, len(values), max(points // 2, 1) + 1).astype(int)
    missing = np.isnan(values)
    low, high = np.where(missing, np.inf, values), np.where(missing, -np.inf, values)
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        kept.add(first + int(low[first:last].argmin()))
        kept.add(first + int(high[first:last].argmax()))
        if missing[first:last].any():
            kept.add(first + int(missing[first:last].argmax()))
    return np.array(sorted(kept))
