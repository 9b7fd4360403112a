"""Draws one moment of a session as a picture: the mirror, the counts, the trace."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.live.panel import PANEL_WIDTH, draw_keys, draw_panel, draw_panel_ground
from hfs_vision.live.view import TRACE_S, View
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.render.face_overlay import Fit, draw_face, draw_side
from hfs_vision.render.text_drawing import (
    BLACK,
    GREY,
    GROUND,
    RED,
    WHITE,
    YELLOW,
    Box,
    Colour,
    Picture,
    dim,
    fill,
    line_step,
    plain,
    width_of,
    wrap,
    write,
)
from hfs_vision.render.trace import TRACE_HEIGHT, Axis, draw_trace, draw_trace_ground
from hfs_vision.results.formatting import clock
from hfs_vision.schema import SIDES

_STAGE_HEIGHT = 480
_STAGE_WIDTHS = 640, 854
_HINTS_HEIGHT, _KEYS_HEIGHT = 36, 28

_AXIS = Axis(back_s=TRACE_S)

_LEFT_WIDTH = 130
"""Room beside a prompt for the time that is left."""


@dataclass(frozen=True)
class _ViewLayout:
    """Where things are; the same for all pictures of one shape.

    Attributes:
        stage: What the picture is fitted into.
        picture: The picture.
        scale: Pixels of the canvas for each of the camera's.
        panel, hints, trace, keys: The other parts.
    """

    stage: Box
    picture: Box
    scale: float
    panel: Box
    hints: Box
    trace: Box
    keys: Box


def draw(view: View, *, overlay: bool = True, help: bool = True) -> Picture:
    """Draws one moment of a session.

    The picture is shown as in a mirror, so that the subject's left is at the left.

    Args:
        view: What to show.
        overlay: With the outlines of the eyes and the corners of the mouth.
        help: With the keys.

    Returns:
        ``(height, width, 3)`` uint8, BGR; always of the same size for pictures of the same shape,
        at most 1174 wide and 724 high.
    """
    layout = _layout(view.rgb.shape[0], view.rgb.shape[1])
    canvas = _ground(layout, help).copy()
    layout.picture.of(canvas)[:] = _mirrored(view.rgb, layout.picture)
    if overlay:
        fit = Fit(layout.scale, layout.picture.width)
        draw_face(layout.picture.of(canvas), view.landmarks, view.ongoing, fit)
    top = _draw_prompt(canvas, layout.stage, view) if view.prompt else layout.stage.y
    for side in SIDES:
        moves = " + ".join(r.name for r in FACE_REGIONS if (side, r.name) in view.ongoing)
        at_left = side == SIDES[0]  # as in a mirror
        draw_side(canvas, layout.picture, side, moves, at_left=at_left, top=top)
    if view.lost:
        _draw_notice(canvas, layout.stage, "CAMERA LOST", "waiting for it to come back", RED)
    elif view.paused:
        _draw_notice(canvas, layout.stage, "PAUSED", "space: go on", BLACK)
    elif view.learning_s > 0:
        _draw_learning(canvas, layout.stage, top, view.learning_s)
    _draw_hints(canvas, layout.hints, tuple(view.hints))
    draw_panel(canvas, layout.panel, view)
    empty = "begins when your rest is known" if view.learning_s > 0 else "nothing measured"
    draw_trace(canvas, layout.trace, view.trace, view.events, view.time_s, _AXIS, empty=empty)
    return canvas


@lru_cache(maxsize=8)
def _layout(height: int, width: int) -> _ViewLayout:
    narrow, wide = _STAGE_WIDTHS
    stage = Box(0, 0, min(max(round(_STAGE_HEIGHT * width / height), narrow), wide), _STAGE_HEIGHT)
    scale = min(stage.width / width, stage.height / height)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    picture = Box((stage.width - size[0]) // 2, (stage.height - size[1]) // 2, *size)
    across = stage.width + PANEL_WIDTH
    hints = Box(0, stage.bottom, across, _HINTS_HEIGHT)
    trace = Box(0, hints.bottom, across, TRACE_HEIGHT)
    return _ViewLayout(
        stage=stage,
        picture=picture,
        scale=scale,
        panel=Box(stage.right, 0, PANEL_WIDTH, stage.height),
        hints=hints,
        trace=trace,
        keys=Box(0, trace.bottom, across, _KEYS_HEIGHT),
    )


@lru_cache(maxsize=8)
def _ground(layout: _ViewLayout, help: bool) -> Picture:
    """What is the same in every picture; to be copied, never to be drawn on."""
    canvas: Picture = np.empty((layout.keys.bottom, layout.keys.right, 3), dtype=np.uint8)
    canvas[:] = GROUND
    fill(canvas, layout.stage, BLACK)
    draw_panel_ground(canvas, layout.panel)
    draw_trace_ground(canvas, layout.trace, _AXIS)
    draw_keys(canvas, layout.keys, help=help)
    return canvas


def _mirrored(rgb: NDArray[np.uint8], box: Box) -> Picture:
    # Of a large picture whole rows and columns are left out first: averaging 4K takes 10 ms.
    every = max(min(rgb.shape[0] // box.height, rgb.shape[1] // box.width), 1)
    small = np.ascontiguousarray(rgb[::every, ::every])
    if small.shape[:2] != (box.height, box.width):
        small = cv2.resize(small, (box.width, box.height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(cv2.flip(small, 1), cv2.COLOR_RGB2BGR), dtype=np.uint8)


def _draw_prompt(canvas: Picture, stage: Box, view: View) -> int:
    """What the protocol asks for, over the top of the picture; the first row below it."""
    size, lines = wrap(view.prompt, (18, 15, 12, 10), stage.width - 40 - _LEFT_WIDTH, 90)
    step = line_step(size)
    band = Box(stage.x, stage.y, stage.width, 42 + step * len(lines))
    dim(band.of(canvas), 2)
    if view.steps:
        count = f"step {view.step} of {view.steps}"
        write(canvas, count, (band.x + 20, band.y + 22), 9, GREY)
        done = round(band.width * min(view.step / view.steps, 1.0))
        fill(canvas, Box(band.x, band.bottom - 3, done, 3), WHITE)
    for number, line in enumerate(lines):
        write(canvas, line, (band.x + 20, band.y + 36 + size + step * number), size, bold=True)
    if math.isfinite(view.prompt_left_s):
        left_s = math.ceil(view.prompt_left_s)
        left = f"{left_s} s" if left_s < 60 else clock(left_s)
        at = band.right - 20, band.y + band.height // 2 + 11
        write(canvas, left, at, 22, bold=True, anchor=1)
    return band.bottom


def _draw_learning(canvas: Picture, stage: Box, y: int, left_s: float) -> None:
    text = f"learning your resting face: {math.ceil(left_s)} s"
    width = width_of(text, 13, bold=True) + 36
    pill = Box(stage.x + (stage.width - width) // 2, y + 14, width, 36)
    dim(pill.of(canvas), 2)
    write(canvas, text, (pill.x + width // 2, pill.y + 24), 13, bold=True, anchor=0.5)


def _draw_notice(canvas: Picture, stage: Box, text: str, more: str, colour: Colour) -> None:
    """Large across the middle of the darkened picture."""
    dim(stage.of(canvas), 1)
    band = Box(stage.x, stage.y + stage.height // 2 - 60, stage.width, 120)
    fill(canvas, band, colour)
    middle = stage.x + stage.width // 2
    write(canvas, text, (middle, band.y + 66), 36, bold=True, anchor=0.5)
    write(canvas, more, (middle, band.y + 98), 12, anchor=0.5)


def _draw_hints(canvas: Picture, box: Box, hints: tuple[str, ...]) -> None:
    """As many as there is room for, most urgent first."""
    if not hints:
        return
    fill(canvas, box, YELLOW)
    x, room = box.x + 16, box.width - 32
    size, lines = wrap(hints[0], (11, 8), room, box.height)
    step = line_step(size)
    y = box.y + (box.height - step * len(lines)) // 2 + (step + size) // 2
    for number, line in enumerate(lines):
        write(canvas, line, (x, y + step * number), size, BLACK, bold=True)
    if len(lines) > 1:
        return
    x += width_of(lines[0], size, bold=True) + 40
    for hint in map(plain, hints[1:]):
        width = width_of(hint, size, bold=True)
        if x + width > box.x + room:
            break
        write(canvas, hint, (x, y), size, BLACK, bold=True)
        x += width + 40
