"""The trace below a picture: lids and corners of the mouth around one moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from hfs_vision.core.signals import Signals
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.render.text_drawing import (
    BLACK,
    FAINT,
    GREY,
    PANEL,
    SIDE_COLOURS,
    WHITE,
    Box,
    Colour,
    Picture,
    fill,
    width_of,
    write,
)
from hfs_vision.schema import SIDES, Event, FloatArray

_LEFT, _RIGHT, _TOP, _ROW, _BETWEEN, _BOTTOM = 170, 24, 24, 60, 10, 26

TRACE_HEIGHT = _TOP + len(FACE_REGIONS) * (_ROW + _BETWEEN) - _BETWEEN + _BOTTOM

_GRIDS_S = 0.2, 0.5, 1, 2, 5, 10, 30, 60
_GRID_LINES = 6
_DOT_S = 0.5
_MAX_GAP_S = 0.25
_FINE = 4
"""Bits of a pixel's fraction: whole pixels would make the trace tremble as it moves."""


@dataclass(frozen=True)
class Axis:
    """How much a trace shows around its moment.

    Attributes:
        back_s, ahead_s: Of what came before it and of what comes after it.
        zero: What is written below the moment itself.
    """

    back_s: float
    ahead_s: float = 0.0
    zero: str = "now"

    @property
    def length_s(self) -> float:
        """From its left end to its right one."""
        return self.back_s + self.ahead_s

    @property
    def grid_s(self) -> float:
        """Between two lines of its grid."""
        steps = (step for step in _GRIDS_S if step * _GRID_LINES >= self.length_s)
        return next(steps, self.length_s)

    def across(self, time_s: FloatArray, now_s: float, width: int) -> FloatArray:
        """Pixels from its left end."""
        return np.asarray(width * (self.back_s + (time_s - now_s)) / self.length_s)


