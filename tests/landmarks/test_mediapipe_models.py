"""Landmarks arrive raw, in pixels, and always from one person.

The pictures are made from scikit-image's public portrait. Tests of the FaceLandmarker run where
its bundle is on the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import data

from hfs_vision.errors import ModelError, SourceError, UsageError
from hfs_vision.landmarks import mediapipe_models, model_files
from hfs_vision.landmarks.face_identity import (
    AppearanceVector,
    FacePosition,
    Picture,
    extract_appearance,
    keep_only,
)
from hfs_vision.landmarks.mediapipe_models import SubjectLandmarker, open_landmarker
from hfs_vision.landmarks.native_output import quiet_native
from hfs_vision.landmarks.subject_tracker import PATIENCE_S, Subject
from hfs_vision.schema import FloatArray, Frame, Landmarker
from tests.golden.data import task_file
from tests.models_here import needs_face_mesh, needs_task
from tests.paths import ROOT

TASK = task_file()

BACKENDS = [
    pytest.param("facemesh", marks=needs_face_mesh),
    pytest.param("facelandmarker", marks=needs_task),
]


def opened(
    name: str, subject: tuple[float, float] | None = None, known: AppearanceVector | None = None
) -> Landmarker:
    model = TASK if name == "facelandmarker" else None
    return open_landmarker(name, model=model, subject=subject, known=known)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def landmarker(backend: str) -> Iterator[Landmarker]:
    made = opened(backend)
    yield made
    made.close()


PERSON: Picture = cv2.resize(
    np.ascontiguousarray(data.astronaut()[10:230, 120:330]), None, fx=1.2, fy=1.2
)
"""A face about 115 pixels high whose centre is near (130, 125)."""

SUBJECT: Picture = cv2.resize(PERSON, None, fx=1.15, fy=1.15)
BYSTANDER: Picture = cv2.resize(
    (PERSON[:, ::-1] * np.array([0.55, 0.8, 1.0])).astype(np.uint8), None, fx=0.97, fy=0.97
)
"""The same face mirrored, tinted and smaller."""


def scene(*pasted: tuple[Picture, float, float], size: tuple[int, int] = (360, 640)) -> Picture:
    """A grey picture with others on it, each by its upper left corner; the last one is in front."""
    height, width = size
    canvas = np.full((height, width, 3), 110, np.uint8)
    for picture, x, y in pasted:
        left, top = round(x), round(y)
        rows = slice(max(top, 0), min(top + picture.shape[0], height))
        columns = slice(max(left, 0), min(left + picture.shape[1], width))
        if rows.start < rows.stop and columns.start < columns.stop:
            canvas[rows, columns] = picture[
                rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
            ]
    return canvas


def follow(landmarker: Landmarker, pictures: Sequence[Picture], fps: float = 30.0) -> FloatArray:
    """Landmarks of a recording made of these pictures, ``(n, 478, 3)``."""
    return np.array([landmarker(Frame(i, i / fps, rgb)) for i, rgb in enumerate(pictures)])


def centres(landmarks: FloatArray) -> FloatArray:
    """Mean x of each picture's mesh, NaN where there is none."""
    return landmarks[:, :, 0].mean(axis=1)


# Part by part


def known_look(backend: str) -> AppearanceVector:
    landmarker = opened(backend)
    picture = scene((SUBJECT, 350, 60))
    face = follow(landmarker, [picture] * 3)[-1]
    landmarker.close()
    return extract_appearance(picture, face)


def test_a_known_subject_is_followed_though_another_face_is_larger(backend: str) -> None:
    known = known_look(backend)
    larger = cv2.resize(BYSTANDER, None, fx=1.4, fy=1.4)
    both = [scene((larger, 20, 30), (SUBJECT, 380, 90))] * 4
    for look, x in ((known, 500), (None, 170)):
        landmarker = opened(backend, known=look)
        assert centres(follow(landmarker, both))[-1] == pytest.approx(x, abs=60)
        assert landmarker.warnings == ()
        landmarker.close()


