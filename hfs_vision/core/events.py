"""Properties of one event, read off the signals."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from hfs_vision.core.confidence import confidence
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.regions import EYE, FACE_REGIONS, MOUTH, RegionMeasures
from hfs_vision.schema import SIDES, Event, FloatArray, Twitch

_TAKES_PART = 0.95
"""A region takes part in an event of its side from this score on: where one of them is sure, less
is asked of the other, because synkinesis (both together) is the rule."""

_HALF_MICRO_S = 5e-7


def describe_event(
    rows: Signals,
    row_end: FloatArray,
    span: slice,
    side: int,
    settings: Settings,
    twitches: tuple[Twitch, ...],
) -> Event:
    """Builds the event that spans the given rows of one side.

    Args:
        rows: Signals around the event, at least one row more on either side where there is one.
        row_end: ``(n,)`` end of each row in seconds.
        span: Rows of the event.
        side: Index into `SIDES`.
        settings: For the border between clonic and tonic.
        twitches: What it is made of, one or more.
    """
    region = moving_region(rows, span, side)
    measured = measure_span(rows, row_end, span, side, region)
    onset_s, offset_s = float(rows.time_s[span.start]), float(row_end[span.stop - 1])
    longest_s = max(twitch.duration_s for twitch in twitches)
    return Event(
        onset_s=onset_s,
        offset_s=offset_s,
        side=SIDES[side],
        region=region,
        # A train of twitches is clonic, however long it lasts.
        component="tonic" if longest_s >= settings.tonic_s - 1e-9 else "clonic",
        confidence=confidence(region, measured.score, offset_s - onset_s),
        twitches=twitches,
        **asdict(measured),
    )


@dataclass(frozen=True, kw_only=True)
class EventMeasures(RegionMeasures):
    """What the signals say of a span of rows of one side; see `Event` for each."""

    peak_s: float
    score: float
    rise_s: float
    eye_mouth_lag_s: float | None
    valid_fraction: float
    truncated: bool

    @staticmethod
    def unknown() -> EventMeasures:
        """Of times in which nothing was measured."""
        values: dict[str, Any] = {field.name: np.nan for field in fields(EventMeasures)}
        return EventMeasures(**values | {"eye_mouth_lag_s": None, "truncated": False})


def measure_span(
    rows: Signals, row_end: FloatArray, span: slice, side: int, region: str
) -> EventMeasures:
    """Reads the measured properties of an event off the rows that it spans.

    Args:
        rows: As in `describe_event`.
        row_end: As in `describe_event`.
        span: Rows of the event, in one or more of which the side must have been measured.
        side: Index into `SIDES`.
        region: What moved; the lag is that of lid and corner where both did.
    """
    time_s = rows.time_s[span]
    score = rows[span].top_score[:, side]
    peak = int(np.nanargmax(score))
    onset_s, offset_s = float(time_s[0]), float(row_end[span.stop - 1])
    lengths = row_end[span] - time_s
    before = slice(max(span.start - 1, 0), span.stop)
    lag_s = None
    if EYE.moves_in(region) and MOUTH.moves_in(region):
        lag_s = _half_time(time_s, rows.excursion[span, side])
        lag_s -= _half_time(time_s, rows.closure[span, side])
    seen = np.isfinite(rows.closure[span, side])
    extent = {}
    for moved in FACE_REGIONS:
        values = rows.amplitude(moved)
        extent[moved.amplitude] = float(np.nanmax(values[span, side]))
        extent[moved.velocity] = _steepest(rows.time_s[before], values[before, side])
    return EventMeasures(
        peak_s=float(time_s[peak]),
        score=float(score[peak]),
        rise_s=float(time_s[peak]) - onset_s,
        eye_mouth_lag_s=lag_s,
        valid_fraction=float(lengths[seen].sum() / (offset_s - onset_s)),
        truncated=_is_cut(rows, row_end, span),
        **extent,
    )


def measure_times(
    rows: Signals, row_end: FloatArray, onset_s: float, offset_s: float, side: int, region: str
) -> EventMeasures | None:
    """The same of times that a person has set; ``None`` if the side was not measured in them.

    Those rows count that begin within the times, or the one that they lie in.

    Args:
        rows: All signals of the recording.
        row_end: ``(n,)`` end of each row in seconds.
        onset_s: Begin, which need not be that of a row; the rise counts from there.
        offset_s: End.
        side: Index into `SIDES`.
        region: What moved.
    """
    start, stop = np.searchsorted(rows.time_s, np.array([onset_s, offset_s]) - _HALF_MICRO_S)
    if start >= stop > 0 and row_end[stop - 1] > onset_s:
        start = stop - 1
    span = slice(int(start), int(stop))
    within = rows[span]
    for pair in (*map(within.amplitude, FACE_REGIONS), within.top_score):
        if not np.isfinite(pair[:, side]).any():
            return None
    found = measure_span(rows, row_end, span, side, region)
    return replace(found, rise_s=max(found.peak_s - onset_s, 0.0))


def moving_region(rows: Signals, span: slice, side: int) -> str:
    """What moves in these rows of a side: one of `hfs_vision.schema.REGIONS`."""
    scores = {region.name: rows.score(region)[span, side] for region in FACE_REGIONS}
    return "+".join(n for n, s in scores.items() if np.nanmax(s, initial=-np.inf) >= _TAKES_PART)


def _half_time(time_s: FloatArray, values: FloatArray) -> float:
    """Time at which the rise to the largest value passes its half, between frames."""
    half = np.nanmax(values) / 2
    above = int(np.flatnonzero(values >= half)[0])
    if above == 0 or not np.isfinite(values[above - 1]):
        return float(time_s[above])
    part = (half - values[above - 1]) / (values[above] - values[above - 1])
    return float(time_s[above - 1] + part * (time_s[above] - time_s[above - 1]))


def _steepest(time_s: FloatArray, values: FloatArray) -> float:
    with np.errstate(invalid="ignore"):
        slopes = np.diff(values) / np.diff(time_s)
    slopes = slopes[np.isfinite(slopes)]
    return float(slopes.max(initial=0.0))


def _is_cut(rows: Signals, row_end: FloatArray, span: slice) -> bool:
    """Whether the rows just before or after the event are missing or blank."""
    if span.start == 0 or span.stop >= len(rows):
        return True
    neighbours = rows.closure[[span.start - 1, span.stop], 0]
    if not np.isfinite(neighbours).all():
        return True
    eps = 1e-9
    joined_before = row_end[span.start - 1] >= rows.time_s[span.start] - eps
    joined_after = row_end[span.stop - 1] >= rows.time_s[span.stop] - eps
    return not (joined_before and joined_after)
