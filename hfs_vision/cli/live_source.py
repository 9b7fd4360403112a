"""Which live source a command reads: a camera, an address or a file that is played."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfs_vision.errors import UsageError
from hfs_vision.video import Camera, LiveSource, NetworkStream, Replay


@dataclass(frozen=True, kw_only=True)
class LiveRequest:
    """What was given on the command line: one of the first three, or the first camera.

    Raises:
        UsageError: They do not go together.
    """

    camera: str | None = None
    url: str | None = None
    file: Path | None = None
    realtime: bool = False
    size: str | None = None
    fps: float | None = None
    usual_fps: float | None = None

    def __post_init__(self) -> None:
        given = [kind for kind in SOURCES if getattr(self, kind) is not None]
        if len(given) > 1:
            raise UsageError("give one of " + ", ".join(f"--{kind}" for kind in SOURCES))
        if self.realtime and self.file is None:
            raise UsageError("--realtime plays a file at its own pace: give the file by --file")
        if self.kind != "camera" and (self.size, self.fps) != (None, None):
            raise UsageError("--size and --fps are asked of a camera: a file or URL has its own")

    @property
    def kind(self) -> str:
        """One of `SOURCES`."""
        return next((kind for kind in SOURCES if getattr(self, kind) is not None), "camera")

    @property
    def asked_fps(self) -> float | None:
        """Frames per second that are asked of a camera."""
        return self.fps or self.usual_fps if self.kind == "camera" else None

    def open(self, clock: Callable[[], float]) -> LiveSource:
        """The source, timed by a clock."""
        return SOURCES[self.kind](self, clock)


def _camera(asked: LiveRequest, clock: Callable[[], float]) -> LiveSource:
    size = _read_size(asked.size)
    return Camera(asked.camera or "0", size=size, fps=asked.asked_fps, clock=clock)


SOURCES: dict[str, Callable[[Any, Callable[[], float]], LiveSource]] = {
    "camera": _camera,
    "url": lambda asked, clock: NetworkStream(asked.url, clock=clock),
    "file": lambda asked, _: Replay(asked.file, realtime=asked.realtime),
}
"""How each is opened, by the name of its option."""


def _read_size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{2,5})[xX](\d{2,5})", text.strip())
    if found is None:
        raise UsageError(f"--size is {text!r}: write width and height in pixels, such as 1280x720")
    return int(found[1]), int(found[2])
