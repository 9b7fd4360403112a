"""What the page says in words and numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np

from hfs_vision.core.settings import Settings
from hfs_vision.core.summary import Count, count_events
from hfs_vision.rates import Rate, rate
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.results import EventRecord, ResultFolder, SessionMark
from hfs_vision.results.formatting import MISSING, clock, number
from hfs_vision.results.summary_file import Source
from hfs_vision.schema import KINDS, SIDES, Event

_LATE_S = 0.5
"""Of the first frame; that of many files is a frame or two late."""

_SHORTEST_GAP = 1 / 1500


@dataclass(frozen=True)
class CountRow:
    """Counts of one kind (or of all) in the table of counts; of both sides, by name.

    Attributes:
        kind: Its name.
        counts: As they stand.
        machine: As the program found them.
        rates: With their intervals.
    """

    kind: str
    counts: dict[str, Count]
    machine: dict[str, Count]
    rates: dict[str, Rate]


@dataclass(frozen=True)
class SegmentRow:
    """A labelled segment of a live session."""

    label: str
    start_s: float
    end_s: float
    valid_s: float
    rates: dict[str, Rate]


@dataclass(frozen=True)
class Spread:
    """Median, quartiles and ends of a property of one side's events."""

    name: str
    side: str
    decimals: int
    values: tuple[float, ...]

    @property
    def quantiles(self) -> list[float]:
        """Least, lower quartile, median, upper quartile, largest; none without a value."""
        if not self.values:
            return []
        return [float(q) for q in np.quantile(self.values, (0.0, 0.25, 0.5, 0.75, 1.0))]


@dataclass(frozen=True)
class ReviewProgress:
    """How far a person has gone through the events.

    Attributes:
        looked_at, found: Of the events that the program found, how many have a verdict.
        rejected, added: Events that are not counted; events that the program had missed.
    """

    looked_at: int
    found: int
    rejected: int
    added: int


