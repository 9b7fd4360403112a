"""Cost of a long diary: the size of its file, the time to load it, and to add to it.

The sessions are made up: each has the whole and four labelled segments. Loading is timed in a fresh
process, once with what it takes to import the libraries and once without.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hfs_vision.diary import open_diary
from hfs_vision.diary.database import Database
from tests.benchmarks.common import Report, parser, spread, steps
from tests.diary_support import new_diary, session

LABELS = ("rest", "gentle_closure", "reading", "talking")
_LOAD = """
import sys, time
def now():
    return time.perf_counter(), time.process_time()
times = [now()]
from hfs_vision.diary import open_diary
with open_diary(sys.argv[1]) as store:
    times.append(now())
    store.load()
    times.append(now())
for (wall, cpu), (next_wall, next_cpu) in zip(times, times[1:]):
    print(next_wall - wall, next_cpu - cpu)
"""


def fill(path: Path, count: int) -> list[float]:
    """Adds sessions one by one; the seconds that each took."""
    took = []
    with open_diary(new_diary(path)) as store:
        for day in steps(range(count), "adding"):
            record = session(day, labels=LABELS, warnings=("short recording",))
            began = time.perf_counter()
            store.add(record)
            took.append(time.perf_counter() - began)
    return took


def loaded(path: Path) -> list[float]:
    """Seconds and processor seconds of importing and opening, and of loading, in a new process."""
    command = [sys.executable, "-c", _LOAD, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [float(text) for text in done.stdout.split()]


def checked(path: Path) -> float:
    """Seconds of looking through all pages."""
    database = Database(path)
    began = time.perf_counter()
    database.check()
    return time.perf_counter() - began


def main() -> None:
    """Fills a diary and times what is done with it."""
    arguments = parser(__doc__)
    arguments.add_argument("--sessions", type=int, default=10_000, help="how many (10000)")
    arguments.add_argument("--repeat", type=int, default=5, metavar="N", help="loads (5)")
    arguments.add_argument("--keep", type=Path, metavar="FILE", help="leave the diary there")
    given = arguments.parse_args()
    report = Report(f"diary_store: {given.sessions:,} sessions of {len(LABELS)} segments")
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "long.diary"
        added = fill(path, given.sessions)
        loads = np.array([loaded(path) for _ in range(given.repeat)]).T
        checks = [checked(path) for _ in range(given.repeat)]
        size_mb = path.stat().st_size / 1e6
    rows = [
        ["file, MB", f"{size_mb:.1f}"],
        ["adding a session, ms", f"{1000 * float(np.median(added)):.1f}"],
        ["import and open, s", spread(loads[0].tolist())],
        ["the same, CPU", spread(loads[1].tolist())],
        ["load, s", spread(loads[2].tolist())],
        ["the same, CPU", spread(loads[3].tolist())],
        ["look through all pages, s", spread(checks)],
    ]
    report.table(f"median (least-largest) of {given.repeat}", ["", ""], rows)
    report.keep(size_mb=size_mb, add_s=float(np.median(added)), loads=loads.tolist(), checks=checks)
    report.write(given.json)


if __name__ == "__main__":
    main()
