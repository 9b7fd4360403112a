"""Reference (human) events against estimated (machine) events: what became of each.

Conventions

- An event is one movement of one side; see `EventLike`. Events are matched one to one within their
  side as `.matching` says: onsets within the tolerance, or, for a reference event
  of 1 s or more, intersection over union of at least one half.
- Every reference event is **matched**, **merged** or **missed**. Merged: it has no partner, but
  one estimate that is matched with another reference event covers more than half of it.
- Every estimated event is **right** (matched), **split**, **unsure** or **false**. Split: it has
  no partner, but more than half of it lies within one matched reference event. Unsure: it is
  neither right nor split, but overlaps, or begins within the tolerance of, an event that the human
  was not sure of; such events are neither wanted nor false.
- **Wrong side**: a false event that would match a missed event of the other side. It stays both.

`hfs_vision.evaluation.scores` makes numbers of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from hfs_vision.errors import UsageError
from hfs_vision.evaluation.matching import candidates, match, micro, overlaps
from hfs_vision.schema import END_SLACK_S, LARGEST, ROUNDING_S, SIDES, FloatArray

TOLERANCE_S = 0.15
"""Onsets no further apart than this are those of one event: two frames at 15 frames/s, and about
what two people who mark the same video differ by."""


class EventLike(Protocol):
    """One movement on a recording's clock: `Event`, a simulated movement or a row of labels."""

    @property
    def onset_s(self) -> float:
        """Begin, in seconds."""
        ...

    @property
    def offset_s(self) -> float:
        """End, in seconds."""
        ...

    @property
    def side(self) -> str:
        """The subject's own ``left`` or ``right``; ``both`` for what is no event."""
        ...

    @property
    def region(self) -> str:
        """What moved."""
        ...

    @property
    def kind(self) -> str:
        """What the movement is called."""
        ...


@dataclass(frozen=True)
class LabelledEvent:
    """A movement and nothing else; see `EventLike`."""

    onset_s: float
    offset_s: float
    side: str
    region: str
    kind: str


@dataclass(frozen=True)
class ComparedRecording:
    """What human and machine found in one recording.

    Attributes:
        name: Of the recording.
        reference, estimated: One-sided events; those of the reference that are of one side do not
            overlap.
        situations: Reference rows that are no events: an event there is false.
        unsure: One-sided reference rows of too low a confidence.
        valid_s: Time in which events could be found, in seconds; NaN if unknown.
        valid_from: Where that time comes from.
        clock_offset_s: By how much the clock of the estimate was ahead of the reference's, before
            both were brought onto one.

    Raises:
        UsageError: If an event has no known side or no positive duration, or if reference events
            of one side overlap.
    """

    name: str
    reference: Sequence[EventLike]
    estimated: Sequence[EventLike]
    situations: Sequence[EventLike] = ()
    unsure: Sequence[EventLike] = ()
    valid_s: float = float("nan")
    valid_from: str = ""
    clock_offset_s: float = 0.0

    def __post_init__(self) -> None:
        for what in ("reference", "estimated", "unsure"):
            for row, fault in faults(getattr(self, what), may_overlap=what != "reference"):
                raise UsageError(f"{self.name}, {what} event {row}: {fault}")


@dataclass(frozen=True)
class Comparison:
    """What became of each event of a recording: row numbers of its reference and estimate.

    Attributes:
        matched: Pairs (reference, estimated), ordered by reference.
        merged, missed: The other reference events.
        split, unsure, false: The other estimated events.
        wrong_side: Pairs of a missed and a false event.
    """

    matched: tuple[tuple[int, int], ...]
    merged: tuple[int, ...]
    missed: tuple[int, ...]
    split: tuple[int, ...]
    unsure: tuple[int, ...]
    false: tuple[int, ...]
    wrong_side: tuple[tuple[int, int], ...]


