"""Rates and shares of time over days, with treatments as lines.

Whatever the number of sessions, a panel has three artists for each side: intervals, line, points.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hfs_vision.report.svg import DASHES, FAINT, FILL, GRID, INK, LINE, Drawing, printable
from hfs_vision.report.timeline import WIDTH_IN
from hfs_vision.schema import SIDES, FloatArray
from hfs_vision.trend.building import Trend
from hfs_vision.trend.effects import Effect
from hfs_vision.trend.series import Points, day_number

_SIGN = dict(zip(SIDES, ("o", "s"), strict=True))
_LEFT, _RIGHT = 0.075, 0.985
_MOST_LABELS = 14
_LONGEST_LABEL = 22
_DPI = 150
_EARLIEST_BEFORE = 182.0
_SHORT = {
    "botulinum_toxin": "botulinum toxin",
    "drug_start": "drug started",
    "drug_stop": "drug stopped",
    "surgery": "surgery",
    "note": "note",
}


@dataclass(frozen=True)
class Palette:
    """Colours: roles in a page, which its style sheet settles, and plain ones in a picture."""

    ink: str
    faint: str
    grid: str
    fill: Mapping[str, str]
    line: Mapping[str, str]


PAGE = Palette(INK, FAINT, GRID, FILL, LINE)


def course_figure(trend: Trend, palette: Palette = PAGE) -> Figure:
    """Rate above, share of time below, over the calendar or over days since a treatment."""
    figure = Figure(figsize=(WIDTH_IN, 4.6))
    upper = figure.add_axes((_LEFT, 0.43, _RIGHT - _LEFT, 0.46))
    lower = figure.add_axes((_LEFT, 0.09, _RIGHT - _LEFT, 0.29))
    limits = _limits(trend)
    for axes, name, label, factor in (
        (upper, "rate", "events per valid minute", 1.0),
        (lower, "share", "% of valid time", 100.0),
    ):
        axes.set_xlim(*limits)
        _lines_of_treatments(axes, trend, palette)
        for side in trend.shown.sides:
            _series(axes, name, side, trend.points[side], factor, palette)
        axes.set_ylim(0, _top([(getattr(p, name), factor) for p in trend.points.values()]))
        axes.set_ylabel(label, fontsize=7.5)
        _ticks(axes, trend, labelled=axes is lower)
    _acting(upper, trend, palette)
    _labels(upper, trend)
    return figure


def kinds_figure(trend: Trend, palette: Palette = PAGE) -> Figure:
    """Rates of each kind, one below the other, each on a scale of its own."""
    n = len(trend.by_kind)
    figure = Figure(figsize=(WIDTH_IN, 0.35 + 0.95 * n))
    height = 0.35 + 0.95 * n
    for row, (kind, points) in enumerate(trend.by_kind.items()):
        bottom = (0.3 + 0.95 * (n - 1 - row)) / height
        axes = figure.add_axes((_LEFT, bottom, _RIGHT - _LEFT, 0.72 / height))
        axes.set_xlim(*_limits(trend))
        _lines_of_treatments(axes, trend, palette)
        for side in trend.shown.sides:
            _series(axes, f"{kind}-rate", side, points[side], 1.0, palette)
        axes.set_ylim(0, _top([(p.rate, 1.0) for p in points.values()]))
        axes.set_title(kind.replace("_", " "), fontsize=7.5, loc="left", pad=2)
        _ticks(axes, trend, labelled=row == n - 1)
        axes.yaxis.set_major_locator(MaxNLocator(3))
    return figure


def picture(trend: Trend) -> bytes:
    """The figure of the course as PNG, on white, with a heading and a key."""
    paper = _paper()
    palette = Palette(
        paper["ink"],
        paper["faint"],
        paper["grid"],
        {side: paper[side] for side in SIDES},
        {side: paper[f"{side}-line"] for side in SIDES},
    )
    made = io.BytesIO()
    with Drawing(), mpl.rc_context(_style(palette)):
        figure = course_figure(trend, palette)
        heading = f"{heading_of(trend)}: {' and '.join(trend.shown.sides)}"
        figure.text(_LEFT, 0.975, printable(heading), fontsize=8, va="top", fontweight="bold")
        if len(trend.shown.sides) > 1:
            figure.legend(
                handles=[_key(side, palette) for side in trend.shown.sides],
                loc="upper right",
                ncols=2,
                frameon=False,
                fontsize=7.5,
                borderaxespad=0.2,
            )
        figure.savefig(
            made, format="png", dpi=_DPI, facecolor=paper["paper"], metadata={"Software": None}
        )
    return made.getvalue()


def heading_of(trend: Trend) -> str:
    """Kind and segment that are shown, in words."""
    kind = "one-sided movements" if trend.by_kind else trend.shown.kind.replace("_", " ")
    return f"{kind}, {trend.shown.segment_name}"


def _style(palette: Palette) -> dict[Any, Any]:
    """What `Drawing` sets in roles, in plain colours."""
    inked = ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor")
    faint = ("axes.edgecolor", "xtick.color", "ytick.color")
    return {
        **dict.fromkeys(inked, palette.ink),
        **dict.fromkeys(faint, palette.faint),
        "grid.color": palette.grid,
    }


def _paper() -> dict[str, str]:
    """Colours of the report's page on paper, by name."""
    style = files("hfs_vision.report").joinpath("page.css").read_text(encoding="utf-8")
    return dict(re.findall(r"--([\w-]+): (#\w+)", style[: style.index("}")]))


