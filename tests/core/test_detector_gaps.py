"""What becomes of movements where the face is lost or frames are missing."""

import numpy as np
import pytest

from tests.synthetic import Recording, labels, run

LEFT = 0


@pytest.mark.parametrize("fps", [30, 60])
@pytest.mark.parametrize("hole", ["no face", "no frame", "none for a second"])
@pytest.mark.parametrize(("after_s", "counts"), [(-0.4, 0), (-0.7, 1), (0.15, 0), (0.5, 1)])
def test_a_glimpse_beside_a_hole_does_not_count(fps, hole, after_s, counts):
    recording = Recording(20, fps).jitter(3).lid(LEFT, 10, 0.08, 0.95, 0.02)
    assert len(recording.events()) == 1
    from_s = 10 + after_s
    length_s = 1.0 if hole == "none for a second" else 0.05
    from_s -= length_s if after_s < 0 else 0
    if hole == "no face":
        found = recording.without_face(from_s, length_s).events()
    else:
        measured = recording.measured()
        there = (measured.time_s < from_s) | (measured.time_s >= from_s + length_s)
        found = run(measured.take(np.flatnonzero(there)))[0]
    assert len(found) == counts


def test_what_is_seen_last_before_a_gap_is_not_taken_to_last_into_it():
    measured = Recording(20).jitter(3).lid(LEFT, 10, 1.0, 0.95, 0.01).measured()
    there = (measured.time_s < 10.04) | (measured.time_s >= 11.5)  # a frame or two of it
    assert run(measured.take(np.flatnonzero(there)))[0] == []
    there = (measured.time_s < 10.3) | (measured.time_s >= 11.5)
    assert labels(run(measured.take(np.flatnonzero(there)))[0]) == [("left", "eyelid_twitch")]


def test_nothing_is_taken_for_held_while_frames_are_missing():
    recording = Recording(30.0).lid(LEFT, 15.0, 1.5)
    measured = recording.jitter().measured()
    there = (measured.time_s < 15.3) | (measured.time_s > 16.1)  # 0.8 s: as long as a long blink
    found = run(measured.take(np.flatnonzero(there)))[0]
    assert [(e.side, e.offset_s <= 15.6 or e.onset_s >= 16.1) for e in found] == [
        ("left", True),
        ("left", True),
    ]


def test_a_gap_makes_no_event_and_cuts_the_one_it_meets():
    recording = Recording(30).jitter(10).without_face(5, 3)
    assert recording.events() == []
    cut = recording.lid(LEFT, 7.5, 1.0, ramp_s=0.01).events()
    assert labels(cut) == [("left", "eyelid_twitch")]
    assert cut[0].truncated
    assert cut[0].onset_s == pytest.approx(8.0, abs=0.04)


def test_missing_frames_in_time_cut_an_event_too():
    m = Recording(30).lid(LEFT, 9.5, 2.0).measured()
    kept = (m.time_s < 10) | (m.time_s >= 11)
    events = run(m.take(np.flatnonzero(kept)))[0]
    assert [e.truncated for e in events] == [True, True]
    assert sum(e.duration_s for e in events) < 1.4


def test_one_lost_frame_does_not_split_an_event():
    events = Recording(30).lid(LEFT, 10, 0.5).without_face(10.2, 0.03).events()
    assert labels(events) == [("left", "eyelid_twitch")]
    assert 0.8 < events[0].valid_fraction < 1.0
