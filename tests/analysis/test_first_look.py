"""Which way up a recording is, who is in view, and how far the lids are open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hfs_vision import analyze
from hfs_vision.analysis.first_look import FirstLook, Looking, SeenFace, first_look
from hfs_vision.analysis.pipeline import detect
from hfs_vision.landmarks.face_identity import FacePosition
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.live import run_live, session_clock
from hfs_vision.live.starting import Starting
from hfs_vision.quality import check_recording
from hfs_vision.results import read_folder
from hfs_vision.schema import Frame
from hfs_vision.video import Recorder, Replay, open_source, turned_picture, turned_point
from tests.golden.data import task_file
from tests.models_here import needs_face_mesh, needs_model, needs_task
from tests.paths import SAMPLES
from tests.synthetic import Recording

Picture = NDArray[np.uint8]
LEFT = SAMPLES / "left_eyelid_twitches.mp4"
SPASMS = SAMPLES / "right_hemifacial_spasms.mp4"
TURNS = (0, 90, 180, 270)


def frames(path: Path, until_s: float) -> Iterator[Frame]:
    with open_source(path) as source:
        for frame in source:
            if frame.time_s >= until_s:
                return
            yield frame


def write(path: Path, drawn: Callable[[Picture], Picture], of: Path, until_s: float) -> Path:
    """The first seconds of a recording, drawn anew."""
    recorder = Recorder(path, lossless=True)
    for frame in frames(of, until_s):
        recorder.put(replace(frame, rgb=np.ascontiguousarray(drawn(frame.rgb))))
    recorder.close()
    assert not recorder.error
    return path


def beside_a_photograph() -> Callable[[Picture], Picture]:
    """The one who moves, small, and beside it a larger photograph of another face."""
    photo = next(frames(LEFT, 9.0)).rgb

    def drawn(rgb: Picture) -> Picture:
        canvas = np.zeros((480, 800, 3), np.uint8)
        canvas[200:480, :280] = cv2.resize(rgb, (280, 280))
        canvas[40:460, 340:760] = cv2.resize(photo, (420, 420))
        return canvas

    return drawn


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(
        tmp_path_factory.mktemp("call") / "call.mp4", beside_a_photograph(), SPASMS, until_s=9.0
    )


@pytest.fixture(scope="module")
def head_down(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def turned(rgb: Picture) -> Picture:
        return turned_picture(rgb, 180)

    return write(tmp_path_factory.mktemp("down") / "down.mp4", turned, LEFT, until_s=9.0)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("facemesh", marks=needs_face_mesh),
        pytest.param("facelandmarker", marks=needs_task),
    ],
)
@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("path", [LEFT, SPASMS], ids=lambda p: p.stem)
def test_a_turned_picture_is_turned_back(name, turn, path):
    model = task_file() if name == "facelandmarker" else None
    with open_source(path) as source:
        found = first_look(source.turned(turn), landmarker=name, model=model)
    assert found.turned_deg == (360 - turn) % 360
    assert len(found.faces) == 1
    assert bool(found.warnings) == bool(turn)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_source_gives_the_same_pictures_turned_in_its_parts_too(turn):
    with open_source(LEFT) as source:
        turned = source.turned(turn)
        for whole, part in ((source, turned), (source.part(3.0, 3.3), turned.part(3.0, 3.3))):
            for frame, other, _ in zip(whole, part, range(5), strict=False):
                assert other.time_s == frame.time_s
                assert np.array_equal(other.rgb, np.rot90(frame.rgb, -turn // 90))
        assert (turned.info.turned_deg, source.info.turned_deg) == (turn, 0)


@needs_model
def test_left_stays_left_in_a_picture_that_is_upside_down(head_down, tmp_path):
    result = analyze(head_down)
    assert [event.side for event in result.events] == ["left"] * 5
    assert any("upside down" in text for text in result.warnings)
    result.save(tmp_path / "r")
    folder = read_folder(tmp_path / "r")
    assert folder.summary.source.turned_deg == 180
    session = run_live(
        Replay(head_down, realtime=False), tmp_path / "l", clock=session_clock(), lossless=True
    )
    assert list(session.events) == result.events
    assert json.loads((tmp_path / "l" / "summary.json").read_text())["source"]["turned_deg"] == 180
    for table in ("signals.csv", "events.csv"):
        assert (tmp_path / "l" / table).read_bytes() == (tmp_path / "r" / table).read_bytes()


@needs_model
def test_a_check_says_that_the_picture_is_upside_down(head_down):
    (found,) = (f for f in check_recording(head_down, seconds=3.0).findings if f.topic == "upright")
    assert (found.verdict, found.value) == ("look", 180.0)
    (found,) = (f for f in check_recording(LEFT, seconds=3.0).findings if f.topic == "upright")
    assert found.verdict == "ok"


@needs_model
def test_who_moves_is_followed_and_not_a_larger_photograph(call, tmp_path):
    result = analyze(call)
    assert {event.side for event in result.events} == {"right"}
    assert len(result.events) >= 2
    (told,) = (text for text in result.warnings if "faces are in view" in text)
    assert told.startswith("2 faces are in view; the one at 0.1")
    assert "never moves" in told
    result.save(tmp_path / "r")
    ((x, y, _),) = read_folder(tmp_path / "r").summary.source.passed_over
    assert (x, y) == pytest.approx((0.69, 0.52), abs=0.08)
    (others,) = (f for f in check_recording(call, seconds=3.0).findings if f.topic == "others")
    assert others.verdict == "look"
    assert "2 faces are in view" in others.found


@needs_model
def test_the_face_that_the_user_names_is_followed_even_where_it_never_moves(call):
    with open_source(call) as source:
        found = first_look(source, subject=(0.69, 0.52))
    assert found.faces[0].still
    assert found.passed_over == ()
    assert not analyze(call, subject=(0.69, 0.52)).events


@needs_model
def test_a_picture_that_turns_over_later_is_not_measured_and_told():
    finder = open_landmarker()
    seen = []
    try:
        for number, frame in enumerate(frames(LEFT, 2.0)):
            rgb = turned_picture(frame.rgb, 180) if frame.time_s >= 1.0 else frame.rgb
            face = finder(Frame(number, frame.time_s, rgb))
            seen.append((frame.time_s, bool(np.isfinite(face).all())))
        # The tracker may follow for some frames before its face is doubted.
        assert all(there for time_s, there in seen if time_s < 1.0)
        assert not any(there for time_s, there in seen if time_s >= 1.8)
        while not finder.warnings and seen[-1][0] < 6.0:
            time_s = seen[-1][0] + 1 / 30
            seen.append((time_s, bool(np.isfinite(finder(Frame(0, time_s, rgb))).all())))
        assert not any(there for time_s, there in seen if time_s >= 1.8)
        assert "is turned by 180 degrees against its start" in finder.warnings[0]
    finally:
        finder.close()


@needs_model
@pytest.mark.parametrize(("turn", "waits"), [(0, False), (180, True)])
def test_a_camera_is_measured_at_once_where_its_picture_is_upright(turn, waits):
    start = Starting(lambda look: open_landmarker(), Looking(live=True))
    try:
        measured = []
        for frame in frames(LEFT, 2.5):
            upright = start.upright(replace(frame, rgb=turned_picture(frame.rgb, turn)))
            measured.append((frame.time_s, np.isfinite(start(upright)).all()))
            last = frame.rgb, upright.rgb
        assert measured[0][1] != waits
        assert all(there for time_s, there in measured if time_s > 1.6)
        assert start.look.turned_deg == turn
        assert np.array_equal(*last)
    finally:
        start.close()


def test_places_are_told_as_the_user_would_give_them():
    face = SeenFace(FacePosition(0.25, 0.4, 0.2))
    text = FirstLook(90, (face, SeenFace(FacePosition(0.5, 0.5, 0.3), still=True))).faces_text
    x, y = turned_point((0.25, 0.4), 270)
    assert f"the one at {x:.2f} {y:.2f} (width 0.20) is followed" in text
    assert turned_point(turned_point((0.1, 0.7), 90), 270) == pytest.approx((0.1, 0.7))


@pytest.mark.parametrize(
    ("share", "told"), [(1.0, False), (0.75, False), (0.65, True), (0.3, True)]
)
@pytest.mark.parametrize("side", [0, 1])
def test_lids_that_differ_at_rest_are_told(share, told, side):
    measured = Recording(20.0).measured()
    apertures = measured.aperture.copy()
    apertures[:, side] *= share
    warnings = detect(replace(measured, aperture=apertures)).warnings
    found = [text for text in warnings if text.startswith("the lids differ at rest")]
    assert bool(found) == told
    if told:
        assert f"the {('left', 'right')[side]} eye opens to" in found[0]
