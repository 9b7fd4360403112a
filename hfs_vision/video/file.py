"""Frames of a video file, through PyAV (FFmpeg)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import cv2
import numpy as np
from av.codec.context import ThreadType
from av.container import InputContainer
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from hfs_vision.errors import SourceError
from hfs_vision.schema import SourceInfo
from hfs_vision.video.source import DecodeStats, FrameSource, Picture

# Frame threads, because H.264 slice threads were seen to conceal damage without flagging it.
# Two, because they halve the wait for 1080p at 8 % more CPU; more only adds frames in flight.
_DECODE_THREADS = 2
# Encoders place key frames at most this far apart by default (x264: 250 frames). A stream that
# never has one (periodic intra refresh) has healed by then.
_HEALED_AFTER_S = 10.0
_LARGEST_KEPT_BLOCK = 31 << 20  # bytes; glibc adapts to blocks of up to 32 MiB
_TRUNCATED_S = 1.0  # headers are rounded, and sound may outlast the picture a little
_MAX_DEMUX_ERRORS = 100
_Matrix = tuple[int, int, int, int]
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
            for _, frame, rgb in _converted(container, stream, probe):
                self.info = _video_info(container, stream, frame, rgb)
                return
        raise SourceError(
            f"{path}: no frame can be decoded ({probe.decode_errors} decode errors): "
            "the file is damaged or cut off; record or convert it again"
        )

    def _pictures(self, stats: DecodeStats) -> Iterator[tuple[float, Picture]]:
        with _open_container(self.path) as container:
            stream = _video_stream(container, self.path)
            for time_s, _, rgb in _converted(container, stream, stats):
                yield time_s, rgb


class _Decoder:
    """Decodes one stream of an open container once, and judges each frame."""

    def __init__(self, container: InputContainer, stream: VideoStream, stats: DecodeStats) -> None:
        self._container, self._stream, self._stats = container, stream, stats
        self._tick = stream.time_base or Fraction(1)
        rate = _nominal_rate(stream)
        self._step_s = 1 / rate if rate else 0.04
        self._last_s: float | None = None
        self._damaged_at_s: float | None = None
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
                if self._is_sound(frame, time_s):
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
        self._stats.decode_errors += 1
        self._damaged_at_s = time_s
        self._packets_since_error = 0

    def _is_sound(self, frame: av.VideoFrame, time_s: float) -> bool:
        """Whether neither the frame nor, as far as is known, one that it builds on is damaged."""
        if frame.is_corrupt:
            self._note_error(time_s)
            return False
        if self._damaged_at_s is None:
            return True
        self._damaged_at_s = min(self._damaged_at_s, time_s)
        if frame.key_frame or time_s - self._damaged_at_s > _HEALED_AFTER_S:
            self._damaged_at_s = None
            return True
        self._stats.withheld += 1
        return False


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
) -> Iterator[tuple[float, av.VideoFrame, Picture]]:
    """Sound frames with their times in seconds and their upright pictures."""
    stream.codec_context.thread_type = ThreadType.FRAME
    stream.codec_context.thread_count = _DECODE_THREADS
    aspect = float(stream.sample_aspect_ratio or 1)
    # glibc gives blocks of a picture's size back to the system and takes them again for every
    # frame, a fifth of the cost at 1080p, until it has seen a larger one come and go.
    np.empty(_LARGEST_KEPT_BLOCK, np.uint8)
    reformatter = VideoReformatter()  # one for all frames: its tables are slow to make
    matrix: _Matrix | None = None
    for time_s, frame in _Decoder(container, stream, stats).frames():
        try:
            rgb = _to_rgb(frame, reformatter, aspect)
        except av.FFmpegError:
            stats.decode_errors += 1
            continue
        # Once: the matrix belongs to the stream, and PyAV ties each frame whose side data are read
        # into a reference cycle, which keeps the picture's memory until Python collects it.
        if matrix is None:
            matrix = _display_matrix(frame)
        yield time_s, frame, _upright(rgb, matrix)


def _to_rgb(frame: av.VideoFrame, reformatter: VideoReformatter, aspect: float) -> Picture:
    """Picture with square pixels, ``(h, w, 3)``; `aspect` is a pixel's width over its height."""
    width, height = frame.width, frame.height
    # Within 0.5 % it is an encoder's rounding, beyond 4 a damaged header.
    if 1.005 < aspect < 4:
        width = round(width * aspect)
    elif 1 / 4 < aspect < 0.995:
        height = round(height / aspect)
    # swscale, since it knows every colour matrix, range and depth, and costs less than OpenCV.
    # Before PyAV 17 it takes the source's matrix and range only where they are passed.
    colours = {"src_color_range": frame.color_range, "dst_color_range": ColorRange.JPEG}
    colours["dst_colorspace"] = Colorspace.ITU601
    try:
        out = reformatter.reformat(frame, width, height, "rgb24", **colours)
    except av.FFmpegError:  # a matrix that it does not know, such as YCgCo: odd colours
        colours["src_colorspace"] = Colorspace.ITU709
        out = reformatter.reformat(frame, width, height, "rgb24", **colours)
    rows = np.frombuffer(memoryview(out.planes[0]), np.uint8).reshape(height, -1)
    # A copy only where rows are padded: `rows` keeps the memory of `out` alive.
    return np.ascontiguousarray(rows[:, : 3 * width]).reshape(height, width, 3)


def _display_matrix(frame: av.VideoFrame) -> _Matrix:
    """(a, b, c, d) of the display transform (p, q) -> (ap + cq, bp + dq), y down."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(cast(bytes, data), np.int32)[:5].tolist()
    return a, b, c, d


def _upright(rgb: Picture, matrix: _Matrix) -> Picture:
    """Turned, and mirrored where the matrix says so, by the nearest right angle."""
    a, b, c, d = matrix
    turned = abs(b) > abs(a)
    if turned:
        rgb = np.asarray(cv2.transpose(rgb), np.uint8)
    flip_x, flip_y = (c < 0, b < 0) if turned else (a < 0, d < 0)
    if flip_x or flip_y:
        rgb = np.asarray(cv2.flip(rgb, -1 if flip_x and flip_y else int(flip_x)), np.uint8)
    return rgb


def _clockwise_deg(matrix: _Matrix) -> int:
    _, _, c, d = matrix
    return round(math.degrees(math.atan2(-c, d)) / 90) * 90 % 360


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
    container: InputContainer, stream: VideoStream, frame: av.VideoFrame, rgb: Picture
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
        rotation_deg=_clockwise_deg(_display_matrix(frame)),
    )
