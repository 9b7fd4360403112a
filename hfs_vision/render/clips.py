"""One short video of each event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from hfs_vision.errors import UsageError
from hfs_vision.render.event_lookup import DECIMALS, EventLookup
from hfs_vision.render.replay_pass import ReplayPass
from hfs_vision.render.video_writer import new_video
from hfs_vision.results import CLIP
from hfs_vision.schema import Event, StrPath


@dataclass(frozen=True)
class Cut:
    """What is cut out for an event.

    Attributes:
        number: By what the event is known.
        event: The event.
        start_s, stop_s: The part of the recording, ``[start_s, stop_s)``.
    """

    number: int
    event: Event
    start_s: float
    stop_s: float

    def name(self, ending: str) -> str:
        """File name; sorted by name, files are in the order of the numbers."""
        event = self.event
        when = f"{event.onset_s:07.1f}s"
        return f"event_{self.number:03}_{event.side}_{event.kind}_{when}{ending}"


def plan_cuts(course: EventLookup, numbers: Sequence[int] = (), *, pad_s: float) -> list[Cut]:
    """What is cut out for the events of these numbers, or for all.

    Args:
        course: What the result says.
        numbers: Of events; none for all.
        pad_s: How much is shown before the onset and after the offset.

    Raises:
        UsageError: If there is no event of such a number.
    """
    pad_s += 10**-DECIMALS
    known = {each.number for each in course.events}
    unknown = sorted(set(numbers) - known)
    if unknown:
        hint = f"there are {_spoken(sorted(known))}" if known else "there is no event at all"
        raise UsageError(f"there is no event {unknown[0]}: {hint}")
    return [
        Cut(each.number, each.event, each.event.onset_s - pad_s, each.event.offset_s + pad_s)
        for each in course.events
        if not numbers or each.number in numbers
    ]


def cut_clip(second: ReplayPass, cut: Cut, path: StrPath) -> int:
    """Writes the clip of an event; its clock begins at 0, that of the recording is in the picture.

    Args:
        second: The recording.
        cut: What to cut out.
        path: Result; it appears when it is complete.

    Returns:
        The number of frames; 0 where the recording has none there, and then there is no file.

    Raises:
        Stopped: The user asked to end; nothing is left of the clip.
        SourceError, ModelError: As reading and finding landmarks raise them.
        OutputError: The clip cannot be written.
    """
    path = Path(path)
    faces = second.style.overlay or second.style.blur
    frames = second.seen(cut.start_s, cut.stop_s, faces=faces)
    first = next(frames, None)
    if first is None:
        return 0
    painter, count = second.painter(), 0
    picture = painter(*first)
    with new_video(path, picture.shape, CLIP) as video:
        for frame, landmarks in chain([first], frames):
            video.write(painter(frame, landmarks), frame.time_s - first[0].time_s)
            count += 1
    return count


def _spoken(numbers: Sequence[int]) -> str:
    """The numbers of events in few words."""
    first, last = numbers[0], numbers[-1]
    if last - first + 1 == len(numbers):
        return f"1 to {last}" if first == 1 and last > 1 else ", ".join(map(str, numbers[:9]))
    return ", ".join(map(str, numbers[:9])) + (" and others" if len(numbers) > 9 else "")
