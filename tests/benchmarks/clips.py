"""Events of `hfs_vision.analyze` against labelled clips of real faces.

FOLDER holds ``clips/NAME.*`` and ``labels/NAME.csv`` (onset_s, duration_s, side, kind,
confidence). A one-sided movement is a ``wink`` or ``mouth_pull`` of high or medium confidence;
those of one side that overlap are one. It is hit by an event of its side that overlaps it, each
event hitting one movement; events that overlap no movement of their side are extra. In clips
without one-sided movement every event is false, and the rate is per minute of valid time.
An event on a one-sided label of low confidence is neither: it is listed as unsure.

Labels of one viewer, on clips that the default thresholds were tuned on: a check of what was
built, not a test of what it can do for others.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfs_vision import analyze
from hfs_vision.errors import NoFaceError
from hfs_vision.schema import Blink, Event
from tests.benchmarks.common import Report, find_bundle, parser, steps

_ONE_SIDED = ("wink", "mouth_pull")
_EYES_ONLY = ("stress_grimaces",)
"""Clips whose labels leave the mouth out, by their README: events of the mouth are not scored."""
_COUNTS = ("movements", "hits", "extra", "unsure", "blinks_labelled", "blinks_hit", "blinks_found")


@dataclass(frozen=True)
class Label:
    """One row of a label file."""

    onset_s: float
    offset_s: float
    side: str
    kind: str
    confidence: str


@dataclass(frozen=True)
class Score:
    """One clip and one landmark model."""

    clip: str
    one_sided: bool
    valid_s: float
    movements: int
    hits: int
    extra: int
    unsure: int
    blinks_labelled: int
    blinks_hit: int
    blinks_found: int
    details: tuple[str, ...] = ()


def read_labels(path: Path) -> list[Label]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            (float(r["onset_s"]), float(r["duration_s"]), r["side"], r["kind"], r["confidence"])
            for r in csv.DictReader(file)
        ]
    return [Label(onset, onset + length, *rest) for onset, length, *rest in sorted(rows)]


def movements(labels: Sequence[Label], *, sure: bool) -> list[Label]:
    """One-sided labels of high or medium (or of low) confidence; those that overlap are one."""
    found: list[Label] = []
    for label in labels:
        if label.kind not in _ONE_SIDED or (label.confidence == "low") == sure:
            continue
        last = next((m for m in reversed(found) if m.side == label.side), None)
        if last is not None and label.onset_s < last.offset_s:
            end_s = max(last.offset_s, label.offset_s)
            found[found.index(last)] = Label(last.onset_s, end_s, last.side, last.kind, "high")
        else:
            found.append(label)
    return found


def overlap(a: Label | Event | Blink, b: Label | Event | Blink) -> bool:
    return a.onset_s < b.offset_s and b.onset_s < a.offset_s


def missed(events: Sequence[Event], wanted: Sequence[Label]) -> list[Label]:
    """Movements that have no event of their own."""
    free = sorted(events, key=lambda event: event.offset_s)
    without: list[Label] = []
    for movement in sorted(wanted, key=lambda label: label.offset_s):
        own = next((e for e in free if e.side == movement.side and overlap(e, movement)), None)
        if own is None:
            without.append(movement)
        else:
            free.remove(own)
    return without


def score(name: str, labels: Sequence[Label], found: Any) -> Score:
    """Compares one `Analysis` (None: no face in the clip) with the labels."""
    wanted, doubtful = movements(labels, sure=True), movements(labels, sure=False)
    events = [] if found is None else list(found.events)
    if name in _EYES_ONLY:
        events = [event for event in events if "eye" in event.region]
    blinks = [] if found is None else found.blinks
    gone = missed(events, wanted)
    labelled = [label for label in labels if label.kind == "blink"]

    def touches(event: Event, some: Sequence[Label]) -> bool:
        return any(event.side == label.side and overlap(event, label) for label in some)

    others = [event for event in events if not touches(event, wanted)]
    extra = [event for event in others if not touches(event, doubtful)]
    return Score(
        clip=name,
        one_sided=bool(wanted),
        valid_s=0.0 if found is None else found.summary.valid_s,
        movements=len(wanted),
        hits=len(wanted) - len(gone),
        extra=len(extra),
        unsure=len(others) - len(extra),
        blinks_labelled=len(labelled),
        blinks_hit=sum(any(overlap(blink, label) for blink in blinks) for label in labelled),
        blinks_found=len(blinks),
        details=(
            *(f"missed {m.onset_s:.2f}-{m.offset_s:.2f} s {m.side} {m.kind}" for m in gone),
            *(
                f"extra {e.onset_s:.2f}-{e.offset_s:.2f} s {e.side} {e.kind}, score {e.score:.2f}"
                for e in extra
            ),
        ),
    )


def run_clip(clip: Path, labels: Path, landmarker: str, model: Path | None) -> Score:
    try:
        found = analyze(clip, landmarker=landmarker, model=model)
    except NoFaceError:
        found = None
    return score(clip.stem, read_labels(labels), found)


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Clips with their labels, in order of name."""
    both = [(c, folder / "labels" / f"{c.stem}.csv") for c in sorted((folder / "clips").glob("*"))]
    both = [(clip, labels) for clip, labels in both if labels.is_file()]
    if not both:
        raise SystemExit(f"{folder} holds no clips/NAME.* with labels/NAME.csv")
    return both


