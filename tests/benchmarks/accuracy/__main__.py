"""How many one-sided movements are found, at how many false events, by whom, under what.

Injects known movements into the clips of ``--clips`` that show none of their own, and into
rendered portraits; runs both landmark models once over each recording (kept in ``--work``); then
runs every detector at every sensitivity, and writes ``--report`` with its tables and plots.

    python -m tests.benchmarks.accuracy                 # pilot size, about 12 minutes
    python -m tests.benchmarks.accuracy --people 60 --items 4 --seconds 40 --jobs 8

``--clips`` holds ``clips/NAME.*`` and ``labels/NAME.csv`` (see `tests.benchmarks.clips`), or is
the ``clips`` folder itself. Without clips or portraits the part that needs them is left out.
matplotlib, which comes with MediaPipe, draws the plots.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.video import open_source
from tests.benchmarks.accuracy import tables
from tests.benchmarks.accuracy.material import Clip, Plan, of_clips, of_portraits
from tests.benchmarks.accuracy.rendering import Maker, portrait
from tests.benchmarks.accuracy.report import write
from tests.benchmarks.accuracy.run import run
from tests.benchmarks.clips import movements, pairs, read_labels
from tests.benchmarks.common import ROOT, Report, find_bundle, parser, portrait_files, steps

_MAX_OWN_YAW_DEG = 10.0
"""Portraits turned further are left out: the yaw of an item is to be the one that it states."""

_SHARED = ROOT.parent / "shared"


def arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--clips", type=Path, default=_SHARED / "bench", metavar="FOLDER")
    made.add_argument("--portraits", type=Path, default=_SHARED / "portraits", metavar="FOLDER")
    made.add_argument("--people", type=int, default=5, metavar="N", help="portraits [5]")
    made.add_argument("--items", type=int, default=2, help="injected recordings a portrait [2]")
    made.add_argument("--clip-items", type=int, default=1, help="injected copies a clip [1]")
    made.add_argument("--seconds", type=float, default=16.0, help="length of a rendering [16]")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--quick", action="store_true", help="two portraits, no clips: a trial")
    made.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "hfs_accuracy", metavar="FOLDER"
    )
    made.add_argument("--report", type=Path, default=ROOT / "docs" / "accuracy.md")
    made.add_argument("--model", type=Path, help="bundle of the FaceLandmarker")
    made.add_argument("--jobs", type=int, default=1, help="processes that render [1]")
    return made.parse_args()


def read_clips(folder: Path) -> list[Clip]:
    """Every clip of the folder that has labels."""
    folder = folder.parent if folder.name == "clips" else folder
    if not folder.is_dir():
        return []
    found = []
    for path, labels in pairs(folder):
        rows = read_labels(labels)
        with open_source(path) as source:
            end_s = source.info.duration_s or 0.0
        others = tuple(row for row in rows if row.side == "both" or row.kind == "other")
        wanted, unsure = movements(rows, sure=True), movements(rows, sure=False)
        found.append(Clip(path, tuple(wanted), tuple(unsure), others, end_s))
    return found


def absent_spans(measured: Measurements) -> tuple[tuple[float, float], ...]:
    """Intervals in which no face was found, a frame wider on either side."""
    gone = np.concatenate([[False], ~np.isfinite(measured.yaw_deg), [False]])
    edges = np.flatnonzero(np.diff(gone.astype(int))).reshape(-1, 2)
    last = len(measured) - 1
    return tuple(
        (float(measured.time_s[max(a - 1, 0)]), float(measured.time_s[min(b, last)]) + 0.1)
        for a, b in edges.tolist()
    )


def choose_portraits(folder: Path, people: int, bundle: Path | None) -> list[tuple[str, str]]:
    """The default portrait and, evenly over the folder, others that look ahead: (person, path)."""
    chosen = [("default", "")]
    files = portrait_files(folder) if folder.is_dir() else []
    every = max(1, len(files) // max(people, 1))
    meshes = ["facemesh", *(["facelandmarker"] if bundle else [])]
    for start in range(0, every * people, every):
        stretch = files[start + every // 2 : start + every // 2 + every]
        fit = (f for f in stretch if all(_looks_ahead(f, mesh, bundle) for mesh in meshes))
        if (file := next(fit, None)) is not None:
            chosen.append((f"portrait {len(chosen)}", str(file)))
    return chosen


def _looks_ahead(file: Path, mesh: str, bundle: Path | None) -> bool:
    found = portrait(str(file), mesh, bundle)
    if found is None:
        return False
    return bool(abs(measure(np.zeros(1), found[1][None]).yaw_deg[0]) <= _MAX_OWN_YAW_DEG)


def build(plans: list[Plan], maker: Maker, jobs: int) -> None:
    """Fills the cache, so that what follows takes seconds."""
    recipes = [plan.recipe for plan in plans]
    if jobs <= 1:
        for recipe in steps(recipes, "recordings"):
            maker.measurements(recipe)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        done = pool.map(maker.measurements, recipes)
        for _ in steps(recipes, "recordings"):
            next(done)


def main() -> None:
    given = arguments()
    started = time.monotonic()
    bundle = find_bundle(given.model)
    if given.quick:
        given.people, given.items, given.seconds = 1, 1, 14.0
    people = choose_portraits(given.portraits, given.people, bundle)
    models = ("facemesh", *(["facelandmarker"] if bundle else []))
    maker = Maker(given.work, models, bundle)
    clips = [] if given.quick else read_clips(given.clips)
    build(of_clips(clips, items=0), maker, given.jobs)
    clips = [
        replace(clip, absent=absent_spans(maker.measurements(plan.recipe)[models[0]]))
        for clip, plan in zip(clips, of_clips(clips, items=0), strict=True)
    ]
    plans = [
        *of_clips(clips, items=given.clip_items, seed=given.seed),
        *of_portraits(people, items=given.items, length_s=given.seconds, seed=given.seed),
    ]
    print("portraits:", ", ".join(Path(path).stem or person for person, path in people))
    build(plans, maker, given.jobs)
    measured = [maker.measurements(plan.recipe) for plan in plans]
    done = run(plans, measured)
    command = shlex.join(["python", "-m", "tests.benchmarks.accuracy", *sys.argv[1:]])
    write(done, given.report, command, time.monotonic() - started)
    Report(f"accuracy: {given.report}").note(tables.floors(done))


if __name__ == "__main__":
    main()
