"""Valid time of a recording in stretches, and rates over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hfs_vision.core.frame_times import FrameTimes
from hfs_vision.rates import Rate, rate
from hfs_vision.report.timeline import fitting
from hfs_vision.schema import SIDES, Event

BIN_LENGTHS_S = (30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0)
MOST_BINS = 24

_LEAST_VALID = 0.1
"""A stretch of which less was measured has no rate."""


@dataclass(frozen=True)
class Bin:
    """A stretch of the recording.

    Attributes:
        start_s, end_s: Seconds on the recording's clock.
        valid_s: Time in it in which both sides were measured.
        rates: Of each side, by name.
    """

    start_s: float
    end_s: float
    valid_s: float
    rates: dict[str, Rate]


def rates_over_time(
    events: Sequence[Event], frames: FrameTimes, start_s: float, end_s: float
) -> list[Bin]:
    """Rates of both sides in stretches of equal length; none of a recording of one stretch.

    An event belongs where it begins. The last stretch ends with the recording.
    """
    length_s = fitting(BIN_LENGTHS_S, end_s - start_s, MOST_BINS)
    n = math.ceil((end_s - start_s) / length_s - 1e-3)
    if n < 2 or not len(frames.time_s):
        return []
    edges_s = [start_s + i * length_s for i in range(n)] + [end_s]
    valid_s = frames.valid_between(edges_s)
    onsets = {side: [e.onset_s for e in events if e.side == side] for side in SIDES}
    counts = {side: np.histogram(onsets[side], bins=edges_s)[0] for side in SIDES}
    bins = []
    for i, (start, end) in enumerate(pairwise(edges_s)):
        measured = float(valid_s[i]) if valid_s[i] >= _LEAST_VALID * (end - start) else 0.0
        rates = {side: rate(int(counts[side][i]), measured) for side in SIDES}
        bins.append(Bin(start, end, float(valid_s[i]), rates))
    return bins
