"""Frames of a video file, through PyAV (FFmpeg)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.codec.context import ThreadType
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from hfs_vision.errors import SourceError
from hfs_vision.schema import SourceInfo
from hfs_vision.video.pictures import Converter, Damage
from hfs_vision.video.source import DecodeStats, FrameSource, Picture

# Frame threads, because H.264 slice threads were seen to conceal damage without flagging it.
# Two, because they halve the wait for 1080p at 8 % more CPU; more only adds frames in flight.
_DECODE_THREADS = 2
_TRUNCATED_S = 1.0  # headers are rounded, and sound may outlast the picture a little
_MAX_DEMUX_ERRORS = 100
# Tags that are not UTF-8 must not end the reading. From 19 on PyAV sees to that by itself.
_TAGS: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)


class VideoFile(FrameSource):
    """A video file of any container and codec that FFmpeg reads."""

    def __init__(self, path: Path) -> None:
        """Open `path` and decode up to its first sound frame, which tells size and rotation.

        Raises:
            SourceError: The file cannot be read, or no picture in it can be decoded.
        """
        super().__init__()
        self.path = path
        _check_readable(path)
        probe = DecodeStats()
        with _open_container(path) as container:
            stream = _video_stream(container, path)
            for _, rgb, rotation_deg in _converted(container, stream, probe):
                self.info = _video_info(container, stream, rgb, rotation_deg)
                return
        raise SourceError(
            f"{path}: no frame can be decoded ({probe.decode_errors} decode errors): "
            "the file is damaged or cut off; record or convert it again"
        )

    def _pictures(self, stats: DecodeStats) -> Iterator[tuple[float, Picture]]:
        with _open_container(self.path) as container:
            stream = _video_stream(container, self.path)
            for time_s, rgb, _ in _converted(container, stream, stats):
                yield time_s, rgb


class _Decoder:
    """Decodes one stream of an open container once, and judges each frame."""

    def __init__(self, container: InputContainer, stream: VideoStream, stats: DecodeStats) -> None:
        self._container, self._stream, self._stats = container, stream, stats
        self._tick = stream.time_base or Fraction(1)
        rate = _nominal_rate(stream)
        self._step_s = 1 / rate if rate else 0.04
        self._last_s: float | None = None
        self._damage = Damage(stats)
        self._packets_end_s = -math.inf
        self._packets_since_error = 1 << 62

    def frames(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Sound frames with their times in seconds, one by one."""
        for packet in self._packets():
            try:
                frames = self._stream.codec_context.decode(packet)
            except av.FFmpegError:
                self._note_error(math.inf if self._last_s is None else self._last_s)
                if self._stats.estimated_times and self._last_s is not None:
                    self._last_s += self._step_s  # the lost frame had its time too
                continue
            for frame in frames:
                time_s = self._time(frame)
                if frame.is_corrupt:
                    self._packets_since_error = 0
                if not self._damage.spoils(frame, time_s):
                    yield time_s, frame
        ends_damaged = self._packets_since_error <= _DECODE_THREADS
        missing_s = _stated_end_s(self._container, self._stream) - self._packets_end_s
        self._stats.truncated |= ends_damaged or missing_s > _TRUNCATED_S

    def _packets(self) -> Iterator[av.Packet[VideoStream] | None]:
        """The stream's packets, and None at the end, which makes the decoder give up its last."""
        for _ in range(_MAX_DEMUX_ERRORS):
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size == 0:
                        continue  # a frame that an AVI left out; to a decoder it means the end
                    if packet.pts is not None:
                        end = packet.pts + (packet.duration or 0)
                        self._packets_end_s = max(self._packets_end_s, float(end * self._tick))
                    self._packets_since_error += 1
                    yield packet
                break
            except av.FFmpegError:
                self._note_error(math.inf if self._last_s is None else self._last_s)
        else:
            self._stats.truncated = True
        yield None

    def _time(self, frame: av.VideoFrame) -> float:
        if frame.pts is not None:
            self._last_s = frame.pts * self._tick.numerator / self._tick.denominator
        else:  # a raw stream (.h264) carries no times
            self._stats.estimated_times += 1
            self._last_s = 0.0 if self._last_s is None else self._last_s + self._step_s
        return self._last_s

    def _note_error(self, time_s: float) -> None:
        self._damage.note(time_s)
        self._packets_since_error = 0


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error}): check its permissions") from error
    if empty:
        raise SourceError(f"{path} is empty (0 bytes): record or copy it again")


def _open_container(path: Path) -> InputContainer:
    try:
        container: InputContainer = av.open(
            f"file:{path}",  # so that no part of a name is taken for a protocol
            mode="r",
            container_options={"protocol_whitelist": "file"},
            **_TAGS,
        )
        return container
    except (av.FFmpegError, ValueError) as error:
        raise SourceError(
            f"{path} cannot be opened as a video ({getattr(error, 'strerror', None) or error}): "
            "it is of another kind, or the recording broke off before its header was written"
        ) from error


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    # The cover picture of a piece of music is a video stream of one frame to FFmpeg.
    streams = [s for s in container.streams.video if Disposition.attached_pic not in s.disposition]
    if not streams:
        raise SourceError(f"{path} holds no video stream: give a file that shows a face")
    best = container.streams.best("video")
    stream = next((s for s in streams if s is best), streams[0])
    if stream.codec_context is None:
        raise SourceError(f"{path}: its video codec is not supported; convert it to H.264")
    return stream


def _converted(
    container: InputContainer, stream: VideoStream, stats: DecodeStats
) -> Iterator[tuple[float, Picture, int]]:
    """Times in seconds and upright pictures of sound frames, and the rotation in degrees."""
    stream.codec_context.thread_type = ThreadType.FRAME
    stream.codec_context.thread_count = _DECODE_THREADS
    convert = Converter(stream)
    for time_s, frame in _Decoder(container, stream, stats).frames():
        try:
            rgb = convert(frame)
        except av.FFmpegError:
            stats.decode_errors += 1
            continue
        yield time_s, rgb, convert.rotation_deg


def _nominal_rate(stream: VideoStream) -> float | None:
    # Of a raw stream, which has no start time, the average is the demuxer's default of 25.
    raw = stream.start_time is None
    rate = stream.guessed_rate if raw else stream.average_rate or stream.guessed_rate
    return float(rate) if rate else None


def _stated_end_s(container: InputContainer, stream: VideoStream) -> float:
    """Where the header says that the pictures end, on the clock of the timestamps; or -inf."""
    if stream.duration and stream.time_base:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
    if container.duration is None:
        return -math.inf
    # Containers differ in whether the duration counts from zero or from the first frame.
    return (container.duration + min(container.start_time or 0, 0)) / av.time_base


def _video_info(
    container: InputContainer, stream: VideoStream, rgb: Picture, rotation_deg: int
) -> SourceInfo:
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
        nominal_fps=_nominal_rate(stream),
        frame_count=stream.frames or None,
        duration_s=duration_s,
        rotation_deg=rotation_deg,
    )
