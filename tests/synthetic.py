"""Constructed faces and recordings whose every number is known."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hfs_vision.core.detector import Detector
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.landmarks import COMMISSURE, LID_MARGINS, MIRROR_PAIRS, RIGID
from hfs_vision.core.reference_face import RIGID_REFERENCE
from hfs_vision.core.settings import Settings
from hfs_vision.schema import Blink, Event, FloatArray

OPEN = 0.11
"""Aperture of an open eye, interocular distances: about 10 mm at 90 mm between the outer canthi."""

CORNER = (0.36, -0.73)
"""Rest of a mouth corner: lateral, up."""

# Standard deviation from frame to frame of the noisier model (Face Mesh) on the still real clip
# at 1080p: aperture 0.0018, commissure 0.0014; doubled for a webcam.
LID_JITTER = 0.0036
CORNER_JITTER = 0.0028


def times(duration_s: float, fps: float, start_s: float = 0.0) -> FloatArray:
    return start_s + np.arange(round(duration_s * fps)) / fps


def bump(time_s: FloatArray, onset_s: float, duration_s: float, ramp_s: float = 0.1) -> FloatArray:
    """0..1: raised-cosine flanks of ``ramp_s``, flat between."""
    ramp_s = min(ramp_s, duration_s / 2)
    inside = np.minimum(time_s - onset_s, onset_s + duration_s - time_s)
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(inside / ramp_s, 0.0, 1.0))


class Recording:
    """A face at rest to which movements are added; measured numbers, no landmarks."""

    def __init__(self, duration_s: float, fps: float = 30.0, start_s: float = 0.0) -> None:
        self.time_s = times(duration_s, fps, start_s)
        n = len(self.time_s)
        self.closure = np.zeros((n, 2))
        self.corner = np.tile(np.array(CORNER), (n, 2, 1)).astype(float)
        self.yaw_deg = np.zeros(n)
        self.face_px = 150.0
        self.gap = np.zeros(n, dtype=bool)
        self.noise = np.zeros((n, 2)), np.zeros((n, 2, 2))

    def lid(
        self,
        side: int | slice,
        onset_s: float,
        duration_s: float,
        depth: float = 0.9,
        ramp_s: float = 0.1,
    ) -> Recording:
        shape = depth * bump(self.time_s, onset_s, duration_s, ramp_s)
        self.closure[:, side] = np.maximum(self.closure[:, side].T, shape).T
        return self

    def both_lids(self, onset_s: float, duration_s: float = 0.25, depth: float = 1.0) -> Recording:
        return self.lid(slice(None), onset_s, duration_s, depth)

    def pull(
        self,
        side: int | slice,
        onset_s: float,
        duration_s: float,
        size: float = 0.1,
        ramp_s: float = 0.1,
    ) -> Recording:
        shape = size * bump(self.time_s, onset_s, duration_s, ramp_s) / np.sqrt(2)
        moved = self.corner[:, side]
        moved += shape.reshape(-1, *([1] * (moved.ndim - 1)))
        return self

    def train(
        self,
        side: int,
        onset_s: float,
        count: int,
        *,
        gap_s: float,
        twitch_s: float = 0.2,
        depth: float = 0.9,
        ramp_s: float = 0.05,
    ) -> Recording:
        """Twitches of one lid; ``gap_s`` from the end of each to the start of the next."""
        for number in range(count):
            self.lid(side, onset_s + number * (twitch_s + gap_s), twitch_s, depth, ramp_s)
        return self

    def jitter(self, seed: int = 0, scale: float = 1.0, *, lids: float = 1.0) -> Recording:
        """Noise of each frame; ``lids`` times as much in the apertures, as behind glasses."""
        rng = np.random.default_rng(seed)
        n = len(self.time_s)
        self.noise = (
            rng.normal(0, scale * lids * LID_JITTER, (n, 2)),
            rng.normal(0, scale * CORNER_JITTER, (n, 2, 2)),
        )
        return self

    def without_face(self, onset_s: float, duration_s: float) -> Recording:
        self.gap |= (self.time_s >= onset_s) & (self.time_s < onset_s + duration_s)
        return self

    @property
    def aperture(self) -> FloatArray:
        return OPEN * (1 - self.closure) + self.noise[0]

    @property
    def commissure(self) -> FloatArray:
        return self.corner + self.noise[1]

    def measured(self) -> Measurements:
        n = len(self.time_s)
        zero = np.zeros(n)
        columns = (
            self.aperture,
            self.commissure,
            self.yaw_deg,
            zero,
            zero,
            zero + self.face_px,
            zero + 0.02,
            zero + 1.0,
        )
        rounded = (np.round(column, 6) for column in columns)
        return Measurements(np.round(self.time_s, 6), *rounded).where(~self.gap)

    def landmarks(self, **pose: FloatArray) -> FloatArray:
        return np.where(
            self.gap[:, None, None], np.nan, face(self.aperture, self.commissure, **pose)
        )

    def events(self, settings: Settings | None = None) -> list[Event]:
        return run(self.measured(), settings)[0]


def run(
    measured: Measurements, settings: Settings | None = None
) -> tuple[list[Event], list[Blink]]:
    detector = Detector(settings)
    steps = [detector.update(measured), detector.finish()]
    return [e for s in steps for e in s.events], [b for s in steps for b in s.blinks]


def face(
    aperture: FloatArray,
    commissure: FloatArray,
    *,
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    roll_deg: float = 0.0,
    scale: float = 150.0,
    shift: tuple[float, float, float] = (320.0, 240.0, 0.0),
) -> FloatArray:
    """``(n, 478, 3)`` pixels of a face with exactly these measurements, in a given pose."""
    n = len(aperture)
    points = np.zeros((n, 478, 3))
    points[:, RIGID] = RIGID_REFERENCE
    for side, outwards in enumerate((1.0, -1.0)):
        for rank, (upper, lower) in enumerate(LID_MARGINS[side]):
            x = outwards * (0.42 - 0.05 * rank)
            points[:, upper] = np.stack(
                [np.full(n, x), -aperture[:, side] / 2, np.full(n, -0.05)], axis=1
            )
            points[:, lower] = points[:, upper] + np.stack(
                [np.zeros(n), aperture[:, side], np.zeros(n)], axis=1
            )
        points[:, COMMISSURE[side]] = np.stack(
            [outwards * commissure[:, side, 0], -commissure[:, side, 1], np.zeros(n)], axis=1
        )
    return scale * points @ rotation(yaw_deg, pitch_deg, roll_deg).T + np.array(shift)


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> FloatArray:
    """Turn towards the subject's left, up, and to the left shoulder, in picture coordinates."""
    y, p, r = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def mirrored(landmarks: FloatArray, width: float) -> FloatArray:
    """The landmarks that the mirrored picture would have."""
    flipped = landmarks.copy()
    for left, right in MIRROR_PAIRS:
        flipped[:, [left, right]] = landmarks[:, [right, left]]
    flipped[..., 0] = width - flipped[..., 0]
    return flipped


def labels(events: Iterable[Event]) -> list[tuple[str, str]]:
    """Side and kind of each."""
    return [(e.side, e.kind) for e in events]
