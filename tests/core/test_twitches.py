"""The single twitches that the merge gap joins to one event."""

import numpy as np
import pytest

from hfs_vision.core.settings import Settings
from tests.synthetic import Recording

LEFT, RIGHT, BOTH = 0, 1, slice(None)

FRAME_RATES = pytest.mark.parametrize("fps", [30, 60])


def only_event(recording, settings=None):
    (event,) = recording.events(settings)
    return event


def onsets(event):
    return [twitch.onset_s for twitch in event.twitches]


@FRAME_RATES
@pytest.mark.parametrize("pause_s", [0.08, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_every_lid_twitch_of_a_train_is_kept_at_its_time(fps, pause_s, seed):
    recording = Recording(30, fps).jitter(seed).train(LEFT, 20 + seed / 120, 5, gap_s=pause_s)
    event = only_event(recording)
    assert len(event.twitches) == 5
    assert {twitch.region for twitch in event.twitches} == {"eye"}
    expected = 20 + seed / 120 + np.arange(5) * (0.2 + pause_s)
    np.testing.assert_allclose(onsets(event), expected, atol=0.05)
    np.testing.assert_allclose([t.duration_s for t in event.twitches], 0.2, atol=0.08)


def test_a_train_is_clonic_however_long_and_tonic_once_a_twitch_of_it_is_held():
    recording = Recording(40, 60).jitter(1).train(LEFT, 20, 8, gap_s=0.1)
    event = only_event(recording)
    assert event.duration_s > 2.0
    assert event.kind == "eyelid_twitch"
    held = only_event(recording.lid(LEFT, 22.4, 1.2))
    assert held.kind == "forced_closure"
    assert len(held.twitches) == 9


@FRAME_RATES
def test_jerks_of_the_corner_are_kept_too(fps):
    recording = Recording(30, fps).jitter(1)
    for onset_s in (20.0, 20.3, 20.6):
        recording.pull(LEFT, onset_s, 0.2, 0.12, 0.05)
    event = only_event(recording)
    assert [twitch.region for twitch in event.twitches] == ["mouth"] * 3
    np.testing.assert_allclose(onsets(event), [20.0, 20.3, 20.6], atol=0.05)


@FRAME_RATES
@pytest.mark.parametrize("lag_s", [0.0, 0.04])
def test_lid_and_corner_that_twitch_together_are_one_twitch_each_time(fps, lag_s):
    recording = Recording(30, fps).jitter(2).train(RIGHT, 20, 4, gap_s=0.1)
    for number in range(4):
        recording.pull(RIGHT, 20 + lag_s + 0.3 * number, 0.2, 0.12, 0.05)
    event = only_event(recording)
    assert [twitch.region for twitch in event.twitches] == ["eye+mouth"] * 4


def test_jerks_of_the_mouth_while_the_eye_is_held_shut_stay_apart():
    recording = Recording(60, 60).jitter(3).lid(LEFT, 30, 3.0)
    for onset_s in (30.5, 31.0, 31.5, 32.0):
        recording.pull(LEFT, onset_s, 0.25, 0.15)
    event = only_event(recording)
    assert event.kind == "hemifacial_spasm"
    assert len(event.twitches) == 4
    assert max(t.duration_s for t in event.twitches) == pytest.approx(3.0, abs=0.1)


def test_a_lid_that_opens_only_half_between_two_peaks_has_not_twitched_twice():
    for dip, count in ((0.3, 1), (0.85, 2)):
        recording = Recording(30, 60).jitter(4).lid(LEFT, 20, 0.8)
        recording.closure[:, LEFT] *= 1 - dip * np.exp(-(((recording.time_s - 20.4) / 0.1) ** 2))
        assert len(only_event(recording).twitches) == count


def test_a_dip_within_a_stretch_parts_at_its_lowest_point():
    recording = Recording(30, 60).lid(LEFT, 20, 0.8, 1.0)
    recording.closure[:, LEFT] *= 1 - 0.85 * np.exp(-(((recording.time_s - 20.4) / 0.1) ** 2))
    first, second = only_event(recording).twitches
    assert first.offset_s == second.onset_s == pytest.approx(20.4, abs=0.02)


@FRAME_RATES
@pytest.mark.parametrize("depth", [0.4, 0.6, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_jitter_does_not_part_a_closure_that_is_held(fps, depth, seed):
    event = only_event(Recording(60, fps).jitter(seed).lid(LEFT, 30, 5.0, depth))
    assert len(event.twitches) == 1


@FRAME_RATES
def test_a_blink_of_the_other_eye_does_not_part_a_closure_that_is_held(fps):
    event = only_event(Recording(60, fps).jitter(5).lid(LEFT, 30, 4.0).both_lids(32))
    assert len(event.twitches) == 1


def test_frames_without_a_face_do_not_part_a_twitch():
    event = only_event(Recording(30, 60).lid(LEFT, 20, 0.6).without_face(20.2, 0.1))
    assert len(event.twitches) == 1


@pytest.mark.parametrize("what", ["lid", "pull"])
def test_the_one_twitch_of_a_single_movement_is_the_event(what):
    recording = Recording(30).jitter(6)
    getattr(recording, what)(RIGHT, 20, 0.4)
    event = only_event(recording)
    (twitch,) = event.twitches
    for name in ("onset_s", "offset_s", "duration_s", "region", "peak_s", "score"):
        assert getattr(twitch, name) == getattr(event, name)


@pytest.mark.parametrize("seed", range(10))
def test_twitches_lie_within_their_event_and_reach_from_its_onset_to_its_offset(seed):
    rng = np.random.default_rng(seed)
    recording = Recording(60, 60).jitter(seed)
    for onset_s in rng.uniform(11, 58, 40):
        side, length_s = int(rng.integers(2)), float(rng.uniform(0.1, 0.8))
        if rng.random() < 0.5:
            recording.lid(side, onset_s, length_s, float(rng.uniform(0.3, 1)))
        else:
            recording.pull(side, onset_s, length_s, float(rng.uniform(0.05, 0.15)))
    events = recording.events(Settings(merge_gap_s=0.3))
    assert max(len(event.twitches) for event in events) > 1
    for event in events:
        twitches = event.twitches
        assert [t.onset_s for t in twitches] == sorted(t.onset_s for t in twitches)
        assert twitches[0].onset_s == event.onset_s
        assert max(t.offset_s for t in twitches) == event.offset_s
        for twitch in twitches:
            assert event.onset_s <= twitch.onset_s <= twitch.peak_s < twitch.offset_s
            assert 1.0 <= twitch.score <= event.score
