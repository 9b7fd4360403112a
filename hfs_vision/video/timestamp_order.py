"""Times of frames that a file has stamped in the order in which they are decoded.

AVI knows no time of showing, and what was copied from it to another container is stamped as it
was. Then the stamps go up from packet to packet, but not from frame to frame as a decoder shows
them. They belong to the frames in the order in which they are shown.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

import av
from av.container import InputContainer
from av.video.stream import VideoStream

_DEEPEST = 16
"""Frames by which a picture may be reordered (ITU-T H.264, A.3.1; H.265, A.4.2)."""

_REORDERING = ("h264", "hevc")
_LOOKED_AT = 128


def stamped_as_decoded(container: InputContainer, stream: VideoStream) -> bool:
    """Whether stamps go up from packet to packet, and yet not from frame to frame.

    Args:
        container: The file, of which the first frames may have been decoded already; some more are.
        stream: Its pictures.
    """
    context = stream.codec_context
    if context.name not in _REORDERING or not context.has_b_frames:
        return False
    latest, shown, back = -math.inf, -math.inf, False
    for packet in islice(_sound(container, stream), _LOOKED_AT):
        if packet.pts is None or packet.pts <= latest:
            return False
        latest = packet.pts
        with suppress(av.FFmpegError):
            for frame in context.decode(packet):
                back |= frame.pts is not None and frame.pts < shown
                shown = frame.pts or shown
    return back


def _sound(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet[VideoStream]]:
    with suppress(av.FFmpegError):
        yield from (packet for packet in container.demux(stream) if packet.size)


class InOrder:
    """Gives each frame, as the decoder shows it, the next of the stamps in order of time.

    What is lost leaves its own stamp out, which may be some frames from where it is missing.
    """

    def __init__(self) -> None:
        self._frames: deque[av.VideoFrame] = deque()
        self._stamps: list[int] = []

    def __call__(self, frames: Iterable[av.VideoFrame], *, ended: bool) -> Iterator[av.VideoFrame]:
        """Those of all frames so far whose stamp is known, or all if there will be no more."""
        for frame in frames:
            if frame.pts is not None:
                heapq.heappush(self._stamps, frame.pts)
            self._frames.append(frame)
        while len(self._frames) > (0 if ended else _DEEPEST):
            frame = self._frames.popleft()
            if frame.pts is not None:
                frame.pts = heapq.heappop(self._stamps)
            yield frame
