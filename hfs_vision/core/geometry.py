"""Landmarks of a frame -> head pose, palpebral aperture and commissure position of each side.

Each face is first brought onto the mean face (`hfs_vision.core.reference_face`) by the similarity
(turn, scale, shift) that fits its rigid points best in the least-squares sense (Umeyama 1991,
IEEE Trans. Pattern Anal. Mach. Intell. 13:376-380), so that a turned, tilted or distant head gives
the same numbers as an upright, frontal one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.landmarks import MOVING, RIGID
from hfs_vision.core.reference_face import RIGID_REFERENCE
from hfs_vision.regions import EYE, FACE_REGIONS
from hfs_vision.schema import N_LANDMARKS, BoolArray, FloatArray

EYE_PATCH_WEIGHT = 0.6
"""Share of the patch's reading in the aperture; the rest is the landmarks'. Their errors differ: on
some faces the patch reads half of a closure, on others the landmarks jitter three times as much."""

_DECIMALS = 6
_NEXT_REGION = np.cumsum([2 * len(region.points[0]) for region in FACE_REGIONS])[:-1]


@dataclass(frozen=True)
class Measurements:
    """What is measured in each of ``n`` frames; NaN in every column where there is no face.

    Values are rounded to six decimals, far below landmark noise, so that a table written with six
    decimals holds exactly what the detector saw.

    Attributes:
        time_s: ``(n,)`` seconds on the source's own clock, strictly increasing, never NaN.
        aperture: ``(n, 2)`` palpebral aperture (mean distance of the lid margins along the
            vertical of the face), interocular distances.
        commissure: ``(n, 2, 2)`` position of the corner of the mouth, interocular distances, from
            the midpoint of the outer canthi: ``[:, side, 0]`` lateral (away from the midline),
            ``[:, side, 1]`` up.
        yaw_deg, pitch_deg, roll_deg: ``(n,)`` head angles: towards the subject's left, up,
            and tilted to the subject's left shoulder.
        face_px: ``(n,)`` interocular distance in the picture, pixels (as if seen from the front).
        fit_error: ``(n,)`` root-mean-square distance of the rigid points from the mean face after
            alignment, interocular distances.
        visibility: ``(n,)`` how surely both eyes and both corners are in view, 0 to 1, as the
            picture's patches tell; 1 where only landmarks were at hand.
    """

    time_s: FloatArray
    aperture: FloatArray
    commissure: FloatArray
    yaw_deg: FloatArray
    pitch_deg: FloatArray
    roll_deg: FloatArray
    face_px: FloatArray
    fit_error: FloatArray
    visibility: FloatArray

    def __len__(self) -> int:
        return len(self.time_s)

    def __getitem__(self, rows: slice) -> Measurements:
        return Measurements(*(getattr(self, f.name)[rows] for f in fields(self)))

    def take(self, rows: NDArray[np.int64]) -> Measurements:
        """The given rows, by number, as a copy."""
        return Measurements(*(getattr(self, f.name)[rows] for f in fields(self)))

    def where(self, good: BoolArray) -> Measurements:
        """The same frames with every column but the time blanked (NaN) where not ``good``."""
        if good.all():
            return self
        columns = [getattr(self, f.name).copy() for f in fields(self)]
        for column in columns[1:]:
            column[~good] = np.nan
        return Measurements(*columns)

    @staticmethod
    def concatenate(parts: list[Measurements]) -> Measurements:
        """Joins consecutive stretches of one recording (at least one)."""
        names = [f.name for f in fields(Measurements)]
        return Measurements(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


@dataclass(frozen=True)
class PatchMeasurements:
    """What the patch networks read in ``n`` frames; NaN without a face.

    Attributes:
        aperture: ``(n, 2)`` palpebral aperture, interocular distances.
        corner_shift: ``(n, 2, 2)`` from the landmark of each corner to the corner, interocular
            units: lateral (away from the midline), up.
        visibility: ``(n,)`` as in `Measurements`.
    """

    aperture: FloatArray
    corner_shift: FloatArray
    visibility: FloatArray


def measure(
    time_s: FloatArray,
    landmarks: FloatArray,
    readings: PatchMeasurements | None = None,
    *,
    lid_leak: float = 0.0,
) -> Measurements:
    """Measures every frame by itself; nothing is smoothed or filled.

    Args:
        time_s: ``(n,)`` seconds, finite, strictly increasing.
        landmarks: ``(n, 478, 3)`` pixels (x right, y down, z on the scale of x, away from the
            camera); NaN where there is no face.
        readings: What the patches of the same frames show, if anything looked at them.
        lid_leak: Share of each eye's reading that is in truth the other eye's (0 to below 0.5),
            a trait of the landmark model; it is taken out again.

    Raises:
        ValueError: If the shapes do not fit or times are not strictly increasing.
    """
    time_s = np.asarray(np.round(time_s, _DECIMALS), dtype=np.float64)
    if landmarks.shape != (len(time_s), N_LANDMARKS, 3):
        raise ValueError(
            f"landmarks have shape {landmarks.shape}, expected ({len(time_s)}, {N_LANDMARKS}, 3)"
        )
    if not np.isfinite(time_s).all() or (np.diff(time_s) <= 0).any():
        raise ValueError("time_s must be finite and strictly increasing")
    rigid = np.asarray(landmarks.take(RIGID, axis=1), dtype=np.float64)
    moving = np.asarray(landmarks.take(MOVING, axis=1), dtype=np.float64)
    seen = _all_finite(rigid) & _all_finite(moving)
    seen[seen] = np.ptp(rigid[seen, :, 0], axis=1) > 0
    aperture, commissure, *others = _measure_faces(rigid[seen], moving[seen])
    aperture, visibility = _unmix(aperture, lid_leak), np.ones(int(seen.sum()))
    if readings is not None:
        aperture = aperture + EYE_PATCH_WEIGHT * (readings.aperture[seen] - aperture)
        commissure = commissure + readings.corner_shift[seen]
        visibility = readings.visibility[seen]
    columns = (aperture, commissure, *others, visibility)

    def spread(values: FloatArray) -> FloatArray:
        full = np.full((len(time_s), *values.shape[1:]), np.nan)
        full[seen] = np.round(values, _DECIMALS)
        return full

    return Measurements(time_s, *(spread(values) for values in columns))


@dataclass(frozen=True)
class Pose:
    """Where one face is in its picture: how face coordinates become pixels and back.

    Face coordinates are those of the mean face: interocular distances, origin between the outer
    canthi, x towards the subject's left, y down, z away from the camera.

    Attributes:
        unit_px: Pixels of one interocular distance.
        turn: ``(3, 3)`` rotation; rows of pixels times it are rows of face coordinates.
        centre: ``(3,)`` pixels of the point that lies at `_REFERENCE_CENTRE` of the face.
    """

    unit_px: float
    turn: FloatArray
    centre: FloatArray

    def to_face(self, pixels: FloatArray) -> FloatArray:
        """``(..., 3)`` landmarks in pixels -> face coordinates."""
        return np.asarray((pixels - self.centre) @ self.turn / self.unit_px + _REFERENCE_CENTRE)

    def to_pixels(self, face: FloatArray) -> FloatArray:
        """``(..., 3)`` face coordinates -> pixels (and depth on their scale)."""
        turned = (face - _REFERENCE_CENTRE) @ self.turn.T
        return np.asarray(turned * self.unit_px + self.centre)


_REFERENCE_CENTRE = RIGID_REFERENCE.mean(axis=0)


def pose_of(landmarks: FloatArray) -> Pose | None:
    """Pose of one face ``(478, 3)``; ``None`` where the landmarks are missing or in a line."""
    rigid = landmarks[RIGID]
    if not np.isfinite(rigid).all() or np.ptp(rigid[:, 0]) <= 0:
        return None
    scale, turn, centre, _ = _fit_similarity(rigid[None])
    return Pose(float(1.0 / scale[0]), turn[0], centre[0, 0])


def _all_finite(points: FloatArray) -> BoolArray:
    return np.asarray(np.isfinite(points).all(axis=(1, 2)))


def _measure_faces(rigid: FloatArray, moving: FloatArray) -> tuple[FloatArray, ...]:
    """Columns of `Measurements` after ``time_s``, for frames in which a face was found."""
    scale, turn, centre, fit_error = _fit_similarity(rigid)
    aligned = scale[:, None, None] * ((moving - centre) @ turn) + RIGID_REFERENCE.mean(axis=0)
    lids, corners = np.split(aligned, _NEXT_REGION, axis=1)
    lids = lids.reshape(-1, 2, len(EYE.points[0]) // 2, 2, 3)
    aperture = (lids[..., 1, 1] - lids[..., 0, 1]).mean(axis=2)
    outwards = np.array([1.0, -1.0])
    commissure = np.stack([corners[..., 0] * outwards, -corners[..., 1]], axis=-1)
    yaw, pitch, roll = _head_angles(turn)
    return aperture, commissure, yaw, pitch, roll, 1.0 / scale, fit_error


def _unmix(aperture: FloatArray, leak: float) -> FloatArray:
    """Inverts ``reading = (1 - leak) * own + leak * other``; equal eyes are left as they are."""
    return np.asarray(((1.0 - leak) * aperture - leak * aperture[:, ::-1]) / (1.0 - 2.0 * leak))


def _fit_similarity(rigid: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Similarity that takes each face's rigid points nearest to the mean face.

    Returns:
        ``scale`` (n,), ``turn`` (n, 3, 3), ``centre`` (n, 1, 3) and the fit error (n,), with
        ``scale * (points - centre) @ turn + mean of the reference`` the aligned points.
    """
    centre = rigid.mean(axis=1, keepdims=True)
    points = rigid - centre
    reference = RIGID_REFERENCE - RIGID_REFERENCE.mean(axis=0)
    u, singular, vt = np.linalg.svd(points.transpose(0, 2, 1) @ reference)
    # A reflection would fit a degenerate mesh better than a turn does: flip the weakest axis.
    handed = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    singular[:, 2] *= handed
    vt[:, 2] *= handed[:, None]
    power = np.einsum("nkc,nkc->n", points, points)
    scale = singular.sum(axis=1) / power
    misfit = (reference**2).sum() - scale * singular.sum(axis=1)
    fit_error = np.sqrt(np.maximum(misfit, 0.0) / len(RIGID))
    return scale, u @ vt, centre, fit_error


def _head_angles(turn: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Yaw, pitch and roll in degrees, from where the face looks and where its left side points."""
    forward = -turn[:, :, 2]
    leftward = turn[:, :, 0]
    yaw = np.degrees(np.arctan2(forward[:, 0], -forward[:, 2]))
    pitch = np.degrees(np.arctan2(-forward[:, 1], np.hypot(forward[:, 0], forward[:, 2])))
    roll = np.degrees(np.arctan2(leftward[:, 1], leftward[:, 0]))
    return yaw, pitch, roll