def test_a_part_that_begins_with_somebody_else_is_told(backend: str) -> None:
    picture = scene((SUBJECT, 200, 60))
    known = known_look(backend)
    somebody_else = np.random.default_rng(1).permutation(known)
    for look, told in ((known, 0), (somebody_else, 1)):
        landmarker = opened(backend, known=look)
        follow(landmarker, [picture] * 4)
        assert len(landmarker.warnings) == told, landmarker.warnings
        assert all("does not look as at the start" in text for text in landmarker.warnings)
        landmarker.close()


# What comes out


def test_landmarks_are_478_sub_pixel_points_on_the_face(landmarker: Landmarker) -> None:
    found = follow(landmarker, [scene((PERSON, 200, 60))] * 3)[-1]
    assert found.shape == (478, 3)
    assert found.dtype == np.float64
    x, y = found[:, 0], found[:, 1]
    assert 200 < x.min() < x.max() < 200 + PERSON.shape[1]
    assert 60 < y.min() < y.max() < 60 + PERSON.shape[0]
    assert 90 < np.ptp(x) < 150
    assert np.abs(found[:, :2] - found[:, :2].round()).mean() > 0.15
    right_eye, left_eye = found[33], found[263]  # the subject's own sides
    assert right_eye[0] < left_eye[0]
    assert abs(found[:, 2]).max() < 120  # depth is in pixels of the width, too


@pytest.mark.parametrize("size", [(360, 640), (640, 360), (280, 320), (271, 803)])
def test_landmarks_do_not_depend_on_the_shape_of_the_picture(
    backend: str, size: tuple[int, int]
) -> None:
    square, other = opened(backend), opened(backend)
    expected = follow(square, [scene((PERSON, 60, 5), size=(400, 400))] * 6)[-1]
    found = follow(other, [scene((PERSON, 60, 5), size=size)] * 6)[-1]
    square.close()
    other.close()
    assert np.abs(found - expected).mean() < 1.0
    assert np.abs(found - expected)[:, :2].max() < 4.0


def test_a_picture_without_a_face_gives_nan_and_a_face_after_it_is_found(
    landmarker: Landmarker,
) -> None:
    found = follow(landmarker, [scene()] * 3 + [scene((PERSON, 200, 60))] * 3 + [scene()] * 3)
    assert np.isnan(found[:3]).all()
    assert np.isfinite(found[4:6]).all()
    assert np.isnan(found[-1]).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 3), (7, 900)])
def test_a_tiny_picture_gives_nan(landmarker: Landmarker, size: tuple[int, int]) -> None:
    assert np.isnan(landmarker(Frame(0, 0.0, np.full((*size, 3), 90, np.uint8)))).all()


def test_a_picture_that_is_a_view_of_another_gives_the_same_landmarks(backend: str) -> None:
    wide = np.repeat(scene((PERSON, 200, 60)), 2, axis=1)
    wide.setflags(write=False)
    one, other = opened(backend), opened(backend)
    from_view = one(Frame(0, 0.0, wide[:, ::2]))
    from_copy = other(Frame(0, 0.0, wide[:, ::2].copy()))
    one.close()
    other.close()
    assert np.isfinite(from_view).all()
    np.testing.assert_array_equal(from_view, from_copy)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(np.zeros((40, 40), np.uint8), id="grey"),
        pytest.param(np.zeros((40, 40, 4), np.uint8), id="four channels"),
        pytest.param(np.zeros((40, 40, 3), np.float32), id="float"),
        pytest.param(np.zeros((0, 40, 3), np.uint8), id="empty"),
    ],
)
def test_a_picture_of_another_form_is_refused_by_name(picture: Any) -> None:
    with pytest.raises(SourceError, match="frame 7 must be"):
        opened_first()(Frame(7, 0.0, picture))


def opened_first() -> Landmarker:
    """A landmarker whose model is never reached."""
    return SubjectLandmarker(World({}), mediapipe_models.ModelIdentity("fake", "", "", ""))


