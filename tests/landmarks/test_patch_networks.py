"""What the two networks of our own read from the built-in portrait, moved by known amounts.

The landmarks come from the bundled Face Mesh in still mode, on each moved picture, as in use.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.core.landmarks import COMMISSURE, LID_MARGINS, MIRROR_PAIRS, OUTER_CANTHUS
from hfs_vision.errors import ModelError
from hfs_vision.landmarks import model_files
from hfs_vision.landmarks.patch_networks import FILES, PatchNetworks, normalised, readings
from hfs_vision.landmarks.patches import FacePatches
from hfs_vision.schema import FloatArray, Frame
from hfs_vision.simulate import FaceState, Rgb, default_portrait, warp_face
from tests.benchmarks.common import StillFinder
from tests.models_here import needs_face_mesh

EACH_SIDE = pytest.mark.parametrize("side", [0, 1], ids=["left", "right"])


@pytest.fixture(scope="module")
def reader() -> PatchNetworks:
    return PatchNetworks()


@cache
def finder() -> StillFinder:
    return StillFinder("facemesh", None)


def found_in(picture: Rgb) -> FloatArray:
    landmarks = finder()(picture)
    assert landmarks is not None
    return landmarks


@cache
def at_rest() -> tuple[Rgb, FloatArray]:
    picture = default_portrait(520)
    return picture, found_in(picture)


def one_sided(side: int, amount: float) -> tuple[float, float]:
    return (amount, 0.0) if side == 0 else (0.0, amount)


def moved(**state: tuple[float, float]) -> Rgb:
    return warp_face(*at_rest(), FaceState(**state))


def read(reader: PatchNetworks, picture: Rgb) -> FloatArray:
    return reader(Frame(0, 0.0, picture), found_in(picture))


def measured(reader: PatchNetworks, picture: Rgb) -> Measurements:
    landmarks = found_in(picture)
    looks = readings([reader(Frame(0, 0.0, picture), landmarks)])
    return measure(np.zeros(1), landmarks[None], looks)


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def two_faces() -> FacePatches:
    return FacePatches(noise((2, 48, 64, 3)), noise((2, 48, 48, 3), 1))


# What goes into the networks


def test_a_normalised_patch_has_mean_0_and_a_deviation_just_under_1():
    patches = noise((5, 48, 64, 3))
    x = normalised(patches)
    assert x.shape == (5, 3, 48, 64)
    assert x.dtype == np.float32
    assert x.flags.c_contiguous
    np.testing.assert_allclose(x.mean(axis=(1, 2, 3)), 0.0, atol=1e-5)
    deviation = patches.reshape(5, -1).std(axis=1)
    np.testing.assert_allclose(x.std(axis=(1, 2, 3)), deviation / (deviation + 4.0), rtol=1e-4)
    assert (x.std(axis=(1, 2, 3)) > 0.9).all()


def test_colours_stay_apart_and_patches_are_normalised_one_by_one():
    patches = noise((2, 48, 48, 3))
    patches[0, ..., 0] = 0
    x = normalised(patches)
    assert (x[0, 0] == x[0, 0, 0, 0]).all()
    np.testing.assert_array_equal(x[1], normalised(patches[1:])[0])


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_a_constant_patch_gives_zeros(level):
    x = normalised(np.full((2, 48, 64, 3), level, np.uint8))
    np.testing.assert_allclose(x, 0.0, atol=1e-4)


def test_brightness_and_contrast_of_a_clear_patch_hardly_matter():
    base = noise((1, 48, 48, 3)) // 2
    np.testing.assert_allclose(normalised(base + 100), normalised(base), atol=1e-4)
    np.testing.assert_allclose(normalised(base * 2), normalised(base), atol=0.15)


# What comes out


def test_seven_finite_numbers_of_each_face_in_columns(reader):
    (row,) = reader.read([two_faces()])
    assert row.shape == (7,)
    assert row.dtype == np.float64
    assert np.isfinite(row).all()
    table = readings([row, np.full(7, np.nan), row])
    assert table.aperture.shape == (3, 2)
    assert table.corner_shift.shape == (3, 2, 2)
    assert table.visibility.shape == (3,)
    np.testing.assert_array_equal(table.aperture[0], row[:2])
    np.testing.assert_array_equal(table.corner_shift[0].ravel(), row[2:6])
    assert table.visibility[2] == row[6]
    assert np.isnan(table.aperture[1]).all()


def test_no_frames_give_columns_without_rows():
    assert readings([]).corner_shift.shape == (0, 2, 2)


def test_without_a_face_everything_is_nan(reader):
    row = reader(Frame(0, 0.0, noise((90, 120, 3))), np.full((478, 3), np.nan))
    assert row.shape == (7,)
    assert np.isnan(row).all()


def test_a_side_is_read_by_itself_and_each_frame_anew(reader):
    faces = two_faces()
    (both,) = reader.read([faces])
    other = FacePatches(faces.eyes.copy(), faces.mouths.copy())
    other.eyes[1], other.mouths[1] = noise((48, 64, 3), 7), noise((48, 48, 3), 8)
    (mixed,) = reader.read([other])
    np.testing.assert_allclose(mixed[[0, 2, 3]], both[[0, 2, 3]], atol=1e-6)
    assert np.abs(mixed[[1, 4, 5]] - both[[1, 4, 5]]).max() > 1e-4
    np.testing.assert_array_equal(reader.read([faces])[0], both)


def test_any_number_of_frames_at_once_gives_the_same_digits(reader):
    frames = [
        FacePatches(noise((2, 48, 64, 3), seed), noise((2, 48, 48, 3), seed + 100))
        for seed in range(37)
    ]
    mixed = [None if number % 5 == 2 else frame for number, frame in enumerate(frames)]
    one_by_one = np.concatenate([reader.read([frame]) for frame in mixed])
    np.testing.assert_array_equal(reader.read(mixed), one_by_one)
    assert np.isnan(one_by_one).all(axis=1).sum() == 7
    assert reader.read([]).shape == (0, 7)


def test_exchanged_patches_give_exchanged_sides(reader):
    faces = two_faces()
    a, b = reader.read([faces, FacePatches(faces.eyes[::-1], faces.mouths[::-1])])
    np.testing.assert_allclose(b, a[[1, 0, 4, 5, 2, 3, 6]], atol=1e-6)


# What they see


@needs_face_mesh
@EACH_SIDE
def test_closing_one_eye_lowers_its_aperture_and_not_the_others(reader, side):
    rest = read(reader, at_rest()[0])[:2]
    half = read(reader, moved(closure=one_sided(side, 0.5)))[:2]
    shut = read(reader, moved(closure=one_sided(side, 1.0)))[:2]
    assert 0.05 < rest[side] < 0.13
    assert 0.25 < 1 - half[side] / rest[side] < 0.75
    assert 1 - shut[side] / rest[side] > 0.7
    for now in (half, shut):
        assert abs(1 - now[1 - side] / rest[1 - side]) < 0.08


@needs_face_mesh
@EACH_SIDE
def test_pulling_one_corner_moves_its_measured_place_and_not_the_others(reader, side):
    rest = measured(reader, at_rest()[0]).commissure[0]
    pulled = measured(reader, moved(excursion=one_sided(side, 0.06))).commissure[0]
    step = pulled - rest
    assert 0.04 < np.hypot(*step[side]) < 0.08
    assert (step[side] > 0.015).all()  # outwards, and up
    assert np.hypot(*step[1 - side]) < 0.015


@needs_face_mesh
def test_the_mirrored_picture_gives_the_sides_exchanged(reader):
    """What counts is the step from rest: Face Mesh puts a mirrored face a little elsewhere."""

    def step(flip: bool) -> tuple[FloatArray, FloatArray]:
        pictures = at_rest()[0], moved(closure=(0.7, 0.0), excursion=(0.0, 0.08))
        if flip:
            pictures = tuple(np.ascontiguousarray(picture[:, ::-1]) for picture in pictures)
        rest, now = (measured(reader, picture) for picture in pictures)
        return now.aperture[0] - rest.aperture[0], now.commissure[0] - rest.commissure[0]

    (lids, corners), (lids_flipped, corners_flipped) = step(False), step(True)
    np.testing.assert_allclose(lids_flipped, lids[::-1], atol=0.01)
    np.testing.assert_allclose(corners_flipped, corners[::-1], atol=0.015)
    assert lids[0] < -0.03
    assert np.hypot(*corners[1]) > 0.05


@needs_face_mesh
def test_mirrored_landmarks_on_a_mirrored_picture_give_the_same_to_the_noise_of_resampling(reader):
    picture, landmarks = at_rest()
    flipped = np.ascontiguousarray(picture[:, ::-1])
    points = landmarks.copy()
    for left, right in MIRROR_PAIRS:
        points[[left, right]] = landmarks[[right, left]]
    points[:, 0] = picture.shape[1] - 1 - points[:, 0]
    a, b = reader(Frame(0, 0.0, picture), landmarks), reader(Frame(0, 0.0, flipped), points)
    np.testing.assert_allclose(b[:6], a[[1, 0, 4, 5, 2, 3]], atol=0.003)


@needs_face_mesh
@EACH_SIDE
@pytest.mark.parametrize("part", ["eye", "mouth"])
def test_a_covered_eye_or_corner_is_not_visible_and_an_uncovered_face_is(reader, side, part):
    picture, landmarks = at_rest()
    assert reader(Frame(0, 0.0, picture), landmarks)[6] > 0.5
    covered = cover(picture, landmarks, side, part)
    assert reader(Frame(0, 0.0, covered), landmarks)[6] < 0.02


def cover(picture: Rgb, landmarks: FloatArray, side: int, part: str) -> Rgb:
    """A flat rectangle of the colour of a cheek over one eye, or over one half of the mouth."""
    unit = np.linalg.norm(landmarks[OUTER_CANTHUS[0]] - landmarks[OUTER_CANTHUS[1]])
    cheek = landmarks[COMMISSURE[side], :2] * 0.4 + landmarks[OUTER_CANTHUS[side], :2] * 0.6
    around = picture[tuple(slice(round(c) - 4, round(c) + 5) for c in cheek[::-1])]
    tone = around.reshape(-1, 3).mean(axis=0)
    eye = [p for pair in LID_MARGINS[side] for p in pair]
    middle = landmarks[eye if part == "eye" else [COMMISSURE[side]], :2].mean(axis=0)
    low = np.round(middle - 0.26 * unit).astype(int)
    high = np.round(middle + 0.26 * unit).astype(int)
    made = picture.copy()
    cv2.rectangle(made, low.tolist(), high.tolist(), np.round(tone).tolist(), -1)
    return made


@needs_face_mesh
@pytest.mark.parametrize("change", ["half size", "JPEG", "dark", "grey"])
def test_what_a_camera_does_hardly_changes_the_reading(reader, change):
    make: dict[str, Callable[[Rgb], Rgb]] = {
        "half size": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        "JPEG": lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [1, 60])[1], cv2.IMREAD_COLOR),
        "dark": lambda p: (p * 0.5).astype(np.uint8),
        "grey": lambda p: np.repeat(p.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8),
    }
    states = [{}, {"closure": (0.0, 1.0)}]
    drop = []
    for changed in (lambda p: p, make[change]):
        rest, shut = (read(reader, changed(moved(**state))) for state in states)
        drop.append(1 - shut[1] / rest[1])
        assert rest[6] > 0.5
    assert drop[1] == pytest.approx(drop[0], abs=0.15)


# Weights


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout's ``models/`` with copies of the weights."""
    for file in FILES:
        (tmp_path / file).write_bytes(model_files.own_weights(file).read_bytes())
    monkeypatch.setattr(model_files, "checkout_folder", lambda: tmp_path)
    return tmp_path


