"""Events -> counts, rates per valid minute and shares of valid time, by side and kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hfs_vision.core.detector import row_ends
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.signals import Signals
from hfs_vision.schema import KINDS, SIDES, Blink, Event

LOW_FPS = 24.0
"""Below this a twitch of 100 ms can fall between two frames (docs/decisions.md, frame rate)."""

SMALL_FACE_PX = 64.0
"""Interocular distance below which the picture, not the landmark model, limits resolution: the
models see about 0.7 px per mm of face, and the outer canthi are about 90 mm apart."""

_MANY_INVALID = 0.2
_SHORT_S = 60.0


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

    def warnings(self) -> list[str]:
        """What makes the counts less certain, in sentences."""
        found = []
        if self.fps < LOW_FPS:
            found.append(
                f"low frame rate ({self.fps:.1f} frames/s): movements under about "
                f"{1500 / self.fps:.0f} ms can be missed; record at 30, better 60 frames/s"
            )
        if self.face_px < SMALL_FACE_PX:
            found.append(
                f"small face ({self.face_px:.0f} px between the outer corners of the eyes, "
                f"{SMALL_FACE_PX:.0f} or more are wanted): come nearer or record at a higher "
                "resolution"
            )
        if self.frames and self.valid_frames < (1 - _MANY_INVALID) * self.frames:
            found.append(
                f"no usable face in {self.frames - self.valid_frames} of {self.frames} frames "
                f"({1 - self.valid_frames / self.frames:.0%}): away, turned aside or hidden"
            )
        if self.valid_s < _SHORT_S:
            found.append(
                f"short recording ({self.valid_s:.0f} s of valid time): rates per minute are "
                f"uncertain below {_SHORT_S:.0f} s"
            )
        return found


def summarise(
    measurements: Measurements,
    signals: Signals,
    events: Sequence[Event],
    blinks: Sequence[Blink],
    *,
    max_gap_s: float,
) -> Summary:
    """Counts events and blinks against the time in which they could have been seen.

    Args:
        measurements: Every frame of the recording.
        signals: The same frames as the detector saw them.
        events: One-sided events.
        blinks: Closures of both lids; those that overlap an event of the eye are not counted.
        max_gap_s: A frame stands for no longer than this.
    """
    time_s = measurements.time_s
    row_end = row_ends(time_s, max_gap_s)
    valid = signals.valid
    valid_s = float((row_end - time_s)[valid].sum())
    steps = np.diff(time_s)
    face_px = measurements.face_px[np.isfinite(measurements.face_px)]
    own = [blink for blink in blinks if not _in_event(blink, events)]
    return Summary(
        frames=len(time_s),
        valid_frames=int(valid.sum()),
        start_s=float(time_s[0]) if len(time_s) else 0.0,
        end_s=float(row_end[-1]) if len(time_s) else 0.0,
        valid_s=valid_s,
        fps=float(1.0 / np.median(steps)) if len(steps) else float("nan"),
        face_px=float(np.median(face_px)) if len(face_px) else float("nan"),
        counts=tuple(_counts(events, valid_s)),
        blinks=len(own),
        blink_rate_per_min=_per_minute(len(own), valid_s),
    )


def _counts(events: Sequence[Event], valid_s: float) -> list[Count]:
    rows = [(side, kind) for side in SIDES for kind in KINDS]
    rows += [*((side, "all") for side in SIDES), ("all", "all")]
    counts = []
    for side, kind in rows:
        chosen = [e for e in events if side in (e.side, "all") and kind in (e.kind, "all")]
        time_s = sum(e.duration_s for e in chosen)
        share = time_s / valid_s if valid_s > 0 else float("nan")
        rate = _per_minute(len(chosen), valid_s)
        counts.append(Count(side, kind, len(chosen), rate, time_s, share))
    return counts


def _per_minute(count: int, valid_s: float) -> float:
    return 60.0 * count / valid_s if valid_s > 0 else float("nan")


def _in_event(blink: Blink, events: Sequence[Event]) -> bool:
    return any(
        "eye" in e.region and e.onset_s < blink.offset_s and blink.onset_s < e.offset_s
        for e in events
    )
