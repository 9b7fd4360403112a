"""Records that travel between the layers, and the conventions that they share.

- **Side**: ``left`` and ``right`` are always the subject's own. Bilateral arrays are ``(n, 2)``
  in the order of `SIDES`.
- **Time**: float64 seconds on the source's own clock (a file's container timestamps, a camera's
  monotonic clock). Nothing is derived from a frame number and an assumed rate.
- **Missing** is NaN, never a plausible number.
- **Length**: interocular distances (outer canthus to outer canthus of the reference face);
  landmarks are pixels of the upright picture, x to the right, y down, z on the scale of x and
  growing away from the camera.
- **Events** are half-open intervals ``[onset, offset)``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hfs_vision.regions import ALL_KINDS, FACE_REGIONS, SEVERAL, RegionMeasures

SIDES = ("left", "right")
"""Order of the last axis of every bilateral array; the subject's own sides."""

N_LANDMARKS = 478
"""Points of one face: MediaPipe's 468 mesh points and 10 iris points."""

LARGEST = 1e12
"""No number of a table is as large, be it a time in seconds: microseconds can be told apart below,
and sums of two are numbers."""

ROUNDING_S = 0.002
"""Intervals may overlap by this much, because onset and duration were rounded one by one."""

END_SLACK_S = 0.1
"""An event may outlast the recording by this much: how long the last frame lasts is unknown."""

FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Of dates: what lies outside is a slip, such as 0026 for 2026, and no calendar counts on there."""

LANDMARKERS = ("facemesh", "facelandmarker", "fused")
"""Names of the landmark models."""

NOT_A_DEVICE = (
    "Counts one-sided facial movements. It does not tell a spasm from a deliberate movement, "
    "does not diagnose, grade or advise, and is not a medical device."
)
"""What every output says of itself."""

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

StrPath = str | os.PathLike[str]
"""A file or folder as callers name it: a text or a `pathlib.Path`."""


def in_years(day: date) -> bool:
    """Whether a day or moment lies in the years in which dates are taken.

    >>> in_years(date(2026, 3, 1)), in_years(date(26, 3, 1))
    (True, False)
    """
    return FIRST_YEAR <= day.year <= LAST_YEAR


@dataclass(frozen=True)
class Frame:
    """One picture with its true time.

    Attributes:
        index: Running number of the delivered frame, from 0.
        time_s: Presentation time on the source's own clock, in seconds.
        rgb: ``(height, width, 3)`` uint8, upright (rotation metadata applied).
    """

    index: int
    time_s: float
    rgb: NDArray[np.uint8]


@dataclass(frozen=True)
class SourceInfo:
    """What a source of frames says of itself. ``None`` where it does not say.

    Attributes:
        kind: ``file``, ``images``, ``camera`` or ``stream``; ``frames`` where the caller gave them.
        container: Short name of the container format.
        codec: Short name of the video codec.
        width, height: Pixels of the upright picture.
        nominal_fps: Frames per second as the header states it; for display only.
        frame_count: Frames as the header states it; for the progress bar only.
        duration_s: Length as the header states it; for the progress bar only.
        rotation_deg: Clockwise rotation that was applied to make the picture upright.
        recorded_utc: When it was recorded, ISO 8601 in UTC, as the header states it.
        recorded_local: The same by the clock where it was recorded, with its offset from UTC where
            the header states that; without one, where only that clock's time is known.
        turned_deg: Clockwise turn on top of that, which the face in the picture asked for.
        time_doubts: What in the header contradicts the times of its frames, in sentences.
        zero_s: Where players begin to count, on the clock of the frames: the earliest of its
            pictures and sounds.
    """

    kind: str
    container: str | None
    codec: str | None
    width: int
    height: int
    nominal_fps: float | None
    frame_count: int | None
    duration_s: float | None
    rotation_deg: int
    recorded_utc: str | None = None
    recorded_local: str | None = None
    time_doubts: tuple[str, ...] = ()
    zero_s: float | None = None
    turned_deg: int = 0


@dataclass(frozen=True)
class ModelIdentity:
    """Which landmark model ran: written beside every result.

    Attributes:
        landmarker: Name of the implementation, as the command line takes it.
        file: File name of the model weights (several are joined by ``+``).
        sha256: SHA-256 of the weights, hexadecimal (several are hashed in that order).
        mediapipe: Version of the MediaPipe package.
        lid_leak: Share of each eye's aperture, as the model gives it, that is in truth the other
            eye's; `hfs_vision.core.geometry.measure` takes it out.
    """

    landmarker: str
    file: str
    sha256: str
    mediapipe: str
    lid_leak: float = 0.0
    appearance_sha256: str | None = None


class Landmarker(Protocol):
    """Anything that turns a frame into the landmarks of one subject."""

    @property
    def identity(self) -> ModelIdentity:
        """Which weights run."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader of the result must know, such as a subject that was lost and found."""
        ...

    def __call__(self, frame: Frame) -> FloatArray:
        """Landmarks of the followed subject, ``(478, 3)`` pixels; all NaN where there is none."""
        ...

    def close(self) -> None:
        """Releases the model."""
        ...


