"""Hours of a live session: do memory, open files and threads stay as they are, how long is the log?

Without options: `--hours` of a camera of 30 frames/s through the real session (capture, measuring,
detector, log, summaries) as fast as it can be taken. Camera and landmark model are stand-ins with
known movements, and the clock is the camera's, so that what a session does once a second or every
ten seconds happens as often as in that many hours. Once an hour the camera is lost.

With `--real-minutes`: the same with the real models, on a sample over and over.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from hfs_vision.errors import SourceError
from hfs_vision.live import View, run_live
from hfs_vision.schema import FloatArray, Frame, ModelIdentity, SourceInfo
from hfs_vision.video import open_source
from tests.benchmarks.common import SAMPLE, Report, in_fresh_process, parser
from tests.synthetic import Recording

_FPS = 30
_SAMPLES = 80
_HOUR_S = 3600.0
_BLANK: NDArray[np.uint8] = np.zeros((48, 64, 3), np.uint8)
_LOGS = ("signals.csv", "events.csv", "twitches.csv", "marks.csv")

Picture = tuple[float, NDArray[np.uint8]]
Sample = dict[str, float]


class Camera:
    """Pictures on a clock of their own, which is the session's too.

    Args:
        pictures: With times that increase; without an end of their own.
        until_s: Where they end.
        lost_every_s: How often the camera is lost, to be opened anew.
    """

    info = SourceInfo("camera", None, None, *_BLANK.shape[1::-1], _FPS, None, None, 0)
    warnings = ()

    def __init__(
        self, pictures: Iterator[Picture], until_s: float, lost_every_s: float = math.inf
    ) -> None:
        self._pictures, self._until_s = pictures, until_s
        self._lost_every_s = self._lost_at_s = lost_every_s
        self.now_s = 0.0

    def pictures(self) -> Iterator[Picture]:
        for time_s, rgb in self._pictures:
            if time_s >= self._until_s:
                return
            self.now_s = time_s
            yield time_s, rgb
            if time_s >= self._lost_at_s:
                self._lost_at_s += self._lost_every_s
                raise SourceError("unplugged")

    def close(self) -> None:
        pass


class Subject:
    """Stands for landmark model and patches: a minute of known movements, over and over."""

    identity = ModelIdentity("constructed", "none", "0" * 64, "none")
    warnings = ()
    sha256 = "0" * 64

    def __init__(self) -> None:
        minute = Recording(60.0, _FPS).jitter().lid(0, 8.0, 0.3).lid(1, 20.0, 1.6)
        minute.train(0, 26.0, 5, gap_s=0.15).pull(1, 35.0, 0.4).without_face(55.0, 1.0)
        minute.lid(0, 44.0, 0.5).pull(0, 44.0, 0.5)
        for onset_s in range(2, 60, 6):
            minute.both_lids(onset_s)
        still, seen = np.zeros((len(minute.time_s), 4)), np.ones((len(minute.time_s), 1))
        looks = np.hstack([minute.aperture, still, seen])
        self._faces = minute.landmarks()
        self._looks = np.where(minute.gap[:, None], np.nan, looks)

    def __call__(self, frame: Frame, landmarks: FloatArray | None = None) -> FloatArray:
        """Landmarks of a frame; with them given, what the patches show."""
        of = self._faces if landmarks is None else self._looks
        return np.asarray(of[frame.index % len(of)])

    def close(self) -> None:
        pass


class Watch:
    """A display that looks at the process instead of the face."""

    def __init__(self, folder: Path, every_s: float, progress: Callable[[float], None]) -> None:
        self.samples: list[Sample] = []
        self._folder, self._every_s, self._progress = folder, every_s, progress
        self._due_s = 0.0

    def show(self, view: View) -> tuple[()]:
        if view.time_s >= self._due_s:
            self._due_s += self._every_s
            self.samples.append(sample(self._folder, view.time_s))
            self._progress(view.time_s)
        return ()


def sample(folder: Path, time_s: float) -> Sample:
    """What this process holds now, and how long its files are."""
    status = dict(re.findall(r"(\w+):\s+(\d+) kB", Path("/proc/self/status").read_text()))
    # Of its own, wherever it is: what the system keeps of files comes and goes.
    memory_kb = int(status["RssAnon"]) + int(status["VmSwap"])
    return {
        "hours": time_s / _HOUR_S,
        "frames": round(time_s * _FPS),
        "memory_mb": 1024 * memory_kb / 1e6,
        "open_files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - no paths are wanted
        "threads": len(os.listdir("/proc/self/task")),  # noqa: PTH208
        "log_mb": sum((folder / name).stat().st_size for name in _LOGS) / 1e6,
    }


def constructed(hours: float) -> list[Sample]:
    """A session with stand-ins for camera and models."""
    pictures = ((i / _FPS, _BLANK) for i in itertools.count())
    subject = Subject()
    with ExitStack() as stack:
        for name in ("open_landmarker", "Appearance"):
            stand_in = mock.patch(f"hfs_vision.live.session.{name}", return_value=subject)
            stack.enter_context(stand_in)
        return session(Camera(pictures, hours * _HOUR_S, lost_every_s=_HOUR_S), hours * _HOUR_S)


def real(minutes: float) -> list[Sample]:
    """A session with the real models, on a sample that is opened again and again."""
    return session(Camera(_repeated(SAMPLE), 60.0 * minutes), 60.0 * minutes)


def _repeated(video: Path) -> Iterator[Picture]:
    start_s = 0.0
    while True:
        with open_source(video) as source:
            for frame in source:
                yield start_s + frame.time_s, frame.rgb
        start_s += frame.time_s + 1 / _FPS


def session(camera: Camera, until_s: float) -> list[Sample]:
    """Samples of a session from its first picture to its last, and one when it is closed."""
    with tempfile.TemporaryDirectory() as temporary, Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("session", total=until_s)
        folder = Path(temporary)
        every_s = until_s / _SAMPLES
        watch = Watch(folder, every_s, lambda time_s: bar.update(task, completed=time_s))
        ended = run_live(camera, folder, clock=lambda: camera.now_s, lossless=True, display=watch)
        watch.samples.append(sample(folder, ended.summary.end_s))
        return watch.samples


def slopes(samples: list[Sample]) -> dict[str, float]:
    """Growth of each figure an hour, by a straight line through the later three quarters."""
    running = samples[:-1]
    later = running[len(running) // 4 :]
    hours = [found["hours"] for found in later]
    names = [name for name in samples[0] if name not in ("hours", "frames")]
    lines = {name: np.polyfit(hours, [found[name] for found in later], 1) for name in names}
    return {name: round(float(line[0]), 3) for name, line in lines.items()}


def main() -> None:
    """One of the two sessions."""
    arguments = parser(__doc__)
    arguments.add_argument("--hours", type=float, default=8.0, help="default: %(default)s")
    arguments.add_argument("--real-minutes", type=float, metavar="MINUTES")
    given = arguments.parse_args()
    report = Report("soak")
    if given.real_minutes:
        samples = in_fresh_process(real, given.real_minutes)
        title = f"{given.real_minutes:g} minutes of a sample, real models"
    else:
        samples = in_fresh_process(constructed, given.hours)
        title = f"{given.hours:g} hours at {_FPS} frames/s, constructed face"
    growth = slopes(samples)
    every = max((len(samples) - 1) // 8, 1)
    report.table(
        title,
        ["hours", "frames", "memory, MB", "open files", "threads", "log, MB"],
        [
            *([f"{found['hours']:.2f}", *list(found.values())[1:]] for found in samples[:-1:every]),
            ["closed", *list(samples[-1].values())[1:]],
            ["growth an hour", "", *growth.values()],
        ],
    )
    report.keep(samples=samples, growth_an_hour=growth)
    report.write(given.json)


if __name__ == "__main__":
    main()
