"""What the tables of a result must agree on: when its recording begins and ends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hfs_vision.core.settings import Settings
from hfs_vision.errors import TableError
from hfs_vision.schema import END_SLACK_S, ROUNDING_S

BREAK_S = 3600.0
"""A session that is paused, or whose camera is lost, goes on without frames: so far may its marks
lie beyond the last of them, and rows of signals beyond the end that a summary states."""

_SCALES = {1e3: "milliseconds", 1e6: "microseconds"}


@dataclass(frozen=True)
class RecordingSpan:
    """What is known of the recording that a table is of; what the defaults say where nothing is.

    Attributes:
        start_s, end_s: Its first and last moment, in seconds on its own clock.
        tonic_s: From which length on its events are tonic.
    """

    start_s: float = -math.inf
    end_s: float = math.inf
    tonic_s: float = Settings().tonic_s

    def check(self, path: Path, row: int, times_s: Iterable[tuple[str, float]]) -> None:
        """Refuses times that the recording does not have; `END_SLACK_S` is granted, as to labels.

        Args:
            path: The table.
            row: Where they are in it.
            times_s: Column and time in seconds; NaN is passed over.

        Raises:
            TableError: With the column, the time, the recording's span and what may have happened.
        """
        self._refuse(path, row, times_s, self.start_s - END_SLACK_S, self.end_s + END_SLACK_S)

    def check_mark(self, path: Path, row: int, name: str, time_s: float, *, segment: bool) -> None:
        """The same for a mark of a live session, which may be set before the first frame, and but
        for a segment after the last.

        Raises:
            TableError: As above.
        """
        last_s = self.end_s + (END_SLACK_S if segment else BREAK_S)
        self._refuse(path, row, [(name, time_s)], min(self.start_s, 0.0) - END_SLACK_S, last_s)

    def _refuse(
        self,
        path: Path,
        row: int,
        times_s: Iterable[tuple[str, float]],
        first_s: float,
        last_s: float,
    ) -> None:
        for name, time_s in times_s:
            if first_s <= time_s <= last_s or math.isnan(time_s):
                continue
            span = f"from {self.start_s:g} to {self.end_s:g} s"
            if math.isinf(self.start_s):
                span = f"until {self.end_s:g} s"
            raise TableError(
                f"{path}, row {row}: {name} is {time_s:g} s, but the recording runs {span}: "
                f"{_guess(time_s, first_s, last_s)}"
            )


def _guess(time_s: float, first_s: float, last_s: float) -> str:
    """What may have happened to a time that the recording does not have."""
    for scale, unit in _SCALES.items():
        if first_s <= time_s / scale <= last_s:
            return (
                f"it may be in {unit}, or a spreadsheet took a decimal point for one of thousands; "
                f"write seconds with a decimal point ({time_s / scale:g})"
            )
    return "write a time within it, in seconds with a decimal point"


def doubts_of_times(
    path: Path, *, start_s: float, end_s: float, told_s: float, valid_s: float, coverage: float
) -> tuple[str, ...]:
    """Times of a summary that contradict each other, of which one at least was edited.

    Args:
        path: The summary.
        start_s: As there, in seconds; NaN, as of the others, where it says nothing.
        end_s: As there.
        told_s: Its ``duration_s``.
        valid_s: As there.
        coverage: As there, a share.

    Raises:
        TableError: If the valid time is longer than the recording: every rate refers to it.
    """
    duration_s = end_s - start_s if math.isnan(told_s) else told_s
    if valid_s > duration_s + ROUNDING_S:
        raise TableError(
            f"{path} cannot be read as a summary: valid_s is {valid_s:g}, and the recording lasts "
            f"{duration_s:g} s: correct it, or make the result again"
        )
    share_s = coverage * duration_s
    found = []
    if abs(valid_s - share_s) > ROUNDING_S + 1e-6 * duration_s:
        found.append(
            f"{path.name} says valid_s {valid_s:g}, but coverage of duration_s is {share_s:g} s"
        )
    if abs(end_s - start_s - told_s) > ROUNDING_S:
        found.append(
            f"{path.name} says duration_s {told_s:g}, but end_s less start_s is "
            f"{end_s - start_s:g} s"
        )
    more = ": one of them was edited; hfs-vision detect makes the result again"
    return tuple(text + more for text in found)
