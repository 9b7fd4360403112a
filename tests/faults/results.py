"""A real result with its recording beside it, made once."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from threading import Lock

from tests.faults.material import write_piece
from tests.faults.rows import Place
from tests.faults.watching import ROOT, program

_lock = Lock()


def analysed(place: Place) -> Path:
    """A copy of a result folder for one row, its recording beside it."""
    folder = place.file("left.results")
    if folder.exists():
        return folder
    kept = place.folder.parent.parent / "analysed"
    with _lock:
        if not kept.exists():
            _make(kept)
    for path in kept.iterdir():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, place.file(path.name))
    return folder


def _make(folder: Path) -> None:
    made = folder.with_name("analysing")
    made.mkdir()
    video = write_piece(made, "left")
    command = program("analyze", video, "--out", made / "left.results")
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    made.rename(folder)
