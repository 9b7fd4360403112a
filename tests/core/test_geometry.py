import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.core.landmarks import MIRROR_PAIRS, MOVING, RIGID
from tests.synthetic import CORNER, OPEN, face, mirrored

ANGLE = st.floats(-30, 30)


def one_face(left=OPEN, right=OPEN, corners=(CORNER, CORNER), **pose):
    return face(np.array([[left, right]]), np.array([corners]), **pose)


def measured(landmarks):
    return measure(np.arange(len(landmarks)) / 30, landmarks)


def test_a_constructed_face_gives_back_its_aperture_corners_and_size():
    m = measured(one_face(0.11, 0.05, ((0.40, -0.70), (0.36, -0.73)), scale=137.0))
    np.testing.assert_allclose(m.aperture, [[0.11, 0.05]], atol=1e-6)
    np.testing.assert_allclose(m.commissure, [[[0.40, -0.70], [0.36, -0.73]]], atol=1e-6)
    np.testing.assert_allclose([m.face_px[0], m.fit_error[0]], [137.0, 0.0], atol=1e-5)


@given(ANGLE, ANGLE, ANGLE, st.floats(20, 2000), st.floats(-3000, 3000), st.floats(-3000, 3000))
def test_shift_scale_roll_and_turns_change_nothing_but_pose(yaw, pitch, roll, scale, x, y):
    m = measured(
        one_face(
            0.1, 0.04, yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll, scale=scale, shift=(x, y, 7.0)
        )
    )
    np.testing.assert_allclose(m.aperture, [[0.1, 0.04]], atol=2e-6)
    np.testing.assert_allclose(m.commissure, [[CORNER, CORNER]], atol=2e-6)
    np.testing.assert_allclose(m.face_px, [scale], rtol=1e-6)


@pytest.mark.parametrize("axis", ["yaw_deg", "pitch_deg", "roll_deg"])
@given(ANGLE)
def test_each_head_angle_is_read_back_alone(axis, angle):
    m = measured(one_face(**{axis: angle}))
    for name in ("yaw_deg", "pitch_deg", "roll_deg"):
        assert getattr(m, name)[0] == pytest.approx(angle if name == axis else 0.0, abs=1e-4)


def test_turning_to_the_subjects_left_moves_the_nose_to_the_right_of_the_picture():
    straight, turned = one_face()[0], one_face(yaw_deg=20)[0]
    nose, brow = 197, 10
    assert turned[nose, 0] > straight[nose, 0]
    assert one_face(pitch_deg=20)[0][nose, 1] - one_face(pitch_deg=20)[0][brow, 1] < (
        straight[nose, 1] - straight[brow, 1]
    ), "looking up lifts the nose towards the forehead in the picture"
    left_eye = 263
    assert one_face(roll_deg=20)[0][left_eye, 1] > straight[left_eye, 1]


@given(ANGLE, ANGLE, ANGLE, st.floats(0.0, 0.15), st.floats(0.0, 0.15))
def test_mirroring_swaps_sides_and_reverses_yaw_and_roll(yaw, pitch, roll, left, right):
    landmarks = one_face(
        left, right, ((0.4, -0.7), (0.35, -0.75)), yaw_deg=yaw, pitch_deg=pitch, roll_deg=roll
    )
    m, w = measured(landmarks), measured(mirrored(landmarks, 640.0))
    np.testing.assert_allclose(w.aperture, m.aperture[:, ::-1], atol=2e-6)
    np.testing.assert_allclose(w.commissure, m.commissure[:, ::-1], atol=2e-6)
    np.testing.assert_allclose([w.yaw_deg, w.roll_deg], [-m.yaw_deg, -m.roll_deg], atol=1e-4)
    np.testing.assert_allclose(w.pitch_deg, m.pitch_deg, atol=1e-4)


@pytest.mark.parametrize("point", [int(RIGID[3]), int(MOVING[0]), int(MOVING[-1])])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_missing_point_blanks_the_whole_frame_and_no_other(point, value):
    landmarks = np.concatenate([one_face(), one_face(), one_face()])
    landmarks[1, point, 0] = value
    m = measured(landmarks)
    assert np.isnan(m.aperture[1]).all()
    assert np.isnan(m.yaw_deg[1])
    assert np.isfinite(m.aperture[[0, 2]]).all()


def test_all_points_in_one_place_are_no_face():
    assert np.isnan(measured(np.zeros((1, 478, 3))).aperture).all()


def test_no_frames_give_no_rows():
    assert len(measure(np.empty(0), np.empty((0, 478, 3)))) == 0


@pytest.mark.parametrize(
    ("time_s", "shape", "what"),
    [
        ([0.0, 0.0], (2, 478, 3), "strictly increasing"),
        ([0.0, np.nan], (2, 478, 3), "finite"),
        ([0.0], (2, 478, 3), "shape"),
        ([0.0], (1, 468, 3), "shape"),
    ],
)
def test_wrong_input_is_refused(time_s, shape, what):
    with pytest.raises(ValueError, match=what):
        measure(np.array(time_s), np.ones(shape))


def test_values_are_what_six_decimals_hold():
    m = measured(one_face(0.1234567891, 0.05))
    for column in (m.aperture, m.commissure, m.yaw_deg, m.face_px):
        assert [float(f"{v:.6f}") for v in column.ravel()] == column.ravel().tolist()


def test_no_landmark_is_measured_twice_or_has_two_counterparts():
    points = [p for pair in MIRROR_PAIRS for p in pair]
    assert len(points) == len(set(points))
    assert set(MOVING.tolist()) <= set(points)
    assert isinstance(measured(one_face())[0:1], Measurements)
