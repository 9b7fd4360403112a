"""Patches of warped portraits with known eyelid closure and known place of the mouth corners.

    python -m models.training.material PORTRAITS OUT.npz

Each portrait is rendered ``--takes`` times: lids closed by different amounts and drawn in different
ways, gaze, brows, squeezing, mouth, head turn; then lit, blurred, made small, compressed, and some
wear drawn glasses. The landmark models then look at the result, as they will in use, and the
patches are cut where they say. Every eighth portrait (numbers 3 and 7 modulo 8, by name) is kept
apart by `split`: for tuning, and for testing alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hfs_vision.core.geometry import measure, pose_of
from hfs_vision.core.landmarks import COMMISSURE
from hfs_vision.landmarks.patches import MOUTH, cut_patches
from hfs_vision.schema import FloatArray
from hfs_vision.simulate import FaceState, square_portrait, warp_face
from hfs_vision.simulate.faces import SIDE_POINTS, Rgb
from hfs_vision.simulate.head import HeadTurner
from hfs_vision.simulate.lids import LidLook
from hfs_vision.simulate.warp import moved_point
from hfs_vision.video import read_picture
from tests.benchmarks.common import find_bundle, portrait_files, split_of, steps, still_finders

_SIZE = 520
"""Side of the cut portrait, pixels: an interocular distance of about 145."""


def draw_state(rng: np.random.Generator) -> FaceState:
    """One face: half of the lids open or equal, as in life, the others by themselves."""
    kind = rng.random()
    both = float(rng.beta(0.8, 0.8))
    if kind < 0.35:
        closure = [0.0, 0.0]
    elif kind < 0.55:
        closure = [both, both]
    else:
        closure = [0.0, 0.0]
        closure[int(rng.integers(2))] = both
        if kind > 0.9:
            closure = rng.beta(0.8, 0.8, 2).tolist()
    gaze = (0.0, 0.0)
    if rng.random() < 0.5:
        gaze = (float(rng.uniform(-0.11, 0.11)), float(rng.uniform(-0.04, 0.05)))
        # The upper lid follows a lowered gaze.
        follow = max(gaze[1], 0.0) * rng.uniform(2.0, 6.0)
        closure = [1.0 - (1.0 - c) * (1.0 - follow) for c in closure]
    squeeze = [c * rng.uniform() if rng.random() < 0.4 else 0.0 for c in closure]
    if rng.random() < 0.15:
        squeeze = rng.uniform(0, 1, 2).tolist()
    excursion = [0.0, 0.0]
    mouth = rng.random()
    if mouth < 0.3:
        excursion[int(rng.integers(2))] = float(rng.uniform(0.0, 0.16))
    elif mouth < 0.5:
        excursion = (rng.uniform(0.0, 0.16) * rng.uniform(0.7, 1.0, 2)).tolist()
    elif mouth < 0.6:
        excursion = rng.uniform(-0.05, 0.14, 2).tolist()
    elif mouth < 0.7:
        excursion = (-rng.uniform(0.0, 0.10) * rng.uniform(0.7, 1.0, 2)).tolist()
    return FaceState(
        closure=(closure[0], closure[1]),
        squeeze=(squeeze[0], squeeze[1]),
        excursion=(excursion[0], excursion[1]),
        lip_drop=float(rng.uniform(0.0, 0.15)) if rng.random() < 0.4 else 0.0,
        brow_lift=float(rng.normal(0.0, 0.03)) if rng.random() < 0.5 else 0.0,
        gaze=gaze,
        yaw_deg=float(rng.normal(0.0, 8.0)),
        pitch_deg=float(rng.normal(0.0, 5.0)),
        roll_deg=float(rng.normal(0.0, 4.0)),
    )


def draw_look(rng: np.random.Generator) -> LidLook:
    """Lids of someone else."""
    return LidLook(
        meet=float(rng.uniform(0.05, 0.6)),
        lash_width=float(rng.uniform(0.008, 0.05)),
        lash_depth=float(rng.uniform(0.05, 0.9)),
        shade=float(rng.normal(0.0, 0.15)),
    )


def draw_glasses(picture: Rgb, landmarks: FloatArray, rng: np.random.Generator) -> Rgb:
    """Rims, and now and then a reflection, around both eyes."""
    worn = picture.copy()
    unit = float(np.linalg.norm(landmarks[263] - landmarks[33]))
    tone = [int(v) for v in rng.integers(10, 120) * rng.uniform(0.6, 1.0, 3)]
    half = unit * rng.uniform(0.21, 0.27), unit * rng.uniform(0.14, 0.21)
    drop = unit * rng.uniform(-0.02, 0.08)
    thick = max(1, round(unit * rng.uniform(0.008, 0.04)))
    glare = rng.random() < 0.4
    for points in SIDE_POINTS:
        lids = landmarks[list(points.upper_lid + points.lower_lid), :2].mean(axis=0)
        centre = lids[0], lids[1] + drop
        if rng.random() < 0.6:
            cv2.ellipse(worn, (centre, (2 * half[0], 2 * half[1]), 0.0), tone, thick, cv2.LINE_AA)
        else:
            low = tuple(int(c - h) for c, h in zip(centre, half, strict=True))
            high = tuple(int(c + h) for c, h in zip(centre, half, strict=True))
            cv2.rectangle(worn, low, high, tone, thick, cv2.LINE_AA)
        if glare:
            layer = np.zeros(picture.shape[:2], np.float32)
            at = [int(c + rng.uniform(-0.8, 0.8) * h) for c, h in zip(centre, half, strict=True)]
            cv2.ellipse(layer, at, (int(unit * 0.07), int(unit * 0.03)), 40, 0, 360, 1.0, -1)
            layer = cv2.GaussianBlur(layer, (0, 0), unit * 0.02)[..., None] * rng.uniform(0.2, 0.9)
            worn = np.clip(worn + layer * (255.0 - worn), 0, 255).astype(np.uint8)
    return worn


def degrade(picture: Rgb, rng: np.random.Generator) -> Rgb:
    """Light, optics, resolution, noise and compression of some camera."""
    seen = picture.astype(np.float32)
    height, width = picture.shape[:2]
    if rng.random() < 0.6:
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32) - 0.5
        slope = rng.normal(0.0, 0.5, 2)
        seen *= np.clip(1.0 + slope[0] * x + slope[1] * y, 0.25, 2.0)[..., None]
    seen *= np.exp(rng.normal(0.0, 0.3) + rng.normal(0.0, 0.08, 3)).astype(np.float32)
    seen = 255.0 * np.clip(seen / 255.0, 0.0, 1.0) ** float(np.exp(rng.normal(0.0, 0.25)))
    if rng.random() < 0.5:
        seen = cv2.GaussianBlur(seen, (0, 0), float(rng.uniform(0.4, 2.0)))
    if rng.random() < 0.15:
        length = int(rng.integers(3, 9))
        line = np.zeros((length, length), np.float32)
        end = length * np.array([np.cos(a := rng.uniform(0, np.pi)), np.sin(a)]) / 2
        middle = np.array([length / 2, length / 2])
        cv2.line(line, *[tuple((middle + s * end).astype(int).tolist()) for s in (-1, 1)], 1.0)
        seen = cv2.filter2D(seen, -1, line / max(float(line.sum()), 1.0))
    scale = float(np.exp(rng.uniform(np.log(0.28), np.log(1.05))))
    small = cv2.resize(seen, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    noise = float(rng.choice([0.0, 1.5, 3.0, 6.0]))
    small += rng.standard_normal(small.shape[:2], dtype=np.float32)[..., None] * noise
    made = np.clip(np.rint(small), 0, 255).astype(np.uint8)
    if rng.random() < 0.75:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 95))]
        made = cv2.imdecode(cv2.imencode(".jpg", made, quality)[1], cv2.IMREAD_COLOR)
    return np.ascontiguousarray(made)


def takes_of(number: int, path: Path, finders: dict[str, Any], takes: int) -> Iterator[dict]:
    """What is learned from one portrait; nothing if a model sees no face in it."""
    rng = np.random.default_rng([20261125, number])
    whole = read_picture(path)
    landmarks = finders["facemesh"](whole)
    if landmarks is None:
        return
    picture = square_portrait(whole, landmarks, _SIZE)
    found = [finder(picture) for finder in finders.values()]
    if any(one is None for one in found):
        return
    landmarks = np.mean(found, axis=0)
    turner = HeadTurner(landmarks, picture.shape[:2])
    aperture = measure(np.zeros(1), landmarks[None]).aperture[0]
    bare_eyed = rng.random() < 0.75
    for take in range(takes):
        state = FaceState() if take == 0 else draw_state(rng)
        made = warp_face(picture, landmarks, state, draw_look(rng))
        if not bare_eyed and take:
            made = draw_glasses(made, landmarks, rng)
        turned = turner(made, state)
        made = degrade(turned, rng)
        name = list(finders)[take % len(finders)]
        seen = finders[name](made)
        patches = None if seen is None else cut_patches(made, seen)
        if patches is None:
            continue
        scale = made.shape[1] / turned.shape[1]
        corners = [
            scale * turner.moved_point(moved_point(landmarks, state, landmarks[c, :2]), state)
            for c in COMMISSURE
        ]
        read = measure(np.zeros(1), seen[None])
        yield {
            "person": number,
            "eyes": patches.eyes,
            "mouths": patches.mouths,
            "closure": np.array(state.closure),
            "open": aperture,
            "corner": _in_patches(np.array(corners), seen),
            "mesh_aperture": read.aperture[0],
            "yaw": read.yaw_deg[0],
            "unit_px": read.face_px[0],
        }


def _in_patches(corners: FloatArray, landmarks: FloatArray) -> FloatArray:
    """Where the corners truly are, ``(2, 2)`` pixels of the picture, as pixels of their patches
    from the centre: towards the midline, and down.
    """
    pose = pose_of(landmarks)
    assert pose is not None
    off = []
    for side, point in enumerate(landmarks[list(COMMISSURE)]):
        steps = np.stack(MOUTH.axes(side)) @ pose.turn.T * pose.unit_px
        off.append(np.linalg.solve(steps[:, :2].T, corners[side] - point[:2]))
    return np.array(off)


def _people(job: tuple[list[tuple[int, Path]], int, Path | None]) -> list[dict]:
    cv2.setNumThreads(1)
    people, takes, bundle = job
    finders = still_finders(bundle)
    return [row for number, path in people for row in takes_of(number, path, finders, takes)]


def main() -> None:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("portraits", type=Path)
    made.add_argument("out", type=Path)
    made.add_argument("--takes", type=int, default=48)
    made.add_argument("--every", type=int, default=1, help="use one portrait in so many [1]")
    made.add_argument("--jobs", type=int, default=2)
    given = made.parse_args()
    files = list(enumerate(portrait_files(given.portraits)))[:: given.every]
    bundle = find_bundle()
    jobs = [(files[k : k + 4], given.takes, bundle) for k in range(0, len(files), 4)]
    rows: list[dict] = []
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn")) as pool:
        results = pool.map(_people, jobs)
        for _ in steps(jobs, "portraits"):
            rows += next(results)
    table = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    table["split"] = np.array([split_of(int(number)) for number in table["person"]])
    np.savez(given.out, **table)
    print(f"{len(rows)} pictures of {len(set(table['person'].tolist()))} people in {given.out}")


if __name__ == "__main__":
    main()
