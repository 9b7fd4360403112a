"""A constant offset between two clocks, found from the events on them.

Labels made in a player count from the first picture, tables from whatever the file's clock says.
Where most events fit as they are, there is no offset. One that is known from elsewhere is taken
where it makes more events fit; one that is only guessed, where nearly all fit with it, few
without it, and few with any other: else two trains of regular spasms would be moved at will.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hfs_vision.evaluation.evaluate import TOLERANCE_S, EventLike
from hfs_vision.evaluation.matching import match
from hfs_vision.schema import SIDES, FloatArray

_GOOD = 0.5
"""Share of the events that fit as they are, from which on nobody asks for an offset."""

_NEARLY_ALL = 0.8
_RIVAL = 0.6
"""Share of what fits with the best offset that no other one may reach."""

_FEWEST = 5
_MOST_PAIRS = 2_000_000


@dataclass(frozen=True)
class Offset:
    """What was found.

    Attributes:
        offset_s: What is to be added to times of the reference, so that they are those of the
            estimate; 0 where nothing is to be moved.
        fits, fits_unmoved: How many pairs of events there are with `offset_s`, or with `doubtful_s`
            where nothing is moved, and without any.
        doubtful_s: An offset with which more would fit, but not surely; ``None`` where there is
            none.
    """

    offset_s: float = 0.0
    fits: int = 0
    fits_unmoved: int = 0
    doubtful_s: float | None = None


def find_offset(
    reference: Sequence[EventLike], estimated: Sequence[EventLike], known_s: Iterable[float] = ()
) -> Offset:
    """The offset of the estimate's clock against that of the reference.

    Args:
        reference: One-sided events.
        estimated: One-sided events.
        known_s: Offsets that there may be, for a reason other than the events.

    >>> from hfs_vision.evaluation.evaluate import LabelledEvent
    >>> def at(*times): return [LabelledEvent(t, t + 0.3, "left", "eye", "") for t in times]
    >>> find_offset(at(1, 3, 4, 8, 13), at(101, 103, 104, 108, 113)).offset_s
    100.0
    """
    most = min(len(reference), len(estimated))
    unmoved = _fits(reference, estimated, 0.0)
    if not most or unmoved >= _GOOD * most:
        return Offset(0.0, unmoved, unmoved)
    for offset_s in known_s:
        fits = _fits(reference, estimated, offset_s)
        if abs(offset_s) > TOLERANCE_S and fits >= max(_GOOD * most, unmoved + 1):
            return Offset(offset_s, fits, unmoved)
    return _guessed(reference, estimated, unmoved, most)


def _guessed(
    reference: Sequence[EventLike], estimated: Sequence[EventLike], unmoved: int, most: int
) -> Offset:
    apart_s = _differences(reference, estimated)
    if not len(apart_s):
        return Offset(0.0, unmoved, unmoved)
    # As many differences as there are within the tolerance of one fit with it, about.
    low = np.searchsorted(apart_s, apart_s - TOLERANCE_S / 2)
    high = np.searchsorted(apart_s, apart_s + TOLERANCE_S / 2, side="right")
    near = high - low
    top = int(np.argmax(near))
    offset_s = round(float(np.median(apart_s[low[top] : high[top]])), 6)
    fits = _fits(reference, estimated, offset_s)
    others = np.abs(apart_s - offset_s) > 2 * TOLERANCE_S
    rival = int(near[others].max(initial=0))
    sure = (
        most >= _FEWEST
        and fits >= _NEARLY_ALL * most
        and max(unmoved, rival) <= _RIVAL * fits
        and abs(offset_s) > TOLERANCE_S
    )
    if sure:
        return Offset(offset_s, fits, unmoved)
    more = fits >= max(_GOOD * most, unmoved + 2) and abs(offset_s) > TOLERANCE_S
    return Offset(0.0, fits, unmoved, offset_s if more else None)


def _onsets(marks: Sequence[EventLike], side: str) -> FloatArray:
    return np.array([mark.onset_s for mark in marks if mark.side == side], np.float64)


def _differences(reference: Sequence[EventLike], estimated: Sequence[EventLike]) -> FloatArray:
    """All distances of onsets of one side, in order; of very many events only the first."""
    parts = []
    for side in SIDES:
        first, second = _onsets(reference, side), _onsets(estimated, side)
        if len(first) * len(second) > _MOST_PAIRS:
            first = np.sort(first)[: max(_MOST_PAIRS // len(second), 1)]
        parts.append((second[None, :] - first[:, None]).ravel())
    return np.sort(np.concatenate(parts))


def _fits(reference: Sequence[EventLike], estimated: Sequence[EventLike], offset_s: float) -> int:
    """How many pairs there are by onset when the reference is moved."""
    pairs = 0
    for side in SIDES:
        first, second = (
            np.column_stack([onsets, onsets + 1e-6])  # by onset alone, however long they last
            for onsets in (_onsets(reference, side) + offset_s, _onsets(estimated, side))
        )
        pairs += len(match(first, second))
    return pairs
