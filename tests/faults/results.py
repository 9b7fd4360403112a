"""Real results that rows begin with, each made once and copied for every row."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from tests.diary_support import new_diary, result_folder
from tests.faults.material import write_piece
from tests.faults.rows import Place
from tests.faults.watching import ROOT, program

VISITS = 12

_lock = Lock()


def analysed(place: Place) -> Path:
    """A copy of a result folder for one row, its recording beside it."""
    return _copied(place, "left.results", _analyse)


def diary(place: Place) -> Path:
    """A copy of a diary of `VISITS` sessions, its result folders beside it."""
    return _copied(place, "ann.diary", _visit)


def empty_diary(place: Place) -> Path:
    """A copy of a diary without a session."""
    return _copied(place, "new.diary", lambda folder: new_diary(folder / "new.diary"))


def _copied(place: Place, name: str, make: Callable[[Path], object]) -> Path:
    """What was made under that name, with all that was made with it."""
    wanted = place.file(name)
    if wanted.exists():
        return wanted
    kept = place.folder.parent.parent / f"kept-{name}"
    with _lock:
        if not kept.exists():
            made = kept.with_name(f"making-{name}")
            made.mkdir()
            make(made)
            made.rename(kept)
    for path in kept.iterdir():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, place.file(path.name))
    return wanted


def _analyse(folder: Path) -> None:
    _run("analyze", write_piece(folder, "left"), "--out", folder / "left.results")


def _visit(folder: Path) -> None:
    results = [
        result_folder(
            folder / f"{day:02}.results",
            sha256=f"{day:064x}",
            recorded_utc=f"2026-03-{day + 1:02}T08:30:00+00:00",
        )
        for day in range(VISITS)
    ]
    _run("diary", "add", new_diary(folder / "ann.diary"), *results)


def _run(*arguments: object) -> None:
    subprocess.run(program(*arguments), check=True, capture_output=True, cwd=ROOT)
