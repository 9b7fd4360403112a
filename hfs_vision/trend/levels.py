"""When a treatment begins to act and when it has worn off, read off counts alone.

Rates are taken to be at one level without a treatment, to fall to a lower one some days after it,
and to come back to the first, at once or evenly over four weeks. Those days and levels are wanted
at which what was counted is likeliest. `docs/diary.md` tells the rule in plain words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hfs_vision.rates import day_to_day
from hfs_vision.schema import BoolArray, FloatArray

LONGEST_ONSET_DAYS = 42
LONGEST_BEFORE_DAYS = 182
FALLBACK_DAYS = 28
LONGEST_ACTION_DAYS = 84
"""For how long a treatment is taken to act, at least, where nothing tells."""

SHORTEST_ACTION_DAYS = 28
LONGEST_COURSE_DAYS = 365
RETURN_DAYS = (0.0, 28.0)
"""Lengths of a return to the level before that are tried."""

EVIDENCE = 8.0
"""Twice the logarithm of how much likelier the counts must be with a fall than without it."""

EVIDENCE_OF_RETURN = 6.0
"""Likewise with a way back: there is less to choose from, since it can only follow a fall."""

_OUTSIDE = 7.35
"""Likewise, by how much a day may be less likely than the likeliest and still lie in its interval:
the 95 % quantile for the place of a change (Hansen 2000, Econometrica 68:575-603)."""

_LEAST = 0.25
"""Events by which a level is at least one: of a level of nothing nothing can follow."""

_ROUNDS = 2
_PARAMETERS = 3


@dataclass(frozen=True)
class Moment:
    """A day after a treatment, and the first and last day of its interval."""

    day: float
    low: float
    high: float


@dataclass(frozen=True)
class TreatmentResponse:
    """What followed a treatment.

    Attributes:
        level: Events per second without it; NaN where no session tells.
        low: Events per second while it acts.
        onset, wearing_off: Half of the way down, and half of the way back; ``None`` where the
            counts do not show it.
        return_days: How long the way back takes.
        sessions: Days with a session after it, up to the next treatment.
    """

    level: float
    low: float = math.nan
    onset: Moment | None = None
    wearing_off: Moment | None = None
    return_days: float = 0.0
    sessions: int = 0

    def effect(self, since: FloatArray) -> FloatArray:
        """How much of the way down the rate is, ``(n,)`` from 0 to 1, by days after."""
        if self.onset is None:
            return np.zeros(len(since))
        acting = (since >= self.onset.day).astype(np.float64)
        if self.wearing_off is None:
            return acting
        return acting * (1.0 - _returned(since, self.wearing_off.day, self.return_days))


@dataclass(frozen=True)
class Start:
    """A treatment, as far as it matters here.

    Attributes:
        day: Of the calendar.
        lasting: Whether it changes the level for good, so that what was before it is no measure
            for what follows the next one.
        lowers: Whether it is to lower the rate: only then a fall is looked for.
    """

    day: float
    lasting: bool = False
    lowers: bool = True


@dataclass(frozen=True)
class Days:
    """Sessions by the day, in order; those of one day are one.

    Attributes:
        day: ``(n,)`` days of the calendar.
        count: ``(n,)`` events.
        valid_s: ``(n,)`` seconds in which they were seen.
        sessions: ``(n,)`` of each day.
    """

    day: FloatArray
    count: FloatArray
    valid_s: FloatArray
    sessions: FloatArray

    @staticmethod
    def of(day: FloatArray, count: FloatArray, valid_s: FloatArray) -> Days:
        """Adds up the sessions of each day; those without valid time are left out."""
        used = valid_s > 0
        days, at = np.unique(day[used], return_inverse=True)
        n = len(days)
        return Days(days, *(add_up(at, v[used], n) for v in (count, valid_s, np.ones(len(day)))))


def add_up(at: NDArray[np.int64], values: FloatArray, n: int) -> FloatArray:
    """``(n,)`` sums of the values that belong to each place."""
    return np.asarray(np.bincount(at, values, n), dtype=np.float64)


@dataclass(frozen=True)
class Followed:
    """All treatments of a diary.

    Attributes:
        courses: Of each treatment.
        variation: From day to day; see `hfs_vision.rates.day_to_day`.
        before: ``(n,)`` for each treatment, which days show the level before it.
        own: ``(n,)`` number of the last treatment before each day, -1 where there is none.
        since: ``(n,)`` days since it.
    """

    courses: list[TreatmentResponse]
    variation: float
    before: list[BoolArray]
    own: NDArray[np.int64]
    since: FloatArray


def follow(days: Days, starts: Sequence[Start]) -> Followed:
    """Levels and moments of all treatments.

    Args:
        days: Of the sessions.
        starts: The treatments, each of a later day than the one before.
    """
    search = _Search(days, tuple(starts))
    for _ in range(_ROUNDS):
        search.fit(evidence=False)
        search.weigh()
    for _ in range(_ROUNDS):
        search.fit(evidence=True)
    before = [search.before(k) for k in range(len(starts))]
    return Followed(search.courses, search.variation, before, search.own, search.since)


class _Search:
    """Finds all courses by turns, since each says which sessions are fit to be another's before."""

    def __init__(self, days: Days, starts: tuple[Start, ...]) -> None:
        self._days, self._starts = days, starts
        begun = np.array([start.day for start in starts])
        # A session of the day itself was before the treatment.
        self.own = np.searchsorted(begun, days.day, side="left") - 1
        self.since = np.full(len(days.day), math.inf)
        treated = self.own >= 0
        self.since[treated] = days.day[treated] - begun[self.own[treated]]
        self._free = self.since > LONGEST_ACTION_DAYS
        self._weight = np.ones(len(days.day))
        self.variation = 0.0
        self.courses = [TreatmentResponse(math.nan) for _ in starts]

    def fit(self, *, evidence: bool) -> None:
        """Finds each treatment's course; what is not evident counts for nothing, if so asked."""
        free = self._free.copy()
        for k, start in enumerate(self._starts):
            self.courses[k] = course = self._course(k, evidence)
            mine = self.own == k
            since = self.since[mine]
            if course.wearing_off is not None:
                free[mine] = (since > course.wearing_off.day) & (course.effect(since) == 0)
            elif course.onset is not None and not start.lasting:
                free[mine] = False
            else:
                free[mine] = since > LONGEST_ACTION_DAYS
        self._free = free

    def weigh(self) -> None:
        """Learns how much rates vary from day to day; what varies more weighs less."""
        mean = np.full(len(self._days.day), math.nan)
        levels = 0
        for k, course in enumerate(self.courses):
            mine = self.own == k
            if k == 0:
                mean[self.own < 0] = course.level
                levels += 1
            if not math.isnan(course.level):
                effect = course.effect(self.since[mine])
                low = course.low if course.onset else course.level
                mean[mine] = course.level + (low - course.level) * effect
                levels += _PARAMETERS * (course.onset is not None)
        mean *= self._days.valid_s
        known = np.isfinite(mean)
        self.variation = day_to_day(self._days.count[known], mean[known], levels)
        self._weight = 1.0 / (1.0 + self.variation * np.where(known, mean, 0.0))

    def before(self, k: int) -> BoolArray:
        """Days that show the level before treatment ``k``.

        Those of half a year before it on which nothing acted; where there is none, those of the
        last four weeks.
        """
        early = self.own < k
        last = max((j for j in range(k) if self._starts[j].lasting), default=-1)
        ago = self._starts[k].day - self._days.day
        found = early & (self.own >= last) & self._free & (ago <= LONGEST_BEFORE_DAYS)
        if not found.any():
            found = (self.own == k - 1) & (ago <= FALLBACK_DAYS)
        return np.asarray(found)

    def _course(self, k: int, evidence: bool) -> TreatmentResponse:
        mine = (self.own == k) & (self.since <= LONGEST_COURSE_DAYS)
        base = self.before(k)
        if not base.any():
            return TreatmentResponse(math.nan, sessions=int(mine.sum()))
        if not self._starts[k].lowers:
            mine = np.zeros_like(mine)
        count, time = self._days.count * self._weight, self._days.valid_s * self._weight
        known = float(count[base].sum()), float(time[base].sum())
        return _fit(self.since[mine], count[mine], time[mine], known, evidence)


