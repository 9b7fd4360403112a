"""The figure of all events: both sides over the whole recording, in rows that keep them visible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter, MultipleLocator

from hfs_vision.report.svg import FAINT, FILL, GAP, GRID, INK, printable
from hfs_vision.report.traces import mark_id
from hfs_vision.results import EventRecord, SessionMark
from hfs_vision.results.formatting import clock
from hfs_vision.schema import KINDS, SIDES

WIDTH_IN = 7.1
"""What fits between the margins of a sheet of A4."""

KIND_MARKERS = dict(zip(KINDS[:-1], "os^DvXhd", strict=False)) | {KINDS[-1]: "P"}
"""Shape of each kind; the last is of several regions."""

ROW_LENGTHS_S = (60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0)
MOST_ROWS = 12
_MOST_WITH_LABELS = 10

_ROW_IN, _TICKS_IN, _LABELS_IN, _LEGEND_IN = 0.52, 0.2, 0.13, 0.5
_LETTER = 0.0078
"""Width of a letter of a label, as a share of a row."""

_LANE = dict(zip(SIDES, (1.0, 0.0), strict=True))
_BAR = 0.14, 0.40
_SIGN_AT = 0.76
_STEPS_S = (0.2, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
_MOST_TICKS = 13
_LONGEST_LABEL = 24


def clock_axis(axes: Axes) -> None:
    """Ticks at round times, written as `clock` does; set the axis' limits before."""
    first, last = axes.get_xlim()
    step = next((s for s in _STEPS_S if (last - first) / s <= _MOST_TICKS), (last - first) / 6)
    axes.xaxis.set_major_locator(MultipleLocator(step))
    decimals = 0 if step >= 1 else 1
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: clock(t, decimals=decimals)))
    axes.tick_params(axis="x", length=2.5, pad=1.5, labelsize=7)


def fitting(lengths_s: Sequence[float], span_s: float, most: int) -> float:
    """The shortest of some lengths of which no more than ``most`` cover a time.

    Where none does it is a multiple of the longest: of a clock that leaps, as damaged files have,
    no more is drawn than of any other.
    """
    longest_s = lengths_s[-1]
    fits = (length for length in lengths_s if span_s <= most * length)
    return next(fits, longest_s * math.ceil(span_s / (most * longest_s)))


def rows_of(start_s: float, end_s: float, most: int = MOST_ROWS) -> list[tuple[float, float]]:
    """Start and end of each row; all rows but a single one are of one length."""
    base = math.floor(start_s)
    length_s = fitting(ROW_LENGTHS_S, end_s - base, most)
    n = max(math.ceil((end_s - base) / length_s), 1)
    if n == 1:
        return [(base, max(end_s, base + 1.0))]
    return [(base + i * length_s, base + (i + 1) * length_s) for i in range(n)]


def timeline(
    items: Sequence[EventRecord],
    missing: Sequence[tuple[float, float]],
    marks: Sequence[SessionMark],
    start_s: float,
    end_s: float,
) -> Figure:
    """Bars from onset to offset in a lane for each side, with a sign for the kind above each.

    Args:
        items: Events; rejected ones are hollow.
        missing: Stretches without a face, shaded.
        marks: Of a live session: segments are labelled, the rest is a line.
        start_s: Of the recording, in seconds.
        end_s: Of the recording, in seconds.
    """
    rows = rows_of(start_s, end_s, _MOST_WITH_LABELS if marks else MOST_ROWS)
    above_in = _LABELS_IN if marks else 0.0
    pitch_in = above_in + _ROW_IN + _TICKS_IN
    height = pitch_in * len(rows) + _LEGEND_IN
    figure = Figure(figsize=(WIDTH_IN, height))
    for number, (first, last) in enumerate(rows):
        bottom = height - number * pitch_in - above_in - _ROW_IN
        axes = figure.add_axes((0.075, bottom / height, 0.905, _ROW_IN / height))
        axes.set_gid(f"row-{number}")
        _lanes(axes, first, last)
        _shade(axes, missing, first, last)
        _signs(axes, [item for item in items if _within(item, first, last)], first, last)
        _labels(axes, marks, first, last)
    figure.legend(
        handles=_keys(items, bool(missing)),
        loc="lower center",
        ncols=5,
        frameon=False,
        fontsize=7,
        handletextpad=0.3,
        columnspacing=1.2,
    )
    return figure


