"""Short recordings with known movements that the faults are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from hfs_vision.results import read_events
from hfs_vision.schema import Event
from tests.paths import SAMPLES

Picture = NDArray[np.uint8]

SIZE = 256
FPS = 30
PIECES = {"left": ("variable_frame_rate", 4.0), "right": ("right_hemifacial_spasms", 4.0)}
"""Two twitches of the left lids; one long pull of the right corner of the mouth."""

CODECS = {
    "h264": ("libx264", "mp4", {"crf": "26", "g": "30", "threads": "1"}),
    "hevc": ("libx265", "mkv", {"x265-params": "log-level=none:keyint=30:crf=26:pools=1"}),
    "mjpeg": ("mjpeg", "avi", {"qmin": "4", "qmax": "8"}),
    "vp9": ("libvpx-vp9", "webm", {"crf": "34", "b": "0", "g": "30", "cpu-used": "8"}),
}
"""Encoder, container and options."""

TOLERANCE_S = 0.1
"""Three frames: how far an edge of an event may move where the pictures are others."""


@cache
def pictures(side: str) -> tuple[Picture, ...]:
    """The frames of a piece at `FPS`, ``(SIZE, SIZE, 3)`` RGB."""
    sample, length_s = PIECES[side]
    found: list[Picture] = []
    with av.open(str(SAMPLES / f"{sample}.mp4")) as container:
        for frame in container.decode(video=0):
            if frame.time >= length_s:
                break
            if frame.time >= len(found) / FPS - 1e-6:
                small = frame.reformat(SIZE, SIZE, "rgb24")
                found.append(small.to_ndarray())
    return tuple(found)


def write_video(
    path: Path,
    shown: Iterable[Picture],
    codec: str = "h264",
    *,
    ticks: Callable[[int], int] = lambda index: index,
    time_base: Fraction = Fraction(1, FPS),
    pix_fmt: str | None = None,
    encoder: str | None = None,
) -> Path:
    """Encodes pictures; the container is what the name of the file says."""
    name, _, options = CODECS[codec]
    given = iter(shown)
    first = next(given)
    with av.open(str(path), "w") as out:
        options = {} if encoder else options
        stream = out.add_stream(encoder or name, rate=FPS, options=dict(options))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = pix_fmt or ("yuvj420p" if codec == "mjpeg" else "yuv420p")
        stream.time_base = stream.codec_context.time_base = time_base
        for index, rgb in enumerate(_chain(first, given)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts, frame.time_base = ticks(index), time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def write_piece(folder: Path, side: str, codec: str = "h264") -> Path:
    """A piece in the container that goes with the codec."""
    path = folder / f"{side}.{CODECS[codec][1]}"
    return write_video(path, pictures(side), codec)


def supported(event: Event, truth: Iterable[Event]) -> bool:
    """Whether an event lies in one of the same side, but for `TOLERANCE_S` at its edges."""
    return any(
        event.side == true.side
        and event.onset_s >= true.onset_s - TOLERANCE_S
        and event.offset_s <= true.offset_s + TOLERANCE_S
        for true in truth
    )


def alike(found: list[Event], truth: list[Event]) -> bool:
    """Whether the events are the same, but for `TOLERANCE_S` at their edges."""
    return len(found) == len(truth) and all(
        a.side == b.side
        and abs(a.onset_s - b.onset_s) <= TOLERANCE_S
        and abs(a.offset_s - b.offset_s) <= TOLERANCE_S
        for a, b in zip(found, truth, strict=True)
    )


def events_in(folder: Path) -> list[Event]:
    """The events of a result."""
    return read_events(folder / "events.csv")


def _chain(first: Picture, rest: Iterator[Picture]) -> Iterator[Picture]:
    yield first
    yield from rest
