"""Where a face is in a picture, and how it looks: what tells one face from another."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hfs_vision.schema import FloatArray

Picture = NDArray[np.uint8]
AppearanceVector = NDArray[np.float32]

SIZE_RATIO = 2.0
"""Largest change of size of one face, tracked or found again nearby."""
_TOP_BOTTOM_SIDES = np.array((10, 152, 234, 454))  # forehead, chin, both ends of the cheekbones


@dataclass(frozen=True)
class FacePosition:
    """Centre and size of a face in pixels; size is the root of its box's area."""

    x: float
    y: float
    size: float

    @classmethod
    def of(cls, face: FloatArray) -> FacePosition:
        """Place of a mesh, ``(478, 3)`` pixels; the same for any roll of the head."""
        (ax, ay, _), (bx, by, _), (cx, cy, _), (dx, dy, _) = face[_TOP_BOTTOM_SIDES].tolist()
        area = math.hypot(ax - bx, ay - by) * math.hypot(cx - dx, cy - dy)
        return cls((ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4, math.sqrt(max(area, 1e-6)))

    @classmethod
    def of_box(cls, left: float, top: float, right: float, bottom: float) -> FacePosition:
        """Place of a box given by its sides in pixels."""
        size = math.sqrt(max(right - left, 1e-6) * max(bottom - top, 1e-6))
        return cls((left + right) / 2, (top + bottom) / 2, size)

    def fraction_of(self, rgb: Picture) -> FacePosition:
        """The same with x as a share of the picture's width, y of its height, size of its width."""
        height, width = rgb.shape[:2]
        return FacePosition(self.x / width, self.y / height, self.size / width)

    def in_pixels_of(self, rgb: Picture) -> FacePosition:
        """What `fraction_of` was made of."""
        height, width = rgb.shape[:2]
        return FacePosition(self.x * width, self.y * height, self.size * width)

    def distance(self, other: FacePosition) -> float:
        """Distance of the centres in sizes of the larger face."""
        return math.hypot(self.x - other.x, self.y - other.y) / max(self.size, other.size)

    def like(self, other: FacePosition, reach: float) -> bool:
        """Whether both may be one face that moved by at most ``reach`` sizes."""
        ratio = max(self.size / other.size, other.size / self.size)
        return ratio <= SIZE_RATIO and self.distance(other) <= reach


def extract_appearance(rgb: Picture, face: FloatArray) -> AppearanceVector:
    """Colours at every fourth mesh point, ``(360,)``: zero mean per channel, unit length.

    Points outside the picture are 0, which `Subject` leaves out of the comparison.
    """
    height, width = rgb.shape[:2]
    points = face[::4, :2].astype(np.intp)
    inside = ((points >= 0) & (points < (width, height))).all(axis=1)
    points = points[inside]
    look = np.zeros((len(inside), 3), np.float32)
    if len(points):
        colours = rgb[points[:, 1], points[:, 0]].astype(np.float32)
        look[inside] = colours - colours.mean(axis=0)
    flat = look.ravel()
    length = math.sqrt(float(flat @ flat))
    return flat / np.float32(length) if length > 0 else flat


def keep_only(rgb: Picture, place: FacePosition, margin: float) -> Picture:
    """The picture, black but for a square around a face; coordinates stay what they are.

    Args:
        rgb: ``(height, width, 3)`` uint8.
        place: The face.
        margin: Half the side of the square, in face sizes.
    """
    half = margin * place.size
    x0, x1 = max(int(place.x - half), 0), max(int(place.x + half) + 1, 0)
    y0, y1 = max(int(place.y - half), 0), max(int(place.y + half) + 1, 0)
    shown = np.zeros_like(rgb)
    shown[y0:y1, x0:x1] = rgb[y0:y1, x0:x1]
    return shown
