"""The report's plots, in colours that colour-blind readers can tell apart (Okabe and Ito 2008)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hfs_vision.core.evaluate import Marked
from tests.benchmarks.accuracy.material import CLOSURES, DURATIONS_S, EXCURSIONS, Plan
from tests.benchmarks.accuracy.run import Run
from tests.benchmarks.accuracy.scoring import by_situation, count
from tests.benchmarks.accuracy.tables import ideal, recall_of

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
_DASHES = ("-", "--", "-", ":", "-.")
_SHAPES = ("o", "s", "D", "^", "v")
_LEAST_RATE = 0.05


def draw(run: Run, folder: Path) -> list[str]:
    """Writes the plots, returns their names."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"svg.hashsalt": "hfs", "font.size": 9, "svg.fonttype": "none"})
    folder.mkdir(parents=True, exist_ok=True)

    def save(figure, name: str) -> str:  # type: ignore[no-untyped-def]
        figure.tight_layout()
        figure.savefig(folder / name, metadata={"Date": None})
        plt.close(figure)
        return name

    def eye_only(plan: Plan, mark: Marked) -> bool:
        return ideal(plan, mark) and mark.region == "eye"

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for axis, wanted, title in zip(
        axes, (ideal, eye_only), ("all movements", "closures of one eye"), strict=True
    ):
        _roc(axis, run, wanted, title)
    axes[0].set_ylabel("recall of injected movements")
    axes[0].legend(fontsize=7, ncol=3, loc="upper left")
    names = [save(figure, "roc.svg")]

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    _against_amplitude(axes[0], run, "eye", "closure", CLOSURES)
    _against_amplitude(axes[1], run, "mouth", "excursion", EXCURSIONS)
    axes[0].set_ylabel("recall, default thresholds")
    axes[0].legend(fontsize=7)
    names.append(save(figure, "amplitude.svg"))

    figure, axis = plt.subplots(figsize=(9, 4.2))
    _situations(axis, run)
    names.append(save(figure, "situations.svg"))
    return names


def _roc(axis, run: Run, wanted: Callable[[Plan, Marked], bool], title: str) -> None:  # type: ignore[no-untyped-def]
    for k, rule in enumerate(run.rules):
        counts = count(run.results[rule.name], wanted)
        recall, false = counts.rates()
        shown = np.maximum(false, _LEAST_RATE)
        axis.plot(
            shown,
            recall,
            _DASHES[k],
            color=_COLOURS[k],
            marker=_SHAPES[k],
            ms=3,
            lw=1.2,
            label=rule.name,
        )
        here = counts.factors.index(1.0)
        axis.plot(shown[here], recall[here], _SHAPES[k], color=_COLOURS[k], ms=9, mfc="none")
    axis.set_xscale("log")
    axis.set_ylim(0, 1.2)
    axis.set_xlabel(f"false events a minute (left edge: {_LEAST_RATE:g} or fewer)")
    axis.set_title(f"{title}; ring: default threshold", fontsize=9)
    axis.grid(alpha=0.3)


def _against_amplitude(  # type: ignore[no-untyped-def]
    axis, run: Run, region: str, name: str, levels: Sequence[float]
) -> None:
    best = "fused" if "fused" in run.results else "facemesh"
    rules = [r for r in ("facemesh", best) if r in run.results]
    for k, duration_s in enumerate(DURATIONS_S):
        for rule in dict.fromkeys(rules):
            shares = [
                recall_of(
                    run.at(rule, 1.0, "injected"),
                    lambda plan, m, level=level, d=duration_s: (
                        m.region == region and getattr(m, name) == level and m.duration_s == d
                    ),
                )[0]
                for level in levels
            ]
            fused = rule == best
            axis.plot(
                levels,
                shares,
                "-" if fused else ":",
                color=_COLOURS[k],
                marker=_SHAPES[k],
                ms=4,
                label=f"{duration_s:g} s, {rule}",
            )
    axis.set_ylim(-0.03, 1.03)
    axis.set_xlabel(f"{name} injected ({region} alone)")
    axis.grid(alpha=0.3)


def _situations(axis, run: Run) -> None:  # type: ignore[no-untyped-def]
    rules = [rule for rule in run.rules if rule.ours]
    tables = [by_situation(run.at(rule.name)) for rule in rules]
    names = [row[0] for row in tables[0] if row[2] > 0]
    place = np.arange(len(names))
    high = 0.8 / len(rules)
    for k, (rule, table) in enumerate(zip(rules, tables, strict=True)):
        rates = [false / minutes for _, false, minutes in table if minutes > 0]
        axis.barh(place + k * high, rates, high, color=_COLOURS[k], label=rule.name)
    axis.set_yticks(place + 0.4 - high / 2, names)
    axis.invert_yaxis()
    axis.set_xlabel("false events a minute, default thresholds")
    axis.legend(fontsize=7)
    axis.grid(alpha=0.3, axis="x")
