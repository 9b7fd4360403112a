"""What is rest for this person: open aperture, place of the mouth corners, ordinary asymmetry.

Rest is learned from the recording itself, always from the immediate past (and, for the start, from
the first seconds), at fixed times on the recording's own clock. A file and a live camera therefore
learn the same thing, however the samples are handed over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.pulls import attacks
from hfs_vision.core.settings import Settings
from hfs_vision.schema import FloatArray

HOP_S = 5.0
"""Rest is learned anew at multiples of this, counted from the first sample."""

_GRID_S = 1 / 30
"""Rest is learned from one sample in each of these, so that the frame rate hardly matters."""

_OPEN_PERCENTILE = 80.0
"""Blinks and squints only lower the aperture, so that the open eye is near the top."""

_ORDINARY_PERCENTILE = 95.0

# Learned on talking, turning heads without one-sided movement: what is left of a turn after
# alignment, because the mesh's depth is a guess (interocular distances per degree of yaw).
YAW_TO_LATERAL = 0.003
YAW_TO_UP = 0.001

UP_WEIGHT = 1.0
LATERAL_WEIGHT = 0.4
"""A pull moves the corner outwards and up. Height weighs more: speech and head turns shift the
whole mouth sideways."""

_BOTH_CLOSED = 0.25
_BLINK_QUANTILE = 25.0
_MAX_BLINK_GAIN = 2.5
"""In some faces (narrow lids, glasses) the model sees one lid of every blink close only half. What
both lids do while both are at least `_BOTH_CLOSED` tells how far one goes with the other; the
low quantile is taken because one-sided closures with some of the other lid only raise it."""

_MIN_SAMPLES = 5


@dataclass(frozen=True)
class Baseline:
    """Rest as it was known at one time; see the module.

    Attributes:
        open_aperture: ``(2,)`` aperture of the open eyes.
        corner_place: ``(2,)`` place of the corners at rest.
        yaw_deg: Usual yaw.
        blink_gain: ``(2,)`` how far this lid closes in blinks for each unit of the other's
            closure, at least 1.
        eye_asymmetry: Ordinary left-right difference of closure.
        mouth_asymmetry: Ordinary pull of a corner (`hfs_vision.core.pulls`), interocular distances.
            Both are the 95th percentile on the side that shows less of it: spasm is one-sided,
            so the other side tells what is ordinary for this face.
    """

    open_aperture: FloatArray
    corner_place: FloatArray
    yaw_deg: float
    blink_gain: FloatArray
    eye_asymmetry: float
    mouth_asymmetry: float

    def closure(self, aperture: FloatArray) -> FloatArray:
        """``(n, 2)`` eyelid closure: 0 as open as usual, 1 shut; negative when wider than usual."""
        return np.asarray(1.0 - aperture / self.open_aperture)


def corner_place(commissure: FloatArray, yaw_deg: FloatArray) -> FloatArray:
    """Place of each corner along outwards-and-up, interocular distances.

    Args:
        commissure: ``(n, 2, 2)`` side; lateral, up.
        yaw_deg: ``(n,)``: what a turn seems to move is taken out.
    """
    turn = yaw_deg[:, None] * np.array([0.5, -0.5])
    lateral = commissure[..., 0] - YAW_TO_LATERAL * turn
    up = commissure[..., 1] - YAW_TO_UP * turn
    weighted = LATERAL_WEIGHT * lateral + UP_WEIGHT * up
    return np.asarray(weighted / np.hypot(LATERAL_WEIGHT, UP_WEIGHT))


class BaselineTracker:
    """Keeps the recent past, thinned to a fixed grid, and learns `Baseline` from it on demand."""

    def __init__(self, settings: Settings, start_s: float) -> None:
        self._settings = settings
        self.start_s = start_s
        self._recent: list[Measurements] = []
        self._last_cell = -1
        self._hop = -1
        self._current: Baseline | None = None

    def hop(self, time_s: FloatArray) -> NDArray[np.int64]:
        """Number of the hop of each time: all of the calibration is 0, what is before it -1."""
        since_start = time_s - self.start_s
        hop = np.floor(since_start / HOP_S).astype(np.int64)
        calibrating = (since_start >= 0) & (since_start < self._settings.calibration_s)
        return np.where(calibrating, 0, np.maximum(hop, -1))

    def add(self, samples: Measurements) -> None:
        """Takes measured samples in order of time; those without a face teach nothing."""
        rows = np.flatnonzero(np.isfinite(samples.yaw_deg))
        cell = np.floor((samples.time_s[rows] - self.start_s) / _GRID_S).astype(np.int64)
        first = np.flatnonzero(np.diff(cell, prepend=self._last_cell) > 0)
        if not len(first):
            return
        self._last_cell = int(cell[-1])
        self._recent.append(samples.take(rows[first]))

    def at(self, hop: int) -> Baseline | None:
        """Rest as known at the start of a hop; ``None`` before there were enough samples.

        Hops must be asked for in order. After a long absence the rest known before it holds.
        """
        if hop != self._hop and hop >= 0:
            self._hop = hop
            self._current = self._learn(hop) or self._current
        return self._current

    def _learn(self, hop: int) -> Baseline | None:
        if not self._recent:
            return None
        s = self._settings
        now = self.start_s + (s.calibration_s if hop == 0 else hop * HOP_S)
        recent = Measurements.concatenate(self._recent)
        low, high = np.searchsorted(recent.time_s, [now - s.baseline_window_s, now])
        window = recent[slice(int(low), int(high))]
        self._recent = [recent[slice(int(low), None)]]
        return learn_baseline(window, s.max_gap_s) if len(window) >= _MIN_SAMPLES else None


def learn_baseline(window: Measurements, max_gap_s: float) -> Baseline:
    """Rest from samples that all show a face."""
    open_aperture = np.percentile(window.aperture, _OPEN_PERCENTILE, axis=0)
    # An eye that was never open gives no scale: the other one, or 1 % of the face, stands in.
    never = open_aperture < 0.3 * open_aperture.max()
    open_aperture = np.where(never, open_aperture.max(), np.maximum(open_aperture, 0.01))
    place = corner_place(window.commissure, window.yaw_deg)
    closure = 1.0 - window.aperture / open_aperture
    pull, _, _ = attacks(window.time_s, place, max_gap_s)
    return Baseline(
        open_aperture=open_aperture,
        corner_place=np.median(place, axis=0),
        yaw_deg=float(np.median(window.yaw_deg)),
        blink_gain=_blink_gain(closure),
        eye_asymmetry=_ordinary(closure[:, 0] - closure[:, 1]),
        mouth_asymmetry=_ordinary_pull(pull),
    )


def _blink_gain(closure: FloatArray) -> FloatArray:
    both = closure[closure.min(axis=1) >= _BOTH_CLOSED]
    if len(both) < _MIN_SAMPLES:
        return np.ones(2)
    gain = np.percentile(both / both[:, ::-1], _BLINK_QUANTILE, axis=0)
    return np.asarray(np.clip(gain, 1.0, _MAX_BLINK_GAIN))


def _ordinary(difference: FloatArray) -> float:
    middle = np.median(difference)
    high, low = np.percentile(difference, [_ORDINARY_PERCENTILE, 100 - _ORDINARY_PERCENTILE])
    return float(min(high - middle, middle - low))


def _ordinary_pull(pull: FloatArray) -> float:
    sides = [side[np.isfinite(side)] for side in pull.T]
    if not all(len(side) for side in sides):
        return 0.0
    return max(min(float(np.percentile(side, _ORDINARY_PERCENTILE)) for side in sides), 0.0)
