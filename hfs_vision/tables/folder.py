"""A result folder as a whole, as those need it who show it, correct it or pass it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.signals import Signals
from hfs_vision.errors import TableError, UsageError
from hfs_vision.schema import REGIONS, Event, Twitch
from hfs_vision.tables.columns import (
    EVENTS_FILE,
    MARK_COLUMNS,
    MARKS_FILE,
    REVIEWED_FILE,
    SIGNAL_COLUMNS,
    SIGNALS_FILE,
    SUMMARY_FILE,
    TWITCH_COLUMNS,
    TWITCHES_FILE,
)
from hfs_vision.tables.json_files import read_json
from hfs_vision.tables.reading import (
    as_measurements,
    parse_choice,
    parse_number,
    read_events,
    read_numbers,
    read_rows,
)
from hfs_vision.tables.replacing import finish_replacing
from hfs_vision.tables.reviewed import ReviewedEvent, read_reviewed, standing

_TRIES = 5
"""How often a folder is read that is replaced each time meanwhile."""


@dataclass(frozen=True)
class Mark:
    """Something that happened in a live session: a mark of the user, a segment, a lost camera."""

    time_s: float
    kind: str
    label: str


@dataclass(frozen=True)
class ResultFolder:
    """What a result folder holds.

    Attributes:
        path: The folder.
        machine_events: As the program found them, with their twitches, in order of onset.
        reviewed: As a person corrected them, rejected ones too; ``None`` where nobody has.
        measurements, signals: One row per frame; no rows where there is no ``signals.csv``.
        summary: What ``summary.json`` holds; empty where there is none.
        marks: What happened in a live session.
        warnings: What is missing here or of another version, in sentences.
    """

    path: Path
    machine_events: Sequence[Event]
    reviewed: Sequence[ReviewedEvent] | None
    measurements: Measurements
    signals: Signals
    summary: dict[str, Any]
    marks: Sequence[Mark]
    warnings: Sequence[str]

    @property
    def events(self) -> Sequence[Event]:
        """The corrected events where there are some, else those of the program."""
        return self.machine_events if self.reviewed is None else standing(self.reviewed)

    @property
    def sha256(self) -> str | None:
        """Which recording this is of, where the summary says it."""
        source = self.summary.get("source")
        found = source.get("sha256") if isinstance(source, dict) else None
        return found if isinstance(found, str) else None

    @property
    def subject(self) -> tuple[float, float] | None:
        """Whom the user asked to follow, as `hfs_vision.pipeline.analyze` takes it; ``None`` for
        the largest face, or where the summary does not say it.
        """
        match self.summary.get("subject"):
            case [int() | float() as x, int() | float() as y]:
                return float(x), float(y)
        return None

    @property
    def valid_s(self) -> float:
        """Time in which both sides were measured; NaN where the summary does not say it."""
        found = self.summary.get("valid_s")
        return float(found) if isinstance(found, (int, float)) else float("nan")


def read_folder(path: Path) -> ResultFolder:
    """Reads a result folder. Of its files only ``events.csv`` must be there.

    Files whose replacement was interrupted are put in their places first. What is read is one
    result, also where another one takes its place meanwhile.

    Raises:
        UsageError: If it is no result folder.
        TableError: If a file in it is not as documented.
        OutputError: If a replacement was interrupted and cannot be ended.
    """
    found = None
    for _ in range(_TRIES):
        finish_replacing(path)
        before = _generation(path)
        found = _read(path)
        if _generation(path) == before:
            break
    assert found is not None
    return found


def _generation(path: Path) -> list[int]:
    """Which files are there: another result has others."""
    names = (EVENTS_FILE, TWITCHES_FILE, SIGNALS_FILE, SUMMARY_FILE)
    return [(path / name).stat().st_ino for name in names if (path / name).exists()]


def _read(path: Path) -> ResultFolder:
    if not (path / EVENTS_FILE).is_file():
        what = f"holds no {EVENTS_FILE}" if path.is_dir() else "is not a folder"
        raise UsageError(
            f"{path} {what}: give the folder that hfs-vision analyze or live has written "
            f"(hfs-vision detect makes it anew from a {SIGNALS_FILE})"
        )
    warnings: list[str] = []
    summary = _read_summary(path / SUMMARY_FILE, warnings)
    signals_file, twitches, reviewed = (
        path / name for name in (SIGNALS_FILE, TWITCHES_FILE, REVIEWED_FILE)
    )
    columns = SIGNAL_COLUMNS
    table = np.empty((0, len(columns)))
    if signals_file.exists():
        table = read_numbers(signals_file, columns)
    else:
        warnings.append(f"{SIGNALS_FILE} is missing: no traces can be shown")
    events = read_events(path / EVENTS_FILE)
    if twitches.exists():
        events = _with_twitches(twitches, events)
    counted = _counted(summary)
    if counted not in (None, len(events)):
        warnings.append(
            f"{SUMMARY_FILE} counts {counted} events and {EVENTS_FILE} holds {len(events)}: one "
            "of them was edited or is of another result; hfs-vision detect makes both anew"
        )
    return ResultFolder(
        path=path,
        machine_events=sorted(events, key=lambda event: (event.onset_s, event.side)),
        reviewed=read_reviewed(reviewed) if reviewed.exists() else None,
        measurements=as_measurements(signals_file, np.delete(table[:, :14], 1, axis=1)),
        signals=_as_signals(table),
        summary=summary,
        marks=read_marks(path / MARKS_FILE) if (path / MARKS_FILE).exists() else [],
        warnings=warnings,
    )


def read_marks(path: Path) -> list[Mark]:
    """What happened in a live session, in the order of the file.

    Raises:
        TableError: If a row is not as documented.
    """
    return [
        Mark(parse_number(path, row, "time_s", cells["time_s"]), cells["kind"], cells["label"])
        for row, cells in read_rows(path, MARK_COLUMNS, grown=MARK_COLUMNS)
    ]


def _read_summary(path: Path, warnings: list[str]) -> dict[str, Any]:
    try:
        values = read_json(path)
    except FileNotFoundError:
        warnings.append(f"{path.name} is missing: rates and settings are not known")
        return {}
    except (OSError, ValueError) as error:
        raise TableError(f"{path} cannot be read as a summary: {error}") from error
    if not isinstance(values, dict):
        raise TableError(f"{path} holds no summary: it must be a JSON object")
    versions = values.get("versions")
    written_by = versions.get("hfs_vision") if isinstance(versions, dict) else None
    if written_by != version("hfs-vision"):
        warnings.append(
            f"this result was written by hfs-vision {written_by or 'of an unknown version'}, not "
            f"by {version('hfs-vision')}: counts of two versions may differ"
        )
    return values


def _counted(summary: dict[str, Any]) -> object:
    """How many events a summary counts, where it says so of a session that has ended."""
    counts = summary.get("counts")
    for row in counts if isinstance(counts, list) and not summary.get("partial") else ():
        if isinstance(row, dict) and row.get("side") == row.get("kind") == "all":
            return row.get("count")
    return None


def _with_twitches(path: Path, events: Sequence[Event]) -> list[Event]:
    found: list[list[Twitch]] = [[] for _ in events]
    for row, cells in read_rows(path, TWITCH_COLUMNS, grown=TWITCH_COLUMNS):

        def value(name: str, row: int = row, cells: dict[str, str] = cells) -> float:
            return parse_number(path, row, name, cells[name])

        number, onset_s = value("event"), value("onset_s")
        if not (number >= 1 and number == int(number)):
            raise TableError(
                f"{path}, row {row}: event is {cells['event']!r}; write a whole number"
            )
        if number > len(events):
            continue  # of an event that a person has taken out of the table, or that is cut off
        found[int(number) - 1].append(
            Twitch(
                onset_s=onset_s,
                offset_s=onset_s + value("duration_s"),
                region=parse_choice(path, row, "region", cells["region"], REGIONS),
                peak_s=value("peak_s"),
                score=value("score"),
            )
        )
    return [replace(e, twitches=tuple(twitches)) for e, twitches in zip(events, found, strict=True)]


def _as_signals(table: np.ndarray[Any, np.dtype[np.float64]]) -> Signals:
    pairs = (table[:, first : first + 2] for first in range(14, 22, 2))
    return Signals(table[:, 0], *pairs)
