"""The single twitches of an event, which the merge gap joins and which are kept beside it.

The rule: two peaks of one score, both of at least 1, belong to two twitches if the score between
them spends 80 ms or more below a third of the lesser peak. A twitch reaches from where its score
rises above to where it falls below the level at which events end, or to the lowest point between
it and the next. Lid and corner are parted each by itself; of their twitches that overlap, the two
that share most time are one.

Only what was seen parts: neither frames without a face, nor a blink in which a lid that is held
closed but loses its one-sidedness.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hfs_vision.core.events import moving_region
from hfs_vision.core.intervals import IntervalArray
from hfs_vision.core.signals import Signals
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
        stretches: ``(k, 2)`` rows of the event in which the lid moves, and those in which the
            corner does, each in order.
        held: ``(n,)`` rows in which the lid has not opened, be it one-sided or not.
        side: Index into `SIDES`.
    """
    scores = rows.eye_score[:, side], rows.mouth_score[:, side]
    lengths_s = row_end - rows.time_s
    parts = [
        _part(score, blind, lengths_s, found)
        for score, blind, found in zip(scores, (held, np.zeros_like(held)), stretches, strict=True)
    ]
    pairs = _pairs(rows.time_s, row_end, *parts)
    twitches = [
        _describe(rows, row_end, [(parts[0][i], scores[0]), (parts[1][j], scores[1])], side)
        for i, j in pairs
    ]
    for channel, (spans, score) in enumerate(zip(parts, scores, strict=True)):
        paired = {pair[channel] for pair in pairs}
        twitches += [
            _describe(rows, row_end, [(span, score)], side)
            for number, span in enumerate(spans)
            if number not in paired
        ]
    return tuple(sorted(twitches, key=lambda t: (t.onset_s, t.offset_s, t.region)))


def _part(
    score: FloatArray, blind: BoolArray, lengths_s: FloatArray, stretches: IntervalArray
) -> list[slice]:
    """Rows of each twitch in the stretches of one score.

    Args:
        score: ``(n,)`` score of lid or corner.
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


def _pairs(
    time_s: FloatArray, row_end: FloatArray, lid: list[slice], corner: list[slice]
) -> list[tuple[int, int]]:
    """Numbers of the twitches of lid and corner that are one: those that overlap most, first."""
    overlaps = []
    for i, one in enumerate(lid):
        for j, other in enumerate(corner):
            start, stop = max(one.start, other.start), min(one.stop, other.stop)
            if start < stop:
                overlaps.append((float(time_s[start] - row_end[stop - 1]), i, j))
    pairs: list[tuple[int, int]] = []
    for _, i, j in sorted(overlaps):
        if all(i != pair[0] and j != pair[1] for pair in pairs):
            pairs.append((i, j))
    return pairs


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
        region=moving_region(rows.eye_score[span, side], rows.mouth_score[span, side]),
        peak_s=float(rows.time_s[peak]),
        score=float(score[peak]),
    )