def test_a_closed_landmarker_says_so_and_closes_again_without_effect(
    landmarker: Landmarker,
) -> None:
    landmarker.close()
    landmarker.close()
    with pytest.raises(ModelError, match="closed"):
        landmarker(Frame(0, 0.0, scene()))


@needs_task
@pytest.mark.parametrize(
    "times",
    [
        pytest.param([-0.5, -0.4999, -0.4998, -0.4997], id="below zero and closer than 1 ms"),
        pytest.param([5.0, 5.0, 5.0, 5.0], id="all the same"),
        pytest.param([3.0, 2.0, 1.0, 1e6], id="running back, then far ahead"),
        pytest.param([float("nan"), 0.0, float("inf"), 1.0], id="not finite"),
    ],
)
def test_any_frame_times_are_accepted(times: list[float]) -> None:
    landmarker = opened("facelandmarker")
    found = [landmarker(Frame(i, t, scene((PERSON, 200, 60)))) for i, t in enumerate(times)]
    landmarker.close()
    assert np.isfinite(found).all()


# Rawness

LARGE: Picture = cv2.resize(PERSON, None, fx=1.33, fy=1.33)
STEP_PX = 3


def stepped() -> list[Picture]:
    """A face that stands still and then is 3 pixels farther right."""
    still = scene((LARGE, 60, 5), size=(360, 480))
    moved = scene((LARGE, 60 + STEP_PX, 5), size=(360, 480))
    return [still] * 12 + [moved] * 3


def response(landmarks: FloatArray) -> float:
    """Share of the step that the first picture after it shows."""
    x = landmarks[:, :, 0].mean(axis=1)
    return float(x[12] - x[11]) / STEP_PX


def test_a_step_of_the_face_arrives_in_full_with_the_next_picture(landmarker: Landmarker) -> None:
    assert 0.95 < response(follow(landmarker, stepped())) < 1.35


@needs_task
def test_the_face_landmarker_gives_what_its_image_mode_gives() -> None:
    landmarker = opened("facelandmarker")
    video = follow(landmarker, stepped())
    landmarker.close()
    np.testing.assert_allclose(video, raw_task("IMAGE", 1), atol=0.05)


@needs_task
def test_the_rawness_test_would_notice_a_filter() -> None:
    assert response(raw_task("VIDEO", 1)) < 0.85


def raw_task(mode: str, faces: int) -> FloatArray:
    """The step through MediaPipe's own FaceLandmarker, ``(n, 478, 3)`` pixels."""
    assert TASK is not None
    with quiet_native():
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=TASK.read_bytes()),
            running_mode=vision.RunningMode[mode],
            num_faces=faces,
        )
        rows = []
        with vision.FaceLandmarker.create_from_options(options) as task:
            for i, rgb in enumerate(stepped()):
                image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)
                timed = mode == "VIDEO"
                result = task.detect_for_video(image, i * 33) if timed else task.detect(image)
                rows.append([(p.x * 480, p.y * 360, p.z * 480) for p in result.face_landmarks[0]])
    return np.array(rows)


@needs_face_mesh
def test_face_mesh_alone_in_view_is_exactly_what_mediapipe_gives() -> None:
    with quiet_native():
        import mediapipe

        bare = mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True)
        blank = np.zeros((64, 64, 3), np.uint8)
        bare.process(blank)
        expected = []
        for rgb in stepped():
            points = bare.process(rgb).multi_face_landmarks[0].landmark
            expected.append([(p.x * 480, p.y * 360, p.z * 480) for p in points])
        bare.close()
    landmarker = opened("facemesh")
    np.testing.assert_allclose(follow(landmarker, stepped()), expected, rtol=0, atol=1e-9)
    landmarker.close()


# One person, with real models


@pytest.mark.parametrize(
    ("subject", "expected"), [(None, 166), ((0.1, 0.9), 166), ((0.95, 0.1), 510)]
)
def test_the_largest_or_the_wanted_face_is_followed(
    backend: str, subject: tuple[float, float] | None, expected: float
) -> None:
    landmarker = opened(backend, subject)
    found = centres(follow(landmarker, [both(20)] * 8))
    landmarker.close()
    assert np.isfinite(found[-5:]).all()
    assert np.abs(found[np.isfinite(found)] - expected).max() < 25
    assert landmarker.warnings == ()


