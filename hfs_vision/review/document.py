"""The corrections of one recording: change, add, take back; each saved at once."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

from hfs_vision.core.summary import Count, count_events
from hfs_vision.errors import HfsVisionError, OutputError, UsageError
from hfs_vision.results import (
    COUNTS_FILE,
    EVENTS_FILE,
    MARKS_FILE,
    REVIEWED_FILE,
    SEGMENTS_FILE,
    SIGNALS_FILE,
    SUMMARY_FILE,
    TWITCHES_FILE,
    EventRecord,
    ResultFolder,
    counted_events,
    read_reviewed,
    reviewed_line,
    write_reviewed,
)
from hfs_vision.review import edit_log, fields
from hfs_vision.review.edit_log import Entry, FieldChange, Log
from hfs_vision.review.remeasure import BLANK, Evidence, same_movement
from hfs_vision.review.review_file import ReviewFile
from hfs_vision.review.rules import Rules, misfits
from hfs_vision.schema import Event, StrPath

_MACHINE_FILES = (
    EVENTS_FILE,
    TWITCHES_FILE,
    COUNTS_FILE,
    SIGNALS_FILE,
    SUMMARY_FILE,
    MARKS_FILE,
    SEGMENTS_FILE,
)


class Review:
    """A review of a result folder; open it with `Review.open`, use it from any thread.

    Every change is saved before the call returns. Where that fails it stays in memory, ``unsaved``
    says why, and the next change or `save` tries again.

    Attributes:
        reviewer: Who makes the changes.
        revision: Grows whenever a row changes.
        unsaved: Why the last save failed; empty if it did not.
        warnings: What does not fit between the file and the machine's events, in sentences.
        rescued: Where `close` put corrections that could not be saved in their place.
    """

    def __init__(self, folder: ResultFolder, store: ReviewFile, reviewer: str) -> None:
        self.reviewer = reviewer
        self.revision = 0
        self.unsaved = ""
        self.warnings: tuple[str, ...] = ()
        self.rescued: Path | None = None
        self._folder, self._store = folder, store
        self._guard = threading.RLock()
        self._evidence = Evidence(folder)
        self._rules = Rules(folder, self._evidence)
        self._rows: dict[int, EventRecord] = {}
        self._logs: dict[int, Log] = {}
        self._lines: dict[int, tuple[EventRecord, str]] = {}
        self._sorted: tuple[EventRecord, ...] | None = None
        self._load()

    @classmethod
    def open(cls, folder: ResultFolder, *, file: StrPath | None = None, reviewer: str) -> Review:
        """Opens a review, or begins one with the machine's events.

        Nothing is written before the first change.

        Args:
            folder: The result.
            file: Where the corrections are; `REVIEWED_FILE` in the folder if ``None``.
            reviewer: Name or initials, which go into the file.

        Raises:
            UsageError: If the file is open elsewhere or is one of the machine's, or without a name.
            TableError: If it is no table of events.
            OutputError: If its folder cannot be written.
        """
        path = folder.path / REVIEWED_FILE if file is None else Path(file)
        name = fields.clean_name(reviewer)
        _spare_the_machines(folder, path)
        store = ReviewFile(path)
        try:
            return cls(folder, store, name)
        except BaseException:
            store.close()
            raise

    def __enter__(self) -> Review:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets others open the file. What is still not saved is tried once more.

        If that fails too, for instance because somebody else has changed the file, the corrections
        go into a file beside it; see ``rescued``.
        """
        with self._guard:
            if self.unsaved:
                self.save()
            if self.unsaved:
                self._rescue()
            self._store.close()

    @property
    def file(self) -> Path:
        """Where the corrections are saved."""
        return self._store.path

    @property
    def rows(self) -> tuple[EventRecord, ...]:
        """All events, rejected ones too, in order of onset."""
        with self._guard:
            if self._sorted is None:
                self._sorted = tuple(sorted(self._rows.values(), key=_order))
            return self._sorted

    @property
    def events(self) -> list[Event]:
        """The events that stand, in order of onset."""
        return counted_events(self.rows)

    def counts(self) -> tuple[Count, ...]:
        """Counts of the events that stand, over the recording's valid time."""
        return count_events(self.events, self._folder.valid_s)

    def progress(self) -> tuple[int, int]:
        """How many events were looked at, and how many there are."""
        rows = self.rows
        return sum(bool(row.verdict) for row in rows), len(rows)

    def change(self, number: int, **wanted: object) -> EventRecord:
        """Changes one event, and says that it was accepted if nothing was said of it yet.

        What was measured is read anew off the signals where times, side or region change. The
        component follows the duration where it did before and was not set by itself.

        Args:
            number: Of the event.
            wanted: ``verdict``, ``side``, ``region``, ``component``, ``kind`` (for the two before
                it), ``onset_s``, ``offset_s`` or ``comment``. An event that the machine has not
                found is never ``accepted`` but ``added``.

        Raises:
            UsageError: If there is no such event, a value is none, or the event would leave the
                recording or overlap another one of its side.
        """
        with self._guard:
            row = self._row(number)
            changed = fields.with_texts(
                row, self._rules.completed(row, self._logs[number].entries, wanted)
            )
            before, after = fields.texts(row), fields.texts(changed)
            changes = tuple(
                FieldChange(name, before[name], after[name])
                for name in fields.FIELDS
                if before[name] != after[name]
            )
            if not changes:
                return row
            if not same_movement(row.event, changed.event) or row.rejected != changed.rejected:
                self._rules.check(changed, self.rows)
            return self._take(self._described(row, changed), changes)

    def add(
        self,
        *,
        onset_s: float,
        offset_s: float,
        side: str,
        region: str,
        component: str | None = None,
        comment: str = "",
    ) -> EventRecord:
        """Adds an event that the program has missed, with a number above all others.

        Args:
            onset_s: Seconds on the recording's clock.
            offset_s: The same.
            side: ``left`` or ``right``, the subject's own.
            region: ``eye``, ``mouth`` or ``eye+mouth``.
            component: ``clonic`` or ``tonic``; by the duration if ``None``.
            comment: Free text.

        Raises:
            UsageError: As for `change`.
        """
        with self._guard:
            number = max((*self._rows, *self._evidence.events), default=0) + 1
            blank = EventRecord(number, BLANK, "added")
            given = {"onset_s": onset_s, "offset_s": offset_s, "side": side, "region": region}
            row = fields.with_texts(blank, {**given, "comment": comment})
            component = component or self._rules.component_of(row.event)
            row = fields.with_texts(row, {"component": component})
            self._rules.check(row, self.rows)
            return self._take(self._described(blank, row), ())

    def undo(self) -> EventRecord | None:
        """Takes back the last change that stands in the file, whoever made it and whenever.

        Its entry stays in the history and says so. An added event disappears.

        Returns:
            The event as it is now (as it was, if it disappeared); ``None`` if there is nothing to
            take back.

        Raises:
            UsageError: If the history was edited by hand to something that no event can be.
        """
        with self._guard:
            last = [
                (entry.number, entry.utc, number)
                for number, log in self._logs.items()
                for entry in log.entries
                if not entry.undone
            ]
            if not last:
                return None
            *_, number = max(last)
            row, log = self._rows[number], self._logs[number]
            entry = log.standing[-1]
            if entry.added:
                del self._rows[number], self._logs[number]
                self._changed()
                return row
            texts = {change.field: change.before for change in entry.changes}
            before = fields.with_texts(row, texts, again=True)
            log = log.without_last(_now(), self.reviewer)
            left = log.standing
            said = (left[-1].reviewer, left[-1].utc) if left else ("", "")
            before = replace(before, reviewer=said[0], reviewed_utc=said[1])
            return self._put(self._described(row, before), log)

    def save(self) -> None:
        """Tries to save; ``unsaved`` is empty afterwards, or says why it failed."""
        with self._guard:
            try:
                self._store.write(self._text())
                self.unsaved = ""
            except OutputError as error:
                self.unsaved = str(error)

    def save_as(self, path: StrPath) -> None:
        """Saves into another file and goes on there; the file so far is let go as it is.

        Raises:
            UsageError: If the other file exists, is open elsewhere, or is one of the machine's.
            OutputError: If it cannot be written.
        """
        path = Path(path)
        with self._guard:
            _spare_the_machines(self._folder, path)
            store = ReviewFile(path)
            try:
                if path.exists():
                    raise UsageError(f"{path} is already there: choose another name")
                store.write(self._text())
            except BaseException:
                store.close()
                raise
            self._store.close()
            self._store, self.unsaved = store, ""

    def reload(self) -> None:
        """Takes what the file holds now; corrections that are not in it are given up.

        Raises:
            UsageError: If there is no file.
            TableError: If it is no table of events; the corrections stay as they are.
        """
        with self._guard:
            if not self.file.exists():
                raise UsageError(f"{self.file} is gone: save to write it again")
            self._load()
            self.revision += 1

    def _load(self) -> None:
        mark = self._store.mark()
        if self.file.exists():
            rows = read_reviewed(self.file, self._folder.recorded)
        else:
            rows = [EventRecord(n, event) for n, event in self._evidence.events.items()]
        self._store.know(mark)
        found = {row.number: self._with_twitches(row) for row in rows}
        self._rows = found
        self._logs = {number: edit_log.parse(row.history) for number, row in found.items()}
        self.unsaved, self._sorted = "", None
        self.warnings = tuple(misfits(self.file.name, found, self._logs, self._evidence.events))

    def _with_twitches(self, row: EventRecord) -> EventRecord:
        twitches = self._evidence.twitches(row.number, row.event)
        return replace(row, event=replace(row.event, twitches=twitches))

    def _row(self, number: int) -> EventRecord:
        if number not in self._rows:
            raise UsageError(f"there is no event {number!r}: it may have been taken back")
        return self._rows[number]

    def _described(self, before: EventRecord, after: EventRecord) -> EventRecord:
        if same_movement(before.event, after.event):
            return after
        return replace(after, event=self._evidence.describe(after.number, after.event))

    def _take(self, row: EventRecord, changes: tuple[FieldChange, ...]) -> EventRecord:
        log, now = self._logs.get(row.number, Log()), _now()
        numbers = (entry.number for other in self._logs.values() for entry in other.entries)
        entry = Entry(max(numbers, default=0) + 1, now, self.reviewer, changes)
        row = replace(row, reviewer=self.reviewer, reviewed_utc=now)
        return self._put(row, replace(log, entries=(*log.entries, entry)))

    def _put(self, row: EventRecord, log: Log) -> EventRecord:
        row = replace(row, history=edit_log.write(log))
        self._rows[row.number], self._logs[row.number] = row, edit_log.parse(row.history)
        self._changed()
        return row

    def _changed(self) -> None:
        self._sorted = None
        self.revision += 1
        self.save()

    def _text(self) -> str:
        handle = io.StringIO()
        write_reviewed(handle, ())
        for row in self.rows:
            known = self._lines.get(row.number)
            if known is None or known[0] is not row:
                known = self._lines[row.number] = (row, reviewed_line(row))
            handle.write(known[1])
        return handle.getvalue()

    def _rescue(self) -> None:
        for attempt in range(1, 100):
            path = self.file.with_name(f"{self.file.stem}.rescued-{attempt}.csv")
            try:
                if not path.exists():
                    self.save_as(path)
                    self.rescued = path
                    return
            except HfsVisionError as error:
                self.unsaved = str(error)
                return


def _order(row: EventRecord) -> tuple[float, str, int]:
    return row.event.onset_s, row.event.side, row.number


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _spare_the_machines(folder: ResultFolder, path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file for the corrections")
    if path.resolve() in {(folder.path / name).resolve() for name in _MACHINE_FILES}:
        raise UsageError(
            f"{path} is what the program wrote and stays as it is: name another file for the "
            "corrections"
        )
