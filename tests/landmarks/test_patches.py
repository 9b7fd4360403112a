"""Where in a patch a point of the face falls, whatever the pose, and that left mirrors right.

The faces are constructed (`tests.synthetic`): marks are drawn where their landmarks are, and are
looked for in the patches at the place that the plan of the patch asks for.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from hfs_vision.core.landmarks import COMMISSURE, INNER_CANTHUS, OUTER_CANTHUS
from hfs_vision.core.reference_face import RIGID_REFERENCE
from hfs_vision.landmarks.patches import EYE, MOUTH, PatchPlan, cut_patches
from hfs_vision.schema import FloatArray
from tests.synthetic import CORNER, OPEN, face, mirrored, rotation

WIDTH, HEIGHT = 640, 480
POSES = {
    "frontal": {},
    "rolled left": {"roll_deg": 35.0},
    "rolled right": {"roll_deg": -80.0},
    "yawed left": {"yaw_deg": 30.0},
    "yawed right": {"yaw_deg": -30.0},
    "pitched": {"pitch_deg": 20.0},
    "small": {"scale": 60.0},
    "large": {"scale": 290.0, "shift": (330.0, 150.0, 0.0)},
    "all at once": {"yaw_deg": 20.0, "pitch_deg": -10.0, "roll_deg": 15.0, "scale": 110.0},
}
EVERY_POSE = pytest.mark.parametrize("pose", POSES.values(), ids=POSES)


def landmarks_of(**pose) -> FloatArray:
    return face(np.full((1, 2), OPEN), np.array([[CORNER, CORNER]]), **pose)[0]


def marked(points: FloatArray, unit_px: float) -> np.ndarray:
    """A black picture with a soft white spot at each of the points (pixels, with fractions)."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    wide = max(0.02 * unit_px, 1.5)
    light = np.zeros((HEIGHT, WIDTH))
    for point in points:
        light += np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * wide**2))
    return np.repeat(np.round(255 * np.minimum(light, 1))[..., None], 3, axis=2).astype(np.uint8)


def spot(patch: np.ndarray) -> FloatArray:
    """Centre of the light in a patch, ``(x, y)``."""
    light = patch[..., 0].astype(float)
    assert light.max() > 100, "the mark is not in the patch"
    y, x = np.mgrid[0 : light.shape[0], 0 : light.shape[1]]
    return np.array([(x * light).sum(), (y * light).sum()]) / light.sum()


