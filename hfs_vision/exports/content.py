"""What an export holds of one recording, the same for all formats.

Only what this module lets through can be in an exported file. De-identified, that is numbers,
words of fixed vocabularies, and labels that were numbered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.intervals import runs
from hfs_vision.core.signals import Signals
from hfs_vision.errors import TableError
from hfs_vision.results import (
    TWITCHES_FILE,
    ResultFolder,
    ReviewedEvent,
    SessionMark,
    SummaryFile,
    numbered_labels,
    read_folder,
)
from hfs_vision.results.summary_file import settings_told
from hfs_vision.schema import LANDMARKERS, REGIONS, Event, FloatArray, Twitch

OWN_CLOCK = "Times are seconds on the recording's own clock, as in the tables of hfs-vision"
_SAME_S, _LATEST_S = 1e-9, 3600.0
_VERSION = re.compile(r"\d+(\.\d+)*([abc]|rc|\.dev|\.post)?\d*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


@dataclass(frozen=True)
class Exported:
    """An event, and what a person said of it.

    Attributes:
        event: As it stands, with its twitches where they are known.
        segment: Label of the segment in which it begins; empty outside of all.
        verdict: One of `hfs_vision.results.VERDICTS`.
        comment, reviewer, reviewed_utc: Empty where nobody looked at it, or de-identified.
    """

    event: Event
    segment: str = ""
    verdict: str = ""
    comment: str = ""
    reviewer: str = ""
    reviewed_utc: str = ""


@dataclass(frozen=True)
class ExportInterval:
    """A stretch of the recording, ``[start_s, end_s)``, or a moment where the two are equal.

    Attributes:
        kind: ``segment``, ``not_measured`` (no face, or no frames) or ``mark``.
        label: What the segment or the mark is called; may be empty.
    """

    kind: str
    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Content:
    """What is exported of one recording.

    Attributes:
        name: Of the result folder, or ``recording-01`` where de-identified.
        events: In order of onset; rejected ones are left out.
        stretches: Segments, times without measurement and marks, in order of start.
        measurements, signals: One row per frame, or none.
        start_s, end_s, valid_s, fps: As in the summary; NaN where it does not say.
        zero_s: Where players begin to count, on the clock of these times; NaN where unknown.
        moved_s: What was taken off the recording's own clock; NaN where de-identified.
        started_utc: When a live session started; ``None`` where unknown or de-identified.
        reviewed: Whether the events are those that a person corrected.
        facts: Settings, versions and the landmark model: by name, numbers and fixed words.
    """

    name: str
    events: Sequence[Exported]
    stretches: Sequence[ExportInterval]
    measurements: Measurements
    signals: Signals
    start_s: float
    end_s: float
    valid_s: float
    fps: float
    zero_s: float
    moved_s: float
    started_utc: datetime | None
    reviewed: bool
    facts: Mapping[str, Any]

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last; NaN where the summary does not say."""
        return self.end_s - self.start_s

    @property
    def on_player_clock(self) -> Content:
        """The same on the clock that a player of the recording shows."""
        return counted_from(self, self.zero_s)

    @property
    def from_first_frame(self) -> Content:
        """The same with times that count from the first frame."""
        return counted_from(self, self.start_s)

    @property
    def clock(self) -> str:
        """What times count from, in a sentence."""
        if abs(self.start_s) < _SAME_S:
            origin = "the first frame"
        elif abs(self.zero_s) < _SAME_S:
            origin = f"where players begin to count, {self.start_s:.6f} s before the first frame"
        else:
            return OWN_CLOCK
        if not np.isfinite(self.moved_s):
            return f"Times are seconds from {origin}"
        return (
            f"Times are seconds from {origin}; that is at {self.moved_s:.6f} s on the recording's "
            "own clock, on which the tables of hfs-vision are"
        )

    def of_kind(self, kind: str) -> list[ExportInterval]:
        """The stretches of one kind."""
        return [stretch for stretch in self.stretches if stretch.kind == kind]


