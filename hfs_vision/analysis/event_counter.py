"""Measurements in, events and counts out: the same for a recording, a session and single frames."""

from __future__ import annotations

import numpy as np

from hfs_vision.core.detector import Detector, DetectorUpdate
from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.core.settings import Settings
from hfs_vision.core.summary import Tally
from hfs_vision.schema import N_LANDMARKS, Blink, Event

NO_FRAMES = measure(np.empty(0), np.empty((0, N_LANDMARKS, 3)))
"""Measurements without a row."""


class EventCounter:
    """A detector and the tally of what it finds; the pieces may be of any size.

    Attributes:
        events, blinks: So far, in the order in which they became final.
        tally: Counts so far.
    """

    def __init__(self, settings: Settings) -> None:
        self._detector = Detector(settings)
        self.tally = Tally(settings.max_gap_s)
        self.events: list[Event] = []
        self.blinks: list[Blink] = []

    def add(self, measured: Measurements) -> DetectorUpdate:
        """Takes the next rows; what has become final."""
        return self._keep(measured, self._detector.update(measured))

    def finish(self) -> DetectorUpdate:
        """Ends the recording; what was still open becomes final."""
        return self._keep(NO_FRAMES, self._detector.finish())

    def in_order(self) -> list[Event]:
        """The events so far in order of onset."""
        return sorted(self.events, key=lambda event: (event.onset_s, event.side))

    @property
    def ongoing(self) -> frozenset[tuple[str, str]]:
        """``(side, part)`` that move now."""
        return self._detector.ongoing()

    @property
    def rest_known_s(self) -> float | None:
        """From when on events can be told; ``None`` before a face was seen."""
        return self._detector.rest_known_s

    def _keep(self, measured: Measurements, found: DetectorUpdate) -> DetectorUpdate:
        self.tally.add(measured, found)
        self.events += found.events
        self.blinks += found.blinks
        return found
