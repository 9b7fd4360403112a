"""Writes the page: docs/accuracy.md with its tables and plots."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.accuracy import tables
from tests.benchmarks.accuracy.brief import brief
from tests.benchmarks.accuracy.plots import draw
from tests.benchmarks.accuracy.reliability import SOURCES, brier, run_events
from tests.benchmarks.accuracy.run import Run
from tests.benchmarks.accuracy.scoring import choose, count
from tests.benchmarks.common import machine

_PILOT_MIN = 30
"""With fewer minutes of negatives a run calls itself a pilot."""

_LIMITS = """\
- With {negative:.1f} minutes of negatives one false event more or less moves a rate by
  {step:.2f} a minute: rates of 0.2 and 0.5 a minute are barely told apart.
- **The defaults were tuned on these very clips** (docs/benchmarks.md) and on portraits of the split
  `tune`. Leaving a person out guards the choice of the one factor here, not the choice of
  everything that was tuned before.
- **Injected movements are warps**, and every one comes from the same method that the thresholds
  were tried on. A lid of skin colour drawn over an eye is not a contracting orbicularis; all real
  one-sided movements here are acted, and no clip shows a patient.
- **The networks of eye and mouth were trained on warps too**: of other portraits (split `train`),
  by the same kind of method (`hfs_vision.simulate` with varied lids). The portraits drawn here,
  but for the built-in one,
  {served}.
  How much of what the networks add would be left on filmed spasms is not known.
- The confidence of events was fitted on portraits of the split `tune` and on these clips: its
  figures for the clips are not independent.
- Clips keep their own frame rates; only rendered portraits vary from 24 to 60 frames/s. Portraits
  look ahead within 10 degrees, fill the picture (interocular distance = height / 3.6) and are
  rendered at 480 lines before they are scaled: 720 and 1080 lines hold no more detail. Yaw is a
  shallow relief turned up to 20 degrees.
- Injected clips count as good conditions by their lines alone: their heads turn as they please.
- A condition's row differs from the others in its persons and movements too: read the rows of few
  movements as hints.
