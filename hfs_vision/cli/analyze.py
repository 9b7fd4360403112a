"""``hfs-vision analyze`` and ``hfs-vision detect``."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from hfs_vision.analysis.pipeline import analyze, detect
from hfs_vision.analysis.result import RESULT_FILES, Analysis
from hfs_vision.cli import terminal
from hfs_vision.cli.clips import ClipOptions, annotate_results
from hfs_vision.cli.options import (
    FPS,
    landmarker_options,
    processors,
    read_settings,
    settings_options,
)
from hfs_vision.cli.report import no_report_option, settle_report
from hfs_vision.core.signals import usable
from hfs_vision.errors import UsageError
from hfs_vision.results import (
    ANNOTATED_FILE,
    MARKS_FILE,
    REPORT_FILE,
    RETIRED_FILES,
    SUMMARY_FILE,
    SummaryFile,
    check_folder,
    finish_replacing,
    is_ours,
    read_segments,
    read_summary,
    recording_of,
)
from hfs_vision.results.measured_limits import struck_out
from hfs_vision.results.read_tables import read_signals_and_valid
from hfs_vision.support.interrupts import stop_on_signal


@click.command(
    "analyze",
    help=f"""Finds one-sided facial movements in VIDEO, a video file or a folder of images.

    Writes {", ".join(RESULT_FILES)} and {REPORT_FILE} to the folder given by
    --out. Ctrl-C ends the analysis and keeps what was found so far.""",
)
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the results.  [default: NAME.results in the current folder]",
)
@click.option("--force", is_flag=True, help="Replace results that are already in that folder.")
@landmarker_options
@click.option("--fps", type=FPS, help="Frames per second of a folder of images.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that measure parts of a recording of more than 90 s at the same time; the "
    "tables are the same to the last byte.  [default: all processors but one]",
)
@click.option(
    "--annotated",
    is_flag=True,
    help=f"Write {ANNOTATED_FILE} too, a video with marks, counts and traces; without sound.",
)
@click.option("--profile", is_flag=True, help="Show where the processor time went.")
@no_report_option
@settings_options
def analyze_command(
    video: Path,
    out: Path | None,
    force: bool,
    landmarker: str,
    model: Path | None,
    subject: tuple[float, float] | None,
    fps: float | None,
    workers: int | None,
    annotated: bool,
    profile: bool,
    no_report: bool,
    settings_file: Path | None,
    **options: float | None,
) -> int:
    """Analyses one recording."""
    settings = read_settings(settings_file, options)
    folder = out if out is not None else Path(f"{video.stem or 'frames'}.results")
    inputs = [path for path in (video, settings_file, model) if path is not None]
    check_folder(
        folder,
        (*RESULT_FILES, *[ANNOTATED_FILE] * annotated),
        force=force,
        renewed=[REPORT_FILE] * (not no_report),
        retired=RETIRED_FILES,
        inputs=inputs,
    )
    with stop_on_signal() as caught, terminal.frame_progress(video.name) as progress:
        result = analyze(
            video,
            settings=settings,
            landmarker=landmarker,
            model=model,
            subject=subject,
            fps=fps,
            workers=workers or max(processors() - 1, 1),
            progress=progress,
            stop=lambda: bool(caught),
        )
    with terminal.err.status("writing the tables"):
        aside = result.save(folder, force=force, inputs=inputs)
    _show(result, folder)
    terminal.show_set_aside(aside)
    if profile and result.speed:
        terminal.show_speed(result.speed)
    code = settle_report(folder, wanted=not no_report, force=force)
    if annotated and not caught:
        return annotate_results(folder, video, ClipOptions(landmarker, model, subject, fps)) or code
    return 128 + caught[0] if caught else code


@click.command("detect")
@click.argument("signals", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the results; without it they are only shown.",
)
@click.option("--force", is_flag=True, help="Replace results that are already in that folder.")
@no_report_option
@settings_options
def detect_command(
    signals: Path,
    out: Path | None,
    force: bool,
    no_report: bool,
    settings_file: Path | None,
    **options: float | None,
) -> int:
    """Decides again on SIGNALS, the signals.csv of an analysis or live session; no video is needed.

    Segments are taken from the marks.csv beside it, if there is one.
    """
    settings = read_settings(settings_file, options)
    if not signals.exists():
        raise UsageError(f"{signals} does not exist: give the signals.csv of an analysis")
    inputs = _inputs(signals, settings_file, out)
    if out is not None:
        check_folder(
            out,
            RESULT_FILES,
            force=force,
            renewed=[REPORT_FILE] * (not no_report),
            retired=RETIRED_FILES,
            inputs=inputs,
        )
    finish_replacing(signals.parent)
    marks = signals.parent / MARKS_FILE
    with terminal.frame_progress(signals.name, waiting="reading the table") as progress:
        measurements, valid = read_signals_and_valid(signals)
        told = read_summary(signals.parent / SUMMARY_FILE) or SummaryFile()
        recorded = recording_of(signals, measurements.time_s, told)
        progress.expect(len(measurements))
        result = detect(
            measurements,
            settings=settings,
            segments=read_segments(marks, recorded) if marks.exists() else (),
            inherited=told.values,
            progress=partial(progress, None),
        )
    with terminal.err.status("writing the tables"):
        aside = result.save(out, force=force, inputs=inputs) if out is not None else None
    _show(result, out)
    # By the settings that wrote the column: others may take a head that is turned further.
    counts = result.signals.valid & usable(measurements, told.settings)
    terminal.show_warnings([*told.doubts, *struck_out(valid, counts)])
    terminal.show_set_aside(aside)
    if out is None:
        return 0
    return settle_report(out, wanted=not no_report, force=force)


def _inputs(signals: Path, settings_file: Path | None, out: Path | None) -> list[Path]:
    """What must stay. In its own folder our table is written anew from itself, and the rest too."""
    settings = [] if settings_file is None else [settings_file]
    with suppress(OSError):  # no such folder
        if out is not None and out.samefile(signals.parent) and is_ours(signals):
            return settings
    return [signals, signals.parent / MARKS_FILE, signals.parent / SUMMARY_FILE, *settings]


def _show(result: Analysis, folder: Path | None) -> None:
    terminal.show_summary(result.summary)
    terminal.show_warnings(result.warnings)
    if result.partial:
        terminal.err.print("stopped before the end: the results are marked as partial")
    if folder is not None:
        terminal.out.print(f"{', '.join(RESULT_FILES)} are in {folder}", soft_wrap=True)
