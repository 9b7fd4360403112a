"""The single twitches of an event, which the merge gap joins and which are kept beside it.

The rule: two peaks of one score, both of at least 1, belong to two twitches if the score between
them spends 80 ms or more below a third of the lesser peak. A twitch reaches from where its score
rises above to where it falls below the level at which events end, or to the lowest point between
it and the next. Each region is parted by itself; of the twitches of two regions that overlap, those
that share most time are one.

Only what was seen parts: neither frames without a face, nor a blink in which a lid that is held
closed but loses its one-sidedness.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from hfs_vision.core.events import moving_region
from hfs_vision.core.intervals import IntervalArray
from hfs_vision.core.signals import Signals
from hfs_vision.regions import EYE, FACE_REGIONS
from hfs_vision.schema import BoolArray, FloatArray, Twitch

_DIP = 1 / 3
_DIP_S = 0.08
"""A dip so deep and so long parts two twitches. With half of the peak, or a single frame of 30 in a
second, jitter parts a faint closure that is held; twitches 50 ms apart dip so far even so."""

_EPS_S = 1e-6


def find_twitches(
    rows: Signals,
    row_end: FloatArray,
    stretches: Sequence[IntervalArray],
    held: BoolArray,
    side: int,
) -> tuple[Twitch, ...]:
    """Twitches of one event in order of onset; see the module for the rule.

    Args:
        rows: Signals around the event.
        row_end: ``(n,)`` end of each row in seconds.
        stretches: For each of `FACE_REGIONS` ``(k, 2)`` rows of the event in which it moves, in
            order.
        held: ``(n,)`` rows in which the lid has not opened, be it one-sided or not.
        side: Index into `SIDES`.
    """
    lengths_s = row_end - rows.time_s
    scores, parts = [], []
    for region, found in zip(FACE_REGIONS, stretches, strict=True):
        scores.append(rows.score(region)[:, side])
        blind = held if region is EYE else np.zeros_like(held)
        parts.append(_part(scores[-1], blind, lengths_s, found))
    twitches = [
        _describe(rows, row_end, [(parts[r][i], scores[r]) for r, i in one], side)
        for one in _joined(rows.time_s, row_end, parts)
    ]
    return tuple(sorted(twitches, key=lambda t: (t.onset_s, t.offset_s, t.region)))


def _part(
    score: FloatArray, blind: BoolArray, lengths_s: FloatArray, stretches: IntervalArray
) -> list[slice]:
    """Rows of each twitch in the stretches of one score.

    Args:
        score: ``(n,)`` score of the region.
        blind: ``(n,)`` rows that cannot be part of a dip.
        lengths_s: ``(n,)`` time for which each row stands.
        stretches: ``(k, 2)`` rows in which there is a movement.
    """
    if not len(stretches):
        return []
    inside = np.zeros(len(score), dtype=np.bool_)
    for start, stop in stretches.tolist():
        inside[start:stop] = True
    first, last = int(stretches[0, 0]), int(stretches[-1, 1])
    height = np.where(inside, score, -np.inf)
    depth = np.where(blind | np.isnan(score), np.inf, score)
    cuts, top, lowest = [first], first, np.inf
    for row in range(first + 1, last):
        lesser = min(height[top], height[row])
        if lesser >= 1.0 and lowest < _DIP * lesser:
            between = slice(top, row)
            low_s = lengths_s[between][depth[between] < _DIP * lesser].sum()
            if low_s >= _DIP_S - _EPS_S:
                cuts.append(top + int(np.argmin(depth[between])))
                top, lowest = row, np.inf
        if height[row] > height[top]:
            top, lowest = row, np.inf
        lowest = min(lowest, depth[row])
    spans = []
    for start, stop in zip(cuts, [*cuts[1:], last], strict=True):
        held = np.flatnonzero(inside[start:stop]) + start
        spans.append(slice(int(held[0]), int(held[-1]) + 1))
    return spans


_Part = tuple[int, int]
"""Number of a region, and of one of its twitches."""


def _joined(
    time_s: FloatArray, row_end: FloatArray, parts: Sequence[Sequence[slice]]
) -> list[list[_Part]]:
    """Which twitches of the regions are one, each region's at most once: most overlap first."""
    every = [(region, i) for region, spans in enumerate(parts) for i in range(len(spans))]
    overlaps = []
    for one, other in combinations(every, 2):
        spans = parts[one[0]][one[1]], parts[other[0]][other[1]]
        start, stop = max(span.start for span in spans), min(span.stop for span in spans)
        if start < stop:
            overlaps.append((float(time_s[start] - row_end[stop - 1]), one, other))
    groups = {part: [part] for part in every}
    for _, one, other in sorted(overlaps):
        together = groups[one] + groups[other]
        regions = [region for region, _ in together]
        if len(set(regions)) == len(regions):
            groups |= dict.fromkeys(together, together)
    return [group for part, group in groups.items() if part == min(group)]


def _describe(
    rows: Signals, row_end: FloatArray, moved: list[tuple[slice, FloatArray]], side: int
) -> Twitch:
    """One twitch, of the rows and scores of what moved."""
    span = slice(min(part.start for part, _ in moved), max(part.stop for part, _ in moved))
    score = np.full(len(rows), np.nan)
    for part, of_part in moved:
        score[part] = np.fmax(score[part], of_part[part])
    peak = int(np.nanargmax(score))
    return Twitch(
        onset_s=float(rows.time_s[span.start]),
        offset_s=float(row_end[span.stop - 1]),
        region=moving_region(rows, span, side),
        peak_s=float(rows.time_s[peak]),
        score=float(score[peak]),
    )
