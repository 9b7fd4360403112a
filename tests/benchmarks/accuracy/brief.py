"""The report's first paragraph: what the figures say, in sentences made from them."""

from __future__ import annotations

from collections import Counter

from tests.benchmarks.accuracy.causes import tabulate
from tests.benchmarks.accuracy.run import Run, share
from tests.benchmarks.accuracy.scoring import by_situation, count, leave_one_out, recall_at
from tests.benchmarks.accuracy.tables import ideal, part_row, text
from tests.benchmarks.accuracy.variants import ALONE

_AIM = 0.5


def brief(run: Run) -> str:
    """A list of the main figures."""
    lines = ["A dash means that no tested threshold has so few false events.", ""]
    for rule in run.rules:
        both, eye = (
            count(run.results[rule.name], wanted)
            for wanted in (ideal, lambda p, m: ideal(p, m) and m.region == "eye")
        )
        recall, false = leave_one_out(both, _AIM)
        lines.append(
            f"- **{rule.name}**: recall {text(recall_at(both, _AIM))} at {_AIM:g} false events a "
            f"minute (one eye alone: {text(recall_at(eye, _AIM))}); {text(recall)} at "
            f"{text(false)} with the threshold chosen on other persons."
        )
    for model in run.signals:
        lines.append(f"- {model} misses at its defaults: {_causes(run, model)}.")
        lines.append(f"- {model} false events at its defaults: {_places(run, model)}.")
    lines += [f"- {line}" for line in _brought(run)]
    return "\n".join(lines)


def _brought(run: Run) -> list[str]:
    """What the networks and the second landmark model add, at default thresholds."""
    lines = []
    for name, without, what in (
        ("facemesh", ALONE.format("facemesh"), "the patch networks add to Face Mesh"),
        ("fused", ALONE.format("fused"), "the patch networks add to both landmark models"),
        ("fused", "facemesh", "the second landmark model adds"),
    ):
        if name in run.results and without in run.results:
            a, b = part_row(run, without), part_row(run, name)
            lines.append(
                f"What {what}: recall {text(a[0])} -> {text(b[0])}, false events a minute "
                f"{text(a[4])} -> {text(b[4])}."
            )
    return lines


def _causes(run: Run, model: str) -> str:
    by_cause: Counter[str] = Counter()
    for (_, cause), number in tabulate(run.at(model), run.signals[model]).items():
        by_cause[cause] += number
    whole = sum(by_cause.values())
    return "; ".join(f"{c} ({n} of {whole})" for c, n in by_cause.most_common(3)) or "none"


def _places(run: Run, model: str) -> str:
    rows = [row for row in by_situation(run.at(model)) if row[1]]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return (
        "; ".join(f"{name} ({n}, {text(share(n, m))} a minute)" for name, n, m in rows[:3])
        or "none"
    )
