"""From folders of clips and portraits to recordings with their measurements."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.video import open_source
from tests.benchmarks.accuracy.material import Clip, Plan, of_clips, of_portraits
from tests.benchmarks.accuracy.rendering import Maker, portrait
from tests.benchmarks.clips import movements, pairs, read_labels
from tests.benchmarks.common import ROOT, find_bundle, parser, portrait_files, split_of, steps

_MAX_OWN_YAW_DEG = 10.0
"""Portraits turned further are left out: the yaw of an item is to be the one that it states."""

_SHARED = ROOT.parent / "shared"


def options(documentation: str | None, *, people: int, split: str) -> argparse.ArgumentParser:
    """Options of what is drawn and where it is kept, with these defaults."""
    made = parser(documentation)
    made.add_argument("--clips", type=Path, default=_SHARED / "bench", metavar="FOLDER")
    made.add_argument("--portraits", type=Path, default=_SHARED / "portraits", metavar="FOLDER")
    made.add_argument("--people", type=int, default=people, metavar="N", help=f"[{people}]")
    made.add_argument(
        "--split",
        choices=("tune", "test"),
        default=split,
        help=f"portraits: those that served for choosing, or those kept for figures [{split}]",
    )
    made.add_argument("--items", type=int, default=2, help="injected recordings a portrait [2]")
    made.add_argument("--clip-items", type=int, default=1, help="injected copies a clip [1]")
    made.add_argument("--seconds", type=float, default=16.0, help="length of a rendering [16]")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--quick", action="store_true", help="two portraits, no clips: a trial")
    made.add_argument(
        "--work", type=Path, default=Path(tempfile.gettempdir()) / "hfs_accuracy", metavar="FOLDER"
    )
    made.add_argument("--model", type=Path, help="bundle of the FaceLandmarker")
    made.add_argument("--jobs", type=int, default=1, help="processes that render [1]")
    return made


def gather(given: argparse.Namespace) -> tuple[list[Plan], list[Mapping[str, Measurements]]]:
    """Recordings and, of each, the measurements of every landmark model that is here."""
    bundle = find_bundle(given.model)
    if given.quick:
        given.people, given.items, given.seconds = 1, 1, 14.0
    people = choose_portraits(given.portraits, given.people, bundle, given.split)
    models = ("facemesh", *(["facelandmarker", "fused"] if bundle else []))
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
    print("portraits:", ", ".join(Path(path).stem or person for person, path in people), flush=True)
    build(plans, maker, given.jobs)
    return plans, [maker.measurements(plan.recipe) for plan in plans]


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


def choose_portraits(
    folder: Path, people: int, bundle: Path | None, split: str
) -> list[tuple[str, str]]:
    """The default portrait and, evenly over a split, others that look ahead: (person, path)."""
    chosen = [("default", "")]
    numbered = enumerate(portrait_files(folder) if folder.is_dir() else [])
    files = [file for number, file in numbered if split_of(number) == split]
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
