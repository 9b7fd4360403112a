"""A result folder as a whole, as those need it who show it, correct it or pass it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hfs_vision.core.frame_times import FrameTimes
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import count_events
from hfs_vision.errors import TableError, UsageError
from hfs_vision.results.atomic import finish_replacing
from hfs_vision.results.columns import (
    EVENT_COLUMNS,
    EVENTS_FILE,
    MARK_COLUMNS,
    MARKS_FILE,
    REVIEWED_FILE,
    SIGNAL_COLUMNS,
    SIGNALS_FILE,
    SUMMARY_FILE,
    TWITCH_COLUMNS,
    TWITCHES_FILE,
)
from hfs_vision.results.data_frames import data_frame
from hfs_vision.results.event_rows import check_peak, read_events
from hfs_vision.results.measured_limits import struck_out
from hfs_vision.results.read_tables import (
    ANY_RECORDING,
    as_measurements,
    as_signals,
    parse_choice,
    parse_number,
    parse_time,
    read_numbers,
    read_rows,
)
from hfs_vision.results.reviewed import EventRecord, counted_events, read_reviewed
from hfs_vision.results.signal_plot import signal_figure
from hfs_vision.results.summary_file import SummaryFile, read_summary
from hfs_vision.results.time_limits import BREAK_S, RecordingSpan
from hfs_vision.schema import REGIONS, Event, FloatArray, StrPath, Twitch

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

LONGEST_STEP_S = Settings().max_gap_s
"""By so much may the last frame outlast its own time, where no summary says how long it lasts."""

_TRIES = 5
"""How often a folder is read that is replaced each time meanwhile."""


@dataclass(frozen=True)
class SessionMark:
    """Something that happened in a live session: a mark of the user, a segment, a lost camera."""

    time_s: float
    kind: str
    label: str


@dataclass(frozen=True)
class ResultFolder:
    """What a result folder holds.

    Attributes:
        path: The folder.
        machine: The events as the program found them, with their twitches, in order of onset.
        reviewed: As a person corrected them, rejected ones too; ``None`` where nobody has.
        measurements, signals: One row per frame; no rows where there is no ``signals.csv``.
        summary: What ``summary.json`` says; nothing where there is none.
        recorded: When the recording begins and ends, by which the other tables are checked.
        marks: What happened in a live session.
        warnings: What is missing here or of another version, in sentences.
    """

    path: Path
    machine: Sequence[EventRecord]
    reviewed: Sequence[EventRecord] | None
    measurements: Measurements
    signals: Signals
    summary: SummaryFile
    recorded: RecordingSpan
    marks: Sequence[SessionMark]
    warnings: Sequence[str]

    @property
    def machine_events(self) -> list[Event]:
        """The events as the program found them, in order of onset."""
        return [record.event for record in self.machine]

    @property
    def records(self) -> Sequence[EventRecord]:
        """The corrected events where there are some, with what was rejected; else the program's."""
        return self.machine if self.reviewed is None else self.reviewed

    @property
    def events(self) -> list[Event]:
        """The events that count: those of `records` that were not rejected."""
        return counted_events(self.records)

    @cached_property
    def frame_times(self) -> FrameTimes:
        """For how long each frame of the signals stands."""
        return self.signals.frame_times(self.summary.settings.max_gap_s)

    @property
    def sha256(self) -> str | None:
        """Which recording this is of, where the summary says it."""
        return self.summary.source.sha256

    @property
    def subject(self) -> tuple[float, float] | None:
        """Whom the user asked to follow, as `hfs_vision.analyze` takes it; ``None`` for
        the largest face, or where the summary does not say it.
        """
        return self.summary.subject

    @property
    def valid_s(self) -> float:
        """Time in which both sides were measured; NaN where the summary does not say it."""
        return self.summary.valid_s

    def to_frame(self, table: str = "events") -> pandas.DataFrame:
        """A table as a pandas data frame, with the columns of its CSV file.

        Args:
            table: ``events`` (those that count), ``twitches``, ``counts`` or ``signals``, which
                has a row for each frame.

        Raises:
            UsageError: If there is no such table, or pandas is missing: it comes with
                ``pip install "hfs-vision[export]"``.
        """
        return data_frame(
            table,
            events=self.events,
            counts=count_events(self.events, self.valid_s),
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
        return signal_figure(
            self.signals, self.events, self.summary.settings.max_gap_s, start_s, end_s
        )


def read_folder(path: StrPath) -> ResultFolder:
    """Reads a result folder. Of its files only ``events.csv`` must be there.

    Files whose replacement was interrupted are put in their places first. What is read is one
    result, also where another one takes its place meanwhile.

    Raises:
        UsageError: If it is no result folder.
        TableError: If a file in it is not as documented.
        OutputError: If a replacement was interrupted and cannot be ended.
    """
    path = Path(path)
    for attempt in range(1, _TRIES + 1):
        finish_replacing(path)
        before = _generation(path)
        try:
            found = _read(path)
        except TableError:  # of tables of two results, which contradict each other
            if attempt == _TRIES or _generation(path) == before:
                raise
            continue
        if _generation(path) == before:
            break
    return found


def _generation(path: Path) -> list[int]:
    """Which files are there: another result has others."""
    names = (EVENTS_FILE, TWITCHES_FILE, SIGNALS_FILE, SUMMARY_FILE)
    return [(path / name).stat().st_ino for name in names if (path / name).exists()]


def _read(path: Path) -> ResultFolder:
    if not (path / EVENTS_FILE).is_file():
        what = f"holds no {EVENTS_FILE}" if path.is_dir() else "is not a folder"
        raise UsageError(
            f"{path} {what}: give the folder that hfs-vision analyze or live has written "
            f"(hfs-vision detect makes it again from a {SIGNALS_FILE})"
        )
    warnings: list[str] = []
    summary = _read_summary(path / SUMMARY_FILE, warnings)
    signals_file, twitches, reviewed, marks = (
        path / name for name in (SIGNALS_FILE, TWITCHES_FILE, REVIEWED_FILE, MARKS_FILE)
    )
    if signals_file.exists():
        columns = read_numbers(signals_file, SIGNAL_COLUMNS)
    else:
        columns = dict.fromkeys(SIGNAL_COLUMNS, np.empty(0))
        warnings.append(f"{SIGNALS_FILE} is missing: no traces can be shown")
    measurements = as_measurements(signals_file, columns)
    signals = as_signals(columns)
    warnings += struck_out(columns["valid"], signals.valid)
    recorded = recording_of(signals_file, measurements.time_s, summary)
    events = read_events(path / EVENTS_FILE, recorded)
    if twitches.exists():
        events = _with_twitches(twitches, events, recorded)
    warnings += _contradictions(summary, len(events))
    numbered = (EventRecord(number, event) for number, event in enumerate(events, start=1))
    machine = sorted(numbered, key=lambda record: (record.event.onset_s, record.event.side))
    return ResultFolder(
        path=path,
        machine=machine,
        reviewed=_read_reviewed(reviewed, recorded, machine) if reviewed.exists() else None,
        measurements=measurements,
        signals=signals,
        summary=summary,
        recorded=recorded,
        marks=read_marks(marks, recorded) if marks.exists() else [],
        warnings=warnings,
    )


def recording_of(path: Path, time_s: FloatArray, summary: SummaryFile) -> RecordingSpan:
    """What is known of a recording by its signals and its summary.

    Args:
        path: The signals' file.
        time_s: Times of its rows, in seconds.
        summary: What lies beside it. Where it says that the recording was not read to its end it
            may be older than the last rows: a session writes it now and then.

    Raises:
        TableError: If a row lies by more than `BREAK_S` beyond what the summary says.
    """
    start_s, end_s = summary.start_s, summary.end_s
    tonic_s = summary.settings.tonic_s
    known = start_s < end_s  # also of numbers that are missing
    if not known and not len(time_s):
        return RecordingSpan(tonic_s=tonic_s)
    if not known:
        return RecordingSpan(float(time_s[0]), float(time_s[-1]) + LONGEST_STEP_S, tonic_s)
    said = RecordingSpan(start_s, end_s, tonic_s)
    if not len(time_s):
        return said
    if not summary.partial:
        beyond = int(np.searchsorted(time_s, end_s + BREAK_S, side="right"))
        for row in {0, beyond} - {len(time_s)}:
            said.check_mark(path, row + 2, "time_s", float(time_s[row]), segment=False)
    first_s, last_s = min(start_s, float(time_s[0])), max(end_s, float(time_s[-1]))
    return RecordingSpan(first_s, last_s, tonic_s)


def read_marks(path: StrPath, recorded: RecordingSpan = ANY_RECORDING) -> list[SessionMark]:
    """What happened in a live session, in the order of the file.

    Raises:
        TableError: If a row is not as documented, or beyond the recording.
    """
    path = Path(path)
    found = []
    for row, cells in read_rows(path, MARK_COLUMNS, grown=MARK_COLUMNS):
        time_s, kind = parse_time(path, row, "time_s", cells["time_s"]), cells["kind"]
        recorded.check_mark(path, row, "time_s", time_s, segment=kind == "segment")
        found.append(SessionMark(time_s, kind, cells["label"]))
    return found


def _read_summary(path: Path, warnings: list[str]) -> SummaryFile:
    summary = read_summary(path)
    if summary is None:
        warnings.append(f"{path.name} is missing: rates and settings are not known")
        return SummaryFile()
    warnings += _other_version(summary)
    return summary


def _other_version(summary: SummaryFile) -> list[str]:
    written_by, here = summary.versions.hfs_vision, version("hfs-vision")
    if written_by == here:
        return []
    return [
        f"this result was written by hfs-vision {written_by or 'of an unknown version'}, not by "
        f"{here}: counts of two versions may differ"
    ]


def _contradictions(summary: SummaryFile, events: int) -> list[str]:
    counted = None if summary.partial else summary.counted
    if counted in (None, events):
        return list(summary.doubts)
    return [
        *summary.doubts,
        f"{SUMMARY_FILE} counts {counted} events and {EVENTS_FILE} holds {events}: one of them was "
        "edited or is of another result; hfs-vision detect makes both again",
    ]


def doubts_of_result(folder: Path) -> list[str]:
    """What of the warnings of a `ResultFolder` concerns who takes but its events and times.

    Raises:
        TableError: If the summary or the table of events is not as documented.
    """
    summary = read_summary(folder / SUMMARY_FILE)
    if summary is None or not (folder / EVENTS_FILE).exists():
        return []
    events = sum(1 for _ in read_rows(folder / EVENTS_FILE, ("onset_s",), grown=EVENT_COLUMNS))
    told = _other_version(summary) if summary.versions.hfs_vision else []
    return [*told, *_contradictions(summary, events)]


def _read_reviewed(
    path: Path, recorded: RecordingSpan, machine: Sequence[EventRecord]
) -> list[EventRecord]:
    """The corrected events; those that kept their times have the twitches of the program's."""
    known = {_span(record.event): record.event.twitches for record in machine}
    return [
        replace(row, event=replace(row.event, twitches=known.get(_span(row.event), ())))
        for row in read_reviewed(path, recorded)
    ]


def _span(event: Event) -> tuple[float, float, str]:
    return event.onset_s, event.offset_s, event.side


def _with_twitches(path: Path, events: Sequence[Event], recorded: RecordingSpan) -> list[Event]:
    found: list[list[Twitch]] = [[] for _ in events]
    for row, cells in read_rows(path, TWITCH_COLUMNS, grown=TWITCH_COLUMNS):
        number = parse_number(path, row, "event", cells["event"])
        if not (number >= 1 and number == int(number)):
            raise TableError(
                f"{path}, row {row}: event is {cells['event']!r}; write a whole number"
            )
        if number > len(events):
            continue  # of an event that a person has taken out of the table, or that is cut off
        onset_s, duration_s, peak_s, score = (
            parse_time(path, row, name, cells[name])
            for name in ("onset_s", "duration_s", "peak_s", "score")
        )
        offset_s = onset_s + duration_s
        recorded.check(path, row, [("onset_s", onset_s), ("its end", offset_s)])
        check_peak(path, row, peak_s, onset_s, offset_s)
        found[int(number) - 1].append(
            Twitch(
                onset_s=onset_s,
                offset_s=offset_s,
                region=parse_choice(path, row, "region", cells["region"], REGIONS),
                peak_s=peak_s,
                score=score,
            )
        )
    return [replace(e, twitches=tuple(twitches)) for e, twitches in zip(events, found, strict=True)]
