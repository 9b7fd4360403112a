"""Milliseconds a frame of what `hfs_vision.landmarks.patch_networks` adds to the landmarks.

Real frames with their landmarks are held in memory and taken in turn: cutting the four patches,
then each of the two networks on its two patches, then the whole call. The landmarks themselves and
the decoding are not timed (see `throughput`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hfs_vision.landmarks.mediapipe_models import carries_face_mesh, open_landmarker
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.landmarks.patches import FacePatches, cut_patches
from hfs_vision.schema import FloatArray, Frame
from hfs_vision.video import open_source
from tests.benchmarks.common import SAMPLE, Report, find_bundle, parser, steps

_HELD = 60
_WARM_UP = 50


def faces_of(path: Path) -> list[tuple[Frame, FloatArray]]:
    """The first frames of a video that show a face, with their landmarks."""
    with open_source(path) as source:
        finder = open_landmarker("auto", model=None if carries_face_mesh() else find_bundle())
        pairs = ((frame, finder(frame)) for frame in source)
        seen = list(islice((p for p in pairs if np.isfinite(p[1]).all()), _HELD))
        finder.close()
    if not seen:
        raise SystemExit(f"no face was found in {path}")
    return seen


def times_of(call: Callable[[int], Any], frames: int) -> FloatArray:
    """Milliseconds of each call, by the frame's number."""
    for number in range(_WARM_UP):
        call(number)
    spent = np.empty(frames)
    for number in range(frames):
        started = time.perf_counter()
        call(number)
        spent[number] = time.perf_counter() - started
    return 1000 * spent


def main() -> None:
    """Times each part by itself and the whole."""
    arguments = parser(__doc__)
    arguments.add_argument("video", type=Path, nargs="?", default=SAMPLE, help="default: a sample")
    arguments.add_argument("--frames", type=int, default=2000, metavar="N", help="timed (2000)")
    arguments.add_argument("--threads", type=int, help="OpenCV's threads (default: its own choice)")
    given = arguments.parse_args()
    if given.threads is not None:
        cv2.setNumThreads(given.threads)
    report = Report(f"appearance_speed: {given.video.name}, {cv2.getNumThreads()} OpenCV thread(s)")
    faces = faces_of(given.video)
    patches = [cut_patches(frame.rgb, landmarks) for frame, landmarks in faces]
    held: list[FacePatches] = [found for found in patches if found is not None]
    reader = PatchNetworks()
    parts: dict[str, Callable[[int], Any]] = {
        "cutting four patches": lambda k: cut_patches(
            faces[k % len(faces)][0].rgb, faces[k % len(faces)][1]
        ),
        "network of the eyes": lambda k: reader._run(reader._eye, held[k % len(held)].eyes),
        "network of the corners": lambda k: reader._run(reader._mouth, held[k % len(held)].mouths),
        "all": lambda k: reader(*faces[k % len(faces)]),
    }
    spent = {
        name: times_of(parts[name], given.frames) for name in steps(list(parts), "timing the parts")
    }
    height, width = faces[0][0].rgb.shape[:2]
    report.table(
        f"{given.frames:,} frames of {width}x{height} pixels, wall milliseconds a frame",
        ["", "median", "10 %", "90 %"],
        [[name, *map(float, np.percentile(ms, (50, 10, 90)))] for name, ms in spent.items()],
    )
    report.keep(
        video=given.video.name,
        frames=given.frames,
        threads=cv2.getNumThreads(),
        median_ms={name: float(np.median(ms)) for name, ms in spent.items()},
    )
    report.write(given.json)


if __name__ == "__main__":
    main()
