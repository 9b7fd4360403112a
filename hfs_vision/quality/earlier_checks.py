"""What a file's own tags say of the programs that it went through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

_CAMERA_TAGS = {"make", "model", "manufacturer"}
_PROGRAM_TAGS = {"encoder", "software", "handler_name", "encoded_by", "application", "tool"}
"""Last parts of the names of tags. What a person has written (title, comment) is not looked at."""

_PROGRAMS = {
    "capcut": "CapCut",
    "inshot": "InShot",
    "tiktok": "TikTok",
    "instagram": "Instagram",
    "snapchat": "Snapchat",
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
    "google": "a Google service",
    "premiere": "Premiere",
    "adobe": "an Adobe program",
    "davinci": "DaVinci Resolve",
    "blackmagic": "DaVinci Resolve",
    "final cut": "Final Cut",
    "imovie": "iMovie",
    "movavi": "Movavi",
    "filmora": "Filmora",
    "kdenlive": "Kdenlive",
    "shotcut": "Shotcut",
    "obs": "OBS",
    "handbrake": "HandBrake",
    "l-smash": "L-SMASH",
    "lavf": "FFmpeg",
    "lavc": "FFmpeg",
}
"""Pieces of tags, in lower case, and what they stand for; many programs use FFmpeg inside."""


@dataclass(frozen=True)
class History:
    """What the tags name.

    Attributes:
        programs: Programs that edit, convert or send video.
        camera: Whether a maker or model of a camera is named, as phones do.
    """

    programs: tuple[str, ...]
    camera: bool


def history_of(tags: dict[str, str]) -> History:
    """Reads the tags of a container and its video stream.

    >>> history_of({"encoder": "Lavf58.29.100"})
    History(programs=('FFmpeg',), camera=False)
    >>> history_of({"com.apple.quicktime.make": "Apple", "title": "my adobe house"})
    History(programs=(), camera=True)
    """
    parts = [(name.lower().rpartition(".")[2], text.lower()) for name, text in tags.items()]
    text = " ".join(text for name, text in parts if name in _PROGRAM_TAGS)
    named = dict.fromkeys(name for piece, name in _PROGRAMS.items() if piece in text)
    return History(tuple(named), any(name in _CAMERA_TAGS for name, _ in parts))


def read_history(path: Path) -> History | None:
    """History of a video file; ``None`` where its tags cannot be read."""
    # Tags that are not UTF-8 must not end the reading. From 19 on PyAV sees to that by itself.
    old = int(av.__version__.split(".")[0]) < 19
    options: dict[str, Any] = {"metadata_errors": "replace"} if old else {}
    only_files = {"protocol_whitelist": "file"}
    try:
        with av.open(f"file:{path}", container_options=only_files, **options) as container:
            tags = {str(name): str(text) for name, text in container.metadata.items()}
            for stream in container.streams.video:
                tags |= {f"video.{name}": str(text) for name, text in stream.metadata.items()}
    except (av.FFmpegError, ValueError, OSError):
        return None
    return history_of(tags)
