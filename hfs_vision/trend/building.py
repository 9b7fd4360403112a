"""All that a trend shows, from a diary and what the user wants to see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hfs_vision.diary import Diary, Treatment
from hfs_vision.errors import UsageError
from hfs_vision.schema import KINDS
from hfs_vision.trend.comparing import doubts
from hfs_vision.trend.effects import Effect, find_effects
from hfs_vision.trend.series import (
    ALL_KINDS,
    Points,
    Sessions,
    TrendOptions,
    TrendSeries,
    day_number,
    days_since,
    points,
    pool_days,
    read_sessions,
    show,
)


@dataclass(frozen=True)
class Trend:
    """What is shown of a diary.

    Attributes:
        diary: Where it comes from.
        shown: Which side, kind and segment.
        sessions: All that have the segment.
        step: Of how many days a point is; 0 where each session is one.
        points: Of each side.
        by_kind: Of each kind and side; empty where one kind alone is shown.
        effects: Of each treatment and side.
        variation: From day to day, by side; see `hfs_vision.rates.day_to_day`.
        warnings: What keeps sessions from being compared, which rows of the diary cannot be read,
            and how many sessions lack the segment.
    """

    diary: Diary
    shown: TrendSeries
    sessions: Sessions
    step: int
    points: dict[str, Points]
    by_kind: dict[str, dict[str, Points]]
    effects: list[Effect]
    variation: dict[str, float]
    warnings: list[str]

    @property
    def marked(self) -> list[Treatment]:
        """What is drawn as a line: treatments and notes, or those alone that days count from."""
        since = self.shown.since
        return [t for t in self.diary.treatments if since is None or t.kind == since]


def build_trend(diary: Diary, choice: TrendOptions | None = None) -> Trend:
    """The trend of a diary.

    Args:
        diary: As read by `hfs_vision.diary.read_diary`.
        choice: What is wanted; what it leaves open is settled by `hfs_vision.trend.series.show`.

    Raises:
        UsageError: If the choice asks for what the diary does not have, or no session can be shown.
    """
    shown = show(diary, choice or TrendOptions())
    sessions = read_sessions(diary, shown.segment)
    used = sessions.valid_s > 0
    if not used.any():
        what = "the diary has no session" if not diary.sessions else "no session has valid time"
        raise UsageError(f"there is nothing to show: {what}; add one with hfs-vision diary add")
    place, group = sessions.moment, np.zeros(len(sessions.records))
    if shown.since is not None:
        treated = [day_number(t.date) for t in diary.treatments if t.kind == shown.since]
        place, group = days_since(sessions, sorted(set(treated)))
    step = pool_days(place, used)
    kinds = KINDS if shown.kind == ALL_KINDS else ()
    found = {
        side: find_effects(sessions, diary.treatments, side, shown.kind, shown.segment)
        for side in shown.sides
    }
    return Trend(
        diary=diary,
        shown=shown,
        sessions=sessions,
        step=step,
        points={s: points(sessions, s, shown.kind, place, group, step) for s in shown.sides},
        by_kind={
            kind: {s: points(sessions, s, kind, place, group, step) for s in shown.sides}
            for kind in kinds
        },
        effects=sorted(
            (effect for effects, _ in found.values() for effect in effects),
            key=lambda effect: effect.treatment.date,
        ),
        variation={side: variation for side, (_, variation) in found.items()},
        warnings=[
            *doubts(sessions.records, sessions.valid_s.tolist(), shown.segment),
            *(row.told for row in diary.bad),
            *_left_out(len(diary.sessions) - len(sessions.records), shown),
        ],
    )


def _left_out(n: int, shown: TrendSeries) -> list[str]:
    have = "session has" if n == 1 else "sessions have"
    return [f"{n} {have} no segment {shown.segment_name} and are left out"] if n else []
