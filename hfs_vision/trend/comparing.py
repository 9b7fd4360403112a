"""What keeps sessions from being compared: other settings, another camera, too little time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from hfs_vision.diary import WHOLE, SessionRecord

LEAST_VALID_S = 60.0
FPS_RATIO, FACE_RATIO = 1.2, 1.5
"""From how many times as much on frame rates, and sizes of the face, count as different."""

_UNKNOWN = "unknown"
_MOST_VALUES, _MOST_RANGES, _HASH = 4, 6, 8

_Key = Callable[[SessionRecord], str]


def _hash(sha256: str | None) -> str:
    return sha256[:_HASH] if sha256 else _UNKNOWN


_SAID: tuple[tuple[str, _Key], ...] = (
    ("settings", lambda r: _hash(r.settings_sha256)),
    ("landmark model", lambda r: f"{r.landmarker} {_hash(r.model_sha256)}".strip()),
    ("version of the program", lambda r: r.hfs_vision or _UNKNOWN),
    ("device", lambda r: r.device or _UNKNOWN),
    ("review", lambda r: "corrected by a person" if r.reviewed else "not corrected"),
)
_PROTOCOL: tuple[str, _Key] = ("protocol", lambda r: r.protocol or "none")
_MEASURED: tuple[tuple[str, str, float, Callable[[SessionRecord], float]], ...] = (
    ("frame rate", "frames/s", FPS_RATIO, lambda r: r.fps),
    ("size of the face", "px", FACE_RATIO, lambda r: r.face_px),
)


def doubts(records: Sequence[SessionRecord], valid_s: Sequence[float], segment: str) -> list[str]:
    """What differs between sessions, each thing once, and which sessions say little.

    Args:
        records: Sessions that are compared.
        valid_s: Valid time of each in the segment.
        segment: A label, or `hfs_vision.diary.WHOLE`: then what was done in the sessions counts.
    """
    found = [_groups(name, records, key) for name, key in _said(segment)]
    found += [_off(*measured, records) for measured in _MEASURED]
    short = [r.number for r, v in zip(records, valid_s, strict=True) if not v >= LEAST_VALID_S]
    partial = [r.number for r in records if r.partial]
    if short:
        found.append(
            f"less than a minute of valid time in {_sessions(short)}: their rates are rough"
        )
    if partial:
        found.append(f"not analysed to the end: {_sessions(partial)}")
    return [text for text in found if text]


def differences(
    before: Sequence[SessionRecord], after: Sequence[SessionRecord], segment: str
) -> list[str]:
    """Names of what differs between the sessions before and those after a treatment."""
    if not before or not after:
        return []
    found = [name for name, key in _said(segment) if set(map(key, before)) != set(map(key, after))]
    for name, _, ratio, key in _MEASURED:
        middles = [_median(list(map(key, records))) for records in (before, after)]
        if max(middles) > ratio * min(middles):
            found.append(name)
    return found


def _said(segment: str) -> tuple[tuple[str, _Key], ...]:
    return (*_SAID, _PROTOCOL) if segment == WHOLE else _SAID


def _groups(name: str, records: Sequence[SessionRecord], key: _Key) -> str:
    groups: dict[str, list[int]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record.number)
    if len(groups) < 2:
        return ""
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))
    told = [f"{value} ({_sessions(numbers)})" for value, numbers in largest[:_MOST_VALUES]]
    more = len(groups) - _MOST_VALUES
    return f"sessions differ in {name}: {', '.join(told)}{f' and {more} more' if more > 0 else ''}"


def _off(
    name: str,
    unit: str,
    ratio: float,
    key: Callable[[SessionRecord], float],
    records: Sequence[SessionRecord],
) -> str:
    middle = _median(list(map(key, records)))
    far = [
        (r.number, value)
        for r in records
        if (value := key(r)) > ratio * middle or ratio * value < middle
    ]
    if not far:
        return ""
    low, high = (f"{end(value for _, value in far):.0f}" for end in (min, max))
    span = low if low == high else f"{low} to {high}"
    return (
        f"sessions differ in {name}: {middle:.0f} {unit} in most sessions, {span} in "
        f"{_sessions([number for number, _ in far])}"
    )


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return float(np.median(known)) if known else math.nan


def _sessions(numbers: Sequence[int]) -> str:
    """Numbers of sessions, in short.

    >>> _sessions([1, 2, 3, 7]), _sessions([4])
    ('sessions 1-3, 7', 'session 4')
    """
    ordered = sorted(numbers)
    cuts = [i for i, (a, b) in enumerate(pairwise(ordered), start=1) if b != a + 1]
    ends = pairwise([0, *cuts, len(ordered)])
    ranges = [(ordered[a], ordered[b - 1]) for a, b in ends]
    told = [f"{a}" if a == b else f"{a}-{b}" for a, b in ranges[:_MOST_RANGES]]
    left = sum(b - a + 1 for a, b in ranges[_MOST_RANGES:])
    more = f" and {left} more" if left else ""
    return f"session{'s' if len(ordered) > 1 else ''} {', '.join(told)}{more}"
