"""What every source of frames has in common: order of time, counts of what went wrong."""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import islice
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.messages import Message
from hfs_vision.errors import UsageError
from hfs_vision.schema import LARGEST, Frame, SourceInfo

Picture = NDArray[np.uint8]
SHORTEST_STEP_S = 2e-6
"""From frame to frame: tables hold microseconds. A header may state billions of frames a second."""

LONGEST_STEP_S = 0.25
"""From frame to frame; demuxers pass over damage to a container without a word."""

FPS_RANGE = 1.0, 1000.0
"""Frames per second that a camera may be asked for, or images be said to have."""

_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}

_Source = TypeVar("_Source", bound="FrameSource")


def check_fps(fps: float) -> None:
    """Refuses a rate that no camera has.

    Raises:
        UsageError: It lies outside `FPS_RANGE`, or is no number.
    """
    low, high = FPS_RANGE
    if not low <= fps <= high:
        raise UsageError(f"fps must be a number from {low:g} to {high:g}, not {fps!r}")


@dataclass
class DecodeStats:
    """What became of the frames of a source; final once the iteration has ended.

    Attributes:
        frames: Frames delivered.
        decode_errors: Packets or images that could not be decoded, and frames flagged corrupt.
        withheld: Sound frames that were predicted from a damaged one, so not delivered.
        dropped_times: Frames not delivered because their time repeats or goes back, or follows the
            last by less than `SHORTEST_STEP_S`, or is one that tables cannot hold.
        estimated_times: Delivered frames without a timestamp, timed by the nominal rate.
        size_changes: How often the size of the picture changed from one frame to the next.
        gaps, gap_s: How often no frame came for more than `LONGEST_STEP_S`, and their length in
            all, in seconds.
        truncated: The file ends before its header says so, or in data that cannot be decoded.
    """

    frames: int = 0
    decode_errors: int = 0
    withheld: int = 0
    dropped_times: int = 0
    estimated_times: int = 0
    size_changes: int = 0
    gaps: int = 0
    gap_s: float = 0.0
    truncated: bool = False

    @classmethod
    def total(cls, parts: Iterable[DecodeStats]) -> DecodeStats:
        """Of a whole recording, from those of its parts."""
        whole = cls()
        for part in parts:
            for count in fields(cls):
                setattr(whole, count.name, getattr(whole, count.name) + getattr(part, count.name))
        return replace(whole, truncated=bool(whole.truncated))

    def clear(self) -> None:
        """Forgets all counts."""
        vars(self).update(vars(DecodeStats()))

    def warnings(self) -> list[Message]:
        """What the reader of a result must know."""
        found = []
        if self.truncated:
            found.append(Message("ends_early"))
        whole = self.frames + self.decode_errors + self.withheld + self.dropped_times
        counts = (
            (self.decode_errors, "frames_not_decoded"),
            (self.withheld, "frames_after_damage"),
            (self.dropped_times, "frames_out_of_order"),
            (self.estimated_times, "frames_without_time"),
        )
        for count, code in counts:
            share = f" ({count / whole:.1%})" if self.frames else ""  # else it is not counted
            found += [Message(code, count=count, share=share)] if count else []
        if self.gaps:
            found.append(
                Message("holes", count=self.gaps, longest_s=LONGEST_STEP_S, total_s=self.gap_s)
            )
        if self.size_changes:
            found.append(Message("size_changes", count=self.size_changes))
        return found


@dataclass(frozen=True)
class Span:
    """Part of a recording, ``[start_s, stop_s)``, and how much before it is delivered too."""

    start_s: float = -math.inf
    stop_s: float = math.inf
    lead_s: float = 0.0

    def __post_init__(self) -> None:
        if not (self.start_s < self.stop_s and 0 <= self.lead_s < math.inf):
            raise UsageError(
                f"a part from {self.start_s:g} to {self.stop_s:g} s, led in by {self.lead_s:g} s, "
                "cannot be: give a start before the stop and a lead of 0 or more"
            )

    @property
    def from_s(self) -> float:
        """When the first frame is delivered."""
        return self.start_s - self.lead_s


WHOLE = Span()


