"""Signals at random moments of every command, and worker processes that are killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import av
import cv2
import numpy as np

from hfs_vision.diary import open_diary
from hfs_vision.results import read_events, read_signals
from tests.cli.support import remux
from tests.faults.material import write_piece
from tests.faults.results import VISITS, analysed, diary, empty_diary
from tests.faults.rows import Expect, Place, Row, Seen
from tests.faults.rows_detector import write_results
from tests.faults.rows_writer import SAMPLE, told_events_are_kept
from tests.faults.watching import Watched, program

MOMENTS = 2
"""Of each command and signal."""

_PRIVATE = re.compile(r"(^|/)\.(writing-|batch|events\.reviewed|.*\.part$|.*\.lock$)")
"""Hidden files that a killed command may leave: docs/clips.md, docs/batch.md, docs/review.md."""

Arguments = Callable[[Place], list[Any]]


def _video(place: Place) -> Path:
    return write_piece(place.file("x").parent, "left")


def _batch(place: Place) -> list[Any]:
    write_piece(place.file("x").parent, "left")
    write_piece(place.file("x").parent, "right")
    return ["batch", place.file("x").parent, "--out", place.out, "--jobs", 2]


COMMANDS: dict[str, Arguments] = {
    "analyze": lambda p: ["analyze", _video(p), "--out", p.out],
    "live": lambda p: ["live", "--file", SAMPLE, "--no-display", "--out", p.out],
    "live --record": lambda p: [
        *("live", "--file", SAMPLE, "--no-display", "--record", "--no-report"),
        *("--out", p.out),
    ],
    "batch": _batch,
    "detect": lambda p: [
        "detect",
        write_results(p.file("results")) / "signals.csv",
        "--out",
        p.out,
    ],
    "report": lambda p: ["report", analysed(p), "--out", p.out / "report.html"],
    "review": lambda p: ["review", analysed(p), "--no-browser"],
    "clips": lambda p: ["clips", analysed(p), "--out", p.out],
    "clips --sheet": lambda p: ["clips", analysed(p), "--sheet", "--out", p.out],
    "annotate": lambda p: ["annotate", analysed(p), "--out", p.out / "annotated.mp4"],
    "export": lambda p: ["export", analysed(p), "--to", "parquet", "--out", p.out],
    "check": lambda p: ["check", _video(p), "--json", p.folder / "check.json"],
    "evaluate": lambda p: [
        "evaluate",
        shutil.copy(analysed(p) / "events.csv", p.file("labels.csv")),
        analysed(p),
        "--json",
        p.folder / "scores.json",
    ],
    "diary add": lambda p: [*("diary", "add", empty_diary(p), analysed(p), "--date", "2026-03-01")],
    "diary recompute": lambda p: ["diary", "recompute", diary(p), "--closure-threshold", 0.2],
    "diary trend": lambda p: ["diary", "trend", diary(p), "--out", p.out],
    "diary backup": lambda p: ["diary", "backup", diary(p)],
    "cohort table": lambda p: ["cohort", "table", diary(p), "--out", p.out / "table"],
    "simulate": lambda p: [
        "simulate",
        p.folder / "x.mp4",
        "--duration",
        5,
        "--fps",
        30,
        "--size",
        256,
    ],
}

_ENDLESS = {"review": 8.0}
"""How long what does not end by itself is watched, in seconds."""

SIGNALS = {
    "SIGINT": (signal.SIGINT, (0, 130, -signal.SIGINT)),
    "SIGTERM": (signal.SIGTERM, (0, 143, -signal.SIGTERM)),
    "SIGKILL": (signal.SIGKILL, (0, -signal.SIGKILL)),
}

_lock = Lock()
_clean_s: dict[str, float] = {}


def _takes_s(name: str, place: Place) -> float:
    """How long the command takes when nothing disturbs it; measured once."""
    if name in _ENDLESS:
        return _ENDLESS[name]
    if name in _clean_s:
        return _clean_s[name]
    with _lock:
        if name not in _clean_s:
            other = Place(place.folder.parent / "clean" / "here")
            other.folder.mkdir(parents=True)
            running = Watched(program(*COMMANDS[name](other)), other.folder)
            if running.finish() not in (0, 1):  # `check` ends with 1 where something must be fixed
                raise RuntimeError(f"{name} fails by itself: {running.shown}")
            _clean_s[name] = running.seconds
        return _clean_s[name]


def _timed(name: str) -> Arguments:
    def command(place: Place) -> list[Any]:
        _takes_s(name, place)
        return COMMANDS[name](place)

    return command


def _strike(name: str, number: int, moment: float) -> Callable[[Place, Watched], None]:
    def during(place: Place, running: Watched) -> None:
        at_s = moment * _takes_s(name, place)
        while running.seconds < at_s and running.read():
            pass
        running.signal(number)

    return during


def whole(seen: Seen) -> str:
    """What is wrong on the disk: a file that does not read, or a leftover that nothing explains."""
    for name in seen.files:
        path = seen.place.folder / name
        if _PRIVATE.search(name):
            if seen.code != -signal.SIGKILL and (".writing-" in name or name.endswith(".part")):
                return f"{name} is left"
            continue
        try:
            _read(path)
        except Exception as error:
            return f"{name} cannot be read: {type(error).__name__}: {error}"
    return told_events_are_kept(seen) if (seen.place.out / "marks.csv").exists() else ""


def _read(path: Path) -> None:
    if path.name.startswith(("events", "labels")) and path.suffix == ".csv":
        read_events(path)
    elif path.name == "signals.csv":
        read_signals(path)
    elif path.suffix == ".json":
        json.loads(path.read_text())
    elif path.suffix == ".mp4":
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) > 0, "no frame"
    elif path.suffix == ".png":
        assert cv2.imread(str(path)) is not None, "no picture"
    elif path.suffix in (".diary", ".backup"):
        with open_diary(path) as store:
            held = store.load().sessions
        # New, or with the one that is added; else every one of them by the same settings.
        assert len(held) in (0, 1, VISITS), "part of the sessions"
        assert len({session.settings_sha256 for session in held}) < 2, "part of it counted anew"
    elif path.suffix == ".html":
        assert path.read_text().rstrip().endswith("</html>"), "it ends early"


def _struck() -> list[Row]:
    rows, rng = [], np.random.default_rng(20261127)
    for name in COMMANDS:
        for title, (number, codes) in SIGNALS.items():
            for moment in rng.uniform(0.02, 0.98, MOMENTS).round(2).tolist():
                row = Row(
                    "signals",
                    f"{name}: {title} at {moment:.0%} of its time",
                    _timed(name),
                    Expect((*codes, 1) if name == "check" else codes, check=whole, silent=True),
                    during=_strike(name, number, moment),
                )
                rows.append(row)
    return rows


def _long(place: Place) -> Path:
    remux(SAMPLE, place.file("long.mp4"), times=5)
    return place.file("long.mp4")


def _children(pid: int) -> list[int]:
    """Python processes that a process has started to work for it."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"spawn_main" in command:
                found.append(int(child))
    return found


def _kill_worker(times: int) -> Callable[[Place, Watched], None]:
    """Kills a worker while it measures, as the kernel does where memory runs out."""

    def during(place: Place, running: Watched) -> None:
        for _ in range(times):
            running.wait_for(re.compile(r"\b[1-9]\d*/\d+ "))
            until = time.monotonic() + 60
            while not (workers := _children(running.pid)) and time.monotonic() < until:
                if not running.read():
                    return
            os.kill(workers[0], signal.SIGKILL)
            running.read()

    return during


def _one_failed(seen: Seen) -> str:
    table = (seen.place.out / "cohort.csv").read_text()
    return "" if table.count("\n") == 3 else "cohort.csv does not have a row for each recording"


ROWS = [
    *_struck(),
    Row(
        "workers",
        "analyze: a worker is killed",
        lambda p: ["analyze", _long(p), "--out", p.out, "--workers", 2],
        Expect(0, "a worker process was killed, perhaps because memory ran out"),
        during=_kill_worker(1),
    ),
    Row(
        "workers",
        "batch: a worker is killed",
        _batch,
        Expect(0, check=_one_failed),
        during=_kill_worker(1),
    ),
]
