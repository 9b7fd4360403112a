"""Writes videos and pictures that are complete or not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from hfs_vision.errors import OutputError
from hfs_vision.render.text_drawing import Picture
from hfs_vision.results import video_tag
from hfs_vision.results.temp_folder import working_folder
from hfs_vision.video.recording import TICKS_PER_S, add_h264, timed_frame

_CRF = 20
_PRESET = "veryfast"
_KEY_EVERY = 60  # frames, so that a viewer may jump

_MPEG4_TICKS_PER_S = 60_000
"""MPEG-4 knows no finer one than 1/65535 s; this one holds 23.976 to 60 frames/s exactly."""

_MPEG4_BITS_A_PIXEL = 6
_NOMINAL_FPS = 30

_UNFINISHED = ".writing-footage-"
"""Of a name of its own: the tables' folders hold no pictures, and no lock."""


class VideoWriter:
    """Encodes pictures, each at its own time, until `replacing` closes the container.

    Args:
        container: An MP4.
        shape: Height and width of the pictures, both even.
    """

    def __init__(self, container: OutputContainer, shape: tuple[int, ...]) -> None:
        self._container = container
        self._stream = _add_stream(container, (shape[1], shape[0]))
        self._last = -1

    def write(self, rgb: NDArray[np.uint8], time_s: float) -> None:
        """Takes a picture, ``(height, width, 3)`` uint8 RGB.

        It is left out where its time, 0 or more, is not later than the last by 1/90000 s.
        """
        ticks = round(time_s * TICKS_PER_S)
        if ticks > self._last:
            self._last = ticks
            self._container.mux(self._stream.encode(timed_frame(rgb, ticks)))

    def finish(self) -> None:
        """Writes what the encoder still holds."""
        self._container.mux(self._stream.encode(None))


@contextmanager
def new_video(path: Path, shape: tuple[int, ...], kind: str) -> Iterator[VideoWriter]:
    """An MP4 that appears when the block ends well; else nothing is left of it.

    It is H.264 where PyAV's FFmpeg can write that, else MPEG-4. Without sound.

    Args:
        path: Result.
        shape: Height and width of the pictures, both even.
        kind: What it is, as `hfs_vision.results.video_tag` takes it.

    Raises:
        OutputError: It cannot be written.
    """
    # A first time above 0 is kept in the movie's own, by default coarser, time scale. The index
    # comes first, so that a browser can begin before it has all.
    options = {"movie_timescale": str(TICKS_PER_S), "movflags": "faststart"}
    with (
        replacing(path) as temporary,
        av.open(str(temporary), "w", format="mp4", container_options=options) as container,
    ):
        container.metadata.update(video_tag(kind))
        writer = VideoWriter(container, shape)
        yield writer
        writer.finish()


def write_picture(path: Path, picture: Picture) -> None:
    """Writes a PNG that appears when it is complete.

    Raises:
        OutputError: It cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", picture)[1].tobytes())


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of ``path`` when the block ends well.

    What a process that was killed has left in the same folder is removed.

    Raises:
        OutputError: The folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with working_folder(path.parent, _UNFINISHED) as folder:
            temporary = folder / path.name
            yield temporary
            temporary.replace(path)
    except (OSError, av.FFmpegError) as error:
        raise OutputError(
            f"cannot write {path}: {getattr(error, 'strerror', None) or error}; make room there, "
            "or choose another place with --out"
        ) from error


def _add_stream(container: OutputContainer, size: tuple[int, int]) -> VideoStream:
    if "libx264" in av.codecs_available:
        options = {"crf": str(_CRF), "preset": _PRESET, "g": str(_KEY_EVERY)}
        return add_h264(container, size, options)
    stream = container.add_stream("mpeg4", rate=_NOMINAL_FPS, options={"bf": "0"})
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.gop_size = _KEY_EVERY
    stream.codec_context.bit_rate = _MPEG4_BITS_A_PIXEL * size[0] * size[1]
    stream.codec_context.time_base = Fraction(1, _MPEG4_TICKS_PER_S)
    return stream
