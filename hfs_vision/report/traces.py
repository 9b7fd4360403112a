"""Which stretches of the signals are drawn, and with how many points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.signals import Signals
from hfs_vision.results import EventRecord
from hfs_vision.schema import FloatArray

AROUND_S = 1.5
"""So much is drawn before the onset and after the offset of an event."""

MOST_TRACES = 60
"""Of more events, those with the highest and those with the lowest scores are drawn."""


def mark_id(record: EventRecord) -> str:
    """The id of an event's marks in the figures."""
    return f"event-{record.number}-{record.event.side}-{record.event.kind}"


def choose(items: Sequence[EventRecord], most: int = MOST_TRACES) -> list[EventRecord]:
    """At most so many events, in their order: half with the highest scores, half with the lowest.

    An event without a score, as people add it, counts as lowest.
    """
    if len(items) <= most:
        return list(items)

    def score(number: int) -> float:
        value = items[number].event.score
        return -math.inf if math.isnan(value) else value

    ranked = sorted(range(len(items)), key=score)
    kept = ranked[: most // 2] + ranked[len(ranked) - (most - most // 2) :]
    return [items[number] for number in sorted(kept)]


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
