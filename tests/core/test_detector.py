"""Constructed recordings with known answers, and relations that must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfs_vision.core.detector import Detector, usual_steps
from hfs_vision.core.frame_times import frame_ends
from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.core.settings import Settings
from tests.synthetic import Recording, labels, mirrored, run

LEFT, RIGHT, BOTH = 0, 1, slice(None)


@pytest.mark.parametrize("side", [LEFT, RIGHT], ids=["left", "right"])
@pytest.mark.parametrize("fps", [25, 30, 60, 120])
@pytest.mark.parametrize(
    ("eye_s", "mouth_s", "kind"),
    [
        (0.3, 0, "eyelid_twitch"),
        (1.5, 0, "forced_closure"),
        (0, 0.3, "lower_face_spasm"),
        (0, 1.5, "mouth_pull"),
        (0.3, 0.3, "hemifacial_spasm"),
        (2.0, 2.0, "hemifacial_spasm"),
    ],
)
def test_each_sign_is_found_once_on_its_side_with_its_kind(side, fps, eye_s, mouth_s, kind):
    recording = Recording(20, fps).both_lids(3).both_lids(8).jitter(1)
    if eye_s:
        recording.lid(side, 12, eye_s)
    if mouth_s:
        recording.pull(side, 12, mouth_s)
    events = recording.events()
    assert labels(events) == [(("left", "right")[side], kind)]
    event = events[0]
    length_s = max(eye_s, mouth_s)
    assert event.onset_s == pytest.approx(12, abs=0.1)
    assert event.duration_s == pytest.approx(length_s, abs=0.15)
    assert event.component == ("tonic" if length_s >= 1 else "clonic")
    assert not event.truncated
    assert event.valid_fraction == 1.0
    assert event.onset_s <= event.peak_s < event.offset_s
    if eye_s:
        assert event.closure == pytest.approx(0.9, abs=0.12)
    if mouth_s:
        assert event.excursion == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("fps", [30, 60])
def test_ten_minutes_of_a_still_face_with_jitter_hold_no_event(fps):
    events, blinks = run(Recording(600, fps).jitter(7).measured())
    assert (events, blinks) == ([], [])


def test_blinks_are_counted_and_are_no_events():
    recording = Recording(60).jitter(3)
    for onset_s in np.arange(2, 58, 4.0):
        recording.both_lids(onset_s, 0.2)
    events, blinks = run(recording.measured())
    assert events == []
    assert len(blinks) == 14


@pytest.mark.parametrize("weaker", [0.75, 0.9])
@pytest.mark.parametrize("lag_s", [0.0, 0.033])
def test_a_blink_with_one_weaker_and_later_lid_is_no_event(weaker, lag_s):
    recording = Recording(30).jitter(4)
    for onset_s in (4.0, 9.0, 15.0, 22.0):
        recording.lid(LEFT, onset_s, 0.25, 1.0).lid(RIGHT, onset_s + lag_s, 0.25, weaker)
    events, blinks = run(recording.measured())
    assert events == []
    assert len(blinks) == 4


def test_smiles_even_lopsided_and_quick_ones_are_no_events():
    recording = Recording(40).jitter(5)
    for onset_s in (5, 12, 20, 30):
        recording.pull(LEFT, onset_s, 2.0, 0.10, 0.4).pull(RIGHT, onset_s, 2.0, 0.08, 0.4)
    assert recording.events() == []


def test_a_slow_drift_of_one_corner_is_no_event():
    assert Recording(40).pull(LEFT, 10, 20, 0.1, ramp_s=4.0).events() == []


def test_a_head_turn_leaves_no_event():
    recording = Recording(40).jitter(6)
    recording.yaw_deg = 25 * np.sin(recording.time_s / 2)
    # What the mesh makes of a turn: the mouth seems to slide (see baseline.YAW_TO_LATERAL).
    slide = 0.002 * recording.yaw_deg
    recording.corner[:, LEFT, 0] += slide
    recording.corner[:, RIGHT, 0] -= slide
    assert recording.events() == []


def test_an_asymmetric_face_at_rest_is_no_event_and_its_twitches_count():
    recording = Recording(60).jitter(8)
    recording.closure[:, RIGHT] = 0.4
    recording.corner[:, RIGHT, 1] -= 0.08
    assert recording.events() == []
    recording.lid(RIGHT, 30, 0.3, 0.95)
    assert labels(recording.events()) == [("right", "eyelid_twitch")]


@pytest.mark.parametrize("phase", np.arange(4) / 120)
def test_a_closure_of_one_frame_at_30_fps_counts(phase):
    recording = Recording(20).jitter(9).lid(LEFT, 10 + phase, 0.1, 0.95, 0.05)
    assert labels(recording.events()) == [("left", "eyelid_twitch")]


def test_alternating_sides_are_told_apart():
    recording = Recording(30)
    for number, onset_s in enumerate(np.arange(5, 25, 1.0)):
        recording.lid(number % 2, onset_s, 0.3)
    events = recording.events()
    assert [e.side for e in events] == ["left", "right"] * 10


@pytest.mark.parametrize(("gap_s", "count"), [(0.1, 1), (0.4, 2)])
def test_movements_nearer_than_the_merge_gap_are_one_event(gap_s, count):
    recording = Recording(20, 60).lid(LEFT, 10, 0.2, ramp_s=0.02)
    recording.lid(LEFT, 10.2 + gap_s, 0.2, ramp_s=0.02)
    assert len(recording.events()) == count


@pytest.mark.parametrize(("onset_s", "duration_s"), [(-0.5, 1.0), (19.5, 1.0)])
def test_an_event_at_the_edge_of_the_recording_is_kept_and_marked(onset_s, duration_s):
    events = Recording(20).lid(RIGHT, onset_s, duration_s).events()
    assert labels(events) == [("right", "eyelid_twitch")]
    assert events[0].truncated


def test_a_tonic_closure_of_twenty_seconds_is_one_event():
    events = Recording(90).jitter(11).lid(LEFT, 40, 20).events()
    assert labels(events) == [("left", "forced_closure")]
    assert events[0].duration_s == pytest.approx(20, abs=0.3)


@pytest.mark.parametrize("fps", [30, 60])
def test_a_blink_during_a_tonic_closure_does_not_end_it(fps):
    recording = Recording(60, fps).jitter(12).lid(LEFT, 30, 4.0, 0.95)
    events = recording.both_lids(32, 0.3).events()
    assert labels(events) == [("left", "forced_closure")]
    assert events[0].duration_s == pytest.approx(4.0, abs=0.2)


def test_a_closure_of_both_eyes_after_a_one_sided_one_is_not_part_of_it():
    recording = Recording(60).jitter(13).lid(LEFT, 30, 3.0, 0.95).lid(RIGHT, 30.5, 2.5, 0.95)
    events = recording.events()
    assert [e.side for e in events] == ["left"]
    assert events[0].duration_s < 0.8


def test_a_spasm_that_begins_during_a_blink_is_found():
    events = Recording(60).jitter(14).both_lids(30, 0.3).lid(RIGHT, 30.1, 1.4, 0.95).events()
    assert labels(events) == [("right", "forced_closure")]


def test_the_lag_tells_how_much_later_the_corner_moves():
    recording = Recording(20, 60).lid(LEFT, 10, 0.4).pull(LEFT, 10.1, 0.4)
    (event,) = recording.events()
    assert event.region == "eye+mouth"
    assert event.eye_mouth_lag_s == pytest.approx(0.1, abs=0.02)


def test_velocity_and_rise_time_follow_from_the_ramp():
    (event,) = Recording(20, 120).lid(LEFT, 10, 1.0, 0.8, ramp_s=0.2).events()
    assert event.closure_velocity == pytest.approx(0.8 * np.pi / 2 / 0.2, rel=0.1)
    assert event.rise_s < 0.2


def test_times_may_start_below_zero():
    early, late = (Recording(20, start_s=s).lid(LEFT, s + 10, 0.3).events() for s in (-5, 1000))
    assert early[0].onset_s == pytest.approx(5, abs=0.1)
    assert late[0].onset_s - early[0].onset_s == pytest.approx(1005, abs=1e-6)


def test_a_face_that_turns_too_far_is_not_measured():
    recording = Recording(30).lid(LEFT, 10, 0.5)
    recording.yaw_deg[recording.time_s >= 8] = 60.0
    detector = Detector()
    signals = detector.update(recording.measured()).signals
    assert recording.events() == []
    assert not signals.valid[signals.time_s >= 8].any()


def test_a_mesh_that_is_not_on_a_face_is_not_measured():
    m = Recording(20).lid(LEFT, 10, 0.5).measured()
    m.fit_error[m.time_s > 9] = 0.2
    assert run(m)[0] == []


# --- relations ----------------------------------------------------------------------------------

MOVEMENT = st.tuples(
    st.sampled_from(["lid", "pull", "train", "both", "gap"]),
    st.sampled_from([LEFT, RIGHT]),
    st.floats(0, 28),
    st.floats(0.1, 2.5),
    st.floats(0.3, 1.0),
)


def built(movements, fps=30.0, seed=0):
    recording = Recording(30, fps).jitter(seed)
    for what, side, onset_s, duration_s, size in movements:
        if what == "lid":
            recording.lid(side, onset_s, duration_s, size)
        elif what == "pull":
            recording.pull(side, onset_s, duration_s, size / 8)
        elif what == "train":
            recording.train(side, onset_s, 3, gap_s=duration_s / 16, depth=size)
        elif what == "both":
            recording.both_lids(onset_s, duration_s, size)
        else:
            recording.without_face(onset_s, duration_s)
    return recording


@settings(max_examples=60, deadline=None)
@given(
    st.lists(MOVEMENT, max_size=6),
    st.lists(st.integers(1, 400), max_size=12),
    st.sets(st.integers(0, 899), max_size=20),
    st.integers(0, 9),
)
def test_any_chunking_gives_the_same_events_blinks_and_signals(movements, chunks, lost, seed):
    m = built(movements, seed=seed).measured()
    m = m.take(np.array(sorted({*range(len(m))} - lost)))
    whole = [Detector().update(m)]
    detector = Detector()
    whole = [detector.update(m), detector.finish()]
    pieces, at, detector = [], 0, Detector()
    for size in [*chunks, len(m)]:
        pieces.append(detector.update(m[at : at + size]))
        at += size
    pieces.append(detector.finish())
    for name in ("events", "blinks"):
        joined = [[x for step in steps for x in getattr(step, name)] for steps in (whole, pieces)]
        assert joined[0] == joined[1]  # of events, their twitches too
    for column in ("time_s", "closure", "excursion", "eye_score", "mouth_score"):
        one, many = (
            np.concatenate([getattr(step.signals, column) for step in steps])
            for steps in (whole, pieces)
        )
        np.testing.assert_array_equal(one, many)


def test_one_sample_at_a_time_gives_the_same_and_says_so_within_half_a_second():
    recording = built(
        [("lid", LEFT, 12, 0.3, 0.9), ("pull", RIGHT, 20, 1.5, 0.8), ("both", LEFT, 16, 0.3, 1.0)]
    )
    m = recording.measured()
    detector, events, delays = Detector(), [], []
    for row in range(len(m)):
        for event in detector.update(m[row : row + 1]).events:
            events.append(event)
            delays.append(m.time_s[row] - event.offset_s)
    assert events + detector.finish().events == recording.events()
    assert labels(events) == [("left", "eyelid_twitch"), ("right", "mouth_pull")]
    assert max(delays) < 0.5


def test_an_ongoing_event_is_shown_as_ongoing():
    m = Recording(20).lid(LEFT, 12, 3.0).measured()
    detector = Detector()
    assert detector.ongoing() == set()
    detector.update(m[: 30 * 13])
    assert detector.ongoing() == {("left", "eye")}
    detector.update(m[30 * 13 :])
    assert detector.ongoing() == set()


def test_what_stays_below_the_threshold_is_not_shown_as_ongoing():
    m = Recording(14).lid(LEFT, 12, 3.0, 0.12).measured()
    detector = Detector()
    signals = detector.update(m).signals
    assert 0.5 < signals.eye_score[-30:, LEFT].max() < 1
    assert detector.ongoing() == set()


@settings(max_examples=25, deadline=None)
@given(st.lists(MOVEMENT, max_size=5), st.integers(0, 9))
def test_mirroring_the_picture_swaps_the_sides_of_all_events(movements, seed):
    recording = built(movements, seed=seed)
    landmarks = recording.landmarks()
    plain = run(measure(recording.time_s, landmarks))[0]
    other = run(measure(recording.time_s, mirrored(landmarks, 640)))[0]
    swap = {"left": "right", "right": "left"}

    def key(events, side_of):
        return sorted(
            (e.onset_s, e.offset_s, side_of(e.side), e.kind, len(e.twitches)) for e in events
        )

    assert key(plain, lambda side: swap[side]) == key(other, lambda side: side)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(MOVEMENT, max_size=4),
    st.floats(60, 600),
    st.floats(-25, 25),
    st.floats(-200, 2000),
)
def test_shift_scale_and_roll_change_no_event(movements, scale, roll, x):
    recording = built(movements)
    plain = run(measure(recording.time_s, recording.landmarks()))[0]
    posed = run(
        measure(
            recording.time_s, recording.landmarks(scale=scale, roll_deg=roll, shift=(x, 300.0, 0.0))
        )
    )[0]
    assert [(e.onset_s, e.side, e.kind) for e in plain] == [
        (e.onset_s, e.side, e.kind) for e in posed
    ]


@pytest.mark.parametrize("seed", range(5))
def test_30_and_60_fps_agree_on_clear_movements(seed):
    rng = np.random.default_rng(seed)
    onsets = np.arange(12, 28, 1.6) + rng.uniform(0, 0.3, 10)
    movements = [
        (
            str(rng.choice(["lid", "pull"])),
            int(rng.integers(2)),
            t,
            float(rng.uniform(0.2, 0.8)),
            0.9,
        )
        for t in onsets
    ]
    slow, fast = (built(movements, fps, seed).events() for fps in (30, 60))
    assert labels(slow) == labels(fast)
    np.testing.assert_allclose([e.onset_s for e in slow], [e.onset_s for e in fast], atol=0.05)
    np.testing.assert_allclose([e.duration_s for e in slow], [e.duration_s for e in fast], atol=0.1)


def test_no_samples_or_no_face_give_no_events():
    assert run(Measurements.concatenate([Recording(1).measured()[:0]])) == ([], [])
    assert run(Recording(20).without_face(0, 30).measured()) == ([], [])
    assert run(Recording(0.04).measured()) == ([], [])


def test_a_higher_threshold_finds_less():
    recording = Recording(30).lid(LEFT, 15, 0.3, 0.4)
    assert len(recording.events()) == 1
    assert recording.events(Settings(closure_threshold=0.5)) == []


def test_a_face_of_which_one_lid_reads_half_in_every_blink_has_no_events_but_its_twitches():
    recording = Recording(60).jitter(15)
    for onset_s in (2, 5, 9, 14, 20, 27, 35, 44, 52):
        recording.lid(LEFT, onset_s, 0.3, 1.0).lid(RIGHT, onset_s, 0.3, 0.45)
    assert recording.events() == []
    recording.lid(LEFT, 31, 0.3, 0.9).lid(RIGHT, 40, 0.3, 0.45)
    assert labels(recording.events()) == [("left", "eyelid_twitch"), ("right", "eyelid_twitch")]


@pytest.mark.parametrize(
    ("recording", "count"),
    [
        pytest.param(Recording(600).train(LEFT, 1, 150, gap_s=3.5), 150, id="many events"),
        pytest.param(Recording(600).train(LEFT, 1, 1800, gap_s=0.12), 1, id="one event"),
    ],
)
def test_rows_that_are_looked_at_grow_with_the_recording_and_no_faster(
    recording, count, monkeypatch
):
    looked_at = []

    def counted(time_s, max_gap_s):
        looked_at.append(len(time_s))
        return frame_ends(time_s, max_gap_s)

    monkeypatch.setattr("hfs_vision.core.detector.frame_ends", counted)
    assert len(recording.events()) == count
    assert sum(looked_at) < 3 * len(recording.time_s)


def test_the_usual_step_is_the_median_of_the_last_ones():
    time_s = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.1, 40))
    steps = np.diff(time_s)
    expected = [np.inf, *(np.median(steps[max(i - 5, 0) : i]) for i in range(1, 40))]
    for n in range(41):
        assert usual_steps(time_s[:n]).tolist() == expected[:n]
