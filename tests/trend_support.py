"""Diaries that are made up, with known rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np

from hfs_vision.diary import WHOLE, Diary, SegmentCounts, SessionRecord, Treatment
from hfs_vision.schema import KINDS, SIDES

START = date(2025, 1, 6)
INJECTED = (28, 119, 210, 301)
"""Days of four injections in a year."""


def session(
    number: int,
    day: float,
    counts: dict[tuple[str, str], int],
    *,
    minutes: float = 3.0,
    label: str | None = None,
    mean_s: float = 0.5,
    **said: Any,
) -> SessionRecord:
    """A session so many days after `START` (of its noon, in UTC), with what is to be said of it."""
    keys = [(side, kind) for side in SIDES for kind in KINDS]
    filled = {key: counts.get(key, 0) for key in keys}
    segments = [
        SegmentCounts(
            label=name,
            valid_s=60.0 * minutes,
            counts=filled,
            time_s={key: mean_s * n for key, n in filled.items()},
        )
        for name in (WHOLE, *([label] if label else []))
    ]
    noon = datetime(START.year, START.month, START.day, 12, tzinfo=timezone.utc)
    values: dict[str, Any] = {
        "settings_sha256": "5e" * 32,
        "model_sha256": "30" * 32,
        "landmarker": "facemesh",
        "hfs_vision": "0.1.0",
        "device": "phone",
        "fps": 30.0,
        "face_px": 200.0,
        "duration_s": 60.0 * minutes,
    }
    return SessionRecord(
        number=number,
        started_utc=noon + timedelta(days=day),
        segments=tuple(segments),
        **{**values, **said},
    )


def treatment(number: int, day: int, kind: str = "botulinum_toxin", **said: str) -> Treatment:
    return Treatment(number=number, date=START + timedelta(days=day), kind=kind, **said)


def diary_of(
    sessions: Sequence[SessionRecord],
    treatments: Sequence[Treatment] = (),
    *,
    affected_side: str = "left",
    zone: str = "UTC",
) -> Diary:
    return Diary(
        person="Ann",
        affected_side=affected_side,
        timezone=zone,
        sessions=tuple(sessions),
        treatments=tuple(treatments),
    )


@dataclass(frozen=True)
class Course:
    """Known rates of a year: events per minute with and without a treatment.

    Attributes:
        level, low: Events per minute.
        onset: Days from an injection until the rate falls.
        lasts: Days until half of the way back, of each injection.
        ramp: Days that the way back takes.
    """

    level: float = 8.0
    low: float = 2.4
    onset: float = 5.0
    lasts: tuple[float, ...] = (70.0,) * 4
    ramp: float = 0.0
    injected: tuple[int, ...] = INJECTED

    def rate(self, day: float) -> float:
        """Events per minute on a day."""
        past = [k for k, start in enumerate(self.injected) if start < day]
        if not past:
            return self.level
        since = day - self.injected[past[-1]]
        if since < self.onset:
            return self.level
        off = since - self.lasts[past[-1]]
        back = float(off >= 0) if not self.ramp else min(max(off / self.ramp + 0.5, 0.0), 1.0)
        return self.low + (self.level - self.low) * back


def simulated_year(
    rng: np.random.Generator,
    rate: Callable[[float], float],
    *,
    minutes: float = 3.0,
    variation: float = 0.0,
    sessions: int = 52,
    every: float = 7.0,
    injected: Sequence[int] = INJECTED,
) -> Diary:
    """Sessions with Poisson counts on the left side, a few on the right.

    Args:
        rng: Where the counts come from.
        rate: Events per minute of the left side, by day.
        minutes: Valid time of a session.
        variation: Of the rate from day to day, squared and relative (gamma).
        sessions: How many, one each ``every`` days.
        every: Days.
        injected: Days of botulinum toxin.
    """
    made = []
    for k in range(sessions):
        day = every * k
        level = rate(day) * (rng.gamma(1 / variation, variation) if variation else 1.0)
        n = int(rng.poisson(level * minutes))
        parts = rng.multinomial(n, (0.3, 0.05, 0.25, 0.1, 0.3))
        counts = {("left", kind): int(c) for kind, c in zip(KINDS, parts, strict=True)}
        counts["right", KINDS[0]] = int(rng.poisson(0.3 * minutes))
        made.append(session(k + 1, day, counts, minutes=minutes, label="rest"))
    treatments = [treatment(k + 1, day) for k, day in enumerate(injected)]
    return diary_of(made, treatments)
