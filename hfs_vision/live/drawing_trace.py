"""The rolling trace below the picture: lids and corners of the mouth over the last seconds."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from hfs_vision.live.drawing_ink import (
    BLACK,
    FAINT,
    GREY,
    PANEL,
    SIDE_COLOURS,
    Box,
    Colour,
    Picture,
    fill,
    width_of,
    write,
)
from hfs_vision.live.view import TRACE_S, View
from hfs_vision.schema import SIDES, Event, FloatArray

HEIGHT = 180

_LEFT, _RIGHT, _TOP, _ROW, _BETWEEN = 170, 24, 24, 60, 10
_ROWS = (
    ("eyelids", "eye", (-0.2, 1.2), (("shut", 1.0), ("open", 0.0))),
    ("mouth corner", "mouth", (-0.04, 0.16), (("pulled", 0.12), ("rest", 0.0))),
)
"""Name, part, values at the lower and the upper edge, and what some of them mean."""

_GRID_S = 2
_DOT_S = 0.5
_MAX_GAP_S = 0.25
_FINE = 4
"""Bits of a pixel's fraction: whole pixels would make the trace tremble as it moves."""


def draw_ground(canvas: Picture, box: Box) -> None:
    """Draws what never changes: rows, names and the axis of time."""
    fill(canvas, box, PANEL)
    for (name, _, bounds, ticks), row in zip(_ROWS, _row_boxes(box), strict=True):
        fill(canvas, row, BLACK)
        write(canvas, name, (box.x + 16, row.y + row.height // 2 + 5), 9)
        for text, value in ticks:
            y = row.y + round(float(_down(value, bounds, row.height)))
            canvas[y, row.x : row.right] = FAINT
            write(canvas, text, (row.x - 8, y + 4), 7, GREY, anchor=1)
    first, last = _row_boxes(box)[0], _row_boxes(box)[-1]
    for back_s in range(0, int(TRACE_S) + 1, _GRID_S):
        x = min(last.right - round(back_s / TRACE_S * last.width), last.right - 1)
        for row in (first, last):
            canvas[row.y : row.bottom, x] = FAINT
        text = f"-{back_s} s" if back_s else "now"
        write(canvas, text, (x, last.bottom + 16), 8, GREY, anchor=0.5)


def draw_trace(canvas: Picture, box: Box, view: View) -> None:
    """Draws events and signals onto `draw_ground`."""
    rows = _row_boxes(box)
    for event in view.events:
        _draw_event(canvas, rows, event, view.time_s)
    if not len(view.trace):
        text = "begins when your rest is known" if view.learning_s > 0 else "nothing measured"
        row, wide = rows[0], width_of(text, 10) + 24
        middle = row.x + row.width // 2
        fill(canvas, Box(middle - wide // 2, row.y + 10, wide, row.height - 20), BLACK)
        write(canvas, text, (middle, row.y + row.height // 2 + 5), 10, GREY, anchor=0.5)
        return
    for (_, part, bounds, _), row in zip(_ROWS, rows, strict=True):
        values = view.trace.closure if part == "eye" else view.trace.excursion
        x = _across(view.trace.time_s, view.time_s, row.width)
        for i, side in enumerate(SIDES):
            y = _down(np.clip(values[:, i], *bounds), bounds, row.height - 1)
            area = row.of(canvas)
            _draw_line(area, view.trace.time_s, x, y, SIDE_COLOURS[side], dotted=i == 1)


def draw_sample(canvas: Picture, at: tuple[int, int], side: str) -> None:
    """Draws a piece of a side's line, centred at a pixel: the key to the trace."""
    x, y = at
    colour = SIDE_COLOURS[side]
    cv2.line(canvas, (x - 16, y), (x + 16, y), colour, 2, cv2.LINE_AA)
    if side == SIDES[1]:
        for dot in (x - 9, x + 9):
            cv2.circle(canvas, (dot, y), 3, colour, -1, cv2.LINE_AA)


@lru_cache(maxsize=8)
def _row_boxes(box: Box) -> tuple[Box, ...]:
    width = box.width - _LEFT - _RIGHT
    step = _ROW + _BETWEEN
    return tuple(
        Box(box.x + _LEFT, box.y + _TOP + number * step, width, _ROW)
        for number in range(len(_ROWS))
    )


def _across(time_s: FloatArray, now_s: float, width: int) -> FloatArray:
    """Pixels from the left edge."""
    return np.asarray(width * (1.0 + (time_s - now_s) / TRACE_S))


def _down(value: float | FloatArray, bounds: tuple[float, float], height: int) -> FloatArray:
    """Pixels from the upper edge."""
    low, high = bounds
    return np.asarray(height * (high - value) / (high - low))


def _draw_event(canvas: Picture, rows: tuple[Box, ...], event: Event, now_s: float) -> None:
    ends_s = np.array([event.onset_s, event.offset_s])
    start, stop = np.clip(_across(ends_s, now_s, rows[0].width), 0, rows[0].width).round()
    if stop <= 0 or start >= rows[0].width:
        return
    left, right = rows[0].x + int(start), rows[0].x + max(int(stop), int(start) + 2)
    colour = SIDE_COLOURS[event.side]
    shade = tuple(round(0.62 * b + 0.38 * c) for b, c in zip(BLACK, colour, strict=True))
    for (_, part, _, _), row in zip(_ROWS, rows, strict=True):
        if part in event.region:
            canvas[row.y : row.bottom, left:right] = shade
    top = rows[0].y - 4
    canvas[top : top + 3, left:right] = colour
    letter, at = event.side[0].upper(), ((left + right) // 2, top - 5)
    write(canvas, letter, at, 9, colour, bold=True, anchor=0.5)


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
