"""How well repeated and frozen pictures are told from new ones, by codec: ``CLIPS`` is a folder.

Each clip is read for some seconds and encoded three times over: as it is, with every picture three
times, and frozen for 2.5 s from its first second on. `python -m tests.benchmarks.repeats CLIPS`
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.schema import FloatArray, Frame
from hfs_vision.video import RepeatCounts, Repeats, open_source

CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "x264 crf 18": ("libx264", {"crf": "18"}),
    "x264 crf 23": ("libx264", {"crf": "23"}),
    "x264 crf 23 ultrafast": ("libx264", {"crf": "23", "preset": "ultrafast"}),
    "x264 crf 28 veryfast": ("libx264", {"crf": "28", "preset": "veryfast"}),
    "x264 crf 35 veryfast": ("libx264", {"crf": "35", "preset": "veryfast"}),
    "x265 crf 28 fast": ("libx265", {"preset": "fast", "x265-params": "log-level=none:crf=28"}),
    "vp9 crf 36": ("libvpx-vp9", {"crf": "36", "b": "0", "deadline": "realtime", "cpu-used": "8"}),
    "mpeg4 q 5": ("mpeg4", {"qmin": "5", "qmax": "5"}),
}
SECONDS = 4.0
FROM_S, FROZEN_S = 1.0, 2.5


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--only", default="", help="part of the clips' names")
    args = parser.parse_args()
    clips = [p for p in sorted(args.clips.iterdir()) if args.only in p.name]
    rows: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
    for path in clips:
        frames, faces = _seen(path)
        if len(frames) < 30:
            continue
        counts = _counts(frames, faces)
        rows["as they are"].append((counts.filled, counts.frozen_s, math.nan, math.nan))
        for name in CODECS:
            rows[name].append(_row(name, frames, faces))
        print(path.stem, *(f"{name} {row[-1]}" for name, row in rows.items()), sep="\n  ")
    print("| codec | called repeats | called frozen, s | of three alike | of 2.5 s frozen, s |")
    print("|---|---|---|---|---|")
    for name, found in rows.items():
        alone, _, thrice, frozen = np.nanmedian(np.array(found), axis=0)
        worst = max(row[1] for row in found)
        print(f"| {name} | {alone:.2f} | {worst:.1f} | {thrice:.2f} | {frozen:.1f} |")


def _seen(path: Path) -> tuple[list[Frame], list[FloatArray]]:
    """The first seconds of a clip and the landmarks in them."""
    frames, faces, finder = [], [], open_landmarker("auto")
    try:
        with open_source(path) as source:
            for frame in source:
                if frames and frame.time_s > frames[0].time_s + SECONDS:
                    break
                frames.append(frame)
                faces.append(finder(frame))
    finally:
        finder.close()
    return frames, faces


def _row(
    name: str, frames: list[Frame], faces: list[FloatArray]
) -> tuple[float, float, float, float]:
    step_s = float(np.median(np.diff([frame.time_s for frame in frames])))
    first, last = round(FROM_S / step_s), round((FROM_S + FROZEN_S) / step_s)
    plain = range(len(frames))
    thrice = [i for i in plain for _ in range(3)]
    frozen = [first if first < i < last else i for i in plain]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for order, rate in ((plain, 1), (thrice, 3), (frozen, 1)):
            path = Path(folder) / "clip.mkv"
            _write(path, name, (frames[i].rgb for i in order), step_s / rate)
            with open_source(path) as source:
                found.append(_counts(source, [faces[i] for i in order]))
    return found[0].filled, found[0].frozen_s, found[1].filled, found[2].frozen_s


def _counts(frames: Iterable[Frame], faces: list[FloatArray]) -> RepeatCounts:
    repeats = Repeats()
    for frame, face in zip(frames, faces, strict=False):
        repeats.moving(frame, face)
    return repeats.counts


def _write(path: Path, name: str, pictures: Iterable[np.ndarray], step_s: float) -> None:
    codec, options = CODECS[name]
    rate = Fraction(1 / step_s).limit_denominator(1001)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.pix_fmt = "yuv420p"
        for index, rgb in enumerate(pictures):
            if not index:
                stream.height, stream.width = (size // 2 * 2 for size in rgb.shape[:2])
            even = np.ascontiguousarray(rgb[: stream.height, : stream.width])
            frame = av.VideoFrame.from_ndarray(even, format="rgb24")
            frame.pts, frame.time_base = index, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