- Hand and face-leaving situations are one clip each. Each clip is taken to show another person.
- The still face repeats the covariance and memory of the jitter of the still clip: one person.
- The peers' rules are restated from descriptions, with our apertures (of Face Mesh's landmarks
  alone) and bookkeeping: what the descriptions leave open is said in
  `tests/benchmarks/accuracy/peers.py`. Both see the eye only."""

_SPLITS = {
    "test": "are those of the split `test`, which served for neither training nor tuning.\n"
    "  One constant (how much the other corner counts against a pull) was changed after this "
    "report\n  had been seen once, for a movement of the real clips and on `tune`; the floors' "
    "figures of\n  injected movements were the same before and after",
    "tune": "are those of the split `tune`, which served for tuning: the figures flatter",
}


def write(run: Run, path: Path, command: str, seconds: float, split: str) -> None:
    """The page and, in a folder of its name, its plots."""
    folder = path.with_suffix("")
    plots = draw(run, folder)
    path.write_text(page(run, folder.name, plots, command, seconds, split), encoding="utf-8")


def size(run: Run) -> Mapping[str, float]:
    """How much was measured."""
    injected = run.at(run.rules[0].name, 1.0, "injected")
    negative = [s for p, s in zip(run.plans, run.valid_s, strict=True) if p.negative]
    return {
        "recordings": len(run.plans),
        "persons": len({p.recipe.person for p in run.plans}),
        "portraits": len({p.recipe.person for p in run.plans if p.recipe.source == "portrait"}),
        "movements": sum(len(f.hits) for f in injected),
        "acted": sum(len(f.hits) for f in run.at(run.rules[0].name, 1.0, "acted")),
        "minutes": sum(run.valid_s) / 60,
        "negative": sum(negative) / 60,
    }


def page(run: Run, folder: str, plots: list[str], command: str, seconds: float, split: str) -> str:
    """The page as Markdown."""
    here, numbers = machine(), size(run)
    best = "fused" if "fused" in run.results else run.rules[0].name
    chosen = choose(count(run.results[best], tables.ideal), 0.5)
    factors = sorted(run.results[best])
    factor = factors[-1 if chosen is None else chosen]
    limits = _LIMITS.format(
        negative=numbers["negative"],
        step=1 / max(numbers["negative"], 1e-9),
        served=_SPLITS[split],
    )
    pilot = " (pilot)" if numbers["negative"] < _PILOT_MIN else ""
    body = [
        "# Accuracy",
        "Made by one command, which rewrites this page and its plots:",
        f"```\n{command}\n```",
        f"hfs-vision {here['hfs-vision']}, MediaPipe {here['mediapipe']}, "
        f"{here['processor']}, {here['cores']} cores; {seconds / 60:.0f} minutes with what was in "
        "the cache.",
        f"**Size of this run{pilot}:** {numbers['recordings']} recordings of "
        f"{numbers['persons']} persons ({numbers['portraits']} of them rendered portraits), "
        f"{numbers['minutes']:.1f} minutes, of which {numbers['negative']:.1f} without one-sided "
        f"movement; {numbers['movements']} injected and {numbers['acted']} acted movements.",
        "An event is right if it is of the movement's side and begins within 150 ms of it (or, "
        "from 1 s on, overlaps it by half of their union); docs/evaluation.md has the conventions. "
        "A *factor* multiplies all thresholds of a rule; 1 is the default. Good conditions: 480 "
        "lines or more, 25 frames/s or more, yaw of 15 degrees or less.",
        "## In short\nInjected movements in good conditions.\n\n" + brief(run),
        "## Limits\n" + limits,
        "## Floors of issue 3\nDefault thresholds.\n\n" + tables.floors(run),
        "## All rules at their defaults\n" + tables.defaults(run),
        "## What each part brings\nThe program with parts left out, default thresholds; recall of "
        "injected movements in all conditions, whole and by region. *Landmarks alone*: neither of "
        "our networks. *No mouth network*: lids from patches, corners from landmarks. The "
        "thresholds were chosen for the whole program, not anew for each row.\n\n"
        + tables.parts(run),
        f"## Recall against false events\n![ROC]({folder}/{plots[0]})\n\n"
        "Recall of injected movements in good conditions at the best factor within a rate of false "
        "events (95 % interval over persons), and with the factor chosen on all others than the "
        "person tested: recall at the false events a minute that this gave.\n\n"
        + tables.roc(run, tables.ideal)
        + "\n\nClosures of one eye alone, all that the peers can see:\n\n"
        + tables.roc(run, lambda p, m: tables.ideal(p, m) and m.region == "eye"),
        f"## Recall against amplitude and duration\n![amplitude]({folder}/{plots[1]})\n\n"
        f"`{best}` at factor {factor:g} (at most 0.5 false events a minute here), all conditions; "
        "number of movements in brackets. For eye+mouth the excursion varies with the closure.\n\n"
        + tables.amplitudes(run, best, factor),
        "## Recall by condition\nDefault thresholds, all amplitudes and durations.\n\n"
        + tables.conditions(run),
        f"## False events by situation\n![situations]({folder}/{plots[2]})\n\n"
        "Default thresholds. A clip counts whole for what it shows; a rendered face by the "
        "movement of the moment.\n\n"
        + tables.situations(run)
        + "\n\nWhat the false events claim to be:\n\n"
        + tables.false_regions(run),
        "## Why movements are missed\nDefault thresholds; injected movements.\n\n"
        + "\n\n".join(tables.misses(run, model) for model in run.signals),
        f"## Confidence\n![reliability]({folder}/{plots[3]})\n\n" + confidence(run),
        "## Other tolerances\nInjected movements, default thresholds.\n\n" + tables.tolerances(run),
    ]
    return "\n\n".join(body) + "\n"


def confidence(run: Run) -> str:
    """How often events were right against their confidence, in words and as a table."""
    scores = []
    for source in SOURCES:
        told = run_events(run, source)
        score, constant = brier(told)
        scores.append(
            f"{source}: {score:.3f} over {len(told)} events, of which "
            f"{sum(t.right for t in told)} were right ({constant:.3f} if all were given the same)"
        )
    return (
        "Column `confidence` of events.csv against the share of events that overlapped a movement "
        "of their side; default thresholds, the three landmark models together. Brier score "
        f"(0 is perfect) of {'; of '.join(scores)}. The clips and other portraits served for the "
        "fit. One movement in every few seconds is far more than in most recordings: where "
        "spasms are rarer, a smaller share of events is right.\n\n" + tables.reliability(run)
    )
