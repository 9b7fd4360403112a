"""Whether events are as often right as their confidence says.

An event is right if it overlaps a movement of its side: matched, or one of several that together
make one (a split). Those on labels that a person was not sure of are left out. All landmark
models are taken together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hfs_vision.schema import Event, FloatArray
from tests.benchmarks.accuracy.material import Plan
from tests.benchmarks.accuracy.run import Run
from tests.benchmarks.accuracy.scoring import judge

EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)
"""Bins of the confidence."""

SOURCES = ("portraits", "clips")


@dataclass(frozen=True)
class Told:
    """An event, whether it was right, and whose it is."""

    event: Event
    right: bool
    person: str


@dataclass(frozen=True)
class Bin:
    """Events whose confidence lies in ``[low, high)``; NaN where there are none."""

    low: float
    high: float
    events: int
    predicted: float
    observed: float


def tell(plan: Plan, events: Sequence[Event], valid_s: float) -> list[Told]:
    """What became of the events of one recording."""
    found = judge(plan, events, valid_s, tolerance_s=None)
    comparison = found.evaluation.comparisons[0]
    verdicts = {
        **{row: True for _, row in comparison.matched},
        **dict.fromkeys(comparison.split, True),
        **dict.fromkeys(comparison.false, False),
    }
    return [
        Told(found.recording.estimated[row], right, plan.recipe.person)  # type: ignore[arg-type]
        for row, right in sorted(verdicts.items())
    ]


def run_events(run: Run, source: str) -> list[Told]:
    """Events at default thresholds in recordings of portraits or of clips."""
    return [
        told
        for rule in run.rules
        if rule.ours
        for found in run.at(rule.name)
        if found.plan.recipe.source == source.removesuffix("s")
        for told in tell(found.plan, found.recording.estimated, found.recording.valid_s)  # type: ignore[arg-type]
    ]


def bins(told: Sequence[Told], predicted: FloatArray | None = None) -> list[Bin]:
    """The events by their confidence, or by what else predicts that they are right."""
    values = np.array([t.event.confidence for t in told]) if predicted is None else predicted
    right = np.array([t.right for t in told], dtype=float)
    row = np.clip(np.searchsorted(EDGES, values, side="right") - 1, 0, len(EDGES) - 2)
    made = []
    for k in range(len(EDGES) - 1):
        here = row == k
        n = int(here.sum())
        made.append(
            Bin(
                EDGES[k],
                EDGES[k + 1],
                n,
                float(values[here].mean()) if n else float("nan"),
                float(right[here].mean()) if n else float("nan"),
            )
        )
    return made


def brier(told: Sequence[Told], predicted: FloatArray | None = None) -> tuple[float, float]:
    """Mean squared error of the confidence, and of the one best constant; NaN of nothing."""
    if not told:
        return float("nan"), float("nan")
    values = np.array([t.event.confidence for t in told]) if predicted is None else predicted
    right = np.array([t.right for t in told], dtype=float)
    return float(np.mean((values - right) ** 2)), float(right.mean() * (1 - right.mean()))
