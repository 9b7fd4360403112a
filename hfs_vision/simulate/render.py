"""Simulated frames: one portrait brought to life, or a clip with movements added to it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from hfs_vision.errors import NoFaceError, UsageError
from hfs_vision.schema import N_LANDMARKS, FloatArray, Frame
from hfs_vision.simulate.faces import Rgb, face_axes
from hfs_vision.simulate.head import HeadTurner, Sway
from hfs_vision.simulate.movements import FaceState, Script, state_at
from hfs_vision.simulate.warp import warp_face

_ASTRONAUT_SQUARE = (110, 0, 230)  # left, top, side of the part with the head, pixels
_SQUARE_UNITS = (
    3.6  # side of the square that is cut around a user's portrait, interocular distances
)


@dataclass(frozen=True)
class SimulatedCamera:
    """What a webcam adds to the scene.

    Attributes:
        noise: Standard deviation of the sensor noise (brightness), in 8-bit grey levels.
        flicker: Standard deviation of the frame's brightness, as a share of it.
    """

    noise: float = 2.0
    flicker: float = 0.006


def default_portrait(size: int = 480) -> Rgb:
    """The head of scikit-image's public-domain astronaut, ``(size, size, 3)`` uint8.

    Raises:
        UsageError: scikit-image is not installed.
    """
    try:
        data: Any = importlib.import_module("skimage.data")
    except ImportError as error:
        raise UsageError(
            "the default portrait comes with scikit-image, which is not installed: run "
            '`pip install "hfs-vision[simulate]"` or give a picture of your own'
        ) from error
    left, top, side = _ASTRONAUT_SQUARE
    picture = data.astronaut()
    head = np.asarray(picture, dtype=np.uint8)[top : top + side, left : left + side]
    enlarged = cv2.resize(head, (size, size), interpolation=cv2.INTER_LANCZOS4)
    return np.asarray(enlarged, dtype=np.uint8)


def square_portrait(picture: Rgb, landmarks: FloatArray, size: int = 480) -> Rgb:
    """A user's picture, cut to a square around the head and resized.

    Args:
        picture: ``(height, width, 3)`` uint8.
        landmarks: ``(478, 3)`` pixels of it; find them anew on the result before rendering.
        size: Side of the result in pixels.

    Returns:
        ``(size, size, 3)`` uint8. Where the square leaves the picture its edge is repeated.
    """
    _check_landmarks(landmarks, "the portrait")
    axes = face_axes(landmarks)
    scale = size / (_SQUARE_UNITS * axes.unit)
    centre = landmarks[:, :2].mean(axis=0) - 0.15 * axes.down
    offset = 0.5 * size - scale * centre
    move = np.array([[scale, 0.0, offset[0]], [0.0, scale, offset[1]]])
    if scale < 1.0:  # shrink first: warpAffine alone would skip pixels
        picture = np.asarray(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        )
        move[:, :2] = np.eye(2)
    cut = cv2.warpAffine(
        picture, move, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, dtype=np.uint8)


def render_portrait(
    picture: Rgb,
    landmarks: FloatArray,
    script: Script,
    times_s: Iterable[float],
    *,
    seed: int = 0,
    sway: float = 1.0,
    camera: SimulatedCamera | None = None,
) -> Iterator[Frame]:
    """Frames of a portrait that moves as the script says.

    Args:
        picture: ``(height, width, 3)`` uint8 portrait, eyes open.
        landmarks: ``(478, 3)`` pixels of this very picture.
        script: Movements and their times, on the clock of ``times_s``.
        times_s: Time of each frame in seconds, increasing; may be irregular.
        seed: Same seed, same frames: it settles sway, sensor noise and flicker.
        sway: Factor on the slight motion of the resting head; 0 keeps it still.
        camera: What the camera adds; None for `SimulatedCamera` as it is by default.

    Yields:
        Frames with running index and the given times.

    Raises:
        NoFaceError: The landmarks are missing.
    """
    _check_landmarks(landmarks, "the portrait")
    turner = HeadTurner(landmarks, (picture.shape[0], picture.shape[1]))
    motion = Sway(seed, sway)
    camera = SimulatedCamera() if camera is None else camera
    for index, time_s in enumerate(times_s):
        state = _with_sway(state_at(script, time_s), motion, time_s)
        moved = turner(warp_face(picture, landmarks, state), state)
        yield Frame(index, time_s, _through_camera(moved, camera, seed, index))


def inject(
    frames: Iterable[Frame],
    landmarks_of: Callable[[Frame], FloatArray],
    script: Script,
    *,
    on_missing: Callable[[Frame], None] | None = None,
) -> Iterator[Frame]:
    """A clip's own frames with the script's movements added to the face.

    Everything else stays: the person's own motion, the background, the times. Where a frame has
    no face (landmarks NaN) it is passed on as it is.

    Args:
        frames: The clip.
        landmarks_of: Gives ``(478, 3)`` pixels of each frame; called once for every frame and
            in order, so that a tracker can follow.
        script: Movements on the clip's own clock; no ``head_turn`` or ``nod``, since the head
            keeps its own motion.
        on_missing: Called with each frame in which a movement was due but no face was found.

    Raises:
        UsageError: The script turns the head.
    """
    for movement in script:
        if movement.region == "head":
            raise UsageError(
                f"{movement.kind} at {movement.onset_s:g} s cannot be added to a clip, which "
                "keeps its own head motion: leave it out of the script"
            )
    return _injected(frames, landmarks_of, script, on_missing)


def _injected(
    frames: Iterable[Frame],
    landmarks_of: Callable[[Frame], FloatArray],
    script: Script,
    on_missing: Callable[[Frame], None] | None,
) -> Iterator[Frame]:
    rest = FaceState()
    for frame in frames:
        landmarks = landmarks_of(frame)
        state = state_at(script, frame.time_s)
        if state == rest:
            yield frame
        elif np.isfinite(landmarks).all():
            yield replace(frame, rgb=warp_face(frame.rgb, landmarks, state))
        else:
            if on_missing is not None:
                on_missing(frame)
            yield frame


def _check_landmarks(landmarks: FloatArray, what: str) -> None:
    if landmarks.shape != (N_LANDMARKS, 3) or not np.isfinite(landmarks).all():
        raise NoFaceError(f"no face was found in {what}: give one with a frontal, upright face")


def _with_sway(state: FaceState, motion: Sway, time_s: float) -> FaceState:
    yaw, pitch, roll, right, down = motion.at(time_s)
    return replace(
        state,
        yaw_deg=state.yaw_deg + yaw,
        pitch_deg=state.pitch_deg + pitch,
        roll_deg=state.roll_deg + roll,
        shift=(state.shift[0] + right, state.shift[1] + down),
    )


def _through_camera(picture: Rgb, camera: SimulatedCamera, seed: int, index: int) -> Rgb:
    """Noise drawn from seed and frame number alone, so a frame does not depend on the others."""
    rng = np.random.default_rng([seed, 2, index])
    gain = np.float32(1.0 + camera.flicker * rng.standard_normal())
    noise = rng.standard_normal((*picture.shape[:2], 1), dtype=np.float32)
    seen = picture.astype(np.float32) * gain + np.float32(camera.noise) * noise
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)
