"""Simulated movements: the truth is what the pictures show, and the same seed gives the same."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.core.landmarks import COMMISSURE, LID_MARGINS
from hfs_vision.errors import ModelError, NoFaceError, OutputError, TableError, UsageError
from hfs_vision.schema import SIDES, FloatArray, Frame
from hfs_vision.simulate import (
    KINDS,
    ONE_SIDED_KINDS,
    PRESETS,
    FaceState,
    Movement,
    Part,
    compose,
    default_portrait,
    inject,
    irregular_times,
    random_script,
    read_script,
    render_portrait,
    square_portrait,
    state_at,
    steady_times,
    truth_path,
    warp_face,
    write_samples,
    write_truth,
    write_video,
)
from hfs_vision.simulate.faces import face_axes
from hfs_vision.simulate.movements import TRUTH_LEVEL
from tests.paths import SAMPLES

Picture = np.ndarray
Finder = Callable[[Picture], FloatArray]


@pytest.fixture(scope="module")
def portrait() -> Picture:
    pytest.importorskip("skimage", reason="scikit-image carries the portrait")
    return default_portrait()


@pytest.fixture(scope="module")
def find() -> Iterator[Finder]:
    from hfs_vision.landmarks.mediapipe_models import open_landmarker

    try:
        landmarker = open_landmarker("facemesh")
    except ModelError as error:
        pytest.skip(f"no Face Mesh in this MediaPipe: {error}")
    count = 0

    def landmarks_of(picture: Picture) -> FloatArray:
        nonlocal count
        count += 1
        return landmarker(Frame(count, count / 30.0, picture))

    yield landmarks_of
    landmarker.close()


@pytest.fixture(scope="module")
def landmarks(portrait: Picture, find: Finder) -> FloatArray:
    return find(portrait)


def twitch(side: str = "left", onset_s: float = 1.0, closure: float = 1.0) -> Movement:
    return Movement("eyelid_twitch", side, onset_s, 0.3, closure=closure)


def example(kind: str) -> Movement:
    spec = KINDS[kind]
    duration = 1.5 if spec.component == "tonic" else 0.4
    amplitudes = {"closure": 0.8, "excursion": 0.1, "angle_deg": 8.0}
    return Movement(
        kind,
        "left" if spec.one_sided else "both",
        2.0,
        duration,
        **{name: amplitudes[name] for name in spec.drives},
    )


def openings(landmarks: FloatArray) -> FloatArray:
    """Mean distance of the lid margins, left and right, in interocular distances."""
    heights = [
        np.mean([np.linalg.norm(landmarks[u, :2] - landmarks[d, :2]) for u, d in pairs])
        for pairs in LID_MARGINS
    ]
    return np.array(heights) / face_axes(landmarks).unit


def paths(before: FloatArray, after: FloatArray) -> FloatArray:
    """Path of the left and the right mouth corner, in interocular distances."""
    moved = after[list(COMMISSURE), :2] - before[list(COMMISSURE), :2]
    return np.linalg.norm(moved, axis=1) / face_axes(before).unit


# ------------------------------------------------------------------------------------- movements


@pytest.mark.parametrize("kind", KINDS)
def test_a_movement_is_above_a_tenth_of_its_peak_exactly_in_its_truth_interval(kind: str) -> None:
    movement = example(kind)
    # Speech goes through zero between syllables: only its first and last crossing count.
    inside = np.linspace(movement.onset_s, movement.offset_s, 401)[1:-1]
    before = np.linspace(0.0, movement.onset_s, 200, endpoint=False)
    after = np.linspace(movement.offset_s, movement.offset_s + 2.0, 201)[1:]
    assert all(movement.level(t) < TRUTH_LEVEL for t in (*before, *after))
    if kind != "talk":
        assert all(movement.level(t) > TRUTH_LEVEL for t in inside)
        assert max(movement.level(t) for t in inside) > 0.93


@pytest.mark.parametrize(
    ("kind", "duration_s", "region", "component"),
    [
        ("eyelid_twitch", 0.1, "eye", "clonic"),
        ("forced_closure", 1.0, "eye", "tonic"),
        ("lower_face_spasm", 0.99, "mouth", "clonic"),
        ("mouth_pull", 3.0, "mouth", "tonic"),
        ("hemifacial_spasm", 0.3, "eye+mouth", "clonic"),
        ("hemifacial_spasm", 1.0, "eye+mouth", "tonic"),
        ("blink", 1.5, "eye", None),
        ("head_turn", 2.0, "head", None),
    ],
)
def test_region_and_component_follow_from_kind_and_duration(
    kind: str, duration_s: float, region: str, component: str | None
) -> None:
    movement = replace(example(kind), duration_s=duration_s)
    assert (movement.region, movement.component) == (region, component)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kind": "wink"}, "unknown kind 'wink'"),
        ({"side": "both"}, "left or right"),
        ({"onset_s": -1.0}, "onset_s"),
        ({"onset_s": float("nan")}, "onset_s"),
        ({"duration_s": 0.0}, "duration_s"),
        ({"duration_s": 1.0}, "under 1"),
        ({"closure": 0.0}, "closure"),
        ({"closure": 1.2}, "closure"),
        ({"excursion": 0.1}, "excursion"),
        ({"angle_deg": 3.0}, "angle_deg"),
    ],
)
def test_a_movement_that_contradicts_itself_is_refused(
    changes: dict[str, object], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        replace(twitch(), **changes)


def test_the_state_of_a_side_is_that_of_its_strongest_movement() -> None:
    script = (twitch("left", closure=0.5), Movement("blink", "both", 1.0, 0.3, closure=0.9))
    state = state_at(script, 1.1)
    assert state.closure[0] == state.closure[1] == pytest.approx(0.9, abs=0.05)
    assert state_at(script, 0.5) == FaceState()


def test_a_one_sided_movement_leaves_the_other_side_at_rest() -> None:
    movement = Movement("hemifacial_spasm", "right", 1.0, 2.0, closure=1.0, excursion=0.1)
    state = state_at((movement,), 2.0)
    for pair in (state.closure, state.squeeze, state.excursion):
        assert pair[0] == 0.0
        assert pair[1] > 0.0


# --------------------------------------------------------------------------------------- scripts


@given(seed=st.integers(0, 2**31), side=st.sampled_from(SIDES), gap=st.floats(0.0, 0.5))
def test_random_scripts_keep_rest_and_gaps_and_follow_their_seed(
    seed: int, side: str, gap: float
) -> None:
    def make() -> tuple[Movement, ...]:
        return random_script(60.0, seed, side=side, rate_per_min=10, min_gap_s=gap)

    script = make()
    assert script == make()
    assert sum(m.one_sided for m in script) == 10
    assert {m.side for m in script} == {side, "both"}
    assert script[0].onset_s >= 1.5
    assert script[-1].offset_s < 60.0
    gaps = [b.onset_s - a.offset_s for a, b in pairwise(script)]
    assert min(gaps) >= gap - 0.002


def test_another_seed_gives_another_script() -> None:
    assert random_script(30.0, 1) != random_script(30.0, 2)


def test_a_script_that_does_not_fit_says_how_long_it_would_be() -> None:
    with pytest.raises(UsageError, match="lower the rates or lengthen the video"):
        compose(10.0, 0, [Part("mouth_pull", "left", 60.0)])


@pytest.mark.parametrize("arguments", [{"side": "both"}, {"kinds": ("blink",)}, {"kinds": ()}])
def test_random_scripts_hold_one_sided_kinds_only(arguments: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="expected left or right"):
        random_script(30.0, 0, **arguments)


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_begins_with_rest_and_blinks_at_a_natural_rate(name: str) -> None:
    preset = PRESETS[name]
    script = preset.script()
    blinks = sum(m.kind == "blink" for m in script)
    assert script[0].onset_s >= 1.5
    assert 10 <= blinks / preset.duration_s * 60 <= 20


def test_the_presets_show_all_five_kinds_and_one_shows_none() -> None:
    shown = {name: {m.kind for m in p.script() if m.one_sided} for name, p in PRESETS.items()}
    assert set().union(*shown.values()) == set(ONE_SIDED_KINDS)
    assert shown["healthy_blinks_smiles_turns"] == set()


def test_irregular_times_increase_and_really_vary() -> None:
    steps = np.diff(irregular_times(20.0, 7))
    assert steps.min() > 0
    assert 1 / steps.max() < 25
    assert 1 / steps.min() > 55
    assert np.array_equal(irregular_times(20.0, 7), irregular_times(20.0, 7))


# ----------------------------------------------------------------------------------------- truth


@pytest.mark.parametrize("name", PRESETS)
def test_a_truth_read_back_is_the_script(name: str, tmp_path: Path) -> None:
    script = PRESETS[name].script()
    write_truth(tmp_path / "truth.csv", script)
    assert read_script(tmp_path / "truth.csv") == script


def test_the_same_script_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    script = PRESETS["variable_frame_rate"].script()
    write_truth(tmp_path / "a.csv", script)
    write_truth(tmp_path / "b.csv", script[::-1])
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "b.csv"]


def test_a_script_needs_no_columns_that_follow_from_others(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("kind,side,onset_s,duration_s,closure\neyelid_twitch,left,1,0.3,1\n")
    assert read_script(path) == (twitch(),)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,0.3,,left,eye,eyelid_twitch,clonic,x,", "row 3: closure is 'x'"),
        (",0.3,,left,eye,eyelid_twitch,clonic,1,", "row 3: onset_s is ''"),
        ("1,0.3,1.5,left,eye,eyelid_twitch,clonic,1,", r"row 3: offset_s is 1.5: .* = 1.3"),
        ("1,0.3,,both,eye,eyelid_twitch,clonic,1,", "row 3: side of eyelid_twitch"),
        ("1,0.3,,left,mouth,eyelid_twitch,clonic,1,", "row 3: region is 'mouth'"),
        ("1,0.3,,left,eye,eyelid_twitch,tonic,1,", "row 3: component is 'tonic'"),
        ("1,0.3,,left,eye,wink,clonic,1,", "row 3: unknown kind 'wink'"),
        ("1,0.3,left", "row 3: as many fields"),
        ("1,0.3,,left,eye,eyelid_twitch,clonic,1,,,", "row 3: as many fields"),
    ],
)
def test_a_malformed_script_is_refused_with_file_and_row(
    row: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "bad.csv"
    header = "onset_s,duration_s,offset_s,side,region,kind,component,closure,excursion"
    path.write_text(f"{header}\n3,0.2,3.2,left,eye,eyelid_twitch,clonic,1,0\n{row}\n")
    with pytest.raises(TableError, match=rf"bad\.csv, {message}"):
        read_script(path)


def test_a_script_without_its_columns_or_without_its_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="row 1: no column onset_s"):
        read_script(tmp_path / "other.csv")
    with pytest.raises(TableError, match="cannot be read"):
        read_script(tmp_path / "binary.csv")
    with pytest.raises(UsageError, match="no such script"):
        read_script(tmp_path / "absent.csv")


# ------------------------------------------------------------------------------------------ warp


@pytest.mark.parametrize("side", [0, 1], ids=SIDES)
@pytest.mark.parametrize("closure", [0.5, 1.0])
def test_face_mesh_sees_a_closing_eye_on_the_side_of_the_truth(
    portrait: Picture, landmarks: FloatArray, find: Finder, side: int, closure: float
) -> None:
    pair = (closure, 0.0) if side == 0 else (0.0, closure)
    seen = 1.0 - openings(find(warp_face(portrait, landmarks, FaceState(pair)))) / openings(
        landmarks
    )
    assert seen[side] > (0.2 if closure == 0.5 else 0.65)
    assert abs(seen[1 - side]) < 0.1


def test_face_mesh_sees_a_blink_on_both_sides(
    portrait: Picture, landmarks: FloatArray, find: Finder
) -> None:
    shut = find(warp_face(portrait, landmarks, FaceState((1.0, 1.0))))
    assert (openings(shut) < 0.4 * openings(landmarks)).all()


@pytest.mark.parametrize("side", [0, 1], ids=SIDES)
def test_face_mesh_sees_a_mouth_pull_of_about_the_asked_length(
    portrait: Picture, landmarks: FloatArray, find: Finder, side: int
) -> None:
    pair = (0.1, 0.0) if side == 0 else (0.0, 0.1)
    pulled = paths(landmarks, find(warp_face(portrait, landmarks, FaceState(excursion=pair))))
    assert 0.06 < pulled[side] < 0.13
    assert pulled[1 - side] < 0.03


@pytest.mark.parametrize("side", [0, 1], ids=SIDES)
def test_a_one_sided_warp_changes_that_side_of_the_picture_alone(
    portrait: Picture, landmarks: FloatArray, side: int
) -> None:
    eye = FaceState((1.0, 0.0) if side == 0 else (0.0, 1.0))
    columns = np.flatnonzero((warp_face(portrait, landmarks, eye) != portrait).any(axis=(0, 2)))
    middle = landmarks[168, 0]
    # The subject's left is on the right of an unmirrored picture.
    assert columns.size
    assert (columns > middle).all() if side == 0 else (columns < middle).all()
    mouth = FaceState(excursion=(0.1, 0.0) if side == 0 else (0.0, 0.1))
    moved = (warp_face(portrait, landmarks, mouth) != portrait).any(axis=(1, 2))
    assert np.flatnonzero(moved).min() > landmarks[[145, 374], 1].min()


def test_a_face_at_rest_is_not_touched(portrait: Picture, landmarks: FloatArray) -> None:
    assert np.array_equal(warp_face(portrait, landmarks, FaceState()), portrait)


@pytest.mark.parametrize("shift", [-200.0, 150.0, 2000.0])
def test_a_face_at_the_edge_or_outside_of_the_picture_is_no_error(
    portrait: Picture, landmarks: FloatArray, shift: float
) -> None:
    state = FaceState((1.0, 0.0), (1.0, 0.0), (0.1, 0.0))
    moved = warp_face(portrait, landmarks + np.array([shift, -shift, 0.0]), state)
    assert moved.shape == portrait.shape
    assert np.array_equal(moved, portrait) == (shift == 2000.0)


def test_a_warp_leaves_no_step_at_the_border_of_the_face(
    portrait: Picture, landmarks: FloatArray
) -> None:
    state = FaceState((1.0, 1.0), (1.0, 1.0), (0.12, 0.12))
    change = np.abs(warp_face(portrait, landmarks, state).astype(int) - portrait).max(axis=2)
    rows, columns = np.nonzero(change)
    border = np.concatenate(
        [change[rows.min()], change[rows.max()], change[:, columns.min()], change[:, columns.max()]]
    )
    assert change.max() > 50
    assert border.max() <= 2


# --------------------------------------------------------------------------------------- frames


def test_the_same_seed_renders_the_same_frames(portrait: Picture, landmarks: FloatArray) -> None:
    def frames(seed: int) -> list[Frame]:
        times = [0.0, 1.1, 1.15]
        return list(render_portrait(portrait, landmarks, (twitch(),), times, seed=seed))

    first, again, other = frames(3), frames(3), frames(4)
    assert [f.time_s for f in first] == [0.0, 1.1, 1.15]
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].rgb, other[0].rgb)


def test_a_head_turn_moves_the_nose_towards_its_side(
    portrait: Picture, landmarks: FloatArray, find: Finder
) -> None:
    turn = Movement("head_turn", "both", 1.0, 2.0, angle_deg=10.0)
    (frame,) = render_portrait(portrait, landmarks, (turn,), [2.0], sway=0.0)
    seen = find(frame.rgb)
    # The nose, which is nearest to the camera, gains on the canthi: a turn, not just a shift.
    gain = (seen[1, 0] - seen[[33, 263], 0].mean()) - (
        landmarks[1, 0] - landmarks[[33, 263], 0].mean()
    )
    assert gain > 0.03 * face_axes(landmarks).unit


def test_an_injected_clip_changes_only_where_the_script_moves(
    portrait: Picture, landmarks: FloatArray
) -> None:
    clip = [Frame(k, t, portrait) for k, t in enumerate((0.0, 0.5, 1.1, 1.2, 2.0))]
    asked: list[int] = []

    def landmarks_of(frame: Frame) -> FloatArray:
        asked.append(frame.index)
        return landmarks if frame.index != 3 else np.full_like(landmarks, np.nan)

    missed: list[Frame] = []
    result = list(inject(clip, landmarks_of, (twitch(),), on_missing=missed.append))
    assert asked == [0, 1, 2, 3, 4]
    assert [f.time_s for f in result] == [f.time_s for f in clip]
    changed = [not np.array_equal(a.rgb, b.rgb) for a, b in zip(clip, result, strict=True)]
    assert changed == [False, False, True, False, False]
    assert [f.index for f in missed] == [3]


def test_head_motion_cannot_be_injected_into_a_clip() -> None:
    nod = Movement("nod", "both", 1.0, 1.0, angle_deg=5.0)
    with pytest.raises(UsageError, match="keeps its own head motion"):
        inject([], lambda frame: np.zeros((478, 3)), (nod,))


def test_a_users_portrait_is_cut_to_a_square_around_the_head(
    portrait: Picture, landmarks: FloatArray, find: Finder
) -> None:
    wide = np.pad(portrait, ((40, 0), (300, 100), (0, 0)), mode="edge")
    square = square_portrait(wide, landmarks + np.array([300.0, 40.0, 0.0]), 360)
    assert square.shape == (360, 360, 3)
    assert face_axes(find(square)).unit == pytest.approx(100.0, rel=0.05)


def test_a_portrait_without_a_face_is_refused(portrait: Picture) -> None:
    with pytest.raises(NoFaceError, match="no face"):
        next(render_portrait(portrait, np.full((478, 3), np.nan), (), [0.0]))


def test_a_missing_scikit_image_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(UsageError, match=r"hfs-vision\[simulate\]"):
        default_portrait()


# --------------------------------------------------------------------------------------- writing


def read_times(path: Path) -> FloatArray:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.pix_fmt == "yuv420p"
        return np.array([float(f.pts * f.time_base) for f in container.decode(stream)])


def grey(times: FloatArray, shape: tuple[int, int] = (48, 64)) -> Iterator[Frame]:
    for k, t in enumerate(times.tolist()):
        yield Frame(k, t, np.full((*shape, 3), 40 + k % 150, np.uint8))


@pytest.mark.parametrize("start_s", [0.0, 0.033], ids=["from zero", "from a later time"])
def test_irregular_times_written_are_the_times_read_back(start_s: float, tmp_path: Path) -> None:
    times = irregular_times(12.0, 5) + start_s
    count = write_video(tmp_path / "vfr.mp4", grey(times))
    assert count == len(times)
    assert read_times(tmp_path / "vfr.mp4") == pytest.approx(times, abs=1e-5)


def test_steady_times_written_are_exact(tmp_path: Path) -> None:
    times = steady_times(2.0, 60.0)
    write_video(tmp_path / "steady.mp4", grey(times, (49, 65)))
    assert np.array_equal(read_times(tmp_path / "steady.mp4"), times)


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [Frame(0, 1.0, np.zeros((16, 16, 3), np.uint8)), Frame(1, 1.0, np.zeros((16, 16, 3)))],
        [Frame(0, 0.0, np.zeros((16, 16, 3), np.uint8)), Frame(1, 1.0, np.zeros((16, 32, 3)))],
    ],
    ids=["no frames", "time stands still", "size changes"],
)
def test_frames_that_make_no_video_leave_the_old_result(
    frames: list[Frame], tmp_path: Path
) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"out\.mp4"):
        write_video(target, frames)
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    assert target.read_bytes() == b"old"


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="absent"):
        write_video(tmp_path / "absent" / "out.mp4", grey(steady_times(0.1, 30.0)))
    with pytest.raises(OutputError, match="absent"):
        write_truth(tmp_path / "absent" / "out.csv", ())


# --------------------------------------------------------------------------------------- samples


@pytest.mark.parametrize("name", PRESETS)
def test_each_sample_video_has_the_times_and_the_truth_of_its_preset(name: str) -> None:
    video = SAMPLES / f"{name}.mp4"
    preset = PRESETS[name]
    assert video.stat().st_size < 1_000_000
    assert read_script(truth_path(video)) == preset.script()
    assert read_times(video) == pytest.approx(preset.times(), abs=1e-6)


def test_samples_can_be_made_anew(
    portrait: Picture,
    landmarks: FloatArray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "variable_frame_rate"
    brief = replace(PRESETS[name], duration_s=4.0, parts=(Part("blink", "both", 15.0),))
    monkeypatch.setitem(PRESETS, name, brief)
    seen: list[str] = []
    (video,) = write_samples(
        tmp_path / "new",
        lambda frame: landmarks,
        names=(name,),
        on_frame=lambda sample, frame: seen.append(sample),
    )
    assert len(read_times(video)) == len(brief.times()) == len(seen)
    assert len(read_script(truth_path(video))) == 1
