"""A file in place of a camera."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from hfs_vision.errors import HfsVisionError, SourceError
from hfs_vision.schema import SourceInfo
from hfs_vision.video.opening import open_source
from hfs_vision.video.source import Picture


class Replay:
    """Pictures of a file, at the file's own times.

    Attributes:
        info: What the file says of itself.
        recording: The file itself.
    """

    def __init__(self, path: Path, *, realtime: bool) -> None:
        """Open a video file, or a folder of images that states its times.

        Args:
            path: See `hfs_vision.video.open_source`.
            realtime: Each picture comes when it is due, counted from the first; one that is late
                comes at once and moves none of those that follow. Else all come at once.

        Raises:
            UsageError, SourceError, TableError: As `hfs_vision.video.open_source`.
        """
        self.recording = open_source(path)
        self._realtime = realtime
        self._closing = threading.Event()
        self.info: SourceInfo = self.recording.info

    @property
    def warnings(self) -> Sequence[str]:
        """What was damaged in the file, up to now, and what contradicts its times."""
        return [*self.info.time_doubts, *self.recording.stats.warnings()]

    def pictures(self) -> Iterator[tuple[float, Picture]]:
        """Pictures with their times in seconds, until the file ends.

        Raises:
            HfsVisionError: The file cannot be read, or another is in its place. No `SourceError`,
                after which a `Capture` tries again: a file does not come back as a camera does.
        """
        try:
            yield from self._pictures()
        except SourceError as error:
            raise HfsVisionError(str(error)) from error

    def _pictures(self) -> Iterator[tuple[float, Picture]]:
        offset_s: float | None = None
        for frame in self.recording:
            now = time.monotonic()
            if offset_s is None:
                offset_s = now - frame.time_s
            due_s = frame.time_s + offset_s if self._realtime else now
            if self._closing.wait(max(due_s - now, 0.0)):
                return
            yield frame.time_s, frame.rgb

    def close(self) -> None:
        """Makes `pictures` end at once."""
        self._closing.set()
