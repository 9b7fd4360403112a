"""What the page of a review shows and changes: the result, its corrections, its recording."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from hfs_vision.errors import OutputError
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.results import REVIEWED_FILE, EventRecord, ResultFolder
from hfs_vision.results.summary_file import settings_told
from hfs_vision.review import Review
from hfs_vision.schema import COMPONENTS, KINDS, REGIONS, SIDES, Event
from hfs_vision.video import find_recording
from hfs_vision.web.reporting import Reporter
from hfs_vision.web.traces import COLUMNS
from hfs_vision.web.video import Player

_EVENT_FIELDS = [f.name for f in fields(Event) if f.name != "twitches"]
_LONGEST_NAME = 40

Answer = dict[str, Any]


class ReviewSession:
    """One review that is open. All methods may be called by several threads at once."""

    def __init__(
        self,
        folder: ResultFolder,
        *,
        video: Path | None,
        file: Path | None,
        reviewer: str,
        report: bool = True,
    ) -> None:
        """Opens the file of corrections and the recording.

        Args:
            folder: The result.
            video: The recording, where the user names it.
            file: Corrections, if not those of the folder.
            reviewer: Whose changes they are.
            report: Keep the folder's report up with them.

        Raises:
            UsageError: Somebody else has the file open, or the video does not exist.
            TableError: The file is not as documented.
        """
        self.folder = folder
        found = find_recording(folder.path, folder.sha256, video)
        self._lock = threading.Lock()
        self.review = Review.open(folder, file=file, reviewer=reviewer)
        told = (*folder.warnings, found.warning, *self.review.warnings)
        self.warnings = [warning for warning in told if warning]
        self.player = Player(found.path, fps=_image_rate(folder), missing=found.warning)
        own = self.review.file.resolve() == (folder.path / REVIEWED_FILE).resolve()
        self.reporter = Reporter(folder.path) if own and report else None

    def __enter__(self) -> ReviewSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.player.close()
        self.review.close()
        if self.reporter is not None:
            self.reporter.close()

    def facts(self) -> Answer:
        """All that the page needs to begin."""
        signals, summary = self.folder.signals, self.folder.summary
        start_s, end_s = self._span_s()
        with self._lock:
            return {
                "name": self.folder.path.resolve().name,
                "file": self.review.file.name,
                "reviewer": self.review.reviewer,
                "start_s": start_s,
                "end_s": end_s,
                "fps": plain(summary.fps),
                "valid_s": plain(summary.valid_s),
                "coverage": plain(summary.coverage),
                "blinks": summary.blinks,
                "partial": summary.partial,
                "frames": len(signals),
                "settings": settings_told(summary),
                "warnings": [*self.warnings, *summary.warnings],
                "gaps": self.folder.frame_times.gaps(),
                "marks": [asdict(mark) for mark in self.folder.marks],
                "sides": SIDES,
                "regions": REGIONS,
                "face": [asdict(region) for region in FACE_REGIONS],
                "columns": COLUMNS,
                "components": COMPONENTS,
                "kinds": KINDS,
                "report": self.reporter is not None,
                **self._state([row_values(row) for row in self.review.rows], [], whole=True),
                **self.showing(),
            }

    def showing(self) -> Answer:
        """How far the video can be shown."""
        return {"video": asdict(self.player.video)}

    def since(self, revision: int) -> Answer:
        """What has changed: nothing, or all rows."""
        with self._lock:
            whole = revision != self.review.revision
            rows = [row_values(row) for row in self.review.rows] if whole else []
            return {**self._state(rows, [], whole=whole), **self.showing()}

    def apply(self, revision: int, act: Callable[[Review], EventRecord | None]) -> Answer:
        """Does something to the review and tells what is different now.

        Args:
            revision: What the page has seen; where it has missed something it is sent all rows.
            act: Gives the event that is concerned, if one is.
        """
        with self._lock:
            seen = revision == self.review.revision
            before = {row.number: row for row in self.review.rows}
            touched = act(self.review)
            rows = self.review.rows
            here = {row.number for row in rows}
            changed = [row for row in rows if not seen or before.get(row.number) is not row]
            removed = [] if not seen else [number for number in before if number not in here]
            answer = self._state([row_values(row) for row in changed], removed, whole=not seen)
            answer["touched"] = touched.number if touched is not None else None
        if self.reporter is not None and (changed or removed):
            self.reporter.note_change()
        return answer

    def keep_apart(self) -> Path:
        """Saves the corrections to a new file beside the one so far and goes on with that.

        The report is that of the other file from then on, and is left alone.

        Raises:
            OutputError: There is no room for it, or it cannot be written.
        """
        who = re.sub(r"[^\w-]+", "-", self.review.reviewer).strip("-")[:_LONGEST_NAME] or "mine"
        with self._lock:
            for number in range(1, 1000):
                name = f"events.{who}{'' if number == 1 else f'-{number}'}.csv"
                path = self.review.file.with_name(name)
                if not path.exists():
                    self.review.save_as(path)
                    break
            else:
                raise OutputError(f"{path.parent} holds too many files: move some elsewhere")
        if self.reporter is not None:
            self.reporter.close()
            self.reporter = None
        return path

    def _state(self, rows: Sequence[Answer], removed: Sequence[int], *, whole: bool) -> Answer:
        looked_at, of = self.review.progress()
        return {
            "revision": self.review.revision,
            "whole": whole,
            "rows": rows,
            "removed": removed,
            "counts": [
                {name: plain(value) for name, value in asdict(count).items()}
                for count in self.review.counts()
            ],
            "looked_at": looked_at,
            "all": of,
            "unsaved": self.review.unsaved,
        }

    def _span_s(self) -> tuple[float, float]:
        """First and last time that there is anything to show of."""
        summary, time_s = self.folder.summary, self.folder.signals.time_s
        known = [value for value in (summary.start_s, summary.end_s) if math.isfinite(value)]
        known += [float(time_s[0]), float(time_s[-1])] if len(time_s) else []
        known += [at for row in self.review.rows for at in (row.event.onset_s, row.event.offset_s)]
        if not known:
            return 0.0, 1.0
        return min(known), max(max(known), min(known) + 0.1)


def row_values(row: EventRecord) -> Answer:
    """A row as the page takes it; null for what is missing."""
    event = row.event
    values: Answer = {name: plain(getattr(event, name)) for name in _EVENT_FIELDS}
    return {
        **values,
        "number": row.number,
        "kind": event.kind,
        "verdict": row.verdict,
        "comment": row.comment,
        "reviewer": row.reviewer,
        "reviewed_utc": row.reviewed_utc,
        "history": row.history,
    }


def plain(value: object) -> object:
    """The value, or ``None`` for a number that JSON does not know."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _image_rate(folder: ResultFolder) -> float | None:
    source = folder.summary.source
    known = source.kind == "images" and math.isfinite(source.nominal_fps)
    return source.nominal_fps if known else None
