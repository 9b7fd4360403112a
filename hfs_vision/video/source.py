"""What every source of frames has in common: order of time, counts of what went wrong."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hfs_vision.schema import Frame, SourceInfo

Picture = NDArray[np.uint8]
_Source = TypeVar("_Source", bound="FrameSource")


@dataclass
class DecodeStats:
    """What became of the frames of a source; final once the iteration has ended.

    Attributes:
        frames: Frames delivered.
        decode_errors: Packets or images that could not be decoded, and frames flagged corrupt.
        withheld: Sound frames that were predicted from a damaged one, so not delivered.
        dropped_times: Frames not delivered because their time repeats or goes back.
        estimated_times: Delivered frames without a timestamp, timed by the nominal rate.
        size_changes: How often the size of the picture changed from one frame to the next.
        truncated: The file ends before its header says so, or in data that cannot be decoded.
    """

    frames: int = 0
    decode_errors: int = 0
    withheld: int = 0
    dropped_times: int = 0
    estimated_times: int = 0
    size_changes: int = 0
    truncated: bool = False

    def warnings(self) -> list[str]:
        """What the reader of a result must know, in sentences."""
        found = []
        if self.truncated:
            found.append("the file ends early: what is missing at its end was not analysed")
        counts = (
            (self.decode_errors, "could not be decoded"),
            (self.withheld, "followed a damaged frame and were left out"),
            (self.dropped_times, "had a time that repeats or goes back and were left out"),
            (self.estimated_times, "had no time of their own and were timed by the nominal rate"),
        )
        found += [f"{count} frames {what}" for count, what in counts if count]
        if self.size_changes:
            found.append(f"the picture changes its size {self.size_changes} times")
        return found


class FrameSource(ABC):
    """Frames in order of time. Every iteration starts anew, with new `stats`.

    Attributes:
        info: What the source says of itself; known once it is open.
        stats: Counts of the running or last iteration.
    """

    info: SourceInfo
    stats: DecodeStats

    def __init__(self) -> None:
        self.stats = DecodeStats()

    @abstractmethod
    def _pictures(self, stats: DecodeStats) -> Iterator[tuple[float, Picture]]:
        """Decoded pictures with their times in seconds, in any order of time."""

    def __iter__(self) -> Iterator[Frame]:
        self.stats = stats = DecodeStats()
        last = -math.inf
        size: tuple[int, ...] | None = None
        for time_s, rgb in self._pictures(stats):
            if time_s <= last:
                stats.dropped_times += 1
                continue
            stats.size_changes += size not in (None, rgb.shape)
            last, size = time_s, rgb.shape
            stats.frames += 1
            yield Frame(stats.frames - 1, time_s, rgb)

    def close(self) -> None:  # noqa: B027 (a source that holds nothing between iterations)
        """Release what the source holds; a file is held open during an iteration only."""

    def __enter__(self: _Source) -> _Source:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
