"""What a clinician would and would not call an event, on constructed measurements."""

from __future__ import annotations

import numpy as np
import pytest

from hfs_vision.core.baseline import YAW_TO_LATERAL, YAW_TO_UP
from hfs_vision.schema import SIDES
from tests.synthetic import Recording, bump, labels, run

LEFT, RIGHT, BOTH = 0, 1, slice(None)
OUTWARDS = np.array([1.0, -1.0])
"""A shift to the subject's left is lateral for the left corner and medial for the right one."""


every_rate = pytest.mark.parametrize("fps", [30, 60])
every_side = pytest.mark.parametrize("side", [LEFT, RIGHT], ids=SIDES)


def face(seconds, fps, seed, lids=1.0):
    """A jittering face that blinks now and then in the first seconds, so that rest is known."""
    return Recording(seconds, fps).jitter(seed, lids=lids).both_lids(3).both_lids(7)


def assert_events(recording, expected, onsets_s, settings=None):
    """Side and kind of all events in order of onset; onsets within 100 ms."""
    events = sorted(recording.events(settings), key=lambda event: event.onset_s)
    assert labels(events) == [(SIDES[side], kind) for side, kind in expected]
    np.testing.assert_allclose([e.onset_s for e in events], onsets_s, atol=0.1)
    return events


# --- no events ----------------------------------------------------------------------------------


@every_rate
@pytest.mark.parametrize("deeper", [LEFT, RIGHT], ids=SIDES)
@pytest.mark.parametrize("weaker", [1.0, 0.85], ids=["even", "uneven"])
@pytest.mark.parametrize("lag_s", [0.0, 0.02], ids=["together", "20 ms apart"])
def test_bilateral_blinks_are_blinks_and_no_events(fps, deeper, weaker, lag_s):
    recording = Recording(60, fps).jitter(1)
    for number in range(14):
        onset_s = 2 + 4.1 * number
        recording.lid(deeper, onset_s, 0.2, 1.0, 0.08)
        recording.lid(1 - deeper, onset_s + lag_s, 0.2, weaker, 0.08)
    events, blinks = run(recording.measured())
    assert events == []
    assert len(blinks) == 14


@every_rate
@pytest.mark.parametrize("share", [1.0, 0.7], ids=["symmetric", "lopsided"])
@pytest.mark.parametrize("ramp_s", [0.25, 0.5])
def test_smiles_of_both_corners_are_no_events(fps, share, ramp_s):
    recording = face(60, fps, 2)
    for onset_s, size in ((12, 0.08), (20, 0.12), (30, 0.15), (42, 0.10)):
        recording.pull(LEFT, onset_s, 2.5, size, ramp_s)
        recording.pull(RIGHT, onset_s, 2.5, share * size, ramp_s)
    assert recording.events() == []


@every_rate
@pytest.mark.parametrize("share", [1.0, 0.8], ids=["symmetric", "lopsided"])
def test_speech_is_no_event(fps, share):
    recording = face(60, fps, 3)
    t = recording.time_s
    rng = np.random.default_rng(3)
    wave = np.zeros(len(t))
    for hz in (2.0, 2.9, 3.7, 5.0):
        wave += 0.015 * np.sin(2 * np.pi * (hz * t + rng.random()))
    wave *= bump(t, 12, 20, 0.3) + bump(t, 35, 20, 0.3)
    recording.corner[:, LEFT] += wave[:, None] * [0.5, 1.0]
    recording.corner[:, RIGHT] += share * wave[:, None] * [0.5, 1.0]
    assert recording.events() == []


@every_rate
def test_chewing_from_side_to_side_is_no_event(fps):
    recording = face(60, fps, 4)
    t = recording.time_s
    chews = bump(t, 15, 35, 0.5)
    sideways = 0.03 * chews * np.sin(2 * np.pi * 0.75 * t)  # every other chew to the other side
    opening = -0.02 * chews * (1 - np.cos(2 * np.pi * 1.5 * t))
    recording.corner[..., 0] += sideways[:, None] * OUTWARDS
    recording.corner[..., 1] += opening[:, None]
    assert recording.events() == []