def _series(
    axes: Axes, name: str, side: str, points: Points, factor: float, palette: Palette
) -> None:
    """Points of one side, each with its interval, joined by a line."""
    middle, low, high = factor * getattr(points, name.rpartition("-")[2])
    place = points.place
    # One line that is broken between the intervals, since a picture of as many lines is slow.
    gaps = np.full(len(place), np.nan)
    axes.plot(
        np.repeat(place, 3),
        np.column_stack([low, high, gaps]).ravel(),
        color=palette.line[side],
        linewidth=0.8,
        alpha=0.55,
        gid=f"{name}-bars-{side}",
        scaley=False,
    )
    latest = points.group == points.group[-1]
    breaks = np.flatnonzero(np.diff(points.group)) + 1
    for rows, gid, width in ((~latest, "earlier", 0.6), (latest, "line", 1.2)):
        axes.plot(
            np.insert(place, breaks, np.nan),
            np.insert(np.where(rows, middle, np.nan), breaks, np.nan),
            color=palette.line[side],
            linestyle=DASHES[side],
            linewidth=width,
            gid=f"{name}-{gid}-{side}",
        )
    axes.plot(place, middle, gid=f"{name}-{side}", clip_on=False, zorder=3, **_sign(side, palette))


def _sign(side: str, palette: Palette) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": _SIGN[side],
        "markersize": 3.6,
        "markerfacecolor": palette.fill[side],
        "markeredgecolor": palette.ink,
        "markeredgewidth": 0.5,
    }


def _key(side: str, palette: Palette) -> Line2D:
    marks = _sign(side, palette) | {"linestyle": DASHES[side]}
    return Line2D([], [], color=palette.line[side], linewidth=0.9, label=side, **marks)


_FAR = 10.0


def _top(curves: Sequence[tuple[FloatArray, float]]) -> float:
    """Upper end of a scale: all values fit, and all intervals but those of next to no time.

    Such a one ends `_FAR` times as high as is usual here, and would press all others down.
    """
    values = np.concatenate([factor * curve[0] for curve, factor in curves])
    bounds = np.concatenate([factor * curve[2] for curve, factor in curves])
    values, bounds = values[np.isfinite(values)], bounds[np.isfinite(bounds)]
    if not len(bounds):
        return 1.0
    usual = bounds[bounds <= _FAR * np.median(bounds)]
    return 1.05 * max(float(values.max(initial=0.0)), float(usual.max())) or 1.0


