"""One row of the table: a fault, the command that meets it, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hfs_vision.analysis.result import RESULT_FILES
from hfs_vision.schema import Event
from tests.faults.material import events_in
from tests.faults.watching import Watched

REPORT = "report.html"
ANALYSIS = frozenset({*RESULT_FILES, REPORT})
"""What `analyze` leaves."""


@dataclass(frozen=True)
class Place:
    """Where one row runs: an empty folder, the current one of its command."""

    folder: Path

    @property
    def out(self) -> Path:
        """Where its results go."""
        return self.folder / "out"

    def file(self, name: str) -> Path:
        """A file of the fault's own, outside the current folder of the command."""
        (self.folder.parent / "made").mkdir(exist_ok=True)
        return self.folder.parent / "made" / name


@dataclass(frozen=True)
class Seen:
    """What came of a row's command.

    Attributes:
        code: Exit code; of a process that a signal ended, minus its number.
        shown: All that the terminal showed, as lines.
        silence_s: Longest time without a message, waiting for a processor left out.
        seconds: How long it took.
        files: Names of the files that it left in its current folder, sorted, with folders.
        place: Where it ran.
        ended: Whether it had to be ended because it hung.
    """

    code: int
    shown: str
    silence_s: float
    seconds: float
    files: tuple[str, ...]
    place: Place
    ended: bool = False

    @property
    def lines(self) -> list[str]:
        """What was shown, empty lines and frames of tables left out."""
        return [line.rstrip() for line in self.shown.splitlines() if line.strip()]

    @property
    def errors(self) -> list[str]:
        """Messages of errors."""
        return [line for line in self.lines if line.startswith(("error: ", "Error: "))]

    @property
    def warnings(self) -> list[str]:
        """Warnings, all but that the recording is short."""
        found = [line for line in self.lines if line.startswith("warning: ")]
        return [line for line in found if "short recording" not in line]

    def message(self) -> str:
        """What the user learns: the error, the warnings, or the last line; paths are masked."""
        told = self.errors or self.warnings or self.lines[-1:]
        text = "; ".join(told)
        for path, name in ((self.place.folder, "."), (self.place.folder.parent, "..")):
            text = text.replace(f"{path}/", "").replace(str(path), name)
        return text


Check = Callable[[Seen], str]
"""What is wrong with the outcome; empty if nothing is."""


@dataclass(frozen=True)
class Expect:
    """What must come of a row.

    Attributes:
        code: Exit codes that are right.
        says: Words of what is shown.
        leaves: Names of files that must be there afterwards, and no others; ``None`` for any.
        check: Looks at the rest.
        silent: Whether it ends without a word, since nobody reads.
    """

    code: int | tuple[int, ...] = 0
    says: str = ""
    leaves: frozenset[str] | None = None
    check: Check = lambda seen: ""
    silent: bool = False

    def fault(self, seen: Seen) -> str:
        """Why the outcome is not what is expected; empty if it is."""
        codes = self.code if isinstance(self.code, tuple) else (self.code,)
        if "Traceback" in seen.shown:
            return "a traceback"
        if seen.ended:
            return "a hang"
        if seen.code not in codes:
            return f"exit code {seen.code}, not {' or '.join(map(str, codes))}"
        if seen.code in (1, 2) and len(seen.errors) != (0 if self.silent else 1):
            return f"{len(seen.errors)} error messages"
        if self.says not in " ".join(seen.shown.split()):
            return f"it does not say {self.says!r}"
        if self.leaves is not None and {Path(f).name for f in seen.files} != self.leaves:
            return f"it leaves {', '.join(seen.files) or 'nothing'}"
        return self.check(seen)


def refused(says: str, code: int = 1) -> Expect:
    """The command says why not, and leaves nothing."""
    return Expect(code, says, frozenset())


def answered(
    *events: tuple[str, float, float], says: str = "", lacking: bool = False, quiet: bool = False
) -> Expect:
    """Results, all of whose events are among these: side, onset and offset in seconds.

    Args:
        lacking: Whether some of them may be missing.
        quiet: Whether there must be no warning.
    """

    def check(seen: Seen) -> str:
        found = events_in(seen.place.out)
        if quiet and seen.warnings:
            return f"it warns: {seen.warnings[0]}"
        unknown = [e for e in found if not any(_fits(e, *true) for true in events)]
        if unknown:
            return "an event that the recording does not hold: " + _text(unknown[0])
        if len(found) < len(events) and not lacking:
            return f"{len(found)} of {len(events)} events"
        return ""

    return Expect(0, says, check=check)


def _fits(event: Event, side: str, onset_s: float, offset_s: float) -> bool:
    return (
        event.side == side and onset_s - 0.1 <= event.onset_s and event.offset_s <= offset_s + 0.1
    )


def _text(event: Event) -> str:
    return f"{event.side} {event.kind} {event.onset_s:.2f} to {event.offset_s:.2f} s"


@contextmanager
def _as_it_is(place: Place) -> Iterator[None]:
    with nullcontext():
        yield


@dataclass(frozen=True)
class Row:
    """One fault.

    Attributes:
        group: ``source``, ``model``, ``detector``, ``writer``, ``signals`` ...
        name: What is wrong.
        command: Makes the fault and gives the arguments of ``hfs-vision``.
        expect: What must come of it.
        weak: Why this is less than a user should get; the row is then published as weak.
        quick: Whether it is part of the test suite.
        missing: What it needs and is not here; the row is then left out, and counted.
        during: Does something to the running process.
        around: What holds while the command runs.
        injected: A fault of `tests.faults.injected` inside the program.
        environment: Added to the process's.
        limits: ``ulimit`` options for the process, such as ``-f 8``.
        stdout: A file that takes standard output.
    """

    group: str
    name: str
    command: Callable[[Place], list[Any]]
    expect: Expect
    weak: str = ""
    quick: bool = False
    missing: Callable[[], str] = lambda: ""
    during: Callable[[Place, Watched], None] | None = None
    around: Callable[[Place], Any] = _as_it_is
    injected: str = ""
    environment: Callable[[Place], Mapping[str, str]] = lambda place: {}
    limits: str = ""
    stdout: str = ""
    program: Callable[[Place], list[str]] | None = field(default=None)
