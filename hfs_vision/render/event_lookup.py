"""What a result says of each moment of its recording."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from hfs_vision.core.signals import Signals
from hfs_vision.render.trace import Axis
from hfs_vision.results import EventRecord, ResultFolder
from hfs_vision.schema import SIDES, Event

DECIMALS = 6
"""Of a second, to which tables round: an event begins with its first frame, not just after it."""

_NEAR_S = 0.05
"""A picture is that of the row of signals nearest to it, if no further away: a recording that was
converted has its frames a little elsewhere."""


class EventLookup:
    """Events, counts and signals of a recording, by its clock.

    Attributes:
        events: In order of onset, the corrected ones where there are some.
        signals: One row per frame; no rows where none were kept.
    """

    def __init__(self, events: Sequence[EventRecord], signals: Signals) -> None:
        self.events = sorted(events, key=lambda each: (each.event.onset_s, each.event.side))
        self.signals = signals
        self._onsets_s = {
            side: [each.event.onset_s for each in self.events if each.event.side == side]
            for side in SIDES
        }

    @classmethod
    def of(cls, folder: ResultFolder) -> EventLookup:
        """What the folder says."""
        return cls([row for row in folder.records if not row.rejected], folder.signals)

    def ongoing(self, time_s: float) -> list[Event]:
        """Events that last at this time."""
        time_s = round(time_s, DECIMALS)
        return [
            each.event for each in self.events if each.event.onset_s <= time_s < each.event.offset_s
        ]

    def lit(self, time_s: float) -> frozenset[tuple[str, str]]:
        """``(side, part)`` that have an event at this time, part ``eye`` or ``mouth``."""
        return frozenset(
            (event.side, part) for event in self.ongoing(time_s) for part in event.region.split("+")
        )

    def count(self, side: str, time_s: float) -> int:
        """Events of a side that have begun by this time."""
        return bisect_right(self._onsets_s[side], round(time_s, DECIMALS))

    def measured(self, time_s: float) -> bool:
        """Whether both sides were measured in the frame of this time."""
        times = self.signals.time_s
        if not len(times):
            return False
        after = int(np.searchsorted(times, time_s))
        row = min(
            (i for i in (after - 1, after) if 0 <= i < len(times)),
            key=lambda i: abs(times[i] - time_s),
        )
        return bool(
            abs(times[row] - time_s) <= _NEAR_S and math.isfinite(self.signals.closure[row, 0])
        )

    def around(self, now_s: float, axis: Axis) -> tuple[Signals, list[Event]]:
        """Signals and events that a trace around this time shows."""
        start_s, stop_s = now_s - axis.back_s, now_s + axis.ahead_s
        first, last = np.searchsorted(self.signals.time_s, [start_s, stop_s])
        # One row more at each end, so that the line reaches the edge.
        rows = slice(max(int(first) - 1, 0), int(last) + 1)
        events = [
            each.event
            for each in self.events
            if each.event.onset_s < stop_s and each.event.offset_s > start_s
        ]
        return self.signals[rows], events
