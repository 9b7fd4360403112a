"""What every benchmark needs: arguments, tables, fresh processes, models, the machine's name.

A figure without the versions and the machine that it was taken on cannot be compared with a later
one, so `Report` puts them into every table's caption and every JSON file.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from hfs_vision.landmarks import model_files
from hfs_vision.schema import FloatArray
from tests.paths import ROOT

SAMPLE = ROOT / "sample_videos" / "right_hemifacial_spasms.mp4"

# MediaPipe has more entry points than it documents; these are all that a figure depends on.
_PACKAGES = ("hfs-vision", "mediapipe", "numpy", "opencv-python", "av")

T = TypeVar("T")
_console = Console(width=None if sys.stdout.isatty() else 140)
_progress = Console(stderr=True)


def parser(documentation: str | None, **positional: str) -> argparse.ArgumentParser:
    """Parser with the module's own text as help, ``--json`` and required positional arguments."""
    made = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, help_ in positional.items():
        made.add_argument(name, type=Path, help=help_)
    made.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE too")
    return made


class Report:
    """Tables for the reader and the same figures for programs."""

    def __init__(self, title: str) -> None:
        self._figures: dict[str, Any] = {"benchmark": title, "machine": machine()}
        known = self._figures["machine"]
        packages = ", ".join(f"{name} {known[name]}" for name in _PACKAGES)
        _console.print(f"[bold]{title}[/bold]  {known['processor']}, {known['cores']} cores")
        _console.print(f"Python {known['python']}, {packages}")

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print a table; text goes left, numbers right."""
        rows = [[_text(cell) for cell in row] for row in rows]
        table = Table(title=title, title_justify="left", title_style="bold")
        for index, column in enumerate(columns):
            table.add_column(column, justify="right" if index else "left")
        for row in rows:
            table.add_row(*row)
        _console.print(table)

    def note(self, text: str) -> None:
        _console.print(text)

    def keep(self, **figures: Any) -> None:
        """Figures for the JSON file."""
        self._figures.update(figures)

    def write(self, path: Path | None) -> None:
        if path is not None:
            path.write_text(json.dumps(_plain(self._figures), indent=2) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Where a figure was taken: versions and processor."""
    return {
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        **{name: _version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _text(cell: Any) -> str:
    if isinstance(cell, float):
        return "-" if math.isnan(cell) else f"{cell:.3g}" if abs(cell) < 100 else f"{cell:.0f}"
    return str(cell)


def _plain(value: Any) -> Any:
    """As JSON takes it: no numpy, and null for what is not a number."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def spread(values: Sequence[float]) -> str:
    """``median (least-largest)``."""
    low, middle, high = min(values), float(np.median(values)), max(values)
    return f"{_text(middle)} ({_text(low)}-{_text(high)})"


# ----------------------------------------------------------------------------- time and memory


@dataclass
class Stopwatch:
    """Wall time and CPU time of all threads, added up over the blocks that it times."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    @contextmanager
    def running(self) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.cpu_s += time.process_time() - cpu
            self.wall_s += time.perf_counter() - wall


def peak_rss_mb() -> float:
    """Largest resident memory of this process so far, MB (1e6 bytes)."""
    try:  # getrusage would count what the parent held when it started this process
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        peak = next(line for line in lines if line.startswith("VmHWM:"))
        return 1024 * int(peak.split()[1]) / 1e6
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def in_fresh_process(function: Callable[..., T], *args: Any) -> T:
    """The result of a call in a new interpreter: no warm cache, no memory of earlier runs."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def steps(items: Sequence[T], what: str) -> Iterable[T]:
    """The items, with a progress bar on stderr."""
    return track(items, description=what, console=_progress, transient=True)


# -------------------------------------------------------------------------------------- models


def find_bundle(given: Path | None = None) -> Path | None:
    """FaceLandmarker's bundle: as given, where the program looks, or beside the checkout."""
    beside = ROOT.parent / "shared" / "models" / model_files.FACE_LANDMARKER.file
    found = given or model_files.find(model_files.FACE_LANDMARKER.name)
    return found or (beside if beside.is_file() else None)


class StillFinder:
    """Landmarks of single pictures: both models in their static mode, which remembers nothing."""

    def __init__(self, name: str, bundle: Path | None) -> None:
        from hfs_vision.landmarks.mediapipe_models import open_landmarker

        self._finder: Any = open_landmarker(name, model=bundle if name != "facemesh" else None)
        self.lid_leak = float(self._finder.identity.lid_leak)

    def __call__(self, rgb: NDArray[np.uint8]) -> FloatArray | None:
        """``(478, 3)`` pixels of the first face, or None."""
        faces = self._finder._tracker.examine(np.ascontiguousarray(rgb))
        return faces[0] if faces else None


def still_finders(bundle: Path | None) -> dict[str, StillFinder]:
    """Every model that is here, by name."""
    found = find_bundle(bundle)
    names = ["facemesh", *(["facelandmarker"] if found else [])]
    return {name: StillFinder(name, found) for name in names}


def portrait_files(folder: Path) -> list[Path]:
    """The folder's pictures in order of name."""
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise SystemExit(f"{folder} holds no .jpg or .png pictures")
    return files


def split_of(number: int) -> str:
    """What a portrait serves for, by its number in order of name: ``train``, ``tune`` or ``test``.

    Weights are trained on three quarters of the people, settings are chosen on an eighth, and
    figures are published of the eighth that served for neither.
    """
    return {3: "tune", 7: "test"}.get(number % 8, "train")
