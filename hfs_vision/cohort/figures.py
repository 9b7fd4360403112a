"""The figures: every person before and after, and Bland and Altman's plot of two counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hfs_vision.cohort.paired import PairedComparison
from hfs_vision.cohort.periods import BeforeAfter
from hfs_vision.cohort.raters import BOTH_SIDES, MEASURES, RATED_SIDES, Raters
from hfs_vision.report.svg import DASHES, FAINT, FILL, INK
from hfs_vision.report.timeline import WIDTH_IN
from hfs_vision.schema import SIDES

_HIGHER = (0, (4.0, 1.6))
_SIGN = dict(zip((*SIDES, BOTH_SIDES), ("o", "s", "D"), strict=True))
_RATE = MEASURES[0]


def person_gid(number: int) -> str:
    """Identifies the marks of a person of the figure, who is that one of those compared."""
    return f"person-{number}"


def before_and_after(pairs: Sequence[BeforeAfter], found: PairedComparison) -> Figure:
    """One line for each person, and the differences with their middle and its interval.

    Args:
        pairs: Those who are compared.
        found: What they come to.
    """
    figure = Figure(figsize=(WIDTH_IN, 3.1))
    lines = figure.add_axes((0.075, 0.13, 0.5, 0.82))
    for number, pair in enumerate(pairs):
        ends = [pair.before.rate.per_min, pair.after.rate.per_min]
        rises = ends[1] > ends[0]
        lines.plot(
            (0, 1),
            ends,
            color=INK,
            linewidth=0.9,
            linestyle=_HIGHER if rises else "-",
            marker="o",
            markersize=4,
            markerfacecolor="none" if rises else INK,
            gid=person_gid(number),
        )
    lines.plot((-0.12, 1.12), (found.before, found.after), linestyle="none", marker="_",
               markersize=15, markeredgewidth=2.2, color=INK, gid="medians")  # fmt: skip
    lines.set_xlim(-0.3, 1.3)
    lines.set_xticks((0, 1), ("before", "after"), fontsize=8)
    lines.set_ylim(bottom=0)
    lines.set_ylabel("events per minute", fontsize=7.5)
    _differences(figure.add_axes((0.69, 0.13, 0.29, 0.82)), pairs, found)
    for axes in figure.axes:
        axes.tick_params(length=2, pad=2, labelsize=7.5)
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.grid(axis="y")
    return figure


def _differences(axes: Axes, pairs: Sequence[BeforeAfter], found: PairedComparison) -> None:
    axes.axhline(0.0, color=FAINT, linewidth=0.9)
    values = [pair.difference for pair in pairs]
    places = _side_by_side(values)
    for number, (place, value) in enumerate(zip(places, values, strict=True)):
        axes.plot(
            place,
            value,
            color=INK,
            linestyle="none",
            marker="o",
            markersize=4,
            markerfacecolor="none" if value > 0 else INK,
            gid=f"difference-{number}",
        )
    middle = found.difference
    if math.isfinite(middle.low):
        axes.plot((1, 1), (middle.low, middle.high), color=INK, linewidth=1.6, gid="interval")
    axes.plot(1, middle.value, color=INK, marker="D", markersize=6, gid="middle")
    axes.set_xlim(-0.6, 1.5)
    axes.set_xticks((0, 1), ("persons", "estimate"), fontsize=8)
    axes.set_ylabel("difference, events per minute", fontsize=7.5)


def _side_by_side(values: Sequence[float]) -> list[float]:
    """Places across, so that values that nearly coincide do not cover each other."""
    spread = max(values, default=0.0) - min(values, default=0.0)
    order = np.argsort(values, kind="stable")
    places, run, last = [0.0] * len(values), 0, -math.inf
    for index in order:
        run = run + 1 if values[index] - last < 0.035 * spread or spread == 0 else 0
        last = values[index]
        places[index] = 0.09 * ((run + 1) // 2) * (1 if run % 2 else -1)
    return places


def bland_altman(raters: Raters) -> Figure:
    """Difference of two rates against their mean; both sides together, then each."""
    figure = Figure(figsize=(WIDTH_IN, 2.7))
    panels = [
        figure.add_axes((0.07 + 0.325 * place, 0.165, 0.265, 0.745))
        for place in range(len(RATED_SIDES))
    ]
    for axes, side in zip(panels, RATED_SIDES, strict=True):
        _bland_altman(axes, raters, side)
    reach = max(abs(limit) for axes in panels for limit in axes.get_ylim())
    for axes in panels:
        axes.set_ylim(-reach, reach)
    panels[0].set_ylabel(f"{raters.second} less {raters.first}, per min", fontsize=7.5)
    return figure


def _bland_altman(axes: Axes, raters: Raters, side: str) -> None:
    first, second = (
        np.array([r.value(which, side, _RATE) for r in raters.recordings])
        for which in ("first", "second")
    )
    for number, (x, y) in enumerate(zip((first + second) / 2, second - first, strict=True)):
        axes.plot(
            x,
            y,
            linestyle="none",
            marker=_SIGN[side],
            markersize=4.5,
            markerfacecolor=FILL.get(side, FAINT),
            markeredgecolor=INK,
            markeredgewidth=0.6,
            zorder=3,
            gid=f"{side}-{number}",
        )
    found = raters.agreement(side, _RATE)
    axes.axhline(0.0, color=FAINT, linewidth=0.9, linestyle=(0, (1, 2)))
    low, high = axes.get_xlim()
    axes.set_xlim(low, high + 0.34 * (high - low))  # with room for the numbers
    for name, value, dash in (
        ("bias", found.bias, "-"),
        ("low", found.low, DASHES["right"]),
        ("high", found.high, DASHES["right"]),
    ):
        if math.isfinite(value):
            axes.axhline(value, color=INK, linewidth=0.9, linestyle=dash, gid=f"{side}-{name}")
            axes.text(
                0.995,
                value,
                f"{value:+.1f}",
                transform=axes.get_yaxis_transform(),
                ha="right",
                va="bottom",
                fontsize=6.5,
            )
    axes.set_title("both sides" if side == BOTH_SIDES else side, fontsize=8, pad=4)
    axes.set_xlabel("mean of both, per min", fontsize=7.5, labelpad=2)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.tick_params(length=2, pad=1.5, labelsize=7)
