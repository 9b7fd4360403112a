"""The page of a trend: figures, tables and words; in a file, or served with choices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np

from hfs_vision.report.svg import Drawing, render
from hfs_vision.report.templates import make_page, spoken
from hfs_vision.trend import effects, figures, levels, series
from hfs_vision.trend.building import Trend
from hfs_vision.trend.series import BOTH

_TEMPLATE = "page.html"


@dataclass(frozen=True)
class Link:
    """Another view of the same diary: its name, its address, whether it is the one shown."""

    name: str
    address: str
    shown: bool


@dataclass(frozen=True)
class PointRow:
    """A point of the figure in numbers.

    Attributes:
        when: Its day, or days since the treatment.
        sessions: How many it is of.
        valid_min: Their valid time in minutes.
        counts: Events, by side.
        rates: Events per valid minute and both bounds, by side.
        shares: Percent of valid time and both bounds, by side.
    """

    when: str
    sessions: int
    valid_min: float
    counts: dict[str, int]
    rates: dict[str, list[float]]
    shares: dict[str, list[float]]


def trend_page(trend: Trend, *, served: bool = False) -> str:
    """The page as HTML.

    Args:
        trend: What it shows.
        served: Whether it has links to other sides, kinds, segments and axes of time, which only
            `hfs_vision.web.trend` can answer.
    """
    values = {
        "trend": trend,
        "shown": trend.shown,
        "heading": figures.heading_of(trend),
        "figures": _figures(trend),
        "rows": list(point_rows(trend)),
        "notes": [t for t in trend.diary.treatments if t.kind == "note"],
        "choices": _choices(trend) if served else {},
        "span": _span(trend),
        "latest": _latest(trend),
        "rule": _RULE,
    }
    return make_page(__package__, _TEMPLATE, values)


_RULE = {
    "after": effects.AFTER_DAYS,
    "before_weeks": levels.LONGEST_BEFORE_DAYS // 7,
    "fallback": levels.FALLBACK_DAYS,
    "acting": levels.LONGEST_ACTION_DAYS,
    "shortest": levels.SHORTEST_ACTION_DAYS,
    "onset": levels.LONGEST_ONSET_DAYS,
}


def _figures(trend: Trend) -> dict[str, str]:
    axis = "days since the treatment" if trend.shown.since else "the calendar"
    sides = " and ".join(trend.shown.sides)
    with Drawing():
        drawn = {
            "course": render(
                figures.course_figure(trend),
                "course",
                title=f"Events per valid minute and share of time, {sides}",
                description=f"{figures.heading_of(trend)}, over {axis}, with 95 % intervals. The "
                "tables below have the numbers.",
            )
        }
        if trend.by_kind:
            drawn["kinds"] = render(
                figures.kinds_figure(trend),
                "kinds",
                title=f"Events per valid minute of each kind, {sides}",
                description=f"Five panels over {axis}, each on a scale of its own.",
            )
    return drawn


def _span(trend: Trend) -> tuple[str, str]:
    """First and last day with a session that is shown."""
    days = trend.sessions.day[trend.sessions.valid_s > 0]
    return _day(float(days[0])), _day(float(days[-1]))


def _day(day: float) -> str:
    return str(np.datetime64(math.floor(day), "D"))


def _latest(trend: Trend) -> Mapping[str, tuple[float, float, float]]:
    """Rate and bounds of the latest session, by side; or of the latest point."""
    return {
        side: tuple(points.rate[:, int(np.argmax(points.place))].tolist())
        for side, points in trend.points.items()
        if trend.shown.since is None
    }


def point_rows(trend: Trend) -> Iterator[PointRow]:
    """The points of the figure, those of both sides in one row."""
    first = next(iter(trend.points.values()))
    for i, place in enumerate(first.place.tolist()):
        yield PointRow(
            when=_day(place) if trend.shown.since is None else f"{place:.0f}",
            sessions=int(first.sessions[i]),
            valid_min=float(first.valid_s[i]) / 60.0,
            counts={side: int(points.count[i]) for side, points in trend.points.items()},
            rates={side: points.rate[:, i].tolist() for side, points in trend.points.items()},
            shares={
                side: (100.0 * points.share[:, i]).tolist() for side, points in trend.points.items()
            },
        )


def _choices(trend: Trend) -> dict[str, list[Link]]:
    """Links to the same page with one choice changed."""
    shown = trend.shown
    now = {
        "side": shown.sides[0] if len(shown.sides) == 1 else BOTH,
        "kind": shown.kind,
        "segment": shown.segment or series.WHOLE_NAME,
        "since": shown.since or "",
    }
    marked = dict.fromkeys(t.kind for t in trend.diary.treatments if t.kind != "note")
    offered = {
        "side": {name: name for name in series.SIDE_CHOICES},
        "kind": {name: spoken(name) for name in series.KIND_CHOICES},
        "segment": {series.WHOLE_NAME: "whole session", **{name: name for name in shown.labels}},
        "since": {"": "calendar", **{name: f"days since {spoken(name)}" for name in marked}},
    }
    return {
        what: [
            Link(words, "?" + urlencode({**now, what: value}), value == now[what])
            for value, words in values.items()
        ]
        for what, values in offered.items()
        if len(values) > 1
    }
