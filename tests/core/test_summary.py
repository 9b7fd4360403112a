import math
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfs_vision.core.detector import Detector
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.summary import Tally, _Sample, count_events
from hfs_vision.schema import KINDS, SIDES
from tests.synthetic import Recording

LEFT, RIGHT = 0, 1


def tally_of(measured, *, every=None, segments=()):
    """The recording taken in pieces of ``every`` frames (all at once if ``None``)."""
    detector, tally, pieces = Detector(), Tally(max_gap_s=0.25), list(segments)
    step = every or max(len(measured), 1)
    for first in range(0, len(measured), step):
        piece = measured[first : first + step]
        while pieces and pieces[0][1] <= piece.time_s[0]:
            tally.begin_segment(*pieces.pop(0))
        tally.add(piece, detector.update(piece))
    tally.add(measured[0:0], detector.finish())
    return tally


def summary_of(recording: Recording):
    return tally_of(recording.measured()).summary()


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
    summary = tally_of(m).summary()
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
    assert summary_of(Recording(90).both_lids(20, 0.2)).warnings() == []
    recording = Recording(90)
    recording.face_px = 30.0
    assert any("small face (30 px" in w for w in summary_of(recording).warnings())


def test_a_face_that_does_not_move_for_a_minute_is_said():
    (told,) = summary_of(Recording(90)).warnings()
    assert told.startswith("no movement and not one blink in 90 s: it may be a photograph")
    assert summary_of(Recording(90).lid(LEFT, 20, 0.4)).warnings() == []
    assert not any("photograph" in text for text in summary_of(Recording(59)).warnings())


def test_an_empty_recording_is_all_zero():
    nothing = Recording(1).measured()[0:0]
    assert isinstance(nothing, Measurements)
    summary = tally_of(nothing).summary()
    assert (summary.frames, summary.duration_s, summary.coverage) == (0, 0, 0)
    assert counted(summary)["all", "all"].count == 0


@settings(max_examples=20, deadline=None)
@given(every=st.integers(1, 400), without=st.floats(0, 30))
def test_pieces_of_any_size_are_counted_alike(every, without):
    recording = Recording(40).lid(LEFT, 20, 0.4).pull(RIGHT, 25, 1.5).both_lids(15, 0.3)
    measured = recording.without_face(without, 2).measured()
    whole, pieces = tally_of(measured).summary(), tally_of(measured, every=every).summary()
    assert pieces.valid_s == pytest.approx(whole.valid_s, abs=1e-9)
    for a, b in zip(pieces.counts, whole.counts, strict=True):
        assert (a.side, a.kind, a.count) == (b.side, b.kind, b.count)
        assert a.time_s == pytest.approx(b.time_s, abs=1e-9)
    same = ("frames", "valid_frames", "start_s", "end_s", "fps", "face_px", "blinks")
    assert [getattr(pieces, n) for n in same] == [getattr(whole, n) for n in same]


def test_segments_share_the_valid_time_and_each_event_is_where_it_begins():
    recording = Recording(60).lid(LEFT, 19.9, 0.6).pull(RIGHT, 30, 1.5).without_face(45, 5)
    tally = tally_of(
        recording.measured(), every=1, segments=[("rest", 0.0), ("talking", 20.0), ("rest", 40.0)]
    )
    segments = tally.segments()
    assert [(s.label, s.start_s) for s in segments] == [("rest", 0), ("talking", 20), ("rest", 40)]
    assert [s.end_s for s in segments] == pytest.approx([20, 40, 60])
    assert [s.valid_s for s in segments] == pytest.approx([20, 20, 15])
    assert sum(s.valid_s for s in segments) == pytest.approx(tally.valid_s)
    counts = [
        {(c.side, c.kind): c.count for c in s.counts if c.count and c.side != "all"}
        for s in segments
    ]
    assert counts == [
        {("left", "eyelid_twitch"): 1, ("left", "all"): 1},
        {("right", "mouth_pull"): 1, ("right", "all"): 1},
        {},
    ]
    assert {c.side: c.rate_per_min for c in segments[1].counts if c.kind == "all"} == {
        "left": 0,
        "right": pytest.approx(3),
        "all": pytest.approx(3),
    }


def test_events_are_counted_alike_one_by_one_and_as_a_list():
    recording = Recording(60).lid(LEFT, 15, 0.3).lid(LEFT, 25, 2.0).pull(RIGHT, 40, 0.4)
    summary = summary_of(recording)
    counts = count_events(recording.events(), summary.valid_s)
    assert counts == summary.counts
    assert {(c.side, c.kind, c.count) for c in counts if c.count} == {
        ("left", "eyelid_twitch", 1),
        ("left", "forced_closure", 1),
        ("left", "all", 2),
        ("right", "lower_face_spasm", 1),
        ("right", "all", 1),
        ("all", "all", 3),
    }


@pytest.mark.parametrize("valid_s", [0.0, math.nan])
def test_without_valid_time_there_are_counts_and_no_rates(valid_s):
    (*_, whole) = count_events(Recording(30).lid(LEFT, 15, 0.3).events(), valid_s)
    assert whole.count == 1
    assert math.isnan(whole.rate_per_min)
    assert math.isnan(whole.time_share)


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 700), min_size=1, max_size=9))
def test_medians_of_long_recordings_are_of_a_share_that_no_cutting_changes(sizes):
    rng = np.random.default_rng(len(sizes))
    values = rng.normal(0.033, 0.004, sum(sizes))
    with patch.object(_Sample, "MOST", 256):
        whole, pieces = _Sample(), _Sample()
        whole.add(values)
        for piece in np.split(values, np.cumsum(sizes)[:-1]):
            pieces.add(piece)
            assert len(pieces._kept) <= 256
    assert pieces._kept == whole._kept
    if len(values) > 256:
        assert len(whole._kept) > 128
        every = whole._every
        assert list(whole._kept) == values[::every].tolist()
    elif len(values):
        assert whole.median() == np.median(values)