def texture(seed: int = 0, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """Something that differs everywhere and is smooth over several pixels."""
    noise = np.random.default_rng(seed).normal(0, 1, (*shape, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 4.0)
    return np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def expected_canthi() -> tuple[FloatArray, FloatArray]:
    """Pixels of the outer and the inner canthus in the patch of an eye of the mean face."""
    outer, inner = RIGID_REFERENCE[7], RIGID_REFERENCE[9]  # after the seven points of the midline
    apart = np.hypot(*(inner - outer)[[0, 2]]) / EYE.unit
    middle = np.array([EYE.width - 1, EYE.height - 1]) / 2
    down = (np.array([outer[1], inner[1]]) - (outer[1] + inner[1]) / 2 + EYE.up) / EYE.unit
    return middle + np.array([-apart / 2, down[0]]), middle + np.array([apart / 2, down[1]])


def test_the_expected_places_are_those_of_a_right_eye():
    outer, inner = expected_canthi()
    np.testing.assert_allclose(outer, [11.0, 26.0], atol=0.1)
    np.testing.assert_allclose(inner, [52.0, 29.0], atol=0.1)


@EVERY_POSE
@pytest.mark.parametrize("side", [0, 1], ids=["left", "right"])
def test_canthi_fall_on_the_same_pixels_in_every_pose(pose, side):
    landmarks = landmarks_of(**pose)
    for points, expected in zip((OUTER_CANTHUS, INNER_CANTHUS), expected_canthi(), strict=True):
        picture = marked(landmarks[[points[side]]], pose.get("scale", 150.0))
        patches = cut_patches(picture, landmarks)
        np.testing.assert_allclose(spot(patches.eyes[side]), expected, atol=0.4)
        assert patches.eyes[1 - side].max() < 30, "the other eye's patch shows it too"


@EVERY_POSE
@pytest.mark.parametrize("side", [0, 1], ids=["left", "right"])
def test_the_landmark_of_the_corner_is_in_the_middle_in_every_pose(pose, side):
    landmarks = landmarks_of(**pose)
    picture = marked(landmarks[[COMMISSURE[side]]], pose.get("scale", 150.0))
    patches = cut_patches(picture, landmarks)
    np.testing.assert_allclose(spot(patches.mouths[side]), [23.5, 23.5], atol=0.4)
    assert patches.mouths[1 - side].max() < 30


@EVERY_POSE
@pytest.mark.parametrize("side", [0, 1], ids=["left", "right"])
@pytest.mark.parametrize(
    ("step", "expected"), [((10, 0), (33.5, 23.5)), ((0, -8), (23.5, 15.5))], ids=["in", "up"]
)
def test_right_in_the_patch_is_towards_the_midline_and_down_is_down(pose, side, step, expected):
    """The steps that turn what a network says into interocular distances are those of the patch."""
    lateral = -step[0] * MOUTH.unit * np.cos(np.deg2rad(MOUTH.tilt_deg))
    up = -step[1] * MOUTH.unit
    corners = np.array([[CORNER, CORNER]])
    corners[0, side] += lateral, up
    moved = face(np.full((1, 2), OPEN), corners, **pose)[0]
    # On skin that is turned outwards, what is nearer to the midline is nearer to the camera.
    backward = -step[0] * MOUTH.unit * np.sin(np.deg2rad(MOUTH.tilt_deg))
    point = moved[COMMISSURE[side]] + backward * _axis_of_depth(pose)
    picture = marked(point[None], pose.get("scale", 150.0))
    patch = cut_patches(picture, landmarks_of(**pose)).mouths[side]
    np.testing.assert_allclose(spot(patch), expected, atol=0.4)


def _axis_of_depth(pose) -> FloatArray:
    """Pixels of one interocular distance away from the camera, of a face in this pose."""
    angles = [pose.get(f"{name}_deg", 0.0) for name in ("yaw", "pitch", "roll")]
    return rotation(*angles)[:, 2] * pose.get("scale", 150.0)


@EVERY_POSE
def test_a_mirrored_picture_gives_the_patches_of_the_other_side(pose):
    picture, landmarks = texture(), landmarks_of(**pose)
    flipped = np.ascontiguousarray(picture[:, ::-1])
    a = cut_patches(picture, landmarks)
    b = cut_patches(flipped, mirrored(landmarks[None], WIDTH - 1.0)[0])
    for one, other in ((a.eyes, b.eyes), (a.mouths, b.mouths)):
        difference = np.abs(one.astype(int) - other[::-1].astype(int))
        assert difference.max() <= 4
        assert difference.mean() < 0.6
        assert np.abs(one.astype(int) - other.astype(int)).mean() > 20, "sides must differ"


@pytest.mark.parametrize("scale", [40.0, 80.0, 150.0, 290.0])
def test_a_patch_shows_the_same_part_of_the_face_at_every_distance(scale):
    """One picture at four sizes: the patches are nearly the same picture."""
    picture, landmarks = texture(1, (200, 300)), landmarks_of(scale=75.0, shift=(150.0, 80.0, 0.0))
    ratio = scale / 75.0
    size = round(300 * ratio), round(200 * ratio)
    resized = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if ratio < 1 else 1)
    # cv2.resize keeps the picture's borders, which lie half a pixel outside of pixel centres.
    moved = (landmarks + 0.5) * np.array([size[0] / 300, size[1] / 200, ratio]) - 0.5
    a, b = cut_patches(picture, landmarks), cut_patches(resized, moved)
    for one, other in ((a.eyes, b.eyes), (a.mouths, b.mouths)):
        assert np.abs(one.astype(int) - other.astype(int)).mean() < 5


@pytest.mark.parametrize("points", [slice(None), slice(10, 11), slice(61, 62), slice(263, 264)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_face_or_a_point_that_is_missing_gives_none(points, value):
    landmarks = landmarks_of()
    landmarks[points] = value
    assert cut_patches(texture(), landmarks) is None


def test_points_that_are_all_in_one_place_give_none():
    assert cut_patches(texture(), np.zeros((478, 3))) is None


@pytest.mark.parametrize("shift", [(5.0, 100.0), (639.0, 300.0), (320.0, 2.0), (320.0, 380.0)])
def test_outside_the_picture_its_edge_is_repeated(shift):
    picture, landmarks = texture(2), landmarks_of(shift=(*shift, 0.0))
    margin = 400
    wide = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    found, expected = (
        cut_patches(picture, landmarks),
        cut_patches(wide, landmarks + np.array([margin, margin, 0.0])),
    )
    np.testing.assert_allclose(found.eyes.astype(int), expected.eyes, atol=1)
    np.testing.assert_allclose(found.mouths.astype(int), expected.mouths, atol=1)


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (480, 640)])
def test_the_shapes_are_always_the_same(size):
    patches = cut_patches(texture(3, size), landmarks_of())
    for stack, plan in ((patches.eyes, EYE), (patches.mouths, MOUTH)):
        assert isinstance(plan, PatchPlan)
        assert stack.shape == (2, plan.height, plan.width, 3)
        assert stack.dtype == np.uint8
        assert stack.flags.c_contiguous


def test_a_view_of_a_read_only_picture_gives_the_same_and_nothing_is_changed():
    wide = np.repeat(texture(4), 2, axis=1)
    before = wide.copy()
    wide.setflags(write=False)
    a = cut_patches(wide[:, ::2], landmarks_of())
    b = cut_patches(before[:, ::2].copy(), landmarks_of())
    np.testing.assert_array_equal(a.eyes, b.eyes)
    np.testing.assert_array_equal(a.mouths, b.mouths)
    np.testing.assert_array_equal(wide, before)