def both(x: float) -> Picture:
    """The bystander at the right, the subject wherever it is."""
    return scene((BYSTANDER, 390, 60), (SUBJECT, x, 40))


def test_a_subject_who_leaves_is_not_replaced_by_the_one_beside_it(landmarker: Landmarker) -> None:
    away = np.concatenate([np.full(6, 20.0), np.linspace(20, -260, 14), np.full(70, -400.0)])
    back = np.concatenate([np.linspace(-260, 20, 14), np.full(10, 20.0)])
    found = centres(follow(landmarker, [both(x) for x in np.concatenate([away, back])]))
    assert np.isfinite(found[:10]).all()
    assert np.isnan(found[30:90]).all()
    assert np.abs(found[-8:] - 166).max() < 8
    assert np.nanmax(found) < 220
    assert len(landmarker.warnings) == 1
    assert "only a person who was seen beside the subject" in landmarker.warnings[0]


def test_a_bystander_who_passes_in_front_does_not_take_the_subject_along(
    landmarker: Landmarker,
) -> None:
    passing = [scene((SUBJECT, 200, 40), (BYSTANDER, x, 60)) for x in np.linspace(560, -300, 60)]
    found = centres(follow(landmarker, passing + [scene((SUBJECT, 200, 40))] * 30))
    assert np.nanmax(np.abs(found - 346)) < 45
    assert np.abs(found[-10:] - 346).max() < 8


# One person, by a model of known answers


class World:
    """A tracker whose faces are told: persons by name, each a mesh at a place.

    Like Face Mesh it keeps to one face, and takes any other one once that is gone.
    """

    def __init__(self, looks: dict[str, int]) -> None:
        self.textures = {
            name: np.random.default_rng(seed).integers(0, 255, (60, 60, 3), np.uint8)
            for name, seed in looks.items()
        }
        self.current: str | None = None
        self.seen: dict[str, FloatArray] = {}
        self.faceless: set[str] = set()

    def picture(self, places: dict[str, tuple[float, float]]) -> Picture:
        canvas = np.zeros((200, 1200, 3), np.uint8)
        self.seen = {}
        for name, (x, y) in places.items():
            canvas[int(y) - 30 : int(y) + 30, int(x) - 30 : int(x) + 30] = self.textures[name]
            self.seen[name] = mesh(x, y)
        return canvas

    def _visible(self, rgb: Picture) -> dict[str, FloatArray]:
        inside = {n: face.mean(axis=0).astype(int) for n, face in self.seen.items()}
        return {
            n: self.seen[n]
            for n, (x, y, _) in inside.items()
            if rgb[y - 2 : y + 2, x : x + 1].any()
        }

    def track(self, rgb: Picture, time_s: float) -> list[FloatArray]:
        visible = {n: f for n, f in self._visible(rgb).items() if n not in self.faceless}
        if self.current is not None and self.current not in visible:
            self.current = None
            return []
        if self.current is None:
            self.current = next(iter(visible), None)
        return [] if self.current is None else [visible[self.current]]

    def survey(self, rgb: Picture) -> list[FacePosition]:
        return [FacePosition.of(face) for face in self._visible(rgb).values()]

    def examine(self, rgb: Picture) -> list[FloatArray]:
        return list(self._visible(rgb).values())

    def close(self) -> None:
        pass


def mesh(x: float, y: float, size: float = 50.0) -> FloatArray:
    """478 points around a place, with the four that `FacePosition` reads at the rim."""
    points = np.random.default_rng(0).uniform(-0.45, 0.45, (478, 3)) * size
    points -= points.mean(axis=0)
    half = size / 2
    points[[10, 152, 234, 454], :2] = [(0, -half), (0, half), (-half, 0), (half, 0)]
    return points + np.array((x, y, 0.0))


