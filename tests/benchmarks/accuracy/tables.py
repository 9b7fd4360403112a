"""The report's tables: rows of text, from a `Run`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hfs_vision.evaluation.evaluate import EventLike
from tests.benchmarks.accuracy.causes import CAUSES, tabulate
from tests.benchmarks.accuracy.material import CLOSURES, DURATIONS_S, EXCURSIONS, Plan
from tests.benchmarks.accuracy.reliability import SOURCES, bins, run_events
from tests.benchmarks.accuracy.run import STILL_FPS, Run, share
from tests.benchmarks.accuracy.scoring import (
    RATES_PER_MIN,
    Found,
    bootstrap,
    by_situation,
    count,
    faint,
    leave_one_out,
    recall_at,
    strong,
)

Wanted = Callable[[Plan, EventLike], bool]


def ideal(plan: Plan, _: EventLike) -> bool:
    """Good conditions, any amplitude and duration."""
    return plan.recipe.ideal


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(text(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def text(cell: object) -> str:
    """A number of two decimals, a dash for what is not defined."""
    if isinstance(cell, float):
        return "-" if not np.isfinite(cell) else f"{cell:.2f}"
    return str(cell)


def recall_of(found: Iterable[Found], wanted: Wanted) -> tuple[float, int]:
    """Recall of the movements that ``wanted`` accepts, and how many there are."""
    hits = [
        hit
        for one in found
        for mark, hit in zip(one.recording.reference, one.hits, strict=True)
        if wanted(one.plan, mark)
    ]
    return share(sum(hits), len(hits)), len(hits)


def _met(value: float, floor: float, *, most: bool = False) -> str:
    if not np.isfinite(value):
        return "- (nothing to measure)"
    good = value <= floor if most else value >= floor
    return f"{value:.2f} {'met' if good else '**not met**'}"


def floors(run: Run) -> str:
    """The accuracy targets against what was measured at default thresholds."""
    names = [n for n in ("facemesh", "facelandmarker", "fused") if n in run.results]
    rows = []

    def line(
        what: str, low: float, high: float, value: Callable[[str], float], **how: bool
    ) -> None:
        cells = []
        for name in names:
            cells.append(_met(value(name), low if name == "facemesh" else high, **how))
        sign = "<=" if how else ">="
        rows.append([what, f"{sign} {low:g}", *cells[:1], f"{sign} {high:g}", *cells[1:]])

    line(
        "one-sided movements in real clips, recall (onset within 150 ms)",
        0.90,
        0.95,
        lambda n: run.joined(n, "acted").tally().recall,
    )
    line(
        "the same, any overlap",
        0.90,
        0.95,
        lambda n: run.joined(n, "acted", tolerance_s=None).tally().recall,
    )
    line(
        "false events a minute, real clips without one-sided movement",
        0.5,
        0.2,
        lambda n: run.joined(n, "clip").tally().false_per_min,
        most=True,
    )
    for fps in STILL_FPS:
        line(
            f"still face, simulated jitter, {fps:g} fps: events in 10 minutes",
            0,
            0,
            lambda n, fps=fps: 10 * run.still[n, fps],
            most=True,
        )
    for what, wanted, low, high in (
        ("injected, closure >= 0.5 or excursion >= 0.04, >= 200 ms", strong, 0.90, 0.97),
        ("injected, closure 0.35, 120-200 ms", faint, 0.60, 0.85),
    ):
        n = recall_of(run.at(names[0], 1.0, "injected"), wanted)[1]
        line(
            f"{what} (n = {n})",
            low,
            high,
            lambda name, wanted=wanted: recall_of(run.at(name, 1.0, "injected"), wanted)[0],
        )
    line("side wrong", 0, 0, lambda n: float(run.joined(n).tally().wrong_side), most=True)
    line("counts of recordings, ICC(2,1)", 0.9, 0.97, lambda n: run.joined(n).agreement().icc)
    return markdown(
        ["", "target without download", "facemesh", "target, best model", *names[1:]], rows
    )


def defaults(run: Run) -> str:
    """Every rule at its default thresholds."""
    rows = []
    for rule in run.rules:
        injected = run.joined(rule.name, "injected")
        tally, agreement = injected.tally(), run.joined(rule.name).agreement()
        eye = recall_of(
            run.at(rule.name, 1.0, "injected"), lambda p, m: ideal(p, m) and m.region == "eye"
        )
        rows.append(
            [
                rule.name,
                tally.recall,
                eye[0],
                tally.precision,
                tally.f1,
                tally.split,
                tally.merged,
                run.joined(rule.name, "clip").tally().false_per_min,
                run.joined(rule.name, "healthy").tally().false_per_min,
                *(run.still[rule.name, fps] for fps in STILL_FPS),
                1000 * injected.onset_error().median,
                1000 * injected.duration_error().median,
                f"{agreement.icc:.2f} ({agreement.icc_low:.2f} to {agreement.icc_high:.2f})",
            ]
        )
    for row in rows:
        row[11:13] = [f"{row[11]:.0f}", f"{row[12]:.0f}"]
    head = [
        "rule",
        "recall",
        "recall, one eye, good conditions",
        "precision",
        "F1",
        "splits",
        "merged",
        "false/min clips",
        "false/min rendered",
        "false/min still 30",
        "still 60",
        "onset error ms",
        "duration error ms",
        "ICC of counts",
    ]
    return markdown(head, rows)


PART_HEAD = (
    "rule", "recall", "eye", "mouth", "eye+mouth", "false/min negatives", "false/min injected",
    "precision",
)  # fmt: skip


def part_row(run: Run, rule: str) -> list[float]:
    """Recall of injected movements, whole and by region; false events a minute; precision."""
    injected = run.at(rule, 1.0, "injected")
    negatives, tally = (run.joined(rule, *k).tally() for k in (("clip", "healthy"), ("injected",)))
    return [
        recall_of(injected, lambda p, m: True)[0],
        *(
            recall_of(injected, lambda p, m, r=region: m.region == r)[0]
            for region in ("eye", "mouth", "eye+mouth")
        ),
        negatives.false_per_min,
        tally.false_per_min,
        tally.precision,
    ]


def parts(run: Run) -> str:
    """What each part brings: rules with parts left out, at default thresholds."""
    rows = [[r.name, *part_row(run, r.name)] for r in run.rules if r.role != "peer"]
    return markdown(PART_HEAD, rows)


def reliability(run: Run) -> str:
    """Confidence against the share that was right, in bins."""
    rows = []
    for source in SOURCES:
        for row in bins(run_events(run, source)):
            if row.events:
                span = f"{row.low:g} to {row.high:g}"
                rows.append([source, span, row.events, row.predicted, row.observed])
    return markdown(["source", "confidence", "events", "mean confidence", "share right"], rows)


def roc(run: Run, wanted: Wanted) -> str:
    """Recall at fixed false-event rates, with intervals, and with the person left out."""
    rows = []
    for rule in run.rules:
        counts = count(run.results[rule.name], wanted)
        row: list[object] = [rule.name]
        for rate in RATES_PER_MIN:
            low, high = bootstrap(counts, lambda w, rate=rate, c=counts: recall_at(c, rate, w))
            value = recall_at(counts, rate)
            row.append(f"{value:.2f} ({low:.2f}-{high:.2f})" if np.isfinite(value) else "-")
        for rate in RATES_PER_MIN[1:]:
            recall, false = leave_one_out(counts, rate)
            row.append(f"{text(recall)} at {text(false)}")
        rows.append(row)
    head = ["rule", *(f"<= {rate:g}/min" for rate in RATES_PER_MIN)]
    head += [f"left out, aim {rate:g}/min" for rate in RATES_PER_MIN[1:]]
    return markdown(head, rows)


def amplitudes(run: Run, rule: str, factor: float) -> str:
    """Recall against amplitude and duration, each region alone and both together."""
    rows = []
    found = run.at(rule, factor, "injected")
    for region, name, levels in (
        ("eye", "closure", CLOSURES),
        ("mouth", "excursion", EXCURSIONS),
        ("eye+mouth", "closure", CLOSURES),
    ):
        for level in levels:
            cells = [
                recall_of(
                    found,
                    lambda p, m, r=region, a=name, v=level, d=duration_s: (
                        m.region == r and getattr(m, a) == v and m.duration_s == d
                    ),
                )
                for duration_s in DURATIONS_S
            ]
            rows.append([region, f"{name} {level:g}", *(f"{text(r)} ({n})" for r, n in cells)])
    return markdown(["region", "amplitude", *(f"{d:g} s" for d in DURATIONS_S)], rows)


def conditions(run: Run) -> str:
    """Recall by each condition at default thresholds."""
    rules = [rule.name for rule in run.rules if rule.ours]
    factors: list[tuple[str, Callable[[Plan], object]]] = [
        ("source", lambda p: p.recipe.source),
        ("height", lambda p: p.recipe.height),
        ("frames/s (rendered)", lambda p: p.recipe.fps or None),
        ("yaw (rendered)", lambda p: abs(p.recipe.yaw_deg) if p.recipe.fps else None),
        ("compression", lambda p: p.recipe.compression),
        ("light", lambda p: p.recipe.light),
    ]
    rows: list[list[object]] = []
    for name, value in factors:
        for level in sorted(
            {v for p in run.plans if p.kind == "injected" and (v := value(p)) is not None}
        ):
            cells = [
                recall_of(run.at(rule, 1.0, "injected"), lambda p, _, v=value, x=level: v(p) == x)
                for rule in rules
            ]
            shown = f"{level:g}" if isinstance(level, float) else level
            rows.append([name, shown, cells[0][1], *(c[0] for c in cells)])
    return markdown(["condition", "level", "movements", *rules], rows)


def situations(run: Run) -> str:
    """False events by situation at default thresholds."""
    names = [rule.name for rule in run.rules]
    tables = [by_situation(run.at(name)) for name in names]
    rows = [
        [row[0][0], row[0][2], *(f"{false} ({text(share(false, m))})" for _, false, m in row)]
        for row in zip(*tables, strict=True)
        if row[0][2] > 0
    ]
    return markdown(["situation", "minutes", *(f"{n}: events (a minute)" for n in names)], rows)


def tolerances(run: Run) -> str:
    """Recall and precision of injected movements at other tolerances."""
    rows = []
    for rule in run.rules:
        tallies = [
            run.joined(rule.name, "injected", tolerance_s=t).tally()
            for t in (0.1, 0.15, 0.25, None)
        ]
        rows.append([rule.name, *(f"{text(t.recall)} / {text(t.precision)}" for t in tallies)])
    return markdown(["recall / precision", "100 ms", "150 ms", "250 ms", "any overlap"], rows)


def misses(run: Run, model: str) -> str:
    """Why movements were missed by one model at default thresholds."""
    counted = tabulate(run.at(model), run.signals[model])
    rows = [
        [cause, *(counted[region, cause] for region in ("eye", "mouth", "eye+mouth"))]
        for cause in CAUSES
    ]
    return markdown([model, "eye", "mouth", "eye+mouth"], sorted(rows, key=lambda r: -sum(r[1:])))


def false_regions(run: Run) -> str:
    """What the false events of negatives and injected recordings claim to be."""
    rows = []
    for rule in run.rules:
        if not rule.ours:
            continue
        row: list[object] = [rule.name]
        for kinds in (("clip", "healthy"), ("injected",)):
            regions = [
                one.recording.estimated[k].region
                for one in run.at(rule.name, 1.0, *kinds)
                for k in one.evaluation.comparisons[0].false
            ]
            row += [regions.count(r) for r in ("eye", "mouth", "eye+mouth")]
        rows.append(row)
    head = ["rule", "negatives: eye", "mouth", "both", "injected: eye", "mouth", "both"]
    return markdown(head, rows)
