"""Frames that the caller gives: the events of `analyze` on the same file, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import hfs_vision
from hfs_vision import FrameCounter, Settings
from hfs_vision.analysis import frame_counter
from hfs_vision.errors import UsageError
from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from hfs_vision.video import open_source
from tests.golden.data import task_file
from tests.models_here import needs_model
from tests.paths import SAMPLES

pytestmark = needs_model

SPASMS = SAMPLES / "right_hemifacial_spasms.mp4"
TABLES = ("events.csv", "twitches.csv", "counts.csv", "signals.csv")
MODEL = None if carries_face_mesh() else task_file()


def counter(**options: object) -> FrameCounter:
    return FrameCounter(model=MODEL, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def frames() -> list[tuple[float, np.ndarray]]:
    with open_source(SPASMS) as source:
        return [(frame.time_s, frame.rgb) for frame in source]


@pytest.mark.parametrize("turned", [False, True])
def test_the_tables_are_those_of_the_file(frames, tmp_path, turned):
    """Also of a camera that hangs head down: what was held is turned too."""
    expected = hfs_vision.analyze(SPASMS, model=MODEL)
    expected.save(tmp_path / "file")
    told, reused = [], np.empty_like(frames[0][1])
    with counter() as made:
        for time_s, rgb in frames:
            reused[:] = rgb[::-1, ::-1] if turned else rgb  # as cameras use their array again
            told += made.add(time_s, reused)
        assert len(told) > 3
        told += made.finish()
        result = made.result()
    result.save(tmp_path / "frames")
    for name in TABLES:
        found = (tmp_path / "frames" / name).read_bytes()
        assert found == (tmp_path / "file" / name).read_bytes(), name
    assert sorted(told, key=lambda event: event.onset_s) == result.events == expected.events
    assert result.source is not None
    assert (result.source.kind, result.source.turned_deg) == ("frames", 180 * turned)
    assert result.model == expected.model
    assert result.repeats == expected.repeats
    assert [text for text in result.warnings if "upside down" not in text] == expected.warnings
    assert len(result.warnings) == len(expected.warnings) + turned


def test_events_come_while_the_frames_do(frames):
    late = []
    with counter() as made:
        for time_s, rgb in frames[: 30 * 14]:
            told = made.add(time_s, rgb)
            late += [time_s - max(event.offset_s, Settings().calibration_s) for event in told]
            if time_s < 2.9:
                assert made.landmarks is None
        assert made.landmarks.shape == (478, 3)
        assert np.isfinite(made.landmarks).all()
        assert late
        assert max(late) < 1.0
        assert len(made.events) == len(late)


def test_settings_and_a_subject_reach_the_result(frames):
    with counter(settings=Settings(tonic_s=2.5), subject=(0.5, 0.5)) as made:
        for time_s, rgb in frames[:10]:
            made.add(time_s, rgb)
        result = made.result()
    assert result.settings.tonic_s == 2.5
    assert result.subject == (0.5, 0.5)
    assert len(result.signals) == 10
    with pytest.raises(UsageError, match="subject"):
        counter(subject=(2.0, 0.5))


def test_the_first_look_ends_where_pictures_would_fill_the_memory(frames, monkeypatch):
    monkeypatch.setattr(frame_counter, "MOST_HELD_BYTES", 20 * frames[0][1].nbytes)
    with counter() as made:
        for time_s, rgb in frames[:21]:
            assert made.landmarks is None
            made.add(time_s, rgb)
        assert made.landmarks is not None
        assert len(made.result().signals) == 21


def test_a_wrong_frame_is_refused_and_left_out(frames):
    time_s, rgb = frames[1]
    wrong = [
        (time_s, rgb, "increase"),
        (0.0, rgb, "at 0.0 s after"),
        (time_s + 1e-7, rgb, "increase"),
        (None, rgb, "at None s after"),
        (1e15, rgb, "in seconds"),
        (float("nan"), rgb, "at nan s"),
        (float("inf"), rgb, "at inf s"),
        (9.0, rgb[..., 0], r"\(480, 480\) uint8"),
        (9.0, rgb.astype(float), "float64"),
        (9.0, rgb[:0], r"\(0, 480, 3\)"),
        (9.0, None, "NoneType"),
    ]
    with counter() as made:
        made.add(time_s, rgb)
        for at_s, picture, what in wrong:
            with pytest.raises(UsageError, match=what):
                made.add(at_s, picture)
        made.add(*frames[2])
        assert len(made.result().signals) == 2
        assert made.finish() == []
        with pytest.raises(UsageError, match="finished"):
            made.add(*frames[3])
    assert len(made.result().signals) == 2  # also once it is closed


def test_a_counter_without_frames_has_an_empty_result_and_a_closed_one_none():
    with counter() as made:
        result = made.result()
    assert (result.events, len(result.signals), result.source) == ([], 0, None)
    closed = counter()
    closed.close()
    closed.close()
    with pytest.raises(UsageError, match="closed before its end"):
        closed.result()
    with pytest.raises(UsageError, match="finished"):
        closed.add(0.0, np.zeros((8, 8, 3), np.uint8))
