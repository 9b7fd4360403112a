"""What the program and its signals say of an event as it stands after a correction."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from hfs_vision.core.events import EventMeasures, measure_times
from hfs_vision.core.frame_times import frame_ends
from hfs_vision.results import ResultFolder
from hfs_vision.schema import SIDES, Event, Twitch

_NAN = float("nan")
_UNKNOWN = EventMeasures.unknown()
_SAME_S = 1e-6

BLANK = Event(
    onset_s=0.0,
    offset_s=float("inf"),
    side="",
    region="",
    component="",
    confidence=_NAN,
    **asdict(_UNKNOWN),
)
"""An event of which nothing is known yet."""


class Evidence:
    """The machine's events by their numbers, and the signals to measure others by.

    Args:
        folder: The result.
    """

    def __init__(self, folder: ResultFolder) -> None:
        self.events = {record.number: record.event for record in folder.machine}
        self._signals = folder.signals
        settings = folder.summary.settings
        self.tonic_s = settings.tonic_s
        self._row_end = frame_ends(folder.signals.time_s, settings.max_gap_s)

    def describe(self, number: int, event: Event) -> Event:
        """The event with measured properties that fit its times, side and region.

        Those of the machine where its event of that number is the same movement; else they are
        read off the signals as the detector reads them, and are NaN where nothing was measured. The
        confidence stays that of the machine's event: NaN where a person has added one.
        """
        known = self.events.get(number)
        if known is not None and same_movement(known, event):
            return replace(known, component=event.component)
        found = _rounded(self._measure(event))
        confidence = _NAN if known is None else known.confidence
        twitches = self.twitches(number, event)
        return replace(event, **asdict(found), confidence=confidence, twitches=twitches)

    def twitches(self, number: int, event: Event) -> tuple[Twitch, ...]:
        """Those of the machine's event of that number, while times and side are its own."""
        known = self.events.get(number)
        return known.twitches if known is not None and _same_span(known, event) else ()

    def _measure(self, event: Event) -> EventMeasures:
        where = event.onset_s, event.offset_s, SIDES.index(event.side), event.region
        return measure_times(self._signals, self._row_end, *where) or _UNKNOWN


def same_movement(one: Event, other: Event) -> bool:
    """Whether times, side and region are the same."""
    return _same_span(one, other) and one.region == other.region


def _same_span(one: Event, other: Event) -> bool:
    return (
        one.side == other.side
        and abs(one.onset_s - other.onset_s) < _SAME_S
        and abs(one.offset_s - other.offset_s) < _SAME_S
    )


def _rounded(found: EventMeasures) -> EventMeasures:
    """To the microsecond decimals of the tables, so that a file gives back the same numbers."""
    values = asdict(found).items()
    exact: dict[str, Any] = {n: round(v, 6) if isinstance(v, float) else v for n, v in values}
    return EventMeasures(**exact)
