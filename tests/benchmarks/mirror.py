"""What it would bring to look at each frame and at its mirror image, and to average.

Face Mesh follows the face in a clip and, a second time, in the mirrored clip; the points of the
latter are mirrored back and averaged with the former. Jitter is the robust spread of the change of
the left-right difference from frame to frame, of closure and of the corners' place (interocular
units), with the patches of the networks and without them. Told is mirror-averaged / plain: below 1
is quieter. Everything that runs once for the plain measurement runs twice.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hfs_vision.core.baseline import corner_place
from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.core.landmarks import MIRROR_PAIRS
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.landmarks.patch_networks import PatchNetworks, readings
from hfs_vision.schema import FloatArray, Frame
from hfs_vision.video import open_source
from tests.benchmarks.common import Report, parser, spread, steps

_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm")


def unmirrored(points: FloatArray, width: int) -> FloatArray:
    """Landmarks ``(478, 3)`` of a mirrored picture as those of the picture itself."""
    back = points.copy()
    left, right = np.array(MIRROR_PAIRS).T
    back[left], back[right] = points[right], points[left]
    back[:, 0] = width - back[:, 0]
    return back


def measured(path: Path) -> dict[str, dict[str, Measurements]]:
    """By ``landmarks`` or ``patches``: plain and averaged."""
    appearance = PatchNetworks()
    finders = [open_landmarker("facemesh") for _ in range(2)]
    times: list[float] = []
    faces: dict[str, list[FloatArray]] = {"plain": [], "averaged": []}
    looks: dict[str, list[FloatArray]] = {"plain": [], "averaged": []}
    with open_source(path) as source:
        for frame in source:
            turned = Frame(frame.index, frame.time_s, np.ascontiguousarray(frame.rgb[:, ::-1]))
            plain = finders[0](frame)
            other = unmirrored(finders[1](turned), frame.rgb.shape[1])
            times.append(frame.time_s)
            for name, face in (("plain", plain), ("averaged", (plain + other) / 2)):
                faces[name].append(face)
                looks[name].append(appearance(frame, face))
    for finder in finders:
        finder.close()
    at = np.array(times)
    return {
        "landmarks": {n: measure(at, np.stack(f)) for n, f in faces.items()},
        "patches": {n: measure(at, np.stack(f), readings(looks[n])) for n, f in faces.items()},
    }


def jitter(one: Measurements) -> tuple[float, float]:
    """Of closure, and of the corners' place."""
    opened = np.nanpercentile(one.aperture, 80, axis=0)
    place = corner_place(one.commissure, one.yaw_deg)
    return _spread(one.aperture / opened), _spread(place)


def _spread(pairs: FloatArray) -> float:
    change = np.diff(pairs[:, 0] - pairs[:, 1])
    change = change[np.isfinite(change)]
    return float(1.4826 * np.median(np.abs(change - np.median(change))) / np.sqrt(2))


def main() -> None:
    given = parser(__doc__, folder="folder of clips").parse_args()
    files = sorted(p for p in given.folder.iterdir() if p.suffix.lower() in _SUFFIXES)
    ratios: dict[tuple[str, str], list[float]] = {}
    for path in steps(files, "clips"):
        for source, both in measured(path).items():
            if np.isfinite(both["plain"].yaw_deg).sum() < 30:
                continue
            plain, averaged = (jitter(both[name]) for name in ("plain", "averaged"))
            for what, a, b in zip(("closure", "corner"), plain, averaged, strict=True):
                ratios.setdefault((source, what), []).append(b / a)
    report = Report("mirror averaging")
    rows = [
        [source, what, spread(values), len(values)] for (source, what), values in ratios.items()
    ]
    report.table(
        "averaged / plain, median (least-largest) over clips",
        ["read", "of", "jitter", "clips"],
        rows,
    )
    report.keep(ratios={f"{a} {b}": v for (a, b), v in ratios.items()})
    report.write(given.json)


if __name__ == "__main__":
    main()
