"""The result of a recording: how it is gathered, what it holds, and how it is written."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from hfs_vision.analysis.event_counter import NO_FRAMES, EventCounter
from hfs_vision.core.detector import DetectorUpdate
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Segment, Summary
from hfs_vision.errors import OutputError, UsageError
from hfs_vision.results import (
    COUNTS_FILE,
    EVENTS_FILE,
    SEGMENTS_FILE,
    SIGNALS_FILE,
    SUMMARY_FILE,
    TWITCHES_FILE,
    finish_replacing,
    write_counts,
    write_events,
    write_json,
    write_result,
    write_segments,
    write_signals,
    write_twitches,
)
from hfs_vision.results.data_frames import data_frame
from hfs_vision.results.signal_plot import signal_figure
from hfs_vision.schema import NOT_A_DEVICE, Blink, Event, ModelIdentity, SourceInfo, StrPath
from hfs_vision.video import DecodeStats, RepeatCounts

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

RESULT_FILES = (EVENTS_FILE, TWITCHES_FILE, COUNTS_FILE, SIGNALS_FILE, SUMMARY_FILE)

Writer = Callable[[TextIO], None]
"""Writes the text of a file."""


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
        self, folder: StrPath, *, force: bool = False, inputs: Sequence[StrPath] = ()
    ) -> str | None:
        """Writes `RESULT_FILES`, and `SEGMENTS_FILE` where there are segments, in one step.

        Args:
            folder: Made if it is missing.
            force: Whether a result that is in the folder may be replaced, and files there that this
                program did not write. What was made of the old result makes way: see
                `hfs_vision.results.retire`.
            inputs: Files that must stay: those that the result was made from.

        Returns:
            The new name of corrections that are of other events; ``None`` where there were none.

        Raises:
            UsageError: If a result is there and ``force`` is not set, or a file must not be
                replaced; nothing was written.
            OutputError: If the folder cannot be written.
        """
        if not force:
            _refuse_a_result(Path(folder))
        return self.replace(folder, force=force, inputs=inputs)

    def replace(
        self,
        folder: StrPath,
        *,
        force: bool = False,
        inputs: Sequence[StrPath] = (),
        beside: Mapping[str, Writer] | None = None,
    ) -> str | None:
        """`save` for a caller who knows that the result that is there may go.

        Args:
            folder: Made if it is missing.
            force: Whether files that this program did not write may be replaced.
            inputs: Files that must stay.
            beside: Writers of files that appear together with these, by name.

        Returns:
            As `save` does.

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
            inputs=[Path(path) for path in inputs],
            remove=() if self.segments else (SEGMENTS_FILE,),
            retiring=True,
        )

    def to_frame(self, table: str = "events") -> pandas.DataFrame:
        """A table as a pandas data frame, with the columns of its CSV file.

        Args:
            table: ``events``, ``twitches``, ``counts`` or ``signals`` (a row per frame).

        Raises:
            UsageError: If there is no such table, or pandas is missing: it comes with
                ``pip install "hfs-vision[export]"``.
        """
        return data_frame(
            table,
            events=self.events,
            counts=self.summary.counts,
            measured=self.measurements,
            signals=self.signals,
        )

    def plot(self, start_s: float | None = None, end_s: float | None = None) -> Figure:
        """Eyelid closure and commissure excursion of both sides, with the events shaded.

        Args:
            start_s: Begin of what is drawn, in seconds; the first frame if ``None``.
            end_s: Its end; the last frame if ``None``.

        Returns:
            A matplotlib figure; ``figure.savefig("signals.png")`` writes it.

        Raises:
            UsageError: If there are no signals, or the end is not after the start.
        """
        return signal_figure(self.signals, self.events, self.settings.max_gap_s, start_s, end_s)

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


def _refuse_a_result(folder: Path) -> None:
    try:
        if folder.is_dir():
            finish_replacing(folder)
        there = next((name for name in RESULT_FILES if os.path.lexists(folder / name)), None)
    except (OSError, ValueError) as error:  # below a closed folder, too long, or with a zero in it
        raise OutputError(f"cannot write results to {folder}: {error}") from error
    if there is not None:
        raise UsageError(
            f"{folder} already holds {there}: choose another folder, or replace the result with "
            "--force (from Python: force=True)"
        )


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


class AnalysisRun(EventCounter):
    """One pass over a recording: counts, and keeps every row for the result.

    Attributes:
        partial: Whether it was stopped before the end.
        cpu_s: Processor time that deciding took.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._settings = settings
        self._measured: list[Measurements] = []
        self._signals: list[Signals] = []
        self.partial = False
        self.cpu_s = 0.0

    def add(self, measured: Measurements) -> DetectorUpdate:
        """Takes the next rows; what has become final."""
        began = time.thread_time()
        self._measured.append(measured)
        found = super().add(measured)
        self.cpu_s += time.thread_time() - began
        return found

    def _keep(self, measured: Measurements, found: DetectorUpdate) -> DetectorUpdate:
        self._signals.append(found.signals)
        return super()._keep(measured, found)

    @property
    def measurements(self) -> Measurements:
        """All rows so far."""
        self._measured = [Measurements.concatenate([NO_FRAMES, *self._measured])]
        return self._measured[0]

    def result(self, source_warnings: list[str], **identity: Any) -> Analysis:
        """The result, once `finish` was called.

        Args:
            source_warnings: As in `Analysis`.
            identity: What else `Analysis` says of where the rows are from.
        """
        summary = self.tally.summary()
        return Analysis(
            events=self.in_order(),
            blinks=sorted(self.blinks, key=lambda blink: blink.onset_s),
            measurements=self.measurements,
            signals=Signals.concatenate(self._signals),
            summary=summary,
            settings=self._settings,
            warnings=[*summary.warnings(), *source_warnings],
            source_warnings=source_warnings,
            partial=self.partial,
            segments=self.tally.segments(),
            **identity,
        )
