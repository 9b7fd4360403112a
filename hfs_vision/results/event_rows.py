"""Rows of a table of events -> events: what a row may say, whoever wrote it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from hfs_vision.errors import TableError
from hfs_vision.regions import EYE, FACE_REGIONS
from hfs_vision.results.columns import EVENT_COLUMNS
from hfs_vision.results.read_tables import (
    ANY_RECORDING,
    parse_choice,
    parse_flag,
    parse_number,
    parse_share,
    read_rows,
)
from hfs_vision.results.time_limits import RecordingSpan
from hfs_vision.schema import (
    COMPONENTS,
    END_SLACK_S,
    LARGEST,
    REGIONS,
    ROUNDING_S,
    SIDES,
    Event,
    StrPath,
    event_kind,
)

_ROUNDING_S = 5e-7
"""Of the microseconds that tables hold."""

KINDS_OF_REGION = {
    region: tuple(dict.fromkeys(event_kind(region, component) for component in COMPONENTS))
    for region in REGIONS
}
KINDS_OF_REGION[EYE.name] += ("wink",)
"""What an event of each region may be called: kinds of this program, and the wink of a label."""


def read_events(path: StrPath, recorded: RecordingSpan = ANY_RECORDING) -> list[Event]:
    """Reads an event table, also one that was edited by hand.

    Only ``onset_s``, ``side`` and ``region``, and ``duration_s`` or ``offset_s`` are required;
    what else is missing becomes NaN. Where both are given they must agree, and so must ``kind`` and
    region; which kind of its region it is follows from the component. Of the twitches the table
    holds but the number: the events have none. An event without a component is tonic from
    ``recorded.tonic_s`` on.

    Args:
        path: The table.
        recorded: What is known of the recording that it is of; nothing by itself.

    Raises:
        TableError: If a row is not as documented, or beyond the recording; names file and row.
    """
    path = Path(path)
    required = ("onset_s", "side", "region")
    rows = read_rows(path, required, grown=EVENT_COLUMNS)
    return [read_event(path, row, cells, recorded) for row, cells in rows]


def read_event(path: Path, row: int, cells: Mapping[str, str], recorded: RecordingSpan) -> Event:
    """The event of one row; see `read_events`.

    Raises:
        TableError: If it is not as documented.
    """

    def value(name: str) -> float:
        return parse_number(path, row, name, cells.get(name) or "")

    def choice(name: str, choices: Sequence[str]) -> str:
        return parse_choice(path, row, name, cells[name], choices)

    def share(name: str) -> float:
        return parse_share(path, row, name, cells.get(name) or "")

    onset_s, offset_s = parse_span(path, row, cells, recorded)
    region = choice("region", REGIONS)
    if (cells.get("kind") or "").strip():
        kinds = [kind for of_region in KINDS_OF_REGION.values() for kind in of_region]
        check_kind(path, row, choice("kind", kinds), region)
    peak_s = value("peak_s")
    recorded.check(path, row, [("peak_s", peak_s)])
    if (cells.get("verdict") or "").strip().lower() != "added":
        check_peak(path, row, peak_s, onset_s, offset_s)
    elif not onset_s <= peak_s <= offset_s:  # of the row that a person copied to add another
        peak_s = math.nan
    lag_s = value("eye_mouth_lag_s")
    return Event(
        onset_s=onset_s,
        offset_s=offset_s,
        side=choice("side", SIDES),
        region=region,
        component=choice("component", COMPONENTS)
        if (cells.get("component") or "").strip()
        else COMPONENTS[int(offset_s - onset_s >= recorded.tonic_s - _ROUNDING_S)],
        peak_s=peak_s,
        score=value("score"),
        confidence=share("confidence"),
        rise_s=value("rise_s"),
        eye_mouth_lag_s=None if math.isnan(lag_s) else lag_s,
        valid_fraction=share("valid_fraction"),
        truncated=parse_flag(path, row, "truncated", cells.get("truncated") or ""),
        twitches=(),
        **{name: value(name) for r in FACE_REGIONS for name in (r.amplitude, r.velocity)},
    )


def parse_span(
    path: Path, row: int, cells: Mapping[str, str], recorded: RecordingSpan = ANY_RECORDING
) -> tuple[float, float]:
    """Onset and offset of an event, by ``onset_s`` and ``duration_s``, ``offset_s`` or both.

    Args:
        path: The table.
        row: Where it is in it.
        cells: By column.
        recorded: What is known of the recording.

    Raises:
        TableError: If one is missing or beyond the recording, or they contradict each other.
    """
    where = f"{path}, row {row}"
    onset_s, duration_s, offset_s = (
        parse_number(path, row, name, cells.get(name) or "")
        for name in ("onset_s", "duration_s", "offset_s")
    )
    if math.isnan(onset_s):
        raise TableError(f"{where}: onset_s is {cells['onset_s']!r}; write a time in seconds")
    if math.isnan(duration_s) and math.isnan(offset_s):
        raise TableError(f"{where}: neither duration_s nor offset_s is a number; write one of them")
    if duration_s <= 0:
        raise TableError(f"{where}: duration_s is {duration_s:g}; it must be positive")
    end_s = onset_s + duration_s
    if math.isnan(offset_s):
        offset_s = end_s
    if not (offset_s < LARGEST and round(onset_s * 1e6) < round(offset_s * 1e6)):
        raise TableError(
            f"{where}: the event runs from {onset_s:g} s to {offset_s:g} s; its duration must be "
            "positive"
        )
    recorded.check(path, row, [("onset_s", onset_s), ("the end of the event", offset_s)])
    if abs(end_s - offset_s) > ROUNDING_S + 1e-9:
        raise TableError(
            f"{where}: offset_s is {offset_s:g}, but onset_s + duration_s is {end_s:g}; correct "
            "one of them or leave it empty"
        )
    return onset_s, offset_s


def check_kind(path: Path, row: int, kind: str, region: str) -> None:
    """Refuses a kind of another region.

    Raises:
        TableError: With what each of the two is.
    """
    if kind not in KINDS_OF_REGION[region]:
        of = next(name for name, kinds in KINDS_OF_REGION.items() if kind in kinds)
        raise TableError(
            f"{path}, row {row}: region is {region!r}, but {kind} is of {of}; correct one of them, "
            "or leave kind empty"
        )


def check_peak(path: Path, row: int, peak_s: float, onset_s: float, offset_s: float) -> None:
    """Refuses a peak outside of its movement; NaN is passed over.

    Raises:
        TableError: If it is more than `END_SLACK_S` outside.
    """
    if peak_s < onset_s - END_SLACK_S or peak_s > offset_s + END_SLACK_S:
        raise TableError(
            f"{path}, row {row}: peak_s is {peak_s:g} s, but the movement runs from {onset_s:g} to "
            f"{offset_s:g} s: write a time within it, in seconds with a decimal point, or leave it "
            "empty"
        )
