"""One event file: what is an event in it, and what is not.

Event tables of this package, truths of ``simulate`` and label files are read alike; rows are told
apart by side and kind:

- A row of side ``left`` or ``right`` is an event. Its region is given or follows from its kind.
- Of a table of corrected events the rows that were not rejected are events, and nothing else is.
- A row of side ``both``, or of a kind that is no event (blink, smile ...), is a situation.
- In a table without regions, a movement of the eye and one of the mouth of the same side that
  overlap are one movement of ``eye+mouth``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hfs_vision.errors import TableError
from hfs_vision.evaluation.evaluate import LabelledEvent, faults
from hfs_vision.evaluation.matching import LONG_S
from hfs_vision.regions import EYE
from hfs_vision.results import (
    RecordingSpan,
    is_reviewed,
    parse_choice,
    read_reviewed,
    read_rows,
)
from hfs_vision.results.event_rows import KINDS_OF_REGION, check_kind, parse_span
from hfs_vision.results.read_tables import parse_share
from hfs_vision.schema import COMPONENTS, REGIONS, ROUNDING_S, SIDES, event_kind, moved_together

CONFIDENCES = ("low", "medium", "high")
"""How sure a human was of a label, least first; a label without a word is taken for sure."""

_SIDES = (*SIDES, "both")
_REGION_OF = {
    kind: next(region for region, kinds in KINDS_OF_REGION.items() if kind in kinds)
    for kinds in KINDS_OF_REGION.values()
    for kind in kinds
}
_ONE_SIDED = set(_REGION_OF) - {EYE.tonic.name}  # both eyes can be forced shut
_NO_EVENT = ("blink", "smile", "talk", "brow_raise", "head_turn", "nod", "other")
"""Kinds that are no events even where they are of one side, such as a hand over half a face."""


@dataclass(frozen=True)
class EventFile:
    """What an event file holds.

    Attributes:
        events: One-sided events that the writer was sure of.
        unsure: One-sided events below the least confidence that was asked for.
        situations: Rows that are no events.
    """

    events: tuple[LabelledEvent, ...]
    unsure: tuple[LabelledEvent, ...]
    situations: tuple[LabelledEvent, ...]

    @property
    def end_s(self) -> float:
        """End of the last row, in seconds; 0 without any."""
        marks = (*self.events, *self.unsure, *self.situations)
        return max((0.0, *(mark.offset_s for mark in marks)))

    def moved(self, by_s: float) -> EventFile:
        """The same on a clock that is ahead by so much."""
        return EventFile(
            *(
                tuple(_moved(mark, by_s) for mark in marks)
                for marks in (self.events, self.unsure, self.situations)
            )
        )


def _moved(mark: LabelledEvent, by_s: float) -> LabelledEvent:
    onset_s, offset_s = (round(time_s + by_s, 6) for time_s in (mark.onset_s, mark.offset_s))
    return replace(mark, onset_s=onset_s, offset_s=offset_s)


@dataclass(frozen=True)
class _ReferenceRow:
    number: int
    where: str
    mark: LabelledEvent
    is_event: bool
    joins: bool  # with the other part of the face: the table names no regions
    confidence: int


def read_event_file(
    path: Path,
    *,
    min_confidence: str = CONFIDENCES[0],
    may_overlap: bool = True,
    end_s: float = math.inf,
    tonic_s: float = LONG_S,
) -> EventFile:
    """Reads an event table, a truth or a label file.

    Args:
        path: CSV with the columns ``onset_s``, ``side``, ``duration_s`` or ``offset_s``, and
            ``region`` or ``kind``; ``component`` and ``confidence`` count where they are given.
        min_confidence: Events of which the writer was less sure are put apart.
        may_overlap: Whether events of one side may overlap each other.
        end_s: End of the recording, in seconds.
        tonic_s: From which length on a corrected event without a component is tonic.

    Raises:
        TableError: If the file is not as documented; names file and row.
    """
    required = ("onset_s", "duration_s|offset_s", "side", "region|kind")
    if is_reviewed(path):
        rows = _reviewed_rows(path, tonic_s)
    else:
        rows = [_row(path, number, cells) for number, cells in read_rows(path, required)]
    _refuse(rows, faults([row.mark for row in rows], sides=_SIDES, end_s=end_s))
    parts = [row for row in rows if row.is_event]
    events = _joined(parts)
    if not may_overlap:
        for region in REGIONS:
            same = [row for row in parts if row.joins and row.mark.region == region]
            _refuse(same, faults([row.mark for row in same], may_overlap=False))
        _refuse(events, faults([row.mark for row in events], may_overlap=False))
    least = CONFIDENCES.index(min_confidence)
    return EventFile(
        tuple(row.mark for row in events if row.confidence >= least),
        tuple(row.mark for row in events if row.confidence < least),
        tuple(row.mark for row in rows if not row.is_event),
    )


def _refuse(rows: Sequence[_ReferenceRow], found: Iterable[tuple[int, str]]) -> None:
    for index, fault in found:
        raise TableError(f"{rows[index].where}: {fault}")


def _reviewed_rows(path: Path, tonic_s: float) -> list[_ReferenceRow]:
    """Corrected events that stand; they are known by their numbers."""
    sure = len(CONFIDENCES)
    return [
        _ReferenceRow(
            row.number,
            f"{path}, event number {row.number}",
            LabelledEvent(
                row.event.onset_s,
                row.event.offset_s,
                row.event.side,
                row.event.region,
                row.event.kind,
            ),
            is_event=True,
            joins=False,
            confidence=sure,
        )
        for row in read_reviewed(path, RecordingSpan(tonic_s=tonic_s))
        if not row.rejected
    ]


def _row(path: Path, number: int, record: dict[str, str]) -> _ReferenceRow:
    cells = {name: text.strip() for name, text in record.items()}
    where = f"{path}, row {number}"
    onset_s, offset_s = parse_span(path, number, cells)

    def choice(name: str, choices: Sequence[str]) -> str:
        return parse_choice(path, number, name, cells.get(name, ""), choices)

    side, kind, region = choice("side", _SIDES), cells.get("kind", "").lower(), ""
    if side == "both" or kind in _NO_EVENT:
        if kind in _ONE_SIDED:
            raise TableError(f"{where}: side is 'both', but {kind} is of one side")
        mark = LabelledEvent(
            onset_s, offset_s, side, cells.get("region", ""), kind or cells.get("region") or "other"
        )
        return _ReferenceRow(number, where, mark, is_event=False, joins=False, confidence=0)
    if cells.get("region"):
        region = choice("region", REGIONS)
    if kind or not region:
        kind = choice("kind", (*_REGION_OF, *_NO_EVENT))
        if region:
            check_kind(path, number, kind, region)
    component = _component(onset_s, offset_s)
    if cells.get("component"):
        component = choice("component", COMPONENTS)
    part = region or _REGION_OF[kind]
    mark = LabelledEvent(onset_s, offset_s, side, part, event_kind(part, component))
    sure = _confidence(path, number, cells.get("confidence", ""))
    return _ReferenceRow(number, where, mark, is_event=True, joins=not region, confidence=sure)


def _confidence(path: Path, row: int, text: str) -> int:
    """Place in `CONFIDENCES`; a machine's share says nothing about a human's doubt."""
    try:
        float(text or "nan")
    except ValueError:
        return CONFIDENCES.index(parse_choice(path, row, "confidence", text, CONFIDENCES))
    parse_share(path, row, "confidence", text)
    return len(CONFIDENCES)


def _component(onset_s: float, offset_s: float) -> str:
    return COMPONENTS[int(round((offset_s - onset_s) * 1e6) >= round(LONG_S * 1e6))]


def _joined(rows: Sequence[_ReferenceRow]) -> list[_ReferenceRow]:
    """Events in order of onset, with the parts of one movement made one."""
    events: list[_ReferenceRow] = []
    last: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (row.mark.onset_s, row.number)):
        mark, place = row.mark, last.get(row.mark.side)
        before = events[place] if place is not None else None
        if (
            place is None
            or before is None
            or not (row.joins and before.joins)
            or mark.region == before.mark.region
            or before.mark.offset_s - mark.onset_s <= ROUNDING_S
        ):
            last[mark.side] = len(events)
            events.append(row)
            continue
        onset_s, offset_s = before.mark.onset_s, max(before.mark.offset_s, mark.offset_s)
        region = moved_together(before.mark.region, mark.region)
        kind = event_kind(region, _component(onset_s, offset_s))
        events[place] = replace(
            before,
            mark=LabelledEvent(onset_s, offset_s, mark.side, region, kind),
            confidence=max(before.confidence, row.confidence),
        )
    return events
