"""The other figures: traces of an event, distributions, rates, and how good the recording was."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.plot_points import broken, decimate, window
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import LOW_FPS, SMALL_FACE_PX
from hfs_vision.regions import FACE_REGIONS, Region
from hfs_vision.report.rates import Bin
from hfs_vision.report.svg import DASHES, FAINT, FILL, GAP, GRID, INK, LINE
from hfs_vision.report.timeline import WIDTH_IN, clock_axis
from hfs_vision.report.traces import AROUND_S, mark_id
from hfs_vision.results import EventRecord
from hfs_vision.schema import SIDES, FloatArray

_TRACE_IN = 3.4, 0.3 + 0.825 * len(FACE_REGIONS)
_TRACE_POINTS = 300
_STRIP_POINTS = 800
_HATCH = dict(zip(SIDES, (None, "////"), strict=True))
_SIGN = dict(zip(SIDES, ("o", "s"), strict=True))
_PANEL_GAP = 0.055
_ANGLES = (("yaw_deg", "yaw", "-"), ("pitch_deg", "pitch", "--"), ("roll_deg", "roll", ":"))


def amplitude_limits(
    items: Sequence[EventRecord], signals: Signals
) -> dict[str, tuple[float, float]]:
    """One scale for each region in all traces, so that sizes compare; by the amplitude's name."""
    shown = [
        window(signals, item.event.onset_s - AROUND_S, item.event.offset_s + AROUND_S)
        for item in items
    ]
    return {region.amplitude: _limits(region, shown) for region in FACE_REGIONS}


def _limits(region: Region, shown: Sequence[Signals]) -> tuple[float, float]:
    if region.fixed:
        low, high = region.bounds
        return low - 0.05, high + 0.05
    low, high = -0.3 * region.usual_peak, 0.6 * region.usual_peak
    for values in (rows.amplitude(region) for rows in shown):
        if np.isfinite(values).any():
            low, high = min(low, float(np.nanmin(values))), max(high, float(np.nanmax(values)))
    return low * 1.05, high * 1.05


def event_traces(
    item: EventRecord,
    signals: Signals,
    limits: Mapping[str, tuple[float, float]],
    max_gap_s: float,
) -> Figure:
    """How far each region of both sides is from its rest, around one event.

    Args:
        item: The event, shaded.
        signals: Of the whole recording.
        limits: Of the scales; see `amplitude_limits`.
        max_gap_s: Over a longer stretch without frames no line is drawn.
    """
    event = item.event
    rows = window(signals, event.onset_s - AROUND_S, event.offset_s + AROUND_S)
    figure = Figure(figsize=_TRACE_IN)
    step = (0.825 + _PANEL_GAP) / len(FACE_REGIONS)
    for below, region in zip(range(len(FACE_REGIONS))[::-1], FACE_REGIONS, strict=True):
        name = region.amplitude
        axes = figure.add_axes((0.135, 0.165 + below * step, 0.85, step - _PANEL_GAP))
        axes.set_xlim(-AROUND_S, event.duration_s + AROUND_S)
        axes.set_ylim(*limits[name])
        axes.set_ylabel(region.with_unit(name), fontsize=7, labelpad=2)
        axes.axvspan(0.0, event.duration_s, facecolor=GAP, edgecolor=FAINT, linewidth=0.6).set_gid(
            f"{mark_id(item)}-{name}"
        )
        axes.axhline(0.0, color=GRID, linewidth=0.6)
        _both_sides(axes, name, rows, event.onset_s, max_gap_s)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.tick_params(length=2, pad=1.5, labelsize=6.5, labelbottom=below == 0)
    figure.text(0.56, 0.015, "seconds from onset", ha="center", va="bottom", fontsize=7)
    return figure


def _both_sides(axes: Axes, name: str, rows: Signals, onset_s: float, max_gap_s: float) -> None:
    time_s, values = broken(rows.time_s, getattr(rows, name), max_gap_s)
    for side, column in zip(SIDES, values.T, strict=True):
        kept = decimate(column, _TRACE_POINTS)
        axes.plot(
            time_s[kept] - onset_s,
            column[kept],
            color=LINE[side],
            linestyle=DASHES[side],
            linewidth=1.4,
            gid=f"{name}-{side}",
        )