class FrameSource(ABC):
    """Frames in order of time. Every iteration starts anew, with new `stats`.

    Attributes:
        info: What the source says of itself; known once it is open.
        stats: Counts of the running or last iteration.
    """

    info: SourceInfo
    stats: DecodeStats
    _span = WHOLE
    _turned_deg = 0

    def __init__(self) -> None:
        self.stats = DecodeStats()

    @abstractmethod
    def cuts(self, every_s: float) -> list[float]:
        """Times in seconds at which the recording may be cut into parts.

        They are whole multiples of `every_s` after the first frame, and depend on the recording
        alone. There are none in a recording that is shorter than 1.5 times `every_s`, or one of
        which it is not known beforehand that its parts are exact.

        Raises:
            UsageError: `every_s` is not above 0.
        """

    @abstractmethod
    def part(self, start_s: float, stop_s: float, lead_s: float = 0.0) -> FrameSource:
        """The frames of ``[start_s, stop_s)``, preceded by those of up to `lead_s` before.

        They are, bit for bit, those of the whole, whatever the times are; only their index counts
        from 0. A part can be sent to another process. Its `stats` leave out what comes before
        `start_s`; those of parts that join from minus infinity to infinity add up to those of the
        whole.

        Raises:
            UsageError: The part holds no time, or `lead_s` is negative.
        """

    def turned(self: _Source, clockwise_deg: int) -> _Source:
        """The same source with every picture turned by 0, 90, 180 or 270 degrees more."""
        found = copy.copy(self)
        found.stats = DecodeStats()
        found._turned_deg = (self._turned_deg + clockwise_deg) % 360
        found.info = turned_info(self.info, clockwise_deg)
        return found

    @abstractmethod
    def _pictures(self, stats: DecodeStats) -> Iterator[tuple[float, Picture]]:
        """Decoded pictures with their times in seconds, in any order of time.

        Those of a part may be preceded by one or more from before its lead, which tell what the
        first is compared with.
        """

    def __iter__(self) -> Iterator[Frame]:
        self.stats = stats = DecodeStats()
        yield from self._in_order(self._pictures(stats), stats)
        self.check_same()

    def check_same(self) -> Message | None:
        """What was added to the recording or cut off it since it was opened, or nothing.

        Asked whenever it is opened again, and at the end of every iteration.

        Raises:
            SourceError: Another recording is in its place.
        """
        return None

    def _in_order(
        self, pictures: Iterator[tuple[float, Picture]], stats: DecodeStats
    ) -> Iterator[Frame]:
        start_s, from_s = self._span.start_s, self._span.from_s
        last = -math.inf
        size: tuple[int, ...] | None = None
        index = 0
        for time_s, rgb in pictures:
            if time_s - last < SHORTEST_STEP_S or not abs(time_s) < LARGEST:
                stats.dropped_times += last >= start_s
                continue
            proper = time_s >= start_s
            stats.size_changes += proper and size not in (None, rgb.shape)
            if proper and LONGEST_STEP_S < time_s - last < math.inf:
                stats.gaps += 1
                stats.gap_s += time_s - last
            last, size = time_s, rgb.shape
            stats.frames += proper
            if time_s >= from_s:
                yield Frame(index, time_s, turned_picture(rgb, self._turned_deg))
                index += 1

    def close(self) -> None:  # noqa: B027 (a source that holds nothing between iterations)
        """Release what the source holds; a file is held open during an iteration only."""

    def __enter__(self: _Source) -> _Source:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def turned_picture(rgb: Picture, clockwise_deg: int) -> Picture:
    """``(h, w, 3)`` turned by 0, 90, 180 or 270 degrees."""
    how = _TURNS.get(clockwise_deg)
    return rgb if how is None else np.asarray(cv2.rotate(rgb, how), np.uint8)


def turned_point(point: tuple[float, float], clockwise_deg: int) -> tuple[float, float]:
    """Where a point of a picture, in fractions of width and height, lies once that is turned.

    >>> turned_point((0.25, 0.0), 90), turned_point((0.25, 0.0), 180)
    ((1.0, 0.25), (0.75, 1.0))
    """
    x, y = point
    for _ in range(clockwise_deg // 90 % 4):
        x, y = 1.0 - y, x
    return x, y


def turned_info(info: SourceInfo, clockwise_deg: int) -> SourceInfo:
    """What a source says of itself once its pictures are turned."""
    width, height = info.width, info.height
    if clockwise_deg % 180:
        width, height = height, width
    turned_deg = (info.turned_deg + clockwise_deg) % 360
    return replace(info, width=width, height=height, turned_deg=turned_deg)


def even_cuts(
    entries_s: NDArray[np.float64], first_s: float, last_s: float, every_s: float
) -> list[float]:
    """Multiples of `every_s` after the first frame, no less than half of it before the last.

    Only those count that have an entry within `every_s` before them: times that leap ahead by a
    year leave no parts without a frame.

    Args:
        entries_s: ``(n,)`` times from which a part can be read, in order.
        first_s: Time of the first frame.
        last_s: Time of the last frame.
        every_s: Length of a part.

    Raises:
        UsageError: `every_s` is not above 0.
    """
    if not 0 < every_s < math.inf:
        raise UsageError(f"parts of {every_s:g} s cannot be: give a length above 0")
    passed = np.floor((entries_s - first_s) / every_s)
    numbers = np.unique(np.concatenate([passed, passed + 1, passed + 2]))
    numbers = numbers[(numbers >= 1) & (numbers <= (last_s - first_s) / every_s - 0.5)]
    cuts_s = first_s + numbers * every_s
    before = np.searchsorted(entries_s, cuts_s)
    near = (before > 0) & (cuts_s - entries_s[before - 1] <= every_s)
    found: list[float] = cuts_s[near].tolist()
    return found


def ahead(frames: Iterable[Frame], waiting: int = 8) -> Generator[Frame, None, None]:
    """The same frames, read by a thread of their own while earlier ones are worked on.

    An error of `frames` is raised after the frames before it. Closing the iterator ends the
    thread, once it has read the frame that it is at.

    Args:
        frames: Read by the thread alone.
        waiting: How many frames may have been read and not yet been taken.
    """
    ready: SimpleQueue[list[Frame] | BaseException] = SimpleQueue()
    room, stopped = Semaphore(waiting), Event()

    def read() -> None:
        try:
            reader, more = iter(frames), True
            while more and room.acquire() and not stopped.is_set():
                box = list(islice(reader, 1))
                more = bool(box)
                ready.put(box)  # in a box that is emptied, so that nothing here keeps the frame
        except BaseException as error:
            ready.put(error)

    thread = Thread(target=read, name="ahead", daemon=True)
    thread.start()
    try:
        while found := ready.get():
            if isinstance(found, BaseException):
                raise found
            room.release()
            yield found.pop()
    finally:
        stopped.set()
        room.release()
        thread.join()
