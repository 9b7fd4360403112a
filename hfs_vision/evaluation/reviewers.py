"""Two people's corrections of one recording: how far they agree second by second."""

from __future__ import annotations

import math

import numpy as np

from hfs_vision.core.frame_times import frame_ends
from hfs_vision.core.settings import Settings
from hfs_vision.errors import TableError
from hfs_vision.evaluation.evaluate import ComparedRecording
from hfs_vision.evaluation.kappa import Presence, compare_presence, measured_seconds
from hfs_vision.evaluation.pair_files import FilePair, beside
from hfs_vision.results import SIGNALS_FILE, is_reviewed
from hfs_vision.results.read_tables import check_times, read_numbers
from hfs_vision.schema import SIDES, FloatArray

BOTH_SIDES = "all"

_LONGEST_S = 1e7
"""Of a recording of which nothing tells the length: four months, second by second."""


def read_presence(pair: FilePair, recording: ComparedRecording) -> dict[str, Presence]:
    """Presence of movement by side, and of both sides together, as two reviewers saw it.

    The seconds that count are those in which the face was measured, where a ``signals.csv`` lies
    beside one of the files; else all of the recording.

    Args:
        pair: Where the events come from.
        recording: The events.

    Returns:
        Nothing where one of the two is no table of corrected events.

    Raises:
        TableError: If the signals are not as documented.
    """
    if not (is_reviewed(pair.reference) and is_reviewed(pair.estimated)):
        return {}
    seconds = _seconds(pair, recording)
    found = {
        side: compare_presence(recording.reference, recording.estimated, side, seconds)
        for side in SIDES
    }
    return {BOTH_SIDES: sum(found.values(), Presence()), **found}


def total_presence(parts: list[dict[str, Presence]]) -> dict[str, Presence]:
    """The same of several recordings; seconds are added, so that a long one weighs more."""
    names = (BOTH_SIDES, *SIDES)
    found = [part for part in parts if part]
    return (
        {name: sum((part[name] for part in found), Presence()) for name in names} if found else {}
    )


def _seconds(pair: FilePair, recording: ComparedRecording) -> FloatArray | range:
    signals = beside(pair, SIGNALS_FILE)
    if signals is None:
        ends_s = [mark.offset_s for mark in (*recording.reference, *recording.estimated)]
        known_s = recording.valid_s if math.isfinite(recording.valid_s) else 0.0
        longest_s = max([known_s, *ends_s])
        if longest_s > _LONGEST_S:
            raise TableError(
                f"{pair.name} would last {longest_s:g} s: give its length by --duration, or see "
                "that all times are in seconds"
            )
        return range(math.ceil(longest_s))
    # What the column `valid` follows from: a person may have edited that one.
    time_s, closure = read_numbers(signals, ("time_s", "closure_left")).values()
    check_times(signals, time_s)
    return measured_seconds(time_s, frame_ends(time_s, Settings().max_gap_s), np.isfinite(closure))
