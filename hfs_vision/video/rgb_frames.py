"""Decoded frames as upright RGB pictures, and which of them are damaged."""

from __future__ import annotations

import math
import re
from typing import cast

import av
import cv2
import numpy as np
from av.codec.context import ThreadType
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from hfs_vision.video.source import DecodeStats, Picture

_LARGEST_KEPT_BLOCK = 31 << 20  # bytes; glibc adapts to blocks of up to 32 MiB
# Encoders place key frames at most this far apart by default (x264: 250 frames). A stream that
# never has one (periodic intra refresh) has healed by then.
_HEALED_AFTER_S = 10.0
_JPEG_SCAN = re.compile(rb"\xff\xda\0[\x08\x0a\x0c\x0e][\1-\4]")
_STOPS_IF_STRICT = ("h264", "hevc", "mpeg4")
Matrix = tuple[int, int, int, int]


def set_up(context: VideoCodecContext, *, strict: bool) -> None:
    """Prepares a decoder, before it decodes.

    It has one thread: with more of them what becomes of a damaged file differs from one run to the
    next. Frame threads are given what is decoded of a damaged frame by chance, and H.264 slice
    threads were seen to conceal damage without flagging it. `hfs_vision.video.source.ahead`
    decodes beside what else there is to do.

    Args:
        context: It has decoded nothing yet.
        strict: Whether it stops at damage, as those of JPEG always do; else it makes up the rest of
            the picture, of what it saw before, and mostly does not flag it. What a camera makes
            whose every packet has some harmless fault can only be decoded without.
    """
    context.thread_type, context.thread_count = ThreadType.NONE, 1
    if context.name == "mjpeg" or (strict and context.name in _STOPS_IF_STRICT):
        context.options = {"err_detect": "explode"}


class Converter:
    """Upright pictures with square pixels of one stream's frames.

    Attributes:
        matrix: Display matrix of the first frame, unless it is given; it holds for all.
        rotation_deg: Clockwise rotation that makes them upright; known after the first.
    """

    def __init__(
        self, stream: VideoStream | VideoCodecContext, matrix: Matrix | None = None
    ) -> None:
        # glibc gives blocks of a picture's size back to the system and takes them again for every
        # frame, a fifth of the cost at 1080p, until it has seen a larger one come and go.
        np.empty(_LARGEST_KEPT_BLOCK, np.uint8)
        # For all frames, since their tables are slow to make.
        self._reformatter, self._narrower = VideoReformatter(), VideoReformatter()
        self._aspect = float(stream.sample_aspect_ratio or 1)
        self.matrix = matrix
        self.rotation_deg = 0

    def __call__(self, frame: av.VideoFrame) -> Picture:
        """The frame as ``(h, w, 3)`` uint8 RGB.

        Raises:
            av.FFmpegError: The frame cannot be converted.
        """
        rgb = _to_rgb(_narrowed(frame, self._narrower), self._reformatter, self._aspect)
        # Once: the matrix belongs to the stream, and PyAV ties each frame whose side data are read
        # into a reference cycle, which keeps the picture's memory until Python collects it.
        if self.matrix is None:
            self.matrix = _display_matrix(frame)
        self.rotation_deg = _clockwise_deg(self.matrix)
        return _upright(rgb, self.matrix)


class Damage:
    """Withholds frames that are damaged, or predicted from one that is.

    Args:
        stats: Counts them.
    """

    def __init__(self, stats: DecodeStats) -> None:
        self._stats = stats
        self._since_s: float | None = None
        self._latest_s = -math.inf

    def note(self, time_s: float, own_s: float | None = None) -> None:
        """Something could not be decoded.

        Args:
            time_s: Of the last frame before it; infinite where that is not known.
            own_s: When it would have been shown, where that is known.
        """
        self._stats.decode_errors += 1
        self._since_s = time_s
        if own_s is not None:
            self._latest_s = max(self._latest_s, own_s)

    def spoils(self, frame: av.VideoFrame, time_s: float) -> bool:
        """Whether the frame or, as far as is known, one that it builds on is damaged."""
        if frame.is_corrupt:
            self.note(time_s, time_s)
            return True
        if self._since_s is None:
            return False
        self._since_s = min(self._since_s, time_s)
        if frame.key_frame and time_s < self._latest_s:
            return False  # where frames are reordered it was decoded before what is damaged
        if frame.key_frame or time_s - self._since_s > _HEALED_AFTER_S:
            self._since_s, self._latest_s = None, -math.inf
            return False
        self._stats.withheld += 1
        return True


def without_scan(jpeg: bytes) -> bool:
    """Whether a JPEG has lost its pixels: FFmpeg gives out what the memory held before."""
    return _JPEG_SCAN.search(jpeg) is None


def _narrowed(frame: av.VideoFrame, reformatter: VideoReformatter) -> av.VideoFrame:
    """The frame in 8 bits if it is 4:2:0 of more, else itself.

    swscale turns those of 8 bits into RGB six times as fast, and a telephone's pictures of 10 bits
    by way of 8 in half the time: 1.7 ms for 1080p where 3.4 were taken.
    """
    if not frame.format.name.startswith("yuv420p1"):  # 10, 12, 14 or 16 bits
        return frame
    # The matrix is not used, but one that swscale does not know would be an error.
    same = {"src_colorspace": Colorspace.ITU709, "dst_colorspace": Colorspace.ITU709}
    narrow = reformatter.reformat(frame, format="yuv420p", **same)
    narrow.colorspace, narrow.color_range = frame.colorspace, frame.color_range
    return narrow


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


def _display_matrix(frame: av.VideoFrame) -> Matrix:
    """(a, b, c, d) of the display transform (p, q) -> (ap + cq, bp + dq), y down."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(cast(bytes, data), np.int32)[:5].tolist()
    return a, b, c, d


def _upright(rgb: Picture, matrix: Matrix) -> Picture:
    """Turned, and mirrored where the matrix says so, by the nearest right angle."""
    a, b, c, d = matrix
    turned = abs(b) > abs(a)
    if turned:
        rgb = np.asarray(cv2.transpose(rgb), np.uint8)
    flip_x, flip_y = (c < 0, b < 0) if turned else (a < 0, d < 0)
    if flip_x or flip_y:
        rgb = np.asarray(cv2.flip(rgb, -1 if flip_x and flip_y else int(flip_x)), np.uint8)
    return rgb


def _clockwise_deg(matrix: Matrix) -> int:
    _, _, c, d = matrix
    return round(math.degrees(math.atan2(-c, d)) / 90) * 90 % 360
