"""``events.reviewed.csv``: the events as a person has corrected them.

A table of events with a few columns more. Each row keeps the number by which its event is known,
what the reviewer said of it, and every change with its time and author, so that the file needs no
other beside it and survives a spreadsheet.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from hfs_vision.errors import TableError
from hfs_vision.results.columns import EVENT_COLUMNS, REVIEWED_COLUMNS
from hfs_vision.results.event_rows import read_event
from hfs_vision.results.read_tables import (
    ANY_RECORDING,
    parse_choice,
    parse_number,
    read_header,
    read_rows,
)
from hfs_vision.results.time_limits import RecordingSpan
from hfs_vision.results.write_tables import event_cells, line
from hfs_vision.schema import Event, StrPath

VERDICTS = ("", "accepted", "rejected", "added")
"""What a reviewer said of an event: nothing yet, that it is right, that it is none, or that the
program had missed it."""


@dataclass(frozen=True)
class EventRecord:
    """An event as everything that comes after the detector takes it.

    Attributes:
        number: By what it is known: its row in ``events.csv`` (1 is the first below the header);
            what a person added has numbers above those.
        event: As it stands after all changes.
        verdict: One of `VERDICTS`; nothing where nobody has looked at it, as the other texts.
        comment: Free text.
        reviewer: Who changed it last, as they call themselves; empty if nobody did.
        reviewed_utc: When, ISO 8601; empty if never.
        history: Every change, oldest first; see docs/review.md.
    """

    number: int
    event: Event
    verdict: str = ""
    comment: str = ""
    reviewer: str = ""
    reviewed_utc: str = ""
    history: str = ""

    @property
    def rejected(self) -> bool:
        """Whether a reviewer said that it is no event: it is shown, but not counted."""
        return self.verdict == "rejected"


def write_reviewed(handle: TextIO, rows: Iterable[EventRecord]) -> None:
    """Writes one row per event, in the order given."""
    handle.write(line(REVIEWED_COLUMNS))
    for row in rows:
        handle.write(reviewed_line(row))


def reviewed_line(row: EventRecord) -> str:
    """Row of `REVIEWED_COLUMNS`."""
    said = [row.comment, row.reviewer, row.reviewed_utc, row.history]
    return line([row.number, row.verdict, *event_cells(row.event), *said])


def read_reviewed(path: StrPath, recorded: RecordingSpan = ANY_RECORDING) -> list[EventRecord]:
    """Reads the table, also one that was edited by hand; sorted by onset.

    Only what `hfs_vision.results.read_events` needs is required. Rows without a number get the next
    that is free.

    Args:
        path: The table.
        recorded: What is known of the recording that it is of; nothing by itself.

    Raises:
        TableError: If a row is not as documented, or beyond the recording; names file and row.
    """
    path = Path(path)
    found: list[tuple[int | None, EventRecord]] = []
    for row, cells in read_rows(path, ("onset_s", "side", "region"), grown=EVENT_COLUMNS):
        verdict = cells.get("verdict") or ""
        if verdict.strip():
            verdict = parse_choice(path, row, "verdict", verdict, VERDICTS[1:])
        texts = [cells.get(name) or "" for name in REVIEWED_COLUMNS[-4:]]
        number = _read_number(path, row, cells.get("number") or "")
        event = read_event(path, row, cells, recorded)
        found.append((number, EventRecord(0, event, verdict.strip(), *texts)))
    return sorted(_numbered(path, found), key=lambda row: (row.event.onset_s, row.event.side))


def is_reviewed(path: StrPath) -> bool:
    """Whether a file is a table of corrected events: one that has a column ``verdict``."""
    return "verdict" in read_header(path)


def counted_events(rows: Sequence[EventRecord]) -> list[Event]:
    """The events that were not rejected."""
    return [row.event for row in rows if not row.rejected]


def _read_number(path: Path, row: int, text: str) -> int | None:
    number = parse_number(path, row, "number", text)  # a spreadsheet may have written 3.0
    if math.isnan(number):
        return None
    if number < 1 or number != int(number):
        raise TableError(
            f"{path}, row {row}: number is {text!r}; write a whole number, or leave it empty"
        )
    return int(number)


def _numbered(path: Path, found: Sequence[tuple[int | None, EventRecord]]) -> Iterable[EventRecord]:
    known = Counter(number for number, _ in found if number is not None)
    twice = next((number for number, times in known.items() if times > 1), None)
    if twice is not None:
        raise TableError(f"{path}: number {twice} stands twice; leave the number of new rows empty")
    free = itertools.count(max(known, default=0) + 1)
    for number, row in found:
        yield replace(row, number=next(free) if number is None else number)