def watch(
    world: World, subject: Subject, story: Sequence[dict[str, tuple[float, float]]], start_s: float
) -> list[float]:
    """X of the followed face for each picture of a story at 10 pictures a second."""
    xs = []
    for i, places in enumerate(story):
        rgb = world.picture(places)
        xs.append(float(subject(rgb, start_s + i / 10)[10, 0]))
    return xs


LEFT, RIGHT = (200.0, 100.0), (900.0, 100.0)


def test_a_face_elsewhere_is_taken_after_two_seconds_and_told_with_both_times() -> None:
    world = World({"a": 1, "b": 2})
    subject = Subject(world)
    # B comes when A is long enough away that it might be A, who came back from another side.
    story = [{"a": LEFT}] * 10 + [{}] * 6 + [{"b": RIGHT}] * 20
    xs = watch(world, subject, story, -1.0)
    assert xs[:10] == [200.0] * 10
    assert np.isnan(xs[10 : 9 + int(PATIENCE_S * 10)]).all()
    assert xs[-1] == 900.0
    assert len(subject.warnings) == 1
    assert "lost at -0.10 s" in subject.warnings[0]
    assert "from 1.90 s on" in subject.warnings[0]
    assert "another place" in subject.warnings[0]


def test_the_subject_alone_that_is_elsewhere_after_a_jump_is_taken_with_a_warning() -> None:
    world = World({"a": 1})
    subject = Subject(world)
    xs = watch(world, subject, [{"a": LEFT}] * 10 + [{"a": RIGHT}] * 40, 0.0)
    assert xs[-1] == 900.0
    assert len(subject.warnings) == 1


def test_a_wanted_face_without_landmarks_is_waited_for_and_its_substitute_is_told() -> None:
    world = World({"a": 1, "b": 2})
    world.faceless = {"b"}
    subject = Subject(world, wanted=(RIGHT[0] / 1200, 0.5))
    xs = watch(world, subject, [{"a": LEFT, "b": RIGHT}] * 30, 0.0)
    assert np.isnan(xs[: int(PATIENCE_S * 10)]).all()
    assert xs[-1] == 200.0
    assert len(subject.warnings) == 1
    assert "gives no landmarks" in subject.warnings[0]


def test_a_short_loss_in_place_is_mended_at_once_and_silently() -> None:
    world = World({"a": 1})
    subject = Subject(world)
    story = [{"a": LEFT}] * 5 + [{}] * 3 + [{"a": (215.0, 105.0)}] * 5
    xs = watch(world, subject, story, 0.0)
    assert np.isnan(xs[5:8]).all()
    assert xs[8:] == [215.0] * 5
    assert subject.warnings == []


def test_another_person_in_the_same_place_is_told() -> None:
    world = World({"a": 1, "b": 2})
    subject = Subject(world)
    xs = watch(world, subject, [{"a": LEFT}] * 5 + [{}] * 4 + [{"b": LEFT}] * 40, 0.0)
    assert np.isnan(xs[5:24]).all()
    assert xs[-1] == 200.0
    assert len(subject.warnings) == 1
    assert "another look" in subject.warnings[0]


def test_a_stranger_who_looks_rather_like_the_subject_is_not_taken_silently() -> None:
    world = World({"a": 1, "b": 2})
    blend = 0.5 * world.textures["a"] + 0.5 * world.textures["b"]
    world.textures["b"] = blend.astype(np.uint8)
    likeness = extract_appearance(world.picture({"a": LEFT}), mesh(*LEFT)) @ extract_appearance(
        world.picture({"b": LEFT}), mesh(*LEFT)
    )
    assert 0.62 < likeness < 0.83  # as of one pair of people in ten
    subject = Subject(world)
    xs = watch(world, subject, [{"a": LEFT}] * 10 + [{}] + [{"b": LEFT}] * 40, 0.0)
    assert np.isnan(xs[10:29]).all()
    assert xs[-1] == 200.0
    assert len(subject.warnings) == 1