@dataclass(frozen=True)
class Overview:
    """A result folder as the page needs it.

    Attributes:
        folder: What was read.
        items: All events, rejected ones too, in order of onset.
        events: Those that count.
        settings: As the result carries them.
        start_s, end_s: Of the recording.
        valid_s: Time in which both sides were measured; NaN if nothing tells.
        missing: Stretches in which nothing was measured.
    """

    folder: ResultFolder
    items: list[EventRecord]
    events: list[Event]
    settings: Settings
    start_s: float
    end_s: float
    valid_s: float
    missing: list[tuple[float, float]]

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last."""
        return self.end_s - self.start_s

    @property
    def review(self) -> ReviewProgress | None:
        """How far a person has gone; ``None`` where nobody has."""
        rows = self.folder.reviewed
        if rows is None:
            return None
        given = [row for row in rows if row.verdict != "added"]
        return ReviewProgress(
            looked_at=sum(bool(row.verdict or row.reviewed_utc) for row in given),
            found=len(self.folder.machine_events),
            rejected=sum(row.verdict == "rejected" for row in rows),
            added=len(rows) - len(given),
        )


def overview(folder: ResultFolder) -> Overview:
    """Reads off a folder what the page needs; whatever is not there is left out."""
    frames, items = folder.frame_times, list(folder.records)
    start_s, end_s = _span(folder, items)
    valid_s = folder.valid_s
    if math.isnan(valid_s) and len(frames.time_s):
        valid_s = float(frames.valid_s.sum())
    return Overview(
        folder=folder,
        items=items,
        events=list(folder.events),
        settings=folder.summary.settings,
        start_s=start_s,
        end_s=end_s,
        valid_s=valid_s,
        missing=frames.gaps((end_s - start_s) * _SHORTEST_GAP),
    )


def count_rows(found: Overview) -> list[CountRow]:
    """One row for each kind, then one for all."""
    standing_counts = _by_key(count_events(found.events, found.valid_s))
    machine = _by_key(count_events(found.folder.machine_events, found.valid_s))
    rows = []
    for kind in (*KINDS, "all"):
        counts = {side: standing_counts[side, kind] for side in SIDES}
        rates = {side: rate(counts[side].count, found.valid_s) for side in SIDES}
        rows.append(CountRow(kind, counts, {side: machine[side, kind] for side in SIDES}, rates))
    return rows


def stretches(found: Overview) -> list[SegmentRow]:
    """The segments of a live session with the events that begin in each."""
    starts = [mark for mark in found.folder.marks if mark.kind == "segment"]
    edges_s = [*(mark.time_s for mark in starts), max([found.end_s, *_times(starts)])]
    return [
        _stretch(found, mark.label, start_s, end_s)
        for mark, start_s, end_s in zip(starts, edges_s[:-1], edges_s[1:], strict=True)
    ]


def spreads(found: Overview) -> list[Spread]:
    """How long and how large the counted events of each side are."""
    rows = []
    for side in SIDES:
        own = [event for event in found.events if event.side == side]
        rows.append(Spread("duration, s", side, 2, _known(event.duration_s for event in own)))
        for region in FACE_REGIONS:
            extents = [e.amplitude(region) for e in own if region.moves_in(e.region)]
            name = region.with_unit(region.plot_title)
            rows.append(Spread(name, side, region.decimals, _known(extents)))
    return sorted(rows, key=lambda row: [r.name for r in rows].index(row.name))


def facts(found: Overview) -> list[tuple[str, str]]:
    """What the recording was, as names and values; no name of a file or a camera."""
    summary = found.folder.summary
    source, live = summary.source, summary.live
    blinks = number(summary.blinks, 0)
    rows = [
        ("session began", _moment(live.started_utc) if live else ""),
        ("length", f"{clock(found.duration_s)} ({number(found.duration_s, 1)} s)"),
        ("valid time (both sides measured)", _valid(found)),
        ("frames", number(summary.frames, 0)),
        ("frames per second (median)", number(summary.fps, 1)),
        ("face (median between outer corners of the eyes)", _unit(summary.face_px, "px")),
        ("blinks (both lids)", f"{blinks} ({number(summary.blink_rate_per_min, 1)} / min)"),
        ("picture", _picture(source)),
        ("source", source.kind),
        ("codec", source.codec),
    ]
    if abs(found.start_s) > _LATE_S:  # a moment here is looked for in a player
        begin = f"begins at {number(found.start_s, 3)} s; players count from 0"
        rows.insert(2, ("clock of these times", begin))
    if live:
        rows.append(("frames dropped", number(live.frames_dropped, 0)))
    return [(name, value) for name, value in rows if value and not value.startswith(MISSING)]


def versions(found: Overview) -> list[tuple[str, str]]:
    """What the result was made with."""
    model, used = found.folder.summary.model, found.folder.summary.versions
    rows = [
        ("hfs_vision", used.hfs_vision),
        ("Python", used.python),
        ("MediaPipe", model.mediapipe),
        ("landmark model", model.landmarker),
        ("its weights (SHA-256)", model.sha256),
        ("patch networks (SHA-256)", model.appearance_sha256),
        ("recording (SHA-256)", found.folder.sha256 or ""),
    ]
    return [(name, value) for name, value in rows if value]


def setting_rows(found: Overview) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each setting; a value that is not the default is told."""
    rows = []
    for f in fields(Settings):
        value = getattr(found.settings, f.name)
        told = "" if value == f.default else f" (default {f.default:g})"
        rows.append((f.name, f"{value:g}{told}", f.metadata["help"]))
    return rows


def _span(folder: ResultFolder, items: Sequence[EventRecord]) -> tuple[float, float]:
    frames = folder.frame_times
    if len(frames.time_s):
        return float(frames.time_s[0]), float(frames.ends_s[-1])
    if folder.summary.end_s > folder.summary.start_s:
        return folder.summary.start_s, folder.summary.end_s
    return 0.0, max((item.event.offset_s for item in items), default=0.0)


def _stretch(found: Overview, label: str, start_s: float, end_s: float) -> SegmentRow:
    valid_s = math.nan
    if len(found.folder.signals):
        valid_s = float(found.folder.frame_times.valid_between((start_s, end_s))[0])
    inside = [event for event in found.events if start_s <= event.onset_s < end_s]
    counts = {side: sum(event.side == side for event in inside) for side in SIDES}
    rates = {side: rate(counts[side], valid_s) for side in SIDES}
    return SegmentRow(label, start_s, end_s, valid_s, rates)


def _by_key(counts: Iterable[Count]) -> dict[tuple[str, str], Count]:
    return {(count.side, count.kind): count for count in counts}


def _times(marks: Sequence[SessionMark]) -> list[float]:
    return [mark.time_s for mark in marks]


def _known(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(value for value in values if math.isfinite(value))


def _moment(started: datetime | None) -> str:
    return f"{started:%Y-%m-%d %H:%M:%S} UTC" if started else ""


def _unit(value: float, unit: str) -> str:
    return f"{number(value, 0)} {unit}"


def _valid(found: Overview) -> str:
    share = found.valid_s / found.duration_s if found.duration_s > 0 else math.nan
    return f"{number(found.valid_s, 1)} s ({number(100 * share, 0)} %)"


def _picture(source: Source) -> str:
    known = source.width is not None and source.height is not None
    return f"{source.width} \N{MULTIPLICATION SIGN} {source.height} pixels" if known else ""
