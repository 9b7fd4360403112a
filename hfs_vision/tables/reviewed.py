"""``events.reviewed.csv``: the events as a person has corrected them.

A table of events with a few columns more. Each row keeps the number by which its event is known,
what the reviewer said of it, and every change with its time and author, so that the file needs no
other beside it and survives a spreadsheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hfs_vision.errors import TableError
from hfs_vision.schema import Event
from hfs_vision.tables.columns import EVENT_COLUMNS, REVIEWED_COLUMNS
from hfs_vision.tables.reading import read_event, read_rows
from hfs_vision.tables.writing import event_cells, line

VERDICTS = ("", "accepted", "rejected", "added")
"""What a reviewer said of an event: nothing yet, that it is right, that it is none, or that the
program had missed it."""


@dataclass(frozen=True)
class ReviewedEvent:
    """An event, and what a person said of it.

    Attributes:
        number: By what it is known: its row in ``events.csv`` (1 is the first below the header);
            what a person added has numbers above those.
        event: As it stands after all changes.
        verdict: One of `VERDICTS`.
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
    def counts(self) -> bool:
        """Whether it is an event: not where it was rejected."""
        return self.verdict != "rejected"


def write_reviewed(handle: TextIO, rows: Iterable[ReviewedEvent]) -> None:
    """Writes one row per event, in the order given."""
    handle.write(line(REVIEWED_COLUMNS))
    for row in rows:
        cells = [row.number, row.verdict, *event_cells(row.event)]
        handle.write(line([*cells, row.comment, row.reviewer, row.reviewed_utc, row.history]))


def read_reviewed(path: Path) -> list[ReviewedEvent]:
    """Reads the table, also one that was edited by hand; sorted by onset.

    Only what `hfs_vision.tables.read_events` needs is required. Rows without a number get the next
    that is free.

    Raises:
        TableError: If a row is not as documented; names file and row.
    """
    found: list[tuple[int | None, ReviewedEvent]] = []
    for row, cells in read_rows(path, ("onset_s", "side", "region"), grown=EVENT_COLUMNS):
        verdict = (cells.get("verdict") or "").strip().lower()
        if verdict not in VERDICTS:
            raise TableError(
                f"{path}, row {row}: verdict is {cells['verdict']!r}; write one of "
                f"{', '.join(VERDICTS[1:])}, or leave it empty"
            )
        texts = [cells.get(name) or "" for name in REVIEWED_COLUMNS[-4:]]
        number = _read_number(path, row, cells.get("number") or "")
        found.append((number, ReviewedEvent(0, read_event(path, row, cells), verdict, *texts)))
    return sorted(_numbered(path, found), key=lambda row: (row.event.onset_s, row.event.side))


def standing(rows: Sequence[ReviewedEvent]) -> list[Event]:
    """The events that were not rejected."""
    return [row.event for row in rows if row.counts]


def _read_number(path: Path, row: int, text: str) -> int | None:
    if not text.strip():
        return None
    try:
        number = float(text)  # a spreadsheet may have written 3.0
    except ValueError:
        number = 0.5
    if number < 1 or number != int(number):
        raise TableError(
            f"{path}, row {row}: number is {text!r}; write a whole number, or leave it empty"
        )
    return int(number)


def _numbered(
    path: Path, found: Sequence[tuple[int | None, ReviewedEvent]]
) -> Iterable[ReviewedEvent]:
    known = [number for number, _ in found if number is not None]
    twice = next((number for number in known if known.count(number) > 1), None)
    if twice is not None:
        raise TableError(f"{path}: number {twice} stands twice; leave the number of new rows empty")
    free = max(known, default=0) + 1
    for number, row in found:
        if number is None:
            number, free = free, free + 1
        yield ReviewedEvent(
            number,
            row.event,
            row.verdict,
            row.comment,
            row.reviewer,
            row.reviewed_utc,
            row.history,
        )
