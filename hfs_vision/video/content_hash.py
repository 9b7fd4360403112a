"""Which recording it is, told by its content: names and paths are nobody's business."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from hfs_vision.schema import StrPath
from hfs_vision.video.images import content_files
from hfs_vision.video.original import Key, key_of

VIDEO_SUFFIXES = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m2v"}
    | {".m4v", ".mjpeg", ".mjpg", ".mkv", ".mod", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts"}
    | {".mxf", ".ogv", ".qt", ".tod", ".ts", ".vob", ".webm", ".wmv"}
)
"""What is taken for a video in a folder or a glob; a file that is named may have any ending."""

_BLOCK_BYTES = 1 << 20


class Stopped(Exception):  # noqa: N818 - it is no error
    """The work was asked to end."""


def digest(path: StrPath, stop: Callable[[], bool] = lambda: False) -> str:
    """SHA-256 of a file's bytes, or of the names and bytes of a folder's images; hexadecimal.

    Raises:
        Stopped: If ``stop`` says so; it is asked after every block.
        OSError: If it cannot be read.
    """
    path = Path(path)
    whole = hashlib.sha256()
    for file in content_files(path):
        if file != path:
            whole.update(f"{file.name}\n{file.stat().st_size}\n".encode())
        with file.open("rb") as handle:
            while block := handle.read(_BLOCK_BYTES):
                if stop():
                    raise Stopped
                whole.update(block)
    return whole.hexdigest()


def stamp(path: StrPath) -> list[Key]:
    """Which file each is, its size and time of change, to see whether it is still being copied."""
    return [key_of(found) for found in map(Path.stat, content_files(path))]
