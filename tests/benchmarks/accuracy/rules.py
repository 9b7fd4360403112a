"""The detectors that are compared: recording -> events, at any sensitivity.

Every rule first reads what does not depend on the sensitivity (`prepare`), so that a sweep costs
little. The **factor** multiplies the thresholds: 1 is the default, 2 is half as sensitive. For our
own detector that equals `Settings` whose ``closure_threshold``, ``excursion_threshold`` and
``noise_factor`` are multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hfs_vision.core.detector import Detector
from hfs_vision.core.evaluate import Marked
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.signals import SignalBuilder, Signals
from hfs_vision.schema import FloatArray
from hfs_vision.settings import Settings
from tests.benchmarks.accuracy import peers

FACTORS = (0.4, 0.5, 0.63, 0.8, 1.0, 1.26, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.5)
"""Sensitivities of the sweep."""

_MIN_NOISE = 0.05
"""Least noise of a score in units of its threshold, so that a silent channel is not blown up."""

Events = Sequence[Marked]
Sweep = Callable[[float], Events]


@dataclass(frozen=True)
class Rule:
    """A detector: its name, the models it needs, and how it reads a recording."""

    name: str
    models: tuple[str, ...]
    prepare: Callable[[Mapping[str, Measurements]], Sweep]
    ours: bool = True


def signals_of(measured: Measurements, settings: Settings | None = None) -> Signals:
    """Scores of a whole recording."""
    builder = SignalBuilder(settings or Settings())
    return Signals.concatenate([builder.update(measured), builder.finish()])


def events_of(signals: Signals, factor: float, settings: Settings | None = None) -> Events:
    """Events of the default detector with every threshold multiplied by ``factor``."""
    scaled = replace(
        signals,
        eye_score=signals.eye_score / factor,
        mouth_score=signals.mouth_score / factor,
        excursion_threshold=signals.excursion_threshold * factor,
    )
    detector = _Ready(settings or Settings())
    return detector.take(scaled)


class _Ready(Detector):
    """The detector behind its signals."""

    def take(self, signals: Signals) -> Events:
        return self._advance(signals, last=True).events if len(signals) else []


def noise_of(score: FloatArray) -> float:
    """Scale of a score at rest: of its left-right difference, by the median of its size."""
    difference = score[:, 0] - score[:, 1]
    difference = difference[np.isfinite(difference)]
    if not len(difference):
        return _MIN_NOISE
    return max(1.4826 * float(np.median(np.abs(difference - np.median(difference)))), _MIN_NOISE)


def fuse(parts: Sequence[Signals]) -> Signals:
    """Sum of the models' scores, each divided by its own noise; in units of the threshold again.

    The sum is divided by that of the inverse noises, so that where all models read their
    thresholds the sum does too. Where a model sees no face, neither does the sum. The noise is
    that of the whole recording: a live version would have to learn it.
    """

    def weighted(name: str) -> FloatArray:
        scores = [getattr(part, name) for part in parts]
        weights = [1.0 / noise_of(score) for score in scores]
        return np.asarray(sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights))

    return Signals(
        parts[0].time_s,
        np.mean([part.closure for part in parts], axis=0),
        np.mean([part.excursion for part in parts], axis=0),
        weighted("eye_score"),
        weighted("mouth_score"),
        np.mean([part.excursion_threshold for part in parts], axis=0),
    )


def _single(model: str) -> Callable[[Mapping[str, Measurements]], Sweep]:
    def prepare(measured: Mapping[str, Measurements]) -> Sweep:
        signals = signals_of(measured[model])
        return lambda factor: events_of(signals, factor)

    return prepare


def _fused(measured: Mapping[str, Measurements]) -> Sweep:
    signals = fuse([signals_of(measured[name]) for name in ("facemesh", "facelandmarker")])
    return lambda factor: events_of(signals, factor)


def _peer(
    rule: Callable[[Measurements, float], Events],
) -> Callable[[Mapping[str, Measurements]], Sweep]:
    def prepare(measured: Mapping[str, Measurements]) -> Sweep:
        return lambda factor: rule(measured["facemesh"], factor)

    return prepare


RULES = (
    Rule("facemesh", ("facemesh",), _single("facemesh")),
    Rule("facelandmarker", ("facelandmarker",), _single("facelandmarker")),
    Rule("fused", ("facemesh", "facelandmarker"), _fused),
    Rule("peer: relative difference", ("facemesh",), _peer(peers.relative_difference), False),
    Rule("peer: unmatched peaks", ("facemesh",), _peer(peers.unmatched_peaks), False),
)
