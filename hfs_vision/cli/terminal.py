"""What the command line shows: progress, tables, warnings and errors. Results go to standard
output, everything else to standard error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segments
from rich.status import Status
from rich.table import Table
from rich.text import Text

from hfs_vision.cli.visible import VisibleConsole, visible
from hfs_vision.results.formatting import clock
from hfs_vision.schema import KINDS, SIDES, SourceInfo

if TYPE_CHECKING:  # every command prints, and few measure
    from hfs_vision.core.summary import Segment, Summary
    from hfs_vision.live import View

# File names must come out as they are: no [markup], no :emoji:.
out = VisibleConsole(highlight=False, markup=False, emoji=False)
err = VisibleConsole(stderr=True, highlight=False, markup=False, emoji=False)


class _Rate(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.0f} frames/s" if speed else "", style="cyan")


class _Count(ProgressColumn):
    """Frames done, and of how many where that is known."""

    def render(self, task: Task) -> Text:
        if not task.completed:
            return Text(task.fields["waiting"])
        of = "" if task.total is None else f"/{task.total:.0f}"
        return Text(f"{task.completed:.0f}{of}")


class FrameProgress:
    """A bar over the frames of a recording, with the rate and the time left."""

    def __init__(self, bar: Progress, label: str, waiting: str) -> None:
        self._bar = bar
        self._task = bar.add_task(label, total=None, waiting=waiting)

    def expect(self, frames: int) -> None:
        """Says how many frames there are, where no source does."""
        self._bar.update(self._task, total=frames)

    def __call__(self, info: SourceInfo | None, frames: int, time_s: float) -> None:
        """Shows how far the work is; see `hfs_vision.analysis.pipeline.Progress`."""
        total = info.frame_count if info else self._bar.tasks[self._task].total
        if info and not total and info.duration_s and info.nominal_fps:
            total = round(info.duration_s * info.nominal_fps)
        self._bar.update(self._task, completed=frames, total=max(total, frames) if total else None)

    def hide_unless_begun(self) -> None:
        """Leaves no empty bar above an error."""
        if not self._bar.tasks[self._task].completed:
            self._bar.update(self._task, visible=False)


@contextmanager
def frame_progress(
    label: str, waiting: str = "loading the landmark model"
) -> Iterator[FrameProgress]:
    """Shows a progress bar on standard error while frames are worked on.

    Args:
        label: What is worked on.
        waiting: What is done before the first frame.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Count(),
        _Rate(),
        TimeRemainingColumn(),
    )
    # A log file gets no bar: it would be one line at the end, an empty one above an error.
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        progress = FrameProgress(bar, label, waiting)
        try:
            yield progress
        finally:
            progress.hide_unless_begun()


def show_table(table: Table) -> None:
    """Prints a table in which no number is cut, nor a text that must not be wrapped.

    Where the terminal is too narrow for those its lines are longer than it is.
    """
    least = 1
    for column in table.columns:
        texts = [visible(str(text)) for text in (column.header, *column.cells)]
        fixed = column.justify == "right" or column.no_wrap
        if fixed:
            column.min_width = max(cell_len(line) for text in texts for line in text.split("\n"))
        words = max((cell_len(word) for text in texts for word in text.split()), default=1)
        least += _BORDER + (column.min_width or 0 if fixed else min(words, _LONGEST_WORD))
        column.overflow = "fold"
    wide = out.options.update(width=max(out.width, least))
    out.print(Segments(out.render(table, wide)), crop=False, end="")


_BORDER = 3
"""Letters between two columns."""

_LONGEST_WORD = 20
"""Letters of a word that is still not cut in two in a terminal that is too narrow."""


def show_summary(summary: Summary) -> None:
    """Prints events by side and kind, rates, share of time and blinks."""
    table = Table(title="One-sided movements", caption_justify="left")
    table.add_column("kind")
    for side in SIDES:
        table.add_column(f"{side}\ncount", justify="right")
        table.add_column("\nper min", justify="right")
        table.add_column("\n% of time", justify="right")
    by_key = {(count.side, count.kind): count for count in summary.counts}
    for kind in (*KINDS, "all"):
        cells = []
        for side in SIDES:
            count = by_key[side, kind]
            cells += [
                str(count.count),
                _number(count.rate_per_min),
                _number(100 * count.time_share),
            ]
        if kind == "all":
            table.add_section()
        table.add_row(kind, *cells)
    show_table(table)
    out.print(
        f"blinks {summary.blinks} ({_number(summary.blink_rate_per_min)} per min); valid time "
        f"{summary.valid_s:.1f} s of {summary.duration_s:.1f} s ({summary.coverage:.0%}), "
        f"{_number(summary.fps)} frames/s. Sides are the subject's own."
    )


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}"


