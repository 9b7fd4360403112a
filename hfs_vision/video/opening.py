"""Which reader a path needs."""

from __future__ import annotations

import re
from pathlib import Path

from hfs_vision.errors import SourceError, UsageError
from hfs_vision.schema import StrPath
from hfs_vision.video.file import VideoFile
from hfs_vision.video.images import ImageFolder
from hfs_vision.video.source import check_fps

_URL = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)  # two letters: not a Windows drive


def open_source(path: StrPath, fps: float | None = None) -> VideoFile | ImageFolder:
    """Open a video file or a folder of numbered images.

    Args:
        path: A local file that FFmpeg reads, or a folder.
        fps: Frames per second; only for a folder without ``timestamps.csv``.

    Raises:
        UsageError: The path is missing or a URL, or `fps` is missing, useless or out of range.
        SourceError: The path cannot be read, or no picture in it can be decoded.
        TableError: ``timestamps.csv`` does not have the documented form.
    """
    if fps is not None:
        check_fps(fps)
    local = Path(path)
    try:
        is_folder, is_file = local.is_dir(), local.is_file()
        missing = not (is_folder or is_file or local.exists())
    except (OSError, ValueError) as error:
        raise SourceError(f"{path!s} cannot be reached ({error}): check the path") from error
    if missing and _URL.match(str(path)):
        raise UsageError(f"{path!s} is a URL: only local files are read; save the video first")
    if missing:
        raise UsageError(f"{path!s} does not exist: check the path")
    if is_folder:
        return ImageFolder(local, fps)
    if not is_file:
        raise SourceError(f"{path!s} is neither a file nor a folder: give a video or images")
    if fps is not None:
        raise UsageError(f"fps={fps:g} given for {path!s}: a video has its own times; leave it out")
    return VideoFile(local)
