"""Frames per second at 480p, 1080p and 4K: the bare loop of `throughput`, one worker and two.

The sample is enlarged in a wide picture, with a camera's noise added, encoded once for each height
and repeated by its packets. All read the same file in turns, each in a fresh process, and count as
in `throughput`. On a shared machine only the ratios within a round, and processor time, carry over.
"""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.video import open_source
from hfs_vision.video.recording import TICKS_PER_S, add_h264, timed_frame
from tests.benchmarks.common import SAMPLE, Report, in_fresh_process, parser, spread, steps
from tests.benchmarks.memory import repeat_clip
from tests.benchmarks.throughput import STAGES, Run, bare, whole

_SIZES = {480: (640, 480), 1080: (1920, 1080), 2160: (3840, 2160)}
_MBIT_PER_S = {480: 2.5, 1080: 10.0, 2160: 40.0}  # decoding costs by bits as much as by pixels
_ENCODED_S = 10
_NOISE = 4.0
_WORKERS = (1, 2)


def enlarged(rgb: NDArray[np.uint8], size: tuple[int, int], seed: int) -> NDArray[np.uint8]:
    """A square picture in the middle of a wide one, as high as it, on a blur of itself."""
    width, height = size
    wide = cv2.resize(cv2.blur(rgb, (61, 61)), size)
    left = (width - height) // 2
    wide[:, left : left + height] = cv2.resize(rgb, (height, height), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(seed).standard_normal((height, width, 1), np.float32)
    return np.asarray(np.clip(wide + np.float32(_NOISE) * noise, 0, 255), np.uint8)


def write_clip(path: Path, size: tuple[int, int], mbit_per_s: float) -> None:
    """The first seconds of the sample, enlarged, as H.264 of that rate."""
    with open_source(SAMPLE) as source, av.open(str(path), "w") as out:
        stream = add_h264(out, size, {"b": str(round(1e6 * mbit_per_s)), "preset": "fast"})
        for frame in islice(source, round(_ENCODED_S * (source.info.nominal_fps or 30))):
            picture = enlarged(frame.rgb, size, frame.index)
            out.mux(stream.encode(timed_frame(picture, round(frame.time_s * TICKS_PER_S))))
        out.mux(stream.encode(None))


def _rounds(video: Path, repeat: int, height: int) -> dict[str, list[tuple[Run, dict[str, float]]]]:
    """Each way's runs, in order of the rounds."""
    found: dict[str, list[tuple[Run, dict[str, float]]]] = {"bare loop": []}
    found |= {f"--workers {number}": [] for number in _WORKERS}
    for _ in steps(range(repeat), f"rounds at {height} lines"):
        found["bare loop"].append((in_fresh_process(bare, video), {}))
        for number in _WORKERS:
            found[f"--workers {number}"].append(in_fresh_process(whole, video, number))
    return found


def _row(name: str, runs: list[tuple[Run, Any]], bares: list[tuple[Run, Any]]) -> list[Any]:
    pairs = [(run, base) for (run, _), (base, _) in zip(runs, bares, strict=True)]
    return [
        name,
        pairs[0][0].frames,
        spread([run.fps for run, _ in pairs]),
        spread([run.cpu_ms for run, _ in pairs]),
        spread([run.fps / base.fps for run, base in pairs]),
        spread([run.cpu_ms / base.cpu_ms for run, base in pairs]),
    ]


def main() -> None:
    """One table of speeds and one of stages for each height."""
    arguments = parser(__doc__)
    arguments.add_argument("--heights", type=int, nargs="+", choices=_SIZES, default=[*_SIZES])
    arguments.add_argument("--repeat", type=int, default=3, metavar="N", help="rounds (3)")
    arguments.add_argument("--seconds", type=int, default=240, help="length of the videos (240)")
    given = arguments.parse_args()
    report = Report(f"resolution: {given.seconds} s of {SAMPLE.name}, enlarged")
    kept: dict[int, Any] = {}
    for height in given.heights:
        with tempfile.TemporaryDirectory() as folder:
            clip, video = Path(folder) / "clip.mp4", Path(folder) / "long.mp4"
            write_clip(clip, _SIZES[height], _MBIT_PER_S[height])
            mbit_per_s = 8e-6 * clip.stat().st_size / _ENCODED_S
            repeat_clip(clip, max(given.seconds // _ENCODED_S, 1), video)
            found = _rounds(video, given.repeat, height)
        report.table(
            f"{height} lines, {mbit_per_s:.1f} Mbit/s, median (least-largest) of the rounds",
            ["", "frames", "frames/s", "CPU ms a frame", "frames/s / bare", "CPU / bare"],
            [_row(name, runs, found["bare loop"]) for name, runs in found.items()],
        )
        stages = {
            name: {stage: float(np.median([spent[stage] for _, spent in runs])) for stage in STAGES}
            for name, runs in found.items()
            if name != "bare loop"
        }
        report.table(
            "processor time of analyze by stage, ms a frame",
            ["", *STAGES],
            [[name, *spent.values()] for name, spent in stages.items()],
        )
        runs = {name: [vars(run) for run, _ in runs] for name, runs in found.items()}
        kept[height] = {"mbit_per_s": mbit_per_s, "runs": runs, "stages_cpu_ms": stages}
    report.keep(seconds=given.seconds, heights=kept)
    report.write(given.json)


if __name__ == "__main__":
    main()
