"""How far two counts of the same recordings agree: the program's and a person's, or two persons'.

Each recording is one row. Rates per minute of valid time are compared, since recordings differ in
length, and counts as well; `hfs_vision.evaluation.agreement` has the conventions and their sources.

The reviews begin with the program's events. So program and person agree more closely than two who
count by themselves, and so do two persons who both corrected the same events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfs_vision.cohort.find_diaries import find_each
from hfs_vision.errors import UsageError
from hfs_vision.evaluation.agreement import Agreement, agreement
from hfs_vision.results import (
    EVENTS_FILE,
    REVIEWED_FILE,
    counted_events,
    read_folder,
    read_reviewed,
)
from hfs_vision.schema import SIDES, Event

BOTH_SIDES = "all"
RATED_SIDES = (BOTH_SIDES, *SIDES)
MEASURES = ("rate_per_min", "count")


@dataclass(frozen=True)
class Rated:
    """One recording that was counted twice.

    Attributes:
        name: Of its result folder, without ``.results``.
        valid_s: Time in which both sides were measured; above 0.
        first, second: Events by side, and of both sides together.
        unseen: Events that the person, or one of the two, has not looked at.
        warnings: What is to be known of the result by itself, in sentences.
    """

    name: str
    valid_s: float
    first: dict[str, int]
    second: dict[str, int]
    unseen: int
    warnings: Sequence[str] = ()

    def value(self, which: str, side: str, measure: str) -> float:
        """``first`` or ``second`` of one of `RATED_SIDES`, by one of `MEASURES`."""
        count: int = getattr(self, which)[side]
        return count if measure == "count" else 60.0 * count / self.valid_s


@dataclass(frozen=True)
class Raters:
    """What was compared.

    Attributes:
        first, second: Who counted.
        recordings: Those that both have counted.
        left_out: Name of each other one, and why.
    """

    first: str
    second: str
    recordings: list[Rated]
    left_out: dict[str, str]

    def agreement(self, side: str, measure: str) -> Agreement:
        """Bias, limits and ICC of one of `RATED_SIDES` by one of `MEASURES`."""
        first, second = (
            [recording.value(which, side, measure) for recording in self.recordings]
            for which in ("first", "second")
        )
        return agreement(first, second)

    def agreements(self) -> Iterator[tuple[str, str, Agreement]]:
        """Measure, side and agreement, for all of both."""
        for measure in MEASURES:
            for side in RATED_SIDES:
                yield measure, side, self.agreement(side, measure)


def read_raters(
    inputs: Sequence[str], *, second: str | None = None, deidentify: bool = False
) -> Raters:
    """Counts of the recordings that two have counted.

    Args:
        inputs: Result folders, folders of several, and globs of them.
        second: Name of the second reviewer's file in each result folder, which is compared with
            `REVIEWED_FILE`; ``None`` to compare that one with the program's events.
        deidentify: Call recordings ``rec-01`` and so on instead of by their folders.

    Raises:
        UsageError: If an input names no result folder, or no recording was counted twice.
        TableError: If a table is not as documented.
    """
    if second is not None and (Path(second).name != second or second == REVIEWED_FILE):
        raise UsageError(
            f"--second is {second!r}: give the name that the second reviewer's file has in each "
            "result folder, such as second.csv"
        )
    recordings: list[Rated] = []
    left_out: dict[str, str] = {}
    for number, folder in enumerate(find_results(inputs), start=1):
        name = f"rec-{number:02}" if deidentify else folder.name.removesuffix(".results")
        missing = [n for n in (REVIEWED_FILE, second) if n and not (folder / n).is_file()]
        if missing:
            left_out[name] = f"holds no {missing[0]}"
            continue
        rated = _read(folder, name, second)
        if rated.valid_s > 0:
            recordings.append(rated)
        else:
            left_out[name] = "has no valid time, or does not say it"
    if not recordings:
        why = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
        raise UsageError(f"no recording was counted twice: {why}")
    names = ("program", "reviewed") if second is None else ("reviewed", Path(second).stem)
    return Raters(*names, recordings, left_out)


def find_results(inputs: Sequence[str]) -> list[Path]:
    """Result folders, each once: those given, and those right below a folder that is none.

    Raises:
        UsageError: If an input names none.
    """
    return find_each(
        inputs,
        _results_at,
        wanted="result folder",
        hint="what hfs-vision analyze or live has written, a folder of several",
    )


def _results_at(path: Path) -> Iterator[Path]:
    if (path / EVENTS_FILE).is_file():
        yield path
    elif path.is_dir():
        yield from sorted(inner.parent for inner in path.glob(f"*/{EVENTS_FILE}"))


def _read(folder: Path, name: str, second: str | None) -> Rated:
    result = read_folder(folder)
    reviewed = result.reviewed or []
    other = [] if second is None else read_reviewed(folder / second, result.recorded)
    if second is None:
        counted = result.machine_events, counted_events(reviewed)
    else:
        counted = counted_events(reviewed), counted_events(other)
    first, last = map(_by_side, counted)
    unseen = sum(not row.verdict for row in (*reviewed, *other))
    return Rated(name, result.valid_s, first, last, unseen, result.warnings)


def _by_side(events: Sequence[Event]) -> dict[str, int]:
    counts = {side: sum(event.side == side for event in events) for side in SIDES}
    return {BOTH_SIDES: len(events), **counts}
