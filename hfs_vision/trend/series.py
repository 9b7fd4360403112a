"""Sessions of a diary as numbers over days: what is shown, and its points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timezone
from operator import itemgetter

import numpy as np

from hfs_vision.diary import WHOLE, Diary, SegmentCounts, SessionRecord
from hfs_vision.diary.dates import open_zone
from hfs_vision.errors import UsageError
from hfs_vision.rates import rates, time_share
from hfs_vision.schema import KINDS, SIDES, BoolArray, FloatArray
from hfs_vision.trend.levels import add_up

BOTH = "both"
SIDE_CHOICES = (*SIDES, BOTH)
ALL_KINDS = "all"
KIND_CHOICES = (ALL_KINDS, *KINDS)
WHOLE_NAME = "whole"
"""What the user writes for the counts of whole sessions."""

REST = "rest"
"""The segment that is taken where most sessions have it."""

MOST_POINTS = 400
"""More points than these are pooled: no screen shows them apart."""

_POOL_DAYS = (1, 7, 28, 91, 365, 3653)


@dataclass(frozen=True, kw_only=True)
class TrendOptions:
    """What the user wants to see; ``None`` leaves it to the diary (see `show`).

    Attributes:
        side: One of `SIDE_CHOICES`.
        kind: One of `KIND_CHOICES`.
        segment: A label, or `WHOLE_NAME`.
        since: A kind of treatment since which days are counted, in place of the calendar.
    """

    side: str | None = None
    kind: str = ALL_KINDS
    segment: str | None = None
    since: str | None = None


@dataclass(frozen=True)
class TrendSeries:
    """What is shown.

    Attributes:
        sides: One side or both.
        kind: One of `KIND_CHOICES`.
        segment: A label, or `hfs_vision.diary.WHOLE`.
        since: As in `TrendOptions`.
        labels: All labels of the diary, in order of their first use.
    """

    sides: tuple[str, ...]
    kind: str
    segment: str
    since: str | None
    labels: tuple[str, ...]

    @property
    def segment_name(self) -> str:
        """The segment in words."""
        return "whole session" if self.segment == WHOLE else self.segment


@dataclass(frozen=True)
class Sessions:
    """Sessions that have the segment, in order of time.

    Attributes:
        records: ``n`` of them, as the diary has them.
        moment: ``(n,)`` days of the calendar since 1970 and the time of day, by the diary's clock.
        valid_s: ``(n,)`` seconds in which both sides were measured.
        counts: ``(n, 2, 5)`` events by side and kind.
        time_s: ``(n, 2, 5)`` seconds that they take.
    """

    records: list[SessionRecord]
    moment: FloatArray
    valid_s: FloatArray
    counts: FloatArray
    time_s: FloatArray

    @property
    def day(self) -> FloatArray:
        """``(n,)`` days of the calendar since 1970."""
        return np.floor(self.moment)

    def of(self, side: str, kind: str) -> tuple[FloatArray, FloatArray]:
        """``(n,)`` events, and the seconds that they take."""
        i = SIDES.index(side)
        if kind == ALL_KINDS:
            return self.counts[:, i].sum(axis=1), self.time_s[:, i].sum(axis=1)
        j = KINDS.index(kind)
        return self.counts[:, i, j], self.time_s[:, i, j]


@dataclass(frozen=True)
class Points:
    """What is drawn: sessions, or several of them as one.

    Attributes:
        place: ``(n,)`` on the axis of time.
        group: ``(n,)`` which treatment it follows; points of one are joined by a line.
        sessions: ``(n,)`` number of them in each point.
        count: ``(n,)`` events.
        valid_s: ``(n,)`` seconds.
        rate: ``(3, n)`` events per valid minute, and both bounds.
        share: ``(3, n)`` share of valid time, and both bounds.
    """

    place: FloatArray
    group: FloatArray
    sessions: FloatArray
    count: FloatArray
    valid_s: FloatArray
    rate: FloatArray
    share: FloatArray


def day_number(day: date) -> int:
    """Days since 1970.

    >>> day_number(date(1970, 1, 2))
    1
    """
    return day.toordinal() - date(1970, 1, 1).toordinal()


def show(diary: Diary, choice: TrendOptions) -> TrendSeries:
    """Settles what the user left open.

    The side is the one that the diary calls affected, else both. The segment is `REST` where at
    least half of the sessions have it, else the whole session.

    Raises:
        UsageError: If the diary has no such segment or treatment, or there is no such side or kind.
    """
    labels = tuple(dict.fromkeys(s.label for r in diary.sessions for s in r.segments if s.label))
    _check(choice, labels, diary)
    side = choice.side or (diary.affected_side if diary.affected_side in SIDES else BOTH)
    segment = choice.segment
    if segment is None and REST not in labels:
        segment = WHOLE
    elif segment is None:
        rested = sum(record.segment(REST) is not None for record in diary.sessions)
        segment = REST if 2 * rested >= len(diary.sessions) else WHOLE
    elif segment == WHOLE_NAME and WHOLE_NAME not in labels:
        segment = WHOLE
    return TrendSeries(
        sides=SIDES if side == BOTH else (side,),
        kind=choice.kind,
        segment=segment,
        since=choice.since,
        labels=labels,
    )


def _check(choice: TrendOptions, labels: Sequence[str], diary: Diary) -> None:
    if choice.side is not None and choice.side not in SIDE_CHOICES:
        raise UsageError(f"there is no side {choice.side!r}: give one of {', '.join(SIDE_CHOICES)}")
    if choice.kind not in KIND_CHOICES:
        raise UsageError(f"there is no kind {choice.kind!r}: give one of {', '.join(KIND_CHOICES)}")
    if choice.segment not in (None, WHOLE_NAME, *labels):
        raise UsageError(
            f"no session has a segment {choice.segment!r}: give one of "
            f"{', '.join((WHOLE_NAME, *labels))}"
        )
    marked = list(dict.fromkeys(t.kind for t in diary.treatments if t.kind != "note"))
    if choice.since is not None and choice.since not in marked:
        known = f"give one of {', '.join(marked)}" if marked else "it has none: leave it out"
        raise UsageError(f"the diary has no treatment {choice.since!r}: {known}")


def read_sessions(diary: Diary, segment: str) -> Sessions:
    """Counts of all sessions that have the segment."""
    found = [
        (r, s)
        for r in sorted(diary.sessions, key=lambda r: r.started_utc)
        if (s := r.segment(segment)) is not None
    ]
    zone = open_zone(diary.timezone)
    moments = [
        record.started_utc.astimezone(zone).replace(tzinfo=timezone.utc) for record, _ in found
    ]
    of_all = itemgetter(*((side, kind) for side in SIDES for kind in KINDS))
    shape = len(found), len(SIDES), len(KINDS)

    def table(name: str) -> FloatArray:
        values = [of_all(getattr(s, name)) for _, s in found]
        return np.array(values, dtype=np.float64).reshape(shape)

    return Sessions(
        records=[record for record, _ in found],
        moment=np.array([moment.timestamp() / 86400.0 for moment in moments]),
        valid_s=np.array([_valid(s) for _, s in found]),
        counts=table("counts"),
        time_s=table("time_s"),
    )


def _valid(segment: SegmentCounts) -> float:
    return segment.valid_s if math.isfinite(segment.valid_s) else 0.0


def days_since(sessions: Sessions, treated: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Days since the last treatment, and its number; before the first, days until it, and -1.

    Args:
        sessions: ``n`` of them.
        treated: Days of the treatments, increasing; one at least.
    """
    days = np.asarray(treated, dtype=np.float64)
    # A session of the day itself was before the treatment.
    group = np.searchsorted(days, sessions.day, side="left") - 1
    return sessions.day - days[np.maximum(group, 0)], group.astype(np.float64)


