"""Marks on a face: outlines of the eyes, corners of the mouth, and which side moves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.landmarks import COMMISSURE
from hfs_vision.regions import EYE, MOUTH
from hfs_vision.render.text_drawing import (
    BLACK,
    SIDE_COLOURS,
    Box,
    Colour,
    Picture,
    dim,
    fill,
    width_of,
    write,
)
from hfs_vision.schema import SIDES, FloatArray

LID_OUTLINES = (
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
)
"""Points of the face mesh around each eye, along the upper lid and back along the lower one."""

_REST: Colour = (215, 215, 215)
_FINE = 4
"""Bits of a pixel's fraction, with which OpenCV draws lines."""

_CHIP_HEIGHT = 28


@dataclass(frozen=True)
class Fit:
    """How places of the camera's picture become places of the one that is drawn on.

    Attributes:
        scale: Pixels drawn for each of the camera's.
        mirror_width: Width of the picture that is drawn on, where it is shown as in a mirror.
    """

    scale: float = 1.0
    mirror_width: int | None = None

    def fine(self, points: FloatArray) -> NDArray[np.int32] | None:
        """Pixels with `_FINE` bits of fraction; ``None`` without a face."""
        if not np.isfinite(points[:, :2]).all():
            return None
        x, y = points[:, 0] * self.scale, points[:, 1] * self.scale
        if self.mirror_width is not None:
            x = self.mirror_width - x
        # Far outside of the picture OpenCV's whole numbers would overflow.
        places = np.clip(np.column_stack([x, y]), -2000, 4000)
        return np.asarray(places * (1 << _FINE), dtype=np.int32)


def draw_face(
    picture: Picture, landmarks: FloatArray, lit: Collection[tuple[str, str]], fit: Fit
) -> None:
    """Draws the outlines of the eyes and marks at the corners of the mouth, lit while they move.

    Args:
        picture: Where.
        landmarks: ``(478, 3)`` pixels of the camera's picture; nothing is drawn where they are NaN.
        lit: ``(side, part)`` that move, part ``eye`` or ``mouth``.
        fit: Where in the picture they belong.
    """
    for i, side in enumerate(SIDES):
        lids = fit.fine(landmarks[list(LID_OUTLINES[i])])
        corner = fit.fine(landmarks[[COMMISSURE[i]]])
        if lids is None or corner is None:
            continue
        moves = (side, EYE.name) in lit
        colour = SIDE_COLOURS[side] if moves else _REST
        cv2.polylines(picture, [lids], True, colour, 3 if moves else 1, cv2.LINE_AA, _FINE)
        moves = (side, MOUTH.name) in lit
        colour, radius = (SIDE_COLOURS[side], 8) if moves else (_REST, 4)
        thick = 3 if moves else 1
        centre = corner[0].tolist()
        cv2.circle(picture, centre, radius << _FINE, colour, thick, cv2.LINE_AA, _FINE)


def draw_side(
    canvas: Picture, picture: Box, side: str, moves: str, *, at_left: bool, top: int
) -> None:
    """Draws a bar along one edge of the picture and the side's name; filled while it moves.

    Args:
        canvas: Where.
        picture: Where on it the picture is.
        side: Whose name and colour.
        moves: What moves, in words; empty while nothing does.
        at_left: At the picture's left edge; else at its right one.
        top: The bar begins no higher than this row.
    """
    colour, text = SIDE_COLOURS[side], side.upper()
    bar = 10 if moves else 3
    chip = max(width_of(text, 12, bold=True), width_of(moves, 9)) + 20
    height = _CHIP_HEIGHT + 18 if moves else _CHIP_HEIGHT
    start = picture.x if at_left else picture.right - bar
    box = Box(picture.x if at_left else picture.right - chip, picture.bottom - height, chip, height)
    if moves:
        fill(canvas, box, colour)
    else:
        dim(box.of(canvas), 2)
    top = max(picture.y, top)
    fill(canvas, Box(start, top, bar, picture.bottom - top), colour)
    middle = box.x + chip // 2 + (1 if at_left else -1)
    write(canvas, text, (middle, box.y + 20), 12, BLACK if moves else colour, bold=True, anchor=0.5)
    write(canvas, moves, (middle, box.y + 38), 9, BLACK, anchor=0.5)
