"""Turning, nodding and swaying the head of a still picture, by the depth of its landmarks.

The picture gets a smooth depth from the face's own landmarks; each pixel is then displaced as
if that relief were turned about an axis between the ears. Small angles only: nothing hidden can
come into view. The move fades out around the head, so background and shoulders stay.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.schema import FloatArray
from hfs_vision.simulate.faces import Grid, Rgb, face_axes, smoothstep
from hfs_vision.simulate.movements import FaceState

_EARS = (454, 234)
_CELL = 4  # pixels; depth is smooth, so a coarse grid is enough
_HEAD_HALF = (1.0, 1.3)  # half axes of a head with hair, interocular distances
_FADE = 0.75  # the move is gone at (1 + this) half axes
_EDGE = 0.10  # and within this share of the picture's size from its edge
_REFINE = 2  # fixed-point steps from "where does it go" to "where does it come from"


class HeadTurner:
    """Moves the head of one still picture; the relief is prepared once."""

    def __init__(self, landmarks: FloatArray, shape: tuple[int, int]) -> None:
        """Prepare for a picture.

        Args:
            landmarks: ``(478, 3)`` pixels of the picture at rest.
            shape: Height and width of the picture.
        """
        axes = face_axes(landmarks)
        self._unit = axes.unit
        centre = landmarks.mean(axis=0)
        self._pivot = np.array([centre[0], centre[1], landmarks[list(_EARS), 2].mean()])
        self._pivot[:2] += 0.4 * axes.down  # a head turns on its neck, not on its nose
        height, width = shape
        self._x, self._y = np.meshgrid(
            np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
        )
        self._depth = _relief(landmarks, shape, axes.unit) - np.float32(self._pivot[2])
        middle = centre[:2] - 0.25 * axes.down
        self._weight = self._fade(middle, axes.across, axes.down)

    def _fade(self, middle: FloatArray, across: FloatArray, down: FloatArray) -> Grid:
        dx, dy = self._x - np.float32(middle[0]), self._y - np.float32(middle[1])
        a, d = ((dx * axis[0] + dy * axis[1]) / self._unit**2 for axis in (across, down))
        reach = np.hypot(a / _HEAD_HALF[0], d / _HEAD_HALF[1])
        weight = smoothstep((1.0 + _FADE - reach) / _FADE)
        height, width = self._x.shape
        edge_x = np.minimum(self._x, width - 1 - self._x) / (_EDGE * width)
        edge_y = np.minimum(self._y, height - 1 - self._y) / (_EDGE * height)
        faded: Grid = (weight * smoothstep(edge_x) * smoothstep(edge_y)).astype(np.float32)
        return faded

    def __call__(self, picture: Rgb, state: FaceState) -> Rgb:
        """The picture with its head turned and shifted as ``state`` says; a new array."""
        move_x, move_y = self._displacement(state)
        x, y = self._x - move_x, self._y - move_y
        for _ in range(_REFINE):
            step_x = cv2.remap(move_x, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            step_y = cv2.remap(move_y, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            x, y = self._x - step_x, self._y - step_y
        turned = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(turned, dtype=np.uint8)

    def moved_point(self, point: FloatArray, state: FaceState) -> FloatArray:
        """Where a point ``(2,)`` of the resting picture lies in the turned one."""
        at = np.float32(point).reshape(2, 1, 1)
        moves = (
            cv2.remap(move, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for move in self._displacement(state)
        )
        return np.asarray(point + np.array([float(move[0, 0]) for move in moves]))

    def _displacement(self, state: FaceState) -> tuple[Grid, Grid]:
        turn = _rotation(state.yaw_deg, state.pitch_deg, state.roll_deg)
        rows = (turn - np.eye(3))[:2].astype(np.float32)
        dx, dy = self._x - np.float32(self._pivot[0]), self._y - np.float32(self._pivot[1])
        moves = []
        for row, shift in zip(rows, state.shift, strict=True):
            move = row[0] * dx + row[1] * dy + row[2] * self._depth
            moves.append(self._weight * (move + np.float32(shift * self._unit)))
        return moves[0], moves[1]


def _rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> FloatArray:
    """Rotation in picture axes (x right, y down, z away); signs as in `FaceState`."""
    yaw, pitch, roll = np.deg2rad([yaw_deg, pitch_deg, roll_deg])
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(v), np.sin(v)) for v in (yaw, pitch, roll))
    turn_yaw = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    turn_pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn_roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    rotation: FloatArray = turn_roll @ turn_yaw @ turn_pitch
    return rotation


def _relief(landmarks: FloatArray, shape: tuple[int, int], unit: float) -> Grid:
    """Depth of every pixel: the landmarks' own, spread fine between them and coarse around."""
    height, width = shape
    cells = (height // _CELL + 1, width // _CELL + 1)
    depth, count = np.zeros(cells, np.float32), np.zeros(cells, np.float32)
    col, row = (landmarks[:, :2] / _CELL).astype(int).T
    inside = (col >= 0) & (col < cells[1]) & (row >= 0) & (row < cells[0])
    np.add.at(depth, (row[inside], col[inside]), landmarks[inside, 2].astype(np.float32))
    np.add.at(count, (row[inside], col[inside]), np.float32(1))
    total, weight = np.zeros(cells), np.full(cells, 1e-12)
    for sigma, share in ((0.12, 1.0), (0.5, 0.02)):
        blur = max(sigma * unit / _CELL, 0.5)
        total += share * cv2.GaussianBlur(depth, (0, 0), blur)
        weight += share * cv2.GaussianBlur(count, (0, 0), blur)
    coarse = (total / weight).astype(np.float32)
    relief = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(relief, dtype=np.float32)


class Sway:
    """The slight motion that a resting head never stops making; a seeded function of time."""

    _AMPLITUDE = (1.2, 0.9, 0.7, 0.012, 0.008)  # yaw, pitch, roll [degrees], right, down [units]

    def __init__(self, seed: int, scale: float = 1.0) -> None:
        """Draw the motion.

        Args:
            seed: Same seed, same motion.
            scale: Factor on all amplitudes; 0 keeps the head still.
        """
        rng = np.random.default_rng([seed, 1])
        self._hz: NDArray[np.float64] = rng.uniform(0.07, 0.6, (5, 4))
        self._phase: NDArray[np.float64] = rng.uniform(0, 2 * np.pi, (5, 4))
        self._scale = scale

    def at(self, time_s: float) -> tuple[float, float, float, float, float]:
        """Yaw, pitch, roll in degrees and shift right and down in interocular distances."""
        waves = np.sin(2 * np.pi * self._hz * time_s + self._phase) * (0.15 / self._hz) ** 0.5
        yaw, pitch, roll, right, down = (
            self._scale * waves.mean(axis=1) * np.array(self._AMPLITUDE)
        ).tolist()
        return yaw, pitch, roll, right, down
