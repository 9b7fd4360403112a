"""Recordings per hour of `hfs-vision batch` against one `analyze` after the other.

Both analyse copies of the same recording, in turns (A B, A B, ...): A is a fresh process of
`hfs-vision analyze` for each recording, as a loop in a shell would do it, B one batch with each
number of jobs. All start from nothing, imports and the loading of models count. On a shared machine
only the ratio within a round carries over.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.common import SAMPLE, Report, parser, spread, steps


def timed(*arguments: object) -> float:
    """Seconds that a command of the program takes."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "hfs_vision", *map(str, arguments)], check=True, capture_output=True
    )
    return time.perf_counter() - began


def in_sequence(videos: list[Path], out: Path) -> float:
    return sum(timed("analyze", video, "--out", out / video.stem) for video in videos)


def as_batch(videos: list[Path], out: Path, jobs: int) -> float:
    return timed("batch", *videos, "--out", out, "--jobs", jobs)


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--video", type=Path, default=SAMPLE, help="recording that is copied")
    arguments.add_argument("--files", type=int, default=20, help="copies (default 20)")
    arguments.add_argument("--rounds", type=int, default=5, help="turns (default 5)")
    arguments.add_argument("--jobs", type=int, nargs="+", default=[1, 2], help="default 1 2")
    given = arguments.parse_args()
    report = Report("batch against analyze in sequence")
    sequence: list[float] = []
    batches: dict[int, list[float]] = {jobs: [] for jobs in given.jobs}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        videos = [root / f"{number:03d}{given.video.suffix}" for number in range(given.files)]
        for video in videos:
            shutil.copyfile(given.video, video)
        for _ in steps(range(given.rounds), "rounds"):
            out = root / "out"
            sequence.append(in_sequence(videos, out))
            shutil.rmtree(out)
            for jobs, took in batches.items():
                took.append(as_batch(videos, out, jobs))
                shutil.rmtree(out)
    hourly = [3600 * given.files / took for took in sequence]
    rows = [["analyze in sequence", spread(sequence), spread(hourly), "1"]]
    for jobs, took in batches.items():
        ratios = [one / other for one, other in zip(sequence, took, strict=True)]
        hourly = [3600 * given.files / each for each in took]
        rows.append([f"batch --jobs {jobs}", spread(took), spread(hourly), spread(ratios)])
    report.table(
        f"{given.files} copies of {given.video.name}, {given.rounds} rounds: median (least-most)",
        ["", "s", "recordings/h", "times as fast"],
        rows,
    )
    report.keep(files=given.files, sequence_s=sequence, batch_s=batches)
    report.write(given.json)


if __name__ == "__main__":
    main()
