"""Tables for BORIS: its aggregated events, and the lines that its *Paste events* takes.

BORIS exports the first but reads it nowhere; what comes into an observation is pasted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from hfs_vision.exports.content import Content
from hfs_vision.exports.export_format import ExportJob, text_format
from hfs_vision.exports.staging import tsv
from hfs_vision.results import format_cell

COLUMNS = (
    "Observation id",
    "Observation date",
    "Description",
    "Observation type",
    "Source",
    "Time offset (s)",
    "Coding duration",
    "Media duration (s)",
    "FPS (frame/s)",
    "Subject",
    "Observation duration by subject by observation",
    "Behavior",
    "Behavioral category",
    "Modifier #1",
    "Behavior type",
    "Start (s)",
    "Stop (s)",
    "Duration (s)",
    "Media file name",
    "Image index start",
    "Image index stop",
    "Image file path start",
    "Image file path stop",
    "Comment start",
    "Comment stop",
)
NO_SUBJECT = "No focal subject"
"""What BORIS calls a behaviour of nobody in particular."""

MOVEMENT, SEGMENT, NOT_MEASURED = "one-sided movement", "segment", "not measured"
"""Behavioural categories."""

Row = tuple[float, float, str, str, str, str]
"""Start, stop, behaviour, category, modifier, comment."""


def aggregated(content: Content, *, subject: str = "", media: Path | None = None) -> str:
    """One row for each movement, segment, and time without measurement, all of type STATE.

    Args:
        content: What to write.
        subject: Name of the subject in BORIS.
        media: The recording; its name is written.
    """
    length_s = content.duration_s
    date = f"{content.started_utc:%Y-%m-%d %H:%M:%S}" if content.started_utc else None
    before = (
        content.name,
        date,
        content.clock,
        "Live" if content.started_utc and not media else "Media file",
        f"player #1:{media.name}" if media else None,
        0.0,
        length_s,
        length_s,
        content.fps,
        subject or NO_SUBJECT,
        length_s,
    )
    rows: list[tuple[object, ...]] = [COLUMNS]
    for start_s, stop_s, what, category, modifier, comment in _rows(content):
        times = (start_s, stop_s, stop_s - start_s)
        after = (media.name if media else None, None, None, None, None, comment, None)
        kind = "STATE" if stop_s > start_s else "POINT"
        rows.append((*before, what, category, modifier, kind, *times, *after))
    return tsv(rows, "NA")


def pasted(content: Content, *, subject: str = "") -> str:
    """Lines for an observation of a video; a state begins in one line and ends in another.

    Time, subject, behaviour, modifier, comment, frame. Version 8 of BORIS and later ask for all
    six in each line, and take no line that is empty, not even the last.
    """
    begins: set[tuple[object, ...]] = set()
    ends: list[tuple[int, tuple[str, str]]] = []
    lines: list[tuple[int, int, str]] = []
    for start_s, stop_s, what, _, modifier, comment in _rows(content):
        start_ms, stop_ms = round(1000 * start_s), round(1000 * stop_s)
        begins.add((start_ms, what, modifier))
        lines.append((start_ms, 1, _line(start_ms, subject, what, modifier, comment)))
        if stop_s > start_s:
            ends.append((max(stop_ms, start_ms + 1), (what, modifier)))
    for stop_ms, (what, modifier) in ends:
        # BORIS drops a line that it has already: where the same begins again, end just before.
        at_ms = stop_ms - ((stop_ms, what, modifier) in begins)
        lines.append((at_ms, 0, _line(at_ms, subject, what, modifier, "")))
    # What ends comes before what begins at the same moment.
    return "\n".join(text for *_, text in sorted(lines))


def _line(time_ms: int, subject: str, what: str, modifier: str, comment: str) -> str:
    # BORIS splits at tabs alone: no quotes, and nothing that a spreadsheet takes for a formula.
    texts = map(format_cell, (subject, what, modifier, comment, "NA"))
    return "\t".join((f"{time_ms / 1000:.3f}", *texts))


def _rows(content: Content) -> Iterator[Row]:
    rows: list[Row] = [
        (e.event.onset_s, e.event.offset_s, e.event.kind, MOVEMENT, e.event.side, e.comment)
        for e in content.events
    ]
    for s in content.stretches:
        if s.kind == "not_measured":
            rows.append((s.start_s, s.end_s, "not_measured", NOT_MEASURED, "", ""))
        else:
            rows.append((s.start_s, s.end_s, s.kind, SEGMENT, s.label, ""))
    return iter(sorted((r for r in rows if not math.isnan(r[0])), key=lambda row: row[:2]))


def _texts(content: Content, subject: str, job: ExportJob) -> tuple[str, str]:
    table = aggregated(content, subject=subject, media=job.request.media)
    return table, pasted(content, subject=subject)


FORMAT = text_format(
    "boris", "BORIS", ("_aggregated.tsv", "_paste.tsv"), _texts, ("media", "subject")
)
