"""How often events like this one were right in the benchmark.

A logistic function of the score and the duration, with a level for each region. It was fitted by
``python -m tests.benchmarks.accuracy.calibrate`` (penalised logistic regression) to events of all
three landmark models, each known to be right or false: on the benchmark's clips and on portraits of
the split ``tune``, at the default thresholds and, for more false events to learn from, what lower
ones find besides. docs/accuracy.md shows how it does on other people.

It holds for the default settings, and for recordings in which right and false events are about as
frequent as there: 0.96 of the events at the default thresholds were right. Where one-sided
movements are rarer, or faces move more, fewer are: it ranks events, and is no share to rely on
elsewhere (too low on rendered people, too high on the clips below 0.85). It tells whether one side
moved by itself; it does not tell a spasm from a deliberate movement.
"""

from __future__ import annotations

import math

from hfs_vision.regions import FACE_REGIONS, SEVERAL_CONFIDENCE_LEVEL

LEVEL = {region.name: region.confidence_level for region in FACE_REGIONS}
"""Of a region that moves by itself."""

PER_LOG_SCORE = 5.06
PER_LOG_DURATION = -0.58

_DURATION_S = (0.05, 1.5)
"""Shorter and longer events count as of these durations."""


def features(score: float, duration_s: float) -> tuple[float, float]:
    """Logarithms of the score and of the duration (seconds, limited)."""
    low, high = _DURATION_S
    return math.log(max(score, 1e-3)), math.log(min(max(duration_s, low), high))


def confidence(region: str, score: float, duration_s: float) -> float:
    """Share of right events among those of this kind, 0 to 1; rises with the score.

    Args:
        region: One of `hfs_vision.schema.REGIONS`.
        score: In units of the threshold in force.
        duration_s: Seconds.
    """
    log_score, log_duration = features(score, duration_s)
    level = LEVEL.get(region, SEVERAL_CONFIDENCE_LEVEL)
    z = level + PER_LOG_SCORE * log_score + PER_LOG_DURATION * log_duration
    return 1.0 / (1.0 + math.exp(-z))
