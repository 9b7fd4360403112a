"""Closing lids: the skin of the upper lid is unrolled over the eye, whose pixels stay in place.

An iris squashed to a line is what neither MediaPipe model reads as a closed eye; skin with a
dark margin where the eye was is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hfs_vision.schema import FloatArray
from hfs_vision.simulate.faces import Grid, Rgb, SidePoints, face_axes, sample, smoothstep

_LID_PAD = 0.12  # share of the opening that a landmark may lie inside the eye
_LID_BEYOND = (0.10, 0.05)  # the lid folds reach beyond outer and inner canthus, share of width


@dataclass(frozen=True)
class LidLook:
    """What differs between the lids of people; the default is what `simulate` draws.

    Attributes:
        meet: The lids meet this share of the opening above the lower lid: mostly the upper moves.
        lash_width: Of the dark margin, interocular distances.
        lash_depth: Share of the light that the margin takes when the eye is shut.
        shade: Light that the unrolled lid gains (or, below 0, loses) when the eye is shut.
    """

    meet: float = 0.15
    lash_width: float = 0.018
    lash_depth: float = 0.40
    shade: float = 0.0


PLAIN_LIDS = LidLook()


@dataclass(frozen=True)
class Eye:
    """One eye in its own frame: 0 to 1 along the lids, pixels across them, positive downwards."""

    origin: FloatArray  # outer end of the lid folds
    along: FloatArray  # unit vector to the inner end
    across: FloatArray  # unit vector towards the lower lid
    width: float
    upper: FloatArray  # coefficients of the margins, see _margin
    lower: FloatArray
    lid_skin: float  # pixels from upper margin to brow
    unit: float  # interocular distance in pixels

    @staticmethod
    def of(landmarks: FloatArray, points: SidePoints) -> Eye:
        """The eye of one side, from landmarks ``(478, 3)`` in pixels."""
        axes = face_axes(landmarks)
        upper, lower = (landmarks[list(p), :2] for p in (points.upper_lid, points.lower_lid))
        span = upper[-1] - upper[0]
        origin = upper[0] - _LID_BEYOND[0] * span
        width = float(np.linalg.norm(span)) * (1.0 + sum(_LID_BEYOND))
        along = span / float(np.linalg.norm(span))
        across = np.array([-along[1], along[0]])
        if across @ axes.down < 0:
            across = -across
        brow = (landmarks[list(points.brow), :2] - origin) @ across
        up = _fit_margin((upper - origin) @ along / width, (upper - origin) @ across)
        low = _fit_margin((lower - origin) @ along / width, (lower - origin) @ across)
        middle = float(_margin(up, np.array([0.5], np.float32))[0])
        lid_skin = max(middle - float(brow.mean()), 0.1 * axes.unit)
        return Eye(origin, along, across, width, up, low, lid_skin, axes.unit)


def _fit_margin(along: FloatArray, height: FloatArray) -> FloatArray:
    """Least-squares curve through a lid's points that is 0 at both ends of the folds."""
    bump = along * (1.0 - along)
    basis = np.stack([bump, bump * along, bump * along**2], axis=1)
    return np.asarray(np.linalg.lstsq(basis, height, rcond=None)[0])


def _margin(curve: FloatArray, along: Grid) -> Grid:
    inside = np.clip(along, 0.0, 1.0)
    a, b, c = (np.float32(value) for value in curve)
    height: Grid = inside * (1 - inside) * (a + inside * (b + inside * c))
    return height


