"""Reads sessions from result folders and from the table of a batch."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hfs_vision.core.settings import settings_sha256
from hfs_vision.core.summary import count_events
from hfs_vision.diary.dates import started_identity
from hfs_vision.diary.paths import relative
from hfs_vision.diary.records import KEYS, WHOLE, SegmentCounts
from hfs_vision.errors import TableError, UsageError
from hfs_vision.results import (
    COHORT_FILE,
    COUNTS_FILE,
    EVENTS_FILE,
    MARKS_FILE,
    REVIEWED_FILE,
    SEGMENTS_FILE,
    SIGNALS_FILE,
    SUMMARY_FILE,
    TWITCHES_FILE,
    RecordingSpan,
    ResultFolder,
    parse_number,
    read_folder,
    read_rows,
)
from hfs_vision.results.summary_file import Live
from hfs_vision.schema import END_SLACK_S, ROUNDING_S, Event

_TABLES = (
    EVENTS_FILE,
    REVIEWED_FILE,
    TWITCHES_FILE,
    COUNTS_FILE,
    SEGMENTS_FILE,
    MARKS_FILE,
    SIGNALS_FILE,
    SUMMARY_FILE,
)


@dataclass(frozen=True)
class Found:
    """A session as far as a result tells it.

    Attributes:
        identity: By what it is recognised when it comes again.
        started_utc: When it was recorded; ``None`` where the result does not say.
        date: The same in the diary's time zone, as a user wrote it into a table or a camera's own
            clock had it; empty else.
        fields: The other fields of `SessionRecord`.
        warnings: What is to be known of the result by itself, in sentences.
    """

    identity: str
    started_utc: datetime | None
    date: str
    fields: Mapping[str, Any]
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Input:
    """Where a session comes from: a result folder, or a row of a batch's table.

    Attributes:
        name: As it is told to the user.
        folder: The result folder; ``None`` where only the row is there.
        row: Number and cells of the row; ``None`` for a folder by itself.
    """

    name: str
    folder: Path | None
    row: tuple[Path, int, Mapping[str, str]] | None = None

    def read(self, home: Path) -> Found:
        """The session.

        Args:
            home: Folder from which the path of the result is kept.

        Raises:
            UsageError: If it is no result, or one that does not tell its valid time.
            TableError: If a file is not as documented, or the recording was not analysed.
        """
        date = (self.row[2].get("date") or "").strip() if self.row else ""
        if self.folder is not None:
            return _from_folder(read_folder(self.folder), home, date)
        assert self.row is not None
        path, number, cells = self.row
        if not cells["status"].strip():
            raise TableError("it is a row of your own: no batch has analysed it")
        if cells["status"] != "done":
            raise TableError(f"it was not analysed by the batch: {cells.get('reason') or 'failed'}")
        return _from_row(path, number, cells, date)


def find_inputs(path: Path) -> list[Input]:
    """What the user means: a result folder, a batch's folder or its table.

    Raises:
        UsageError: If it is none of them.
        TableError: If the table is not as documented.
    """
    if path.is_dir() and not (path / EVENTS_FILE).is_file() and (path / COHORT_FILE).is_file():
        path = path / COHORT_FILE
    if path.is_dir():
        return [Input(str(path), path)]
    if not path.exists():
        raise UsageError(f"{path} does not exist: give a result folder, or a {COHORT_FILE}")
    return list(_rows(path))


def tables_sha256(folder: Path) -> str | None:
    """Of all tables of a result folder; ``None`` if it is none, or cannot be read."""
    digest = hashlib.sha256()
    try:
        names = [name for name in _TABLES if (folder / name).is_file()]
        for name in names:
            content = (folder / name).read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    except OSError:
        return None
    return digest.hexdigest() if EVENTS_FILE in names else None


def counted(label: str, valid_s: float, events: Sequence[Event]) -> SegmentCounts:
    """Counts of events by side and kind."""
    rows = {(c.side, c.kind): c for c in count_events(events, valid_s)}
    return SegmentCounts(
        label=label,
        valid_s=valid_s,
        counts={key: rows[key].count for key in KEYS},
        time_s={key: rows[key].time_s for key in KEYS},
    )


def counted_by_label(
    segments: Sequence[tuple[str, float, float]], events: Sequence[Event]
) -> list[SegmentCounts]:
    """Counts of each label, in order of its first start.

    Args:
        segments: Label, start and valid time of each stretch, in order of start; those without a
            label are left out.
        events: An event belongs to the stretch in which it begins.
    """
    starts = [start_s for _, start_s, _ in segments]
    inside: dict[str, list[Event]] = {label: [] for label, _, _ in segments}
    valid_s = dict.fromkeys(inside, 0.0)
    for label, _, part_s in segments:
        valid_s[label] += part_s
    for event in events:
        place = bisect_right(starts, event.onset_s) - 1
        if place >= 0:
            inside[segments[place][0]].append(event)
    return [counted(label, valid_s[label], inside[label]) for label in inside if label]


def _from_folder(folder: ResultFolder, home: Path, date: str) -> Found:
    summary, path = folder.summary, folder.path
    if not math.isfinite(folder.valid_s):
        raise UsageError(
            f"{path} does not say for how long both sides were measured: hfs-vision detect "
            f'"{path / SIGNALS_FILE}" --out FOLDER makes its {SUMMARY_FILE} again'
        )
    source, live, model = summary.source, summary.live or Live(), summary.model
    settings = summary.given_settings
    tables = tables_sha256(path)
    local = source.recorded_local
    started = source.recorded_utc
    if started is None and local is not None and local.tzinfo is not None:
        started = local.astimezone(timezone.utc)
    elif started is None and local is not None and not date:
        date = local.isoformat()  # by the camera's clock, which says nothing of its zone
    if source.kind != "file":  # of a file that was played, that is when it was played
        started = started or live.started_utc
    events = folder.events
    segments = _segments(path / SEGMENTS_FILE, folder.recorded)
    identity = folder.sha256
    if identity is None:
        identity = started_identity(started) if started else f"tables {tables}"
    return Found(
        identity=identity,
        started_utc=started,
        date=date,
        fields={
            "sha256": folder.sha256,
            "result": relative(path, home),
            "result_sha256": tables,
            "device": source.kind,
            "protocol": live.protocol,
            "partial": summary.partial,
            "reviewed": folder.reviewed is not None,
            "settings_sha256": settings_sha256(settings) if settings else None,
            "model_sha256": model.sha256 or None,
            "landmarker": model.landmarker,
            "hfs_vision": summary.versions.hfs_vision,
            "fps": summary.fps,
            "face_px": summary.face_px,
            "width": source.width,
            "height": source.height,
            "duration_s": summary.duration_s,
            "warnings": summary.warnings,
            "segments": (
                counted(WHOLE, folder.valid_s, events),
                *counted_by_label(segments, events),
            ),
        },
        warnings=folder.warnings,
    )


def _from_row(path: Path, number: int, cells: Mapping[str, str], date: str) -> Found:
    def value(name: str) -> float:
        return parse_number(path, number, name, cells.get(name) or "")

    def count(side: str, kind: str) -> int:
        found = value(f"{side}_{kind}_count")
        if not (found >= 0 and found == int(found)):
            raise TableError(
                f"{path}, row {number}: {side}_{kind}_count is {found:g}; write a whole number"
            )
        return int(found)

    sha256, valid_s = cells.get("sha256") or None, value("valid_s")
    if sha256 is None or not math.isfinite(valid_s):
        missing = "sha256" if sha256 is None else "valid_s"
        raise TableError(f"{path}, row {number}: {missing} is missing; run hfs-vision batch again")
    duration_s = value("duration_s")
    if not valid_s >= 0 or valid_s > duration_s + ROUNDING_S:
        raise TableError(
            f"{path}, row {number}: valid_s is {valid_s:g}, and the recording lasts "
            f"{duration_s:g} s; run hfs-vision batch again"
        )
    whole = SegmentCounts(
        label=WHOLE,
        valid_s=valid_s,
        counts={key: count(*key) for key in KEYS},
        time_s=dict.fromkeys(KEYS, math.nan),  # the table does not say
    )
    warnings = cells.get("warnings")
    return Found(
        identity=sha256,
        started_utc=None,
        date=date,
        fields={
            "sha256": sha256,
            "settings_sha256": cells.get("settings_sha256") or None,
            "model_sha256": cells.get("model_sha256") or None,
            "hfs_vision": cells.get("hfs_vision") or "",
            "fps": value("fps"),
            "face_px": value("face_px"),
            "duration_s": duration_s,
            "warnings": (warnings,) if warnings else (),
            "segments": (whole,),
        },
    )


def _rows(path: Path) -> Iterator[Input]:
    """The recordings of a batch's table; those that failed there fail here too."""
    for number, cells in read_rows(path, ("name", "result", "sha256", "status", "valid_s")):
        name = f"{path}, {cells['name'] or f'row {number}'}"
        folder = path.parent / cells["result"]
        there = cells["status"] == "done" and cells["result"] and (folder / EVENTS_FILE).is_file()
        yield Input(name, folder if there else None, (path, number, cells))


def _segments(path: Path, recorded: RecordingSpan) -> list[tuple[str, float, float]]:
    """Label, start and valid time of each stretch that a table of segments names."""
    if not path.exists():
        return []
    found: dict[str, tuple[str, float, float]] = {}
    for row, cells in read_rows(path, ("segment", "label", "start_s", "valid_s")):
        start_s, valid_s = (parse_number(path, row, n, cells[n]) for n in ("start_s", "valid_s"))
        if not (math.isfinite(start_s) and math.isfinite(valid_s)):
            raise TableError(f"{path}, row {row}: start_s and valid_s must be numbers")
        recorded.check_mark(path, row, "start_s", start_s, segment=True)
        if not 0 <= valid_s <= recorded.end_s - recorded.start_s + END_SLACK_S:
            raise TableError(
                f"{path}, row {row}: valid_s is {valid_s:g} s; it must be 0 or more, and no longer "
                f"than the recording, which runs from {recorded.start_s:g} to {recorded.end_s:g} s"
            )
        found[cells["segment"]] = cells["label"], start_s, valid_s
    return sorted(found.values(), key=lambda segment: segment[1])
