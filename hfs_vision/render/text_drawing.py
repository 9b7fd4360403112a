"""Colours, names, text and boxes of all that is drawn.

OpenCV's fonts are strokes of whole pixels and ragged when they are small, so text is drawn four
times as large, made smaller, and kept: most of it is the same in the next picture.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.regions import ALL_KINDS
from hfs_vision.schema import SIDES

Picture = NDArray[np.uint8]
"""``(height, width, 3)``, BGR."""

Colour = tuple[int, int, int]

# Sky blue and orange of Okabe and Ito's set, which people with any colour vision tell apart.
SIDE_COLOURS: dict[str, Colour] = dict(zip(SIDES, ((233, 180, 86), (0, 159, 230)), strict=True))
WHITE: Colour = (240, 240, 240)
GREY: Colour = (165, 160, 155)
FAINT: Colour = (74, 68, 62)
PANEL: Colour = (44, 38, 33)
GROUND: Colour = (30, 26, 22)
BLACK: Colour = (18, 16, 14)
YELLOW: Colour = (66, 228, 240)
RED: Colour = (48, 48, 214)

KIND_NAMES = {kind.name: kind.short for kind in ALL_KINDS}
"""Short names of the kinds of event, where there is little room."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_CAPITAL = 21.0
"""Height of the font's capitals in pixels at scale 1."""

_FINER = 4
_WEIGHT = 0.13
_BOLD_WEIGHT = 0.19
"""Width of the strokes as a share of the height of the capitals."""

_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)
_MARKS = {"Pd": "-", "Ps": "'", "Pi": "'", "Pf": "'"}
"""Dashes and quotation marks, by Unicode's categories."""


@dataclass(frozen=True)
class Box:
    """A rectangle of the canvas, in whole pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row beyond it."""
        return self.y + self.height

    def of(self, canvas: Picture) -> Picture:
        """That part of a canvas, not a copy."""
        return canvas[self.y : self.bottom, self.x : self.right]


def plain(text: str) -> str:
    """The same in ASCII, which is all that the fonts have; ``?`` for what cannot be written so.

    >>> plain("Schließen Sie die Augen – ganz ruhig…")
    'Schliessen Sie die Augen - ganz ruhig...'
    """
    letters = unicodedata.normalize("NFKD", text.translate(_SPELLED))
    known = (
        char if char.isascii() else _MARKS.get(unicodedata.category(char), char)
        for char in letters
        if not unicodedata.combining(char)
    )
    return re.sub(r"[^ -~]+", "?", " ".join("".join(known).split()))


def line_step(size: int) -> int:
    """Pixels from one line of a text to the next."""
    return round(1.75 * size)


@lru_cache(maxsize=4096)
def width_of(text: str, size: int, *, bold: bool = False) -> int:
    """Width in pixels of text whose capitals are ``size`` pixels high."""
    fine, thick = _fine(size, bold=bold)
    return -(-cv2.getTextSize(text, _FONT, fine, thick)[0][0] // _FINER)


@lru_cache(maxsize=256)
def shorten(text: str, size: int, width: int, *, bold: bool = False) -> str:
    """ASCII text that is no wider than ``width``: its end is left out where it would be."""
    text = plain(text)
    if width_of(text, size, bold=bold) <= width:
        return text
    while text and width_of(text + "...", size, bold=bold) > width:
        text = text[:-1]
    return text.rstrip() + "..." if text else ""


@lru_cache(maxsize=64)
def wrap(text: str, sizes: tuple[int, ...], width: int, height: int) -> tuple[int, tuple[str, ...]]:
    """Size and lines of a bold text that is to fill no more than so many pixels; one or more lines.

    The first of the sizes will do at which it fits. With none of them the last line is shortened;
    so is a word that is wider than a line.
    """
    for size in sizes:
        lines = height // line_step(size)
        found: list[str] = []
        for word in plain(text).split():
            longer = f"{found[-1]} {word}" if found else word
            if found and width_of(longer, size, bold=True) <= width:
                found[-1] = longer
            else:
                found.append(word)
        if len(found) <= lines:
            break
    found = found or [""]
    if len(found) > lines:
        found = [*found[: lines - 1], " ".join(found[lines - 1 :])]
    return size, tuple(shorten(line, size, width, bold=True) for line in found)


def write(
    canvas: Picture,
    text: str,
    at: tuple[int, int],
    size: int,
    colour: Colour = WHITE,
    *,
    bold: bool = False,
    anchor: float = 0.0,
) -> None:
    """Writes ASCII text on a canvas, and leaves out what lies beyond the edge.

    Args:
        canvas: Where.
        text: What.
        at: Pixel of the base line.
        size: Height of the capitals in pixels.
        colour: Of the strokes.
        bold: With wider strokes.
        anchor: Which part of the text lies at that pixel: 0 its left end, 0.5 its middle, 1 its
            right end.
    """
    if not text:
        return
    keep, ink = _inked(text, size, colour, bold)
    height, width = keep.shape[:2]
    x = at[0] - round(anchor * width_of(text, size, bold=bold)) - _margin(size)
    y = at[1] - size - _margin(size)
    left, top = max(-x, 0), max(-y, 0)
    area = canvas[y + top : max(y + height, 0), x + left : max(x + width, 0)]
    rows, columns = area.shape[:2]
    part = slice(top, top + rows), slice(left, left + columns)
    area[:] = (area * keep[part] + ink[part]) >> 8


def fill(canvas: Picture, box: Box, colour: Colour) -> None:
    """Fills a box."""
    box.of(canvas)[:] = colour


def dim(area: Picture, steps: int) -> None:
    """Halves the brightness so many times."""
    np.right_shift(area, steps, out=area)


def _fine(size: int, *, bold: bool) -> tuple[float, int]:
    """Scale and stroke of the font at `_FINER` times its size."""
    weight = _BOLD_WEIGHT if bold else _WEIGHT
    return _FINER * size / _FONT_CAPITAL, max(round(_FINER * size * weight), 1)


def _margin(size: int) -> int:
    """Pixels around the text: strokes reach beyond the measured width, and below the base line."""
    return size // 2 + 2


@lru_cache(maxsize=512)
def _inked(
    text: str, size: int, colour: Colour, bold: bool
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """What is kept of the ground, 0 to 256, and what is added to it, 256 times as large."""
    fine, thick = _fine(size, bold=bold)
    margin = _margin(size)
    width = width_of(text, size, bold=bold) + 2 * margin
    mask: NDArray[np.uint8] = np.zeros(
        (_FINER * (size + 2 * margin), _FINER * width), dtype=np.uint8
    )
    start = _FINER * margin, _FINER * (size + margin)
    cv2.putText(mask, text, start, _FONT, fine, (255,), thick, cv2.LINE_AA)
    small = cv2.resize(mask, None, fx=1 / _FINER, fy=1 / _FINER, interpolation=cv2.INTER_AREA)
    cover = np.repeat(small.astype(np.uint16)[..., None], 3, axis=2)
    cover = cover + (cover >> 7)  # 255 is to cover wholly
    ink = cover * np.array(colour, dtype=np.uint16)
    return np.asarray(256 - cover, np.uint16), np.asarray(ink, np.uint16)
