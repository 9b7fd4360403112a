"""``hfs-vision batch``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from hfs_vision.batch import (
    COHORT_FILE,
    AnalysisRequest,
    Cluster,
    Job,
    LeftOut,
    Outcome,
    Pool,
    find_recordings,
    run_batch,
)
from hfs_vision.batch.cohort import result_folder
from hfs_vision.cli import terminal
from hfs_vision.cli.options import FPS, landmarker_options, read_settings, settings_options
from hfs_vision.cli.report import BatchReports
from hfs_vision.errors import UsageError
from hfs_vision.results import REPORT_FILE, check_folder
from hfs_vision.support.interrupts import stop_on_signal

_ESTIMATE_FROM_S = 600
_MOST_NAMED = 5


@click.command("batch")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help=f"Folder for the results of all recordings and {COHORT_FILE}.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    help="Recordings at once on this machine.  [default: one a core]",
)
@click.option("--retry-failed", is_flag=True, help="Try again what failed before.")
@click.option("--force", is_flag=True, help="Analyse finished recordings again.")
@click.option("--report", is_flag=True, help=f"Also write a {REPORT_FILE} for each recording.")
@click.option(
    "--deidentify",
    is_flag=True,
    help="Number the recordings; keep paths and file names out of the results.",
)
@click.option(
    "--scheduler",
    metavar="tcp://HOST:PORT",
    help="Analyse on the workers of this Dask scheduler, which must see --out.",
)
@landmarker_options
@click.option("--fps", type=FPS, help="Frames per second of folders of images.")
@settings_options
def batch_command(
    inputs: tuple[str, ...],
    out: Path,
    jobs: int | None,
    retry_failed: bool,
    force: bool,
    report: bool,
    deidentify: bool,
    scheduler: str | None,
    landmarker: str,
    model: Path | None,
    subject: tuple[float, float] | None,
    fps: float | None,
    settings_file: Path | None,
    **options: float | None,
) -> int:
    """Analyses many recordings.

    INPUT is a video file, a folder (searched for videos and for folders of images that have a
    timestamps.csv), a glob in quotes, or @list.txt with one of these a line.

    Writes NAME.results for each recording and one table of all of them. Run again, it goes on
    where it was: what is done is skipped, unless the recording, the settings or the program has
    changed.
    """
    if jobs is not None and scheduler is not None:
        raise UsageError(f"--jobs {jobs} does not go with --scheduler: the cluster has its workers")
    settings = read_settings(settings_file, options)
    left_out: list[LeftOut] = []
    try:
        recordings = find_recordings(inputs, fps=fps, tell=left_out.append)
    finally:
        _show_left_out(left_out, named=not deidentify)
    copies: list[LeftOut] = []
    out = out.absolute()
    check_folder(out, (), force=True)
    request = AnalysisRequest(
        settings, landmarker, str(model.absolute()) if model else None, subject, fps
    )
    reports = BatchReports(wanted=report, force=force)
    with (
        stop_on_signal() as caught,
        Cluster(scheduler)
        if scheduler is not None
        else Pool(min(jobs or _cores(), len(recordings)), len(recordings), out) as backend,
        _batch_progress(reports) as shown,
    ):
        notes = run_batch(
            recordings,
            out,
            request,
            backend,
            shown,
            deidentify=deidentify,
            force=force,
            retry_failed=retry_failed,
            stop=lambda: bool(caught),
            tell=copies.append,
        )
    complete = reports.finish(stopped=bool(caught)) and not any(each.asked for each in left_out)
    _show_left_out(copies, named=not deidentify)
    terminal.show_warnings(notes)
    terminal.out.print(f"{shown.counts()}; {COHORT_FILE} is in {out}", soft_wrap=True)
    if caught:
        terminal.err.print("stopped before the end: run the same command again to go on")
        return 128 + caught[0]
    return 1 if shown.failed or not complete else 0


def _show_left_out(left_out: Sequence[LeftOut], *, named: bool) -> None:
    """Tells what is not analysed, and why, one line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for each in left_out:
        by_reason.setdefault(each.reason, []).append(each.path)
    for reason, paths in by_reason.items():
        shown = paths[:_MOST_NAMED] if named else []
        more = [f"{len(paths) - len(shown)} {'more' if shown else 'of them'}"]
        what = ", ".join([*shown, *(more if len(paths) > len(shown) else [])])
        terminal.err.print(f"left out, {reason}: {what}", soft_wrap=True)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # those that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _BatchProgress:
    """A line for each recording that is worked on, and one for all; on a pipe one when it ends."""

    def __init__(self, bar: Progress, reports: BatchReports) -> None:
        self._bar, self._reports = bar, reports
        self._all: TaskID | None = None
        self._tasks: dict[Job, TaskID] = {}
        self._ended: Counter[str] = Counter()
        self._jobs = 0
        self._size = 0

    @property
    def failed(self) -> bool:
        """Whether a recording failed, now or before."""
        return bool(self._ended["failed"])

    def counts(self) -> str:
        """How many recordings ended in which way."""
        parts = (f"{self._ended[status]} {status}" for status in ("done", "skipped", "failed"))
        return f"{', '.join(parts)} of {self._jobs}"

    def planned(self, jobs: Sequence[Job]) -> None:
        """See `hfs_vision.batch.ProgressListener`; so are the others."""
        self._jobs = len(jobs)
        total = sum(map(_weight, jobs))
        self._all = self._bar.add_task("all", total=total, note=self.counts())

    def running(self, jobs: Mapping[Job, tuple[int, int | None]]) -> None:
        begun = 0.0
        for job, (frames, total) in jobs.items():
            if job not in self._tasks:
                self._tasks[job] = self._bar.add_task(job.name, total=None, note="")
            total = max(total, frames) if total else None
            task = self._tasks[job]
            self._bar.update(task, completed=frames, total=total, note=self._note(task, total))
            begun += _weight(job) * (frames / total if total else 0)
        if self._all is not None:
            self._bar.update(self._all, completed=self._size + begun)

    def ended(self, job: Job, outcome: Outcome) -> None:
        self._ended[outcome.status] += 1
        self._reports.after(result_folder(job.out, job.name), outcome.status)
        self._size += _weight(job)
        if job in self._tasks:
            self._bar.remove_task(self._tasks.pop(job))
        if self._all is not None:
            self._bar.update(self._all, completed=self._size, note=self.counts())
        terminal.show_set_aside(outcome.set_aside, job.name)
        if outcome.status == "failed":
            earlier = " (before; --retry-failed tries again)" if outcome.again else ""
            message = f"failed {job.name}: {outcome.reason}{earlier}"
            terminal.err.print(Text(message, style="yellow"), soft_wrap=True)
        elif not terminal.err.is_terminal:
            length = f"{outcome.duration_s / 60:.1f} min"
            events = f"{outcome.events} event{'' if outcome.events == 1 else 's'}"
            terminal.err.print(f"{outcome.status} {job.name} {events} {length}", soft_wrap=True)

    def _note(self, task: TaskID, total: int | None) -> str:
        """Frames done and their rate, as the bar measures it."""
        shown = next(each for each in self._bar.tasks if each.id == task)
        of = f"/{total}" if total else ""
        rate = f"  {shown.speed:.0f} frames/s" if shown.speed else ""
        return f"{shown.completed:.0f}{of}{rate}"


def _weight(job: Job) -> int:
    """Share of the work; of what a URL leads to the size is not known."""
    return max(job.size, 1)


@contextmanager
def _batch_progress(reports: BatchReports) -> Iterator[_BatchProgress]:
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
        console=terminal.err,
        disable=not terminal.err.is_terminal,
        speed_estimate_period=_ESTIMATE_FROM_S,
    )
    with bar:
        yield _BatchProgress(bar, reports)
