"""Edit lists of MP4 and QuickTime files that do not play as the camera recorded.

An edit list says which parts of a track are played, in which order and at which speed. FFmpeg
follows it but knows no speed: the rest of a part that plays slowly it gives with its own times,
and what comes after a second time. Slow motion is no clock to measure by anyhow. So where an edit
list changes the speed, repeats or turns back, the recording is read by the camera's own clock.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hfs_vision.core.messages import Message

_MOST_BOXES = 10_000
_NORMAL = 1 << 16  # a speed of 1 in 16.16
_UNTIL_THE_END = 1 << 62


@dataclass(frozen=True)
class Edits:
    """What of a track is shown, in ticks of its own clock, where its edit list is not followed.

    Attributes:
        parts: First tick and the one after the last of each part that is played.
        speeds: Lowest and highest speed at which they are.
    """

    parts: tuple[tuple[int, int], ...]
    speeds: tuple[float, float]

    def shows(self, tick: int) -> bool:
        """Whether what stands there is played at all."""
        return any(start <= tick < stop for start, stop in self.parts)

    def doubt(self) -> Message:
        """What to tell the user."""
        slow, fast = self.speeds
        if slow != 1.0 or fast != 1.0:
            return Message("edited_speed", slowest=slow, fastest=fast)
        return Message("edited_order")


def read_edits(path: Path) -> list[Edits | None]:
    """The edit lists of the video tracks, in order; empty for what is no MP4 or QuickTime file.

    ``None`` for those that FFmpeg follows as they are meant: a late start, frames that are hidden,
    and parts that are cut out.
    """
    try:
        with path.open("rb") as file:
            return list(_edits(file, path.stat().st_size))
    except (OSError, struct.error):
        return []


def _edits(file: BinaryIO, size: int) -> Iterator[Edits | None]:
    for start, stop in _boxes(file, 0, size, b"moov"):
        movie_scale = _scale(file, start, stop, b"mvhd")
        for track in _boxes(file, start, stop, b"trak"):
            for media in _boxes(file, *track, b"mdia"):
                media_scale = _scale(file, *media, b"mdhd")
                if _handler(file, media) == b"vide" and movie_scale and media_scale:
                    yield _unplain(list(_segments(file, track)), media_scale / movie_scale)


def _unplain(segments: list[tuple[int, int, int]], ticks: float) -> Edits | None:
    """Of segments of length, first tick and speed; `ticks` of the media for one of the movie."""
    parts, speeds, latest, plain = [], [], 0, True
    for length, first, speed in segments:
        if first < 0:  # a pause
            continue
        rate = max(speed, 0) / _NORMAL  # at 0 one picture is held
        stop = first + max(round(length * ticks * rate), 1) if length else _UNTIL_THE_END
        plain &= speed == _NORMAL and first >= latest - ticks
        parts.append((first, stop))
        speeds.append(rate)
        latest = stop
    return None if plain else Edits(tuple(parts), (min(speeds), max(speeds)))


def _segments(file: BinaryIO, track: tuple[int, int]) -> Iterator[tuple[int, int, int]]:
    for edits in _boxes(file, *track, b"edts"):
        for start, stop in _boxes(file, *edits, b"elst"):
            file.seek(start)
            head = file.read(8)
            entry = struct.Struct(">Qqi" if head[:1] == b"\1" else ">Iii")
            (stated,) = struct.unpack_from(">I", head, 4)
            for _ in range(min(stated, (stop - start - 8) // entry.size, _MOST_BOXES)):
                yield entry.unpack(file.read(entry.size))


def _scale(file: BinaryIO, start: int, stop: int, kind: bytes) -> int:
    """Ticks a second by a header box of the movie or of a track's media; 0 if there is none."""
    for at, _ in _boxes(file, start, stop, kind):
        file.seek(at)
        data = file.read(24)
        return int(struct.unpack_from(">I", data, 20 if data[:1] == b"\1" else 12)[0])
    return 0


def _handler(file: BinaryIO, media: tuple[int, int]) -> bytes:
    for at, _ in _boxes(file, *media, b"hdlr"):
        file.seek(at + 8)
        return file.read(4)
    return b""


def _boxes(file: BinaryIO, start: int, stop: int, kind: bytes) -> Iterator[tuple[int, int]]:
    """Where what boxes of a kind hold begins and ends."""
    at = start
    for _ in range(_MOST_BOXES):
        if at + 8 > stop:
            return
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        size, begin = int.from_bytes(head[:4], "big"), at + 8
        if size == 1:
            size, begin = int.from_bytes(head[8:16], "big"), at + 16
        end = at + size if size else stop
        if end < begin or end > stop:
            return
        if head[4:8] == kind:
            yield begin, end
        at = end