def distributions(items: Sequence[EventRecord]) -> Figure:
    """Histograms of durations and amplitudes of both sides; of counted events only."""
    figure = Figure(figsize=(WIDTH_IN, 2.0))
    events = [item.event for item in items if not item.rejected]
    durations = {s: [e.duration_s for e in events if e.side == s] for s in SIDES}
    panels = [("duration, s", "duration", durations, _log_edges(durations))]
    for region in FACE_REGIONS:
        own = [event for event in events if region.moves_in(event.region)]
        extents = {s: [e.amplitude(region) for e in own if e.side == s] for s in SIDES}
        label = region.with_unit(region.plot_title)
        panels.append((label, region.amplitude, extents, _edges(extents, region.usual_peak)))
    step = 0.99 / len(panels)
    for number, (label, name, values, edges) in enumerate(panels):
        axes = figure.add_axes((0.055 + step * number, 0.22, step - 0.06, 0.7))
        _histogram(axes, name, values, edges)
        axes.set_xlabel(label, fontsize=7.5, labelpad=2)
        if name == "duration":
            axes.set_xscale("log")
            axes.set_xticks(
                [t for t in (0.1, 0.3, 1, 3, 10, 30, 100) if edges[0] <= t <= edges[-1]]
            )
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{t:g}"))
    figure.axes[0].set_ylabel("events", fontsize=7.5, labelpad=2)
    return figure


def _log_edges(values: dict[str, list[float]]) -> FloatArray:
    known = [v for column in values.values() for v in column if v > 0]
    low, high = min([0.1, *known]), max([2.0, *known])
    first, last = math.floor(4 * math.log10(low)), math.ceil(4 * math.log10(high) + 1e-6)
    return np.asarray(10.0 ** (np.arange(first, last + 1) / 4))


def _edges(values: dict[str, list[float]], least: float) -> FloatArray:
    known = [v for column in values.values() for v in column if math.isfinite(v)]
    return np.linspace(min([0.0, *known]), max([least, *known]) * 1.0001, 11)


def _histogram(axes: Axes, name: str, values: dict[str, list[float]], edges: FloatArray) -> None:
    """Bars of both sides beside each other in each bin."""
    ratio = name == "duration"
    at = np.log10(edges) if ratio else edges
    for i, side in enumerate(SIDES):
        counts, _ = np.histogram([v for v in values[side] if math.isfinite(v)], bins=edges)
        left = at[:-1] + np.diff(at) * (0.06 + 0.44 * i)
        right = left + np.diff(at) * 0.44
        if ratio:
            left, right = 10**left, 10**right
        seen = np.flatnonzero(counts)
        bars = axes.bar(
            left[seen],
            counts[seen],
            (right - left)[seen],
            align="edge",
            facecolor=FILL[side],
            edgecolor=INK,
            linewidth=0.6,
            hatch=_HATCH[side],
        )
        for number, bar in zip(seen.tolist(), bars, strict=True):
            bar.set_gid(f"{name}-{side}-{number}")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, max(axes.get_ylim()[1], 1.0) if axes.patches else 1.0)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(length=2, pad=1.5, labelsize=7)


def rate_figure(bins: Sequence[Bin]) -> Figure:
    """Events per minute of valid time in each stretch, with 95 % intervals."""
    figure = Figure(figsize=(WIDTH_IN, 2.1))
    axes = figure.add_axes((0.075, 0.2, 0.905, 0.74))
    for i, side in enumerate(SIDES):
        known = [b for b in bins if math.isfinite(b.rates[side].per_min)]
        at = [b.start_s + (b.end_s - b.start_s) * (0.4 + 0.2 * i) for b in known]
        rates = [b.rates[side] for b in known]
        for x, r in zip(at, rates, strict=True):
            axes.plot(
                [x, x],
                [r.low, r.high],
                color=LINE[side],
                linestyle=DASHES[side],
                linewidth=1.2,
                zorder=2,
            )
        axes.plot(
            at,
            [r.per_min for r in rates],
            color=LINE[side],
            linestyle=DASHES[side],
            linewidth=0.9,
            marker=_SIGN[side],
            markersize=4.5,
            markerfacecolor=FILL[side],
            markeredgecolor=INK,
            markeredgewidth=0.6,
            gid=f"rate-{side}",
            clip_on=False,  # a rate of zero lies on the axis
            zorder=3,
        )
    for b in bins:
        axes.axvline(b.start_s, color=GRID, linewidth=0.6, zorder=0)
    axes.set_xlim(bins[0].start_s, bins[-1].end_s)
    axes.set_ylim(0, max(axes.get_ylim()[1], 1.0))
    axes.set_ylabel("events per minute", fontsize=7.5)
    axes.tick_params(axis="y", length=2, pad=1.5, labelsize=7)
    clock_axis(axes)
    return figure


