"""Movements of lids, mouth and brows as a warp of one picture, in the face's box only.

Every field maps a pixel of the result back to the picture. The smooth part (mouth corners,
cheek, brows, lower lip) is a sum of Gaussian pulls, each centred on where its point ends, so
that this point moves exactly as far as asked. The lids, which cover rather than stretch, come
from `lids` and are carried along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hfs_vision.schema import FloatArray
from hfs_vision.simulate.faces import (
    SIDE_POINTS,
    FaceAxes,
    Grid,
    Rgb,
    face_axes,
    sample,
    smoothstep,
)
from hfs_vision.simulate.lids import PLAIN_LIDS, Eye, LidLook, move_eye
from hfs_vision.simulate.movements import FaceState

_PULL_ANGLE = np.deg2rad(45.0)  # zygomaticus: the corner goes outwards and up alike
_LOWER_LIP = 17
_BELL_END = np.float32(np.exp(-0.5 * 2.5**2))  # a pull ends at 2.5 sigma, inside the face's box
_FIXED_POINT_STEPS = 20
_BROW_DROP, _CHEEK_LIFT = 0.06, 0.035  # of full squeeze, interocular distances


def warp_face(
    picture: Rgb, landmarks: FloatArray, state: FaceState, look: LidLook = PLAIN_LIDS
) -> Rgb:
    """The picture with its face moved from rest to ``state``; head angles are not applied.

    Args:
        picture: ``(height, width, 3)`` uint8; not changed.
        landmarks: ``(478, 3)`` pixels of this very picture.
        state: How far to move.
        look: How the lids look.

    Returns:
        A new picture of the same shape; outside the face's box it equals the given one.
    """
    pulls = _pulls(landmarks, state)
    result = picture.copy()
    if not pulls and max(state.closure) <= 0.0 and state.gaze == (0.0, 0.0):
        return result
    left, top, right, bottom = _box(landmarks, picture.shape)
    if left >= right or top >= bottom:  # a tracker may follow a face out of the picture
        return result
    x, y = np.meshgrid(
        np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
    )
    x, y = _undo_pulls(x, y, pulls)
    face = sample(picture, x, y) if pulls else picture[top:bottom, left:right].copy()
    for points, closure in zip(SIDE_POINTS, state.closure, strict=True):
        if closure > 0.0 or state.gaze != (0.0, 0.0):
            gaze = (state.gaze[0] * (-1.0 if points is SIDE_POINTS[0] else 1.0), state.gaze[1])
            move_eye(face, picture, (x, y), Eye.of(landmarks, points), closure, gaze, look)
    result[top:bottom, left:right] = face
    return result


def moved_point(landmarks: FloatArray, state: FaceState, point: FloatArray) -> FloatArray:
    """Where a picture point ``(2,)`` of the resting face lies after `warp_face`'s smooth pulls."""
    pulls = _pulls(landmarks, state)
    place = point.copy()
    for _ in range(_FIXED_POINT_STEPS):
        x, y = (place[None, k : k + 1].astype(np.float32) for k in range(2))
        from_x, from_y = _undo_pulls(x, y, pulls)
        place = place + point - np.array([from_x[0, 0], from_y[0, 0]])
    return np.asarray(place)


# ---------------------------------------------------------------------------- smooth movements


@dataclass(frozen=True)
class _Pull:
    """A Gaussian pull: centre (where the point ends), displacement and reach, all in pixels."""

    centre: FloatArray
    move: FloatArray
    axes: FaceAxes
    reach: tuple[float, float, float]  # outwards, inwards, up and down, interocular distances
    outward: float  # +1: the subject's left, -1: right, 0: no difference
    ceiling: float | None = None  # position along `down` above which nothing moves


