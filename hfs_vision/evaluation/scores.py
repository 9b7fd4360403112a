"""Numbers from a comparison of reference and estimated events.

Conventions

- recall = matched / (matched + missed); precision = right / (right + false); F1 =
  (matched + right) / (matched + right + missed + false). Splits and merges are errors of counting,
  not of finding: they are counted by themselves, count as errors in the **strict** recall
  (matched / all reference events) and precision (right / all estimated events but the unsure), and
  show in the agreement of counts.
- **False events per minute** refer to the valid time of the recordings.
- Errors of onset and duration are estimated minus reference, over matched pairs.
- A **situation** is a reference row that is no event: a blink, a smile, a turn of the head. A
  false event belongs to the situation that it overlaps with the greatest intersection over union,
  so that one in a blink within a minute of talking belongs to the blink.
- Counts of recordings are added, never averaged: a recording weighs as much as it holds.
- What is not defined (a share of nothing) is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from hfs_vision.evaluation.agreement import Agreement, agreement
from hfs_vision.evaluation.evaluate import (
    TOLERANCE_S,
    ComparedRecording,
    Comparison,
    EventLike,
    compare,
    intervals,
)
from hfs_vision.evaluation.matching import micro, overlaps

ELSEWHERE = "elsewhere"
"""Situation of a false event that overlaps no reference row."""

_NAN = float("nan")


@dataclass(frozen=True)
class MatchCounts:
    """Counts of reference and of estimated events, and what follows from them.

    Those of one kind or region are the reference's by what the reference says, and the estimate's
    by what the estimate says; ``matched`` and ``right`` can then differ.
    """

    reference: int = 0
    matched: int = 0
    merged: int = 0
    missed: int = 0
    estimated: int = 0
    right: int = 0
    split: int = 0
    unsure: int = 0
    false: int = 0
    wrong_side: int = 0
    valid_s: float = 0.0

    def __add__(self, other: MatchCounts) -> MatchCounts:
        return MatchCounts(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(MatchCounts))
        )

    @property
    def recall(self) -> float:
        """Share of the reference events that were found; merged ones are left out."""
        return _share(self.matched, self.matched + self.missed)

    @property
    def precision(self) -> float:
        """Share of the estimated events that are right; split and unsure ones are left out."""
        return _share(self.right, self.right + self.false)

    @property
    def f1(self) -> float:
        """Both in one number."""
        found = self.matched + self.right
        return _share(found, found + self.missed + self.false)

    @property
    def strict_recall(self) -> float:
        """Recall with merged events as missed."""
        return _share(self.matched, self.reference)

    @property
    def strict_precision(self) -> float:
        """Precision with split events as false."""
        return _share(self.right, self.estimated - self.unsure)

    @property
    def false_per_min(self) -> float:
        """False events per minute; NaN if the time is unknown."""
        return 60.0 * self.false / self.valid_s if self.valid_s > 0 else _NAN


RATES = ("recall", "precision", "f1", "strict_recall", "strict_precision", "false_per_min")
"""Properties of `MatchCounts` that follow from its counts."""


@dataclass(frozen=True)
class Errors:
    """Estimated minus reference over matched pairs, in seconds.

    Attributes:
        pairs: How many.
        median: Of the signed error: positive where the estimate is late or long.
        mean_abs, p90_abs: Mean and 90th percentile of its size.
    """

    pairs: int
    median: float
    mean_abs: float
    p90_abs: float


@dataclass(frozen=True)
class Situation:
    """False events during one kind of movement that is no event.

    Attributes:
        kind: As the reference names it, or `ELSEWHERE`.
        rows: Reference rows of that kind.
        time_s: Time that they cover together; NaN for `ELSEWHERE`.
        false: False events in them.
    """

    kind: str
    rows: int
    time_s: float
    false: int


@dataclass(frozen=True)
class Evaluation:
    """Recordings and their comparisons at one tolerance (``None``: any overlap)."""

    tolerance_s: float | None
    recordings: tuple[ComparedRecording, ...]
    comparisons: tuple[Comparison, ...]

    def tally(self, *, side: str = "all", kind: str = "all", region: str = "all") -> MatchCounts:
        """Counts over all recordings, of one side, kind or region."""
        return sum((t for t in self.tallies(side=side, kind=kind, region=region)), MatchCounts())

    def tallies(
        self, *, side: str = "all", kind: str = "all", region: str = "all"
    ) -> list[MatchCounts]:
        """The same for each recording."""
        return [
            _tally(recording, comparison, side=side, kind=kind, region=region)
            for recording, comparison in zip(self.recordings, self.comparisons, strict=True)
        ]

    def without_events(self) -> tuple[int, MatchCounts]:
        """How many recordings have no reference event, and their counts."""
        found = [t for t, r in zip(self.tallies(), self.recordings, strict=True) if not r.reference]
        return len(found), sum(found, MatchCounts())

    def pairs(self) -> list[tuple[EventLike, EventLike]]:
        """Matched events, reference first."""
        return [
            (recording.reference[a], recording.estimated[b])
            for recording, comparison in zip(self.recordings, self.comparisons, strict=True)
            for a, b in comparison.matched
        ]

    def onset_error(self) -> Errors:
        """How late estimated events begin."""
        return _errors([e.onset_s - r.onset_s for r, e in self.pairs()])

    def duration_error(self) -> Errors:
        """How much longer estimated events are."""
        return _errors(
            [(e.offset_s - e.onset_s) - (r.offset_s - r.onset_s) for r, e in self.pairs()]
        )

    def same_region(self) -> float:
        """Share of the matched pairs in which both say that the same part of the face moved."""
        pairs = self.pairs()
        return _share(sum(r.region == e.region for r, e in pairs), len(pairs))

    def situations(self) -> list[Situation]:
        """False events by what the reference says of that moment; empty if it never says."""
        return _situations(self.recordings, self.comparisons)

    def agreement(self, side: str = "all") -> Agreement:
        """How far the numbers of reference and estimated events agree over recordings."""
        tallies = self.tallies(side=side)
        return agreement([t.reference for t in tallies], [t.estimated - t.unsure for t in tallies])


def evaluate(
    recordings: Sequence[ComparedRecording], *, tolerance_s: float | None = TOLERANCE_S
) -> Evaluation:
    """Compares the events of every recording.

    Args:
        recordings: Reference and estimate of each.
        tolerance_s: Largest distance of onsets; ``None`` matches by any overlap.
    """
    comparisons = tuple(compare(recording, tolerance_s=tolerance_s) for recording in recordings)
    return Evaluation(tolerance_s, tuple(recordings), comparisons)


def _tally(
    recording: ComparedRecording, comparison: Comparison, *, side: str, kind: str, region: str
) -> MatchCounts:
    def of(marks: Sequence[EventLike], rows: Sequence[int]) -> int:
        return sum(
            side in ("all", m.side) and kind in ("all", m.kind) and region in ("all", m.region)
            for m in (marks[row] for row in rows)
        )

    reference, estimated = recording.reference, recording.estimated
    return MatchCounts(
        reference=of(reference, range(len(reference))),
        matched=of(reference, [a for a, _ in comparison.matched]),
        merged=of(reference, comparison.merged),
        missed=of(reference, comparison.missed),
        estimated=of(estimated, range(len(estimated))),
        right=of(estimated, [b for _, b in comparison.matched]),
        split=of(estimated, comparison.split),
        unsure=of(estimated, comparison.unsure),
        false=of(estimated, comparison.false),
        wrong_side=of(estimated, [b for _, b in comparison.wrong_side]),
        valid_s=recording.valid_s,
    )


def _errors(values: ArrayLike) -> Errors:
    errors = np.asarray(values, dtype=np.float64)
    if not len(errors):
        return Errors(0, _NAN, _NAN, _NAN)
    size = np.abs(errors)
    return Errors(
        len(errors), float(np.median(errors)), float(size.mean()), float(np.percentile(size, 90))
    )


def _situations(
    recordings: Sequence[ComparedRecording], comparisons: Sequence[Comparison]
) -> list[Situation]:
    kinds = sorted({mark.kind for recording in recordings for mark in recording.situations})
    if not kinds:
        return []
    false = dict.fromkeys([*kinds, ELSEWHERE], 0)
    rows, time_s = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0.0)
    for recording, comparison in zip(recordings, comparisons, strict=True):
        for kind in _situations_of(recording, comparison.false):
            false[kind] += 1
        for kind in kinds:
            marks = [mark for mark in recording.situations if mark.kind == kind]
            rows[kind] += len(marks)
            time_s[kind] += _covered(marks)
    found = [Situation(kind, rows[kind], time_s[kind], false[kind]) for kind in kinds]
    return [*found, Situation(ELSEWHERE, 0, _NAN, false[ELSEWHERE])]


def _situations_of(recording: ComparedRecording, rows: Sequence[int]) -> list[str]:
    """Kind of the situation in which each of some estimated events lies."""
    events = micro(intervals(recording.estimated, rows))
    others = micro(intervals(recording.situations, range(len(recording.situations))))
    lengths = np.diff(events, axis=1)[:, 0], np.diff(others, axis=1)[:, 0]
    best = [(0.0, ELSEWHERE)] * len(rows)
    for a, b, common in overlaps(events, others).tolist():
        iou = common / int(lengths[0][a] + lengths[1][b] - common)
        if iou > best[a][0]:
            best[a] = iou, recording.situations[b].kind
    return [kind for _, kind in best]


def _covered(marks: Sequence[EventLike]) -> float:
    """Time that some marks cover together, in seconds."""
    total, until = 0.0, -np.inf
    for mark in sorted(marks, key=lambda mark: mark.onset_s):
        total += max(mark.offset_s - max(mark.onset_s, until), 0.0)
        until = max(until, mark.offset_s)
    return total


def _share(part: int, whole: int) -> float:
    return part / whole if whole else _NAN
