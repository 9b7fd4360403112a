"""Which recording it is, told by its content: names and paths are nobody's business."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from hfs_vision.video.images import IMAGE_SUFFIXES, TIMESTAMPS_NAME

VIDEO_SUFFIXES = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2t", ".m2ts", ".m2v"}
    | {".m4v", ".mjpeg", ".mjpg", ".mkv", ".mod", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts"}
    | {".mxf", ".ogv", ".qt", ".tod", ".ts", ".vob", ".webm", ".wmv"}
)
"""What is taken for a video in a folder or a glob; a file that is named may have any ending."""

_BLOCK_BYTES = 1 << 20


class Stopped(Exception):  # noqa: N818 - it is no error
    """The work was asked to end."""


def content_files(path: Path) -> list[Path]:
    """What a recording is made of: the file, or the images and their times."""
    if not path.is_dir():
        return [path]
    wanted = (p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    table = path / TIMESTAMPS_NAME
    return sorted([*wanted, *([table] if table.exists() else [])])


def digest(path: Path, stop: Callable[[], bool] = lambda: False) -> str:
    """SHA-256 of a file's bytes, or of the names and bytes of a folder's images; hexadecimal.

    Raises:
        Stopped: If ``stop`` says so; it is asked after every block.
        OSError: If it cannot be read.
    """
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


def stamp(path: Path) -> list[tuple[int, int]]:
    """Size and time of change of each file, to see whether it is still being copied."""
    return [(stat.st_size, stat.st_mtime_ns) for stat in map(Path.stat, content_files(path))]