def _within(item: EventRecord, first: float, last: float) -> bool:
    return item.event.onset_s < last and item.event.offset_s > first


def _lanes(axes: Axes, first: float, last: float) -> None:
    axes.set_xlim(first, last)
    axes.set_ylim(0, 2)
    axes.set_yticks([_LANE[side] + 0.45 for side in SIDES], SIDES)
    axes.tick_params(axis="y", length=0)
    axes.axhline(1.0, color=GRID, linewidth=0.8)
    clock_axis(axes)


def _shade(axes: Axes, missing: Sequence[tuple[float, float]], first: float, last: float) -> None:
    seen = [(a, b - a) for a, b in missing if a < last and b > first]
    if seen:
        shaded = axes.broken_barh(
            seen, (0, 2), facecolor=GAP, edgecolor=FAINT, hatch="////", linewidth=0
        )
        shaded.set_gid("without-face")


def _signs(axes: Axes, items: Sequence[EventRecord], first: float, last: float) -> None:
    for item in items:
        event, low = item.event, _LANE[item.event.side]
        axes.add_patch(
            Rectangle(
                (event.onset_s, low + _BAR[0]),
                event.duration_s,
                _BAR[1],
                facecolor="none" if item.rejected else FILL[event.side],
                edgecolor=INK,
                linewidth=0.5,
                linestyle=":" if item.rejected else "-",
                gid=mark_id(item),
            )
        )
    for side in SIDES:
        for kind in KINDS:
            for rejected in (False, True):
                at = [
                    min(max((i.event.onset_s + i.event.offset_s) / 2, first), last)
                    for i in items
                    if (i.event.side, i.event.kind, i.rejected) == (side, kind, rejected)
                ]
                if at:
                    axes.plot(
                        at,
                        [_LANE[side] + _SIGN_AT] * len(at),
                        linestyle="none",
                        gid=f"signs-{side}-{kind}{'-rejected' * rejected}",
                        clip_on=False,
                        zorder=3,
                        **_sign(kind, FILL[side], rejected),
                    )


def _sign(kind: str, colour: str, rejected: bool = False) -> dict[str, Any]:
    return {
        "marker": KIND_MARKERS[kind],
        "markersize": 4.2,
        "markerfacecolor": "none" if rejected else colour,
        "markeredgecolor": INK,
        "markeredgewidth": 0.6,
    }


def _labels(axes: Axes, marks: Sequence[SessionMark], first: float, last: float) -> None:
    """A line for each mark, and its label unless that of the one before is in the way."""
    free = -1.0
    for number, mark in enumerate(marks, start=1):
        if not first <= mark.time_s < last:
            continue
        segment, text = mark.kind == "segment", shown(mark_name(mark))
        axes.axvline(
            mark.time_s,
            color=INK,
            linewidth=0.8,
            linestyle="-" if segment else ":",
            gid=f"mark-{number}",
        )
        at, width = (mark.time_s - first) / (last - first), _LETTER * len(text)
        at = min(at, 1.0 - width)
        if at < free:
            continue
        free = at + width
        axes.text(
            at,
            1.03,
            text,
            transform=axes.transAxes,
            fontsize=6.5,
            va="bottom",
            fontstyle="normal" if segment else "italic",
        )


def mark_name(mark: SessionMark) -> str:
    """What a mark is called: its label, or what happened."""
    return mark.label or mark.kind.replace("_", " ")


def shown(text: str) -> str:
    """A text of the user as a label in a figure: what can be printed of it, and not too long."""
    text = printable(text)
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


def _keys(items: Sequence[EventRecord], gaps: bool) -> list[Line2D | Patch]:
    kinds = [
        Line2D([], [], linestyle="none", label=kind.replace("_", " "), **_sign(kind, "none"))
        for kind in KINDS
    ]
    more: list[Line2D | Patch] = []
    if gaps:
        more.append(
            Patch(facecolor=GAP, edgecolor=FAINT, hatch="////", linewidth=0, label="no face")
        )
    if any(item.rejected for item in items):
        more.append(
            Patch(facecolor="none", edgecolor=INK, linestyle=":", linewidth=0.7, label="rejected")
        )
    return [*kinds, *more]
