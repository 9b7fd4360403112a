"""The whole recording as a video, with what was found in it."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from hfs_vision.errors import SourceError
from hfs_vision.render.replay_pass import ReplayPass
from hfs_vision.render.video_writer import new_video
from hfs_vision.results import ANNOTATED
from hfs_vision.schema import StrPath

_LATEST_S = 60.0
"""So late may the first picture be shown."""


def annotate(second: ReplayPass, path: StrPath) -> int:
    """Writes the whole recording, each frame at its own time.

    A recording whose clock begins below 0, which MP4 does not know, or so late that a browser would
    show nothing for long, is moved to begin at 0.

    Args:
        second: The recording.
        path: Result; it appears when it is complete.

    Returns:
        The number of frames.

    Raises:
        Stopped: The user asked to end; nothing is left of the video.
        SourceError, ModelError: As reading and finding landmarks raise them.
        OutputError: The video cannot be written.
    """
    path = Path(path)
    frames = second.seen(faces=second.style.overlay or second.style.blur)
    first = next(frames, None)
    if first is None:
        raise SourceError("the recording holds no frame that can be shown")
    painter, count = second.painter(), 0
    first_s = first[0].time_s
    before_s = 0.0 if 0 <= first_s <= _LATEST_S else first_s
    picture = painter(*first)
    with new_video(path, picture.shape, ANNOTATED) as video:
        for frame, landmarks in chain([first], frames):
            video.write(painter(frame, landmarks), frame.time_s - before_s)
            count += 1
    return count
