"""For how long each frame of a recording stands: valid time and gaps follow from it.

A frame stands until the next one, but for no longer than ``max_gap_s``. The last frame stands for
as long as the one before it. What no measured frame stands for is a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hfs_vision.schema import BoolArray, FloatArray

_ROUNDING_S = 1e-9


def frame_ends(time_s: FloatArray, max_gap_s: float) -> FloatArray:
    """``(n,)`` time until which each frame stands, in seconds.

    >>> frame_ends(np.array([0.0, 0.1, 1.0, 1.2]), 0.25).tolist()
    [0.1, 0.35, 1.2, 1.4]
    """
    steps = np.diff(time_s)
    last = steps[-1:] if len(steps) else np.zeros(len(time_s))
    return np.asarray(time_s + np.minimum(np.append(steps, last), max_gap_s))


@dataclass(frozen=True)
class FrameTimes:
    """The frames of a recording on its clock.

    Attributes:
        time_s: ``(n,)``, increasing, in seconds.
        valid: ``(n,)``, whether both sides were measured.
        max_gap_s: For so long a frame may stand at most.
    """

    time_s: FloatArray
    valid: BoolArray
    max_gap_s: float

    @cached_property
    def ends_s(self) -> FloatArray:
        """``(n,)`` time until which each frame stands."""
        return frame_ends(self.time_s, self.max_gap_s)

    @cached_property
    def valid_s(self) -> FloatArray:
        """``(n,)`` seconds that each frame adds to the valid time."""
        return np.where(self.valid, self.ends_s - self.time_s, 0.0)

    def valid_between(self, edges_s: Sequence[float]) -> FloatArray:
        """``(n - 1,)`` valid time between neighbouring ones of ``n`` increasing times.

        A frame belongs where it begins.
        """
        total = np.concatenate([[0.0], np.cumsum(self.valid_s)])
        return np.diff(total[np.searchsorted(self.time_s, edges_s, side="left")])

    def gaps(self, shortest_s: float = 0.0) -> list[tuple[float, float]]:
        """Times ``(start_s, end_s)`` for which no measured frame stands, in order.

        Args:
            shortest_s: Gaps that are no further apart are joined, and shorter ones left out.
        """
        if not len(self.time_s):
            return []
        starts_s = np.where(self.valid, self.ends_s, self.time_s)
        stops_s = np.append(self.time_s[1:], self.ends_s[-1])
        rows = stops_s - starts_s > _ROUNDING_S
        joined: list[tuple[float, float]] = []
        for start_s, stop_s in zip(starts_s[rows].tolist(), stops_s[rows].tolist(), strict=True):
            if joined and start_s - joined[-1][1] <= shortest_s:
                joined[-1] = joined[-1][0], stop_s
            else:
                joined.append((start_s, stop_s))
        return [(start_s, stop_s) for start_s, stop_s in joined if stop_s - start_s > shortest_s]
