"""A figure of the signals with their events, for people who work with a result from Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hfs_vision.core.plot_points import broken, decimate, window
from hfs_vision.core.signals import Signals
from hfs_vision.errors import UsageError
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.schema import SIDES, Event

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE = dict(zip(SIDES, ("#1f78ad", "#b36b00"), strict=True))
_FILL = dict(zip(SIDES, ("#56b4e9", "#e69f00"), strict=True))
_DASHES = dict(zip(SIDES, ("-", (0, (4.0, 1.6))), strict=True))
"""The report's own colours and lines, on white."""

_GREY = "#d3d7dc"
_POINTS = 4000
_LONGEST_LABEL = 20
_SIZE_IN = 10.0, 4.2


def signal_figure(
    signals: Signals,
    events: Sequence[Event],
    max_gap_s: float,
    start_s: float | None = None,
    end_s: float | None = None,
) -> Figure:
    """Eyelid closure and commissure excursion of both sides, with each event shaded.

    Args:
        signals: Of the recording.
        events: Those of either side, shaded in the colour of the side.
        max_gap_s: Over a longer stretch without frames no line is drawn.
        start_s: Begin of what is drawn, in seconds; the first frame if ``None``.
        end_s: Its end; the last frame if ``None``.

    Returns:
        A figure of its own, which no `pyplot` knows: ``figure.savefig("a.png")`` writes it.

    Raises:
        UsageError: If there are no signals, or the end is not after the start.
    """
    from matplotlib.figure import Figure

    if not len(signals):
        raise UsageError("there are no signals to plot: the result holds no frames")
    first = float(signals.time_s[0]) if start_s is None else float(start_s)
    last = float(signals.time_s[-1]) if end_s is None else float(end_s)
    if end_s is None and start_s is None:
        last = max(last, first + 0.001)  # of a single frame
    if not (math.isfinite(first) and math.isfinite(last) and first < last):
        raise UsageError(
            f"start_s is {first:g} and end_s {last:g}: the end must be after the start"
        )
    gaps = signals.frame_times(max_gap_s).gaps()
    missing = [(begin, end) for begin, end in gaps if begin < last and end > first]
    seen = [event for event in events if event.onset_s < last and event.offset_s > first]
    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    panels = figure.subplots(len(FACE_REGIONS), sharex=True)
    for axes, region in zip(panels, FACE_REGIONS, strict=True):
        name, title = region.amplitude, region.with_unit(region.plot_title)
        _panel(axes, name, window(signals, first, last), max_gap_s)
        for event in seen:
            axes.axvspan(
                event.onset_s,
                event.offset_s,
                facecolor=_FILL[event.side],
                alpha=0.3,
                linewidth=0,
                gid=f"{name}-{event.side}-{event.onset_s:.6f}",
            )
        for begin, end in missing:
            axes.axvspan(begin, end, facecolor="none", edgecolor=_GREY, hatch="////", linewidth=0)
        axes.set_ylabel(title.replace(" ", "\n", 1) if len(title) > _LONGEST_LABEL else title)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(loc="upper right", ncols=2, frameon=False)
    panels[-1].set_xlim(first, last)
    panels[-1].set_xlabel("seconds")
    return figure


def _panel(axes: Axes, name: str, rows: Signals, max_gap_s: float) -> None:
    time_s, values = broken(rows.time_s, getattr(rows, name), max_gap_s)
    for side, column in zip(SIDES, values.T, strict=True):
        kept = decimate(column, _POINTS)
        axes.plot(
            time_s[kept],
            column[kept],
            color=_LINE[side],
            linestyle=_DASHES[side],
            linewidth=1.2,
            label=side,
        )