def total(scores: Sequence[Score]) -> dict[str, float]:
    """Sums over the clips with and without one-sided movement."""
    without = [s for s in scores if not s.one_sided]
    minutes = sum(s.valid_s for s in without) / 60
    false = sum(s.extra for s in without)
    return {
        **{name: sum(getattr(s, name) for s in scores) for name in _COUNTS},
        "extra_where_one_sided": sum(s.extra for s in scores if s.one_sided),
        "false_events": false,
        "minutes_without": minutes,
        "false_per_min": false / minutes if minutes else float("nan"),
    }


def show(report: Report, landmarker: str, scores: Sequence[Score]) -> None:
    columns = ["valid s", "movements", "hits", "extra / false", "unsure"]
    columns += ["blinks labelled", "of them found", "blinks found"]
    rows = [[s.clip, s.valid_s, *(getattr(s, name) for name in _COUNTS)] for s in scores]
    sums = total(scores)
    rows.append(["all", sum(s.valid_s for s in scores), *(sums[name] for name in _COUNTS)])
    report.table(f"{landmarker}, default settings", ["clip", *columns], rows)
    report.note(
        f"{landmarker}: {sums['hits']:g} of {sums['movements']:g} movements, "
        f"{sums['extra_where_one_sided']:g} extra events beside them; {sums['false_events']:g} "
        f"false events in {sums['minutes_without']:.2f} min without one-sided movement: "
        f"{sums['false_per_min']:.2f} a minute"
    )
    for s in scores:
        for detail in s.details:
            report.note(f"  {s.clip}: {detail}")


def main() -> None:
    """Runs every clip with every model that is here."""
    arguments = parser(__doc__, folder="folder with clips/ and labels/")
    arguments.add_argument("--landmarker", choices=("facemesh", "facelandmarker"), help="only this")
    arguments.add_argument("--model", type=Path, help="bundle for facelandmarker")
    given = arguments.parse_args()
    bundle = find_bundle(given.model)
    names = [given.landmarker] if given.landmarker else ["facemesh", "facelandmarker"]
    if bundle is None and "facelandmarker" in names:
        names.remove("facelandmarker")
    report = Report(f"clips: {given.folder.name}")
    for name in names:
        model = bundle if name == "facelandmarker" else None
        scores = [run_clip(*pair, name, model) for pair in steps(pairs(given.folder), name)]
        show(report, name, scores)
        report.keep(**{name: {"clips": [vars(s) for s in scores], "total": total(scores)}})
    if "facelandmarker" not in names:
        report.note("facelandmarker was not run" + ("" if bundle else ": its bundle is not here"))
    report.write(given.json)


if __name__ == "__main__":
    main()
