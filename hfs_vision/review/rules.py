"""What follows from a change, what is refused, and whether a review fits the machine's events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hfs_vision.errors import UsageError
from hfs_vision.results import EVENTS_FILE, EventRecord, ResultFolder
from hfs_vision.review import fields
from hfs_vision.review.edit_log import Entry, Log
from hfs_vision.review.remeasure import Evidence, same_movement
from hfs_vision.schema import COMPONENTS, END_SLACK_S, ROUNDING_S, Event

_LISTED = 5


class Rules:
    """The rules of one recording.

    Args:
        folder: The result: when the recording begins and ends.
        evidence: The machine's events.
    """

    def __init__(self, folder: ResultFolder, evidence: Evidence) -> None:
        self._start_s, self._end_s = folder.recorded.start_s, folder.recorded.end_s
        self._evidence = evidence

    def completed(
        self, row: EventRecord, entries: Sequence[Entry], wanted: Mapping[str, object]
    ) -> dict[str, object]:
        """What a reviewer wants to set, with what follows from it.

        Args:
            row: As it is.
            entries: What was changed of it.
            wanted: `hfs_vision.review.fields.FIELDS`, or ``kind``.

        Raises:
            UsageError: If a value is none, or contradicts another.
        """
        found = {name: value for name, value in wanted.items() if name != "kind"}
        if "kind" in wanted:
            parts = fields.parts_of_kind(wanted["kind"], row.event.component)
            if any(found.get(name, value) != value for name, value in parts.items()):
                raise UsageError("kind contradicts region or component: give one or the others")
            found |= parts
        moved = fields.with_texts(row, {n: v for n, v in found.items() if n in fields.TIMES})
        if "component" not in found and self._follows_duration(row, entries):
            found["component"] = self.component_of(moved.event)
        if "verdict" not in found and not row.verdict and _is_moved(row, found):
            found["verdict"] = "accepted"
        by_machine = row.number in self._evidence.events
        if found.get("verdict") == "accepted" and not by_machine:
            found["verdict"] = "added"
        elif found.get("verdict") == "added" and by_machine:
            raise UsageError(
                f"event {row.number} was found by the program: say accepted or rejected"
            )
        return found

    def component_of(self, event: Event) -> str:
        """Clonic or tonic, by the duration."""
        return COMPONENTS[int(event.duration_s >= self._evidence.tonic_s - 5e-7)]

    def check(self, row: EventRecord, rows: Sequence[EventRecord]) -> None:
        """Refuses what no table may hold that others are compared with.

        Raises:
            UsageError: If the event leaves the recording or overlaps another one of its side.
        """
        event = row.event
        if (
            event.onset_s < self._start_s - END_SLACK_S
            or event.offset_s > self._end_s + END_SLACK_S
        ):
            raise UsageError(
                f"the event would run from {event.onset_s:.3f} to {event.offset_s:.3f} s, but the "
                f"recording from {self._start_s:.3f} to {self._end_s:.3f} s: keep within it"
            )
        if not row.rejected:
            _refuse_overlap(row, rows)

    def _follows_duration(self, row: EventRecord, entries: Sequence[Entry]) -> bool:
        """Not where it is a train of twitches, nor where a reviewer has set it by itself."""
        if row.event.component != self.component_of(row.event):
            return False
        for entry in entries:
            names = {change.field for change in entry.changes}
            if not entry.undone and "component" in names and not names & set(fields.TIMES):
                return False
        return True


def misfits(
    name: str,
    rows: Mapping[int, EventRecord],
    logs: Mapping[int, Log],
    machine: Mapping[int, Event],
) -> list[str]:
    """A sentence if the events, before all changes, are not those of the machine's table.

    Args:
        name: Of the file of corrections.
        rows: What it holds, by number.
        logs: The histories in it, by number.
        machine: The machine's events, by number.
    """
    odd = [number for number in machine if number not in rows]
    for number, row in rows.items():
        known = machine.get(number)
        if known is None:
            odd += [number] if row.verdict not in ("added", "rejected") else []
        elif not logs[number].is_cut:
            odd += [] if _began_as(known, row, logs[number]) else [number]
    if not odd:
        return []
    listed = ", ".join(map(str, sorted(odd)[:_LISTED])) + ", ..." * (len(odd) > _LISTED)
    return [
        f"{name} was not begun with this {EVENTS_FILE}: {len(odd)} event(s) differ (number "
        f"{listed}). Either the events were detected again since, or a table was edited by hand: "
        "look at these again, or begin another review with --file"
    ]


def _began_as(known: Event, row: EventRecord, log: Log) -> bool:
    try:
        for entry in reversed(log.standing):
            texts = {change.field: change.before for change in entry.changes}
            row = fields.with_texts(row, texts, again=True)
    except UsageError:  # a hand has been at the history
        return False
    return same_movement(known, row.event)


def _is_moved(row: EventRecord, wanted: Mapping[str, object]) -> bool:
    before, after = fields.texts(row), fields.texts(fields.with_texts(row, wanted))
    return any(before[name] != after[name] for name in fields.MOVEMENT)


def _refuse_overlap(row: EventRecord, rows: Sequence[EventRecord]) -> None:
    event = row.event
    for other in rows:
        there = other.event
        if other.number == row.number or other.rejected or there.side != event.side:
            continue
        if min(event.offset_s, there.offset_s) - max(event.onset_s, there.onset_s) > ROUNDING_S:
            raise UsageError(
                f"the {event.side} event from {event.onset_s:.3f} to {event.offset_s:.3f} s would "
                f"overlap event {other.number} ({there.onset_s:.3f} to {there.offset_s:.3f} s): a "
                "side has one event at a time; reject one of them, or change where they end"
            )
