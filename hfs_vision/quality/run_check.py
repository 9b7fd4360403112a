"""Opens a recording or a camera, looks at some seconds of it, and closes everything again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from hfs_vision.analysis.first_look import Looking, first_look
from hfs_vision.errors import SourceError
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.live.starting import Starting
from hfs_vision.quality.criteria import judge
from hfs_vision.quality.earlier_checks import read_history
from hfs_vision.quality.findings import Check
from hfs_vision.quality.sampling import Observed, Observer
from hfs_vision.quality.timing import timing
from hfs_vision.schema import FloatArray, StrPath
from hfs_vision.video import (
    Capture,
    DecodeStats,
    FrameSource,
    LiveSource,
    VideoFile,
    open_source,
    turned_info,
)

SECONDS = 10.0
"""How much is looked at, if nothing else is asked for."""

_PLACES = (1 / 6, 1 / 2, 5 / 6)
"""Where a longer recording is looked at, as shares of its length."""

_WARM_UP_S = 1.0
"""Cameras find their exposure and focus in the first second."""

_WAIT_S = 0.1

Progress = Callable[[float], None]
"""Called with the seconds looked at so far."""


def check_recording(
    path: StrPath,
    *,
    seconds: float = SECONDS,
    landmarker: str = "auto",
    model: StrPath | None = None,
    subject: tuple[float, float] | None = None,
    fps: float | None = None,
    progress: Progress = lambda seconds: None,
    stop: Callable[[], bool] = lambda: False,
) -> Check:
    """Looks at a recording: all of a short one, else at three places.

    Args:
        path: Video file, or folder of images.
        seconds: How much to look at in all.
        landmarker: Name of the landmark model, as `open_landmarker` takes it.
        model: Bundle for it, if not in its usual place.
        subject: Whom to follow, as fractions of the first picture's width and height.
        fps: Frames per second of a folder of images without ``timestamps.csv``.
        progress: Called after every frame.
        stop: Asked after every frame; once it says true, what was seen so far is judged.

    Raises:
        UsageError, SourceError, TableError: As `hfs_vision.video.open_source`.
        ModelError: If a model is missing or damaged.
        KeyboardInterrupt: If it was stopped before the first frame.
    """
    model = Path(model) if model is not None else None
    finder_for = partial(open_landmarker, landmarker, model=model)
    with open_source(path, fps=fps) as stored:
        look = first_look(stored, landmarker=landmarker, model=model, subject=subject, stop=stop)
        source = stored.turned(look.turned_deg)
        appearance = PatchNetworks()
        finder = finder_for(subject=look.subject, passed_over=look.passed_over)
        try:
            observer = Observer(finder, appearance)
            times = _packet_times(source)
            stats, stopped = _look_at(source, observer, times, seconds, progress, stop)
            if not len(observer):
                _nothing(stopped)
            known = timing([times]) if len(times) > 1 else None
            seen = observer.observed(source.info, finder_for, look, known)
        finally:
            finder.close()
    seen = replace(
        seen,
        length_s=_length(source, times),
        history=read_history(Path(path)) if isinstance(source, VideoFile) else None,
        damaged=stats.decode_errors + stats.withheld,
        cut_short_s=max((source.info.duration_s or 0.0) - (_length(source, times) or 0.0), 0.0),
        size_changes=stats.size_changes,
        flipped=isinstance(source, VideoFile) and _mirrors(source),
    )
    return _check(seen, observer, partial=stopped)


def check_live(
    source: LiveSource,
    *,
    clock: Callable[[], float],
    seconds: float = SECONDS,
    landmarker: str = "auto",
    model: StrPath | None = None,
    subject: tuple[float, float] | None = None,
    progress: Progress = lambda seconds: None,
    stop: Callable[[], bool] = lambda: False,
) -> Check:
    """Looks at a camera for some seconds, at the pace at which a session would.

    Args:
        source: Where frames come from; those of its first second are passed by.
        clock: The clock by which it times them.
        seconds: How long to look.
        landmarker: As in `check_recording`.
        model: As in `check_recording`.
        subject: As in `check_recording`.
        progress: Called after every frame.
        stop: Asked after every frame; once it says true, what was seen so far is judged.

    Raises:
        UsageError, SourceError: If the source gives no picture.
        ModelError: If a model is missing or damaged.
        KeyboardInterrupt: If it was stopped before the first frame.
    """
    model = Path(model) if model is not None else None
    finder_for = partial(open_landmarker, landmarker, model=model)
    appearance = PatchNetworks()
    finder = Starting(
        lambda look: finder_for(subject=look.subject or subject, passed_over=look.passed_over),
        Looking(landmarker, model, subject, live=True),
    )
    capture = Capture(source, clock=clock)
    try:
        observer = Observer(finder, appearance)
        capture.start(stop)
        stopped = _watch(capture, finder, observer, clock, seconds, progress, stop)
        stats = capture.stats
        capture.close()
        if not len(observer):
            _nothing(stopped)
        info = turned_info(source.info, finder.look.turned_deg)
        seen = observer.observed(info, finder_for, finder.look)
    finally:
        capture.close()
        finder.close()
    seen = replace(
        seen,
        dropped=stats.dropped / max(stats.captured, 1),
        losses=len(stats.interruptions),
    )
    return _check(seen, observer, partial=stopped)


def _nothing(stopped: bool) -> None:
    if stopped:
        raise KeyboardInterrupt
    raise SourceError(
        "no picture came in the time looked at: give a longer recording, or look longer by "
        "--seconds"
    )


def _check(seen: Observed, observer: Observer, *, partial: bool) -> Check:
    return Check(judge(seen), len(observer), observer.seconds, seen.source, seen.model, partial)


def _packet_times(source: FrameSource) -> FloatArray:
    """Times of all frames of a file, told by its packets without decoding; empty if unknown."""
    if not isinstance(source, VideoFile):
        return np.empty(0)
    index = source.index
    ticks = np.unique(index.packets["pts"][index.packets["shown"]])
    if not len(ticks) or ticks[0] == np.iinfo(np.int64).min:
        return np.empty(0)
    return np.asarray(ticks * float(index.tick), np.float64)


def _look_at(
    source: FrameSource,
    observer: Observer,
    times: FloatArray,
    seconds: float,
    progress: Progress,
    stop: Callable[[], bool],
) -> tuple[DecodeStats, bool]:
    """Observes the places of a recording; what was damaged there, and whether it was stopped."""
    found: list[DecodeStats] = []
    for first_s, end_s in places(times, seconds):
        part = source if math.isinf(end_s) else source.part(first_s, end_s)
        observer.break_off()
        for frame in part:
            if stop() or (part is source and observer.seconds >= seconds):
                break
            observer.take(frame)
            progress(min(observer.seconds, seconds))
        found.append(part.stats)
    return DecodeStats.total(found), stop()


def places(times: FloatArray, seconds: float) -> list[tuple[float, float]]:
    """Stretches of a recording to look at, ``[start, end)`` in seconds.

    The start alone where nothing is known of the times, all where there is little more than
    ``seconds``, else three places.

    >>> places(np.arange(0.0, 60.0, 0.1), 9.0)[1]
    (28.45, 31.45)
    """
    if not len(times):
        return [(-math.inf, math.inf)]
    length_s = float(times[-1] - times[0])
    if length_s <= 1.5 * seconds:
        return [(float(times[0]), float(times[0]) + max(length_s, seconds) + 1.0)]
    each_s = seconds / len(_PLACES)
    middles = [float(times[0]) + share * length_s for share in _PLACES]
    return [(round(m - each_s / 2, 6), round(m + each_s / 2, 6)) for m in middles]


def _watch(
    capture: Capture,
    starting: Starting,
    observer: Observer,
    clock: Callable[[], float],
    seconds: float,
    progress: Progress,
    stop: Callable[[], bool],
) -> bool:
    """Observes a camera; whether it was stopped."""
    began_s = clock()
    while not stop() and capture.state != "ended":
        frame = capture.get(_WAIT_S)
        passed_s = clock() - began_s - _WARM_UP_S
        if passed_s > seconds:
            return False
        progress(max(passed_s, 0.0))
        upright = starting.upright(frame) if frame is not None else None
        if upright is not None and passed_s >= 0:
            observer.take(upright)
    return stop()


def _length(source: FrameSource, times: FloatArray) -> float | None:
    if len(times) > 1:
        return float(times[-1] - times[0] + np.median(np.diff(times)))
    return source.info.duration_s


def _mirrors(source: VideoFile) -> bool:
    """Whether the file's display matrix turns its picture over, not only round."""
    a, b, c, d = source.matrix or (1, 0, 0, 1)
    return a * d - b * c < 0
