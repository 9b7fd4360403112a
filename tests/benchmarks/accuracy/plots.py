"""The report's plots, in colours that colour-blind readers can tell apart (Okabe and Ito 2008)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from hfs_vision.evaluation.evaluate import EventLike
from tests.benchmarks.accuracy.material import CLOSURES, DURATIONS_S, EXCURSIONS, Plan
from tests.benchmarks.accuracy.reliability import SOURCES, bins, run_events
from tests.benchmarks.accuracy.run import Run
from tests.benchmarks.accuracy.scoring import by_situation, count
from tests.benchmarks.accuracy.tables import ideal, recall_of

_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#F0E442", "#000000", "#CC79A7", "#D55E00",
)  # fmt: skip
_DASHES = ("-", "--", "-", ":", ":", ":", "-.", "-.")
_SHAPES = ("o", "s", "D", "x", "+", "*", "^", "v")
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

    def eye_only(plan: Plan, mark: EventLike) -> bool:
        return ideal(plan, mark) and mark.region == "eye"

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
    for axis, wanted, title in zip(
        axes, (ideal, eye_only), ("all movements", "closures of one eye"), strict=True
    ):
        _roc(axis, run, wanted, title)
    axes[0].set_ylabel("recall of injected movements")
    axes[0].legend(fontsize=6, ncol=2, loc="upper left")
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

    figure, axis = plt.subplots(figsize=(5, 4.2))
    _reliability(axis, run)
    names.append(save(figure, "reliability.svg"))
    return names


def _reliability(axis, run: Run) -> None:  # type: ignore[no-untyped-def]
    axis.plot([0, 1], [0, 1], color="#999999", lw=0.8)
    for k, source in enumerate(SOURCES):
        rows = [row for row in bins(run_events(run, source)) if row.events]
        predicted, observed = [row.predicted for row in rows], [row.observed for row in rows]
        axis.plot(
            predicted, observed, _DASHES[k], color=_COLOURS[k], marker=_SHAPES[k], label=source
        )
        for row in rows:
            axis.annotate(
                str(row.events),
                (row.predicted, row.observed),
                textcoords="offset points",
                xytext=(4, -10 if k else 5),
                fontsize=7,
                color=_COLOURS[k],
            )
    axis.set_xlim(0, 1.03)
    axis.set_ylim(-0.03, 1.06)
    axis.set_xlabel("confidence (mean of the bin)")
    axis.set_ylabel("share that was right")
    axis.set_title("number: events of the bin, three models together", fontsize=9)
    axis.legend(fontsize=7, loc="upper left")
    axis.grid(alpha=0.3)


def _roc(axis, run: Run, wanted: Callable[[Plan, EventLike], bool], title: str) -> None:  # type: ignore[no-untyped-def]
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
    axis.set_ylim(0, 1.35)
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