def quality(
    measured: Measurements,
    signals: Signals,
    missing: Sequence[tuple[float, float]],
    span: tuple[float, float],
    max_angles: tuple[float, float],
) -> Figure:
    """Strips over the recording: face measured or not, its size, the head's angles, frame rate.

    Args:
        measured: Of the recording.
        signals: Of the recording.
        missing: Stretches in which nothing was measured.
        span: Start and end of the recording in seconds.
        max_angles: Yaw and pitch beyond which nothing counts as measured, degrees.
    """
    figure = Figure(figsize=(WIDTH_IN, 3.9))
    face, size, head, speed = (_strip(figure, place, span) for place in _STRIPS)
    _face_strip(face, missing, span)
    _lines(size, measured.time_s, (("face_px", measured.face_px, "-"),))
    _limit(size, SMALL_FACE_PX, f"{SMALL_FACE_PX:.0f} px wanted")
    size.set_ylabel("face, px", fontsize=7.5)
    _head_strip(head, measured, max_angles)
    if len(signals) > 1:
        _lines(speed, signals.time_s[1:], (("fps", 1.0 / np.diff(signals.time_s), "-"),))
    _limit(speed, LOW_FPS, f"{LOW_FPS:.0f} wanted")
    speed.set_ylabel("frames/s", fontsize=7.5)
    for axes in (size, speed):
        axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
    speed.tick_params(axis="x", labelbottom=True)
    return figure


_STRIPS = ((0.915, 0.05), (0.65, 0.225), (0.345, 0.265), (0.085, 0.225))
"""Bottom and height of each strip, as shares of the figure's height."""

_KEY: dict[str, Any] = {
    "loc": "upper right",
    "ncols": 3,
    "fontsize": 6.5,
    "frameon": False,
    "borderaxespad": 0.1,
}


def _strip(figure: Figure, place: tuple[float, float], span: tuple[float, float]) -> Axes:
    bottom, height = place
    axes = figure.add_axes((0.075, bottom, 0.905, height))
    axes.set_xlim(*span)
    clock_axis(axes)
    axes.tick_params(axis="both", length=2, pad=1.5, labelsize=7)
    axes.tick_params(axis="x", labelbottom=False)
    return axes


def _head_strip(axes: Axes, measured: Measurements, max_angles: tuple[float, float]) -> None:
    _lines(axes, measured.time_s, [(n, getattr(measured, n), dash) for n, _, dash in _ANGLES])
    axes.set_ylabel("head, degrees", fontsize=7.5)
    axes.set_ylim(-max(max_angles) - 5, max(max_angles) + 18)  # with room for the key
    for limit in sorted({*max_angles, *(-angle for angle in max_angles)}):
        _limit(axes, limit, "")
    axes.legend(axes.lines[:3], [name for _, name, _ in _ANGLES], **_KEY)


def _face_strip(
    axes: Axes, missing: Sequence[tuple[float, float]], span: tuple[float, float]
) -> None:
    axes.set_ylim(0, 1)
    axes.set_yticks([0.5], ["face"], fontsize=7.5)
    axes.axvspan(*span, facecolor=FAINT, linewidth=0, alpha=0.55)
    if missing:
        shaded = axes.broken_barh(
            [(a, b - a) for a, b in missing],
            (0, 1),
            facecolor=GAP,
            edgecolor=FAINT,
            hatch="////",
            linewidth=0,
        )
        shaded.set_gid("without-face")


def _lines(axes: Axes, time_s: FloatArray, lines: Sequence[tuple[str, FloatArray, str]]) -> None:
    for name, values, dash in lines:
        kept = decimate(values, _STRIP_POINTS)
        axes.plot(time_s[kept], values[kept], color=INK, linestyle=dash, linewidth=0.9, gid=name)


def _limit(axes: Axes, value: float, label: str) -> None:
    axes.axhline(value, color=FAINT, linewidth=0.7, linestyle=(0, (1, 2)))
    if label:
        axes.text(
            0.995,
            value,
            label,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="bottom",
            fontsize=6.5,
        )
