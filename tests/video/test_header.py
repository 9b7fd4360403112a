"""What the header of a video says of its times, and what contradicts it."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import hfs_vision
from hfs_vision.video import Replay, open_source
from tests.paths import SAMPLES

FPS, SOUND_HZ = 30, 8000


def written(path: Path, *, sound_s: float = 0.0, **tags: str) -> Path:
    """Three seconds of grey, with as much silence."""
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as out:
        out.metadata.update(tags)
        video = out.add_stream("mpeg4", rate=FPS)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        sound = out.add_stream("aac", rate=SOUND_HZ, layout="mono") if sound_s else None
        for index in range(3 * FPS):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for start in range(0, int(sound_s * SOUND_HZ), 1000):
            block = np.zeros((1, 1000), np.float32)
            heard = av.AudioFrame.from_ndarray(block, "fltp", "mono")
            heard.rate, heard.pts, heard.time_base = SOUND_HZ, start, Fraction(1, SOUND_HZ)
            out.mux(sound.encode(heard))
        if sound is not None:
            out.mux(sound.encode(None))
    return path


def doubts(path: Path) -> tuple[str, ...]:
    with open_source(path) as source:
        return source.info.time_doubts


def states(path: Path, rate: int) -> None:
    """Changes the rate that an AVI states for its stream, and leaves the one in its main header."""
    data = bytearray(path.read_bytes())
    struct.pack_into("<II", data, data.index(b"strh") + 28, 1, rate)
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.avi", "a.mkv"])
def test_a_sound_file_leaves_no_doubt(tmp_path, name):
    assert doubts(written(tmp_path / name, sound_s=3.0)) == ()


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("*.mp4")), ids=lambda path: path.stem)
def test_the_samples_leave_no_doubt(sample):
    assert doubts(sample) == ()


@pytest.mark.parametrize(
    ("captured", "told"),
    [("240.000000", True), ("120", True), ("30.000000", False), ("", False), ("fast", False)],
)
def test_slow_motion_is_told(tmp_path, captured, told):
    path = written(tmp_path / "a.mp4", **{"com.android.capture.fps": captured})
    found = doubts(path)
    assert len(found) == told
    if told:
        assert f"recorded at {float(captured):.0f} frames/s and plays at 30" in found[0]
        assert f"durations are {float(captured) / 30:.1f} times too long" in found[0]


@pytest.mark.parametrize(
    ("captured", "sound_s", "told"),
    [
        pytest.param("4", 0.0, "4 frames/s and plays at 30 (time lapse)", id="time lapse"),
        pytest.param("10", 9.0, "10 frames/s and plays at 30 (time lapse)", id="with its sound"),
        pytest.param("37.5", 3.0, "", id="set to more than it reached where it was dark"),
        pytest.param("60", 3.0, "", id="set to twice what it reached"),
        pytest.param("60", 1.5, "(slow motion): durations are 2.0 times too long", id="slowed"),
        pytest.param("240", 3.0, "240 frames/s and plays at 30 (slow motion)", id="slowed sound"),
        pytest.param("-30", 0.0, "", id="no rate"),
        pytest.param("inf", 0.0, "", id="no number"),
    ],
)
def test_the_rate_of_recording_is_held_against_the_sound(tmp_path, captured, sound_s, told):
    tags = {"com.android.capture.fps": captured}
    found = doubts(written(tmp_path / "a.mp4", sound_s=sound_s, **tags))
    assert [told in text for text in found if "recorded at" in text] == [True] * bool(told)


@pytest.mark.parametrize(("rate", "told"), [(15, True), (60, True), (31, False)])
def test_two_rates_in_an_avi_are_told(tmp_path, rate, told):
    path = written(tmp_path / "a.avi")
    states(path, rate)
    found = doubts(path)
    assert len(found) == told
    if told:
        assert f"states {rate:.1f} frames/s in one place and 30.0 in another" in found[0]


@pytest.mark.parametrize("frame_us", [0, 33333])
def test_an_avi_that_does_not_state_its_rate_twice_leaves_no_doubt(tmp_path, frame_us):
    path = written(tmp_path / "a.avi")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 32, frame_us)
    path.write_bytes(data)
    assert doubts(path) == ()


@pytest.mark.parametrize(("sound_s", "told"), [(1.5, False), (4.5, False), (6.0, True)])
def test_sound_of_another_length_is_told(tmp_path, sound_s, told):
    found = doubts(written(tmp_path / "a.mp4", sound_s=sound_s))
    assert len(found) == told
    if told:
        assert "its pictures last 3.0 s and its sound 6.0 s" in found[0]


def test_a_result_carries_the_doubt(tmp_path):
    path = tmp_path / "a.avi"
    with (
        av.open(str(SAMPLES / "left_eyelid_twitches.mp4")) as given,
        av.open(str(path), "w") as out,
    ):
        stream = out.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 320, "yuvj420p"
        for index, frame in enumerate(given.decode(video=0)):
            if index == 30:
                break
            small = frame.reformat(320, 320, "yuvj420p")
            small.pts, small.time_base = index, Fraction(1, FPS)
            out.mux(stream.encode(small))
        out.mux(stream.encode(None))
    states(path, 15)
    result = hfs_vision.analyze(path)
    assert any("15.0 frames/s in one place and 30.0 in another" in text for text in result.warnings)
    assert result.as_dict()["source"]["time_doubts"]
    as_session = Replay(path, realtime=False).warnings
    assert list(as_session) == list(result.source.time_doubts)