@every_rate
@pytest.mark.parametrize("sweep_s", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("leak", [0.5, 1.0, 1.5])
def test_head_turns_are_no_events(fps, sweep_s, leak):
    recording = face(60, fps, 5)
    for number, onset_s in enumerate((12, 22, 32, 42)):
        turn = 25 * bump(recording.time_s, onset_s, 8, sweep_s)
        recording.yaw_deg += turn * (-1) ** number
    # What alignment leaves of a turn, from less to more than the baseline takes out.
    slide = leak * recording.yaw_deg[:, None] * OUTWARDS / 2
    recording.corner[..., 0] += YAW_TO_LATERAL * slide
    recording.corner[..., 1] += YAW_TO_UP * slide
    assert recording.events() == []


@every_rate
@pytest.mark.parametrize("ramp_s", [0.04, 1.0], ids=["saccade", "slow"])
def test_a_look_down_is_no_event(fps, ramp_s):
    recording = face(60, fps, 6)
    for onset_s in (12, 20, 30, 44):
        recording.lid(LEFT, onset_s, 4.0, 0.3, ramp_s).lid(RIGHT, onset_s, 4.0, 0.27, ramp_s)
    assert recording.events() == []


@every_rate
@pytest.mark.parametrize("ramp_s", [0.15, 0.6])
def test_a_raise_of_both_brows_is_no_event(fps, ramp_s):
    recording = face(60, fps, 7)
    for onset_s in (12, 20, 30, 44):
        raised = bump(recording.time_s, onset_s, 2.0, ramp_s)
        recording.closure -= raised[:, None] * [0.25, 0.20]
    assert recording.events() == []


# --- events -------------------------------------------------------------------------------------


@every_rate
@every_side
def test_a_spasm_that_starts_during_a_blink_is_one_event_from_its_start(fps, side):
    recording = face(60, fps, 8).both_lids(30, 0.25)
    recording.lid(side, 30.1, 1.4).pull(side, 30.1, 1.4)
    assert_events(recording, [(side, "hemifacial_spasm")], [30.1])


@every_rate
@every_side
def test_a_lid_that_stays_shut_after_a_blink_is_an_event_from_when_the_other_one_opens(fps, side):
    recording = face(60, fps, 9).both_lids(30, 0.25).lid(side, 30.1, 1.4)
    (event,) = assert_events(recording, [(side, "forced_closure")], [30.2])
    assert event.offset_s == pytest.approx(31.5, abs=0.1)


@every_rate
@every_side
@pytest.mark.parametrize("kind", ["forced_closure", "hemifacial_spasm"])
@pytest.mark.parametrize("depth", [0.4, 0.6, 0.9])
def test_a_blink_during_a_tonic_spasm_does_not_make_two_of_it(fps, side, kind, depth):
    recording = face(60, fps, 10).lid(side, 30, 4.0, depth).both_lids(31.5, 0.25)
    if kind == "hemifacial_spasm":
        recording.pull(side, 30, 4.0)
    (event,) = assert_events(recording, [(side, kind)], [30])
    assert event.duration_s == pytest.approx(4.0, abs=0.15)
    assert len(event.twitches) == 1


@every_rate
@every_side
@pytest.mark.parametrize("ramp_s", [0.05, 0.1])
@pytest.mark.parametrize("phase", [0.0, 0.011, 0.022])
def test_twitches_150_ms_apart_are_one_event_that_keeps_them(fps, side, ramp_s, phase):
    start_s = 20 + phase
    recording = face(40, fps, 11).train(side, start_s, 6, gap_s=0.15, ramp_s=ramp_s)
    (event,) = assert_events(recording, [(side, "eyelid_twitch")], [start_s])
    onsets_s = [twitch.onset_s for twitch in event.twitches]
    np.testing.assert_allclose(onsets_s, start_s + 0.35 * np.arange(6), atol=0.1)
    assert {twitch.region for twitch in event.twitches} == {"eye"}


@every_rate
@every_side
@pytest.mark.parametrize("phase", [0.0, 0.011, 0.022])
def test_twitches_400_ms_apart_are_events_of_their_own(fps, side, phase):
    onsets_s = 20 + phase + 0.6 * np.arange(6)
    recording = face(40, fps, 12).train(side, onsets_s[0], 6, gap_s=0.4)
    events = assert_events(recording, [(side, "eyelid_twitch")] * 6, onsets_s)
    assert [len(event.twitches) for event in events] == [1] * 6


@every_rate
@every_side
def test_twitches_while_both_eyes_look_down_are_not_joined(fps, side):
    onsets_s = 20 + 0.6 * np.arange(6)
    recording = face(40, fps, 18).lid(BOTH, 18, 8, 0.3).train(side, onsets_s[0], 6, gap_s=0.4)
    assert_events(recording, [(side, "eyelid_twitch")] * 6, onsets_s)


@every_rate
@pytest.mark.parametrize("what", ["lid", "pull"])
def test_spasms_that_change_sides_are_counted_on_each(fps, what):
    recording = face(40, fps, 13)
    onsets_s = np.arange(15, 25, 0.5)
    for number, onset_s in enumerate(onsets_s):
        getattr(recording, what)(number % 2, onset_s, 0.3)
    kind = {"lid": "eyelid_twitch", "pull": "lower_face_spasm"}[what]
    assert_events(recording, [(LEFT, kind), (RIGHT, kind)] * 10, onsets_s)


@every_rate
@every_side
@pytest.mark.parametrize("length_s", [10, 40])
@pytest.mark.parametrize("start_s", [15, 47.5])
def test_a_long_tonic_closure_is_one_event_of_its_length(fps, side, length_s, start_s):
    recording = face(100, fps, 14).lid(side, start_s, length_s)
    (event,) = assert_events(recording, [(side, "forced_closure")], [start_s])
    assert event.duration_s == pytest.approx(length_s, abs=0.2)
    assert not event.truncated


@every_rate
@every_side
@pytest.mark.parametrize("length_s", [0.5, 2.0])
def test_an_event_that_the_recording_cuts_at_either_end_is_kept_and_marked(fps, side, length_s):
    recording = Recording(30, fps).jitter(15).lid(side, -1, 1 + length_s)
    recording.lid(side, 30 - length_s, length_s + 1)
    kind = "forced_closure" if length_s >= 1 else "eyelid_twitch"
    events = assert_events(recording, [(side, kind)] * 2, [0, 30 - length_s])
    assert [event.truncated for event in events] == [True, True]
    np.testing.assert_allclose([event.duration_s for event in events], length_s, atol=0.1)


def asymmetric(fps, what, side, seed):
    """A face at rest of which one eye is always 40 % narrower or one corner always lower."""
    recording = Recording(60, fps).jitter(seed)
    for onset_s in (3, 7, 15, 24, 36, 45, 53):
        recording.both_lids(onset_s)
    if what == "ptosis":
        recording.closure[:, side] = 1 - 0.6 * (1 - recording.closure[:, side])
    else:
        recording.corner[:, side, 1] -= 0.05
    return recording


@every_rate
@every_side
@pytest.mark.parametrize("what", ["ptosis", "palsy"])
def test_a_face_that_is_asymmetric_at_rest_gives_no_event(fps, side, what):
    assert asymmetric(fps, what, side, 16).events() == []


@every_rate
@every_side
@pytest.mark.parametrize("spasm", [LEFT, RIGHT], ids=SIDES)
@pytest.mark.parametrize("what", ["ptosis", "palsy"])
def test_spasms_of_an_asymmetric_face_are_on_the_side_that_moves(fps, side, spasm, what):
    recording = asymmetric(fps, what, side, 17)
    recording.lid(spasm, 20, 0.4).lid(spasm, 30, 1.5).pull(spasm, 40, 0.4).pull(spasm, 49, 1.5)
    kinds = ("eyelid_twitch", "forced_closure", "lower_face_spasm", "mouth_pull")
    assert_events(recording, [(spasm, kind) for kind in kinds], [20, 30, 40, 49])


@every_rate
@pytest.mark.parametrize("seed", range(3))
def test_glasses_that_make_the_lids_jitter_three_times_as_much_make_no_event(fps, seed):
    recording = face(120, fps, seed, 3.0)
    for onset_s in np.arange(12, 118, 5.3):
        recording.both_lids(onset_s)
    assert recording.events() == []


@every_rate
@every_side
@pytest.mark.parametrize("seed", range(3))
def test_clear_spasms_are_found_behind_such_glasses(fps, side, seed):
    recording = face(60, fps, seed, 3.0).lid(side, 20, 0.4).lid(side, 40, 1.5)
    recording.pull(side, 40, 1.5, 0.15)
    kinds = [(side, "eyelid_twitch"), (side, "hemifacial_spasm")]
    assert_events(recording, kinds, [20, 40])
