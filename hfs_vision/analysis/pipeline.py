"""Wires the parts: frames -> landmarks and patches -> measurements -> events -> result files."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from hfs_vision.analysis.measure_frames import CpuTimes
from hfs_vision.analysis.parallel import LandmarkerChoice, MeasuredPart, measure_recording
from hfs_vision.core.detector import Detector, DetectorUpdate
from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.core.messages import Message, read_messages
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Segment, Summary, Tally
from hfs_vision.errors import NoFaceError, SourceError, UsageError
from hfs_vision.results import (
    COUNTS_FILE,
    EVENTS_FILE,
    SEGMENTS_FILE,
    SIGNALS_FILE,
    SUMMARY_FILE,
    TWITCHES_FILE,
    write_counts,
    write_events,
    write_json,
    write_result,
    write_segments,
    write_signals,
    write_twitches,
)
from hfs_vision.schema import (
    NOT_A_DEVICE,
    Blink,
    Event,
    ModelIdentity,
    SourceInfo,
)
from hfs_vision.video import DecodeStats, RepeatCounts, digest, open_source

RESULT_FILES = (EVENTS_FILE, TWITCHES_FILE, COUNTS_FILE, SIGNALS_FILE, SUMMARY_FILE)

_DETECT_FRAMES = 8192
"""Frames between two calls of ``progress`` while events are detected again: about 0.2 s."""

_NO_FRAMES = measure(np.empty(0), np.empty((0, 478, 3)))

Writer = Callable[[TextIO], None]
"""Writes the text of a file."""

Progress = Callable[[SourceInfo, int, float], None]
"""Called with what is known of the source, the frames done and the time of the last in seconds."""


@dataclass(frozen=True)
class Analysis:
    """Result of one recording.

    Attributes:
        events: One-sided events in order of onset.
        blinks: Closures of both lids in order of onset.
        measurements, signals: One row per frame.
        summary: Counts and rates.
        settings: What was decided by.
        warnings: What makes the counts less certain: each a `hfs_vision.core.messages.Message`,
            or the text alone where an early version wrote it.
        source_warnings: Those of them that were seen while reading (damage, another person in
            view) and so cannot be known from the measurements.
        source, decoding, repeats, model: What was read and which landmark model ran; ``None`` where
            events were detected again from a signals file.
        sha256: Which recording it was, by its content (`hfs_vision.video.digest`); ``None`` where
            it could not be read a second time, or was added to or cut off while it was read.
        partial: Whether reading was stopped before the end.
        segments: Counts of the labelled stretches of a live session.
        speed: Frames per second and milliseconds of processor time a frame by stage.
        subject: Whom the user asked to follow, as `analyze` takes it.
        passed_over: Photographs that were not followed: x, y, width as `FirstLook` has them.
    """

    events: list[Event]
    blinks: list[Blink]
    measurements: Measurements
    signals: Signals
    summary: Summary
    settings: Settings
    warnings: list[str]
    source_warnings: list[str]
    source: SourceInfo | None = None
    decoding: DecodeStats | None = None
    repeats: RepeatCounts | None = None
    model: ModelIdentity | None = None
    sha256: str | None = None
    partial: bool = False
    segments: Sequence[Segment] = ()
    speed: dict[str, Any] | None = None
    subject: tuple[float, float] | None = None
    passed_over: Sequence[Sequence[float]] = ()
    inherited: Mapping[str, Any] = field(default_factory=dict)

    def save(
        self,
        folder: str | Path,
        *,
        force: bool = False,
        inputs: Sequence[Path] = (),
        beside: Mapping[str, Writer] | None = None,
    ) -> str | None:
        """Writes `RESULT_FILES`, and `SEGMENTS_FILE` where there are segments, in one step.

        An earlier result of this program in that folder is replaced. What was made of it makes way:
        see `hfs_vision.results.retire`.

        Args:
            folder: Made if it is missing.
            force: Whether files that this program did not write may be replaced.
            inputs: Files that must stay: those that the result was made from.
            beside: Writers of files that appear together with these, by name.

        Returns:
            The new name of corrections that are of other events; ``None`` where there were none.

        Raises:
            UsageError: If a file must not be replaced; nothing was written.
            OutputError: If the folder cannot be written.
        """
        writers = (
            partial(write_events, events=self.events),
            partial(write_twitches, events=self.events),
            partial(write_counts, counts=self.summary.counts),
            partial(write_signals, measured=self.measurements, signals=self.signals),
            partial(write_json, values=self.as_dict()),
        )
        files: dict[str, Writer] = {**dict(zip(RESULT_FILES, writers, strict=True))}
        files.update(beside or {})
        if self.segments:
            files[SEGMENTS_FILE] = partial(write_segments, segments=self.segments)
        return write_result(
            Path(folder),
            files,
            force=force,
            inputs=inputs,
            remove=() if self.segments else (SEGMENTS_FILE,),
            retiring=True,
        )

    def as_dict(self) -> dict[str, Any]:
        """What ``summary.json`` holds."""
        return {
            **summary_values(
                self.summary,
                self.settings,
                partial=self.partial or bool(self.inherited.get("partial")),
                source_warnings=self.source_warnings,
                subject=self.subject or self.inherited.get("subject"),
            ),
            "model": asdict(self.model) if self.model else self.inherited.get("model"),
            "source": asdict(self.source) | {"sha256": self.sha256, "passed_over": self.passed_over}
            if self.source
            else self.inherited.get("source"),
            "decoding": asdict(self.decoding) if self.decoding else self.inherited.get("decoding"),
            "repeats": asdict(self.repeats) if self.repeats else self.inherited.get("repeats"),
            "speed": self.speed,
            **{key: self.inherited[key] for key in ("live",) if self.inherited.get(key)},
        }


def summary_values(
    summary: Summary,
    settings: Settings,
    *,
    partial: bool,
    source_warnings: Sequence[str],
    subject: Sequence[float] | None,
) -> dict[str, Any]:
    """The part of ``summary.json`` that recordings and live sessions share."""
    return {
        "notice": NOT_A_DEVICE,
        "partial": partial,
        "warnings": [*summary.warnings(), *source_warnings],
        "source_warnings": list(source_warnings),
        "duration_s": summary.duration_s,
        "coverage": summary.coverage,
        **asdict(summary),
        "settings": settings.as_dict(),
        "subject": subject,
        "versions": {"hfs_vision": version("hfs-vision"), "python": platform.python_version()},
    }


def analyze(
    path: str | Path,
    *,
    settings: Settings | None = None,
    landmarker: str = "auto",
    model: str | Path | None = None,
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
    choice = LandmarkerChoice(landmarker, Path(model) if model else None, subject)
    began, run, parts = time.perf_counter(), _Run(settings), []
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
                run.take(measured)
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
        settings,
        source_warnings=[changed, *told] if changed else told,
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
    run = _Run(settings)
    for label, start_s in segments:
        run.tally.begin_segment(label, start_s)
    for first in range(0, len(measurements), _DETECT_FRAMES):
        run.take(measurements[slice(first, first + _DETECT_FRAMES)])
        if progress:
            done = min(first + _DETECT_FRAMES, len(measurements))
            progress(done, float(measurements.time_s[done - 1]))
    run.finish()
    inherited = inherited or {}
    source_warnings = read_messages(inherited.get("source_warnings") or [])
    frames, left = inherited.get("frames"), len(measurements)
    if isinstance(frames, int) and left < frames:
        source_warnings.append(Message("rows_missing", count=frames - left, frames=frames))
    return run.result(settings, source_warnings=source_warnings, inherited=inherited)


def _speed(run: _Run, parts: Sequence[MeasuredPart], workers: int, wall_s: float) -> dict[str, Any]:
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


class _Run:
    """One pass over a recording: collects what the detector finds."""

    def __init__(self, settings: Settings) -> None:
        self._detector = Detector(settings)
        self.tally = Tally(settings.max_gap_s)
        self._measured: list[Measurements] = []
        self._signals: list[Signals] = []
        self._events: list[Event] = []
        self._blinks: list[Blink] = []
        self.partial = False
        self.cpu_s = 0.0

    def take(self, measured: Measurements) -> None:
        began = time.thread_time()
        self._measured.append(measured)
        self._keep(measured, self._detector.update(measured))
        self.cpu_s += time.thread_time() - began

    def finish(self) -> None:
        self._keep(_NO_FRAMES, self._detector.finish())

    def _keep(self, measured: Measurements, step: DetectorUpdate) -> None:
        self.tally.add(measured, step)
        self._signals.append(step.signals)
        self._events += step.events
        self._blinks += step.blinks

    @property
    def measurements(self) -> Measurements:
        self._measured = [Measurements.concatenate([_NO_FRAMES, *self._measured])]
        return self._measured[0]

    def result(self, settings: Settings, source_warnings: list[str], **identity: Any) -> Analysis:
        measurements, signals = self.measurements, Signals.concatenate(self._signals)
        events = sorted(self._events, key=lambda event: (event.onset_s, event.side))
        blinks = sorted(self._blinks, key=lambda blink: blink.onset_s)
        summary = self.tally.summary()
        return Analysis(
            events=events,
            blinks=blinks,
            measurements=measurements,
            signals=signals,
            summary=summary,
            settings=settings,
            warnings=[*summary.warnings(), *source_warnings],
            source_warnings=source_warnings,
            partial=self.partial,
            segments=self.tally.segments(),
            **identity,
        )
