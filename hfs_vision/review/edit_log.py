"""The ``history`` of a row: each change that was made, in a form for people and programs.

An entry reads

    #12 2026-11-25T10:11:12Z AB onset_s 12.300000 -> 12.250000, verdict "" -> accepted

and entries are parted by ``"; "``. The number counts the changes of the whole file. A text that is
more than one word is written as a JSON string, so that blanks, semicolons, quotes and line breaks
in it part nothing. ``added`` stands for the fields of an event that a person added. An entry that
was taken back stays, and says so at its end: ``(undone 2026-11-25T10:12:00Z AB)``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

ADDED = "added"

MAX_CHARACTERS = 30_000
"""Of a row's history: spreadsheets cut a cell at 32767. The oldest entries are dropped beyond."""

_DROPPED = "(earlier changes were left out)"

_TOKEN = r'"(?:[^"\\]|\\.)*"|[^\s";,()]+'
_CHANGE = rf"[a-z_]+ (?:{_TOKEN}) -> (?:{_TOKEN})"
_ENTRY = re.compile(
    rf"#(?P<number>\d+) (?P<utc>\S+) (?P<who>{_TOKEN}) "
    rf"(?P<changes>{ADDED}|{_CHANGE}(?:, {_CHANGE})*)"
    rf"(?P<undone> \(undone (?P<undone_utc>\S+) (?P<undone_who>{_TOKEN})\))?(?:; |$)"
)
_PARTS = re.compile(rf"([a-z_]+) ({_TOKEN}) -> ({_TOKEN})")
_WORD = re.compile(r"[\w.+-]+")


@dataclass(frozen=True)
class FieldChange:
    """One field: its text before and after."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """What was changed at once.

    Attributes:
        number: Of the change in the whole file, from 1.
        utc: When, ISO 8601.
        reviewer: By whom.
        changes: The fields; none where the event was added.
        undone: When and by whom it was taken back; empty if it stands.
    """

    number: int
    utc: str
    reviewer: str
    changes: tuple[FieldChange, ...]
    undone: tuple[str, str] | None = None

    @property
    def added(self) -> bool:
        """Whether the event came with it."""
        return not self.changes


@dataclass(frozen=True)
class Log:
    """The history of one event.

    Attributes:
        foreign: Text before the entries that is none, of another hand.
        entries: Oldest first, those that were taken back too.
    """

    foreign: str = ""
    entries: tuple[Entry, ...] = ()

    @property
    def standing(self) -> list[Entry]:
        """The entries that were not taken back."""
        return [entry for entry in self.entries if not entry.undone]

    @property
    def is_cut(self) -> bool:
        """Whether the oldest entries were left out."""
        return self.foreign.startswith(_DROPPED)

    def without_last(self, utc: str, reviewer: str) -> Log:
        """The same with the last entry that stands taken back."""
        place = self.entries.index(self.standing[-1])
        entry = replace(self.entries[place], undone=(utc, reviewer))
        return replace(self, entries=(*self.entries[:place], entry, *self.entries[place + 1 :]))


def parse(text: str) -> Log:
    """Reads a history; what is no entry, at its begin, is kept as it is."""
    for start in (0, *(found.end() for found in re.finditer(r"; (?=#\d)", text))):
        entries, place = [], start
        while found := _ENTRY.match(text, place):
            entries.append(_entry(found))
            place = found.end()
        if place == len(text):
            return Log(text[:start].removesuffix("; "), tuple(entries))
    return Log(text)


def write(log: Log) -> str:
    """The text that `parse` reads, of `MAX_CHARACTERS` at most.

    >>> change = FieldChange("comment", "", "so; so")
    >>> write(Log(entries=(Entry(1, "2026-11-25T10:11:12Z", "A B", (change,)),)))
    '#1 2026-11-25T10:11:12Z "A B" comment "" -> "so; so"'
    """
    texts = [*([log.foreign] if log.foreign else []), *map(_text, log.entries)]
    while len("; ".join(texts)) > MAX_CHARACTERS and len(texts) > 1:
        texts = [_DROPPED, *texts[2 if texts[0] == _DROPPED else 1 :]]
    return "; ".join(texts)


def _entry(found: re.Match[str]) -> Entry:
    changes = tuple(
        FieldChange(part[1], _plain(part[2]), _plain(part[3]))
        for part in _PARTS.finditer("" if found["changes"] == ADDED else found["changes"])
    )
    undone = (found["undone_utc"], _plain(found["undone_who"])) if found["undone"] else None
    return Entry(int(found["number"]), found["utc"], _plain(found["who"]), changes, undone)


def _text(entry: Entry) -> str:
    changes = ", ".join(f"{c.field} {_token(c.before)} -> {_token(c.after)}" for c in entry.changes)
    undone = f" (undone {entry.undone[0]} {_token(entry.undone[1])})" if entry.undone else ""
    return f"#{entry.number} {entry.utc} {_token(entry.reviewer)} {changes or ADDED}{undone}"


def _token(text: str) -> str:
    return text if _WORD.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _plain(token: str) -> str:
    if not token.startswith('"'):
        return token
    try:
        return str(json.loads(token))
    except ValueError:  # a hand has been at it
        return token[1:-1]
