"""One-sided pulls of the corners of the mouth: quick, against the other corner, and then held.

Where a corner lies says little: speech, smiles and posture move both, by ten times what a twitch
does. What a healthy mouth hardly ever does is to move one corner at once while the other stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hfs_vision.schema import FloatArray

ATTACK_S = 0.35
"""A pull is what a corner has moved within this time (smiles take about 0.5 s: Tarantili 2005, Am J
Orthod 128:8-15)."""

LAG_S = 0.04
"""The corners of one syllable may seem to move this much apart, as the lids of a blink do."""


OTHER_WEIGHT = 1.34
"""A pull is what a corner has moved more than this multiple of the other: smiles are lopsided."""


Attacks = tuple[FloatArray, FloatArray, FloatArray]
"""What `attacks` returns."""


def running_max(time_s: FloatArray, values: FloatArray, reach_s: float) -> FloatArray:
    """Largest of ``values`` ``(n, k)`` within ``reach_s`` on either side; NaN counts as nothing."""
    filled = np.where(np.isfinite(values), values, -np.inf)
    low = np.searchsorted(time_s, time_s - reach_s)
    high = np.searchsorted(time_s, time_s + reach_s, side="right")
    largest = filled.copy()
    for shift in range(int((high - low).max(initial=0))):
        index = low + shift
        piece = filled[np.minimum(index, len(filled) - 1)]
        np.maximum(largest, piece, out=largest, where=(index < high)[:, None])
    return largest


def attacks(time_s: FloatArray, place: FloatArray, max_gap_s: float) -> Attacks:
    """How far each corner has been pulled away from the other one within `ATTACK_S`.

    Args:
        time_s: ``(n,)`` seconds.
        place: ``(n, 2)`` place of each corner along outwards-and-up, from any origin.
        max_gap_s: A pull does not reach across a longer time without a face.

    Returns:
        ``(n, 2)`` pull (own movement less what the other corner moved the same way, if it did),
        NaN where unknown; and from where: ``(n, 2)`` own place and other's place before it.
    """
    n = len(time_s)
    other_now = running_max(time_s, place, LAG_S)[:, ::-1]
    # From where two samples in a row agree that it was: one stray sample starts no pull.
    settled = np.fmax(place, np.vstack([place[:1], place[:-1]]))
    pull = np.full((n, 2), -np.inf)
    since = np.zeros((n, 2), dtype=np.int64)
    rows = np.arange(n)
    reach = rows - np.maximum(
        np.searchsorted(time_s, time_s - ATTACK_S), _stretch_start(time_s, place, max_gap_s)
    )
    other = place[:, ::-1]
    for back in range(int(reach.max(initial=0)) + 1):
        now, then = slice(back, None), slice(0, n - back)
        followed = np.maximum(other_now[now] - other[then], 0.0)
        found = place[now] - settled[then] - OTHER_WEIGHT * followed
        better = (found > pull[now]) & (reach[now] >= back)[:, None]  # False for NaN
        np.copyto(pull[now], found, where=better)
        np.copyto(since[now], back, where=better)
    since = rows[:, None] - since
    pull = np.where(np.isfinite(pull), pull, np.nan)
    sides = np.arange(2)
    return pull, settled[since, sides], place[since, 1 - sides]


def _stretch_start(time_s: FloatArray, place: FloatArray, max_gap_s: float) -> NDArray[np.int64]:
    """``(n,)`` first row that no gap parts from each row."""
    start = np.zeros(len(time_s), dtype=np.int64)
    seen = np.flatnonzero(np.isfinite(place).all(axis=1))
    after_gap = seen[np.flatnonzero(np.diff(time_s[seen]) > max_gap_s) + 1]
    start[after_gap] = after_gap
    return np.asarray(np.maximum.accumulate(start)) if len(start) else start


class ExcursionHold:
    """Follows a pull for as long as it lasts, however long that is.

    A pull that has reached the threshold is measured from where it began until it falls below
    ``stay`` of the threshold: a corner that is held keeps its score, one that comes back loses it.
    """

    def __init__(self, stay: float) -> None:
        self._stay = stay
        self._from: list[tuple[float, float] | None] = [None, None]

    def update(
        self,
        place: FloatArray,
        pulled: Attacks,
        threshold: FloatArray,
    ) -> FloatArray:
        """Pulls ``(n, 2)`` of the next rows: `attacks`, or what is left of an earlier one.

        Args:
            place: ``(n, 2)`` as in `attacks`.
            pulled: What `attacks` gave for these rows.
            threshold: ``(n,)`` in force, in the units of ``place``.
        """
        pull, own_from, other_from = pulled
        held = pull.copy()
        for side in range(2):
            with np.errstate(invalid="ignore"):
                begins = np.asarray(pull[:, side] >= threshold)
            row = 0
            while row < len(pull):
                if self._from[side] is None:
                    ahead = np.flatnonzero(begins[row:])
                    if not len(ahead):
                        break
                    row += int(ahead[0])
                self._step(side, row, place, held, own_from, other_from, float(threshold[row]))
                row += 1
        return held

    def _step(
        self,
        side: int,
        row: int,
        place: FloatArray,
        held: FloatArray,
        own_from: FloatArray,
        other_from: FloatArray,
        threshold: float,
    ) -> None:
        start, fresh = self._from[side], held[row, side]
        left = -np.inf
        if start is not None:
            moved = place[row, side] - start[0]
            left = moved - OTHER_WEIGHT * max(place[row, 1 - side] - start[1], 0.0)
        if not np.isfinite(place[row]).all():
            self._from[side] = None
        elif fresh >= max(left, threshold):
            self._from[side] = (float(own_from[row, side]), float(other_from[row, side]))
        elif start is not None:
            held[row, side] = max(left, fresh)
        if not held[row, side] >= self._stay * threshold:
            self._from[side] = None