def read_content(
    path: Path, *, number: int = 1, deidentify: bool = False, machine: bool = False
) -> tuple[Content, Sequence[str]]:
    """Reads a result folder for export; also gives what is missing in it, in sentences.

    De-identified, times count from the first frame: the clock of a folder of images may be that
    of the calendar.

    Args:
        path: The result folder.
        number: Which of the folders it is, from 1: its name where it is de-identified.
        deidentify: Leave out names, dates and free text.
        machine: Take the events as the program found them, though they were corrected.

    Raises:
        UsageError: If it is no result folder.
        TableError: If a file in it is not as documented.
    """
    folder = read_folder(path)
    made = _content(folder, machine=machine)
    if deidentify:
        made = _deidentified(made, f"recording-{number:02d}")
    return made, folder.warnings


def counted_from(content: Content, zero_s: float) -> Content:
    """The same with other times, which count from ``zero_s``; as it is where that is not known."""
    if not np.isfinite(zero_s) or zero_s == 0:
        return content
    events = [replace(e, event=_event_from(e.event, zero_s)) for e in content.events]
    stretches = [
        replace(s, start_s=s.start_s - zero_s, end_s=s.end_s - zero_s) for s in content.stretches
    ]
    return replace(
        content,
        events=events,
        stretches=stretches,
        measurements=replace(content.measurements, time_s=content.measurements.time_s - zero_s),
        signals=replace(content.signals, time_s=content.signals.time_s - zero_s),
        start_s=content.start_s - zero_s,
        end_s=content.end_s - zero_s,
        zero_s=content.zero_s - zero_s,
        moved_s=content.moved_s + zero_s,
    )


def plain(text: str) -> str:
    r"""Text on one line, without control characters or what XML cannot hold.

    >>> plain("a\tb\r\n c ")
    'a b c'
    """
    return " ".join(_CONTROL.sub(" ", text).split())


def _content(folder: ResultFolder, *, machine: bool) -> Content:
    summary = folder.summary
    start_s, end_s = summary.start_s, summary.end_s
    time_s = folder.signals.time_s
    if len(time_s):
        start_s = float(time_s[0])
        end_s = end_s if end_s > time_s[-1] else float(time_s[-1])
    reviewed = None if machine else folder.reviewed
    segments = list(_segments(folder.marks, end_s))
    gaps = _not_measured(folder.signals, end_s, summary.settings.max_gap_s)
    marks = [
        ExportInterval("mark", plain(m.label), m.time_s, m.time_s)
        for m in folder.marks
        if m.kind == "mark"
    ]
    return Content(
        name=plain(folder.path.absolute().name.removesuffix(".results")) or "recording",
        events=_with_segments(list(_events(folder, reviewed)), segments),
        stretches=sorted([*segments, *gaps, *marks], key=lambda s: (s.start_s, -s.end_s)),
        measurements=folder.measurements,
        signals=folder.signals,
        start_s=start_s,
        end_s=end_s,
        valid_s=folder.valid_s,
        fps=summary.fps,
        zero_s=_zero(summary, start_s),
        moved_s=0.0,
        started_utc=summary.live.started_utc if summary.live else None,
        reviewed=reviewed is not None,
        facts=_facts(summary),
    )


def _deidentified(content: Content, name: str) -> Content:
    onsets = [exported.event.onset_s for exported in content.events]
    begin_s = content.start_s if np.isfinite(content.start_s) else min(onsets, default=0.0)
    labels = numbered_labels(s.label for s in content.stretches if s.kind == "segment")
    events = [Exported(e.event, labels[e.segment], e.verdict) for e in content.events]
    stretches = [
        replace(s, label=labels[s.label] if s.kind == "segment" else "") for s in content.stretches
    ]
    bare = replace(content, name=name, events=events, stretches=stretches, started_utc=None)
    return replace(counted_from(bare, begin_s), moved_s=float("nan"))


