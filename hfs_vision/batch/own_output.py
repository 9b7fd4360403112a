"""What this program made of a recording is no recording: it would be counted twice."""

from __future__ import annotations

from pathlib import Path

from hfs_vision.results import (
    ANNOTATED,
    ANNOTATED_FILE,
    CLIP,
    CLIPS_FOLDER,
    EVENT_COLUMNS,
    EVENTS_FILE,
    read_header,
    video_kind,
)

MADE_HERE = "made by hfs-vision of another recording"


def is_result(folder: Path) -> bool:
    """Whether a folder holds the result of an analysis or a session, and maybe other things."""
    return set(EVENT_COLUMNS) <= set(read_header(folder / EVENTS_FILE))


def is_made_folder(folder: Path) -> bool:
    """Whether a folder holds nothing but pictures and clips that were made of a result."""
    return folder.name == CLIPS_FOLDER and is_result(folder.parent)


def is_made_video(path: Path) -> bool:
    """Whether a video was made of a result: by its tag, or where older versions put it."""
    if video_kind(path) in (ANNOTATED, CLIP):
        return True
    return path.name == ANNOTATED_FILE and is_result(path.parent)
