"""What the header of a video file states: rate, length, and when it was recorded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from hfs_vision.schema import SourceInfo
from hfs_vision.video.source import Picture

_ROUNDING_S = 0.25  # of headers
_OTHERS_OUTLAST_S = 1.0  # sound may last a little longer than the pictures

_UNSET_YEARS = (1904, 1970)
"""Zero of QuickTime's clock and of Unix's: what a header says that was never filled in."""


def nominal_rate(stream: VideoStream) -> float | None:
    """Frames per second as the header states it."""
    # Of a raw stream, which has no start time, the average is the demuxer's default of 25.
    raw = stream.start_time is None
    rate = stream.guessed_rate if raw else stream.average_rate or stream.guessed_rate
    return float(rate) if rate else None


def due_end_s(container: InputContainer, stream: VideoStream) -> float:
    """Where pictures end at the earliest if the header is right, in seconds, or -inf.

    The clock is that of the timestamps.
    """
    if stream.duration and stream.time_base:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base) - _ROUNDING_S
    if container.duration is None:
        return -math.inf
    # Containers differ in whether the duration counts from zero or from the first frame.
    stated_s = (container.duration + min(container.start_time or 0, 0)) / av.time_base
    return stated_s - (_ROUNDING_S if len(container.streams) == 1 else _OTHERS_OUTLAST_S)


def video_info(
    container: InputContainer, stream: VideoStream, rgb: Picture, rotation_deg: int
) -> SourceInfo:
    """What the file says of itself, and of its first upright picture ``(height, width, 3)``."""
    duration_s: float | None = None
    if stream.duration and stream.time_base:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration:
        duration_s = container.duration / av.time_base
    return SourceInfo(
        kind="file",
        container=container.format.name,
        codec=stream.codec_context.name,
        width=rgb.shape[1],
        height=rgb.shape[0],
        nominal_fps=nominal_rate(stream),
        frame_count=stream.frames or None,
        duration_s=duration_s,
        rotation_deg=rotation_deg,
        recorded_utc=recorded_utc(container.metadata),
    )


def recorded_utc(tags: Mapping[str, str]) -> str | None:
    """When the recording was made, ISO 8601 in UTC, as far as the container's tags say so.

    FFmpeg gives QuickTime's and Matroska's time as ``creation_time``, in UTC.

    >>> recorded_utc({"creation_time": "2026-03-01T08:30:15.000000Z"})
    '2026-03-01T08:30:15+00:00'
    >>> recorded_utc({"creation_time": "1904-01-01T00:00:00.000000Z"}) is None
    True
    """
    try:
        stated = datetime.fromisoformat(tags.get("creation_time", "").replace("Z", "+00:00"))
        utc = stated.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    if stated.tzinfo is None or utc.year in _UNSET_YEARS:
        return None
    return utc.isoformat(timespec="seconds")
