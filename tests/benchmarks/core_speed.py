"""Cost of the numpy core: an hour of 60 frames/s from landmarks to events.

The face is synthetic (tests.synthetic): blinks, one-sided spasms and jitter of every point. It is
made a minute at a time, which is not timed. "Pieces" feeds `measure` and `Detector` as many frames
at a time as the pipeline does; "one piece" feeds the detector the whole hour at once and `measure`
a minute at a time (an hour of landmarks is 2.5 GB).

``--lengths 1 60 480`` times `hfs_vision.detect` on recordings of so many minutes instead, in turns:
the cost of a frame must not grow with the length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from hfs_vision.analysis import measure_frames
from hfs_vision.analysis.pipeline import detect
from hfs_vision.core.detector import Detector
from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.core.settings import Settings
from hfs_vision.schema import FloatArray
from tests.benchmarks.common import Report, Stopwatch, parser, spread, steps
from tests.synthetic import Recording, face

FPS = 60.0
_MINUTE_S = 60.0
_POINT_JITTER_PX = 0.3
_LEAST_MINUTES = 20
"""What is shorter is detected several times, since a single time is too short to be measured."""


def chunk_of_pipeline() -> int:
    """Frames that the pipeline hands to the core at once."""
    return measure_frames._CHUNK


def minutes(count: int) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Times and landmarks ``(3600, 478, 3)`` of each minute of a recording; one is held at once."""
    shape = (round(_MINUTE_S * FPS), 478, 3)
    jitter = np.random.default_rng(0).normal(0, _POINT_JITTER_PX, shape)
    for number in range(count):
        recording = _minute(number)
        yield recording.time_s, face(recording.aperture, recording.commissure) + jitter


def _minute(number: int) -> Recording:
    """A blink every 4 s and a spasm every 6 s, of eye, mouth or both, with jitter."""
    start_s = number * _MINUTE_S
    recording, random = Recording(_MINUTE_S, FPS, start_s), np.random.default_rng(number)
    for onset_s in start_s + np.arange(2.0, 56.0, 4.0) + random.uniform(0, 1.5):
        recording.both_lids(float(onset_s))
    for count, onset_s in enumerate(start_s + np.arange(3.0, 57.0, 6.0) + random.uniform(0, 2.0)):
        side, length_s = int(random.integers(2)), float(random.uniform(0.15, 1.5))
        if count % 3 != 1:
            recording.lid(side, float(onset_s), length_s, 0.8)
        if count % 3 != 0:
            recording.pull(side, float(onset_s), length_s, 0.08)
    return recording.jitter(number, scale=0.5)


def timed(count: int, chunk: int | None) -> tuple[Stopwatch, Stopwatch, int]:
    """Time of measuring and of detecting, in pieces or (None) at once; number of events."""
    measure_frames, detecting, detector = Stopwatch(), Stopwatch(), Detector(Settings())
    whole: list[Measurements] = []
    events = 0
    for time_s, landmarks in minutes(count):
        size = chunk or len(time_s)
        for start in range(0, len(time_s), size):
            points = landmarks[start : start + size].copy()  # as fresh as from the landmarker
            with measure_frames.running():
                measured = measure(time_s[start : start + size], points)
            if chunk is None:
                whole.append(measured)
                continue
            with detecting.running():
                events += len(detector.update(measured).events)
    with detecting.running():
        if whole:
            events += len(detector.update(Measurements.concatenate(whole)).events)
        events += len(detector.finish().events)
    return measure_frames, detecting, events


def detected(count: int) -> tuple[float, int]:
    """Microseconds of processor time a frame of `hfs_vision.detect`, and the number of events."""
    measured = Measurements.concatenate([_minute(number).measured() for number in range(count)])
    watch, events = Stopwatch(), 0
    times = max(_LEAST_MINUTES // count, 1)
    for _ in range(times):
        with watch.running():
            events = len(detect(measured).events)
    return 1e6 * watch.cpu_s / (times * len(measured)), events


def compare_lengths(report: Report, lengths: list[int], repeat: int) -> None:
    """The cost of a frame by the length of the recording, and what it is of the first one's."""
    runs = [[detected(length) for length in lengths] for _ in steps(range(repeat), "detecting")]
    costs = np.array([[cost for cost, _ in run] for run in runs])
    report.table(
        f"detect, median (least-largest) of {repeat}, in turns",
        ["minutes", "us CPU a frame", "of the first", "events"],
        [
            [length, spread(costs[:, i].tolist()), spread((costs[:, i] / costs[:, 0]).tolist()), n]
            for i, (length, (_, n)) in enumerate(zip(lengths, runs[0], strict=True))
        ],
    )
    report.keep(lengths=lengths, us_a_frame=costs.tolist())


def _row(name: str, runs: list[tuple[Stopwatch, Stopwatch, int]], frames: int) -> list[Any]:
    total = [m.cpu_s + d.cpu_s for m, d, _ in runs]
    return [
        name,
        spread([m.cpu_s for m, _, _ in runs]),
        spread([d.cpu_s for _, d, _ in runs]),
        spread(total),
        spread([m.wall_s + d.wall_s for m, d, _ in runs]),
        f"{frames / float(np.median(total)):,.0f}",
        runs[0][2],
    ]


def main() -> None:
    """Times both ways in turns."""
    arguments = parser(__doc__)
    arguments.add_argument("--minutes", type=int, default=60, help="length of the recording (60)")
    arguments.add_argument("--repeat", type=int, default=3, metavar="N", help="runs of each (3)")
    arguments.add_argument(
        "--chunk", type=int, nargs="+", help="frames at a time (default: the pipeline's)"
    )
    arguments.add_argument("--lengths", type=int, nargs="+", metavar="MIN", help="see above")
    given = arguments.parse_args()
    if given.lengths:
        report = Report(f"core_speed: detect at {FPS:g} frames/s")
        compare_lengths(report, given.lengths, given.repeat)
        report.write(given.json)
        return
    report = Report(f"core_speed: {given.minutes} min at {FPS:g} frames/s")
    modes: dict[str, int | None] = {
        f"pieces of {size}": size for size in given.chunk or [chunk_of_pipeline()]
    }
    modes["one piece"] = None
    runs: dict[str, list[tuple[Stopwatch, Stopwatch, int]]] = {name: [] for name in modes}
    for _ in steps(range(given.repeat), "timing the core"):
        for name, size in modes.items():
            runs[name].append(timed(given.minutes, size))
    frames = round(given.minutes * _MINUTE_S * FPS)
    report.table(
        f"{frames:,} frames, median (least-largest) of {given.repeat}, in turns; seconds",
        ["", "measure CPU", "detect CPU", "CPU", "wall", "frames/s (CPU)", "events"],
        [_row(name, runs[name], frames) for name in modes],
    )
    report.keep(
        frames=frames,
        runs={
            name: [{"measure": vars(m), "detect": vars(d), "events": e} for m, d, e in runs[name]]
            for name in modes
        },
    )
    report.write(given.json)


if __name__ == "__main__":
    main()
