"""Frames per second of `hfs_vision.analyze` against the least that any such program must do.

The bare loop is cv2.VideoCapture -> cvtColor -> FaceMesh.process and nothing else: no subject, no
measurement, no events, no times, no loading of models. All read the same file in turns, each in a
fresh process: the bare loop in one, `analyze` in one and in several. On a shared machine only the
ratios within a round carry over.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.common import (
    SAMPLE,
    Report,
    Stopwatch,
    in_fresh_process,
    parser,
    spread,
    steps,
)
from tests.benchmarks.memory import repeat_clip

STAGES = ("decode", "landmarks", "patches", "measure", "detect")


@dataclass(frozen=True)
class Run:
    """One pass over the file."""

    frames: int
    wall_s: float
    cpu_s: float

    @property
    def fps(self) -> float:
        return self.frames / self.wall_s

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_s / self.frames


def bare(path: Path) -> Run:
    """Decode and Face Mesh, as short as it can be written."""
    import cv2
    import mediapipe

    from hfs_vision.landmarks.native_output import quiet_native

    with quiet_native():
        mesh = mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1)
        mesh.process(np.zeros((64, 64, 3), np.uint8))  # as `analyze` does while it loads
    watch, frames = Stopwatch(), 0
    with quiet_native(), watch.running():
        capture = cv2.VideoCapture(str(path))
        while True:
            good, bgr = capture.read()
            if not good:
                break
            mesh.process(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
            frames += 1
        capture.release()
    return Run(frames, watch.wall_s, watch.cpu_s)


def whole(path: Path, workers: int) -> tuple[Run, dict[str, float]]:
    """`hfs_vision.analyze`, the loading of models and the starting of workers included."""
    from hfs_vision import analyze

    total = Stopwatch()
    with total.running():
        result = analyze(path, landmarker="facemesh", workers=workers)
    assert result.speed is not None
    spent = result.speed["cpu_ms_a_frame"]
    frames = result.summary.frames
    # Workers have ended when `analyze` returns, but the stopwatch knows this process alone.
    return Run(frames, total.wall_s, sum(spent.values()) * frames / 1000), spent


def main() -> None:
    """Runs all in turns and prints frames per second, processor time and its stages."""
    arguments = parser(__doc__)
    arguments.add_argument("video", type=Path, nargs="?", default=SAMPLE, help="default: a sample")
    arguments.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds (3)")
    arguments.add_argument("--times", type=int, default=20, help="lengths of the video (20)")
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N")
    given = arguments.parse_args()
    report = Report(f"throughput: {given.times} x {given.video.name}")
    bares: list[Run] = []
    wholes: dict[int, list[Run]] = {n: [] for n in given.workers}
    stages: dict[int, list[dict[str, float]]] = {n: [] for n in given.workers}
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / f"long{given.video.suffix}"
        repeat_clip(given.video, given.times, video)
        for _ in steps(range(given.repeat), "bare loop and analyze in turns"):
            bares.append(in_fresh_process(bare, video))
            for number in given.workers:
                run, spent = in_fresh_process(whole, video, number)
                wholes[number].append(run)
                stages[number].append(spent)
    rows = [_row("bare loop", bares, bares)]
    rows += [_row(f"analyze --workers {n}", runs, bares) for n, runs in wholes.items()]
    report.table(
        f"median (least-largest) of {given.repeat} rounds",
        ["", "frames", "frames/s", "CPU ms a frame", "frames/s / bare", "CPU / bare"],
        rows,
    )
    report.table(
        "processor time of analyze by stage, ms a frame",
        ["", *STAGES],
        [
            [f"--workers {n}", *(float(np.median([s[name] for s in spent])) for name in STAGES)]
            for n, spent in stages.items()
        ],
    )
    report.keep(
        video=given.video.name,
        times=given.times,
        bare=[vars(run) for run in bares],
        analyze={n: [vars(run) for run in runs] for n, runs in wholes.items()},
        stages_cpu_ms=stages,
    )
    report.write(given.json)


def _row(name: str, runs: list[Run], bares: list[Run]) -> list[Any]:
    speed = [run.fps / base.fps for run, base in zip(runs, bares, strict=True)]
    cost = [run.cpu_ms / base.cpu_ms for run, base in zip(runs, bares, strict=True)]
    return [
        name,
        runs[0].frames,
        spread([run.fps for run in runs]),
        spread([run.cpu_ms for run in runs]),
        spread(speed),
        spread(cost),
    ]


if __name__ == "__main__":
    main()
