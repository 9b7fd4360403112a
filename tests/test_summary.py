import math

import numpy as np
import pytest

from hfs_vision.core.detector import Detector
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.summary import summarise
from hfs_vision.schema import KINDS, SIDES
from tests.synthetic import Recording

LEFT, RIGHT = 0, 1


def summary_of(recording: Recording):
    measured = recording.measured()
    detector = Detector()
    steps = [detector.update(measured), detector.finish()]
    signals = type(steps[0].signals).concatenate([s.signals for s in steps])
    events = [e for s in steps for e in s.events]
    blinks = [b for s in steps for b in s.blinks]
    return summarise(measured, signals, events, blinks, max_gap_s=0.25)


def counted(summary):
    return {(c.side, c.kind): c for c in summary.counts}


def test_counts_rates_and_shares_refer_to_valid_time():
    recording = Recording(120).lid(LEFT, 20, 0.3).lid(LEFT, 40, 0.3).lid(RIGHT, 60, 2.0)
    recording.pull(RIGHT, 100, 0.4).without_face(30, 5).both_lids(80, 0.3)
    summary = summary_of(recording)
    by_key = counted(summary)
    assert summary.valid_s == pytest.approx(115)
    assert summary.coverage == pytest.approx(115 / 120)
    assert by_key["left", "eyelid_twitch"].count == 2
    assert by_key["left", "eyelid_twitch"].rate_per_min == pytest.approx(2 / 115 * 60)
    assert by_key["right", "forced_closure"].time_share == pytest.approx(2 / 115, rel=0.15)
    assert by_key["all", "all"].count == 4
    assert summary.blinks == 1
    assert summary.blink_rate_per_min == pytest.approx(60 / 115)


def test_rows_add_up_and_cover_every_side_and_kind():
    by_key = counted(summary_of(Recording(30).lid(LEFT, 15, 0.3).pull(RIGHT, 20, 1.5)))
    assert set(by_key) == {(s, k) for s in SIDES for k in KINDS} | {
        ("left", "all"),
        ("right", "all"),
        ("all", "all"),
    }
    for side in SIDES:
        assert by_key[side, "all"].count == sum(by_key[side, k].count for k in KINDS)


def test_a_closure_of_both_lids_within_an_event_is_not_a_blink():
    recording = Recording(40).lid(LEFT, 20, 0.6, 1.0).lid(RIGHT, 20, 0.6, 0.45)
    summary = summary_of(recording)
    assert counted(summary)["left", "eyelid_twitch"].count == 1
    assert summary.blinks == 0


def test_without_a_face_there_is_no_rate():
    summary = summary_of(Recording(20).without_face(0, 20))
    assert summary.valid_s == 0
    assert math.isnan(counted(summary)["all", "all"].rate_per_min)
    assert any("no usable face in 600 of 600" in w for w in summary.warnings())


def test_a_pause_between_frames_is_not_valid_time():
    m = Recording(30).measured()
    m = m.take(np.flatnonzero((m.time_s < 10) | (m.time_s >= 20)))
    steps = (detector := Detector()).update(m), detector.finish()
    signals = type(steps[0].signals).concatenate([s.signals for s in steps])
    summary = summarise(m, signals, [], [], max_gap_s=0.25)
    assert summary.duration_s == pytest.approx(30)
    assert summary.valid_s == pytest.approx(20.25, abs=0.05)


@pytest.mark.parametrize(
    ("recording", "word"),
    [
        (Recording(90, fps=15), "low frame rate (15.0"),
        (Recording(30), "short recording"),
        (Recording(90).without_face(10, 30), "no usable face"),
    ],
)
def test_what_makes_counts_uncertain_is_said(recording, word):
    assert any(word in warning for warning in summary_of(recording).warnings())


def test_a_small_face_is_said_and_a_good_recording_is_quiet():
    assert summary_of(Recording(90)).warnings() == []
    recording = Recording(90)
    recording.face_px = 30.0
    assert any("small face (30 px" in w for w in summary_of(recording).warnings())


def test_an_empty_recording_is_all_zero():
    nothing = Recording(1).measured()[0:0]
    assert isinstance(nothing, Measurements)
    summary = summarise(nothing, Detector().update(nothing).signals, [], [], max_gap_s=0.25)
    assert (summary.frames, summary.duration_s, summary.coverage) == (0, 0, 0)
