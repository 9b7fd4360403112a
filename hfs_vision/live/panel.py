"""The panel beside the picture: times, counts by side and kind, and the keys below."""

from __future__ import annotations

import math

import cv2

from hfs_vision.core.summary import Count
from hfs_vision.live.view import SEGMENTS, View
from hfs_vision.render.text_drawing import (
    FAINT,
    GREY,
    GROUND,
    KIND_NAMES,
    PANEL,
    RED,
    SIDE_COLOURS,
    WHITE,
    YELLOW,
    Box,
    Colour,
    Picture,
    fill,
    width_of,
    wrap,
    write,
)
from hfs_vision.render.trace import draw_sample
from hfs_vision.results.formatting import clock
from hfs_vision.schema import KINDS, SIDES

PANEL_WIDTH = 320

_PAD = 24
_COLUMNS = dict(zip(SIDES, (PANEL_WIDTH - 134, PANEL_WIDTH - 59), strict=True))
_COLUMN_WIDTH, _SUM_WIDTH = 70, 180
_HEAD_Y, _ALL_Y, _RATE_Y, _KIND_Y, _KIND_STEP = 156, 212, 244, 288, 30
_SUM_Y = _KIND_Y + len(KINDS) * _KIND_STEP + 18

_KEYS = (
    (("space", "pause"),),
    (("m", "mark"),),
    tuple((str(key), label) for key, label in enumerate(SEGMENTS, start=1)),
    (("n", "next step"),),
    (("o", "overlay"), ("h", "help"), ("q", "quit")),
)


def draw_panel_ground(canvas: Picture, box: Box) -> None:
    """Draws what never changes: names and lines."""
    fill(canvas, box, PANEL)
    for side, colour in SIDE_COLOURS.items():
        x = box.x + _COLUMNS[side]
        write(canvas, side.upper(), (x, box.y + _HEAD_Y), 11, colour, bold=True, anchor=0.5)
        draw_sample(canvas, (x, box.y + _HEAD_Y + 12), side)
    for text, y in (("movements", _ALL_Y), ("per minute", _RATE_Y), ("both sides", _SUM_Y)):
        write(canvas, text, (box.x + _PAD, box.y + y), 10, GREY)
    for number, kind in enumerate(KINDS):
        y = box.y + _KIND_Y + number * _KIND_STEP
        write(canvas, KIND_NAMES[kind], (box.x + _PAD, y), 10)
    for y in (_HEAD_Y - 26, _RATE_Y + 17, _SUM_Y - 27):
        canvas[box.y + y, box.x + _PAD : box.right - _PAD] = FAINT


def draw_panel(canvas: Picture, box: Box, view: View) -> None:
    """Draws times and counts onto `draw_panel_ground`."""
    _draw_times(canvas, box, view)
    for count in view.counts:
        if count.kind in KINDS and count.side in SIDES:
            y = box.y + _KIND_Y + KINDS.index(count.kind) * _KIND_STEP
            _write_number(canvas, box, count.side, y, str(count.count), 12, _shine(count))
        elif count.side in SIDES:
            text = str(count.count)
            _write_number(canvas, box, count.side, box.y + _ALL_Y, text, 26, WHITE, bold=True)
            _write_number(canvas, box, count.side, box.y + _RATE_Y, _rate(count), 12, _shine(count))
        else:
            rate = f"   {_rate(count)} / min" if math.isfinite(count.rate_per_min) else ""
            text = f"{count.count}{rate}"
            size = _fitting(text, 11, _SUM_WIDTH)
            write(canvas, text, (box.right - _PAD, box.y + _SUM_Y), size, anchor=1)


def draw_keys(canvas: Picture, box: Box, *, help: bool) -> None:
    """Draws what the keys do, or which one tells."""
    fill(canvas, box, GROUND)
    x, y = box.x + 16, box.y + box.height // 2 + 4
    for group in _KEYS if help else ((("h", "help"),),):
        for key, meaning in group:
            width = width_of(key, 8) + 12
            cv2.rectangle(canvas, (x, y - 13), (x + width, y + 5), FAINT, 1)
            write(canvas, key, (x + width // 2 + 1, y), 8, anchor=0.5)
            write(canvas, meaning, (x + width + 6, y), 8, GREY)
            x += width + width_of(meaning, 8) + 17
        x += 12


def _draw_times(canvas: Picture, box: Box, view: View) -> None:
    x, right = box.x + _PAD, box.right - _PAD
    write(canvas, clock(view.elapsed_s), (x, box.y + 44), 22, bold=True)
    if view.recording:
        rec = Box(right - 62, box.y + 22, 62, 24)
        fill(canvas, rec, RED)
        cv2.circle(canvas, (rec.x + 12, rec.y + 12), 5, WHITE, -1, cv2.LINE_AA)
        write(canvas, "REC", (rec.x + 23, rec.y + 17), 10, bold=True)
    fps = f"{view.fps:.1f}" if math.isfinite(view.fps) else "-"
    text = f"{clock(view.valid_s)} measured, {fps} frames/s"
    write(canvas, text, (x, box.y + 72), 9, GREY)
    if view.dropped:
        text = f"{view.dropped} frame{'s' * (view.dropped > 1)} dropped"
        write(canvas, text, (x, box.y + 94), 9, YELLOW)
    if view.segment:
        size, lines = wrap(view.segment.replace("_", " "), (11, 9, 8), box.width - 2 * _PAD, 20)
        write(canvas, lines[0], (x, box.y + 118), size, bold=True)


def _write_number(
    canvas: Picture,
    box: Box,
    side: str,
    y: int,
    text: str,
    size: int,
    colour: Colour,
    *,
    bold: bool = False,
) -> None:
    size = _fitting(text, size, _COLUMN_WIDTH, bold=bold)
    write(canvas, text, (box.x + _COLUMNS[side], y), size, colour, bold=bold, anchor=0.5)


def _fitting(text: str, size: int, width: int, *, bold: bool = False) -> int:
    """The size, or a smaller one at which the text is no wider than that."""
    while size > 1 and width_of(text, size, bold=bold) > width:
        size -= 1
    return size


def _rate(count: Count) -> str:
    return f"{count.rate_per_min:.1f}" if math.isfinite(count.rate_per_min) else "-"


def _shine(count: Count) -> Colour:
    """Nothing counted stands back."""
    return WHITE if count.count else GREY
