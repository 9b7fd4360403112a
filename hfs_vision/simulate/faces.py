"""Where things are in a face and how pictures are sampled: shared by all warps."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.landmarks import COMMISSURE, OUTER_CANTHUS
from hfs_vision.schema import FloatArray

Rgb = NDArray[np.uint8]
Grid = NDArray[np.float32]


@dataclass(frozen=True)
class SidePoints:
    """MediaPipe's points of one of the subject's sides; lids run from outer to inner canthus."""

    upper_lid: tuple[int, ...]
    lower_lid: tuple[int, ...]
    brow: tuple[int, ...]
    corner: int


SIDE_POINTS = (
    SidePoints(
        upper_lid=(263, 466, 388, 387, 386, 385, 384, 398, 362),
        lower_lid=(263, 249, 390, 373, 374, 380, 381, 382, 362),
        brow=(276, 283, 282, 295, 285),
        corner=COMMISSURE[0],
    ),
    SidePoints(
        upper_lid=(33, 246, 161, 160, 159, 158, 157, 173, 133),
        lower_lid=(33, 7, 163, 144, 145, 153, 154, 155, 133),
        brow=(46, 53, 52, 65, 55),
        corner=COMMISSURE[1],
    ),
)
_FOREHEAD, _CHIN = 10, 152


@dataclass(frozen=True)
class FaceAxes:
    """A face's own directions in the picture.

    Attributes:
        unit: Interocular distance in pixels, measured in depth too so that a turn keeps it.
        across: ``(2,)`` picture vector, one interocular distance towards the subject's left.
        down: ``(2,)`` picture vector, one interocular distance towards the chin.
    """

    unit: float
    across: FloatArray
    down: FloatArray


def face_axes(landmarks: FloatArray) -> FaceAxes:
    """The face's directions and scale from landmarks ``(478, 3)`` in pixels."""
    span = landmarks[OUTER_CANTHUS[0]] - landmarks[OUTER_CANTHUS[1]]
    unit = float(np.linalg.norm(span))
    height = landmarks[_CHIN] - landmarks[_FOREHEAD]
    height = height - span * float(height @ span) / unit**2
    down = height / float(np.linalg.norm(height)) * unit
    return FaceAxes(unit, span[:2], down[:2])


def sample(picture: Rgb, x: Grid, y: Grid) -> Rgb:
    """The picture at fractional pixels ``(height, width)``; its edge goes on outside."""
    sampled = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, dtype=np.uint8)


def smoothstep(share: Grid) -> Grid:
    """0 below 0, 1 above 1, and smooth between."""
    clipped = np.clip(share, 0.0, 1.0)
    step: Grid = clipped * clipped * (3 - 2 * clipped)
    return step
