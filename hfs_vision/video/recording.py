"""Writing of H.264 in MP4, each frame at its own time, also of a session that may break off."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from hfs_vision.schema import Frame
from hfs_vision.video.source import Picture

TICKS_PER_S = 90_000
"""Time resolution of the videos written here; it holds every common frame rate exactly."""

_CRF = 18
_KEY_EVERY_S = 1.0
_WAITING = 30  # frames; a disk stalls for part of a second
# A fragment is written with each key frame, and can be read whatever becomes of what follows. The
# header waits for the first, so that it can tell when the recording begins, in our own ticks.
_FRAGMENTS = {
    "movflags": "frag_keyframe+empty_moov+delay_moov+default_base_moof",
    "movie_timescale": str(TICKS_PER_S),
    "avoid_negative_ts": "disabled",
    "flush_packets": "1",
}
# No look-ahead: a frame is written when it is given. 2.3 ms of CPU for 480x480.
_SPEED = {"preset": "superfast", "tune": "zerolatency", "threads": "2", "forced-idr": "1"}


def add_h264(
    container: OutputContainer, size: tuple[int, int], options: dict[str, str]
) -> VideoStream:
    """A stream of H.264 (yuv420p, no B-frames) for frames that `timed_frame` makes.

    Args:
        container: Where the stream is added.
        size: Width and height; an odd last row or column is cut off, as the format asks.
        options: Of libx264.
    """
    # No B-frames: decoding order is then display order and the first frame keeps its time.
    stream = container.add_stream("libx264", rate=30, options={"bf": "0", **options})
    stream.width, stream.height = size[0] // 2 * 2, size[1] // 2 * 2
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = Fraction(1, TICKS_PER_S)
    return stream


def timed_frame(rgb: Picture, ticks: int) -> av.VideoFrame:
    """``(h, w, 3)`` uint8 RGB at a time in ticks; an odd last row or column is cut off."""
    even = rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2]
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
    frame.pts = ticks
    frame.time_base = Fraction(1, TICKS_PER_S)
    return frame


def _make_new(path: Path) -> None:
    """Makes a file of its own, private to the user: FFmpeg would write to where a link leads."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


class Recorder:
    """Writes frames in a thread of its own, to a file that is sound up to its last second.

    The MP4 is written in fragments of a second: should the program be killed, what came before
    can be read.

    Attributes:
        error: Why nothing is recorded any more; empty as long as it is.
        recorded: Frames written.
        dropped: Frames that did not fit into the queue, or came with a time that is not later than
            the one before by 1/90000 s.
    """

    def __init__(
        self, path: Path, *, lossless: bool = False, tags: Mapping[str, str] | None = None
    ) -> None:
        """Nothing is written before the first frame.

        Args:
            path: Result; a file that exists is replaced, a folder that is missing is made, private
                to the user.
            lossless: Let whoever gives a frame wait instead of dropping it.
            tags: Of the container.
        """
        self._path, self._lossless, self._tags = path, lossless, dict(tags or {})
        self._waiting: queue.Queue[Frame | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._closed = False
        self.error = ""
        self.recorded = 0
        self.dropped = 0
        self._thread.start()

    def put(self, frame: Frame) -> None:
        """Takes a frame to be written, without waiting unless nothing may be lost."""
        if self.error or self._closed:
            return
        try:
            self._waiting.put(frame, block=self._lossless)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Writes what waits and ends the file."""
        if not self._closed:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            first = self._waiting.get()
            if first is not None:
                self._write(first)
        except Exception as error:  # whatever it is, the session goes on without a recording
            said = getattr(error, "strerror", None) or str(error)
            self.error = f"{self._path} cannot be written ({said})"
            while not self._closed or not self._waiting.empty():
                self._waiting.get()

    def _write(self, first: Frame) -> None:
        height, width = first.rgb.shape[:2]
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_new(self._path)
        with av.open(str(self._path), "w", format="mp4", container_options=_FRAGMENTS) as container:
            container.metadata.update(self._tags)
            stream = add_h264(container, (width, height), {"crf": str(_CRF), **_SPEED})
            last, key = -1, -TICKS_PER_S
            frame: Frame | None = first
            while frame is not None:
                ticks = round(frame.time_s * TICKS_PER_S)
                if ticks > last:
                    rgb = frame.rgb
                    if rgb.shape != first.rgb.shape:
                        rgb = np.asarray(cv2.resize(rgb, (width, height)), np.uint8)
                    picture = timed_frame(rgb, ticks)
                    if ticks - key >= _KEY_EVERY_S * TICKS_PER_S:
                        picture.pict_type = av.video.frame.PictureType.I
                        key = ticks
                    container.mux(stream.encode(picture))
                    last = ticks
                    self.recorded += 1
                else:
                    self.dropped += 1
                frame = self._waiting.get()
            container.mux(stream.encode(None))
