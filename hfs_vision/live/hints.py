"""What the person in front of the camera can fix, in short sentences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import MIN_VISIBILITY
from hfs_vision.core.summary import LOW_FPS, SMALL_FACE_PX
from hfs_vision.schema import FloatArray

DARK = 50.0
"""Mean brightness of the face, 0 to 255, below which more light is asked for."""

DELIVERED_SHARE = 0.8
"""Share of the frames asked for below which the camera is told to be slow."""

_GONE = 0.5
_DROPPED_FOR_S = 5.0


def hints(
    recent: Measurements,
    settings: Settings,
    *,
    frozen: bool,
    brightness: float,
    fps: float,
    asked_fps: float | None,
    since_drop_s: float,
    played: bool = False,
) -> list[str]:
    """Most urgent first.

    Args:
        recent: The frames of about the last second.
        settings: Where a face counts as turned away.
        frozen: Whether the camera gives one picture again and again.
        brightness: See `face_brightness`; NaN where it is not known.
        fps: Frames per second that arrive; NaN where it is not known.
        asked_fps: Frames per second that the camera was asked for.
        since_drop_s: Seconds since a frame was last dropped; infinite if none was.
        played: Whether a file is played: then no camera can be fixed.
    """
    found = []
    seen = np.isfinite(recent.yaw_deg)
    if frozen:
        fix = "" if played else ": reconnect the camera or the call"
        found.append(f"The picture is frozen{fix}")
    elif len(recent) and seen.mean() < _GONE:
        found.append("No face in view: look at the camera")
    elif len(recent):
        here = recent.take(np.flatnonzero(seen))
        turned = np.abs(here.yaw_deg) > settings.max_yaw_deg
        tilted = np.abs(here.pitch_deg) > settings.max_pitch_deg
        if (turned | tilted).mean() >= _GONE:
            found.append("Turned away: face the camera")
        elif (here.visibility < MIN_VISIBILITY).mean() >= _GONE:
            found.append("Part of the face is hidden")
        if np.median(here.face_px) < SMALL_FACE_PX:
            found.append("Too far away: come nearer")
        if brightness < DARK:
            found.append("Too dark: more light on the face")
    if since_drop_s < _DROPPED_FOR_S:
        found.append("Frames are dropped: close other programs, or use a smaller picture")
    low = LOW_FPS if asked_fps is None else max(LOW_FPS, DELIVERED_SHARE * asked_fps)
    if fps < low and not played:
        found.append(f"The camera gives only {fps:.0f} frames/s: more light often helps")
    return found


def face_brightness(rgb: NDArray[np.uint8], landmarks: FloatArray) -> float:
    """Mean green of the face, 0 to 255; NaN where there is no face in the picture.

    Args:
        rgb: ``(height, width, 3)``.
        landmarks: ``(478, 3)`` pixels, or NaN.
    """
    if not np.isfinite(landmarks[0, 0]):
        return float("nan")
    low = np.maximum(landmarks[:, :2].min(axis=0), 0).astype(int)
    high = np.maximum(landmarks[:, :2].max(axis=0), 0).astype(int)
    face = rgb[low[1] : high[1] : 8, low[0] : high[0] : 8, 1]
    return float(face.mean()) if face.size else float("nan")
