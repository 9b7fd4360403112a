"""Reference (human) events against estimated (machine) events.

Conventions

- An event is one movement of one side; see `Marked`. Events are matched one to one within their
  side as `hfs_vision.core.matching` says: onsets within the tolerance, or, for a reference event
  of 1 s or more, intersection over union of at least one half.
- Every reference event is **matched**, **merged** or **missed**. Merged: it has no partner, but
  one estimate that is matched with another reference event covers more than half of it.
- Every estimated event is **right** (matched), **split**, **unsure** or **false**. Split: it has
  no partner, but more than half of it lies within one matched reference event. Unsure: it has no
  partner, but overlaps or begins within the tolerance of a reference event that the human was not
  sure of; such events are neither wanted nor false.
- **Wrong side**: a false event that would match a missed event of the other side. It stays both.
- recall = matched / (matched + missed); precision = right / (right + false); F1 = 2 matched /
  (2 matched + missed + false). Splits and merges are errors of counting, not of finding: they are
  counted by themselves, stand in ``strict`` recall and precision (matched / all reference events,
  right / all estimated events that are not unsure), and show in the agreement of counts.
- **False events per minute** refer to valid time, where it is known.
- Errors of onset and duration are estimated minus reference, over matched pairs.
- A **situation** is a reference row that is no event: a blink, a smile, a turn of the head. A
  false event belongs to the situation it overlaps with the greatest intersection over union, so
  that a blink within a minute of talking counts as a blink.
- What is not defined (a share of nothing) is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from hfs_vision.errors import UsageError
from hfs_vision.schema import SIDES

TOLERANCE_S = 0.15
"""Distance of onsets that counts as the same event: two frames at 15 frames/s."""

ALSO_S = (0.10, 0.15, 0.25)
"""Tolerances that are reported beside it, so that no choice hides behind one number."""

ROUNDING_S = 0.002
"""By so much may intervals overlap because onset and duration were rounded one by one."""

_LATEST_S = 1e12
_NAN = float("nan")


class Marked(Protocol):
    """One movement on a recording's clock: `Event`, a simulated movement or a row of labels."""

    @property
    def onset_s(self) -> float: ...  # noqa: D102
    @property
    def offset_s(self) -> float: ...  # noqa: D102
    @property
    def side(self) -> str: ...  # noqa: D102
    @property
    def region(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Recording:
    """What human and machine found in one recording.

    Attributes:
        name: Of the recording.
        reference, estimated: One-sided events.
        situations: Reference rows that are no events; an event there is false.
        unsure: One-sided reference rows of too low a confidence.
        valid_s: Time in which events could be found, seconds; NaN if unknown.
        valid_from: Where that time comes from.
    """

    name: str
    reference: Sequence[Marked]
    estimated: Sequence[Marked]
    situations: Sequence[Marked] = ()
    unsure: Sequence[Marked] = ()
    valid_s: float = _NAN
    valid_from: str = ""


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


@dataclass(frozen=True)
class Tally:
    """Counts of reference and of estimated events, and what follows from them.

    Of one kind or region, the reference's are told by the reference and the estimate's by the
    estimate; ``matched`` and ``right`` can then differ.
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

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Tally)))

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
        """Both in one: 2 matched / (2 matched + missed + false)."""
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
        """False events per minute."""
        return 60.0 * self.false / self.valid_s if self.valid_s > 0 else _NAN


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
        kind: As the reference names it; ``elsewhere`` for none.
        rows: Reference rows of that kind.
        time_s: Time that they cover together; NaN for ``elsewhere``.
        false: False events in them.
    """

    kind: str
    rows: int
    time_s: float
    false: int


def faults(
    marks: Sequence[Marked],
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
        end_s: No event may end later than this, in seconds.
    """
    latest: dict[str, int] = {}
    sound = []
    for row, mark in enumerate(marks):
        if mark.side not in sides:
            yield row, f"side is {mark.side!r}; write one of {', '.join(sides)}"
        elif not (abs(mark.onset_s) < _LATEST_S and abs(mark.offset_s) < _LATEST_S):
            yield (
                row,
                f"the event runs from {mark.onset_s:g} s to {mark.offset_s:g} s; times must \
be numbers on the recording's clock",
            )
        elif not round(mark.offset_s * 1e6) > round(mark.onset_s * 1e6):
            yield (
                row,
                f"the event runs from {mark.onset_s:g} s to {mark.offset_s:g} s; its \
duration must be positive",
            )
        elif mark.offset_s > end_s:
            yield row, f"the event ends at {mark.offset_s:g} s, beyond the end of the recording"
        else:
            sound.append(row)
    for row in sorted(sound, key=lambda row: (marks[row].onset_s, row)):
        side = marks[row].side
        before = latest.get(side)
        if before is None or marks[row].offset_s > marks[before].offset_s:
            latest[side] = row
        if may_overlap or before is None:
            continue
        if marks[before].offset_s - marks[row].onset_s > ROUNDING_S:
            yield (
                max(row, before),
                f"the {side} event from {marks[row].onset_s:g} s overlaps the \
one from {marks[before].onset_s:g} s to {marks[before].offset_s:g} s; one side can have one event \
at a time",
            )


def compare(recording: Recording, *, tolerance_s: float | None = TOLERANCE_S) -> Comparison:
    """Matches the events of a recording and says what became of each.

    Args:
        recording: Reference events of one side must not overlap each other.
        tolerance_s: Largest distance of onsets; ``None`` matches by any overlap.

    Raises:
        UsageError: If an event has no known side or no positive duration, or if reference events
            of one side overlap.
    """
    for what in ("reference", "estimated", "unsure"):
        marks = getattr(recording, what)
        for row, fault in faults(marks, may_overlap=what != "reference"):
            raise UsageError(f"{what} event {row} of {recording.name}: {fault}")
    parts = [_compare_side(recording, side, tolerance_s) for side in SIDES]
    joined = {
        f.name: tuple(sorted(x for part in parts for x in getattr(part, f.name)))
        for f in fields(Comparison)
    }
    joined["wrong_side"] = _wrong_side(recording, joined["missed"], joined["false"], tolerance_s)
    return Comparison(**joined)
