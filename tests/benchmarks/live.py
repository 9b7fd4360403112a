"""What a live session keeps up with and survives; real models, a real HTTP camera on loopback.

- ``stream``: a 640x480 camera of 30 frames/s, for `--minutes`: frames dropped, time a frame takes,
  delay from the picture's arrival to its decision, and how late events are told.
- ``samples``: the sample videos as streams, at their own pace: the events of `analyze`?
- ``memory``: an hour of frames as fast as they can be taken: does memory grow?
- ``kill``: SIGKILL at random moments: do all files parse, is a completed event missing?
"""

from __future__ import annotations

import contextlib
import json
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.analysis.pipeline import analyze
from hfs_vision.live import run_live, session_clock
from hfs_vision.results import read_events
from hfs_vision.simulate import write_video
from hfs_vision.video import open_source
from tests.benchmarks.common import ROOT, SAMPLE, Report, in_fresh_process, parser, steps
from tests.live_support import after_a_kill, differences, first_time_s, start_live
from tests.paths import SAMPLES

_SIZE = (640, 480)


def stream(given: Namespace, report: Report) -> None:
    """The 10 minutes of the real-time budget."""
    with tempfile.TemporaryDirectory() as temporary:
        video = _resized(Path(temporary) / "camera.mp4")
        folder = Path(temporary) / "session"
        arguments = ["--duration", 60 * given.minutes, "--landmarker", "facemesh"]
        with _camera(video, loop=True) as url:
            session = start_live(folder, "--url", url, *arguments)
            _, errors = session.communicate()
        if session.returncode:
            raise SystemExit(errors)
        summary = json.loads((folder / "summary.json").read_text())
    live = summary["live"]
    report.table(
        f"{given.minutes:g} minutes of 640x480 at 30 frames/s through HTTP, Face Mesh",
        ["", "median", "p95", "p99", "most"],
        [
            [name, *(live[key][q] for q in ("median", "p95", "p99", "most"))]
            for name, key in (
                ("processing, ms a frame", "processing_ms"),
                ("arrival to decision, ms", "delay_ms"),
                ("event told after its end, ms", "event_told_after_ms"),
            )
        ],
    )
    report.note(
        f"frames {live['frames_captured']}, dropped {live['frames_dropped']}, "
        f"{summary['fps']:.1f} frames/s"
    )
    report.keep(stream=live)


def samples(given: Namespace, report: Report) -> None:
    """Each sample as a stream against `analyze`."""
    rows = []
    for video in steps(sorted(SAMPLES.glob("*.mp4")), "samples at their own pace"):
        whole = analyze(video, landmarker="facemesh")
        expected, until_s = whole.events, whole.summary.duration_s - 0.2
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "session"
            with _camera(video) as url:
                session = start_live(
                    folder, "--url", url, "--landmarker", "facemesh", "--duration", until_s
                )
                session.communicate()
            events = read_events(folder / "events.csv")
            wrong = differences(events, expected, first_time_s(folder))
        rows.append([video.stem, len(expected), len(events), "; ".join(wrong) or "none"])
    report.table("samples as streams", ["", "analyze", "live", "differences"], rows)
    report.keep(samples=rows)


def memory(given: Namespace, report: Report) -> None:
    """Resident memory in the course of an hour."""
    rows = in_fresh_process(_hour, given.minutes)
    report.table(
        f"resident memory, {given.minutes:g} minutes at 30 frames/s taken at full speed",
        ["minutes", "MB", "more than after 5 min"],
        [[minute, mb, mb - rows[0][1]] for minute, mb in rows],
    )
    report.keep(memory=rows)


class _Endless:
    """The pictures of a sample over and over, on a clock that goes on."""

    def __init__(self, minutes: float) -> None:
        self._until_s = 60 * minutes
        self.warnings: list[str] = []
        with open_source(SAMPLE) as source:
            self.info = replace(source.info, kind="camera")
            self._frames = [(f.time_s, cv2.imencode(".jpg", f.rgb)[1]) for f in source]

    def pictures(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        start_s = 0.0
        while True:
            for time_s, jpeg in self._frames:
                if start_s + time_s > self._until_s:
                    return
                picture = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
                yield start_s + time_s, np.asarray(picture, dtype=np.uint8)
            start_s += self._frames[-1][0] + 1 / 30

    def close(self) -> None:
        pass


def _hour(minutes: float) -> list[tuple[float, float]]:
    """Minutes of the session and megabytes, from its fifth minute on."""
    found: list[tuple[float, float]] = []
    marks = [m for m in (5, 10, 15, 20, 30, 40, 50, 60) if m <= minutes]

    class Watch:
        def show(self, view: Any) -> tuple[()]:
            if len(found) < len(marks) and view.elapsed_s >= 60 * marks[len(found)]:
                found.append((marks[len(found)], _resident_mb()))
            return ()

    with tempfile.TemporaryDirectory() as temporary:
        run_live(
            _Endless(minutes),
            Path(temporary) / "session",
            clock=session_clock(),
            landmarker="facemesh",
            lossless=True,
            display=Watch(),
        )
        found.append((minutes, _resident_mb()))
    return found


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def kill(given: Namespace, report: Report) -> None:
    """Kills sessions at random moments and looks at what they left."""
    chance = random.Random(given.seed)
    left, wrong = 0, []
    for number in steps(range(given.kills), "sessions killed"):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "session"
            session = start_live(folder, "--file", SAMPLE, "--landmarker", "facemesh")
            deadline = time.monotonic() + 60
            while not (folder / "signals.csv").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, given.longest))
            session.send_signal(signal.SIGKILL)
            session.communicate()
            events, faults = after_a_kill(folder)
        left += events
        wrong += [f"session {number}: {fault}" for fault in faults]
    report.note(f"{given.kills} sessions killed; {left} events in their logs; faults: {len(wrong)}")
    for fault in wrong:
        report.note(fault)
    report.keep(kills=given.kills, events=left, faults=wrong)


def _resized(target: Path) -> Path:
    """The sample in a picture of 640x480, as a webcam gives it."""
    width, height = _SIZE
    with open_source(SAMPLE) as source:
        frames = []
        for frame in source:
            h, w = frame.rgb.shape[:2]
            left, top = (width - w) // 2, (height - h) // 2
            rgb = cv2.copyMakeBorder(
                frame.rgb, top, height - h - top, left, width - w - left, cv2.BORDER_REPLICATE
            )
            frames.append(replace(frame, rgb=np.asarray(rgb, dtype=np.uint8)))
    write_video(target, frames)
    return target


@contextmanager
def _camera(video: Path, *, loop: bool = False) -> Iterator[str]:
    """A camera in a process of its own, as a network camera is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.mjpeg_server", str(video), "--port", str(port)]
    server = subprocess.Popen([*command, *(["--loop"] if loop else [])], cwd=ROOT)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


def main() -> None:
    """One of the questions."""
    arguments = parser(__doc__)
    which = {"stream": stream, "samples": samples, "memory": memory, "kill": kill}
    arguments.add_argument("question", choices=which)
    arguments.add_argument("--minutes", type=float, help="default: 10; 60 for memory")
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--longest", type=float, default=6.0, help="seconds before a kill")
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    given.minutes = given.minutes or (60.0 if given.question == "memory" else 10.0)
    report = Report(f"live: {given.question}")
    which[given.question](given, report)
    report.write(given.json)


if __name__ == "__main__":
    main()
