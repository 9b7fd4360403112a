"""Which events are drawn, and how they are named in the figures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hfs_vision.results import EventRecord

AROUND_S = 1.5
"""So much is drawn before the onset and after the offset of an event."""

MOST_TRACES = 60
"""Of more events, those with the highest and those with the lowest scores are drawn."""


def mark_id(record: EventRecord) -> str:
    """The id of an event's marks in the figures."""
    return f"event-{record.number}-{record.event.side}-{record.event.kind}"


def choose(items: Sequence[EventRecord], most: int = MOST_TRACES) -> list[EventRecord]:
    """At most so many events, in their order: half with the highest scores, half with the lowest.

    An event without a score, as people add it, counts as lowest.
    """
    if len(items) <= most:
        return list(items)

    def score(number: int) -> float:
        value = items[number].event.score
        return -math.inf if math.isnan(value) else value

    ranked = sorted(range(len(items)), key=score)
    kept = ranked[: most // 2] + ranked[len(ranked) - (most - most // 2) :]
    return [items[number] for number in sorted(kept)]
