"""What a display of a running session is given, several times a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Count
from hfs_vision.schema import Event, FloatArray

TRACE_S = 10.0
"""Length of the rolling trace."""

SEGMENTS = ("rest", "reading", "talking", "pursing")
"""Labels of the segments that a display offers, by the keys 1, 2, 3 ..."""


@dataclass(frozen=True)
class View:
    """One moment of a session.

    Attributes:
        rgb: ``(height, width, 3)`` uint8, as the camera gave it (not mirrored).
        landmarks: ``(478, 3)`` pixels of that picture; all NaN where there is no face.
        time_s: Time of the picture on the session's clock.
        elapsed_s, valid_s: Time since the session began (pauses left out), and the part of it in
            which both sides were measured.
        fps: Frames per second that arrive, over the last seconds; NaN at the start.
        counts: Events so far; see `hfs_vision.core.summary.Count`.
        ongoing: ``(side, part)`` that move at this moment, part ``eye`` or ``mouth``.
        trace: Final signals of the last `TRACE_S`; they end 0.12 s before ``time_s``, and are
            empty while rest is learned.
        events: Events that reach into the last `TRACE_S`.
        learning_s: How long rest is still learned, before which no event is told; 0 afterwards.
        hints: What to fix, in short sentences, most urgent first.
        segment: Label of the running segment, or empty.
        prompt: What a protocol asks for now, or empty.
        prompt_left_s: For how long; NaN without a protocol.
        step, steps: Running number of the protocol's step from 1, and of how many; 0 without one.
        dropped: Frames dropped so far.
        paused, recording, lost: Whether counting is paused, video is recorded, the camera is gone.
    """

    rgb: NDArray[np.uint8]
    landmarks: FloatArray
    time_s: float
    elapsed_s: float
    valid_s: float
    fps: float
    counts: Sequence[Count]
    ongoing: frozenset[tuple[str, str]]
    trace: Signals
    events: Sequence[Event]
    learning_s: float = 0.0
    hints: Sequence[str] = ()
    segment: str = ""
    prompt: str = ""
    prompt_left_s: float = float("nan")
    step: int = 0
    steps: int = 0
    dropped: int = 0
    paused: bool = False
    recording: bool = False
    lost: bool = False
