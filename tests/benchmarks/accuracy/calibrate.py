"""Fits `hfs_vision.core.confidence` to events that the benchmark knows to be right or false.

    python -m tests.benchmarks.accuracy.calibrate --jobs 2

Takes the arguments of the accuracy benchmark (their cache is shared), but portraits of the split
``tune``. Prints the constants to put into ``hfs_vision/core/confidence.py``, and how they do on
persons left out of the fit. At the default thresholds there are few false events to learn from:
what only lower ones find is taken too, with its score in units of the default threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hfs_vision.core.confidence import features
from hfs_vision.core.geometry import Measurements
from hfs_vision.schema import REGIONS, Event, FloatArray
from tests.benchmarks.accuracy.gather import gather, options
from tests.benchmarks.accuracy.material import Plan
from tests.benchmarks.accuracy.reliability import Told, bins, brier, tell
from tests.benchmarks.accuracy.rules import RULES, events_of, signals_of
from tests.benchmarks.accuracy.run import valid_time
from tests.benchmarks.common import Report

FACTORS = (1.0, 0.85, 0.7, 0.5)
"""Sensitivities: from each, what none before found."""

_RIDGE = 1.0


def found_at_any(measured: Measurements) -> list[Event]:
    """Events at the default thresholds, then those of lower ones that overlap none before."""
    events: list[Event] = []
    for factor in FACTORS:
        here = [replace(e, score=factor * e.score) for e in events_of(measured, factor)]
        events += [e for e in here if not any(_same(e, other) for other in events)]
    return events


def _same(a: Event, b: Event) -> bool:
    return a.side == b.side and a.onset_s < b.offset_s and b.onset_s < a.offset_s


def learned_from(
    plans: Sequence[Plan], measured: Sequence[Mapping[str, Measurements]]
) -> list[Told]:
    """Events of all landmark models, and whether they are right."""
    told = []
    for rule in RULES:
        if rule.ours and rule.needs in measured[0]:
            for plan, one in zip(plans, measured, strict=True):
                seconds = valid_time(signals_of(one[rule.needs]))
                told += tell(plan, found_at_any(one[rule.needs]), seconds)
    return told


def design(told: Sequence[Told]) -> FloatArray:
    """``(n, 5)``: level of each region, log score, log duration."""
    rows = [
        [*(t.event.region == r for r in REGIONS), *features(t.event.score, t.event.duration_s)]
        for t in told
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, len(REGIONS) + 2)


def fit(x: FloatArray, right: FloatArray, ridge: float = _RIDGE) -> FloatArray:
    """Logistic regression with a ridge, by Newton's method; the level may not fall with score.

    The score's weight is held at 0 where the data would have it negative.
    """
    free = np.ones(x.shape[1], dtype=bool)
    weights = _newton(x, right, ridge)
    if weights[len(REGIONS)] < 0:
        free[len(REGIONS)] = False
        weights = np.zeros(x.shape[1])
        weights[free] = _newton(x[:, free], right, ridge)
    return weights


def _newton(x: FloatArray, right: FloatArray, ridge: float) -> FloatArray:
    weights = np.zeros(x.shape[1])
    for _ in range(50):
        p = predict(x, weights)
        slope = x.T @ (right - p) - ridge * weights
        curve = (x * (p * (1 - p))[:, None]).T @ x + ridge * np.eye(x.shape[1])
        step = np.linalg.solve(curve, slope)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    return weights


def predict(x: FloatArray, weights: FloatArray) -> FloatArray:
    """Confidence of each row."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x @ weights, -40, 40))))


def leaving_out(x: FloatArray, right: FloatArray, persons: Sequence[str]) -> FloatArray:
    """Confidence of each row from a fit to all other persons."""
    who, predicted = np.array(persons), np.empty(len(x))
    for person in dict.fromkeys(persons):
        out = who == person
        predicted[out] = predict(x[out], fit(x[~out], right[~out]))
    return predicted


def main() -> None:
    given = options(__doc__, people=12, split="tune").parse_args()
    told = learned_from(*gather(given))
    x, right = design(told), np.array([t.right for t in told], dtype=np.float64)
    persons = [t.person for t in told]
    predicted, weights = leaving_out(x, right, persons), fit(x, right)
    default = np.flatnonzero([t.event.score >= 1.0 for t in told])
    report = Report("calibration of the confidence")
    report.note(
        f"{len(told)} events of {len(set(persons))} persons, {right.mean():.2f} of them right; "
        f"{len(default)} at the default thresholds, {right[default].mean():.2f} of them right"
    )
    levels = ", ".join(f'"{r}": {w:.2f}' for r, w in zip(REGIONS, weights, strict=False))
    report.note(f"LEVEL = {{{levels}}}")
    report.note(f"PER_LOG_SCORE = {weights[-2]:.2f}\nPER_LOG_DURATION = {weights[-1]:.2f}")
    some = [told[k] for k in default]
    for what, these, values in (
        ("all events", told, predicted),
        ("at the default thresholds", some, predicted[default]),
    ):
        score, constant = brier(these, values)
        report.note(
            f"Brier score of {what}, persons left out of the fit: {score:.3f} "
            f"({constant:.3f} if all were given the same)"
        )
        report.table(
            f"{what}, persons left out of the fit",
            ["confidence", "events", "mean", "share right"],
            [
                [f"{b.low:g} to {b.high:g}", b.events, b.predicted, b.observed]
                for b in bins(these, values)
            ],
        )
    report.keep(weights=weights.tolist(), events=len(told), right=float(right.mean()))
    report.write(given.json)


if __name__ == "__main__":
    main()