def show_segments(segments: Sequence[Segment]) -> None:
    """Prints events of each side and their rates for each labelled stretch, if there are any."""
    if not segments:
        return
    table = Table(title="Segments")
    table.add_column("segment")
    table.add_column("valid s", justify="right")
    for side in SIDES:
        table.add_column(side, justify="right")
        table.add_column("per min", justify="right")
    for segment in segments:
        cells = [segment.label, _number(segment.valid_s)]
        for count in segment.counts:
            if count.kind == "all" and count.side in SIDES:
                cells += [str(count.count), _number(count.rate_per_min)]
        table.add_row(*cells)
    show_table(table)


def show_set_aside(name: str | None, recording: str = "") -> None:
    """Says where corrections of an earlier result are now, if there were any.

    Args:
        name: Of the file; ``None`` where there were none.
        recording: Of which one of several.
    """
    if name is not None:
        whose = f"{recording}: " if recording else ""
        show_warnings(
            [f"{whose}the events are not those that were corrected, which are now in {name}"]
        )


def show_speed(speed: dict[str, Any]) -> None:
    """Prints how long an analysis took, and the processor time of a frame by stage."""
    spent = speed["cpu_ms_a_frame"]
    total = sum(spent.values())
    table = Table(title="Processor time")
    table.add_column("stage")
    table.add_column("ms a frame", justify="right")
    table.add_column("%", justify="right")
    for stage, ms in (*spent.items(), ("all", total)):
        table.add_row(stage, f"{ms:.2f}", _number(100 * ms / total if total else math.nan))
    show_table(table)
    out.print(
        f"{speed['wall_s']:.1f} s with {speed['workers']} worker(s), "
        f"{speed['frames_per_s']:.0f} frames/s, the loading of the models included"
    )


class LiveStatus:
    """How a running session stands, in one line on standard error."""

    def __init__(self, status: Status | None) -> None:
        self._status = status
        self._told: tuple[str, ...] = ()

    def show(self, view: View) -> None:
        """Renews the line; where it cannot be renewed, only what has changed is told."""
        state = tuple(view.hints)
        if view.lost:
            state = ("The camera is lost: trying again", *state)
        if self._status is None:
            for hint in state:
                if hint not in self._told:
                    err.print(f"{view.time_s:8.2f} s  {hint}")
            if "The camera is lost: trying again" in self._told and not view.lost:
                err.print(f"{view.time_s:8.2f} s  The camera is back")
            self._told = state
            return
        counts = {c.side: c.count for c in view.counts if c.kind == "all"}
        parts = [
            clock(view.elapsed_s),
            *(f"{side} {counts.get(side, 0)}" for side in SIDES),
            f"{_number(view.fps)} frames/s",
        ]
        if view.dropped:
            parts.append(f"{view.dropped} dropped")
        if view.prompt:
            parts.append(f"{view.prompt} ({view.prompt_left_s:.0f} s)")
        elif view.learning_s > 0:
            parts.append(f"learning your resting face: {view.learning_s:.0f} s")
        parts += [f"{part} moves on the {side}" for side, part in sorted(view.ongoing)]
        self._status.update(Text("  ".join([*parts, *state[:1]])))


@contextmanager
def live_status() -> Iterator[LiveStatus]:
    """Shows how a session stands until the block ends; a log file gets no moving line."""
    if not err.is_terminal:
        yield LiveStatus(None)
        return
    with err.status("starting") as status:
        yield LiveStatus(status)


def show_warnings(warnings: Sequence[str]) -> None:
    """Prints one line for each warning."""
    for warning in warnings:
        err.print(Text(visible(f"warning: {warning}"), style="yellow"), soft_wrap=True)


def show_error(message: str) -> None:
    """Prints an error without a traceback."""
    err.print(Text(visible(f"error: {message}"), style="bold red"), soft_wrap=True)


def sessions_bar() -> Progress:
    """A bar over sessions; a log file gets none."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=not err.is_terminal,
    )
