"""A recipe -> frames, and frames -> landmarks, which are kept in the work folder."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

import hfs_vision
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.landmarks import MOVING, RIGID
from hfs_vision.landmarks.fused import fuse
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.landmarks.patch_networks import PatchNetworks, readings
from hfs_vision.schema import N_LANDMARKS, FloatArray, Frame
from hfs_vision.simulate import (
    Movement,
    SimulatedCamera,
    default_portrait,
    inject,
    render_portrait,
    square_portrait,
    steady_times,
    write_video,
)
from hfs_vision.simulate.faces import Rgb
from hfs_vision.video import open_source, read_picture
from tests.benchmarks.accuracy.material import BASE_PX, LIGHTS, Recipe
from tests.benchmarks.accuracy.variants import variants
from tests.benchmarks.common import StillFinder

_POINTS = np.unique(np.concatenate([RIGID, MOVING]))
_PICTURES = ("simulate", "video", "facemesh.py", "subject.py", "patches.py", "appearance.py")
_JPEG = "jpeg"


@dataclass(frozen=True)
class Maker:
    """Makes items and keeps what the landmark models say of them.

    Attributes:
        work: Folder of the cache.
        models: Names of the landmark models to run.
        bundle: Weights of the FaceLandmarker, if any.
    """

    work: Path
    models: tuple[str, ...]
    bundle: Path | None

    def measurements(self, recipe: Recipe) -> dict[str, Measurements]:
        """Measurements of every model and its variants; renders only what is not in the cache."""
        files = {name: self._file(recipe, name) for name in self.models}
        missing = [name for name, file in files.items() if not file.is_file()]
        if missing:
            self._make(recipe, {name: files[name] for name in missing})
        found: dict[str, Measurements] = {}
        for name, file in files.items():
            with np.load(file) as data:
                time_s, points, leak = data["time_s"], data["points"], float(data["lid_leak"])
                looks = readings(list(data["looks"]))
            faces = np.full((len(time_s), N_LANDMARKS, 3), np.nan)
            faces[:, _POINTS] = points
            found |= variants(name, time_s, faces, looks, leak)
        return found

    def _file(self, recipe: Recipe, model: str) -> Path:
        weights = _sha(self.bundle) if model != "facemesh" and self.bundle else "wheel"
        own = PatchNetworks().sha256
        parts = [recipe.key(), _code(), model, weights, own, str(_POINTS.tolist())]
        name = hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]
        return self.work / f"{name}.npz"

    def _make(self, recipe: Recipe, files: dict[str, Path]) -> None:
        appearance = PatchNetworks()
        with ExitStack() as stack:
            both = "fused" in files
            names = ("facemesh", "facelandmarker") if both else tuple(files)
            finders = {name: _open(name, self.bundle) for name in names}
            for finder in finders.values():
                stack.callback(finder.close)
            leaks = {name: finder.identity.lid_leak for name, finder in finders.items()}
            leaks["fused"] = sum(leaks.values()) / 2
            times: list[float] = []
            points: dict[str, list[FloatArray]] = {name: [] for name in files}
            looks: dict[str, list[FloatArray]] = {name: [] for name in files}
            for frame in frames_of(recipe, self.bundle):
                times.append(frame.time_s)
                faces = {name: finder(frame) for name, finder in finders.items()}
                if both:
                    faces["fused"], _ = fuse(*faces.values())
                for name in files:
                    points[name].append(faces[name][_POINTS].astype(np.float32))
                    looks[name].append(appearance(frame, faces[name]))
            self.work.mkdir(parents=True, exist_ok=True)
            for name, file in files.items():
                part = file.with_suffix(".part.npz")
                np.savez_compressed(
                    part,
                    time_s=np.array(times),
                    points=np.stack(points[name]),
                    looks=np.stack(looks[name]),
                    lid_leak=leaks[name],
                )
                part.replace(file)


def _open(name: str, bundle: Path | None):  # type: ignore[no-untyped-def]
    return open_landmarker(name, model=bundle if name == "facelandmarker" else None)


@cache
def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _code() -> str:
    """Hash of the code that pictures and landmarks depend on; measuring is done after the cache."""
    package = Path(hfs_vision.__file__).parent
    files = [Path(__file__)]
    for name in _PICTURES:
        here = package / name
        files += sorted(here.glob("*.py")) if here.is_dir() else [here]
    constants = repr((BASE_PX, sorted(LIGHTS.items()))).encode()
    return hashlib.sha256(b"".join([constants, *(f.read_bytes() for f in files)])).hexdigest()


@cache
def _still(name: str, bundle: Path | None) -> StillFinder:
    return StillFinder(name, bundle)


def frames_of(recipe: Recipe, bundle: Path | None) -> Iterator[Frame]:
    """The frames of a recipe, as a camera and a file would have passed them on."""
    mesh = recipe.mesh if recipe.mesh == "facemesh" or bundle else "facemesh"
    if recipe.source == "portrait":
        frames = _portrait_frames(recipe, mesh, bundle)
    else:
        frames = _clip_frames(recipe, mesh, bundle)
    frames = (_seen(frame, recipe) for frame in frames)
    return _compressed(frames, recipe.compression)


def portrait(path: str, mesh: str, bundle: Path | None) -> tuple[Rgb, FloatArray] | None:
    """A portrait cut to `BASE_PX` and its landmarks; None where the model sees no face."""
    find = _still(mesh, bundle)
    if not path:
        picture = default_portrait(BASE_PX)
    else:
        whole = read_picture(Path(path))
        landmarks = find(whole)
        if landmarks is None:
            return None
        picture = square_portrait(whole, landmarks, BASE_PX)
    landmarks = find(picture)
    return None if landmarks is None else (picture, landmarks)


def _portrait_frames(recipe: Recipe, mesh: str, bundle: Path | None) -> Iterator[Frame]:
    found = portrait(recipe.path, mesh, bundle)
    if found is None:
        raise SystemExit(f"{recipe.path}: no face")
    script = recipe.script
    if recipe.yaw_deg:
        turn = Movement("head_turn", "both", 0.0, recipe.duration_s + 2.0, 0, 0, recipe.yaw_deg)
        script = (*script, turn)
    times = steady_times(recipe.duration_s, recipe.fps).tolist()
    return render_portrait(*found, script, times, seed=recipe.seed, camera=SimulatedCamera())


def _clip_frames(recipe: Recipe, mesh: str, bundle: Path | None) -> Iterator[Frame]:
    with open_source(recipe.path) as source:
        if not recipe.script:
            yield from source
            return
        finder = _open(mesh, bundle)
        try:
            yield from inject(source, finder, recipe.script)
        finally:
            finder.close()


def _seen(frame: Frame, recipe: Recipe) -> Frame:
    """Scaled, then lit: noise of a camera is as fine as its pixels."""
    rgb = frame.rgb
    height, width = rgb.shape[:2]
    if recipe.height and recipe.height != height:
        size = max(round(width * recipe.height / height), 2), recipe.height
        shrink = recipe.height < height
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    gain, gamma, noise = LIGHTS[recipe.light]
    if gain != 1.0 or gamma != 1.0:
        table = 255.0 * np.clip(gain * (np.arange(256) / 255.0) ** gamma, 0.0, 1.0)
        rgb = cv2.LUT(rgb, np.rint(table).astype(np.uint8))
    if noise:
        rng = np.random.default_rng([recipe.seed, 7, frame.index])
        grain = rng.standard_normal((*rgb.shape[:2], 1), dtype=np.float32) * np.float32(noise)
        rgb = np.clip(rgb.astype(np.float32) + grain, 0, 255).astype(np.uint8)
    return replace(frame, rgb=np.ascontiguousarray(rgb))


def _compressed(frames: Iterator[Frame], compression: str) -> Iterator[Frame]:
    if compression == "none":
        yield from frames
    elif compression.startswith(_JPEG):
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(compression.removeprefix(_JPEG))]
        for frame in frames:
            _, data = cv2.imencode(".jpg", frame.rgb[..., ::-1], quality)
            rgb = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
            yield replace(frame, rgb=np.ascontiguousarray(rgb))
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "item.mp4"
            write_video(path, frames, crf=int(compression.removeprefix("crf")))
            with open_source(path) as source:
                yield from source
