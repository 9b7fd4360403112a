"""The numbers of a trend as rows: of each session, and of each treatment."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hfs_vision.rates import rates, time_share
from hfs_vision.trend.building import Trend
from hfs_vision.trend.levels import Moment
from hfs_vision.trend.series import day_number, days_since, usual_length

SESSION_COLUMNS = (
    "session",
    "started_utc",
    "date",
    "segment",
    "side",
    "kind",
    "count",
    "valid_s",
    "rate_per_min",
    "rate_low",
    "rate_high",
    "time_share",
    "time_share_low",
    "time_share_high",
    "treatment",
    "days_since_treatment",
)
TREATMENT_COLUMNS = (
    "treatment",
    "date",
    "kind",
    "segment",
    "side",
    "sessions_before",
    "valid_s_before",
    "rate_before",
    "rate_before_low",
    "rate_before_high",
    "sessions_after",
    "valid_s_after",
    "rate_after",
    "rate_after_low",
    "rate_after_high",
    "difference",
    "difference_low",
    "difference_high",
    "ratio",
    "ratio_low",
    "ratio_high",
    "onset_day",
    "onset_low",
    "onset_high",
    "wearing_off_day",
    "wearing_off_low",
    "wearing_off_high",
    "differing",
)


def session_rows(trend: Trend) -> Iterator[list[object]]:
    """Values of `SESSION_COLUMNS`: every session and side, also where the figure pools them."""
    sessions, shown = trend.sessions, trend.shown
    treated = sorted(
        {day_number(t.date): t for t in trend.diary.treatments if t.kind != "note"}.items()
    )
    since = group = np.full(len(sessions.records), -1.0)
    if treated:
        since, group = days_since(sessions, [day for day, _ in treated])
    days = np.datetime_as_string(sessions.day.astype("datetime64[D]"))
    for side in shown.sides:
        count, time_s = sessions.of(side, shown.kind)
        usual_s = usual_length(count, time_s)
        numbers = np.column_stack(
            [*rates(count, sessions.valid_s), *time_share(count, time_s, sessions.valid_s, usual_s)]
        ).tolist()
        for i, record in enumerate(sessions.records):
            k = int(group[i])
            yield [
                record.number,
                record.started_utc.isoformat(),
                str(days[i]),
                shown.segment_name,
                side,
                shown.kind,
                int(count[i]),
                float(sessions.valid_s[i]),
                *numbers[i],
                treated[k][1].number if k >= 0 else None,
                int(since[i]) if k >= 0 else None,
            ]


def treatment_rows(trend: Trend) -> Iterator[list[object]]:
    """Values of `TREATMENT_COLUMNS`."""
    for effect in trend.effects:
        row: list[object] = [
            effect.treatment.number,
            effect.treatment.date.isoformat(),
            effect.treatment.kind,
            trend.shown.segment_name,
            effect.side,
        ]
        for pooled in (effect.before, effect.after):
            rate = pooled.rate
            row += [pooled.sessions, pooled.valid_s, rate.per_min, rate.low, rate.high]
        for estimate in (effect.difference, effect.ratio):
            row += [_finite(v) for v in (estimate.value, estimate.low, estimate.high)]
        for moment in (effect.onset, effect.wearing_off):
            row += _days(moment)
        yield [*row, "; ".join(effect.differing)]


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def _days(moment: Moment | None) -> list[float | None]:
    return [None] * 3 if moment is None else [moment.day, moment.low, moment.high]