def _fit(
    since: FloatArray,
    count: FloatArray,
    time: FloatArray,
    before: tuple[float, float],
    evidence: bool,
) -> TreatmentResponse:
    """The likeliest course of the sessions after a treatment.

    Args:
        since: ``(n,)`` days after the treatment, increasing.
        count: ``(n,)`` events, weighted.
        time: ``(n,)`` seconds, weighted likewise.
        before: Events and seconds, weighted likewise, that show the level before.
        evidence: Whether a fall and a return must be evident.
    """
    n = len(since)
    nothing = TreatmentResponse(max(before[0], _LEAST) / before[1], sessions=n)
    # From a session of row `first` on, and until the one before row `last`, the rate is low.
    first = np.flatnonzero(np.append(0.0, since[:-1])[:n] < LONGEST_ONSET_DAYS)
    last = np.arange(1, n + 1)
    ends = np.append(since, math.inf)[last]
    first = first[since[first] + SHORTEST_ACTION_DAYS <= since[-1:].sum()]
    if not len(first):
        return nothing
    counts, times = (np.append(0.0, np.cumsum(values)) for values in (count, time))
    events = counts[last] - counts[first][:, None]
    spent = times[last] - times[first][:, None]
    rest, spent_else = before[0] + counts[-1] - events, before[1] + times[-1] - spent
    allowed = (ends - since[first][:, None] >= SHORTEST_ACTION_DAYS) & (
        events * spent_else < rest * spent
    )
    same = _own(before[0] + counts[-1], before[1] + times[-1])
    worth = np.where(allowed, _own(events, spent) + _own(rest, spent_else) - same, -math.inf)
    best, until = np.unravel_index(int(np.argmax(worth)), worth.shape)
    if not 2 * worth[best, until] > (EVIDENCE if evidence else 0.0):
        return nothing
    level = max(float(rest[best, until]), _LEAST) / float(spent_else[best, until])
    low = max(float(events[best, until]), _LEAST) / float(spent[best, until])
    likely = first[2 * (worth.max() - worth.max(axis=1)) <= _OUTSIDE]
    days = np.append(0.0, since)
    start = int(first[best])
    onset = Moment(
        float(days[start] + days[start + 1]) / 2, float(days[likely[0]]), float(since[likely[-1]])
    )
    low, wearing_off, width = _return(
        since[start:], count[start:], time[start:], (low, level), evidence
    )
    return TreatmentResponse(level, low, onset, wearing_off, width, n)


