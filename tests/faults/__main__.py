"""``python -m tests.faults``: runs the rows and the damaged videos, writes docs/reliability.md."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

from tests.faults.matrix import ROWS
from tests.faults.mutations import COUNT, Corpus, Mutation, Verdict
from tests.faults.page import page
from tests.faults.rows import Row
from tests.faults.running import Result, run_rows


def main() -> int:
    """Runs what is asked for; 1 if a row failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", metavar="PATTERN", help="rows 'GROUP: NAME', or 'mutations'")
    parser.add_argument("--mutation", type=int, nargs="*", metavar="N", help="only these")
    parser.add_argument("--jobs", type=int, default=2, help="at a time [default: 2]")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="where the page goes")
    given = parser.parse_args()
    rows = [r for r in ROWS if re.search(given.only or "", f"{r.group}: {r.name}")]
    numbers = range(COUNT) if re.search(given.only or "", "mutations") else []
    if given.mutation is not None:
        rows, numbers = [], given.mutation
    with tempfile.TemporaryDirectory(prefix="hfs-faults-") as scratch:
        results = _run(rows, Path(scratch), given.jobs)
        verdicts = _mutate([Mutation(n) for n in numbers], Path(scratch), given.jobs)
    if given.write:
        given.write.write_text(page(results, verdicts), encoding="utf-8")
    return int(any(r.kind == "failed" for r in results))


def _run(rows: list[Row], scratch: Path, jobs: int) -> list[Result]:
    return [_told(result) for result in run_rows(rows, scratch, jobs)]


def _told(result: Result) -> Result:
    seen = result.seen
    what = f"{seen.code:4} {seen.silence_s:4.1f} s  {seen.message()[:120]}" if seen else ""
    name = f"{result.row.group}: {result.row.name}"
    print(f"{result.kind:8} {name}  {result.fault}  {what}", flush=True)
    return result


def _mutate(mutations: list[Mutation], scratch: Path, jobs: int) -> list[Verdict]:
    corpus, found = Corpus(scratch, jobs), []
    try:
        for verdict in corpus.run(mutations):
            found.append(verdict)
            m = verdict.mutation
            print(
                f"{verdict.kind:8} mutation {m.number}: {m.codec}, {m.kind}  {verdict.reason}  "
                f"{verdict.seconds:.1f} s  {verdict.shown[:120]}",
                flush=True,
            )
    finally:
        corpus.close()
    return found


if __name__ == "__main__":
    sys.exit(main())
