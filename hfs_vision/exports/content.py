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
from hfs_vision.core.signals import Signals
from hfs_vision.results import (
    EventRecord,
    ResultFolder,
    SessionMark,
    SummaryFile,
    numbered_labels,
    read_folder,
)
from hfs_vision.results.summary_file import settings_told
from hfs_vision.schema import LANDMARKERS, Event, StrPath, Twitch

OWN_CLOCK = "Times are seconds on the recording's own clock, as in the tables of hfs-vision"
_SAME_S, _LATEST_S = 1e-9, 3600.0
_VERSION = re.compile(r"\d+(\.\d+)*([abc]|rc|\.dev|\.post)?\d*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


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
    events: Sequence[EventRecord]
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

    def segment_at(self, time_s: float) -> str:
        """Label of the segment of this time; empty outside of all."""
        return next((s.label for s in self.of_kind("segment") if s.start_s <= time_s < s.end_s), "")

    def of_kind(self, kind: str) -> list[ExportInterval]:
        """The stretches of one kind."""
        return [stretch for stretch in self.stretches if stretch.kind == kind]


def read_content(
    path: StrPath, *, number: int = 1, deidentify: bool = False, machine: bool = False
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
    path = Path(path)
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
    segments = list(_segments(folder.marks, end_s))
    gaps = [ExportInterval("not_measured", "", *gap) for gap in folder.frame_times.gaps()]
    marks = [
        ExportInterval("mark", plain(m.label), m.time_s, m.time_s)
        for m in folder.marks
        if m.kind == "mark"
    ]
    return Content(
        name=plain(folder.path.absolute().name.removesuffix(".results")) or "recording",
        events=list(_events(folder, machine=machine)),
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
        reviewed=not machine and folder.reviewed is not None,
        facts=_facts(summary),
    )


def _deidentified(content: Content, name: str) -> Content:
    onsets = [record.event.onset_s for record in content.events]
    begin_s = content.start_s if np.isfinite(content.start_s) else min(onsets, default=0.0)
    labels = numbered_labels(s.label for s in content.stretches if s.kind == "segment")
    events = [EventRecord(e.number, e.event, e.verdict) for e in content.events]
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


def _events(folder: ResultFolder, *, machine: bool) -> Iterator[EventRecord]:
    for record in folder.machine if machine else folder.records:
        if not record.rejected:
            texts = (record.comment, record.reviewer, record.reviewed_utc)
            comment, reviewer, reviewed_utc = map(plain, texts)
            yield replace(
                record, comment=comment, reviewer=reviewer, reviewed_utc=reviewed_utc, history=""
            )


def _segments(marks: Sequence[SessionMark], end_s: float) -> Iterator[ExportInterval]:
    begun = sorted(
        ((mark.time_s, plain(mark.label)) for mark in marks if mark.kind == "segment"),
        key=lambda segment: segment[0],
    )
    for (start_s, label), (stop_s, _) in pairwise([*begun, (end_s, "")]):
        if stop_s > start_s:
            yield ExportInterval("segment", label, start_s, stop_s)


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