def test_a_bystander_seen_at_the_start_is_never_followed_however_long_the_subject_is_away() -> None:
    world = World({"a": 1, "b": 2})
    subject = Subject(world, wanted=(LEFT[0] / 1200, 0.5))
    story = [{"a": LEFT, "b": RIGHT}] * 5 + [{"b": (900.0 - 3 * i, 100.0)} for i in range(100)]
    xs = watch(world, subject, [*story, {"a": LEFT, "b": (600.0, 100.0)}], 0.0)
    assert xs[:5] == [200.0] * 5
    assert np.isnan(xs[5:-1]).all()
    assert xs[-1] == 200.0
    assert len(subject.warnings) == 1


def test_a_tracker_that_leaves_with_another_person_is_brought_back_and_it_is_told() -> None:
    world = World({"a": 1, "b": 2})
    subject = Subject(world)
    watch(world, subject, [{"a": LEFT}] * 10, 0.0)
    # B stands where A was and the tracker did not notice; A is in view beside it.
    world.current = "b"
    xs = watch(world, subject, [{"b": LEFT, "a": (300.0, 100.0)}] * 10, 1.0)
    assert xs[-1] == 300.0
    assert len(subject.warnings) == 1
    assert "another person's, who passed the subject" in subject.warnings[0]


def test_a_lasting_change_of_look_is_told_once() -> None:
    world = World({"a": 1, "b": 2})
    subject = Subject(world)
    watch(world, subject, [{"a": LEFT}] * 10, 0.0)
    world.current = "b"
    xs = watch(world, subject, [{"b": LEFT}] * 60, 1.0)
    assert xs == [200.0] * 60
    assert len(subject.warnings) == 1
    assert "does not look as before" in subject.warnings[0]


def test_a_look_is_free_of_brightness_and_contrast_and_tells_people_apart() -> None:
    world = World({"a": 1, "b": 2})
    lit = world.picture({"a": LEFT})
    look = extract_appearance(lit, mesh(*LEFT))
    dim = extract_appearance((lit * 0.5 + 20).astype(np.uint8), mesh(*LEFT))
    other = extract_appearance(world.picture({"b": LEFT}), mesh(*LEFT))
    assert look @ dim > 0.99
    assert abs(look @ other) < 0.3
    assert not extract_appearance(np.zeros_like(lit), mesh(*LEFT)).any()


def test_what_is_shown_around_a_place_keeps_its_coordinates_at_the_border() -> None:
    rgb = np.random.default_rng(3).integers(1, 255, (50, 80, 3), np.uint8)
    shown = keep_only(rgb, FacePosition(2.0, 48.0, 10.0), 1.0)
    assert shown.shape == rgb.shape
    np.testing.assert_array_equal(shown[38:50, 0:13], rgb[38:50, 0:13])
    assert shown.any(axis=2).sum() == 12 * 13
    assert not keep_only(rgb, FacePosition(-300.0, 20.0, 10.0), 1.0).any()


def test_a_place_does_not_depend_on_the_roll_of_the_head() -> None:
    face = mesh(300.0, 100.0)
    turned = face.copy()
    turned[:, 0], turned[:, 1] = 300 - (face[:, 1] - 100), 100 + (face[:, 0] - 300)
    assert (
        FacePosition.of(turned).size
        == pytest.approx(FacePosition.of(face).size)
        == pytest.approx(50.0)
    )
    assert FacePosition.of(turned).distance(FacePosition.of(face)) < 1e-9


# Opening


@needs_face_mesh
def test_the_identity_of_face_mesh_names_and_hashes_the_weights_that_run() -> None:
    landmarker = opened("facemesh")
    landmarker.close()
    identity = landmarker.identity
    assert identity.landmarker == "facemesh"
    assert identity.file == (
        "face_detection_short_range.tflite+face_landmark_with_attention.tflite"
    )
    assert identity.mediapipe == "0.10.21"
    assert identity.sha256 == "d51285689f677654260de6b20caf226aaf65f62938263b0a50bd53dc74a31547"


