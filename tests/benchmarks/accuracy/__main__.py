"""How many one-sided movements are found, at how many false events, by whom, under what.

Injects known movements into the clips of ``--clips`` that show none of their own, and into
rendered portraits; runs both landmark models once over each recording (kept in ``--work``); then
runs every detector at every sensitivity, and writes ``--report`` with its tables and plots.

    python -m tests.benchmarks.accuracy                 # pilot size, about 12 minutes
    python -m tests.benchmarks.accuracy --people 60 --items 4 --seconds 40 --jobs 8

``--clips`` holds ``clips/NAME.*`` and ``labels/NAME.csv`` (see `tests.benchmarks.clips`), or is
the ``clips`` folder itself. Without clips or portraits the part that needs them is left out.
matplotlib, which comes with MediaPipe, draws the plots.
"""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

from tests.benchmarks.accuracy import tables
from tests.benchmarks.accuracy.gather import gather, options
from tests.benchmarks.accuracy.report import write
from tests.benchmarks.accuracy.run import run
from tests.benchmarks.common import ROOT, Report


def main() -> None:
    made = options(__doc__, people=5, split="test")
    made.add_argument("--report", type=Path, default=ROOT / "docs" / "accuracy.md")
    given = made.parse_args()
    started = time.monotonic()
    done = run(*gather(given))
    command = shlex.join(["python", "-m", "tests.benchmarks.accuracy", *sys.argv[1:]])
    write(done, given.report, command, time.monotonic() - started, given.split)
    Report(f"accuracy: {given.report}").note(tables.floors(done))


if __name__ == "__main__":
    main()
