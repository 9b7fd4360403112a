"""What a session counts and logs, frame by frame; no camera and no display."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from hfs_vision.analysis.event_counter import NO_FRAMES, EventCounter
from hfs_vision.analysis.measure_frames import FrameMeasurer
from hfs_vision.core.detector import DetectorUpdate
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Tally
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.live.log import SessionLog, Writers
from hfs_vision.live.view import TRACE_S
from hfs_vision.results import (
    SEGMENTS_FILE,
    write_counts,
    write_events,
    write_json,
    write_segments,
    write_twitches,
)
from hfs_vision.schema import Event, FloatArray, Frame, Landmarker, ModelIdentity
from hfs_vision.video import Repeats

_RECENT_S = 1.0
_BREAK_S = 0.001
"""An empty row follows the last frame before a break by this: before any frame that is to come."""

_BREAK_EVERY_S = 0.25
_BREAK_KNOWN_S = 2.0
"""More empty rows follow for so long: an event is told once 0.12 s beyond the time have been seen
within which it could go on, at most 0.6 s."""


class Counting:
    """Measures, decides, counts and logs: `hfs_vision.analyze`, frame by frame.

    Attributes:
        trace: Final signals of the last `TRACE_S`.
        recent: Measurements of the last second.
        last_s: Time of the last row; minus infinity before the first.
    """

    def __init__(
        self, finder: Landmarker, appearance: PatchNetworks, settings: Settings, log: SessionLog
    ) -> None:
        self._measure = FrameMeasurer(finder, appearance)
        self._counter = EventCounter(settings)
        self._settings, self._log = settings, log
        self._last_frame_s: float | None = None
        self.trace = Signals.empty()
        self.recent = NO_FRAMES
        self.last_s = -np.inf

    @property
    def events(self) -> list[Event]:
        """Events so far, in the order in which they became final."""
        return self._counter.events

    @property
    def tally(self) -> Tally:
        """Counts so far."""
        return self._counter.tally

    @property
    def landmarks(self) -> FloatArray:
        """``(478, 3)`` of the last frame; NaN where nothing of it is measured."""
        return self._measure.landmarks

    @property
    def repeats(self) -> Repeats:
        """Tells a picture that froze, of which nothing is measured."""
        return self._measure.repeats

    @property
    def model(self) -> ModelIdentity:
        """Which weights run."""
        return self._measure.model

    @property
    def ongoing(self) -> frozenset[tuple[str, str]]:
        """``(side, part)`` that move now."""
        return self._counter.ongoing

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was seen of other people in view, and whether other networks run than ours."""
        return self._measure.warnings

    @property
    def rest_known_s(self) -> float:
        """From when on events can be told; as far as is known now."""
        known_s = self._counter.rest_known_s
        return self.last_s + self._settings.calibration_s if known_s is None else known_s

    @property
    def learning_s(self) -> float:
        """How much longer rest is learned before events are told."""
        return max(self.rest_known_s - self.last_s, 0.0)

    def take(self, frame: Frame) -> list[Event]:
        """Counts a frame; the events that have become final.

        One that is late, from before the end of a break, is left out.
        """
        if frame.time_s <= self.last_s:
            return []
        measured = self._measure(frame)
        self._last_frame_s = frame.time_s
        return self._add(frame.time_s, measured)

    def break_off(self, now_s: float) -> list[Event]:
        """Notes by empty rows that no frame has come since the last: what was open ends there.

        Called again and again while that lasts, it adds rows until the detector has seen enough
        of the break to tell what ended with it, and none after.

        Args:
            now_s: Time on the frames' clock.
        """
        if self._last_frame_s is None:
            return []
        first, known_s = self.last_s == self._last_frame_s, self._last_frame_s + _BREAK_KNOWN_S
        if not first and not self.last_s + _BREAK_EVERY_S <= now_s <= known_s:
            return []
        time_s = round(self.last_s + _BREAK_S if first else now_s, 6)
        return self._add(time_s, self._measure.nothing(time_s))

    def begin_segment(self, label: str) -> None:
        """Labels what comes from the last frame on."""
        start_s = max(self.last_s, 0.0)
        self.tally.begin_segment(label, start_s)
        self._log.mark(start_s, "segment", label)

    def finish(self) -> list[Event]:
        """Ends the session; what was still open becomes final."""
        return self._keep(NO_FRAMES, self._counter.finish())

    def files(self, values: dict[str, Any], *, final: bool) -> Writers:
        """Writers of the files that are replaced as a whole.

        Args:
            values: What ``summary.json`` holds.
            final: Also the events and twitches, in order of onset.
        """
        summary, segments = self.tally.counts(), self.tally.segments()
        files: dict[str, Any] = {
            "counts.csv": partial(write_counts, counts=summary),
            "summary.json": partial(write_json, values=values),
        }
        if segments:
            files[SEGMENTS_FILE] = partial(write_segments, segments=segments)
        if final:
            events = self._counter.in_order()
            files["events.csv"] = partial(write_events, events=events)
            files["twitches.csv"] = partial(write_twitches, events=events)
        return files

    def _add(self, time_s: float, measured: Measurements) -> list[Event]:
        self.last_s = time_s
        return self._keep(measured, self._counter.add(measured))

    def _keep(self, measured: Measurements, found: DetectorUpdate) -> list[Event]:
        self._log.add(measured, found)
        trace = Signals.concatenate([self.trace, found.signals])
        self.trace = trace[slice(int(np.searchsorted(trace.time_s, self.last_s - TRACE_S)), None)]
        recent = Measurements.concatenate([self.recent, measured])
        self.recent = recent[
            slice(int(np.searchsorted(recent.time_s, self.last_s - _RECENT_S)), None)
        ]
        return found.events
