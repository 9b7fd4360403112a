"""What a reviewer may change of an event, as texts of a table, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from hfs_vision.errors import UsageError
from hfs_vision.results import VERDICTS, EventRecord, format_cell
from hfs_vision.schema import COMPONENTS, KINDS, REGIONS, SIDES, event_kind

TIMES = ("onset_s", "offset_s")
MOVEMENT = (*TIMES, "side", "region", "component")
"""Fields of the event itself: who changes one of them has looked at it."""

FIELDS = ("verdict", *MOVEMENT, "comment")
_CHOICES = {"verdict": VERDICTS, "side": SIDES, "region": REGIONS, "component": COMPONENTS}
_LONGEST_COMMENT = 1000
_LONGEST_NAME = 60


def texts(row: EventRecord) -> dict[str, str]:
    """`FIELDS` of a row as a table has them."""
    movement = {name: format_cell(getattr(row.event, name)) for name in MOVEMENT}
    return {"verdict": row.verdict, **movement, "comment": row.comment}


def with_texts(
    row: EventRecord, fields: Mapping[str, object], *, again: bool = False
) -> EventRecord:
    """The row with some of `FIELDS` set anew; what was measured stays as it was.

    Args:
        row: As it is.
        fields: The values by name.
        again: They stood in the table before, where a comment may be longer than one is taken here.

    Raises:
        UsageError: If a value is none that the field takes.
    """
    found = {name: _checked(name, value, again) for name, value in fields.items()}
    event = {name: value for name, value in found.items() if name in MOVEMENT}
    said = {name: value for name, value in found.items() if name not in MOVEMENT}
    changed = replace(row, event=replace(row.event, **event), **said)  # type: ignore[arg-type]
    if not changed.event.offset_s > changed.event.onset_s:
        raise UsageError(
            f"the event would run from {changed.event.onset_s:g} s to "
            f"{changed.event.offset_s:g} s: its offset must come after its onset"
        )
    return changed


def _checked(name: str, value: object, again: bool) -> object:
    if name in TIMES:
        return _seconds(name, value)
    if name == "comment":
        return clean_comment(value, math.inf if again else _LONGEST_COMMENT)
    choices = _CHOICES.get(name)
    if choices is None:
        raise UsageError(f"an event has no {name!r} to change: name one of {', '.join(FIELDS)}")
    if value not in choices:
        raise UsageError(
            f"{name} is {value!r}: give one of {', '.join(c or '(nothing)' for c in choices)}"
        )
    return value


def parts_of_kind(kind: object, component: str) -> dict[str, object]:
    """Region and component of a kind; the component as it is where the kind takes either.

    Raises:
        UsageError: If there is no such kind.
    """
    if kind not in KINDS:
        raise UsageError(f"kind is {kind!r}: give one of {', '.join(KINDS)}")
    found = [(r, c) for r in REGIONS for c in COMPONENTS if event_kind(r, c) == kind]
    region, only = next((pair for pair in found if pair[1] == component), found[0])
    return {"region": region, "component": only}


def clean_comment(value: object, longest: float = _LONGEST_COMMENT) -> str:
    """A comment without control characters.

    Raises:
        UsageError: If it is no text, or too long.
    """
    if not isinstance(value, str):
        raise UsageError(f"comment is {value!r}: give a text")
    lines = value.encode("utf-8", "replace").decode("utf-8").splitlines()
    text = "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines).strip()
    if len(text) > longest:
        raise UsageError(f"the comment has {len(text)} characters: shorten it to {longest}")
    return text


def clean_name(value: str) -> str:
    """A reviewer's name in one line.

    Raises:
        UsageError: If nothing is left of it, or it is too long.
    """
    name = " ".join(clean_comment(value).split())
    if not 0 < len(name) <= _LONGEST_NAME:
        raise UsageError(
            f"the reviewer is called {value!r}: give initials or a name of 1 to {_LONGEST_NAME} "
            "characters"
        )
    return name


def _seconds(name: str, value: object) -> float:
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        seconds = math.nan
    if not abs(seconds) < 1e9 or isinstance(value, bool):
        raise UsageError(f"{name} is {value!r}: give a time in seconds")
    return round(seconds, 6)
