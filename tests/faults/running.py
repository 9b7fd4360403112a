"""Runs rows and judges them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.faults.rows import Place, Row, Seen
from tests.faults.watching import Watched, program


@dataclass(frozen=True)
class Result:
    """A row and what came of it.

    Attributes:
        seen: ``None`` where the row could not be run here.
        fault: Why it is not what is expected, or why it could not be run; empty if all is well.
    """

    row: Row
    seen: Seen | None
    fault: str = ""

    @property
    def kind(self) -> str:
        """``skipped``, ``failed``, ``weak``, ``refused``, ``warned``, ``ended`` or ``right``."""
        if self.seen is None:
            return "skipped"
        if self.fault:
            return "failed"
        if self.row.weak:
            return "weak"
        if self.seen.code in (1, 2):
            return "refused"
        if self.seen.code:
            return "ended"
        return "warned" if self.seen.warnings else "right"


def run_row(row: Row, scratch: Path) -> Result:
    """Makes one fault, meets it and judges; what was made is removed."""
    if reason := row.missing():
        return Result(row, None, reason)
    folder = Path(tempfile.mkdtemp(prefix="row-", dir=scratch))
    place = Place(folder / "here")
    place.folder.mkdir(mode=0o700)
    try:
        arguments = row.command(place)
        before = set(_files(place.folder))
        command = program(*arguments, injected=row.injected, limits=row.limits)
        if row.program is not None:
            command = [*row.program(place), *map(str, arguments)]
        with row.around(place):
            running = Watched(command, place.folder, row.environment(place), row.stdout)
            try:
                if row.during is not None:
                    row.during(place, running)
            finally:
                code = running.finish()
            files = tuple(sorted(set(_files(place.folder)) - before))
            seen = Seen(
                code,
                running.shown,
                running.silence_s,
                running.seconds,
                files,
                place,
                running.ended,
            )
            return Result(row, seen, row.expect.fault(seen))
    except Exception as error:
        raise RuntimeError(f"the row {row.group}: {row.name} cannot be run") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_rows(rows: Sequence[Row], scratch: Path, jobs: int = 1) -> Iterator[Result]:
    """Runs rows, some at a time, and gives the results in order."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda row: run_row(row, scratch), rows)


def _files(folder: Path) -> list[str]:
    found = (Path(where, name) for where, _, names in os.walk(folder) for name in names)
    return [str(path.relative_to(folder)) for path in found]
