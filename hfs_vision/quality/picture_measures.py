"""Measures of single pictures and of what changes between two: light, noise, sharpness, blocks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.geometry import pose_of
from hfs_vision.landmarks.patches import EYE, cut_patches
from hfs_vision.live.hints import face_brightness
from hfs_vision.schema import FloatArray

Picture = NDArray[np.uint8]
Grey = NDArray[np.float32]

MM_PER_UNIT = 90.0
"""Millimetres of an interocular distance, in adults."""

_CHEEKS = (280, 50)
"""Points of the mesh in the middle of the cheeks, ``(left, right)``; hair and glasses are far."""

_CHEEK = 0.1
_BURNT = 250
_GRID = 8
"""Codecs of the JPEG and MPEG families work in blocks of so many pixels."""

_WHOLE = 64


@dataclass(frozen=True)
class Sample:
    """What one picture shows of a face; NaN where the face is too near the edge.

    Attributes:
        brightness: Mean green of the face, 0 to 255.
        burnt: Share of the face that is as bright as can be stored.
        cheeks: Mean green of the subject's left and right cheek.
        noise: Standard deviation of the noise on the cheeks, grey levels.
        edge_mm: Width of the sharpest edges around the eyes, as if on the face, millimetres.
        blocks: Steps at the borders of coding blocks, as a multiple of those beside them.
    """

    brightness: float
    burnt: float
    cheeks: tuple[float, float]
    noise: float
    edge_mm: float
    blocks: float


def sample(rgb: Picture, landmarks: FloatArray) -> Sample | None:
    """Measures one picture.

    Args:
        rgb: ``(height, width, 3)``.
        landmarks: ``(478, 3)`` pixels of it; NaN without a face.

    Returns:
        The measures, or ``None`` where there is no face.
    """
    pose, patches = pose_of(landmarks), cut_patches(rgb, landmarks)
    face = face_of(rgb, landmarks)
    if pose is None or patches is None or not face.size:
        return None
    skin = [cheek(rgb, landmarks[point], _CHEEK * pose.unit_px) for point in _CHEEKS]
    left, right = (float(part.mean()) if part.size else np.nan for part in skin)
    return Sample(
        brightness=face_brightness(rgb, landmarks),
        burnt=float((face >= _BURNT).mean()),
        cheeks=(left, right),
        noise=float(np.mean([noise(part) for part in skin])),
        edge_mm=float(np.mean([edge_px(eye) for eye in patches.eyes])) * EYE.unit * MM_PER_UNIT,
        blocks=blockiness(rgb[..., 1], *corners(landmarks, rgb)),
    )


def corners(landmarks: FloatArray, rgb: Picture) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First ``(x, y)`` of the face's box in the picture, and the one past its end."""
    height, width = rgb.shape[:2]
    points = np.clip(landmarks[:, :2], 0, (width, height))
    return points.min(axis=0).astype(np.int64), points.max(axis=0).astype(np.int64)


def face_of(rgb: Picture, landmarks: FloatArray) -> Picture:
    """Green of the face's box; empty where there is no face in the picture."""
    if not np.isfinite(landmarks[0, 0]):
        return np.empty((0, 0), np.uint8)
    low, high = corners(landmarks, rgb)
    return rgb[low[1] : high[1], low[0] : high[0], 1]


def cheek(rgb: Picture, point: FloatArray, radius_px: float) -> Picture:
    """Green of a square of skin; smaller at the picture's edge, or empty."""
    x, y = np.round(point[:2]).astype(int)
    radius = max(round(radius_px), 3)
    return rgb[max(y - radius, 0) : max(y + radius, 0), max(x - radius, 0) : max(x + radius, 0), 1]


def noise(skin: Picture) -> float:
    """Standard deviation of the noise in a smooth piece of a picture; NaN if it is too small.

    A mask that slopes and edges leave at zero, after Immerkaer 1996 (Computer Vision and Image
    Understanding 64:300-302). Compression takes noise away: what is left of it is measured.
    """
    if min(skin.shape) < 3:
        return float("nan")
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    found = cv2.filter2D(skin.astype(np.float32), -1, mask)[1:-1, 1:-1]
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(found).mean())


def edge_px(patch: Picture) -> float:
    """Width of the sharpest edges: contrast of the patch over its steepest slopes, pixels.

    Brightness and contrast cancel out. A light blur first keeps noise from looking like an edge.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.7)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    slopes = np.hypot(across, down)[2:-2, 2:-2]
    low, high = np.percentile(grey, (2, 98))
    steepest = float(np.percentile(slopes, 99))
    return float(high - low) / steepest if steepest > 0 else float("nan")


def blockiness(grey: Picture, low: NDArray[np.int64], high: NDArray[np.int64]) -> float:
    """Mean step across block borders over the mean step beside them, 1 where there are no blocks.

    Args:
        grey: ``(height, width)`` whole picture, whose origin is the corner of a block.
        low: First ``(x, y)`` to look at.
        high: The one past the last.

    Returns:
        The ratio; NaN where fewer than four borders are in view.
    """
    left, top = low // _GRID * _GRID
    box = grey[top : high[1], left : high[0]].astype(np.float32)
    ratios = []
    for view in (box, box.T):
        steps = np.abs(np.diff(view, axis=1)).mean(axis=0) if view.size else np.empty(0)
        borders = np.arange(_GRID - 1, len(steps) - 1, _GRID)
        if len(borders) < 4:
            return float("nan")
        beside = 0.5 * (steps[borders - 1] + steps[borders + 1]).sum()
        ratios.append(float(steps[borders].sum() / max(beside, 1e-3 * len(borders))))
    return float(np.mean(ratios))


class Changes:
    """How much of the picture changes from each to the next."""

    def __init__(self) -> None:
        self._before: Grey | None = None

    def __call__(self, rgb: Picture) -> float:
        """Share of the picture that has changed altogether, which tells a cut; NaN if unknown."""
        whole = _shrunk(rgb[..., 1], _WHOLE)
        before, self._before = self._before, whole
        return float("nan") if before is None else float((np.abs(whole - before) > 25).mean())

    def break_off(self) -> None:
        """The next picture does not follow the last."""
        self._before = None


def _shrunk(grey: Picture, size: int) -> Grey:
    small = cv2.resize(np.ascontiguousarray(grey), (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)
