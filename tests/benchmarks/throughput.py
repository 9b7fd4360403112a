"""Frames per second of `hfs_vision.analyze` against the least that any such program must do.

The bare loop is cv2.VideoCapture -> cvtColor -> FaceMesh.process and nothing else: no subject, no
measurement, no events, no times. Both read the same file in turns (A B, A B, ...), each in a fresh
process; imports and the loading of the models are not counted in either. On a shared machine only
the ratio within a pair carries over.

The stages are timed in batches of frames, one stage after the other: decoding threads that run
ahead of their batch are charged to the next stage (at most 2 frames of 32).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
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

_BATCH_BYTES = 256 << 20
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

    from hfs_vision.quiet import quiet_native

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


def whole(path: Path) -> Run:
    """`hfs_vision.analyze` without the loading of its models."""
    from hfs_vision import pipeline

    loading, total = Stopwatch(), Stopwatch()
    load: Callable[..., Any] = vars(pipeline)["open_landmarker"]

    def timed_load(*args: Any, **options: Any) -> Any:
        with loading.running():
            return load(*args, **options)

    vars(pipeline)["open_landmarker"] = timed_load
    with total.running():
        result = pipeline.analyze(path, landmarker="facemesh")
    frames = result.summary.frames
    return Run(frames, total.wall_s - loading.wall_s, total.cpu_s - loading.cpu_s)


def by_stage(path: Path) -> dict[str, tuple[float, float]]:
    """Wall and CPU milliseconds per frame of each stage of the pipeline."""
    from hfs_vision.appearance import Appearance, readings
    from hfs_vision.core.detector import Detector
    from hfs_vision.core.geometry import measure
    from hfs_vision.facemesh import open_landmarker
    from hfs_vision.video import open_source

    watches, frames = {name: Stopwatch() for name in STAGES}, 0
    source, finder, detector = open_source(path), open_landmarker("facemesh"), Detector()
    iterator, appearance = iter(source), Appearance()
    size = 3 * source.info.width * source.info.height
    batch = max(1, min(32, _BATCH_BYTES // size))
    while True:
        with watches["decode"].running():
            chunk = list(islice(iterator, batch))
        if not chunk:
            break
        with watches["landmarks"].running():
            points = np.stack([finder(frame) for frame in chunk])
        with watches["patches"].running():
            looks = [appearance(frame, face) for frame, face in zip(chunk, points, strict=True)]
        with watches["measure"].running():
            measured = measure(np.array([f.time_s for f in chunk]), points, readings(looks))
        with watches["detect"].running():
            detector.update(measured)
        frames += len(chunk)
    with watches["detect"].running():
        detector.finish()
    finder.close()
    return {k: (1000 * w.wall_s / frames, 1000 * w.cpu_s / frames) for k, w in watches.items()}


def _stage_rows(runs: list[dict[str, tuple[float, float]]]) -> list[list[Any]]:
    cpu = {name: float(np.median([run[name][1] for run in runs])) for name in STAGES}
    wall = {name: float(np.median([run[name][0] for run in runs])) for name in STAGES}
    total = sum(cpu.values())
    rows = [[name, cpu[name], wall[name], f"{cpu[name] / total:.1%}"] for name in STAGES]
    return [*rows, ["all", total, sum(wall.values()), "100%"]]


def main() -> None:
    """Runs pairs, then stages, and prints both."""
    arguments = parser(__doc__)
    arguments.add_argument("video", type=Path, nargs="?", default=SAMPLE, help="default: a sample")
    arguments.add_argument("--repeat", type=int, default=5, metavar="N", help="pairs (5)")
    given = arguments.parse_args()
    report = Report(f"throughput: {given.video.name}")
    pairs = [
        (in_fresh_process(bare, given.video), in_fresh_process(whole, given.video))
        for _ in steps(range(given.repeat), "pairs of bare loop and analyze")
    ]
    bares, wholes = [a for a, _ in pairs], [b for _, b in pairs]
    rows = [
        [name, runs[0].frames, spread([r.fps for r in runs]), spread([r.cpu_ms for r in runs])]
        for name, runs in (("bare loop", bares), ("analyze", wholes))
    ]
    speed = [b.fps / a.fps for a, b in pairs]
    cost = [b.cpu_ms / a.cpu_ms for a, b in pairs]
    rows.append(["analyze / bare, by pairs", "", spread(speed), spread(cost)])
    report.table(
        f"median (least-largest) of {given.repeat} pairs",
        ["", "frames", "frames/s", "CPU ms a frame"],
        rows,
    )
    stages = [in_fresh_process(by_stage, given.video) for _ in steps(range(3), "stages")]
    stage_rows = _stage_rows(stages)
    report.table(
        "stages of analyze, median of 3 runs",
        ["stage", "CPU ms a frame", "wall ms a frame", "share of CPU"],
        stage_rows,
    )
    report.keep(
        video=given.video.name,
        runs=[{"bare": vars(a), "analyze": vars(b)} for a, b in pairs],
        fps_ratio=float(np.median(speed)),
        cpu_ratio=float(np.median(cost)),
        stages_cpu_ms={row[0]: row[1] for row in stage_rows},
    )
    report.write(given.json)


if __name__ == "__main__":
    main()
