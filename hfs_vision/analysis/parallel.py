"""Measures a recording part by part, here or in several processes: every number comes out alike.

A long recording is cut every `PART_S` on its own clock, wherever it is measured. Each part is
begun anew: a landmarker that starts `LEAD_S` early, so that it tracks the face by the time the
part begins, and that is told how the subject looked at the start of the recording.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hfs_vision.analysis.first_look import FirstLook, first_look
from hfs_vision.analysis.measure_frames import CpuTimes, Measuring, Progress
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.messages import Message
from hfs_vision.landmarks.face_identity import AppearanceVector, FacePosition, extract_appearance
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.schema import ModelIdentity, StrPath
from hfs_vision.video import DecodeStats, FrameSource, RepeatCounts, Repeats

PART_S = 60.0
LEAD_S = 0.5
"""In the 0.3 s after a cut the apertures of a sample then differ by 0.0002 (median, 0.0014 at most)
from those of an uncut pass; leads of 0.2 to 2 s differ alike, and frame-to-frame jitter is 0.0009.
"""

_POLL_S = 0.1

Stop = Callable[[], bool]


@dataclass(frozen=True)
class LandmarkerChoice:
    """What `open_landmarker` is to open, here or in another process."""

    name: str = "auto"
    model: Path | None = None
    subject: tuple[float, float] | None = None
    known: AppearanceVector | None = field(default=None, compare=False)
    passed_over: tuple[FacePosition, ...] = ()

    @classmethod
    def of(
        cls, name: str, model: StrPath | None, subject: tuple[float, float] | None
    ) -> LandmarkerChoice:
        """The same of what a caller gives."""
        return cls(name, None if model is None else Path(model), subject)

    def open(self) -> Any:
        """A fresh landmarker."""
        return open_landmarker(
            self.name,
            model=self.model,
            subject=self.subject,
            known=self.known,
            passed_over=self.passed_over,
        )

    def look(self, source: FrameSource, stop: Stop = lambda: False) -> FirstLook:
        """What the start of a recording shows; see `hfs_vision.analysis.first_look`."""
        return first_look(
            source, landmarker=self.name, model=self.model, subject=self.subject, stop=stop
        )

    def after(self, look: FirstLook) -> LandmarkerChoice:
        """The same for the pictures turned as they were found to need it."""
        return replace(self, subject=look.subject, passed_over=look.passed_over)


KILLED = Message("worker_killed")


@dataclass(frozen=True)
class MeasuredPart:
    """What came out of one part.

    Attributes:
        measured: Every frame of it.
        stats: What became of its frames.
        repeats: How much of it is repeats.
        warnings: What was seen of other people in view.
        model: Which weights ran.
        cpu: Processor time spent.
        stopped: Whether it ended before its end.
    """

    measured: list[Measurements]
    stats: DecodeStats
    repeats: RepeatCounts
    warnings: tuple[str, ...]
    model: ModelIdentity
    cpu: CpuTimes
    stopped: bool


def measure_recording(
    source: FrameSource,
    choice: LandmarkerChoice,
    *,
    workers: int = 1,
    progress: Progress,
    stop: Stop,
) -> Iterator[MeasuredPart]:
    """Measures all parts of a recording and gives them in order.

    Args:
        source: The recording.
        choice: Which landmark model to run, and whom to follow.
        workers: Processes; with 1 nothing but this one.
        progress: Called now and then.
        stop: Asked now and then; once it says true, what is measured until then is given and
            nothing more.

    Raises:
        SourceError, ModelError: As reading and finding landmarks raise them.
    """
    parts = list(pairwise([-math.inf, *source.cuts(PART_S), math.inf]))
    if len(parts) > 1:
        choice = replace(choice, known=_look_at_start(source, choice, parts[0][1]))
    if min(workers, len(parts)) == 1:
        yield from _here(source, choice, parts, progress, stop)
    else:
        yield from _in_processes(source, choice, parts, workers, progress, stop)


def _look_at_start(
    source: FrameSource, choice: LandmarkerChoice, until_s: float
) -> AppearanceVector | None:
    """How the subject looks where it is first seen; ``None`` if it is not in the first part."""
    finder = choice.open()
    try:
        for frame in source.part(-math.inf, until_s):
            face = finder(frame)
            if np.isfinite(face).all():
                return extract_appearance(frame.rgb, face)
        return None
    finally:
        finder.close()


def _measure_part(
    source: FrameSource,
    choice: LandmarkerChoice,
    part: tuple[float, float],
    progress: Progress,
    stop: Stop,
) -> MeasuredPart:
    """Measures what lies between two times in seconds; progress counts its own frames."""
    start_s, stop_s = part
    frames, appearance, finder = (
        source.part(start_s, stop_s, LEAD_S),
        PatchNetworks(),
        choice.open(),
    )
    try:
        repeats = Repeats(start_s)
        measuring = Measuring(finder, appearance, repeats, progress=progress, stop=stop)
        pieces = []
        for piece in measuring(frames):
            first = int(np.searchsorted(piece.time_s, start_s))
            pieces.append(piece[first:])
        warnings = (*finder.warnings, *appearance.warnings)
        model = replace(finder.identity, appearance_sha256=appearance.sha256)
        return MeasuredPart(
            pieces,
            frames.stats,
            repeats.counts,
            warnings,
            model,
            measuring.cpu,
            measuring.stopped,
        )
    finally:
        finder.close()


def _here(
    source: FrameSource,
    choice: LandmarkerChoice,
    parts: list[tuple[float, float]],
    progress: Progress,
    stop: Stop,
) -> Iterator[MeasuredPart]:
    done = 0

    def report(frames: int, time_s: float) -> None:
        progress(done + frames, time_s)

    for part in parts:
        found = _measure_part(source, choice, part, report, stop)
        done += sum(map(len, found.measured))
        yield found
        if found.stopped:
            return


def _in_processes(
    source: FrameSource,
    choice: LandmarkerChoice,
    parts: list[tuple[float, float]],
    workers: int,
    progress: Progress,
    stop: Stop,
) -> Iterator[MeasuredPart]:
    # Spawned, because MediaPipe's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    done, latest_s, stopping = context.Value("q", 0), context.Value("d", 0.0), context.Event()
    # The recording, whose index may be large, goes to each process once and not through the pool's
    # queue: before Python 3.12 a process that is killed while that is full is waited for for ever.
    pool = ProcessPoolExecutor(
        min(workers, len(parts)),
        context,
        initializer=_begin,
        initargs=(source, choice, done, latest_s, stopping),
    )
    measured = 0

    def report(frames: int, time_s: float) -> None:
        progress(measured + frames, time_s)

    try:
        waiting = [pool.submit(_in_worker, part) for part in parts]
        for number, future in enumerate(waiting):
            while not wait([future], timeout=_POLL_S).done:
                progress(done.value, latest_s.value)
                if stop() and not stopping.is_set():
                    stopping.set()
                    for later in waiting[number + 1 :]:
                        later.cancel()
            try:
                found = future.result()
            except BrokenProcessPool:
                rest = _here(source, choice, parts[number:], report, stop)
                found = next(rest)
                yield replace(found, warnings=(*found.warnings, KILLED))
                yield from rest
                return
            measured += sum(map(len, found.measured))
            progress(done.value, latest_s.value)
            yield found
            if found.stopped:
                return
    finally:
        stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)


_shared: dict[str, Any] = {}


def _begin(
    source: FrameSource, choice: LandmarkerChoice, done: Any, latest_s: Any, stopping: Any
) -> None:
    """Prepares a worker process."""
    _shared.update(source=source, choice=choice)
    _shared.update(done=done, latest_s=latest_s, stopping=stopping)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it decides
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _in_worker(part: tuple[float, float]) -> MeasuredPart:
    told = 0

    def progress(frames: int, time_s: float) -> None:
        nonlocal told
        with _shared["done"].get_lock():
            _shared["done"].value += frames - told
            _shared["latest_s"].value = max(_shared["latest_s"].value, time_s)
        told = frames

    return _measure_part(
        _shared["source"], _shared["choice"], part, progress, _shared["stopping"].is_set
    )
