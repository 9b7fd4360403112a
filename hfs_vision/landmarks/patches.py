"""Picture and landmarks -> the patches around both eyes and both corners of the mouth.

The landmark models see a face at 192 or 256 pixels, whatever the camera's resolution. A patch is
cut from the camera's own picture, turned upright and frontal by the head's pose, at one scale for
all faces, and the left one is mirrored: to a network, every eye is a right eye. The landmarks only
say where to look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.geometry import pose_of
from hfs_vision.core.landmarks import COMMISSURE, INNER_CANTHUS, OUTER_CANTHUS
from hfs_vision.schema import FloatArray

Patches = NDArray[np.uint8]


@dataclass(frozen=True)
class PatchPlan:
    """Size and place of one kind of patch.

    Attributes:
        width, height: Pixels.
        unit: Interocular units of one pixel.
        tilt_deg: How far the skin there is turned outwards from the front of the face: the patch
            lies in that plane, so that a turned head foreshortens it as it does the skin.
        up: Shift of the centre from the landmark towards the forehead, interocular distances.
    """

    width: int
    height: int
    unit: float
    tilt_deg: float
    up: float

    def axes(self, side: int) -> tuple[FloatArray, FloatArray]:
        """Face vectors of one pixel to the right (towards the midline) and one down."""
        tilt = np.deg2rad(self.tilt_deg)
        outwards = 1.0 if side == 0 else -1.0
        inwards = np.array([-outwards * np.cos(tilt), 0.0, -np.sin(tilt)]) * self.unit
        return inwards, np.array([0.0, self.unit, 0.0])

    def vectors(self, side: int) -> FloatArray:
        """``(3, 3)`` face vectors from the landmark to the middle of the patch, and from there to
        one pixel further right and to one further down.
        """
        middle = np.array([0.0, -self.up, 0.0])
        return np.stack([middle, *(middle + axis for axis in self.axes(side))])


EYE = PatchPlan(width=64, height=48, unit=0.0075, tilt_deg=11.0, up=0.03)
MOUTH = PatchPlan(width=48, height=48, unit=0.0085, tilt_deg=25.0, up=0.0)

_OVERSAMPLING = 2
"""Patches are cut at least so much finer and then averaged, so that no pixel of a close face is
passed over."""


@dataclass(frozen=True)
class FacePatches:
    """What is cut from one frame. Pairs are in the order of `SIDES`.

    Attributes:
        eyes: ``(2, 48, 64, 3)`` uint8 RGB, outer canthus left, inner canthus right.
        mouths: ``(2, 48, 48, 3)`` uint8 RGB, cheek left, lips right; the landmark of the corner is
            in the middle.
    """

    eyes: Patches
    mouths: Patches


def cut_patches(rgb: NDArray[np.uint8], landmarks: FloatArray) -> FacePatches | None:
    """Patches of one face.

    Args:
        rgb: ``(height, width, 3)`` uint8.
        landmarks: ``(478, 3)`` pixels of it.

    Returns:
        The patches; ``None`` where there is no face. What lies outside the picture is its edge,
        repeated.
    """
    points = landmarks[_POINTS]
    pose = pose_of(landmarks)
    if pose is None or not np.isfinite(points).all():
        return None
    placed = pose.to_face(points)
    centres = np.concatenate([placed[:4].reshape(2, 2, 3).mean(axis=1), placed[4:]])
    places = pose.to_pixels(centres[:, None] + _CORNERS)[..., :2]
    cut = [
        _cut(rgb, plan, pose.unit_px, *place) for plan, place in zip(_PLANS, places, strict=True)
    ]
    return FacePatches(np.stack(cut[:2]), np.stack(cut[2:]))


_PLANS = (EYE, EYE, MOUTH, MOUTH)
_CORNERS = np.stack([plan.vectors(number % 2) for number, plan in enumerate(_PLANS)])
_CANTHI = (OUTER_CANTHUS[0], INNER_CANTHUS[0], OUTER_CANTHUS[1], INNER_CANTHUS[1])
_POINTS = np.array([*_CANTHI, *COMMISSURE])


def _cut(
    rgb: NDArray[np.uint8],
    plan: PatchPlan,
    unit_px: float,
    origin: FloatArray,
    right: FloatArray,
    down: FloatArray,
) -> Patches:
    """One patch, from where its middle, the pixel to the right and the one below lie."""
    finer = max(_OVERSAMPLING, math.ceil(unit_px * plan.unit))
    width, height = plan.width * finer, plan.height * finer
    matrix = np.empty((2, 3))
    matrix[:, 0], matrix[:, 1] = (right - origin) / finer, (down - origin) / finer
    matrix[:, 2] = origin - matrix[:, 0] * ((width - 1) / 2) - matrix[:, 1] * ((height - 1) / 2)
    fine = cv2.warpAffine(
        rgb,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    patch = cv2.resize(fine, (plan.width, plan.height), interpolation=cv2.INTER_AREA)
    return np.asarray(patch, dtype=np.uint8)
