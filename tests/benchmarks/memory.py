"""Memory against the length of the recording: of the core alone, and of the whole program.

The first table runs the pipeline without pictures on the synthetic minutes of `core_speed`; it
gives the growth of the process's peak above that of its first two minutes. A line through the
lengths splits it into bytes a frame and what is flat. The second table runs all of `analyze` over
a clip and over the same clip repeated 4 and 16 times (packets are repeated, not encoded anew).
"""

from __future__ import annotations

import tempfile
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from hfs_vision.analysis.pipeline import analyze
from hfs_vision.analysis.result import Analysis, AnalysisRun
from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from tests.benchmarks.common import SAMPLE, Report, in_fresh_process, parser, peak_rss_mb, steps
from tests.benchmarks.core_speed import chunk_of_pipeline, minutes

_LENGTHS_MIN = (10, 30, 60)
_TIMES = (1, 4, 16)


def held_bytes(rows: Measurements | Signals) -> float:
    """Bytes of all columns for each row."""
    return float(sum(getattr(rows, f.name).nbytes for f in fields(rows)) / len(rows))


def growth(length_min: int) -> dict[str, float]:
    """Peak memory of the pipeline without pictures, above that of two minutes."""
    _without_pictures(2)  # the second minute is made while the first is still held
    before = peak_rss_mb()
    result = _without_pictures(length_min)
    grown, frames = peak_rss_mb() - before, len(result.signals)
    held = held_bytes(result.measurements), held_bytes(result.signals)
    return {
        "minutes": length_min,
        "frames": frames,
        "measurements_bytes": held[0],
        "signals_bytes": held[1],
        "held_mb": sum(held) * frames / 1e6,
        "growth_mb": grown,
        "growth_bytes_a_frame": 1e6 * grown / frames,
    }


def _without_pictures(length_min: int) -> Analysis:
    run, chunk = AnalysisRun(Settings()), chunk_of_pipeline()
    for time_s, landmarks in minutes(length_min):
        for start in range(0, len(time_s), chunk):
            piece = slice(start, start + chunk)
            run.add(measure(time_s[piece], landmarks[piece]))
    run.finish()
    return run.result([])


def repeat_clip(clip: Path, times: int, target: Path) -> None:
    """The same packets over and over, with running times: no picture is encoded anew."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as result:
        stream = source.streams.video[0]
        tick = stream.time_base or Fraction(1)
        copy = result.add_stream_from_template(stream)
        length = round(Fraction(source.duration or 0, av.time_base) / tick)
        for round_ in range(times):
            source.seek(0)
            for packet in source.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.pts, packet.dts = packet.pts + round_ * length, packet.dts + round_ * length
                packet.stream = copy
                result.mux(packet)


def peak_of_analyze(video: Path) -> tuple[int, float]:
    """Frames and peak memory in MB of a process that analyses one file."""
    result = analyze(video, landmarker="facemesh")
    return result.summary.frames, peak_rss_mb()


def whole_program(clip: Path, times: tuple[int, ...]) -> list[list[Any]]:
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for count in steps(times, "analyze on repeated clips"):
            video = Path(folder) / f"{count}{clip.suffix}"
            repeat_clip(clip, count, video)
            frames, peak = in_fresh_process(peak_of_analyze, video)
            rows.append([f"{count} x", frames, peak, peak - (rows[0][2] if rows else peak)])
    return rows


def main() -> None:
    """Memory of the core, then of the whole program."""
    arguments = parser(__doc__)
    arguments.add_argument("--video", type=Path, default=SAMPLE, help="default: a sample")
    given = arguments.parse_args()
    report = Report("memory against length")
    _core(report)
    rows = whole_program(given.video, _TIMES)
    report.table(
        f"peak memory of analyze (facemesh), {given.video.name} repeated",
        ["length", "frames", "peak MB", "more than 1 x"],
        rows,
    )
    report.keep(analyze_peak=[{"frames": row[1], "peak_mb": row[2]} for row in rows])
    report.write(given.json)


def _core(report: Report) -> None:
    lengths = [in_fresh_process(growth, m) for m in steps(_LENGTHS_MIN, "core alone")]
    slope, flat = np.polyfit([r["frames"] for r in lengths], [r["growth_mb"] for r in lengths], 1)
    columns = ("minutes", "frames", "held_mb", "growth_mb", "growth_bytes_a_frame")
    report.table(
        "peak memory of the pipeline without pictures, above that of two minutes",
        ["minutes", "frames", "held MB", "growth MB", "growth, bytes a frame"],
        [[f"{r['minutes']:g}", *(r[name] for name in columns[1:])] for r in lengths],
    )
    report.note(
        f"held in the result: {lengths[0]['measurements_bytes']:.0f} (measurements) + "
        f"{lengths[0]['signals_bytes']:.0f} (signals) bytes a frame; the peak grows by "
        f"{1e6 * slope:.0f} bytes a frame, {flat:+.1f} MB at length 0"
    )
    report.keep(memory=lengths, bytes_a_frame_at_peak=1e6 * slope, flat_mb=flat)


if __name__ == "__main__":
    main()
