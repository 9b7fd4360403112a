"""The report's first paragraph: what the figures say, in sentences made from them."""

from __future__ import annotations

from collections import Counter

from tests.benchmarks.accuracy.causes import tabulate
from tests.benchmarks.accuracy.run import Run, share
from tests.benchmarks.accuracy.scoring import by_situation, count, leave_one_out, recall_at
from tests.benchmarks.accuracy.tables import ideal, text

_AIM = 0.5


def brief(run: Run) -> str:
    """A list of the main figures."""
    lines = ["A dash: no threshold of the sweep has so few false events.", ""]
    for rule in run.rules:
        both, eye = (
            count(run.results[rule.name], wanted)
            for wanted in (ideal, lambda p, m: ideal(p, m) and m.region == "eye")
        )
        recall, false = leave_one_out(both, _AIM)
        lines.append(
            f"- **{rule.name}**: recall {text(recall_at(both, _AIM))} at {_AIM:g} false events a "
            f"minute (one eye alone: {text(recall_at(eye, _AIM))}); {text(recall)} at "
            f"{text(false)} where the threshold is chosen on other persons."
        )
    for model in run.signals:
        lines.append(f"- {model} misses at its defaults: {_causes(run, model)}.")
        lines.append(f"- {model} false events at its defaults: {_places(run, model)}.")
    return "\n".join(lines)


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
