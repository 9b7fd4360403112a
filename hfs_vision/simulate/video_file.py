"""Writing of videos: H.264 in MP4 with the frames' own times, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av

from hfs_vision.errors import OutputError
from hfs_vision.schema import Frame, StrPath
from hfs_vision.video.recording import TICKS_PER_S as TICKS_PER_S
from hfs_vision.video.recording import add_h264, timed_frame


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    Raises:
        OutputError: The folder or the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    except (OSError, av.FFmpegError) as error:
        raise OutputError(f"cannot write {path}: {error}") from error
    finally:
        with suppress(OSError):  # what was wrong is told already
            temporary.unlink(missing_ok=True)


def write_video(path: StrPath, frames: Iterable[Frame], *, crf: int = 20) -> int:
    """Write frames as an MP4 (H.264, yuv420p), each at its own time.

    Args:
        path: Result; it appears only when it is complete.
        frames: Frames of one size with increasing times; times are rounded to 1/90000 s. An odd
            last row or column is cut off, as the pixel format asks for even sizes.
        crf: Constant rate factor of x264: 17 looks lossless, 28 is small.

    Returns:
        The number of frames written.

    Raises:
        OutputError: No frame came, times do not increase, sizes differ, or writing failed.
    """
    path = Path(path)
    source = iter(frames)
    first = next(source, None)
    if first is None:
        raise OutputError(f"cannot write {path}: there are no frames")
    shape = first.rgb.shape
    # In MP4 a first time above 0 is kept in the movie's own, by default coarser, time scale.
    ticking = {"movie_timescale": str(TICKS_PER_S)}
    with (
        replacing(path) as temporary,
        av.open(str(temporary), "w", format="mp4", container_options=ticking) as container,
    ):
        # One thread: the bytes are then the same on every machine.
        options = {"crf": str(crf), "preset": "medium", "threads": "1"}
        stream = add_h264(container, (shape[1], shape[0]), options)
        last, count = -1, 0
        for frame in _chain(first, source):
            ticks = round(frame.time_s * TICKS_PER_S)
            if ticks <= last or frame.rgb.shape != shape:
                raise OutputError(
                    f"cannot write {path}: frame {frame.index} at {frame.time_s:.4f} s with shape "
                    f"{frame.rgb.shape}; times must increase from 0 on and all shapes be {shape}"
                )
            container.mux(stream.encode(timed_frame(frame.rgb, ticks)))
            last, count = ticks, count + 1
        container.mux(stream.encode(None))
    return count


def _chain(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest
