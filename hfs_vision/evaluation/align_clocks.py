"""Labels on a player's clock against a table on the file's own: which offset, and what to say."""

from __future__ import annotations

from collections.abc import Sequence

from hfs_vision.evaluation.clock_offset import Offset, find_offset
from hfs_vision.evaluation.evaluate import TOLERANCE_S
from hfs_vision.evaluation.read_references import EventFile


def find_clock(
    name: str, reference: EventFile, estimated: EventFile, known_s: Sequence[float]
) -> tuple[Offset, list[str]]:
    """How far the clock of the estimate is ahead of that of the reference, and what to tell of it.

    Args:
        name: Of the recording.
        reference: Events.
        estimated: Events.
        known_s: Offsets that there may be, since a player counts from where the recording begins.
    """
    wanted = [*reference.events, *reference.unsure]
    found = find_offset(wanted, estimated.events, known_s)
    pairs = min(len(wanted), len(estimated.events))
    said = f"{found.fits} of {pairs} events fit with it, {found.fits_unmoved} without"
    if found.offset_s:
        why = "found from the events alone"
        if found.offset_s in known_s:
            why = "the recording's own clock begins so, a player's at 0"
        return found, [
            f"{name}: times of the estimate are {found.offset_s:+.3f} s off those of the reference "
            f"({why}; {said}): both were brought onto one clock"
        ]
    if found.doubtful_s is not None:
        return found, [
            f"{name}: the two may be on clocks that are {found.doubtful_s:+.3f} s apart ({said}), "
            "but that is not sure: nothing was moved"
        ]
    late_s = next((each for each in known_s if abs(each) > TOLERANCE_S), None)
    if late_s is not None and 2 * found.fits_unmoved < pairs:
        return found, [
            f"{name}: the recording's own clock begins at {abs(late_s):.3f} s; whether the other "
            "table is on it or on a player's cannot be told from the events: nothing was moved"
        ]
    return found, []