@needs_task
def test_the_identity_of_the_face_landmarker_is_its_file() -> None:
    assert TASK is not None
    landmarker = opened("facelandmarker")
    landmarker.close()
    assert landmarker.identity.file == TASK.name
    assert landmarker.identity.sha256 == model_files.sha256_hex(TASK.read_bytes())


@needs_face_mesh
def test_auto_takes_face_mesh_where_mediapipe_carries_it() -> None:
    landmarker = open_landmarker()
    landmarker.close()
    assert landmarker.identity.landmarker == "facemesh"


@pytest.mark.parametrize("name", ["auto", "facelandmarker", "facemesh"])
def test_without_face_mesh_and_file_it_is_said_how_to_get_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    bare = SimpleNamespace(__file__=str(tmp_path / "__init__.py"), __version__="0.10.33")
    monkeypatch.setattr(mediapipe_models, "_import_mediapipe", lambda: bare)
    monkeypatch.setattr(model_files, "search_folders", lambda: (tmp_path,))
    with pytest.raises(ModelError) as caught:
        open_landmarker(name)
    message = str(caught.value)
    assert "hfs-vision model fetch" in message
    assert model_files.FACE_LANDMARKER.url in message
    assert str(tmp_path / "face_landmarker.task") in message
    assert model_files.FACE_LANDMARKER.sha256 in message


def test_a_wrong_call_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown landmarker 'dlib'"):
        open_landmarker("dlib")
    with pytest.raises(UsageError, match="fractions"):
        open_landmarker(subject=(320.0, 0.5))
    with pytest.raises(UsageError, match="takes no model file"):
        open_landmarker("facemesh", model=Path("x.task"))


def test_a_bundle_that_mediapipe_cannot_load_is_named(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "hollow.task"
    with zipfile.ZipFile(path, "w") as bundle:
        for member in model_files.FACE_LANDMARKER.members:
            bundle.writestr(member, b"not a network")
    with pytest.raises(ModelError, match=r"cannot load .*hollow\.task"):
        open_landmarker("facelandmarker", model=path)


# Silence

NOISY = """
import sys, numpy as np
from pathlib import Path
import hfs_vision.landmarks.mediapipe_models as f
from hfs_vision.schema import Frame
assert not any(m.split(".")[0] in ("mediapipe", "cv2", "jax") for m in sys.modules), "not lazy"
from skimage import data
lm = f.open_landmarker(sys.argv[1], model=Path(sys.argv[2]) if sys.argv[2] else None)
face = np.ascontiguousarray(data.astronaut()[:300, 60:400])
for i in range(4):
    out = lm(Frame(i, i / 30, np.zeros_like(face) if i < 2 else face))
    lm._tracker.examine(face)
lm.close()
assert np.isfinite(out).all()
"""


def test_a_run_writes_nothing_to_stderr_and_warns_of_nothing(backend: str) -> None:
    model = str(TASK) if backend == "facelandmarker" else ""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", NOISY, backend, model],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_only_known_chatter_is_kept_from_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    chatter = [
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
        "W0000 00:00:1795356950.180776   12812 inference_feedback_manager.cc:114] Feedback",
        "I0000 00:00:1795356950.213887   12792 task_runner.cc:85] GPU suport is not available",
        "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
    ]
    errors = [
        "E0000 00:00:1795356950.213887   12792 calculator_graph.cc:1] it broke",
        "F0000 00:00:1795356950.213887   12792 logging.cc:1] check failed",
        "Segmentation fault, half a line",
    ]
    with quiet_native():
        for pair in zip(chatter, [*errors, ""], strict=True):
            os.write(2, "".join(f"{line}\n" for line in pair if line).encode())
    assert capfd.readouterr().err == "".join(f"{line}\n" for line in errors)


def test_an_error_inside_the_silence_survives_and_stderr_is_back_after_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def break_in_silence() -> None:
        with quiet_native():
            os.write(2, b"before\n")
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        break_in_silence()
    os.write(2, b"W0000 00:00:1 after\n")
    assert capfd.readouterr().err == "before\nW0000 00:00:1 after\n"