def faults(
    marks: Sequence[EventLike],
    *,
    sides: Sequence[str] = SIDES,
    may_overlap: bool = True,
    end_s: float = float("inf"),
) -> Iterator[tuple[int, str]]:
    """What is wrong with a list of events: row number and a sentence for each fault.

    Args:
        marks: In any order.
        sides: That are known here.
        may_overlap: Whether events of one side may overlap.
        end_s: End of the recording, in seconds; `END_SLACK_S` is granted.
    """
    sound = []
    for row, mark in enumerate(marks):
        span = f"the event runs from {mark.onset_s:g} s to {mark.offset_s:g} s"
        if mark.side not in sides:
            yield row, f"side is {mark.side!r}; write one of {', '.join(sides)}"
        elif not max(abs(mark.onset_s), abs(mark.offset_s)) < LARGEST:
            yield row, f"{span}; both must be times on the recording's clock"
        elif round(mark.offset_s * 1e6) <= round(mark.onset_s * 1e6):
            yield row, f"{span}; its duration must be positive"
        elif mark.offset_s > end_s + END_SLACK_S:
            yield row, f"{span}, but the recording ends at {end_s:g} s"
        else:
            sound.append(row)
    if not may_overlap:
        yield from _collisions(marks, sorted(sound, key=lambda row: (marks[row].onset_s, row)))


def _collisions(marks: Sequence[EventLike], ordered: Sequence[int]) -> Iterator[tuple[int, str]]:
    latest: dict[str, EventLike] = {}
    for row in ordered:
        mark = marks[row]
        before = latest.get(mark.side)
        if before is None or mark.offset_s > before.offset_s:
            latest[mark.side] = mark
        if before is not None and before.offset_s - mark.onset_s > ROUNDING_S:
            yield (
                row,
                f"the {mark.side} event from {mark.onset_s:g} s overlaps the one from "
                f"{before.onset_s:g} s to {before.offset_s:g} s; a side has one event at a time",
            )


def compare(recording: ComparedRecording, *, tolerance_s: float | None = TOLERANCE_S) -> Comparison:
    """Matches the events of a recording and says what became of each.

    Args:
        recording: Reference and estimate.
        tolerance_s: Largest distance of onsets; ``None`` matches by any overlap.
    """
    parts = [_compare_side(recording, side, tolerance_s) for side in SIDES]
    left, right = ({f.name: getattr(part, f.name) for f in fields(Comparison)} for part in parts)
    joined = {name: tuple(sorted(left[name] + right[name])) for name in left}
    missed, false = joined["missed"], joined["false"]
    crossed = []
    for side, other in (SIDES, SIDES[::-1]):
        wanted = [row for row in missed if recording.reference[row].side == other]
        found = [row for row in false if recording.estimated[row].side == side]
        pairs = match(
            intervals(recording.reference, wanted),
            intervals(recording.estimated, found),
            tolerance_s=tolerance_s,
        )
        crossed += [(wanted[a], found[b]) for a, b in pairs]
    return Comparison(**{**joined, "wrong_side": tuple(sorted(crossed))})


def _compare_side(recording: ComparedRecording, side: str, tolerance_s: float | None) -> Comparison:
    wanted, found, doubted = (
        [row for row, mark in enumerate(marks) if mark.side == side]
        for marks in (recording.reference, recording.estimated, recording.unsure)
    )
    spans = intervals(recording.reference, wanted), intervals(recording.estimated, found)
    pairs = match(*spans, tolerance_s=tolerance_s)
    reference, estimated = micro(spans[0]), micro(spans[1])
    unsure = micro(intervals(recording.unsure, doubted))
    matched, right = {a for a, _ in pairs}, {b for _, b in pairs}
    merged, split = set(), set()
    for a, b, common in overlaps(reference, estimated).tolist():
        if a not in matched and b in right and 2 * common > reference[a, 1] - reference[a, 0]:
            merged.add(a)
        if a in matched and b not in right and 2 * common > estimated[b, 1] - estimated[b, 0]:
            split.add(b)
    near = {b for _, b in candidates(unsure, estimated, tolerance_s).tolist()}
    near |= {b for _, b, _ in overlaps(unsure, estimated).tolist()}
    near -= right | split
    return Comparison(
        matched=tuple((wanted[a], found[b]) for a, b in pairs),
        merged=_named(wanted, merged),
        missed=_named(wanted, set(range(len(wanted))) - matched - merged),
        split=_named(found, split),
        unsure=_named(found, near),
        false=_named(found, set(range(len(found))) - right - split - near),
        wrong_side=(),
    )


def _named(rows: Sequence[int], chosen: set[int]) -> tuple[int, ...]:
    return tuple(rows[k] for k in sorted(chosen))


def intervals(marks: Sequence[EventLike], rows: Iterable[int]) -> FloatArray:
    """``(n, 2)`` onset and offset of some of the marks, seconds."""
    spans = [(marks[row].onset_s, marks[row].offset_s) for row in rows]
    return np.array(spans, dtype=np.float64).reshape(-1, 2)
