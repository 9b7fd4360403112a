"""The table of `hfs_vision.core.reference_face`, made anew from a folder of portraits.

Every third picture is landmarked by each model that is here, by itself (static mode). All faces
are brought onto their running mean by the similarity that fits best (Umeyama 1991) on rigid and
other symmetric points, five times. The mean is turned so that left and right counterparts differ
along x alone, averaged with its own mirror image, and scaled to 1 between the outer canthi, with
its origin between them; x to the subject's left, y down, z away from the camera.

What alignment cannot tell is which way the mean face looks up or down: that is taken from the
first portrait. The last line gives the difference that is left when both tables are turned alike.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.geometry import measure
from hfs_vision.core.landmarks import OUTER_CANTHUS, RIGID, RIGID_MIDLINE, RIGID_PAIRS
from hfs_vision.core.reference_face import RIGID_REFERENCE
from hfs_vision.schema import FloatArray
from hfs_vision.video import read_picture
from tests.benchmarks.common import (
    Report,
    StillFinder,
    parser,
    portrait_files,
    steps,
    still_finders,
)

# Besides the rigid ones: nose, cheeks, brows and corners of the mouth, whose mean is symmetric.
_MORE_MIDLINE = (195, 5, 4, 1, 2)
_MORE_PAIRS = (
    (291, 61),
    (327, 98),
    (358, 129),
    (454, 234),
    (323, 93),
    (278, 48),
    (465, 245),
    (343, 114),
    (276, 46),
)
_MIDLINE = (*RIGID_MIDLINE, *_MORE_MIDLINE)
_PAIRS = np.array((*RIGID_PAIRS, *_MORE_PAIRS))
_ALIGNED = np.array((*_MIDLINE, *_PAIRS.ravel().tolist()))
_ROUNDS = 5


def landmarks(files: list[Path], finders: dict[str, StillFinder]) -> FloatArray:
    """``(models * n, 478, 3)``: the n portraits in which every model finds a face."""
    found: dict[str, list[FloatArray]] = {name: [] for name in finders}
    for file in steps(files, "landmarks"):
        picture = read_picture(file)
        faces = {name: finder(picture) for name, finder in finders.items()}
        for name, face in faces.items():
            if face is not None and all(other is not None for other in faces.values()):
                found[name].append(face)
    return np.concatenate([np.array(faces) for faces in found.values()])


def align(faces: FloatArray, target: FloatArray, chosen: NDArray[np.int64]) -> FloatArray:
    """Each face under the similarity that takes its chosen points nearest to the target's."""
    centre, goal = faces[:, chosen].mean(axis=1, keepdims=True), target[chosen].mean(axis=0)
    points = faces[:, chosen] - centre
    u, singular, vt = np.linalg.svd(points.transpose(0, 2, 1) @ (target[chosen] - goal))
    handed = np.sign(np.linalg.det(u @ vt))
    singular[:, 2] *= handed
    vt[:, 2] *= handed[:, None]
    scale = singular.sum(axis=1) / (points**2).sum(axis=(1, 2))
    return np.asarray(scale[:, None, None] * ((faces - centre) @ (u @ vt)) + goal)


def to_scale(face: FloatArray) -> FloatArray:
    """Outer canthi 1 apart, origin between them."""
    left, right = (face[point] for point in OUTER_CANTHUS)
    return np.asarray((face - (left + right) / 2) / np.linalg.norm(left - right))


def mean_face(faces: FloatArray) -> FloatArray:
    """``(478, 3)``; only the aligned points are made symmetric."""
    mean = faces[0]
    for _ in range(_ROUNDS):
        mean = to_scale(align(faces, mean, _ALIGNED).mean(axis=0))
    left, right = _PAIRS.T
    x = (mean[left] - mean[right]).sum(axis=0)
    x /= np.linalg.norm(x)
    y = np.array([0.0, 1.0, 0.0]) - x[1] * x
    y /= np.linalg.norm(y)
    middle = np.concatenate([(mean[left] + mean[right]) / 2, mean[list(_MIDLINE)]]).mean(axis=0)
    mean = (mean - middle) @ np.stack([x, y, np.cross(x, y)], axis=1)
    mirror = mean.copy()
    mirror[left], mirror[right] = mean[right], mean[left]
    mirror[:, 0] *= -1
    return to_scale((mean + mirror) / 2)


def table(face: FloatArray) -> str:
    """The two dictionaries of the module."""
    rows = ["_MIDLINE_YZ = {"]
    rows += [f"    {i}: ({face[i, 1]:.4f}, {face[i, 2]:.4f})," for i in RIGID_MIDLINE]
    rows += ["}", "_LEFT_XYZ = {"]
    rows += ["    {}: ({:.4f}, {:.4f}, {:.4f}),".format(i, *face[i]) for i, _ in RIGID_PAIRS]
    return "\n".join([*rows, "}"]).replace("-0.0000", "0.0000")


def main() -> None:
    """Prints the table and how far it is from the committed one."""
    arguments = parser(__doc__, portraits="folder of frontal portraits")
    arguments.add_argument("--every", type=int, default=3, metavar="N", help="every Nth file (3)")
    arguments.add_argument("--model", type=Path, help="bundle for facelandmarker")
    given = arguments.parse_args()
    report = Report("reference_face")
    finders = still_finders(given.model)
    faces = landmarks(portrait_files(given.portraits)[:: given.every], finders)
    mean = mean_face(faces)
    report.note(table(mean))
    rigid = mean[RIGID]
    turned = align(rigid[None], RIGID_REFERENCE, np.arange(len(RIGID)))[0]
    as_is = float(np.abs(rigid - RIGID_REFERENCE).max())
    shape = float(np.abs(turned - RIGID_REFERENCE).max())
    pitch = measure(np.arange(len(faces)) / 30.0, faces).pitch_deg
    report.note(
        f"\n{len(faces) // len(finders)} portraits, {' and '.join(finders)}\n"
        f"largest difference to the committed table: {as_is:.5f}; turned alike: {shape:.5f}\n"
        f"pitch of these portraits on the committed table: median {np.median(pitch):+.1f} degrees"
    )
    report.keep(
        models=list(finders),
        portraits=len(faces) // len(finders),
        largest_difference=as_is,
        largest_difference_turned=shape,
        median_pitch_deg=float(np.median(pitch)),
        points={int(i): mean[i].tolist() for i in RIGID},
    )
    report.write(given.json)


if __name__ == "__main__":
    main()