def points(
    sessions: Sessions, side: str, kind: str, place: FloatArray, group: FloatArray, step: int
) -> Points:
    """What is to be drawn of one side and kind.

    Args:
        sessions: ``n`` of them.
        side: One of `hfs_vision.schema.SIDES`.
        kind: One of `KIND_CHOICES`.
        place: ``(n,)`` where each stands on the axis of time.
        group: ``(n,)`` which treatment it follows.
        step: Of how many days one point is; 0 for a point of each session.
    """
    used = sessions.valid_s > 0
    count, time_s = (values[used] for values in sessions.of(side, kind))
    valid_s, place, group = sessions.valid_s[used], place[used], group[used]
    number = np.ones(len(place))
    if step:
        bins, at = np.unique(np.floor(place / step), return_inverse=True)
        place, number, count, time_s, valid_s = (
            add_up(at, values, len(bins)) for values in (place, number, count, time_s, valid_s)
        )
        place, group = place / number, np.zeros(len(bins))
    return Points(
        place=place,
        group=group,
        sessions=number,
        count=count,
        valid_s=valid_s,
        rate=np.array(rates(count, valid_s)),
        share=np.array(time_share(count, time_s, valid_s, usual_length(count, time_s))),
    )


def usual_length(count: FloatArray, time_s: FloatArray) -> float:
    """Mean length of an event in seconds, of sessions that tell it; NaN where none does."""
    timed = np.isfinite(time_s) & (count > 0)
    return float(time_s[timed].sum() / count[timed].sum()) if timed.any() else math.nan


def pool_days(place: FloatArray, used: BoolArray) -> int:
    """Of how many days a point is, so that there are not too many; 0 for one of each session."""
    if used.sum() <= MOST_POINTS:
        return 0
    fits = (d for d in _POOL_DAYS if len(np.unique(np.floor(place[used] / d))) <= MOST_POINTS)
    return next(fits, _POOL_DAYS[-1])