def _pulls(landmarks: FloatArray, state: FaceState) -> list[_Pull]:
    axes = face_axes(landmarks)
    pulls: list[_Pull] = []
    lid_level = [float(np.mean(landmarks[list(p.lower_lid), :2] @ axes.down)) for p in SIDE_POINTS]
    for k, points in enumerate(SIDE_POINTS):
        sign = 1.0 if k == 0 else -1.0
        if state.excursion[k] != 0.0:
            pulls.append(_corner_pull(landmarks, axes, k, state.excursion[k], lid_level[k]))
        lift = state.brow_lift - _BROW_DROP * state.squeeze[k]
        if lift != 0.0:
            brow = landmarks[list(points.brow), :2].mean(axis=0)
            move = -axes.down * lift
            pulls.append(_Pull(brow + move, move, axes, (0.30, 0.22, 0.10), sign))
        if state.squeeze[k] > 0.0:
            cheek = landmarks[list(points.lower_lid), :2].mean(axis=0) + 0.28 * axes.down
            move = -axes.down * _CHEEK_LIFT * state.squeeze[k]
            pulls.append(_Pull(cheek + move, move, axes, (0.20, 0.18, 0.12), sign))
    if state.lip_drop > 0.0:
        move = axes.down * state.lip_drop
        pulls.append(_Pull(landmarks[_LOWER_LIP, :2] + move, move, axes, (0.30, 0.30, 0.20), 0.0))
    return pulls


def _corner_pull(
    landmarks: FloatArray, axes: FaceAxes, k: int, excursion: float, lid_level: float
) -> _Pull:
    sign = 1.0 if k == 0 else -1.0
    sideways = sign * float(np.cos(_PULL_ANGLE)) * axes.across
    move = excursion * (sideways - float(np.sin(_PULL_ANGLE)) * axes.down)
    centre = landmarks[SIDE_POINTS[k].corner, :2] + move
    # Outwards the reach ends before the jaw's outline, so that the background stays still.
    return _Pull(centre, move, axes, (0.24, 0.28, 0.26), sign, ceiling=lid_level)


def _undo_pulls(x: Grid, y: Grid, pulls: list[_Pull]) -> tuple[Grid, Grid]:
    """Where each pixel came from before the pulls."""
    from_x, from_y = x.copy(), y.copy()
    for pull in pulls:
        weight = _weight(pull, x, y)
        from_x -= weight * np.float32(pull.move[0])
        from_y -= weight * np.float32(pull.move[1])
    return from_x, from_y


def _weight(pull: _Pull, x: Grid, y: Grid) -> Grid:
    axes = pull.axes
    across, down = axes.across / axes.unit**2, axes.down / axes.unit**2
    dx, dy = x - np.float32(pull.centre[0]), y - np.float32(pull.centre[1])
    a = dx * np.float32(across[0]) + dy * np.float32(across[1])
    d = dx * np.float32(down[0]) + dy * np.float32(down[1])
    outer, inner, vertical = (np.float32(r) for r in pull.reach)
    reach = outer if pull.outward == 0.0 else np.where(a * pull.outward > 0, outer, inner)
    bell = np.exp(-0.5 * ((a / reach) ** 2 + (d / vertical) ** 2))
    weight: Grid = np.maximum(bell - _BELL_END, 0.0).astype(np.float32) / (1 - _BELL_END)
    if pull.ceiling is not None:
        level = (x * np.float32(down[0]) + y * np.float32(down[1])) - np.float32(
            pull.ceiling / axes.unit**2
        )
        weight *= smoothstep((level - np.float32(0.05)) / np.float32(0.35))
    return weight


# -------------------------------------------------------------------------------------- sampling


def _box(landmarks: FloatArray, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The face with a margin, so that every pull has faded out at the border."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    margin = 0.35 * face_axes(landmarks).unit
    left, top = np.floor(np.maximum(low - margin, 0)).astype(int)
    right = min(int(np.ceil(high[0] + margin)), shape[1])
    bottom = min(int(np.ceil(high[1] + margin)), shape[0])
    return int(left), int(top), right, bottom
