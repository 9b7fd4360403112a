"""A recording protocol: tasks that a person is led through, each a labelled segment.

A protocol is a CSV file with a row for each step, so that it can be made in a spreadsheet;
docs/protocol.md describes it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hfs_vision.errors import TableError, UsageError
from hfs_vision.results import parse_number, read_rows

BUILT_IN = ("clinical",)
"""Names of the protocols that come with the package."""

COLUMNS = ("label", "prompt", "seconds", "repeat", "pause_s")
"""Columns of a protocol; the last two may be missing, and their cells empty."""

PAUSE_TEXT = "Relax"

_MAX_LABEL, _MAX_PROMPT = 40, 200
_MAX_SECONDS, _MAX_REPEAT, _MAX_PAUSE_S = 3600, 100, 600
_MAX_STEPS, _MAX_HOURS = 200, 4


@dataclass(frozen=True)
class ProtocolTask:
    """One task; all of its repeats and pauses are one segment.

    Attributes:
        label: Name of the segment in the results.
        prompt: What the person is asked to do.
        seconds: How long, each time.
        repeat: How many times.
        pause_s: Rest after each time, in seconds.
    """

    label: str
    prompt: str
    seconds: float
    repeat: int = 1
    pause_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Length with all repeats and pauses, in seconds."""
        return self.repeat * (self.seconds + self.pause_s)

    def stretches(self) -> Iterator[tuple[str, float]]:
        """Text and length in seconds of each repeat and of each pause, in order."""
        for number in range(1, self.repeat + 1):
            counter = f" ({number} of {self.repeat})" if self.repeat > 1 else ""
            yield self.prompt + counter, self.seconds
            if self.pause_s:
                yield PAUSE_TEXT, self.pause_s


@dataclass(frozen=True)
class Cue:
    """What is asked at one moment.

    Attributes:
        step: Number of the step, from 0.
        label: Its label.
        text: Its prompt, numbered where it is repeated; `PAUSE_TEXT` in a pause.
        left_s: Seconds until this repeat, or this pause, is over.
        ends_s: Time since the protocol began at which the whole step is over.
    """

    step: int
    label: str
    text: str
    left_s: float
    ends_s: float


@dataclass(frozen=True)
class Protocol:
    """Steps in order; one or more.

    Attributes:
        name: Name of the protocol, or of its file without the ending.
        steps: What is asked.
    """

    name: str
    steps: tuple[ProtocolTask, ...]

    @property
    def shown_name(self) -> str:
        """Its name in results, which hold no names of files: ``own`` of one of the user's."""
        built_in = self.name in BUILT_IN and self == open_protocol(self.name)
        return self.name if built_in else "own"

    @property
    def duration_s(self) -> float:
        """Length of all steps, in seconds."""
        return self._ends_s[-1]

    @property
    def starts_s(self) -> tuple[float, ...]:
        """Time since the protocol began at which each step starts, in seconds."""
        return (0.0, *self._ends_s[:-1])

    def at(self, elapsed_s: float) -> Cue | None:
        """What is asked so many seconds after the protocol began; ``None`` once it is over.

        >>> rest = ProtocolTask("rest", "Rest.", 60.0)
        >>> steps = (rest, ProtocolTask("smile", "Smile.", 3.0, 5, 2.0))
        >>> Protocol("short", steps).at(65.5).text
        'Smile. (2 of 5)'
        """
        elapsed_s = max(elapsed_s, 0.0)
        index = bisect_right(self._stretches, elapsed_s, key=lambda stretch: stretch.end_s)
        if index == len(self._stretches):
            return None
        now = self._stretches[index]
        label, ends_s = self.steps[now.step].label, self._ends_s[now.step]
        return Cue(now.step, label, now.text, now.end_s - elapsed_s, ends_s)

    # Every time is read off these sums, so that rounding leaves no hole between two stretches.
    @cached_property
    def _stretches(self) -> tuple[_Stretch, ...]:
        end_s, found = 0.0, []
        for number, step in enumerate(self.steps):
            for text, seconds in step.stretches():
                end_s += seconds
                found.append(_Stretch(number, text, end_s))
        return tuple(found)

    @cached_property
    def _ends_s(self) -> tuple[float, ...]:
        return tuple({stretch.step: stretch.end_s for stretch in self._stretches}.values())


