"""Events -> counts, rates per valid minute and shares of valid time, by side and kind."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hfs_vision.core.detector import DetectorUpdate
from hfs_vision.core.frame_times import FrameTimes
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.messages import Message
from hfs_vision.core.signals import MIN_VISIBILITY, Signals
from hfs_vision.regions import EYE
from hfs_vision.schema import KINDS, SIDES, Event, FloatArray

LOW_FPS = 24.0
"""Below this a twitch of 100 ms can fall between two frames (docs/decisions.md, frame rate)."""

SMALL_FACE_PX = 64.0
"""Interocular distance below which the picture, not the landmark model, limits resolution: the
models see about 0.7 px per mm of face, and the outer canthi are about 90 mm apart."""

LIDS_DIFFER = 0.7
"""One lid that opens to less than this share of the other: of 536 portraits none reads below 0.72,
nor of the clips of ordinary faces (docs/experiments.md)."""

OPEN_PERCENTILE = 80.0
"""Of apertures: an open eye, between its blinks."""

_LIDS_KNOWN_S = 5.0
"""In less than this one long squint can be most of it."""

_LIDS_YAW_DEG = 20.0
"""Beyond this a turned head shows one eye narrower."""

_MANY_INVALID = 0.2
_SHORT_S = 60.0
_UNBLINKING_S = 60.0
"""Without a blink: people at rest blink 17 times a minute on average, reading ones 4.5 times
(Bentivoglio and others 1997, doi 10.1002/mds.870120629)."""


@dataclass(frozen=True)
class Count:
    """Events of one side and kind (or of ``all``).

    Attributes:
        side: ``left``, ``right`` or ``all``.
        kind: One of `KINDS`, or ``all``.
        count: Number of events.
        rate_per_min: Events per minute of valid time; NaN without valid time.
        time_s: Their total duration.
        time_share: That duration as a share of valid time; NaN without valid time.
    """

    side: str
    kind: str
    count: int
    rate_per_min: float
    time_s: float
    time_share: float


@dataclass(frozen=True)
class Summary:
    """What a recording amounts to.

    Attributes:
        frames: Frames read.
        valid_frames: Frames in which both sides were measured.
        start_s, end_s: Time of the first frame and end of the last.
        valid_s: Time in which both sides were measured; all rates refer to it.
        fps: Median frame rate; NaN with fewer than two frames.
        face_px: Median interocular distance in pixels; NaN without a face.
        open_left, open_right: How far the lids are open between blinks, interocular distances; NaN
            without a face.
        counts: One row for each side and kind, then each side, then all.
        blinks: Closures of both lids that are not part of an event.
        blink_rate_per_min: The same per minute of valid time.
    """

    frames: int
    valid_frames: int
    start_s: float
    end_s: float
    valid_s: float
    fps: float
    face_px: float
    open_left: float
    open_right: float
    counts: tuple[Count, ...]
    blinks: int
    blink_rate_per_min: float

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last."""
        return self.end_s - self.start_s

    @property
    def coverage(self) -> float:
        """Valid time as a share of the recording's length."""
        return self.valid_s / self.duration_s if self.duration_s > 0 else 0.0

    def warnings(self) -> list[Message]:
        """What makes the counts less certain."""
        found: list[Message] = []
        if self.fps < LOW_FPS:
            shortest_ms = 1500 / self.fps
            found.append(Message("low_frame_rate", fps=self.fps, shortest_ms=shortest_ms))
        if self.face_px < SMALL_FACE_PX:
            found.append(Message("small_face", face_px=self.face_px, wanted_px=SMALL_FACE_PX))
        if self.valid_s >= _LIDS_KNOWN_S:
            found += lids_differ(self.open_left, self.open_right)
        if self.frames and self.valid_frames < (1 - _MANY_INVALID) * self.frames:
            count = self.frames - self.valid_frames
            share = count / self.frames
            found.append(Message("no_usable_face", count=count, frames=self.frames, share=share))
        if self.valid_s < _SHORT_S:
            found.append(Message("short_recording", valid_s=self.valid_s, wanted_s=_SHORT_S))
        if self.valid_s >= _UNBLINKING_S and not self.blinks + self.counts[-1].count:
            found.append(Message("no_blink", valid_s=self.valid_s))
        return found


def lids_differ(left: float, right: float) -> list[Message]:
    """A warning where two open eyes differ more than those of ordinary faces do, else none.

    >>> lids_differ(0.05, 0.1)[0][:68]
    'the lids differ at rest: the left eye opens to 50% of the right; a l'
    >>> lids_differ(0.09, 0.1)
    []
    """
    narrow, wide = ("left", "right") if left < right else ("right", "left")
    share = min(left, right) / max(left, right) if max(left, right) > 0 else 1.0
    if not share < LIDS_DIFFER:
        return []
    return [Message("lids_differ", side=narrow, other=wide, share=max(share, 0.0))]