def _event_from(event: Event, begin_s: float) -> Event:
    def moved(thing: Event | Twitch) -> dict[str, Any]:
        return {name: getattr(thing, name) - begin_s for name in ("onset_s", "offset_s", "peak_s")}

    twitches = tuple(replace(twitch, **moved(twitch)) for twitch in event.twitches)
    return replace(event, **moved(event), twitches=twitches)


def _events(folder: ResultFolder, reviewed: Sequence[ReviewedEvent] | None) -> Iterator[Exported]:
    for event in folder.machine_events:
        wrong = [twitch.region for twitch in event.twitches if twitch.region not in REGIONS]
        if wrong:
            raise TableError(
                f"{folder.path / TWITCHES_FILE}: region is {wrong[0]!r}; write one of "
                f"{', '.join(REGIONS)}"
            )
    if reviewed is None:
        yield from map(Exported, folder.machine_events)
        return
    # The corrected table has no twitches: they are still those of events that kept their times.
    twitches = {(e.onset_s, e.offset_s, e.side): e.twitches for e in folder.machine_events}
    for row in reviewed:
        if row.counts:
            event = row.event
            key = (event.onset_s, event.offset_s, event.side)
            yield Exported(
                replace(event, twitches=event.twitches or twitches.get(key, ())),
                verdict=row.verdict,
                comment=plain(row.comment),
                reviewer=plain(row.reviewer),
                reviewed_utc=plain(row.reviewed_utc),
            )


def _segments(marks: Sequence[SessionMark], end_s: float) -> Iterator[ExportInterval]:
    begun = sorted(
        ((mark.time_s, plain(mark.label)) for mark in marks if mark.kind == "segment"),
        key=lambda segment: segment[0],
    )
    for (start_s, label), (stop_s, _) in pairwise([*begun, (end_s, "")]):
        if stop_s > start_s:
            yield ExportInterval("segment", label, start_s, stop_s)


def _with_segments(
    events: Sequence[Exported], segments: Sequence[ExportInterval]
) -> list[Exported]:
    def label(onset_s: float) -> str:
        found = (s.label for s in segments if s.start_s <= onset_s < s.end_s)
        return next(found, "")

    return [replace(exported, segment=label(exported.event.onset_s)) for exported in events]


def _not_measured(signals: Signals, end_s: float, max_gap_s: float) -> Iterator[ExportInterval]:
    """Times that are no valid time: frames that were not measured, and gaps between frames."""
    time_s = signals.time_s
    if not len(time_s):
        return
    ends_s: FloatArray = np.append(time_s[1:], end_s)
    # A frame stands until the next one, a measured one for no longer than the longest gap.
    holds_s = np.where(signals.valid, np.minimum(ends_s, time_s + max_gap_s), time_s)
    open_rows = holds_s < ends_s
    starts_new = np.append(True, holds_s[1:] > time_s[1:])
    for first, stop in runs(open_rows, starts_new).tolist():
        yield ExportInterval("not_measured", "", float(holds_s[first]), float(ends_s[stop - 1]))


def _zero(summary: SummaryFile, start_s: float) -> float:
    """Where players begin to count; with the first frame where the summary does not say it."""
    zero_s = summary.source.zero_s
    # A session counts frames of its own from when it began, also where it played a file.
    # Sound that begins an hour before the pictures is a clock that went wrong.
    fits = start_s - _LATEST_S <= zero_s <= start_s and summary.live is None
    return zero_s if fits else start_s


def _facts(summary: SummaryFile) -> dict[str, Any]:
    """Only what cannot be a name: a summary may have been edited by hand."""
    found: dict[str, Any] = {"settings": settings_told(summary)}
    used, model = summary.versions, summary.model
    versions = {
        "hfs_vision": used.hfs_vision,
        "python": used.python,
        "mediapipe": model.mediapipe,
    }
    for name, text in versions.items():
        if _VERSION.fullmatch(text):
            found[f"{name}_version"] = text
    if model.landmarker in LANDMARKERS:
        found["landmarker"] = model.landmarker
    return found
