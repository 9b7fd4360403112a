"""Two landmark models as one."""

from __future__ import annotations

import numpy as np
import pytest

import hfs_vision
from hfs_vision.core.geometry import measure
from hfs_vision.errors import ModelError
from hfs_vision.landmarks.fused import FusedLandmarker, fuse
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.schema import FloatArray, Frame, ModelIdentity
from tests.golden.data import match, sample_truth, task_file
from tests.models_here import needs_face_mesh, needs_task
from tests.paths import SAMPLES
from tests.synthetic import Recording, face

NOWHERE = np.full((478, 3), np.nan)
BLANK = np.zeros((48, 64, 3), np.uint8)


class Told:
    """A landmarker that gives what it is told, frame by frame."""

    def __init__(self, *faces: FloatArray, warnings: tuple[str, ...] = (), name: str = "a") -> None:
        self.identity = ModelIdentity(name, f"{name}.tflite", name * 64, "0.10.21", 0.1)
        self.warnings = warnings
        self.faces = iter(faces)
        self.closed = 0

    def __call__(self, frame: Frame) -> FloatArray:
        return next(self.faces)

    def close(self) -> None:
        self.closed += 1


def a_face(x: float = 320.0, y: float = 240.0, **pose: float) -> FloatArray:
    still = Recording(0.04, 30.0)
    return face(still.aperture, still.commissure, shift=(x, y, 0.0), **pose)[0]


def frames(n: int) -> list[Frame]:
    return [Frame(i, i / 30, BLANK) for i in range(n)]


def test_landmarks_are_the_mean_of_both():
    a, b = a_face(320.0), a_face(324.0, 238.0, roll_deg=2.0)
    fused = FusedLandmarker(Told(a), Told(b))
    np.testing.assert_allclose(fused(frames(1)[0]), (a + b) / 2)
    assert fused.warnings == ()


def test_neither_model_changes_what_the_other_gave():
    a, b = a_face(), a_face(330.0)
    before = a.copy(), b.copy()
    fuse(a, b)
    np.testing.assert_array_equal(a, before[0])
    np.testing.assert_array_equal(b, before[1])


@pytest.mark.parametrize(("a", "b"), [(NOWHERE, a_face()), (a_face(), NOWHERE), (NOWHERE, NOWHERE)])
def test_a_face_that_either_model_misses_is_missing_and_no_warning(a, b):
    fused = FusedLandmarker(Told(a), Told(b))
    assert np.isnan(fused(frames(1)[0])).all()
    assert fused.warnings == ()


def test_two_faces_are_not_averaged_and_their_frames_are_counted():
    a, b = a_face(200.0), a_face(450.0)
    fused = FusedLandmarker(Told(a, a, a, NOWHERE), Told(a, b, b, b))
    found = np.array([fused(frame) for frame in frames(4)])
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1:]).all()
    (warning,) = fused.warnings
    assert "different faces in 2 frame(s)" in warning
    assert "--subject" in warning


@pytest.mark.parametrize("scale", [40.0, 150.0, 600.0])
@pytest.mark.parametrize(("share", "same"), [(0.0, True), (0.2, True), (2.0, False)])
def test_what_is_far_apart_goes_by_the_size_of_the_face(scale, share, same):
    a, b = a_face(scale=scale), a_face(320.0 + share * scale, scale=scale)
    mean, found = fuse(a, b)
    assert found == same
    assert np.isfinite(mean).all() == same


def test_one_above_the_other_is_another_face_too():
    assert not fuse(a_face(), a_face(y=240.0 + 400.0))[1]


def test_the_identity_joins_names_hashes_and_leaks():
    first, second = Told(name="a"), Told(name="b")
    second.identity = ModelIdentity("b", "b.task", "b" * 64, "0.10.21", 0.3)
    made = FusedLandmarker(first, second).identity
    assert made.landmarker == "fused"
    assert made.file == "a.tflite+b.task"
    assert made.sha256 == "a" * 64 + "+" + "b" * 64
    assert made.mediapipe == "0.10.21"
    assert made.lid_leak == pytest.approx(0.2)


def test_the_mean_leakage_is_that_of_the_mean():
    """Each model's apertures leak by its own share: unmixed by the mean share, nothing is left."""
    truth, corners = np.array([[0.02, 0.11]]), np.array([[(0.36, -0.73), (0.36, -0.73)]])

    def leaking(leak: float) -> FloatArray:
        return face((1 - leak) * truth + leak * truth[:, ::-1], corners)[0]

    mean, _ = fuse(leaking(0.0), leaking(0.22))
    np.testing.assert_allclose(
        measure(np.zeros(1), mean[None], lid_leak=0.11).aperture, truth, atol=1e-5
    )


def test_warnings_of_both_are_told_once_each():
    fused = FusedLandmarker(Told(warnings=("x", "y")), Told(warnings=("y", "z")))
    assert fused.warnings == ("x", "y", "z")


def test_close_closes_both():
    first, second = Told(), Told()
    FusedLandmarker(first, second).close()
    assert (first.closed, second.closed) == (1, 1)


@needs_face_mesh
def test_fused_needs_the_bundle_and_names_the_one_that_is_missing(tmp_path):
    with pytest.raises(ModelError, match=r"no\.task does not exist"):
        open_landmarker("fused", model=tmp_path / "no.task")


# Real models

SPASMS = "right_hemifacial_spasms"


@needs_face_mesh
@needs_task
def test_a_real_video_is_analysed_by_both_models_together():
    until_s = 9.0
    reached: list[float] = []
    result = hfs_vision.analyze(
        SAMPLES / f"{SPASMS}.mp4",
        landmarker="fused",
        model=task_file(),
        progress=lambda info, n, time_s: reached.append(time_s),
        stop=lambda: bool(reached) and reached[-1] > until_s,
    )
    assert np.isfinite(result.measurements.aperture).all()
    model = result.as_dict()["model"]
    assert model["landmarker"] == "fused"
    assert model["file"].endswith("+face_landmarker.task")
    assert [len(part) for part in model["sha256"].split("+")] == [64, 64]
    assert len(model["appearance_sha256"]) == 64
    assert {event.side for event in result.events} <= {"right"}
    seen = [row for row in sample_truth(SPASMS).one_sided if row["offset_s"] < until_s - 1]
    pairs, missed, _ = match(seen, result.events)
    assert (len(pairs), missed) == (len(seen), [])
