"""How far two people agree on when a side moved, second by second.

Each second of the time in which the face was measured is one decision: the side moved in it, or it
did not. **Kappa** (Cohen 1960, Educ Psychol Meas 20:37-46) is the agreement beyond what two people
would reach by chance who see movements as often as these two do:

    kappa = (observed - expected) / (1 - expected).

It is not defined where chance alone would make them agree in everything: where neither saw a
movement, or both saw one in every second. Neighbouring seconds are not independent, so there is no
interval.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hfs_vision.evaluation.evaluate import EventLike
from hfs_vision.evaluation.matching import micro
from hfs_vision.schema import BoolArray, FloatArray

_MICRO = 1_000_000


@dataclass(frozen=True)
class Presence:
    """In how many seconds both, one or none of two people saw a side move."""

    both: int = 0
    first: int = 0
    second: int = 0
    neither: int = 0

    def __add__(self, other: Presence) -> Presence:
        return Presence(
            self.both + other.both,
            self.first + other.first,
            self.second + other.second,
            self.neither + other.neither,
        )

    @property
    def seconds(self) -> int:
        """How many seconds were judged."""
        return self.both + self.first + self.second + self.neither

    @property
    def kappa(self) -> float:
        """Agreement beyond chance, 1 at most; NaN where it is not defined.

        The textbook table of 20 and 15 agreements, 5 and 10 disagreements:

        >>> round(Presence(20, 5, 10, 15).kappa, 12)
        0.4
        """
        if self.note:
            return float("nan")
        n = self.seconds
        observed = (self.both + self.neither) / n
        yes = (self.both + self.first) * (self.both + self.second)
        no = (self.neither + self.first) * (self.neither + self.second)
        expected = (yes + no) / n**2
        return (observed - expected) / (1 - expected)

    @property
    def note(self) -> str:
        """Why there is no kappa; empty where there is one."""
        if not self.seconds:
            return "no second was measured: there is no kappa"
        if self.neither == self.seconds:
            return "neither saw a movement: there is no kappa"
        if self.both == self.seconds:
            return "both saw a movement in every second: there is no kappa"
        return ""


def compare_presence(
    first: Iterable[EventLike], second: Iterable[EventLike], side: str, judged: ArrayLike | range
) -> Presence:
    """Compares in which seconds two people saw a side move.

    Args:
        first: What one of them saw, of either side.
        second: What the other one saw.
        side: ``left`` or ``right``.
        judged: ``(n,)`` whole numbers: the seconds that count, each from there to the next.
    """
    seconds = np.unique(np.asarray(judged, dtype=np.int64))
    one, other = moving(first, side, seconds), moving(second, side, seconds)
    return Presence(
        int((one & other).sum()),
        int((one & ~other).sum()),
        int((~one & other).sum()),
        int((~one & ~other).sum()),
    )


def moving(marks: Iterable[EventLike], side: str, seconds: ArrayLike) -> BoolArray:
    """``(n,)`` whether a movement of the side falls into each second, however briefly.

    Args:
        marks: Movements of either side.
        side: ``left`` or ``right``.
        seconds: ``(n,)`` whole numbers in ascending order.
    """
    starts = np.asarray(seconds, dtype=np.int64)
    found = np.zeros(len(starts), dtype=np.bool_)
    spans = [(mark.onset_s, mark.offset_s) for mark in marks if mark.side == side]
    for onset, offset in micro(spans).tolist():
        first = np.searchsorted(starts, onset // _MICRO)
        stop = np.searchsorted(starts, -(-offset // _MICRO))
        found[first:stop] = True
    return found


def measured_seconds(time_s: FloatArray, row_end: FloatArray, valid: BoolArray) -> FloatArray:
    """Seconds in which the face was measured for half of the time or longer.

    Args:
        time_s: ``(n,)`` time of each frame.
        row_end: ``(n,)`` time until which it stands, no longer than a second.
        valid: ``(n,)`` whether both sides were measured in it.
    """
    if not len(time_s):
        return np.empty(0)
    begin, end = time_s[valid], row_end[valid]
    second = np.floor(begin)
    edge = np.minimum(second + 1, end)  # a frame lies in one second or in two
    seconds, at = np.unique(np.concatenate([second, second + 1]), return_inverse=True)
    total = np.zeros(len(seconds))
    np.add.at(total, at, np.concatenate([edge - begin, end - edge]))
    return np.asarray(seconds[total >= 0.5 - 1e-6])