def move_eye(
    face: Rgb,
    picture: Rgb,
    source: tuple[Grid, Grid],
    eye: Eye,
    closure: float,
    gaze: tuple[float, float] = (0.0, 0.0),
    look: LidLook = PLAIN_LIDS,
) -> None:
    """Turn one eyeball by ``gaze`` (iod, along and across the lids) and cover it by
    its lids, in place.

    ``face`` is the box being made and ``source`` the place in ``picture`` that each of its
    pixels shows so far, so the eye closes first and the smooth pulls carry it along.
    """
    rows, cols = _eye_window(source, eye)
    x, y = source[0][rows, cols], source[1][rows, cols]
    dx, dy = x - np.float32(eye.origin[0]), y - np.float32(eye.origin[1])
    along = (dx * np.float32(eye.along[0]) + dy * np.float32(eye.along[1])) / np.float32(eye.width)
    height: Grid = dx * np.float32(eye.across[0]) + dy * np.float32(eye.across[1])
    upper, lower = _margin(eye.upper, along), _margin(eye.lower, along)
    lower = np.maximum(lower, upper)
    opening = lower - upper
    drop = np.float32(closure * (1.0 - look.meet)) * opening
    rise = np.float32(closure * look.meet) * opening
    upper_now, lower_now = upper + drop, lower - rise
    shift = _skin_shift(height, (upper_now, lower_now), (drop, rise), eye)
    skin = sample(
        picture, x + shift * np.float32(eye.across[0]), y + shift * np.float32(eye.across[1])
    )
    open_part = np.clip(np.minimum(height - upper_now, lower_now - height), 0.0, 1.0)
    window = face[rows, cols].astype(np.float32)
    if gaze != (0.0, 0.0):
        window = _turned(picture, (x, y), eye, (along, height, upper, lower), gaze)
    if look.shade:
        lid = smoothstep((upper_now - height) / np.maximum(drop + 1.0, 1.0) + 0.5)
        lid *= (height > upper - 0.5 * opening).astype(np.float32)
        skin = skin * (1.0 + np.float32(look.shade * closure) * lid)[..., None]
    mixed = skin + open_part[..., None] * (window - skin)
    mixed *= 1.0 - _lashes(height - upper_now, along, closure, eye.unit, look)[..., None]
    face[rows, cols] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _skin_shift(
    height: Grid, margins: tuple[Grid, Grid], moved: tuple[Grid, Grid], eye: Eye
) -> Grid:
    """How far, across the lids, the skin that covers each pixel has come.

    At a margin the lid moves as one piece; from there to brow and cheek the skin stretches.
    """
    (upper, lower), (drop, rise) = margins, moved
    drop = drop + np.minimum(drop, np.float32(_LID_PAD) * (drop + (lower - upper)))
    reach_up = np.maximum(np.float32(eye.lid_skin), 1.2 * drop) + drop
    above = -drop * (1 - smoothstep((upper - height) / reach_up))
    reach_down = np.float32(0.35 * eye.unit)
    below = rise * (1 - smoothstep((height - lower) / reach_down))
    shift: Grid = np.where(height < 0.5 * (upper + lower), above, below).astype(np.float32)
    return shift


def _turned(
    picture: Rgb,
    source: tuple[Grid, Grid],
    eye: Eye,
    inside: tuple[Grid, Grid, Grid, Grid],
    gaze: tuple[float, float],
) -> NDArray[np.float32]:
    """The picture with what lies between the lids shifted; nothing moves at their margins' ends."""
    along, height, upper, lower = inside
    middle = 0.5 * (upper + lower)
    reach = np.maximum(0.5 * (lower - upper), 1.0)
    clipped = np.clip(along, 0.0, 1.0)
    ends = smoothstep(4 * clipped * (1 - clipped))
    weight = ends * smoothstep(1.6 - np.abs(height - middle) / (1.5 * reach))
    move_along, move_across = (np.float32(g * eye.unit) for g in gaze)
    dx = weight * (move_along * np.float32(eye.along[0]) + move_across * np.float32(eye.across[0]))
    dy = weight * (move_along * np.float32(eye.along[1]) + move_across * np.float32(eye.across[1]))
    return sample(picture, source[0] - dx, source[1] - dy).astype(np.float32)


def _lashes(distance: Grid, along: Grid, closure: float, unit: float, look: LidLook) -> Grid:
    """Darkening of the lid margin, which gathers lashes and shade as the eye shuts."""
    inside = np.clip(along, 0.0, 1.0)
    taper = np.sqrt(np.clip(4 * inside * (1 - inside), 0.0, 1.0))
    width = np.float32(max(look.lash_width * unit, 0.8))
    dark: Grid = np.float32(look.lash_depth * closure) * taper * np.exp(-((distance / width) ** 2))
    return dark


def _eye_window(source: tuple[Grid, Grid], eye: Eye) -> tuple[slice, slice]:
    """Rows and columns of the box that the lids of one eye can touch."""
    middle = eye.origin + 0.5 * eye.width * eye.along
    near = (np.abs(source[0] - middle[0]) < 0.8 * eye.width) & (
        np.abs(source[1] - middle[1]) < 1.5 * max(eye.lid_skin, 0.35 * eye.unit)
    )
    rows, cols = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)
