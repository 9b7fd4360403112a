"""Labels of segments where names must not be told."""

from __future__ import annotations

from collections.abc import Iterable

KNOWN_LABELS = frozenset(
    {"rest", "gentle_closure", "forced_closure", "smile", "pursing", "reading", "talking"}
)
"""Labels of segments that de-identifying keeps: tasks that are nobody's own words."""


def numbered_labels(labels: Iterable[str]) -> dict[str, str]:
    """What each label becomes: itself where it is a known task or empty, else a number.

    >>> numbered_labels(["rest", "at Ann's", "rest"])
    {'': '', 'rest': 'rest', "at Ann's": 'task-01'}
    """
    given = dict.fromkeys(labels)
    own = [label for label in given if label and label not in KNOWN_LABELS]
    known = {label: label for label in given if label not in own}
    return {"": ""} | known | {label: f"task-{i:02d}" for i, label in enumerate(own, start=1)}
