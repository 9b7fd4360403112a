"""What tests and benchmarks of live sessions share: running one, and judging what it left."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from hfs_vision import analyze
from hfs_vision.analysis.pipeline import detect
from hfs_vision.analysis.result import Analysis
from hfs_vision.core.detector import Detector
from hfs_vision.live import Session, run_live, session_clock
from hfs_vision.results import TWITCH_COLUMNS, read_events, read_rows, read_segments, read_signals
from hfs_vision.schema import Event
from hfs_vision.video import Replay
from tests.paths import ROOT, SAMPLES

SPASMS = SAMPLES / "right_hemifacial_spasms.mp4"
TOLD_S = 0.5
"""An event is told within this time of its end."""


@cache
def analysed(name: str) -> Analysis:
    """What the analysis of a sample gives."""
    return analyze(SAMPLES / f"{name}.mp4")


def session(folder: Path, video: Path = SPASMS, **options: Any) -> Session:
    """A file as fast as it can be counted."""
    return run_live(
        Replay(video, realtime=False), folder, clock=session_clock(), lossless=True, **options
    )


def rows(path: Path, *columns: str) -> list[dict[str, str]]:
    """Of a table that has these columns."""
    return [record for _, record in read_rows(path, columns)]


def start_live(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """``hfs-vision live`` without a window, in a process of its own."""
    command = [sys.executable, "-m", "hfs_vision", "live", "--no-display", "--out", str(folder)]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def differences(live: Sequence[Event], file: Sequence[Event], first_s: float = 0.0) -> list[str]:
    """Where the events of a session are not those of its file.

    The first frames of a camera may be lost while it is opened, so that only the onsets themselves
    tell when the file began.

    Args:
        live: Events of the session.
        file: Events of `hfs_vision.analyze`.
        first_s: Time of the session's first frame.
    """
    if [(e.side, e.kind) for e in live] != [(e.side, e.kind) for e in file]:
        return [f"{[(e.side, e.kind) for e in live]} are not {[(e.side, e.kind) for e in file]}"]
    later_s = [a.onset_s - b.onset_s for a, b in zip(live, file, strict=True)]
    began_s = median(later_s) if later_s else first_s
    found = [
        f"{event.kind} of the file at {event.onset_s:.3f} s came {late - began_s:+.3f} s later"
        for event, late in zip(file, later_s, strict=True)
        if abs(late - began_s) > 0.1
    ]
    if abs(began_s - first_s) > 1.0:
        found.append(f"the file began at {began_s:.3f} s, the session at {first_s:.3f} s")
    return found


def first_time_s(folder: Path) -> float:
    """Time of a session's first frame."""
    return float(read_signals(folder / "signals.csv").time_s[0])


def rows_in(folder: Path) -> int:
    """Complete rows of a session's signals so far."""
    return (folder / "signals.csv").read_bytes().count(b"\n") - 1


def after_a_kill(folder: Path) -> tuple[int, list[str]]:
    """How many events a killed session left, and what is wrong with its files."""
    if not (folder / "signals.csv").exists():
        return 0, []
    wrong = []
    rows = read_signals(folder / "signals.csv")
    told = read_events(folder / "events.csv")
    read_segments(folder / "marks.csv")
    list(read_rows(folder / "twitches.csv", ["event"], grown=TWITCH_COLUMNS))
    # What could be told from these rows, and what they give now that the session has ended.
    final, ended = Detector().update(rows).events, detect(rows).events
    wrong += [
        f"the {event.kind} at {event.onset_s:.2f} s is missing"
        for event in final
        if _key(event) not in map(_key, told) and event.offset_s < rows.time_s[-1] - TOLD_S
    ]
    wrong += [
        f"the {event.kind} at {event.onset_s:.2f} s is not in the signals"
        for event in told
        if _key(event) not in map(_key, ended)
    ]
    return len(told), wrong


def _key(event: Event) -> tuple[float, float, str, str]:
    return event.onset_s, event.offset_s, event.side, event.kind


def wait_for(condition: Callable[[], bool], timeout_s: float) -> None:
    """Waits until something holds; files that are not there yet make it false."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, "this did not happen in time"
        time.sleep(0.05)
