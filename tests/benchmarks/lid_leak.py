"""How far the open eye's lids follow in the landmarks when the other eye closes alone.

On portraits one eye is closed to a known degree (`hfs_vision.simulate`); both models see each
picture by itself (static mode), so that nothing is carried from one picture to the next. Closure
is 1 - aperture / aperture of the untouched portrait, measured without unmixing (``lid_leak=0``).

`hfs_vision.core.geometry.measure` takes ``reading = (1 - leak) * own + leak * other``. With an
open other eye that is closure read = (1 - leak) and leak times the closure made, so that
leak = other / (own + other): the mean over both sides for each person, the median over people,
and a 95 % interval by drawing people anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.geometry import measure
from hfs_vision.schema import FloatArray
from hfs_vision.simulate import FaceState, Rgb, square_portrait, warp_face
from hfs_vision.video import read_picture
from tests.benchmarks.common import (
    Report,
    StillFinder,
    parser,
    portrait_files,
    steps,
    still_finders,
)

CLOSURES = (0.5, 0.75, 1.0)
_MAX_YAW_DEG = 20.0
_DRAWS = 2000


def aperture(face: FloatArray) -> FloatArray:
    """``(2,)`` as the model gives it; NaN where the head is turned too far."""
    measured = measure(np.zeros(1), face[None], lid_leak=0.0)
    if not abs(measured.yaw_deg[0]) <= _MAX_YAW_DEG:
        return np.full(2, np.nan)
    return np.asarray(measured.aperture[0])


def closures_of(finder: StillFinder, rest: Rgb, closed: list[Rgb]) -> FloatArray | None:
    """``(pictures, 2)`` closure that one model reads; None where it finds no usable face."""
    faces = [finder(picture) for picture in (rest, *closed)]
    if any(face is None for face in faces):
        return None
    apertures = np.array([aperture(face) for face in faces if face is not None])
    return None if np.isnan(apertures).any() else 1.0 - apertures[1:] / apertures[0]


def of_person(picture: Rgb, finders: dict[str, StillFinder]) -> dict[str, FloatArray] | None:
    """By model ``(closures, 2 sides, own and other)``; None where a model finds no usable face."""
    found = finders["facemesh"](picture)
    if found is None:
        return None
    rest = square_portrait(picture, found)
    landmarks = finders["facemesh"](rest)
    if landmarks is None:
        return None
    states = [
        FaceState(closure=(depth, 0.0) if side == 0 else (0.0, depth))
        for depth in CLOSURES
        for side in (0, 1)
    ]
    closed = [warp_face(rest, landmarks, state) for state in states]
    read: dict[str, FloatArray] = {}
    for name, finder in finders.items():
        values = closures_of(finder, rest, closed)
        if values is None:
            return None
        by_side = values.reshape(len(CLOSURES), 2, 2)
        own = by_side[:, (0, 1), (0, 1)]
        read[name] = np.stack([own, by_side[:, (0, 1), (1, 0)]], axis=-1)
    return read


def interval(people: FloatArray) -> NDArray[np.float64]:
    """95 % bootstrap interval of the median over people."""
    draws = np.random.default_rng(0).integers(len(people), size=(_DRAWS, len(people)))
    return np.asarray(np.percentile(np.median(people[draws], axis=1), [2.5, 97.5]))


def rows_of(name: str, people: FloatArray) -> list[dict[str, Any]]:
    """Figures of one model for each closure and all; ``people`` is (n, closures, 2, 2)."""
    rows = []
    parts = [(f"{depth:g}", people[:, [k]]) for k, depth in enumerate(CLOSURES)]
    for label, part in [*parts, ("all", people)]:
        own, other = part[..., 0], part[..., 1]
        leak = other.mean(axis=(1, 2)) / (own + other).mean(axis=(1, 2))
        low, high = interval(leak)
        rows.append(
            {
                "model": name,
                "closure": label,
                "own": float(np.median(own)),
                "other": float(np.median(other)),
                "ratio": float(np.median(other) / np.median(own)),
                "leak": float(np.median(leak)),
                "low": float(low),
                "high": float(high),
            }
        )
    return rows


def main() -> None:
    """Renders, measures and prints both models."""
    arguments = parser(__doc__, portraits="folder of frontal portraits, eyes open")
    arguments.add_argument("--people", type=int, default=30, metavar="N", help="portraits (30)")
    arguments.add_argument("--model", type=Path, help="bundle for facelandmarker")
    given = arguments.parse_args()
    report = Report("lid_leak")
    files = portrait_files(given.portraits)
    finders = still_finders(given.model)
    every = max(1, len(files) // given.people)
    read = [
        of_person(read_picture(f), finders)
        for f in steps(files[::every][: given.people], "portraits")
    ]
    people = [values for values in read if values is not None]
    if len(people) < 3:
        raise SystemExit(f"only {len(people)} usable portraits")
    rows = [r for name in finders for r in rows_of(name, np.array([p[name] for p in people]))]
    report.table(
        f"one eye closed on {len(people)} people (of {len(read)}), each side; medians",
        ["model", "closure", "own", "other", "other/own", "leak", "95 %"],
        [
            [
                *(r[k] for k in ("model", "closure", "own", "other", "ratio", "leak")),
                f"{r['low']:.3f} to {r['high']:.3f}",
            ]
            for r in rows
        ],
    )
    report.note(
        "taken out by the program: "
        + ", ".join(f"{name} {finder.lid_leak:g}" for name, finder in finders.items())
    )
    report.keep(people=len(people), figures=rows)
    report.write(given.json)


if __name__ == "__main__":
    main()
