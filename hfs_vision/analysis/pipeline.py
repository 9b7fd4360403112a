"""Wires the parts: frames -> landmarks and patches -> measurements -> events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hfs_vision.analysis.measure_frames import CpuTimes
from hfs_vision.analysis.parallel import LandmarkerChoice, MeasuredPart, measure_recording
from hfs_vision.analysis.result import Analysis, AnalysisRun
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.messages import Message, read_messages
from hfs_vision.core.settings import Settings
from hfs_vision.errors import NoFaceError, SourceError, UsageError
from hfs_vision.schema import SourceInfo, StrPath
from hfs_vision.video import DecodeStats, RepeatCounts, digest, open_source

_DETECT_FRAMES = 8192
"""Frames between two calls of ``progress`` while events are detected again: about 0.2 s."""

Progress = Callable[[SourceInfo, int, float], None]
"""Called with what is known of the source, the frames done and the time of the last in seconds."""


def analyze(
    path: StrPath,
    *,
    settings: Settings | None = None,
    landmarker: str = "auto",
    model: StrPath | None = None,
    subject: tuple[float, float] | None = None,
    fps: float | None = None,
    workers: int = 1,
    sha256: str | None = None,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
) -> Analysis:
    """Finds one-sided facial movements in a video file or a folder of images.

    Args:
        path: Video file, or folder of numbered images.
        settings: Thresholds and durations; the defaults if ``None``.
        landmarker: ``facemesh`` (inside MediaPipe), ``facelandmarker`` (a fetched bundle),
            ``fused`` (the mean of both) or ``auto``: the first that is there.
        model: Bundle for ``facelandmarker`` or ``fused`` if not in its usual place.
        subject: Whom to follow where there are several faces: the one nearest to this place in
            the first picture, ``(x, y)`` as fractions of its width and height. The largest face
            if ``None``.
        fps: Frames per second of a folder of images without ``timestamps.csv``.
        workers: Processes that measure parts of a recording of more than 90 s at the same time;
            how many changes no digit of the tables. They are spawned: a script that asks for
            more than one must guard its own start by ``if __name__ == "__main__":``.
        sha256: `hfs_vision.video.digest` of the recording, where it is known already.
        progress: Called after every few frames.
        stop: Asked after every few frames; once it says true, the result so far is returned,
            marked as partial.

    Raises:
        UsageError: If the call is wrong (path, settings).
        SourceError: If the recording cannot be read, was replaced by another while it was read, or
            holds fewer than two frames.
        NoFaceError: If no frame shows a face.
        ModelError: If the landmark model, or a network of the patches, is missing or damaged.
    """
    settings = settings or Settings()
    if workers < 1:
        raise UsageError(f"workers must be 1 or more, not {workers}")
    choice = LandmarkerChoice.of(landmarker, model, subject)
    began, run, parts = time.perf_counter(), AnalysisRun(settings), []
    stop = stop or (lambda: False)
    with open_source(path, fps=fps) as stored:
        look = choice.look(stored, stop)
        source = stored.turned(look.turned_deg)
        for part in measure_recording(
            source,
            choice.after(look),
            workers=workers,
            progress=partial(progress, source.info) if progress else _ignore,
            stop=stop,
        ):
            for measured in part.measured:
                run.add(measured)
            part.measured.clear()
            parts.append(part)
        with suppress(OSError):  # it may have been removed meanwhile
            sha256 = sha256 or digest(Path(path))
        changed = source.check_same()
    run.partial = any(part.stopped for part in parts)
    run.finish()
    if len(run.measurements) < 2 and not run.partial:
        raise SourceError(
            f"{path} holds {len(run.measurements)} usable frame(s); a moving picture of at "
            "least two frames is needed"
        )
    if not np.isfinite(run.measurements.yaw_deg).any() and not run.partial:
        raise NoFaceError(
            f"no face was found in any of the {len(run.measurements)} frames of {path}; the "
            "face must be at least about 50 pixels wide, seen from the front and not covered"
        )
    stats = DecodeStats.total(part.stats for part in parts)
    repeats = RepeatCounts.total(part.repeats for part in parts)
    seen = dict.fromkeys(text for part in parts for text in part.warnings)
    told = [*source.info.time_doubts, *stats.warnings(), *look.warnings]
    told += [*repeats.warnings(run.tally.fps), *seen]
    return run.result(
        [changed, *told] if changed else told,
        source=source.info,
        decoding=stats,
        repeats=repeats,
        model=parts[0].model,
        sha256=None if changed else sha256,
        speed=_speed(run, parts, workers, time.perf_counter() - began),
        subject=subject,
        passed_over=[astuple(place) for place in look.passed_over],
    )


def detect(
    measurements: Measurements,
    *,
    settings: Settings | None = None,
    segments: Sequence[tuple[str, float]] = (),
    inherited: Mapping[str, Any] | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Analysis:
    """Decides again on measurements that were stored: no video is needed.

    Args:
        measurements: As read by `hfs_vision.results.read_signals`.
        settings: Thresholds and durations; the defaults if ``None``.
        segments: Label and start of each labelled stretch, as read by
            `hfs_vision.results.read_segments`.
        inherited: ``model``, ``source``, ``source_warnings``, ``decoding``, ``repeats``,
            ``partial``, ``subject`` and ``frames`` of the first analysis; all but the last are
            passed on.
        progress: Called now and then with the frames done and the time of the last in seconds.
    """
    settings = settings or Settings()
    run = AnalysisRun(settings)
    for label, start_s in segments:
        run.tally.begin_segment(label, start_s)
    for first in range(0, len(measurements), _DETECT_FRAMES):
        run.add(measurements[slice(first, first + _DETECT_FRAMES)])
        if progress:
            done = min(first + _DETECT_FRAMES, len(measurements))
            progress(done, float(measurements.time_s[done - 1]))
    run.finish()
    inherited = inherited or {}
    source_warnings = read_messages(inherited.get("source_warnings") or [])
    frames, left = inherited.get("frames"), len(measurements)
    if isinstance(frames, int) and left < frames:
        source_warnings.append(Message("rows_missing", count=frames - left, frames=frames))
    return run.result(source_warnings, inherited=inherited)


def _speed(
    run: AnalysisRun, parts: Sequence[MeasuredPart], workers: int, wall_s: float
) -> dict[str, Any]:
    """What ``summary.json`` says of the time that it took, the loading of the models included."""
    frames = max(len(run.measurements), 1)
    stages = asdict(sum((part.cpu for part in parts), CpuTimes())) | {"detect": run.cpu_s}
    return {
        "workers": min(workers, len(parts)),
        "wall_s": wall_s,
        "frames_per_s": len(run.measurements) / wall_s,
        "cpu_ms_a_frame": {name: 1000 * cpu_s / frames for name, cpu_s in stages.items()},
    }


def _ignore(frames: int, time_s: float) -> None:
    pass
