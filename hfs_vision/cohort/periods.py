"""Each person before and after a treatment: which sessions those are, and what was counted then.

Days count from the first treatment of the kind, 0 being its own day, on the person's own calendar.
The day itself belongs to neither period: a session does not say whether it was before or after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from hfs_vision.cohort.persons import Person
from hfs_vision.diary import WHOLE, Diary, SessionRecord
from hfs_vision.errors import UsageError
from hfs_vision.rates import Rate, rate
from hfs_vision.schema import KINDS, SIDES

AFFECTED, BOTH, ALL = "affected", "both", "all"
COMPARED_SIDES = (AFFECTED, *SIDES, BOTH)
COMPARED_KINDS = (ALL, *KINDS)
COMPARED_TREATMENTS = ("botulinum_toxin", "surgery", "drug_start")


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is compared.

    Attributes:
        treatment: Kind; one of `COMPARED_TREATMENTS`.
        side: One of `COMPARED_SIDES`; ``affected`` is what each diary states.
        kind: Kind of movement, or ``all``.
        segment: Label of the stretches that count; `WHOLE` for whole sessions.
        before_days: How many days before that of the treatment count.
        after_days: First and last day after it that count; the last is earlier where the treatment
            is given again.
        least_valid_s: With less valid time in either period a person is left out.

    Raises:
        UsageError: If a value is out of range.
    """

    treatment: str
    side: str = AFFECTED
    kind: str = ALL
    segment: str = WHOLE
    before_days: int = 90
    after_days: tuple[int, int] = (14, 90)
    least_valid_s: float = 60.0

    def __post_init__(self) -> None:
        first, last = self.after_days
        if self.before_days < 1:
            raise UsageError(f"--before is {self.before_days}: give 1 day or more")
        if not 1 <= first <= last:
            raise UsageError(
                f"--after is {first} {last}: give the first and the last day, from 1 on, the first "
                "not after the last"
            )


@dataclass(frozen=True)
class Period:
    """What was counted in some sessions, as one.

    Attributes:
        sessions: How many they are.
        valid_s: Their valid time in seconds.
        rate: Of all their events in all that time; the interval takes events as independent.
    """

    sessions: int
    valid_s: float
    rate: Rate


@dataclass(frozen=True)
class BeforeAfter:
    """One person before and after.

    Attributes:
        person: Name.
        side: ``left``, ``right`` or ``both``; empty where the diary does not state it.
        treated: Day of the treatment; ``None`` where there was none.
        before, after: What was counted.
        others: Treatments of any kind but notes, besides that one, from the start of the first
            period to the end of the second.
        makings: How many combinations of settings, landmark model and version counted there.
        left_out: Why the person is not compared; empty for those who are.
    """

    person: str
    side: str
    treated: date | None
    before: Period
    after: Period
    others: int = 0
    makings: int = 0
    left_out: str = ""

    @property
    def difference(self) -> float:
        """Events per minute after, less those before."""
        return self.after.rate.per_min - self.before.rate.per_min


def pair_of(person: Person, question: Question) -> BeforeAfter:
    """One person before and after the treatment that a question asks about."""
    diary = person.diary
    side = diary.affected_side if question.side == AFFECTED else question.side
    if side not in (*SIDES, BOTH):
        return _left_out(person, "", None, "the diary does not state the affected side")
    given = [t.date for t in diary.treatments if t.kind == question.treatment]
    if not given:
        return _left_out(person, side, None, f"no {question.treatment.replace('_', ' ')} is marked")
    treated = min(given)
    first, last = question.after_days
    again = min((day for day in given if day > treated), default=None)
    if again is not None:
        last = min(last, (again - treated).days - 1)
    before, after = (
        _sessions(person, treated, span, question.segment)
        for span in ((-question.before_days, -1), (first, last))
    )
    periods = _period(before, question, side), _period(after, question, side)
    makings = {(s.settings_sha256, s.model_sha256, s.hfs_vision) for s in (*before, *after)}
    return BeforeAfter(
        person.name,
        side,
        treated,
        periods[0],
        periods[1],
        others=_others(diary, question, treated, last),
        makings=len(makings),
        left_out=_why_not(periods, question, again, treated),
    )


def _left_out(person: Person, side: str, treated: date | None, why: str) -> BeforeAfter:
    none = Period(0, 0.0, rate(0, 0.0))
    return BeforeAfter(person.name, side, treated, none, none, left_out=why)


def _sessions(
    person: Person, treated: date, span: tuple[int, int], label: str
) -> list[SessionRecord]:
    return [
        session
        for session in person.diary.sessions
        if span[0] <= (person.day(session) - treated).days <= span[1]
        and session.segment(label) is not None
    ]


def _period(sessions: Sequence[SessionRecord], question: Question, side: str) -> Period:
    sides = SIDES if side == BOTH else (side,)
    kinds = KINDS if question.kind == ALL else (question.kind,)
    parts = [part for s in sessions if (part := s.segment(question.segment)) is not None]
    valid_s = math.fsum(part.valid_s for part in parts if math.isfinite(part.valid_s))
    count = sum(part.counts.get((s, k), 0) for part in parts for s in sides for k in kinds)
    return Period(len(parts), valid_s, rate(count, valid_s))


def _others(diary: Diary, question: Question, treated: date, last: int) -> int:
    days = (
        (t.date - treated).days
        for t in diary.treatments
        if t.kind != "note" and (t.kind != question.treatment or t.date != treated)
    )
    return sum(-question.before_days <= day <= last for day in days)


def _why_not(
    periods: Sequence[Period], question: Question, again: date | None, treated: date
) -> str:
    for name, period in zip(("before", "after"), periods, strict=True):
        if period.sessions and period.valid_s >= question.least_valid_s:
            continue
        if period.sessions:
            return (
                f"{period.valid_s:.0f} s of valid time {name}, {question.least_valid_s:g} s are "
                "wanted"
            )
        if name == "after" and again is not None:
            day = (again - treated).days
            return f"no session in the days after, until it was given again on day {day}"
        return f"no session in the days {name}"
    return ""
