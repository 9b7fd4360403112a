"""Events against truth, over persons: rates, ROC points, the factor chosen on the others.

Everything is counted for a person and a factor first and added up later: a bootstrap over persons
and leaving one person out are then sums over rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hfs_vision.evaluation.evaluate import ComparedRecording, EventLike, LabelledEvent
from hfs_vision.evaluation.scores import ELSEWHERE, Evaluation, evaluate
from hfs_vision.schema import FloatArray
from hfs_vision.simulate import Movement
from tests.benchmarks.accuracy.material import Plan
from tests.benchmarks.clips import Label

RATES_PER_MIN = (0.2, 0.5, 1.0)
"""False events a minute at which recall is told."""

Count = NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """What one rule made of one recording at one factor."""

    plan: Plan
    recording: ComparedRecording
    evaluation: Evaluation
    hits: tuple[bool, ...]

    @property
    def false(self) -> int:
        """False events."""
        return len(self.evaluation.comparisons[0].false)


def truth_of(plan: Plan) -> tuple[list[EventLike], list[EventLike]]:
    """Wanted movements and the situations, both from labels or script."""
    script = plan.recipe.script
    labels = [[_mark(row) for row in rows] for rows in (plan.wanted, plan.situations)]
    wanted: list[EventLike] = [*labels[0], *(m for m in script if m.one_sided)]
    others: list[EventLike] = [*labels[1], *(m for m in script if not m.one_sided)]
    return wanted, others


def _mark(label: Label) -> LabelledEvent:
    region = {"wink": "eye", "mouth_pull": "mouth"}.get(label.kind, "")
    return LabelledEvent(label.onset_s, label.offset_s, label.side, region, label.kind)


def judge(
    plan: Plan, events: Sequence[EventLike], valid_s: float, *, tolerance_s: float | None = 0.15
) -> Found:
    """Compares one recording's events with its truth."""
    if plan.regions == "eye":
        events = [event for event in events if "eye" in event.region]
    wanted, others = truth_of(plan)
    recording = ComparedRecording(
        plan.recipe.person,
        wanted,
        list(events),
        others,
        [_mark(row) for row in plan.unsure],
        valid_s,
    )
    made = evaluate([recording], tolerance_s=tolerance_s)
    matched = {a for a, _ in made.comparisons[0].matched}
    return Found(plan, recording, made, tuple(row in matched for row in range(len(wanted))))


@dataclass
class Counts:
    """``(persons, factors)``: movements found and there, false events and minutes of negatives."""

    persons: tuple[str, ...]
    factors: tuple[float, ...]
    found: Count = field(init=False)
    there: Count = field(init=False)
    false: Count = field(init=False)
    minutes: Count = field(init=False)

    def __post_init__(self) -> None:
        shape = len(self.persons), len(self.factors)
        for name in ("found", "there", "false", "minutes"):
            setattr(self, name, np.zeros(shape))

    def rates(self, weight: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """Recall and false events a minute at each factor, persons weighted."""
        weight = np.ones(len(self.persons)) if weight is None else weight
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = (weight @ self.found) / (weight @ self.there)
            false = (weight @ self.false) / (weight @ self.minutes)
        return recall, false


def count(
    results: Mapping[float, Sequence[Found]], wanted: Callable[[Plan, EventLike], bool]
) -> Counts:
    """Counts of injected movements that ``wanted`` accepts, and of false events in negatives."""
    factors = tuple(sorted(results))
    everyone = tuple(sorted({f.plan.recipe.person for f in results[factors[0]]}))
    row = {person: k for k, person in enumerate(everyone)}
    counts = Counts(everyone, factors)
    for column, factor in enumerate(factors):
        for found in results[factor]:
            k = row[found.plan.recipe.person]
            if found.plan.negative:
                counts.false[k, column] += found.false
                counts.minutes[k, column] += found.recording.valid_s / 60.0
            elif found.plan.kind == "injected":
                for movement, hit in zip(found.recording.reference, found.hits, strict=True):
                    if wanted(found.plan, movement):
                        counts.there[k, column] += 1
                        counts.found[k, column] += hit
    return counts


def recall_at(counts: Counts, per_min: float, weight: FloatArray | None = None) -> float:
    """Best recall of a factor at no more than so many false events a minute; NaN if none is."""
    column = choose(counts, per_min, weight)
    return float("nan") if column is None else float(counts.rates(weight)[0][column])


def choose(counts: Counts, per_min: float, weight: FloatArray | None = None) -> int | None:
    """Column of the factor with the best recall within the allowance; the stricter of equals."""
    recall, false = counts.rates(weight)
    allowed = np.flatnonzero((false <= per_min) & np.isfinite(recall))
    if not len(allowed):
        return None
    return int(allowed[np.flatnonzero(recall[allowed] == recall[allowed].max())[-1]])


def leave_one_out(counts: Counts, per_min: float) -> tuple[float, float]:
    """Recall and false events a minute, each person at the factor chosen on all others.

    Where the others allow no factor, the strictest is taken.
    """
    sums = np.zeros(4)
    for person in range(len(counts.persons)):
        weight = np.ones(len(counts.persons))
        weight[person] = 0.0
        column = choose(counts, per_min, weight)
        column = len(counts.factors) - 1 if column is None else column
        sums += [
            table[person, column]
            for table in (counts.found, counts.there, counts.false, counts.minutes)
        ]
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(sums[0] / sums[1]), float(sums[2] / sums[3])


def bootstrap(
    counts: Counts, value: Callable[[FloatArray], float], *, draws: int = 400, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of ``value(weights of persons)`` over persons drawn with replacement."""
    rng = np.random.default_rng(seed)
    n = len(counts.persons)
    values = [
        value(np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64))
        for _ in range(draws)
    ]
    kept = [v for v in values if np.isfinite(v)]
    if not kept:
        return float("nan"), float("nan")
    low, high = np.percentile(kept, [2.5, 97.5])
    return float(low), float(high)


def by_situation(found: Sequence[Found]) -> list[tuple[str, int, float]]:
    """Situation, false events and minutes, over the negatives.

    A clip counts whole for what it shows; a rendered face by the movement of the moment.
    """
    rows: dict[str, list[float]] = {}
    for one in found:
        if one.plan.kind == "clip":
            row = rows.setdefault(f"clip: {one.plan.situation}", [0, 0.0])
            row[0] += one.false
            row[1] += one.recording.valid_s / 60.0
        elif one.plan.kind == "healthy":
            covered = 0.0
            for part in one.evaluation.situations():
                row = rows.setdefault(f"rendered: {part.kind}", [0, 0.0])
                row[0] += part.false
                if part.kind != ELSEWHERE:
                    row[1] += part.time_s / 60.0
                    covered += part.time_s
                else:
                    row[1] += max(one.recording.valid_s - covered, 0.0) / 60.0
    return [(name, int(false), minutes) for name, (false, minutes) in sorted(rows.items())]


def strong(plan: Plan, movement: EventLike) -> bool:
    """The floor's plain movements: half closure or 0.04, 200 ms, good conditions."""
    return (
        plan.recipe.ideal
        and isinstance(movement, Movement)
        and movement.duration_s >= 0.2
        and (movement.closure >= 0.5 or movement.excursion >= 0.04)
    )


def faint(plan: Plan, movement: EventLike) -> bool:
    """The floor's faint ones: closure of 35 % alone, 120 to 200 ms, good conditions."""
    return (
        plan.recipe.ideal
        and isinstance(movement, Movement)
        and 0.12 <= movement.duration_s <= 0.2
        and movement.region == "eye"
        and movement.closure == 0.35
    )