def _return(
    since: FloatArray,
    count: FloatArray,
    time: FloatArray,
    levels: tuple[float, float],
    evidence: bool,
) -> tuple[float, Moment | None, float]:
    """Low level, day of half of the way back, and how long the way is, from the onset on."""
    low, level = levels
    stays = float(_own(count.sum(), time.sum()))
    grid = np.arange(math.ceil(since[0]) + SHORTEST_ACTION_DAYS, math.ceil(since[-1]) + 1.0)
    if not len(grid):
        return low, None, 0.0
    for _ in range(2):
        back = np.array([_returned(since, grid[:, None], width) for width in RETURN_DAYS])
        rate = low + (level - low) * back
        worth = (count * np.log(rate) - rate * time).sum(axis=2)
        width, at = np.unravel_index(int(np.argmax(worth)), worth.shape)
        kept = back[width, at] == 0
        if kept.any():
            low = max(float(count[kept].sum()), _LEAST) / float(time[kept].sum())
    top = worth.max()
    if 2 * (top - stays) <= (EVIDENCE_OF_RETURN if evidence else 0.0):
        return max(float(count.sum()), _LEAST) / float(time.sum()), None, 0.0
    best = grid[worth[width] >= top - 1e-9]
    likely = grid[2 * (top - worth.max(axis=0)) <= _OUTSIDE]
    moment = Moment(float(best.mean()), float(likely[0]) - 1.0, float(likely[-1]))
    return low, moment, RETURN_DAYS[int(width)]


def _returned(since: FloatArray, day: FloatArray | float, width: float) -> FloatArray:
    """How much of the way back is done, 0 to 1."""
    if width == 0:
        return np.asarray(since >= day, dtype=np.float64)
    return np.asarray(np.clip((since - day) / width + 0.5, 0.0, 1.0))


def _own(events: FloatArray | float, spent: FloatArray | float) -> FloatArray:
    """Logarithm of the likelihood of counts at the rate that they have themselves."""
    rate = np.maximum(events, 1e-12) / np.maximum(spent, 1e-12)
    return np.asarray(np.where(events > 0, events * np.log(rate) - events, 0.0))
