"""Opens a video file with FFmpeg, which may read nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from hfs_vision.errors import SourceError

# Tags that are not UTF-8 must not end the reading. From 19 on PyAV sees to that by itself.
_TAGS: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)


def open_container(path: Path, *, edited: bool = True) -> InputContainer:
    """The file, open; close it.

    Args:
        path: Of the file.
        edited: Whether an edit list is followed, where there is one.

    Raises:
        SourceError: It is no video, or is not there.
    """
    options = {"protocol_whitelist": "file"} | ({} if edited else {"ignore_editlist": "1"})
    try:
        container: InputContainer = av.open(
            f"file:{path}",  # so that no part of a name is taken for a protocol
            mode="r",
            container_options=options,
            **_TAGS,
        )
        return container
    except FileNotFoundError as error:  # it was there when it was looked for
        raise SourceError(f"{path} was removed or moved while it was read: run again") from error
    except (av.FFmpegError, ValueError) as error:
        raise SourceError(
            f"{path} cannot be opened as a video ({getattr(error, 'strerror', None) or error}): "
            "it is of another kind, or the recording broke off before its header was written"
        ) from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream of pictures.

    Raises:
        SourceError: There is none, or none that can be decoded.
    """
    # The cover picture of a piece of music is a video stream of one frame to FFmpeg.
    streams = [s for s in container.streams.video if Disposition.attached_pic not in s.disposition]
    if not streams:
        raise SourceError(f"{path} holds no video stream: give a file that shows a face")
    best = container.streams.best("video")
    stream = next((s for s in streams if s is best), streams[0])
    if stream.codec_context is None:
        raise SourceError(f"{path}: its video codec is not supported; convert it to H.264")
    return stream