@dataclass(frozen=True)
class _Stretch:
    """One repeat or one pause, and the time at which it is over."""

    step: int
    text: str
    end_s: float


def open_protocol(name_or_path: str) -> Protocol:
    """Reads a protocol: one of `BUILT_IN`, or a file.

    Raises:
        UsageError: If there is neither a built-in protocol of that name nor such a file.
        TableError: If the file is not as documented; names file and row.
    """
    path = protocol_file(name_or_path)
    steps: list[ProtocolTask] = []
    for number, cells in read_rows(path, COLUMNS[:3]):
        if len(steps) == _MAX_STEPS:
            raise TableError(f"{path}, row {number}: write {_MAX_STEPS} steps at most")
        steps.append(_read_step(_ProtocolRow(path, number, cells)))
    if not steps:
        raise TableError(f"{path} holds no step; write one or more rows below the first")
    duration_s = sum(step.duration_s for step in steps)
    if duration_s > _MAX_HOURS * 3600:
        raise TableError(
            f"{path}: the steps last {duration_s / 3600:.2f} h; ask for {_MAX_HOURS} h at most"
        )
    return Protocol(path.stem, tuple(steps))


def protocol_file(name_or_path: str) -> Path:
    """Where a protocol is: one of `BUILT_IN`, or a path.

    Raises:
        UsageError: If it is neither.
    """
    if name_or_path in BUILT_IN:
        return Path(__file__).with_name(f"{name_or_path}.csv")
    path = Path(name_or_path)
    if not path.is_file():
        raise UsageError(
            f"there is no protocol {name_or_path!r}; name a CSV file, or a built-in one: "
            f"{', '.join(BUILT_IN)}"
        )
    return path


@dataclass(frozen=True)
class _ProtocolRow:
    """A row of the file, which says what is wrong with a cell."""

    path: Path
    number: int
    cells: dict[str, str]

    def text(self, name: str, most: int) -> str:
        """Text of a cell in one line: a spreadsheet's line breaks and odd blanks become spaces."""
        text = " ".join(self.cells[name].split())
        if not (0 < len(text) <= most and text.isprintable()):
            raise self.error(name, f"1 to {most} printable characters")
        return text

    def value(self, name: str, default: float) -> float:
        """Number in a cell; the default if it is empty or its column is missing."""
        text = self.cells.get(name, "")
        return parse_number(self.path, self.number, name, text) if text.strip() else default

    def error(self, name: str, wanted: str) -> TableError:
        """What is wrong, the cell as it stands, and what to write."""
        cell = self.cells[name]
        return TableError(f"{self.path}, row {self.number}: {name} is {cell!r}; write {wanted}")


def _read_step(row: _ProtocolRow) -> ProtocolTask:
    label, prompt = row.text("label", _MAX_LABEL), row.text("prompt", _MAX_PROMPT)
    seconds = row.value("seconds", 0.0)
    if not 0 < seconds <= _MAX_SECONDS:
        raise row.error("seconds", f"a number above 0, {_MAX_SECONDS} at most")
    repeat = row.value("repeat", 1.0)
    if repeat not in range(1, _MAX_REPEAT + 1):
        raise row.error("repeat", f"a whole number from 1 to {_MAX_REPEAT}")
    pause_s = row.value("pause_s", 0.0)
    if not 0 <= pause_s <= _MAX_PAUSE_S:
        raise row.error("pause_s", f"a number from 0 to {_MAX_PAUSE_S}")
    return ProtocolTask(label, prompt, seconds, int(repeat), pause_s)
