"""``hfs-vision clips`` and ``hfs-vision annotate``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from hfs_vision.cli import terminal
from hfs_vision.cli.options import FPS, FiniteRange, landmarker_options
from hfs_vision.errors import UsageError
from hfs_vision.landmarks.face_identity import FacePosition
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.render import (
    Cut,
    EventLookup,
    ReplayPass,
    Style,
    annotate,
    cut_clip,
    make_sheet,
    plan_cuts,
)
from hfs_vision.render.annotated_picture import MIN_WIDTH
from hfs_vision.results import (
    ANNOTATED_FILE,
    CLIPS_FOLDER,
    SIGNALS_FILE,
    ResultFolder,
    check_folder,
    read_folder,
)
from hfs_vision.schema import Landmarker
from hfs_vision.support.interrupts import stop_on_signal
from hfs_vision.video import Stopped, find_recording, open_source, turned_point

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class ClipOptions:
    """What the options of both commands say of the recording and of the landmark model.

    Attributes:
        landmarker, model, subject: As `open_landmarker` takes them; without a
            subject that of the result is followed.
        fps: Frames per second of a folder of images.
        passed_over: Photographs that the analysis did not follow.
    """

    landmarker: str
    model: Path | None
    subject: tuple[float, float] | None
    fps: float | None
    passed_over: tuple[FacePosition, ...] = ()

    def open_finder(self, known: Any) -> Landmarker:
        """A fresh landmark model."""
        return open_landmarker(
            self.landmarker,
            model=self.model,
            subject=self.subject,
            known=known,
            passed_over=self.passed_over,
        )

    def of(self, result: ResultFolder) -> ClipOptions:
        """The same for the pictures turned as they were when the result was measured."""
        subject = self.subject or result.subject
        if subject is not None:
            return replace(self, subject=turned_point(subject, result.summary.source.turned_deg))
        return replace(
            self,
            passed_over=tuple(FacePosition(*each) for each in result.summary.source.passed_over),
        )


def _footage_options(command: _Command) -> _Command:
    for option in (
        click.argument("folder", metavar="DIR", type=click.Path(path_type=Path)),
        click.option(
            "--video",
            type=click.Path(path_type=Path),
            help="The recording of DIR.  [default: searched for beside DIR, by its name]",
        ),
        click.option(
            "--blur",
            is_flag=True,
            help="Hide all but the lids and the corners of the mouth behind one flat colour, and "
            "every picture in which the face was not measured.",
        ),
        click.option(
            "--width",
            type=click.IntRange(min=MIN_WIDTH),
            default=Style.width,
            show_default=True,
            help="Largest width of the pictures in pixels.",
        ),
        click.option("--force", is_flag=True, help="Replace files that are already there."),
        partial(landmarker_options, subject="whom DIR followed"),
        click.option("--fps", type=FPS, help="Frames per second of a folder of images."),
    )[::-1]:
        command = option(command)
    return command


@click.command("clips")
@_footage_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=f"Folder for the clips.  [default: {CLIPS_FOLDER} in DIR]",
)
@click.option(
    "--pad",
    type=FiniteRange(0.0, 60.0),
    default=1.0,
    show_default=True,
    help="Seconds before the onset and after the offset.",
)
@click.option(
    "--event", "numbers", type=int, multiple=True, metavar="N", help="Only this event; repeatable."
)
@click.option("--sheet", is_flag=True, help="One picture of each event instead of a video.")
@click.option("--plain", is_flag=True, help="Without marks, counts and traces.")
def clips_command(
    folder: Path,
    video: Path | None,
    blur: bool,
    width: int,
    force: bool,
    out: Path | None,
    pad: float,
    numbers: tuple[int, ...],
    sheet: bool,
    plain: bool,
    **choice: Any,
) -> int:
    """Cuts a short video of each event out of the recording of DIR, or makes a picture of it.

    DIR is the folder of an analysis or a live session; where its events were corrected, those
    count. Events are numbered as the rows of events.csv, from 1. There is no sound in the videos.
    """
    ready = _Ready.read(folder, video, blur=blur)
    if not ready.course.events:
        terminal.out.print(f"{folder} holds no events: there is nothing to cut", soft_wrap=True)
        return 0
    cuts = plan_cuts(ready.course, numbers, pad_s=pad)
    target = out if out is not None else folder / CLIPS_FOLDER
    names = [cut.name(".png" if sheet else ".mp4") for cut in cuts]
    recording = ready.find()
    what = "contact sheets" if sheet else "clips"
    check_folder(target, names, force=force, inputs=[recording], what=what)
    style = Style(overlay=not plain, blur=blur, width=width)
    frames_s = sum(cut.stop_s - cut.start_s for cut in cuts)
    with ready.second_pass(recording, ClipOptions(**choice), style, frames_s) as (second, caught):
        make = make_sheet if sheet else cut_clip
        written = _make_each(make, second, cuts, [target / name for name in names])
    _show_missing(cuts[: len(written)], written)
    what = "contact sheet" if sheet else "clip"
    count = sum(written)
    terminal.out.print(
        f"{count} {what}{'' if count == 1 else 's'} written to {target}", soft_wrap=True
    )
    if len(written) < len(cuts):
        terminal.err.print("stopped before the end: what is written is complete")
        return 128 + caught[0]
    return 0


@click.command("annotate")
@_footage_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=f"The video to write.  [default: {ANNOTATED_FILE} in DIR]",
)
def annotate_command(
    folder: Path,
    video: Path | None,
    blur: bool,
    width: int,
    force: bool,
    out: Path | None,
    **choice: Any,
) -> int:
    """Writes the recording of DIR as a video with marks, running counts and traces.

    DIR is the folder of an analysis or a live session; where its events were corrected, those
    count. Each frame keeps its time. There is no sound in the video.
    """
    target = out if out is not None else folder / ANNOTATED_FILE
    if target.suffix.lower() != ".mp4":
        raise UsageError(f"{target} is no MP4: let the name that --out gives end in .mp4")
    ready = _Ready.read(folder, video, blur=blur)
    recording = ready.find()
    check_folder(
        target.parent,
        [target.name],
        force=force,
        inputs=[recording],
        what="video",
        place="file",
    )
    return _annotate(ready, recording, target, ClipOptions(**choice), Style(blur=blur, width=width))


def annotate_results(folder: Path, video: Path, choice: ClipOptions) -> int:
    """Writes the annotated video of results that were just saved; gives the exit code."""
    ready = _Ready.read(folder, video, blur=False)
    return _annotate(ready, video, folder / ANNOTATED_FILE, choice, Style())


@dataclass(frozen=True)
class _Ready:
    """A result that was read, and what is known of its recording."""

    folder: Path
    given: Path | None
    course: EventLookup
    result: ResultFolder

    @classmethod
    def read(cls, path: Path, given: Path | None, *, blur: bool) -> _Ready:
        result = read_folder(path)
        terminal.show_warnings(result.warnings)
        course = EventLookup.of(result)
        if blur and not len(course.signals):
            raise UsageError(
                f"{path} holds no {SIGNALS_FILE}, which tells --blur where the face was measured: "
                "analyse the recording again"
            )
        return cls(path, given, course, result)

    def find(self) -> Path:
        """The recording; a warning is shown where it may be another.

        Raises:
            UsageError: There is none.
        """
        found = find_recording(self.folder, self.result.sha256, self.given)
        if found.path is None:
            raise UsageError(found.warning)
        terminal.show_warnings([found.warning] if found.warning else [])
        return found.path

    @contextmanager
    def second_pass(
        self, recording: Path, choice: ClipOptions, style: Style, wanted_s: float | None = None
    ) -> Iterator[tuple[ReplayPass, list[int]]]:
        """The recording, opened, with a bar of its progress, and the signals that were caught.

        Args:
            recording: Video file or folder of images.
            choice: What the options say.
            style: How it is shown.
            wanted_s: How much of it will be read; all of it if ``None``.
        """
        with (
            open_source(recording, fps=choice.fps) as stored,
            stop_on_signal() as caught,
            terminal.frame_progress(self.folder.name) as bar,
        ):
            choice, source = (
                choice.of(self.result),
                stored.turned(self.result.summary.source.turned_deg),
            )
            info = source.info
            if wanted_s is not None:
                info = replace(info, frame_count=None, duration_s=wanted_s)
            yield (
                ReplayPass(
                    source,
                    self.course,
                    choice.open_finder,
                    style,
                    progress=lambda frames, time_s: bar(info, frames, time_s),
                    stop=lambda: bool(caught),
                ),
                caught,
            )


def _annotate(
    ready: _Ready, recording: Path, target: Path, choice: ClipOptions, style: Style
) -> int:
    with ready.second_pass(recording, choice, style) as (second, caught):
        try:
            annotate(second, target)
        except Stopped:
            pass
        else:
            caught.clear()
    if caught:
        terminal.err.print(
            f"stopped before the end: no video was written; hfs-vision annotate {ready.folder} "
            "makes it",
            soft_wrap=True,
        )
        return 128 + caught[0]
    terminal.out.print(f"the annotated video is {target}", soft_wrap=True)
    return 0


def _make_each(
    make: Callable[[ReplayPass, Cut, Path], int],
    second: ReplayPass,
    cuts: Sequence[Cut],
    paths: Sequence[Path],
) -> list[bool]:
    """Whether there was something to write, for each cut until the user asked to end."""
    written = []
    try:
        for cut, path in zip(cuts, paths, strict=True):
            written.append(bool(make(second, cut, path)))
    except Stopped:
        pass
    return written


def _show_missing(cuts: Sequence[Cut], written: Sequence[bool]) -> None:
    missing = [cut for cut, done in zip(cuts, written, strict=True) if not done]
    terminal.show_warnings(
        [
            f"event {cut.number} at {cut.event.onset_s:.1f} s lies beyond the recording: give the "
            "one that was analysed by --video"
            for cut in missing
        ]
    )