def draw_trace_ground(canvas: Picture, box: Box, axis: Axis) -> None:
    """Draws what never changes: rows, names and the axis of time."""
    fill(canvas, box, PANEL)
    for region, row in zip(FACE_REGIONS, trace_rows(box), strict=True):
        fill(canvas, row, BLACK)
        write(canvas, region.label, (box.x + 16, row.y + row.height // 2 + 5), 9)
        for text, value in region.ticks:
            y = row.y + round(float(_down(value, region.bounds, row.height)))
            canvas[y, row.x : row.right] = FAINT
            write(canvas, text, (row.x - 8, y + 4), 7, GREY, anchor=1)
    last = trace_rows(box)[-1]
    lines = range(-int(axis.back_s / axis.grid_s), int(axis.ahead_s / axis.grid_s) + 1)
    for number in lines:
        far_s = number * axis.grid_s
        across = round(float(axis.across(np.array(far_s), 0.0, last.width)))
        x = min(last.x + across, last.right - 1)
        for row in trace_rows(box):
            canvas[row.y : row.bottom, x] = FAINT
        sign = "+" if far_s > 0 else ""
        text = f"{sign}{far_s:g} s" if number else axis.zero
        write(canvas, text, (x, last.bottom + 16), 8, GREY, anchor=0.5)


def draw_trace(
    canvas: Picture,
    box: Box,
    signals: Signals,
    events: Iterable[Event],
    now_s: float,
    axis: Axis,
    *,
    empty: str,
) -> None:
    """Draws events and signals onto `draw_trace_ground`.

    Args:
        canvas: Where.
        box: Where on it; `TRACE_HEIGHT` high.
        signals: No more than what the axis shows: all of them are drawn.
        events: Those that reach beyond the axis are cut, others left out.
        now_s: The moment, on the recording's clock.
        axis: What of the time around it is shown.
        empty: What is written where there are no signals.
    """
    rows = trace_rows(box)
    for event in events:
        _draw_event(canvas, rows, event, now_s, axis)
    if len(signals):
        _draw_signals(canvas, rows, signals, now_s, axis)
    else:
        row, wide = rows[0], width_of(empty, 10) + 24
        middle = row.x + row.width // 2
        fill(canvas, Box(middle - wide // 2, row.y + 10, wide, row.height - 20), BLACK)
        write(canvas, empty, (middle, row.y + row.height // 2 + 5), 10, GREY, anchor=0.5)
    if axis.ahead_s > 0:
        draw_moment(canvas, box, now_s, now_s, axis, WHITE)


def draw_moment(
    canvas: Picture, box: Box, time_s: float, now_s: float, axis: Axis, colour: Colour
) -> None:
    """Draws a line down through all rows at a time, if the axis shows it."""
    rows = trace_rows(box)
    across = round(float(axis.across(np.array(time_s), now_s, rows[0].width)))
    if 0 <= across < rows[0].width:
        canvas[rows[0].y : rows[-1].bottom, rows[0].x + across] = colour


def draw_sample(canvas: Picture, at: tuple[int, int], side: str) -> None:
    """Draws a piece of a side's line, centred at a pixel: the key to the trace."""
    x, y = at
    colour = SIDE_COLOURS[side]
    cv2.line(canvas, (x - 16, y), (x + 16, y), colour, 2, cv2.LINE_AA)
    if side == SIDES[1]:
        for dot in (x - 9, x + 9):
            cv2.circle(canvas, (dot, y), 3, colour, -1, cv2.LINE_AA)


@lru_cache(maxsize=8)
def trace_rows(box: Box) -> tuple[Box, ...]:
    """Where in the box of a trace the rows of `FACE_REGIONS` are."""
    width = box.width - _LEFT - _RIGHT
    step = _ROW + _BETWEEN
    return tuple(
        Box(box.x + _LEFT, box.y + _TOP + number * step, width, _ROW)
        for number in range(len(FACE_REGIONS))
    )


def _down(value: float | FloatArray, bounds: tuple[float, float], height: int) -> FloatArray:
    """Pixels from the upper edge."""
    low, high = bounds
    return np.asarray(height * (high - value) / (high - low))


def _draw_event(
    canvas: Picture, rows: tuple[Box, ...], event: Event, now_s: float, axis: Axis
) -> None:
    ends_s = np.array([event.onset_s, event.offset_s])
    start, stop = np.clip(axis.across(ends_s, now_s, rows[0].width), 0, rows[0].width).round()
    if stop <= 0 or start >= rows[0].width:
        return
    left, right = rows[0].x + int(start), rows[0].x + max(int(stop), int(start) + 2)
    colour = SIDE_COLOURS[event.side]
    shade = tuple(round(0.62 * b + 0.38 * c) for b, c in zip(BLACK, colour, strict=True))
    for region, row in zip(FACE_REGIONS, rows, strict=True):
        if region.moves_in(event.region):
            canvas[row.y : row.bottom, left:right] = shade
    top = rows[0].y - 4
    canvas[top : top + 3, left:right] = colour
    letter, at = event.side[0].upper(), ((left + right) // 2, top - 5)
    write(canvas, letter, at, 9, colour, bold=True, anchor=0.5)


def _draw_signals(
    canvas: Picture, rows: tuple[Box, ...], signals: Signals, now_s: float, axis: Axis
) -> None:
    for region, row in zip(FACE_REGIONS, rows, strict=True):
        values, bounds = signals.amplitude(region), region.bounds
        x = axis.across(signals.time_s, now_s, row.width)
        for i, side in enumerate(SIDES):
            y = _down(np.clip(values[:, i], *bounds), bounds, row.height - 1)
            area = row.of(canvas)
            _draw_line(area, signals.time_s, x, y, SIDE_COLOURS[side], dotted=i == 1)


def _draw_line(
    area: Picture, time_s: FloatArray, x: FloatArray, y: FloatArray, colour: Colour, *, dotted: bool
) -> None:
    """Draws a line that is open where nothing was measured."""
    seen = np.isfinite(y) & (x >= 0)
    if not seen.any():
        return
    points = np.column_stack([x, np.where(seen, y, 0.0)])
    fine = np.round(points * (1 << _FINE)).astype(np.int32)
    follows = seen[1:] & seen[:-1] & (np.diff(time_s) <= _MAX_GAP_S)
    pieces = np.split(fine, np.flatnonzero(~follows) + 1)
    lines = [piece for piece in pieces if len(piece) > 1]
    cv2.polylines(area, lines, False, colour, 1 if dotted else 2, cv2.LINE_AA, _FINE)
    if dotted:
        # Whole multiples of the clock, so that the dots move along with the line.
        marks = np.arange(np.ceil(time_s[0] / _DOT_S), np.floor(time_s[-1] / _DOT_S) + 1) * _DOT_S
        for row in np.unique(np.searchsorted(time_s, marks).clip(max=len(time_s) - 1)):
            if seen[row]:
                centre = fine[row].tolist()
                cv2.circle(area, centre, 3 << _FINE, colour, -1, cv2.LINE_AA, _FINE)
