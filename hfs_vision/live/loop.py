"""One turn after the other: a frame, what the user asks, what is shown, what is kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from datetime import datetime, timezone
from typing import Any, Protocol

from hfs_vision.analysis.result import summary_values
from hfs_vision.core.messages import Message
from hfs_vision.core.settings import Settings
from hfs_vision.core.summary import Segment, Summary
from hfs_vision.errors import OutputError
from hfs_vision.live.counter import Counting
from hfs_vision.live.hints import DELIVERED_SHARE, face_brightness, hints
from hfs_vision.live.latency import Quantiles
from hfs_vision.live.log import SessionLog
from hfs_vision.live.protocol import Cue
from hfs_vision.live.protocol import Protocol as Tasks
from hfs_vision.live.starting import Starting
from hfs_vision.live.view import TRACE_S, View
from hfs_vision.live.window import Action
from hfs_vision.schema import Event, Frame
from hfs_vision.video import Capture, Recorder, turned_info

_WAIT_S = 0.05
_SILENCE_S = 0.5
"""Without a frame for so long, what is going on is ended: the camera may be gone."""

_SETTLE_S = 1.0
_SUMMARY_S = 10.0
_SHOW_S = 1 / 30
_SHOW_AT_LEAST_S = 0.25
_HINTS_S = 0.5

Clock = Callable[[], float]


class Display(Protocol):
    """Shows a session; called from the thread that runs it."""

    def show(self, view: View) -> Sequence[Action]:
        """Shows one moment and gives back what the user asked for since the last time."""
        ...


@dataclass(frozen=True)
class Session:
    """What a session came to.

    Attributes:
        summary: Counts and rates.
        segments: The same for each labelled stretch.
        events: In order of onset.
        warnings: What makes the counts less certain, in sentences.
        values: What ``summary.json`` holds.
        failure: What could not be written; what could is there.
        set_aside: The new name of corrections of an earlier result in the same folder.
    """

    summary: Summary
    segments: Sequence[Segment]
    events: Sequence[Event]
    warnings: Sequence[str]
    values: dict[str, Any]
    failure: OutputError | None = None
    set_aside: str | None = None


class Loop:
    """State of a running session."""

    def __init__(
        self,
        capture: Capture,
        starting: Starting,
        counting: Counting,
        log: SessionLog,
        settings: Settings,
        clock: Clock,
        asked_fps: float | None,
        recorder: Recorder | None,
        tasks: Tasks | None,
        lossless: bool,
        subject: tuple[float, float] | None,
    ) -> None:
        self._capture, self._counting, self._log = capture, counting, log
        self._settings, self._clock, self._asked_fps = settings, clock, asked_fps
        self._recorder, self._tasks, self._lossless = recorder, tasks, lossless
        self._subject, self._starting = subject, starting
        self._started = datetime.now(timezone.utc)
        self._start_s = math.nan
        self._frame: Frame | None = None
        self._arrived_s = clock()
        self._processing, self._delay, self._told = Quantiles(), Quantiles(), Quantiles()
        self._showing = Quantiles()
        self._paused_at_s: float | None = None
        self._paused_s = self._skipped_s = 0.0
        self._cue: Cue | None = None
        self._label = ""
        self._lost = False
        self._dropped, self._dropped_at_s = 0, -math.inf
        self._hints: list[str] = []
        self._hints_at_s = self._shown_at_s = self._settled_at_s = -math.inf
        self._summed_at_s = clock()
        self.over = False

    @property
    def now_s(self) -> float:
        """Time on the frames' clock: of the last one, and what has passed since it came."""
        if self._frame is None:
            return 0.0
        return self._frame.time_s + self._clock() - self._arrived_s

    @property
    def elapsed_s(self) -> float:
        """Time since the first frame, pauses left out."""
        if self._frame is None:
            return 0.0
        until = self.now_s if self._paused_at_s is None else self._paused_at_s
        return until - self._start_s - self._paused_s

    def turn(self, display: Display | None, tell: Callable[[Event], None]) -> None:
        """One frame, or a moment without any."""
        frame = self._capture.get(_WAIT_S)
        if frame is not None:
            self._take(frame, tell)
        elif self._capture.state == "ended":
            self.over = True
        elif self._clock() - self._arrived_s > _SILENCE_S:
            self._tell(self._counting.break_off(self.now_s), tell)
        self._watch_camera()
        self._lead()
        now = self._clock()
        if now - self._settled_at_s >= _SETTLE_S:
            self._settle(now)
        since = now - self._shown_at_s
        idle = self._lossless or not self._capture.backlog
        if display and (since >= _SHOW_AT_LEAST_S or (since >= _SHOW_S and idle)):
            self._show(display, now)

    def end(self, tell: Callable[[Event], None], *, failed: bool = False) -> Session:
        """Makes the log complete."""
        self._tell(self._counting.finish(), tell)
        self._capture.close()
        if self._recorder:
            self._recorder.close()
        tally = self._counting.tally
        values = self._values(partial=failed)
        session = Session(
            tally.summary(),
            tally.segments(),
            sorted(self._counting.events, key=lambda event: (event.onset_s, event.side)),
            values["warnings"],
            values,
            set_aside=self._log.set_aside,
        )
        try:
            self._log.close(self._counting.files(values, final=True))
        except OutputError as error:
            return replace(session, failure=error)
        return session

    def _take(self, frame: Frame, tell: Callable[[Event], None]) -> None:
        if self._frame is None:
            self._start_s = frame.time_s
        frame = self._starting.upright(frame)
        self._frame, self._arrived_s = frame, self._clock()
        if self._paused_at_s is not None:
            self._tell(self._counting.break_off(frame.time_s), tell)
            return
        began = time.perf_counter()
        events = self._counting.take(frame)
        self._processing.add(time.perf_counter() - began)
        self._delay.add(self._clock() - self._capture.arrived_s(frame))
        self._tell(events, tell)

    def _tell(self, events: Sequence[Event], tell: Callable[[Event], None]) -> None:
        for event in events:
            knowable_s = max(event.offset_s, self._counting.rest_known_s)
            self._told.add(self.now_s - knowable_s)
            tell(event)

    def _watch_camera(self) -> None:
        lost = self._capture.state == "lost"
        if lost != self._lost:
            self._lost = lost
            self._log.mark(self.now_s, "camera_lost" if lost else "camera_back")
        dropped = self._capture.stats.dropped
        if dropped > self._dropped:
            self._dropped, self._dropped_at_s = dropped, self._clock()

    def _lead(self) -> None:
        """Follows the protocol: each step is a segment, and the session ends with the last."""
        if self._tasks is None or self._frame is None:
            return
        cue = self._tasks.at(self.elapsed_s + self._skipped_s)
        if cue is None:
            self.over = True  # the last step is shown to its end
            return
        if self._cue is None or cue.step != self._cue.step:
            self._begin_segment(cue.label)
        self._cue = cue

    def _begin_segment(self, label: str) -> None:
        self._label = label
        self._counting.begin_segment(label)

    def _settle(self, now: float) -> None:
        files = {}
        if now - self._summed_at_s >= _SUMMARY_S or self._settled_at_s == -math.inf:
            files = dict(self._counting.files(self._values(partial=True), final=False))
            self._summed_at_s = now
        self._log.settle(files)
        self._settled_at_s = now

    def _show(self, display: Display, now: float) -> None:
        if self._frame is None:
            return
        if now - self._hints_at_s >= _HINTS_S:
            self._hints, self._hints_at_s = self._find_hints(now), now
        for action in display.show(self._view()):
            self._act(action)
        self._shown_at_s = now
        self._showing.add(self._clock() - now)

    def _act(self, action: Action) -> None:
        if action.kind == "quit":
            self.over = True
        elif action.kind == "mark":
            self._log.mark(self.now_s, "mark")
        elif action.kind == "segment":
            self._begin_segment(action.label)
        elif action.kind == "next_step" and self._cue is not None:
            self._skipped_s = math.nextafter(self._cue.ends_s, math.inf) - self.elapsed_s
        elif action.kind == "pause":
            self._pause()

    def _pause(self) -> None:
        if self._paused_at_s is None:
            self._paused_at_s = self.now_s
            self._log.mark(self.now_s, "pause")
        else:
            self._paused_s += self.now_s - self._paused_at_s
            self._paused_at_s = None
            self._log.mark(self.now_s, "resume")

    def _find_hints(self, now: float) -> list[str]:
        assert self._frame is not None
        found = [f"The log cannot be written: {self._log.error}"] if self._log.error else []
        if self._recorder and self._recorder.error:
            found.append(f"Video is not recorded any more: {self._recorder.error}")
        return found + hints(
            self._counting.recent,
            self._settings,
            frozen=self._counting.repeats.frozen,
            brightness=face_brightness(self._frame.rgb, self._counting.landmarks),
            fps=self._capture.fps,
            asked_fps=self._asked_fps,
            since_drop_s=now - self._dropped_at_s,
            played=self._capture.source.info.kind == "file",
        )

    def _view(self) -> View:
        assert self._frame is not None
        counting, cue = self._counting, self._cue
        return View(
            rgb=self._frame.rgb,
            landmarks=counting.landmarks,
            time_s=self.now_s,
            elapsed_s=self.elapsed_s,
            valid_s=counting.tally.valid_s,
            fps=self._capture.fps,
            counts=counting.tally.counts(),
            ongoing=counting.ongoing,
            trace=counting.trace,
            events=[e for e in counting.events[-100:] if e.offset_s > self.now_s - TRACE_S],
            learning_s=counting.learning_s,
            hints=self._hints,
            segment=self._label,
            prompt=cue.text if cue else "",
            prompt_left_s=cue.left_s if cue else math.nan,
            step=cue.step + 1 if cue else 0,
            steps=len(self._tasks.steps) if self._tasks else 0,
            dropped=self._dropped,
            paused=self._paused_at_s is not None,
            recording=self._recorder is not None and not self._recorder.error,
            lost=self._lost,
        )

    def _values(self, *, partial: bool) -> dict[str, Any]:
        """What ``summary.json`` holds."""
        stats, tally = self._capture.stats, self._counting.tally
        return {
            **summary_values(
                tally.summary(),
                self._settings,
                partial=partial,
                source_warnings=self._warnings(),
                subject=self._subject,
            ),
            "model": asdict(self._counting.model),
            "source": {
                **asdict(turned_info(self._capture.source.info, self._starting.look.turned_deg)),
                "passed_over": [astuple(place) for place in self._starting.look.passed_over],
            },
            "live": {
                "started_utc": self._started.isoformat(timespec="seconds"),
                "elapsed_s": self.elapsed_s,
                "protocol": self._tasks.shown_name if self._tasks else None,
                "frames_captured": stats.captured,
                "frames_dropped": stats.dropped,
                "drop_rate": stats.dropped / stats.captured if stats.captured else 0.0,
                "asked_fps": self._asked_fps,
                "interruptions": [asdict(gap) for gap in stats.interruptions],
                "processing_ms": self._processing.as_dict(),
                "delay_ms": self._delay.as_dict(),
                "event_told_after_ms": self._told.as_dict(),
                "display_ms": self._showing.as_dict(),
            },
            "repeats": asdict(self._counting.repeats.counts),
        }

    def _warnings(self) -> list[str]:
        """What only this session could see."""
        stats = self._capture.stats
        found = [*self._capture.source.warnings, *self._counting.warnings]
        if stats.dropped:
            found.append(Message("frames_dropped", count=stats.dropped, frames=stats.captured))
        if stats.interruptions:
            found.append(Message("camera_lost", count=len(stats.interruptions)))
        fps = self._counting.tally.fps
        found += self._counting.repeats.counts.warnings(fps)
        if self._asked_fps and fps < DELIVERED_SHARE * self._asked_fps:
            found.append(Message("camera_slow", fps=fps, wanted_fps=self._asked_fps))
        if self._recorder and self._recorder.error:
            found.append(Message("video_not_recorded", reason=self._recorder.error))
        elif self._recorder and self._recorder.dropped:
            found.append(Message("video_frames_missing", count=self._recorder.dropped))
        return found
