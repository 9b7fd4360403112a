"""What followed each treatment: rates before and after, when it began to act, when it wore off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hfs_vision.diary import SessionRecord, Treatment
from hfs_vision.rates import Estimate, Pooled, difference, pooled, ratio
from hfs_vision.schema import BoolArray
from hfs_vision.trend.comparing import differences
from hfs_vision.trend.levels import (
    LONGEST_ACTION_DAYS,
    SHORTEST_ACTION_DAYS,
    Days,
    Followed,
    Moment,
    Start,
    TreatmentResponse,
    follow,
)
from hfs_vision.trend.series import Sessions, day_number

AFTER_DAYS = 14, 56
"""First and last day after a treatment of the sessions that count as after it."""

_ENDS = "botulinum_toxin"
_RAISES = "drug_stop"


@dataclass(frozen=True)
class Effect:
    """A treatment, and what the counts of one side show of it.

    Attributes:
        treatment: As the diary has it.
        side: The side that was counted.
        before, after: Sessions that are compared, as one; see `docs/diary.md`.
        difference: Of the rates, events per minute, after less before.
        ratio: After by before.
        onset, wearing_off: Days after it; ``None`` where the counts do not show it.
        onset_said, wearing_off_said: In words.
        differing: What else differs between both groups of sessions.
    """

    treatment: Treatment
    side: str
    before: Pooled
    after: Pooled
    difference: Estimate
    ratio: Estimate
    onset: Moment | None
    wearing_off: Moment | None
    onset_said: str
    wearing_off_said: str
    differing: list[str]


def find_effects(
    sessions: Sessions, treatments: Sequence[Treatment], side: str, kind: str, segment: str
) -> tuple[list[Effect], float]:
    """What followed each treatment, notes left out, and how much rates vary from day to day.

    Args:
        sessions: All of one segment.
        treatments: Of the diary, in order of date.
        side: One of `hfs_vision.schema.SIDES`.
        kind: As in `hfs_vision.trend.series.TrendOptions`.
        segment: Of the sessions.
    """
    marked = [t for t in treatments if t.kind != "note"]
    starts = _starts(marked)
    days = Days.of(sessions.day, sessions.of(side, kind)[0], sessions.valid_s)
    rows = np.flatnonzero(sessions.valid_s > 0)
    at = np.searchsorted(days.day, sessions.day[rows])
    found = follow(days, starts)
    last = float(days.day[-1]) if len(days.day) else 0.0
    numbers = {start.day: k for k, start in enumerate(starts)}
    effects = []
    for treatment in marked:
        k = numbers[day_number(treatment.date)]
        course, own = found.courses[k], found.own == k
        # A treatment that follows when all sessions are over ends nothing that was seen.
        end = next((start.day for start in starts[k + 1 :] if start.day <= last), None)
        seen_days = (last if end is None else end) - starts[k].day
        after = own & (found.since >= AFTER_DAYS[0]) & (found.since <= AFTER_DAYS[1])
        first, second = (_pool(days, found, mask) for mask in (found.before[k], after))
        early, late = (_records(sessions, rows[mask[at]]) for mask in (found.before[k], after))
        effects.append(
            Effect(
                treatment=treatment,
                side=side,
                before=first,
                after=second,
                difference=difference(second, first),
                ratio=ratio(second, first),
                onset=course.onset,
                wearing_off=course.wearing_off,
                onset_said=_onset(starts[k], course, seen_days, open_end=end is None),
                wearing_off_said=_wearing_off(starts[k], course, open_end=end is None),
                differing=differences(early, late, segment),
            )
        )
    return effects, found.variation


def _starts(treatments: Sequence[Treatment]) -> list[Start]:
    """One for each day: what was done on one day cannot be told apart."""
    kinds: dict[int, set[str]] = {}
    for treatment in treatments:
        kinds.setdefault(day_number(treatment.date), set()).add(treatment.kind)
    return [
        Start(float(day), lasting=done != {_ENDS}, lowers=_RAISES not in done)
        for day, done in sorted(kinds.items())
    ]


def _pool(days: Days, found: Followed, rows: BoolArray) -> Pooled:
    whole = pooled(days.count[rows], days.valid_s[rows], found.variation)
    return replace(whole, sessions=int(days.sessions[rows].sum()))


def _records(sessions: Sessions, rows: NDArray[np.int64]) -> list[SessionRecord]:
    return [sessions.records[row] for row in rows.tolist()]


def _onset(start: Start, course: TreatmentResponse, seen_days: float, *, open_end: bool) -> str:
    if not start.lowers:
        return "not looked for"
    if course.onset is not None:
        return moment_said(course.onset)
    if not course.sessions:
        return "no session after it"
    if np.isnan(course.level):
        return "no session before it"
    early = open_end and seen_days < LONGEST_ACTION_DAYS
    return "not seen yet" if early or seen_days < SHORTEST_ACTION_DAYS else "not seen"


def _wearing_off(start: Start, course: TreatmentResponse, *, open_end: bool) -> str:
    if not start.lowers:
        return "not looked for"
    if course.onset is None:
        return "no onset was seen"
    if course.wearing_off is not None:
        return moment_said(course.wearing_off)
    return "not seen yet" if open_end else "not seen before the next"


def moment_said(moment: Moment) -> str:
    """A day with its interval.

    >>> moment_said(Moment(3.5, 0.0, 7.0))
    'day 4 (0 to 7)'
    """
    return f"day {moment.day:.0f} ({moment.low:.0f} to {moment.high:.0f})"
