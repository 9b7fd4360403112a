"""What a batch keeps of each recording, and the table of all of them."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from hfs_vision.analysis.result import RESULT_FILES, Analysis
from hfs_vision.batch.names import folder_lock, read_names
from hfs_vision.batch.user_columns import Entered, merged, read_entered
from hfs_vision.errors import OutputError, TableError, UsageError
from hfs_vision.results import (
    COHORT_FILE,
    EVENTS_FILE,
    SEGMENTS_FILE,
    format_cell,
    read_json,
    write_events,
    write_json,
    write_result,
)
from hfs_vision.results.superseded import free_name
from hfs_vision.schema import KINDS, SIDES
from hfs_vision.video import digest

RECORD_FILE = "batch.json"

_GROUPS = (
    *((side, kind) for side in SIDES for kind in (*KINDS, "all")),
    ("all", "all"),
)
COHORT_COLUMNS = (
    "name",
    "result",
    "sha256",
    "status",
    "reason",
    "duration_s",
    "valid_s",
    "coverage",
    "frames",
    "fps",
    "face_px",
    *(f"{side}_{kind}_{what}" for side, kind in _GROUPS for what in ("count", "rate_per_min")),
    "blinks",
    "warnings",
    "settings_sha256",
    "model_sha256",
    "hfs_vision",
)

_COUNTS = (
    "duration_s",
    "valid_s",
    "coverage",
    "frames",
    "blinks",
    *(f"{side}_{kind}_count" for side, kind in _GROUPS),
)

_REST = 10
"""After the table was written, so many times as long as that took pass before the next time."""


def result_folder(out: Path, name: str) -> Path:
    """Where the result of a recording is."""
    return out / f"{name}.results"


def measured(result: Analysis) -> dict[str, Any]:
    """The columns from ``duration_s`` to ``warnings``."""
    summary = result.summary
    values = {
        name: getattr(summary, name)
        for name in ("duration_s", "valid_s", "coverage", "frames", "fps", "face_px", "blinks")
    }
    for count in summary.counts:
        values[f"{count.side}_{count.kind}_count"] = count.count
        values[f"{count.side}_{count.kind}_rate_per_min"] = count.rate_per_min
    return {**values, "warnings": "; ".join(result.warnings)}


def read_record(folder: Path) -> dict[str, Any] | None:
    """What is kept of a finished recording; ``None`` if it is not finished or not whole."""
    try:
        record = read_json(folder / RECORD_FILE)
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and _is_whole(record) else None


def _is_whole(record: dict[str, Any]) -> bool:
    """Whether it is a record as `write_record` leaves it: anybody can have edited the file."""
    texts = ["identity", "name", "result", "sha256"]
    if record.get("status") == "failed":
        texts.append("reason")
    elif record.get("status") != "done":
        return False
    numbers = _COUNTS if record["status"] == "done" else ()
    return (
        all(isinstance(record.get(name), str) for name in texts)
        and all(isinstance(record.get(name), (int, float)) for name in numbers)
        and isinstance(record.get("bytes"), int | None)
        and all(isinstance(record.get(n), str | int | float | None) for n in COHORT_COLUMNS)
    )


def write_record(
    folder: Path,
    record: Mapping[str, Any],
    result: Analysis | None,
    *,
    force: bool = False,
    inputs: Sequence[Path] = (),
) -> str | None:
    """Replaces what a folder holds in one step, so that the record never speaks of another result
    than the one that lies beside it. A table of events that somebody edited is given another name.

    Args:
        folder: Of the result; made if it is missing.
        record: What is kept of the recording.
        result: ``None`` where it failed; an earlier result then goes.
        force: Whether files that this program did not write may be replaced.
        inputs: The recording, where it is a file here; it stays in any case.

    Returns:
        The new names of that table, and of corrections that are of other events, as
        `Analysis.replace` gives it; ``None`` where there were none.

    Raises:
        UsageError: If a file must not be replaced; nothing was written.
        OutputError: If the folder cannot be written.
    """
    try:
        edited = _set_edited_aside(folder)
    except OSError as error:
        raise OutputError(
            f"cannot replace what is in {folder}: {error.strerror or error}; choose another folder "
            "with --out"
        ) from error
    if result is not None:
        record = {**record, "events_sha256": _events_sha256(result)}
    beside = {RECORD_FILE: partial(write_json, values=dict(record))}
    if result is not None:
        aside = result.replace(folder, force=force, inputs=inputs, beside=beside)
    else:
        old = (*RESULT_FILES, SEGMENTS_FILE)
        aside = write_result(folder, beside, force=force, inputs=inputs, remove=old, retiring=True)
    return " and ".join(filter(None, (edited, aside))) or None


def _events_sha256(result: Analysis) -> str:
    """Of the table of events, to see later whether somebody has edited it."""
    text = io.StringIO()
    write_events(text, result.events)
    return hashlib.sha256(text.getvalue().encode()).hexdigest()


def _set_edited_aside(folder: Path) -> str | None:
    events = folder / EVENTS_FILE
    known = (read_record(folder) or {}).get("events_sha256")
    if not (known and events.exists()) or digest(events) == known:
        return None
    return events.rename(free_name(events)).name


class Cohort:
    """The table of all recordings that are finished in a folder, also those of other batches.

    What a person has entered in it stays; see `hfs_vision.batch.user_columns`.

    Attributes:
        notes: What is to be known of it, in sentences.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._file = out / COHORT_FILE
        self._next = 0.0
        self.notes: list[str] = []

    def check(self, *, force: bool) -> None:
        """Refuses to begin where the table that is there would be lost.

        Args:
            force: Give what is no table of a batch another name instead.

        Raises:
            UsageError: If it is a table of something else.
            TableError: If it cannot be read.
        """
        try:
            read_entered(self._file, COHORT_COLUMNS)
        except (UsageError, TableError):
            if not force:
                raise
            self._set_aside()

    def update(self, *, at_once: bool = False) -> None:
        """Writes the table where it has changed; of many recordings not after each of them.

        Raises:
            OutputError: If it cannot be written.
        """
        began = time.monotonic()
        if not at_once and began < self._next:
            return
        with folder_lock(self._out):
            try:
                entered = read_entered(self._file, COHORT_COLUMNS)
            except (UsageError, TableError):  # somebody saved it so while the batch ran
                self._set_aside()
                entered = Entered()
            rows, notes = self._rows()
            text, said = merged(COHORT_COLUMNS, rows, entered)
            self._tell([*notes, *said])
            if not self._file.exists() or self._file.read_bytes() != text.encode():
                write_result(self._out, {COHORT_FILE: partial(_write, text=text)}, force=True)
        ended = time.monotonic()
        self._next = ended + _REST * (ended - began)

    def _rows(self) -> tuple[list[dict[str, str]], list[str]]:
        """Cells of each recording, of copies once, and which rows were left out for that."""
        records = [read_record(result_folder(self._out, n)) for n in read_names(self._out).values()]
        found: dict[str, dict[str, Any]] = {}
        notes = []
        for record in filter(None, records):
            known = found.setdefault(record.get("sha256") or record["name"], record)
            if known is not record:
                if known["status"] != "done" and record["status"] == "done":
                    known, record = record, known
                    found[known["sha256"]] = known
                notes.append(
                    f"{record['name']} is a copy of {known['name']}: {COHORT_FILE} counts it once"
                )
        cells = [{n: _text(r.get(n)) for n in COHORT_COLUMNS} for r in found.values()]
        return cells, notes

    def _set_aside(self) -> None:
        try:
            aside = free_name(self._file)
            self._file.rename(aside)
        except OSError as error:
            raise OutputError(
                f"{self._file} cannot be given another name: {error.strerror or error}; choose "
                "another folder with --out"
            ) from error
        self._tell([f"{self._file} was no table of a batch: it is {aside.name} now"])

    def _tell(self, notes: Sequence[str]) -> None:
        self.notes += [note for note in dict.fromkeys(notes) if note not in self.notes]


def _text(value: object) -> str:
    """Of a cell, before it is guarded against formulas, which is done once, where it is written."""
    return value if isinstance(value, str) else format_cell(value)


def _write(handle: TextIO, text: str) -> None:
    handle.write(text)
