"""What the times of frames, and changes between them, say of the rate that is really delivered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hfs_vision.schema import BoolArray, FloatArray
from hfs_vision.settings import Settings

GAP_S = Settings().max_gap_s
"""A longer step between two frames is a gap."""

_SLOW_S = 1.0
_AROUND = 6
_STILL = 4.0
_REPEATED, _REPEATED_WHOLE = 0.2, 0.25
_DOUBLED = 0.6
_FEWEST = 30


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


@dataclass(frozen=True)
class Repeats:
    """Pictures that show again what the one before showed.

    Attributes:
        share: Their share of all pictures; NaN where too little moves to tell.
        doubled: Whether every second picture is one of them, as in a video of half the rate that
            was saved again with twice the frames.
    """

    share: float
    doubled: bool


def repeats(in_face: FloatArray, whole: FloatArray) -> Repeats:
    """Tells repeated pictures by how little changes where much changes around them.

    Pictures that a codec repeats are not equal to the last bit, so the change is held against what
    is usual within six pictures. Where nothing moves nothing can be told.

    Args:
        in_face: ``(n,)`` change of the face against the picture before, as `pictures.Changes`.
        whole: ``(n,)`` the same of the whole picture.
    """
    usual, usual_whole = _usual(in_face), _usual(whole)
    judged = np.isfinite(in_face) & np.isfinite(whole) & (usual >= _STILL)
    if judged.sum() < _FEWEST:
        return Repeats(float("nan"), False)
    again = (in_face < _REPEATED * usual) & (whole < _REPEATED_WHOLE * usual_whole)
    share = float(again[judged].mean())
    doubled = _every_second(in_face / usual, judged)
    return Repeats(max(share, 0.5) if doubled else share, doubled)


def _usual(change: FloatArray) -> FloatArray:
    """75th percentile within some pictures on either side; NaN where there are none."""
    padded = np.pad(change, _AROUND, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1)
    known = np.isfinite(around).any(axis=1)
    found = np.full(len(change), np.nan)
    found[known] = np.nanpercentile(around[known], 75, axis=1)
    return found


def _every_second(relative: FloatArray, judged: BoolArray) -> bool:
    """Whether nearly all changes of odd number, or of even number, are small beside the others.

    Strong compression spreads a picture's change over the repeat that follows it, so that each by
    itself is not small enough. Nearly all of them must be: of 25 pictures a second made 30, every
    sixth is a repeat, and all of these are of even or all of odd number, but their like are not.

    Args:
        relative: ``(n,)`` change in units of what is usual around it.
        judged: Where it counts.
    """
    odd = np.arange(len(relative)) % 2 == 1
    parts = [relative[judged & part] for part in (odd, ~odd)]
    if min(len(part) for part in parts) < _FEWEST // 2:
        return False
    small, large = sorted(parts, key=lambda part: float(np.median(part)))
    return bool(np.percentile(small, 85) < _DOUBLED * np.median(large))


def cut_places(changed: FloatArray) -> list[int]:
    """Numbers of the frames at which the picture changes altogether at once.

    Args:
        changed: ``(n,)`` share of the picture that has changed, as `pictures.Changes`.
    """
    # A camera that is turned changes much for many frames; a cut does for one.
    padded = np.nan_to_num(np.pad(changed, 3))
    around = np.lib.stride_tricks.sliding_window_view(padded, 7)
    others = np.delete(around, 3, axis=1).max(axis=1)
    now = np.nan_to_num(changed)
    return list(np.flatnonzero((now > 0.35) & (now > 3 * others)).tolist())
