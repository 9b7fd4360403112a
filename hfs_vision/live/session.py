"""Opens what a session needs, runs it, and leaves complete files behind however it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from hfs_vision.analysis.first_look import FirstLook, Looking, first_look
from hfs_vision.analysis.result import RESULT_FILES
from hfs_vision.core.settings import Settings
from hfs_vision.errors import OutputError
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.live.counter import Counting
from hfs_vision.live.log import GROWING_FILES, SessionLog
from hfs_vision.live.loop import Clock, Display, Loop, Session
from hfs_vision.live.protocol import Protocol as Tasks
from hfs_vision.live.starting import Starting
from hfs_vision.results import RECORDING, SEGMENTS_FILE, check_replaceable, held, video_tag
from hfs_vision.schema import Event, Landmarker, StrPath
from hfs_vision.video import RECORDING_FILE, Capture, LiveSource, Recorder, Replay

SESSION_FILES = tuple(dict.fromkeys((*RESULT_FILES, *GROWING_FILES, SEGMENTS_FILE)))


def session_clock() -> Clock:
    """Seconds since now; a change of the system's time does not touch it."""
    start = time.monotonic()
    return lambda: time.monotonic() - start


def run_live(
    source: LiveSource,
    folder: StrPath,
    *,
    clock: Clock,
    force: bool = False,
    settings: Settings | None = None,
    landmarker: str = "auto",
    model: StrPath | None = None,
    subject: tuple[float, float] | None = None,
    lossless: bool = False,
    record: bool = False,
    tasks: Tasks | None = None,
    duration_s: float = math.inf,
    asked_fps: float | None = None,
    display: Display | None = None,
    tell: Callable[[Event], None] = lambda event: None,
    notice: Callable[[str], None] = lambda text: None,
    stop: Callable[[], bool] = lambda: False,
) -> Session:
    """Counts one-sided movements in front of a camera until the user ends it.

    Args:
        source: Where frames come from.
        folder: Gets `SESSION_FILES`, which grow or are renewed while the session runs.
        clock: The clock by which ``source`` times its frames; see `session_clock`.
        force: Whether files in the folder that this program did not write may be replaced.
        settings: Thresholds and durations; the defaults if ``None``.
        landmarker: Name of the landmark model, as `hfs_vision.analysis.pipeline.analyze` takes it.
        model: Bundle for it, if not in its usual place.
        subject: Whom to follow, as fractions of the first picture's width and height.
        lossless: Let the source wait instead of dropping frames: for files.
        record: Also write the video to `RECORDING_FILE`.
        tasks: A protocol that leads through labelled segments and ends the session.
        duration_s: End the session after so long.
        asked_fps: Frames per second that the camera was asked for.
        display: Where to show the session.
        tell: Called with each event once it is final.
        notice: Told what the user must know while the session runs.
        stop: Asked after every frame; once it says true, the session ends.

    Raises:
        UsageError, SourceError: If the source gives no first picture.
        UsageError: If a file in the folder must not be replaced.
        ModelError: If the landmark model, or a network of the patches, is missing or damaged.
        OutputError: If the folder cannot be written at the start, or another session runs there.
        KeyboardInterrupt: If it was stopped before the first picture.
    """
    folder = Path(folder)
    model = Path(model) if model is not None else None
    settings = settings or Settings()
    appearance = PatchNetworks()
    finder = _starting(source, landmarker, model, subject, stop)
    recorder = None
    if record:
        check_replaceable(folder / RECORDING_FILE, force=force)
        tags = video_tag(RECORDING)
        recorder = Recorder(folder / RECORDING_FILE, lossless=lossless, tags=tags)
    capture = Capture(
        source, clock=clock, lossless=lossless, on_frame=recorder.put if recorder else None
    )
    place = ExitStack()
    try:
        place.enter_context(_place(folder))
        capture.start(stop)
        if not capture.stats.captured:
            raise KeyboardInterrupt
        log = SessionLog(folder, force=force, alone=True, notice=notice)
        counting = Counting(finder, appearance, settings, log)
        loop = Loop(
            capture,
            finder,
            counting,
            log,
            settings,
            clock,
            asked_fps,
            recorder,
            tasks,
            lossless,
            subject,
        )
        try:
            while not (stop() or loop.over or loop.elapsed_s >= duration_s):
                loop.turn(display, tell)
        except BaseException:
            loop.end(tell, failed=True)
            raise
        return loop.end(tell)
    finally:
        capture.close()
        if recorder:
            recorder.close()
        finder.close()
        place.close()


@contextmanager
def _place(folder: Path) -> Iterator[None]:
    """A folder into which no other command writes; gone at the end if nothing came into it."""
    with ExitStack() as held_until:
        try:
            if not folder.exists():
                held_until.callback(_remove_if_empty, folder)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held_until.enter_context(held(folder))
        except OSError as error:
            raise OutputError(
                f"cannot write results to {folder}: {error.strerror or error}; choose another "
                "folder with --out"
            ) from error
        yield


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _starting(
    source: LiveSource,
    landmarker: str,
    model: Path | None,
    subject: tuple[float, float] | None,
    stop: Callable[[], bool],
) -> Starting:
    """What finds the landmarks. A file is looked at beforehand, so that none of it is passed by."""

    def open_finder(look: FirstLook) -> Landmarker:
        return open_landmarker(
            landmarker,
            model=model,
            subject=look.subject or subject,
            passed_over=look.passed_over,
        )

    if isinstance(source, Replay):
        look = first_look(
            source.recording, landmarker=landmarker, model=model, subject=subject, stop=stop
        )
        return Starting(open_finder, look=look)
    return Starting(open_finder, Looking(landmarker, model, subject, live=True))
