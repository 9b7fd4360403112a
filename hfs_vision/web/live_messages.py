"""What the page of a live session is told, as values that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Count
from hfs_vision.live import SEGMENTS, Session, View
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.schema import KINDS, SIDES, FloatArray

Message = dict[str, Any]


def facts() -> Message:
    """What is the same throughout: what the page builds its table and its buttons from."""
    face = [asdict(region) for region in FACE_REGIONS]
    return {"sides": SIDES, "kinds": KINDS, "segments": SEGMENTS, "face": face}


def waiting() -> Message:
    """Before the first picture."""
    return {"state": "starting"}


def moment(view: View, after_s: float) -> Message:
    """One moment of a session.

    Args:
        view: The moment.
        after_s: Time of the last sample of the trace that the page has; minus infinity for none.

    Returns:
        Fields as those of `View`, numbers that are missing as None; ``counts`` by side and kind;
        ``trace`` as columns with the samples after ``after_s``; ``events`` as their times and side.
    """
    new = view.trace[slice(int(np.searchsorted(view.trace.time_s, after_s, "right")), None)]
    return {
        "state": "running",
        "time_s": round(view.time_s, 3),
        "elapsed_s": round(view.elapsed_s, 2),
        "valid_s": round(view.valid_s, 2),
        "fps": _number(view.fps, 1),
        "counts": _counts(view.counts),
        "ongoing": sorted(view.ongoing),
        "trace": _trace(new),
        "events": [
            [round(e.onset_s, 3), round(e.offset_s, 3), e.side, e.region] for e in view.events
        ],
        "learning_s": _number(view.learning_s, 1),
        "hints": list(view.hints),
        "segment": view.segment,
        "prompt": view.prompt,
        "prompt_left_s": _number(view.prompt_left_s, 2),
        "step": view.step,
        "steps": view.steps,
        "dropped": view.dropped,
        "paused": view.paused,
        "recording": view.recording,
        "lost": view.lost,
    }


def ended(session: Session) -> Message:
    """The last message of a session that came to its end.

    What could not be written is told without its path: the terminal has it.
    """
    summary = session.summary
    return {
        "state": "over",
        "elapsed_s": round(float(session.values["live"]["elapsed_s"]), 2),
        "valid_s": round(summary.valid_s, 2),
        "fps": _number(summary.fps, 1),
        "blinks": summary.blinks,
        "counts": _counts(summary.counts),
        "segments": [
            {
                "label": segment.label,
                "duration_s": round(segment.end_s - segment.start_s, 1),
                "counts": _counts(segment.counts),
            }
            for segment in session.segments
        ],
        "warnings": list(session.warnings),
        "complete": session.failure is None,
    }


def broken_off() -> Message:
    """The last message of a session that an error ended, or that never began."""
    return {"state": "failed"}


def _counts(counts: Sequence[Count]) -> dict[str, list[float | None]]:
    """Number and rate by ``side kind``."""
    return {f"{c.side} {c.kind}": [c.count, _number(c.rate_per_min, 2)] for c in counts}


def _trace(signals: Signals) -> dict[str, list[float | None]]:
    found = {"time_s": _column(signals.time_s)}
    for region in FACE_REGIONS:
        for side, values in zip(SIDES, signals.amplitude(region).T, strict=True):
            found[f"{region.name} {side}"] = _column(values)
    return found


def _column(values: FloatArray) -> list[float | None]:
    return [_number(value, 4) for value in values.tolist()]


def _number(value: float, digits: int) -> float | None:
    """JSON has no NaN."""
    return round(value, digits) if math.isfinite(value) else None