def of_open_eyes(measured: Measurements) -> FloatArray:
    """Apertures ``(m, 2)`` of the frames in which both eyes are seen from the front."""
    with np.errstate(invalid="ignore"):
        ahead = np.abs(measured.yaw_deg) <= _LIDS_YAW_DEG
        seen = ahead & (measured.visibility >= MIN_VISIBILITY)
    return measured.aperture[seen]


@dataclass(frozen=True)
class Segment:
    """A labelled stretch of a recording and its counts; an event belongs where it begins.

    Attributes:
        label: What was done in it, such as ``rest``.
        start_s, end_s: Seconds on the recording's clock.
        valid_s: Time in it in which both sides were measured.
        counts: As in `Summary`.
    """

    label: str
    start_s: float
    end_s: float
    valid_s: float
    counts: tuple[Count, ...]


class _Totals:
    """Number and time of the events of each side and kind."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[int, float]] = {}

    def add(self, event: Event) -> None:
        count, time_s = self._found.get((event.side, event.kind), (0, 0.0))
        self._found[event.side, event.kind] = count + 1, time_s + event.duration_s

    def counts(self, valid_s: float) -> tuple[Count, ...]:
        rows = [(side, kind) for side in SIDES for kind in KINDS]
        rows += [*((side, "all") for side in SIDES), ("all", "all")]
        counts = []
        for side, kind in rows:
            sides = SIDES if side == "all" else (side,)
            kinds = KINDS if kind == "all" else (kind,)
            totals = [self._found.get((s, k), (0, 0.0)) for s in sides for k in kinds]
            count, time_s = sum(total[0] for total in totals), sum(total[1] for total in totals)
            share = time_s / valid_s if valid_s > 0 else float("nan")
            counts.append(Count(side, kind, count, _per_minute(count, valid_s), time_s, share))
        return tuple(counts)


def count_events(events: Sequence[Event], valid_s: float) -> tuple[Count, ...]:
    """Counts of events: a row for each side and kind, then each side, then all.

    Args:
        events: The events, in any order.
        valid_s: Seconds in which both sides were measured; where it is 0 or NaN, rates and
            shares are NaN.
    """
    totals = _Totals()
    for event in events:
        totals.add(event)
    return totals.counts(valid_s)


class _Sample:
    """Values for a percentile: all, or every 2nd, 4th ... of those that are too many to hold.

    Which ones depends on nothing but their number, so that pieces of any size give the same.
    """

    MOST = 1 << 17
    """An hour at 30 frames/s."""

    def __init__(self) -> None:
        self._kept, self._every, self._passed = array("d"), 1, 0

    def add(self, values: FloatArray) -> None:
        self._kept.frombytes(values[-self._passed % self._every :: self._every].tobytes())
        self._passed += len(values)
        while len(self._kept) > self.MOST:
            self._kept, self._every = self._kept[::2], 2 * self._every

    def median(self) -> float:
        """NaN without values."""
        return float(np.median(np.frombuffer(self._kept))) if self._kept else float("nan")

    def percentile(self, share: float) -> float:
        """NaN without values."""
        kept = np.frombuffer(self._kept)
        return float(np.percentile(kept, share)) if len(kept) else float("nan")


class Tally:
    """Counts a recording while it comes in, against the time in which events could be seen.

    It holds the times of events and blinks, and at most 4 MB for frame rate, face size and
    lids; nothing else grows.

    Args:
        max_gap_s: A frame stands for no longer than this.
    """

    def __init__(self, max_gap_s: float) -> None:
        self._max_gap_s = max_gap_s
        self._frames = self._valid_frames = 0
        self._start_s = self._last_s = float("nan")
        self._steps_s, self._face_px = _Sample(), _Sample()
        self._lids = _Sample(), _Sample()
        self._latest_step_s = 0.0
        self._open: tuple[float, bool] | None = None
        self._starts_s, self._labels = [-math.inf], [""]
        self._valid_s = [0.0]
        self._whole, self._totals = _Totals(), [_Totals()]
        self._eye_events: list[tuple[float, float]] = []
        self._blinks: list[tuple[float, float]] = []

    def begin_segment(self, label: str, start_s: float) -> None:
        """Labels what comes from ``start_s`` on; not earlier than the last segment's start."""
        self._starts_s.append(start_s)
        self._labels.append(label)
        self._valid_s.append(0.0)
        self._totals.append(_Totals())

    def add(self, measured: Measurements, found: DetectorUpdate) -> None:
        """Takes the next frames, and what the detector gave back for them."""
        self._add_frames(measured)
        self._add_signals(found.signals)
        for event in found.events:
            segment = bisect_right(self._starts_s, event.onset_s) - 1
            self._totals[segment].add(event)
            self._whole.add(event)
            if EYE.moves_in(event.region):
                self._eye_events.append((event.onset_s, event.offset_s))
        self._blinks += [(blink.onset_s, blink.offset_s) for blink in found.blinks]

    def counts(self) -> tuple[Count, ...]:
        """The counts so far; rates refer to the valid time so far."""
        return self._whole.counts(self.valid_s)

    @property
    def valid_s(self) -> float:
        """Valid time so far."""
        return sum(self._valid_s) + self._open_s

    @property
    def fps(self) -> float:
        """Median frame rate so far; NaN with fewer than two frames."""
        return 1.0 / self._steps_s.median()

    def summary(self) -> Summary:
        """What the recording amounts to so far."""
        blinks = self._own_blinks()
        valid_s = self.valid_s
        return Summary(
            frames=self._frames,
            valid_frames=self._valid_frames,
            start_s=self._start_s if self._frames else 0.0,
            end_s=self._end_s,
            valid_s=valid_s,
            fps=self.fps,
            face_px=self._face_px.median(),
            open_left=self._lids[0].percentile(OPEN_PERCENTILE),
            open_right=self._lids[1].percentile(OPEN_PERCENTILE),
            counts=self._whole.counts(valid_s),
            blinks=blinks,
            blink_rate_per_min=_per_minute(blinks, valid_s),
        )

    def segments(self) -> list[Segment]:
        """Counts of each stretch that `begin_segment` began."""
        ends_s = [*self._starts_s[1:], self._end_s]
        found = []
        for i in range(1, len(self._labels)):
            start_s, valid_s = self._starts_s[i], self._valid_s[i]
            if i == len(self._labels) - 1:
                valid_s += self._open_s
            end_s = max(ends_s[i], start_s)
            counts = self._totals[i].counts(valid_s)
            found.append(Segment(self._labels[i], start_s, end_s, valid_s, counts))
        return found

    @property
    def _open_s(self) -> float:
        """Valid time of the last frame, which no other has followed yet."""
        return self._last_step_s if self._open and self._open[1] else 0.0

    @property
    def _last_step_s(self) -> float:
        return min(self._latest_step_s, self._max_gap_s)

    @property
    def _end_s(self) -> float:
        return self._last_s + self._last_step_s if self._frames else 0.0

    def _add_frames(self, measured: Measurements) -> None:
        time_s = measured.time_s
        if not len(time_s):
            return
        if not self._frames:
            self._start_s = float(time_s[0])
            steps = np.diff(time_s)
        else:
            steps = np.diff(time_s, prepend=self._last_s)
        self._steps_s.add(steps)
        self._face_px.add(measured.face_px[np.isfinite(measured.face_px)])
        for kept, apertures in zip(self._lids, of_open_eyes(measured).T, strict=True):
            kept.add(apertures)
        self._latest_step_s = float(steps[-1]) if len(steps) else self._latest_step_s
        self._frames += len(time_s)
        self._last_s = float(time_s[-1])

    def _add_signals(self, signals: Signals) -> None:
        """Each frame stands until the next one, so the last one waits for it."""
        if not len(signals):
            return
        self._valid_frames += int(signals.valid.sum())
        time_s, valid = signals.time_s, signals.valid
        if self._open is not None:
            time_s, valid = np.append(self._open[0], time_s), np.append(self._open[1], valid)
        held_s = FrameTimes(time_s, valid, self._max_gap_s).valid_s[:-1]
        segment = np.searchsorted(self._starts_s, time_s[:-1], side="right") - 1
        for i in np.unique(segment).tolist():
            self._valid_s[i] += float(held_s[segment == i].sum())
        self._open = float(time_s[-1]), bool(valid[-1])

    def _own_blinks(self) -> int:
        """Blinks that overlap no event of the eye."""
        events = np.array(sorted(self._eye_events)).reshape(-1, 2)
        blinks = np.array(self._blinks).reshape(-1, 2)
        begun = np.searchsorted(events[:, 0], blinks[:, 1])
        last_end_s = np.append(-np.inf, np.maximum.accumulate(events[:, 1]))[begun]
        return int((last_end_s <= blinks[:, 0]).sum())


def _per_minute(count: int, valid_s: float) -> float:
    return 60.0 * count / valid_s if valid_s > 0 else float("nan")