def _limits(trend: Trend) -> tuple[float, float]:
    places = np.concatenate([points.place for points in trend.points.values()])
    low, high = float(places.min()), float(places.max())
    if trend.shown.since is not None:
        low = max(low, -_EARLIEST_BEFORE)
        low, high = min(low, 0.0), max(high, 1.0)
    else:
        marked = [float(day_number(t.date)) for t in trend.marked]
        low, high = min([low, *marked]), max([high, *marked])
    margin = 0.015 * (high - low) + 0.5
    return low - margin, high + margin


def _ticks(axes: Axes, trend: Trend, *, labelled: bool) -> None:
    if trend.shown.since is None:
        locator = AutoDateLocator(minticks=4, maxticks=10)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(
            ConciseDateFormatter(locator, show_offset=labelled)  # type: ignore[no-untyped-call]
        )
        axes.xaxis.get_offset_text().set_fontsize(7)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 2.5, 5, 10], integer=True))
        if labelled:
            axes.set_xlabel(f"days since {_SHORT[trend.shown.since]}", fontsize=7.5, labelpad=2)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="y")
    axes.tick_params(length=2.5, pad=1.5, labelsize=7, labelbottom=labelled)


def _lines_of_treatments(axes: Axes, trend: Trend, palette: Palette) -> None:
    low, high = axes.get_xlim()
    days: dict[bool, list[float]] = {}
    for treatment in trend.marked:
        day = 0.0 if trend.shown.since is not None else float(day_number(treatment.date))
        if low <= day <= high:
            days.setdefault(treatment.kind == "note", []).append(day)
    crowded = sum(map(len, days.values())) > _MOST_LABELS
    for note, places in days.items():
        axes.vlines(
            sorted(set(places)),
            0,
            1,
            transform=axes.get_xaxis_transform(),
            color=palette.faint if note or crowded else palette.ink,
            linewidth=0.7 if note or crowded else 0.9,
            linestyle=":" if note else (0, (5, 2)),
            gid="notes" if note else "treatments",
            zorder=1,
        )


def _labels(axes: Axes, trend: Trend) -> None:
    """What each line is, where there is room for it."""
    low, high = axes.get_xlim()
    marked = trend.marked[-1:] if trend.shown.since is not None else trend.marked
    free = -1.0
    for treatment in marked if len(marked) <= _MOST_LABELS else ():
        day = 0.0 if trend.shown.since is not None else float(day_number(treatment.date))
        at = (day - low) / (high - low)
        text = printable(_SHORT[treatment.kind])[:_LONGEST_LABEL]
        width = 0.0085 * len(text)
        at = min(at, 1.0 - width)
        if at < free:
            continue
        free = at + width
        axes.text(at, 1.065, text, transform=axes.transAxes, fontsize=6.5, va="bottom")


def _acting(axes: Axes, trend: Trend, palette: Palette) -> None:
    """A bar above the panel from each onset to each wearing-off that was seen."""
    if trend.shown.since is not None:
        return
    for row, side in enumerate(trend.shown.sides):
        spans = [_span(e, trend) for e in trend.effects if e.side == side and e.onset is not None]
        if spans:
            axes.broken_barh(
                spans,
                (1.012 + 0.026 * row, 0.02),
                transform=axes.get_xaxis_transform(),
                facecolor=palette.fill[side],
                edgecolor=palette.ink,
                linewidth=0.4,
                clip_on=False,
                gid=f"acting-{side}",
            )


def _span(effect: Effect, trend: Trend) -> tuple[float, float]:
    """Start and length of the bar; without a wearing-off it ends at the next treatment."""
    assert effect.onset is not None
    day = float(day_number(effect.treatment.date))
    later = (float(day_number(e.treatment.date)) for e in trend.effects)
    end = min((d for d in later if d > day), default=_limits(trend)[1])
    if effect.wearing_off is not None:
        end = day + effect.wearing_off.day
    return day + effect.onset.day, end - day - effect.onset.day