def test_copies_of_the_weights_are_the_same_weights(folder, reader):
    assert PatchNetworks().sha256 == reader.sha256
    data = b"".join((folder / file).read_bytes() for file in FILES)
    assert reader.sha256 == model_files.sha256_hex(data)


def test_other_weights_have_another_hash(folder, reader):
    data = bytearray((folder / FILES[1]).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / FILES[1]).write_bytes(data)
    assert PatchNetworks().sha256 != reader.sha256
    assert reader.warnings == ()
    (warning,) = PatchNetworks().warnings
    assert FILES[1] in warning


@pytest.mark.parametrize("file", FILES)
def test_missing_weights_say_which_file_and_what_to_do(folder, file, monkeypatch):
    (folder / file).unlink()
    with pytest.raises(ModelError, match=f"{file} is missing; .*git checkout -- models/{file}"):
        PatchNetworks()
    monkeypatch.setattr(model_files, "checkout_folder", lambda: None)
    monkeypatch.setattr(
        model_files, "__file__", str(folder / "hfs_vision" / "landmarks" / "model_files.py")
    )
    with pytest.raises(ModelError, match=rf"weights.{FILES[0]} is missing; install hfs-vision"):
        PatchNetworks()


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="truncated"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"<html>not found</html>" * 50, id="a web page"),
        pytest.param(
            lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            id="a pointer",
        ),
    ],
)
def test_damaged_weights_say_which_file_and_what_to_do(folder, file, damage):
    path = folder / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=f"{file} is damaged; .*git checkout -- models/{file}"):
        PatchNetworks()


@pytest.mark.parametrize("file", FILES)
def test_weights_of_the_other_network_are_refused(folder, file):
    other = next(name for name in FILES if name != file)
    (folder / file).write_bytes((folder / other).read_bytes())
    with pytest.raises(ModelError, match=f"{file} takes pictures of .*git checkout -- models/"):
        PatchNetworks()


def test_weights_that_cannot_be_read_say_so(folder, monkeypatch):
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ModelError, match=r"eye_closure\.onnx cannot be read \(Permission denied"):
        PatchNetworks()


def test_an_installed_package_looks_in_its_own_folder(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "hfs_vision"
    (package / "weights").mkdir(parents=True)
    (package / "weights" / "some.onnx").write_bytes(b"1234")
    monkeypatch.setattr(model_files, "OWN_FILES", ("some.onnx",))
    monkeypatch.setattr(model_files, "__file__", str(package / "landmarks" / "model_files.py"))
    assert model_files.checkout_folder() is None
    assert model_files.own_weights("some.onnx") == package / "weights" / "some.onnx"
    (record,) = model_files.own_info()
    assert (record.size, record.sha256) == (4, model_files.sha256_hex(b"1234"))
