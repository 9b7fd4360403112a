"""What the times of frames, and changes between them, say of how even a recording is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hfs_vision.core.settings import Settings
from hfs_vision.schema import FloatArray

GAP_S = Settings().max_gap_s
"""A longer step between two frames is a gap."""

_SLOW_S = 1.0


@dataclass(frozen=True)
class Timing:
    """Times of frames.

    Attributes:
        rate: Frames per second, gaps left out; NaN with fewer than two frames.
        slowest: Frames per second in the slowest second without a gap; NaN if there is none.
        gaps: Steps longer than `GAP_S`.
        longest_gap_s: The longest of them, 0 without any.
    """

    rate: float
    slowest: float
    gaps: int
    longest_gap_s: float


def timing(stretches: list[FloatArray]) -> Timing:
    """Reads the times of one or more stretches of frames.

    Args:
        stretches: Times of each in seconds, strictly increasing; between them nothing is judged.

    >>> timing([np.arange(61) / 30]).rate
    30.0
    """
    steps = np.concatenate([np.empty(0), *(np.diff(times) for times in stretches)])
    inside, gaps = steps[steps <= GAP_S], steps[steps > GAP_S]
    seconds = [rate for times in stretches for rate in _each_second(times)]
    return Timing(
        rate=float(round(len(inside) / inside.sum(), 6)) if len(inside) else float("nan"),
        slowest=min(seconds, default=float("nan")),
        gaps=len(gaps),
        longest_gap_s=float(gaps.max(initial=0.0)),
    )


def _each_second(times: FloatArray) -> list[float]:
    """Frames per second from each frame to the one a second or a little more later."""
    later = np.searchsorted(times, times + _SLOW_S - 1e-6)
    first = np.flatnonzero(later < len(times))
    later = later[first]
    gaps = np.concatenate([[0], np.cumsum(np.diff(times) > GAP_S)])
    whole = gaps[later] == gaps[first]
    first, later = first[whole], later[whole]
    return list(np.asarray((later - first) / (times[later] - times[first])).tolist())


def cut_places(changed: FloatArray) -> list[int]:
    """Numbers of the frames at which the picture changes altogether at once.

    Args:
        changed: ``(n,)`` share of the picture that has changed, as `pictures.Changes` tells it.
    """
    # A camera that is turned changes much for many frames; a cut does for one.
    padded = np.nan_to_num(np.pad(changed, 3))
    around = np.lib.stride_tricks.sliding_window_view(padded, 7)
    others = np.delete(around, 3, axis=1).max(axis=1)
    now = np.nan_to_num(changed)
    return list(np.flatnonzero((now > 0.35) & (now > 3 * others)).tolist())
