"""Every rule over every recording at every factor, and the figures that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.evaluation.scores import Evaluation
from tests.benchmarks.accuracy.material import Plan
from tests.benchmarks.accuracy.rules import FACTORS, RULES, Rule, signals_of
from tests.benchmarks.accuracy.scoring import Found, judge
from tests.benchmarks.accuracy.still import jitter_of, still_face

Results = dict[float, list[Found]]
STILL_MINUTES = 10.0
STILL_FPS = (30.0, 60.0)


@dataclass(frozen=True)
class Run:
    """All that was found.

    Attributes:
        plans: Recordings.
        results: By rule name, then factor, in the order of the plans.
        signals: By name of the rules that are the program as it runs, in the order of the plans.
        still: By rule name and frame rate: events a minute at factor 1 in a still face.
        valid_s: Time in which Face Mesh found a usable face, by plan.
    """

    plans: list[Plan]
    results: dict[str, Results]
    signals: dict[str, list[Signals]]
    still: dict[tuple[str, float], float]
    valid_s: list[float]

    @property
    def rules(self) -> list[Rule]:
        """Rules that were run, in order."""
        return [rule for rule in RULES if rule.name in self.results]

    def at(self, rule: str, factor: float = 1.0, *kinds: str) -> list[Found]:
        """Results at a factor, of some kinds of recordings or of all."""
        found = self.results[rule][factor]
        return [f for f in found if not kinds or f.plan.kind in kinds]

    def joined(
        self, rule: str, *kinds: str, tolerance_s: float | None = 0.15, factor: float = 1.0
    ) -> Evaluation:
        """One evaluation over recordings."""
        found = self.at(rule, factor, *kinds)
        if tolerance_s != 0.15:
            found = [
                judge(f.plan, f.recording.estimated, f.recording.valid_s, tolerance_s=tolerance_s)
                for f in found
            ]
        return Evaluation(
            tolerance_s,
            tuple(f.recording for f in found),
            tuple(f.evaluation.comparisons[0] for f in found),
        )


def valid_time(signals: Signals) -> float:
    """Seconds in which both sides were measured."""
    if not len(signals):
        return 0.0
    return float(signals.frame_times(Settings().max_gap_s).valid_s.sum())


def run(plans: Sequence[Plan], measured: Sequence[Mapping[str, Measurements]]) -> Run:
    """Runs every rule whose measurements are there."""
    rules = [rule for rule in RULES if rule.needs in measured[0]]
    signals = {
        rule.name: [signals_of(one[rule.needs]) for one in measured] for rule in rules if rule.ours
    }
    valid_s = [valid_time(one) for one in signals[rules[0].name]]
    results: dict[str, Results] = {}
    still: dict[tuple[str, float], float] = {}
    quiet = [row for row, plan in enumerate(plans) if plan.situation == "still face"]
    for number, rule in enumerate(rules):
        results[rule.name] = {factor: [] for factor in FACTORS}
        for plan, one, seconds in zip(plans, measured, valid_s, strict=True):
            sweep = rule.prepare(one)
            for factor in FACTORS:
                results[rule.name][factor].append(judge(plan, sweep(factor), seconds))
        jitter = jitter_of([measured[row][rule.needs] for row in quiet])
        for fps in STILL_FPS:
            face = still_face(jitter, fps=fps, minutes=STILL_MINUTES, seed=number)
            still[rule.name, fps] = len(rule.find(face, 1.0)) / STILL_MINUTES
    return Run(list(plans), results, signals, still, valid_s)


def share(part: float, whole: float) -> float:
    """A share; NaN of nothing."""
    return part / whole if whole else float(np.nan)