@dataclass(frozen=True, kw_only=True)
class Twitch:
    """One of the movements that an event is made of; half-open ``[onset_s, offset_s)``.

    Attributes:
        onset_s, offset_s: Seconds on the source's own clock.
        region: What moved in that time: ``eye``, ``mouth`` or ``eye+mouth``.
        peak_s: Time of the largest one-sidedness.
        score: That one-sidedness in units of the threshold in force.
    """

    onset_s: float
    offset_s: float
    region: str
    peak_s: float
    score: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.offset_s - self.onset_s


@dataclass(frozen=True, kw_only=True)
class Event(RegionMeasures):
    """One movement of one side of the face; half-open ``[onset_s, offset_s)``.

    How far and how fast each region of that side moved is told by `RegionMeasures`.

    Attributes:
        onset_s, offset_s: Seconds on the source's own clock.
        side: ``left`` or ``right``, the subject's own.
        region: ``eye``, ``mouth`` or ``eye+mouth``.
        component: ``tonic`` where one of its twitches lasts `Settings.tonic_s` or longer, else
            ``clonic``.
        peak_s: Time of the largest one-sidedness.
        score: Largest one-sidedness in units of the threshold in force.
        confidence: Share of such events that were right in the benchmark, 0 to 1; see
            `hfs_vision.core.confidence`. No probability of a spasm.
        rise_s: From onset to peak.
        eye_mouth_lag_s: Time by which the corner reaches half of its excursion later than the
            lid half of its closure; ``None`` unless both move.
        valid_fraction: Share of the event's time in which the face was measured.
        truncated: Cut by the start or end of the recording or by a gap.
        twitches: The movements that are one event because they nearly touch, in order of onset
            (see `hfs_vision.core.twitches`); one or more, or none where an event was read from a
            table.
    """

    onset_s: float
    offset_s: float
    side: str
    region: str
    component: str
    peak_s: float
    score: float
    confidence: float
    rise_s: float
    eye_mouth_lag_s: float | None
    valid_fraction: float
    truncated: bool
    twitches: tuple[Twitch, ...] = ()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.offset_s - self.onset_s

    @property
    def kind(self) -> str:
        """Name of the movement by region and component; see `event_kind`."""
        return event_kind(self.region, self.component)


@dataclass(frozen=True)
class Blink:
    """One closure of both lids, ``[onset_s, offset_s)``, and the lesser lid's largest closure."""

    onset_s: float
    offset_s: float
    closure: float


REGIONS = tuple(
    "+".join(region.name for region in moved)
    for n in range(1, len(FACE_REGIONS) + 1)
    for moved in combinations(FACE_REGIONS, n)
)
"""What can move: each region by itself, and several at once."""

COMPONENTS = ("clonic", "tonic")
KINDS = tuple(kind.name for kind in ALL_KINDS)


def moved_together(*regions: str) -> str:
    """One of `REGIONS`, of all that moves in those that are given.

    >>> moved_together("mouth", "eye"), moved_together("eye", "eye")
    ('eye+mouth', 'eye')
    """
    return "+".join(r.name for r in FACE_REGIONS if any(r.moves_in(region) for region in regions))


def regions_of(kind: str) -> tuple[str, ...]:
    """Those of `REGIONS` whose movements are of a kind, the likeliest first.

    >>> regions_of("mouth_pull"), regions_of("hemifacial_spasm")
    (('mouth',), ('eye+mouth',))
    """
    return tuple(r for r in REGIONS if kind in [event_kind(r, c) for c in COMPONENTS])


def event_kind(region: str, component: str) -> str:
    """Kind of event in the log: the five signs of hemifacial spasm, by region and component.

    >>> event_kind("eye", "clonic"), event_kind("eye+mouth", "tonic")
    ('eyelid_twitch', 'hemifacial_spasm')
    """
    moved = [one for one in FACE_REGIONS if one.moves_in(region)]
    if len(moved) > 1:
        return SEVERAL.name
    return (moved[0].clonic, moved[0].tonic)[COMPONENTS.index(component)].name
