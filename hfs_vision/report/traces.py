"""Which stretches of the signals are drawn, and with how many points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.signals import Signals
from hfs_vision.schema import Event, FloatArray

AROUND_S = 1.5
"""So much is drawn before the onset and after the offset of an event."""

MOST_TRACES = 60
"""Of more events, those with the highest and those with the lowest scores are drawn."""


@dataclass(frozen=True)
class Item:
    """An event as the report shows it.

    Attributes:
        number: By what it is known in the tables.
        event: As it stands.
        verdict: What a reviewer said of it; see `hfs_vision.results.VERDICTS`.
        comment, reviewer, reviewed_utc: As in `hfs_vision.results.ReviewedEvent`.
    """

    number: int
    event: Event
    verdict: str = ""
    comment: str = ""
    reviewer: str = ""
    reviewed_utc: str = ""

    @property
    def rejected(self) -> bool:
        """Whether it is shown but not counted."""
        return self.verdict == "rejected"

    @property
    def gid(self) -> str:
        """What its marks in the figures are called."""
        return f"event-{self.number}-{self.event.side}-{self.event.kind}"


def choose(items: Sequence[Item], most: int = MOST_TRACES) -> list[Item]:
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


def gaps(signals: Signals, max_gap_s: float, shortest_s: float) -> list[tuple[float, float]]:
    """Stretches in which nothing was measured, ``(start_s, end_s)``.

    Args:
        signals: Of the recording.
        max_gap_s: A frame stands for no longer than this.
        shortest_s: Shorter ones are left out, and such as are no further apart are one.
    """
    if len(signals) < 2:
        return []
    time_s, valid = signals.time_s, signals.valid
    steps = np.diff(time_s)
    ends = np.append(time_s[:-1] + np.minimum(steps, max_gap_s), time_s[-1])
    # Where a frame was not measured, or stands for less than the time until the next.
    starts = np.where(valid, ends, time_s)
    stops = np.append(time_s[1:], time_s[-1])
    rows = np.flatnonzero((stops - starts) > 1e-9)
    found: list[tuple[float, float]] = []
    for start, stop in zip(starts[rows].tolist(), stops[rows].tolist(), strict=True):
        if found and start - found[-1][1] <= shortest_s:
            found[-1] = found[-1][0], stop
        else:
            found.append((start, stop))
    return [(start, stop) for start, stop in found if stop - start > shortest_s]
