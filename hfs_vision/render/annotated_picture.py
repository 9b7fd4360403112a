"""Draws one moment of a recording: the picture, the counts, the trace around it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.render.event_lookup import EventLookup
from hfs_vision.render.face_overlay import Fit, draw_face, draw_side
from hfs_vision.render.masking import hide_all, hide_rest
from hfs_vision.render.text_drawing import (
    BLACK,
    GROUND,
    KIND_NAMES,
    SIDE_COLOURS,
    WHITE,
    YELLOW,
    Box,
    Picture,
    fill,
    width_of,
    write,
)
from hfs_vision.render.trace import (
    TRACE_HEIGHT,
    Axis,
    draw_sample,
    draw_trace,
    draw_trace_ground,
)
from hfs_vision.results.formatting import clock
from hfs_vision.schema import SIDES, FloatArray, Frame

MIN_WIDTH = 640
"""What the texts need; a smaller picture is enlarged."""

_MIN_HEIGHT = 480
_TALLEST = 0.75
"""Largest height of the picture as a share of the largest width."""

_STRIP_HEIGHT = 50
_AXIS = Axis(back_s=3.0, ahead_s=3.0)

AT_LEFT = {side: side == SIDES[1] for side in SIDES}
"""The picture is not mirrored: the subject's right is at its left edge."""


@dataclass(frozen=True)
class Style:
    """How a recording is shown.

    Attributes:
        overlay: With marks, counts and traces.
        blur: With all hidden but what was measured.
        width: Largest width of the picture in pixels.
    """

    overlay: bool = True
    blur: bool = False
    width: int = 1280


@dataclass(frozen=True)
class _PictureLayout:
    """Where things are; without an overlay the picture is all there is.

    Attributes:
        stage: What the picture stands in.
        picture: The picture.
        scale: Pixels of the canvas for each of the recording's.
        strip, trace: Counts and trace below it.
    """

    stage: Box
    picture: Box
    scale: float
    strip: Box
    trace: Box


class Painter:
    """Draws the frames of a recording, all in one size.

    Args:
        course: What the result says.
        style: How it is shown.
        shape: Height and width of the recording's pictures.
    """

    def __init__(self, course: EventLookup, style: Style, shape: tuple[int, ...]) -> None:
        self._course, self._style = course, style
        self._layout = _layout(shape[0], shape[1], style)

    def __call__(self, frame: Frame, landmarks: FloatArray) -> NDArray[np.uint8]:
        """One moment, ``(height, width, 3)`` uint8 RGB, both even.

        Args:
            frame: The picture, of the shape that was announced.
            landmarks: ``(478, 3)`` pixels; all NaN where there is no face.
        """
        layout = self._layout
        picture = _resized(frame.rgb, layout.picture)
        fit = Fit(layout.scale)
        if self._style.blur:
            hide_unmeasured(picture, landmarks, fit, self._course, frame.time_s)
        if not self._style.overlay:
            return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
        canvas = _ground(layout).copy()
        layout.picture.of(canvas)[:] = picture
        draw_face(layout.picture.of(canvas), landmarks, self._course.lit(frame.time_s), fit)
        self._draw_sides(canvas, frame.time_s)
        self._draw_strip(canvas, frame.time_s)
        signals, events = self._course.around(frame.time_s, _AXIS)
        empty = "no signals were kept" if not len(self._course.signals) else "nothing measured"
        draw_trace(canvas, layout.trace, signals, events, frame.time_s, _AXIS, empty=empty)
        return np.asarray(cv2.cvtColor(canvas, cv2.COLOR_BGR2RGB), np.uint8)

    def _draw_sides(self, canvas: Picture, time_s: float) -> None:
        box, ongoing = self._layout.picture, self._course.ongoing(time_s)
        for side in SIDES:
            kinds = dict.fromkeys(KIND_NAMES[e.kind] for e in ongoing if e.side == side)
            draw_side(canvas, box, side, ", ".join(kinds), at_left=AT_LEFT[side], top=box.y)

    def _draw_strip(self, canvas: Picture, time_s: float) -> None:
        """Counts so far, below their sides, and the time between them."""
        box = self._layout.strip
        middle = box.x + box.width // 2
        write(canvas, clock(time_s, decimals=2), (middle, box.y + 26), 15, bold=True, anchor=0.5)
        if len(self._course.signals) and not self._course.measured(time_s):
            write(canvas, "not measured", (middle, box.y + 43), 8, YELLOW, anchor=0.5)
        for side in SIDES:
            text = f"{self._course.count(side, time_s)} so far"
            gone = width_of(side.upper(), 11, bold=True) + 74
            at_left = AT_LEFT[side]
            x = box.x + gone if at_left else box.right - gone
            write(canvas, text, (x, box.y + 31), 11, WHITE, anchor=0.0 if at_left else 1.0)


def hide_unmeasured(
    picture: Picture, landmarks: FloatArray, fit: Fit, course: EventLookup, time_s: float
) -> None:
    """Hides all but the measured regions, and all of it where the result has nothing measured.

    A mesh alone will not do: it may lie on something that is no face, or on a hand before one.
    """
    if course.measured(time_s):
        hide_rest(picture, landmarks, fit)
    else:
        hide_all(picture)


@lru_cache(maxsize=8)
def _layout(height: int, width: int, style: Style) -> _PictureLayout:
    scale = min(style.width / width, style.width * _TALLEST / height)
    largest = max(1.0, min(MIN_WIDTH / width, _MIN_HEIGHT / height)) if style.overlay else 1.0
    scale = min(scale, largest)
    size = max(round(width * scale) // 2 * 2, 2), max(round(height * scale) // 2 * 2, 2)
    across = max(size[0], MIN_WIDTH) if style.overlay else size[0]
    stage = Box(0, 0, across, size[1])
    strip = Box(0, stage.bottom, across, _STRIP_HEIGHT if style.overlay else 0)
    trace = Box(0, strip.bottom, across, TRACE_HEIGHT if style.overlay else 0)
    return _PictureLayout(stage, Box((across - size[0]) // 2, 0, *size), scale, strip, trace)


@lru_cache(maxsize=8)
def _ground(layout: _PictureLayout) -> Picture:
    """What is the same in every picture; to be copied, never to be drawn on."""
    canvas: Picture = np.empty((layout.trace.bottom, layout.trace.right, 3), dtype=np.uint8)
    canvas[:] = GROUND
    fill(canvas, layout.stage, BLACK)
    strip = layout.strip
    for side in SIDES:
        name, colour = side.upper(), SIDE_COLOURS[side]
        x = strip.x + 16 if AT_LEFT[side] else strip.right - 16
        inwards = 1 if AT_LEFT[side] else -1
        anchor = 0.0 if AT_LEFT[side] else 1.0
        write(canvas, name, (x, strip.y + 31), 11, colour, bold=True, anchor=anchor)
        sample = x + inwards * (width_of(name, 11, bold=True) + 30)
        draw_sample(canvas, (sample, strip.y + 26), side)
    draw_trace_ground(canvas, layout.trace, _AXIS)
    return canvas


def _resized(rgb: NDArray[np.uint8], box: Box) -> Picture:
    """The picture in the size of a box, BGR; a copy."""
    if rgb.shape[:2] != (box.height, box.width):
        smaller = rgb.shape[1] > box.width
        how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        rgb = np.asarray(cv2.resize(rgb, (box.width, box.height), interpolation=how), np.uint8)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)
