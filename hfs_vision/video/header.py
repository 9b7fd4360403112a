"""What the header of a video file states: rate, length, and when it was recorded."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from hfs_vision.core.messages import Message
from hfs_vision.schema import SourceInfo
from hfs_vision.video.recording_date import recorded_by_tags
from hfs_vision.video.source import Picture

_ROUNDING_S = 0.25  # of headers
_OTHERS_OUTLAST_S = 1.0  # sound may last a little longer than the pictures

_CAPTURED = "com.android.capture.fps"  # what phones with Android were set to when they recorded
_SLOWED = 1.2
_LOW_LIGHT = 4.0  # set to 60 frames/s, a phone gives 15 at the least where it is dark
_SAME_RATE = 0.05
_SAME_LENGTH, _SAME_LENGTH_S = 0.2, 2.0
_AVI_START = 36  # bytes, up to the length of a frame that the main header states


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
    container: InputContainer, stream: VideoStream, path: Path, rgb: Picture, rotation_deg: int
) -> SourceInfo:
    """What the file says of itself, and of its first upright picture ``(height, width, 3)``."""
    duration_s: float | None = None
    if stream.duration and stream.time_base:
        duration_s = float(stream.duration * stream.time_base)
    elif container.duration:
        duration_s = container.duration / av.time_base
    recorded = recorded_by_tags(stream.metadata | container.metadata)
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
        recorded_utc=recorded.utc,
        recorded_local=recorded.local,
        time_doubts=tuple(_time_doubts(container, stream, path)),
        zero_s=None if container.start_time is None else container.start_time / av.time_base,
    )


def _time_doubts(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[Message]:
    rate = nominal_rate(stream) or math.nan
    shown_s = _length_s(stream)
    heard_s = max(map(_length_s, container.streams.audio), default=0.0)
    slowed = _number(_tag(container, _CAPTURED)) / rate
    # Sound whose length is nearer to that of the pictures than to that of what was recorded says
    # that they have their true speed: then the phone was set to a rate that it did not reach.
    true_speed = False
    if shown_s > 0 and heard_s > 0 and slowed > 0:
        true_speed = abs(math.log(heard_s / shown_s)) < abs(math.log(slowed * heard_s / shown_s))
    if not (true_speed and 1 / _LOW_LIGHT <= slowed <= _LOW_LIGHT):
        recorded = slowed * rate
        if slowed > _SLOWED:
            yield Message("slow_motion", recorded_fps=recorded, fps=rate, times=slowed)
        elif 0 < slowed < 1 / _SLOWED:
            yield Message("time_lapse", recorded_fps=recorded, fps=rate, times=1 / slowed)
    other = _avi_rate(path) if container.format.name == "avi" else math.nan
    if abs(rate / other - 1) > _SAME_RATE:
        yield Message("two_rates", fps=rate, other_fps=other)
    apart_s = abs(shown_s - heard_s)
    if shown_s and heard_s and apart_s > max(_SAME_LENGTH_S, _SAME_LENGTH * shown_s):
        yield Message("sound_of_other_length", pictures_s=shown_s, sound_s=heard_s)


def _length_s(stream: VideoStream | AudioStream) -> float:
    """As its header states it; 0 where it does not."""
    return float((stream.duration or 0) * (stream.time_base or Fraction(0)))


def _tag(container: InputContainer, name: str) -> str:
    """A tag of the file, in whatever case the container keeps it; empty if there is none."""
    return {key.casefold(): text for key, text in container.metadata.items()}.get(name, "")


def _number(text: str) -> float:
    try:
        return number if math.isfinite(number := float(text)) else math.nan
    except ValueError:
        return math.nan


def _avi_rate(path: Path) -> float:
    """Frames per second by the main header of an AVI; FFmpeg goes by that of the stream."""
    with path.open("rb") as file:
        start = file.read(_AVI_START)
    if len(start) < _AVI_START or start[24:28] != b"avih":
        return math.nan
    (frame_us,) = struct.unpack_from("<I", start, 32)
    return 1e6 / frame_us if frame_us else math.nan
