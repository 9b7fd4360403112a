"""Matching and scores: cases with known answers, and relations that must always hold."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import astuple, fields, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hfs_vision.errors import UsageError
from hfs_vision.evaluation.evaluate import ComparedRecording, LabelledEvent, compare
from hfs_vision.evaluation.matching import candidates, match, micro
from hfs_vision.evaluation.scores import ELSEWHERE, RATES, Evaluation, MatchCounts, evaluate
from hfs_vision.schema import SIDES, event_kind


def mark(onset_s, duration_s=0.3, side="left", region="eye", kind=None):
    component = "tonic" if duration_s >= 1 else "clonic"
    offset_s = round(onset_s + duration_s, 6)
    return LabelledEvent(onset_s, offset_s, side, region, kind or event_kind(region, component))


def compared(reference, estimated, tolerance_s=0.15, **rest) -> Evaluation:
    return evaluate([ComparedRecording("a", reference, estimated, **rest)], tolerance_s=tolerance_s)


def counts(evaluation: Evaluation, **group: str) -> dict[str, int]:
    """Counts that are not 0, without those of all events."""
    tally = evaluation.tally(**group)
    names = ("matched", "merged", "missed", "split", "unsure", "false", "wrong_side")
    return {name: getattr(tally, name) for name in names if getattr(tally, name)}


def shifted(marks, by_s):
    return [
        replace(m, onset_s=round(m.onset_s + by_s, 6), offset_s=round(m.offset_s + by_s, 6))
        for m in marks
    ]


TWITCHES = [mark(t, side=side) for t in (2.0, 4.1, 7.7, 30.0) for side in SIDES]


# --- matching -----------------------------------------------------------------------------------


def test_the_same_events_match_without_error():
    found = compared(TWITCHES, TWITCHES)
    assert counts(found) == {"matched": 8}
    tally = found.tally()
    assert (tally.recall, tally.precision, tally.f1) == (1, 1, 1)
    assert astuple(found.onset_error()) == astuple(found.duration_error()) == (8, 0, 0, 0)


@pytest.mark.parametrize(
    ("by_s", "found_at"),
    [
        (0.1, {0.1, 0.15, 0.25}),
        (-0.1, {0.1, 0.15, 0.25}),
        (0.15, {0.15, 0.25}),
        (-0.15, {0.15, 0.25}),
        (0.150001, {0.25}),
        (0.16, {0.25}),
        (0.26, set()),
    ],
)
def test_events_that_are_late_match_up_to_and_including_the_tolerance(by_s, found_at):
    late = shifted(TWITCHES, by_s)
    for tolerance_s in (0.1, 0.15, 0.25):
        expected = {"matched": 8} if tolerance_s in found_at else {"missed": 8, "false": 8}
        assert counts(compared(TWITCHES, late, tolerance_s)) == expected
    assert counts(compared(TWITCHES, late, None)) == {"matched": 8}
    assert compared(TWITCHES, late, None).onset_error().median == pytest.approx(by_s)


def test_a_chain_on_which_a_greedy_pass_fails_is_matched_whole():
    # Each estimate is nearest to the reference event after its own; only all shifts fit all.
    reference = [mark(round(1 + 0.2 * k, 6), 0.1) for k in range(50)]
    estimated = shifted(reference, 0.13)
    assert counts(compared(reference, estimated)) == {"matched": 50}
    assert match([[1.0, 1.1], [1.2, 1.3]], [[1.1, 1.15], [1.35, 1.4]]) == [(0, 0), (1, 1)]
    assert match([[1.0, 1.1], [1.2, 1.3]], [[1.09, 1.15], [0.9, 1.0]]) == [(0, 1), (1, 0)]


def test_of_two_estimates_the_nearer_is_right_and_of_two_as_near_the_earlier():
    assert match([[1, 1.3]], [[0.9, 1.2], [1.05, 1.3]]) == [(0, 1)]
    assert match([[1, 1.3]], [[1.1, 1.2], [0.9, 1.3]]) == [(0, 1)]


def test_equally_good_matchings_keep_the_order_in_time():
    assert match([[1.0, 1.1], [1.1, 1.2]], [[1.11, 1.2], [1.12, 1.3]]) == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    ("reference", "estimated", "fits"),
    [
        (mark(5, 1.0), mark(5.5, 0.5), True),  # intersection over union 0.5
        (mark(5, 1.0), mark(5.500001, 0.499999), False),
        (mark(5, 3.0), mark(4.0, 4.5), True),
        (mark(5, 0.99), mark(5.3, 0.69), False),  # not long
        (mark(5, 3.0), mark(5.1, 0.2), True),  # by its onset
        (mark(5.3, 0.69), mark(5, 1.0), False),  # the reference decides what is long
    ],
)
def test_a_long_event_matches_by_half_of_the_union_or_by_its_onset(reference, estimated, fits):
    assert bool(compared([reference], [estimated]).tally().matched) is fits


def test_ten_thousand_events_match_within_seconds_even_in_one_chain():
    rng = np.random.default_rng(0)
    regular = 0.2 * np.arange(10_000)
    onsets = regular + 0.13, np.sort(rng.permutation(regular)[:9_000]) + 0.01
    began = time.perf_counter()
    for onset in onsets:
        pairs = match(
            np.column_stack([regular, regular + 0.1]),
            np.column_stack([onset, onset + 0.1]),
            tolerance_s=0.25,
        )
        assert len(pairs) == len(onset)
    assert time.perf_counter() - began < 10


GRID = st.integers(0, 40).map(lambda n: n / 20)
SPAN = st.tuples(GRID, st.sampled_from([0.05, 0.2, 0.5, 1.0, 1.6])).map(
    lambda s: (s[0], round(s[0] + s[1], 6))
)
SPANS = st.lists(SPAN, max_size=5)


@settings(max_examples=300, deadline=None)
@given(SPANS, SPANS, st.sampled_from([0.0, 0.1, 0.15, 0.25, 0.6, None]))
def test_the_matching_is_one_to_one_and_the_best_of_all(first, second, tolerance_s):
    reference, estimated = micro(first), micro(second)
    pairs = match(first, second, tolerance_s=tolerance_s)
    allowed = set(map(tuple, candidates(reference, estimated, tolerance_s).tolist()))
    assert set(pairs) <= allowed
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)

    def value(chosen):
        distance = [abs(int(reference[a, 0] - estimated[b, 0])) for a, b in chosen]
        return len(chosen), -sum(distance), -sum(d * d for d in distance)

    # Every assignment of reference events to different estimates or to nothing.
    nothing = [None] * len(first)
    best = max(
        value([(a, b) for a, b in enumerate(choice) if b is not None and (a, b) in allowed])
        for choice in set(itertools.permutations([*range(len(second)), *nothing], len(first)))
    )
    assert value(pairs) == best


@settings(max_examples=200, deadline=None)
@given(SPANS, SPANS, st.sampled_from([0.15, 0.25, None]))
def test_candidates_are_what_the_convention_says(first, second, tolerance_s):
    expected = set()
    for a, (on, off) in enumerate(micro(first).tolist()):
        for b, (begin, end) in enumerate(micro(second).tolist()):
            common = min(off, end) - max(on, begin)
            if tolerance_s is None:
                fits = common > 0
            else:
                alike = off - on >= 1_000_000 and 2 * common >= max(off, end) - min(on, begin)
                fits = abs(on - begin) <= 1e6 * tolerance_s or alike
            if fits:
                expected.add((a, b))
    found = candidates(micro(first), micro(second), tolerance_s).tolist()
    assert sorted(expected) == sorted(map(tuple, found))


# --- what becomes of each event -----------------------------------------------------------------


def test_fragments_of_a_matched_event_are_splits_and_no_false_alarms():
    reference = [mark(10, 3.0)]
    pieces = [mark(10.05, 0.8), mark(11.0, 0.8), mark(12.0, 0.9)]
    found = compared(reference, pieces)
    assert counts(found) == {"matched": 1, "split": 2}
    tally = found.tally()
    assert (tally.precision, tally.recall) == (1, 1)
    assert (tally.strict_precision, tally.strict_recall) == (pytest.approx(1 / 3), 1)


def test_an_estimate_over_several_events_is_a_merge_and_those_are_not_missed():
    train = [mark(t, 0.2) for t in (10.0, 10.4, 10.8, 11.2)]
    found = compared(train, [mark(10.05, 1.3)])
    assert counts(found) == {"matched": 1, "merged": 3}
    tally = found.tally()
    assert (tally.precision, tally.recall) == (1, 1)
    assert (tally.strict_precision, tally.strict_recall) == (1, 0.25)


def test_only_what_lies_mostly_within_a_matched_event_of_its_side_is_a_split_or_a_merge():
    reference = [mark(10, 1.0)]
    half_out = mark(10.9, 0.2)  # half of it
    more_out = mark(10.91, 0.2)
    assert counts(compared(reference, [mark(10, 1.0), mark(10.89, 0.2)]))["split"] == 1
    for outside in (half_out, more_out, mark(10.2, 0.2, "right")):
        assert counts(compared(reference, [mark(10, 1.0), outside])) == {"matched": 1, "false": 1}
    # The whole is missed: a fragment of it is a false event.
    assert counts(compared(reference, [mark(10.5, 0.2)])) == {"missed": 1, "false": 1}
    # An estimate that is false merges nothing.
    train = [mark(t, 0.2) for t in (10.0, 10.4)]
    assert counts(compared(train, [mark(9.0, 2.0)])) == {"missed": 2, "false": 1}


def test_swapped_sides_are_missed_and_false_and_counted_as_the_wrong_side():
    estimated = [replace(m, side=SIDES[m.side == "left"]) for m in TWITCHES[::2]]
    found = compared(TWITCHES[::2], estimated)
    assert counts(found) == {"missed": 4, "false": 4, "wrong_side": 4}
    assert counts(found, side="right") == {"false": 4, "wrong_side": 4}
    # A true event of the other side at the same time is none.
    assert counts(compared(TWITCHES, TWITCHES)) == {"matched": 8}


def test_an_event_that_a_human_was_not_sure_of_is_neither_wanted_nor_false():
    unsure = [mark(5.0, 0.1), mark(9.0, 0.5)]
    estimated = [mark(5.14, 0.3), mark(9.3, 0.1), mark(9.2, 0.2, "right"), mark(20.0)]
    found = compared([mark(20.0)], estimated, unsure=unsure)
    assert counts(found) == {"matched": 1, "unsure": 2, "false": 1}
    assert found.tally().strict_precision == 0.5
    assert found.agreement().bias == 1
    assert counts(compared([mark(20.0)], [], unsure=unsure)) == {"missed": 1}


def test_false_events_belong_to_the_situation_that_they_share_most_with():
    situations = [
        mark(0, 60, "both", "mouth", "talk"),
        mark(10, 0.3, "both", "eye", "blink"),
        mark(30, 0.3, "both", "eye", "blink"),
        mark(50, 20, "right", "", "other"),
    ]
    estimated = [mark(10.05, 0.2), mark(20), mark(61, 5), mark(80), mark(30, 0.3, "right")]
    found = compared([mark(30, 0.3, "right")], estimated, situations=situations)
    assert [(s.kind, s.rows, s.false) for s in found.situations()] == [
        ("blink", 2, 1),
        ("other", 1, 1),
        ("talk", 1, 1),
        (ELSEWHERE, 0, 1),
    ]
    assert [s.time_s for s in found.situations()[:3]] == pytest.approx([0.6, 20, 60])
    assert compared(TWITCHES, TWITCHES).situations() == []


def test_kinds_and_regions_are_told_by_the_file_that_names_them():
    found = compared(
        [mark(1, region="eye"), mark(5, region="mouth")],
        [mark(1, region="eye+mouth"), mark(9, region="mouth")],
    )
    assert counts(found, region="eye") == {"matched": 1}
    assert counts(found, kind="lower_face_spasm") == {"missed": 1, "false": 1}
    hemifacial = found.tally(region="eye+mouth")
    assert (hemifacial.matched, hemifacial.right, hemifacial.precision) == (0, 1, 1)
    assert math.isnan(hemifacial.recall)
    assert found.same_region() == 0


def test_errors_of_onset_and_duration_are_estimated_minus_reference():
    reference = [mark(t, 0.5) for t in range(10)]
    estimated = [mark(round(t + 0.01 * t, 6), 0.5 + 0.1 * (t % 2)) for t in range(10)]
    onset, duration = (e(compared(reference, estimated)) for e in ERRORS)
    assert astuple(onset) == pytest.approx((10, 0.045, 0.045, 0.081))
    assert astuple(duration) == pytest.approx((10, 0.05, 0.05, 0.1))
    early = compared([mark(5)], [mark(4.9)]).onset_error()
    assert astuple(early) == pytest.approx((1, -0.1, 0.1, 0.1))


ERRORS = (Evaluation.onset_error, Evaluation.duration_error)


def test_false_events_per_minute_refer_to_the_time_of_all_recordings():
    recordings = [
        ComparedRecording("a", [mark(1)], [mark(1), mark(9)], valid_s=90.0),
        ComparedRecording("b", [], [mark(3), mark(5)], valid_s=30.0),
    ]
    found = evaluate(recordings)
    assert found.tally().false_per_min == pytest.approx(1.5)
    count, tally = found.without_events()
    assert (count, tally.false, tally.false_per_min) == (1, 2, 4.0)
    assert math.isnan(
        evaluate([replace(recordings[0], valid_s=float("nan"))]).tally().false_per_min
    )


def test_nothing_against_nothing_is_undefined_and_no_crash():
    found = compared([], [], valid_s=60.0)
    tally = found.tally()
    assert tally == MatchCounts(valid_s=60.0)
    assert all(math.isnan(getattr(tally, name)) for name in RATES if name != "false_per_min")
    assert tally.false_per_min == 0
    assert math.isnan(found.onset_error().median)
    assert math.isnan(found.same_region())
    assert evaluate([]).tally() == MatchCounts()


def test_nothing_found_and_nothing_wanted_score_zero_where_that_is_defined():
    nothing_found = compared(TWITCHES, []).tally()
    assert (nothing_found.recall, nothing_found.f1) == (0, 0)
    assert math.isnan(nothing_found.precision)
    nothing_wanted = compared([], TWITCHES).tally()
    assert (nothing_wanted.precision, nothing_wanted.f1) == (0, 0)
    assert math.isnan(nothing_wanted.recall)


@pytest.mark.parametrize(
    ("reference", "estimated", "what"),
    [
        ([mark(1, side="both")], [], "reference event 0: side is 'both'"),
        ([], [mark(1), mark(2, side="Left")], "estimated event 1: side is 'Left'"),
        ([mark(1, -0.2)], [], "duration must be positive"),
        ([mark(1, 0.0)], [], "duration must be positive"),
        ([], [mark(float("nan"))], "must be times"),
        ([], [mark(float("inf"))], "must be times"),
        ([], [mark(1e300)], "must be times"),
        ([mark(1, 0.5), mark(1.4)], [], "event 1: the left event from 1.4 s overlaps the one"),
        ([mark(4, 0.1), mark(3, 5), mark(1)], [], "event 0: the left event from 4 s overlaps"),
    ],
)
def test_events_that_cannot_be_are_refused(reference, estimated, what):
    with pytest.raises(UsageError, match=what):
        ComparedRecording("a", reference, estimated)


def test_reference_events_that_touch_or_overlap_by_rounding_are_sound():
    ComparedRecording("a", [mark(1, 0.5), mark(1.5), mark(1.2, side="right"), mark(1.799)], [])


# --- relations ----------------------------------------------------------------------------------

SIDE = st.sampled_from(SIDES)
REGION = st.sampled_from(["eye", "mouth", "eye+mouth"])
SLOT = st.tuples(
    st.integers(0, 24), st.integers(0, 200), st.sampled_from([0.1, 0.2, 1.2]), SIDE, REGION
)
MARK = SLOT.map(lambda s: mark(round(0.2 * s[0] + s[1] / 1000, 6), s[2], s[3], s[4]))
MARKS = st.lists(MARK, max_size=14)


@st.composite
def recordings(draw):
    reference = []
    for candidate in sorted(draw(MARKS), key=lambda m: m.onset_s):
        if all(m.offset_s <= candidate.onset_s for m in reference if m.side == candidate.side):
            reference.append(candidate)
    return ComparedRecording(
        "a",
        draw(st.permutations(reference)),
        draw(MARKS),
        draw(st.lists(MARK, max_size=3)),
        draw(st.lists(MARK, max_size=2)),
        60.0,
    )


TOLERANCES = st.sampled_from([0.1, 0.15, 0.25, None])


@settings(max_examples=200, deadline=None)
@given(recordings(), TOLERANCES)
def test_every_event_has_one_fate(recording, tolerance_s):
    found = compare(recording, tolerance_s=tolerance_s)
    reference = [a for a, _ in found.matched] + list(found.merged + found.missed)
    estimated = [b for _, b in found.matched] + list(found.split + found.unsure + found.false)
    assert sorted(reference) == list(range(len(recording.reference)))
    assert sorted(estimated) == list(range(len(recording.estimated)))
    assert {a for a, _ in found.wrong_side} <= set(found.missed)
    assert {b for _, b in found.wrong_side} <= set(found.false)
    for a, b in found.matched:
        assert recording.reference[a].side == recording.estimated[b].side
    for a, b in found.wrong_side:
        assert recording.reference[a].side != recording.estimated[b].side


@settings(max_examples=100, deadline=None)
@given(recordings(), TOLERANCES, st.integers(-(10**9), 10**9).map(lambda n: n / 1e6))
def test_a_shift_of_the_clock_changes_nothing(recording, tolerance_s, by_s):
    moved = replace(
        recording,
        **{
            name: shifted(getattr(recording, name), by_s)
            for name in ("reference", "estimated", "situations", "unsure")
        },
    )
    before, after = (
        compare(recording, tolerance_s=tolerance_s),
        compare(moved, tolerance_s=tolerance_s),
    )
    assert before == after


@settings(max_examples=100, deadline=None)
@given(recordings(), TOLERANCES)
def test_mirrored_sides_swap_the_sides_of_the_scores(recording, tolerance_s):
    def mirror(marks):
        return [replace(m, side=SIDES[m.side == "left"]) for m in marks]

    mirrored = replace(
        recording,
        **{name: mirror(getattr(recording, name)) for name in ("reference", "estimated", "unsure")},
    )
    plain, other = (evaluate([r], tolerance_s=tolerance_s) for r in (recording, mirrored))
    for side, swapped in (SIDES, SIDES[::-1]):
        assert plain.tally(side=side) == other.tally(side=swapped)
    assert repr(plain.situations()) == repr(other.situations())  # NaN is not NaN to Python 3.13


@settings(max_examples=100, deadline=None)
@given(recordings(), TOLERANCES)
def test_groups_add_up_to_the_whole(recording, tolerance_s):
    found = evaluate([recording], tolerance_s=tolerance_s)
    whole = found.tally()
    for groups in (
        [found.tally(side=side) for side in SIDES],
        [found.tally(region=region) for region in ("eye", "mouth", "eye+mouth")],
    ):
        for field in fields(MatchCounts):
            if field.name != "valid_s":
                total = sum(getattr(tally, field.name) for tally in groups)
                assert total == getattr(whole, field.name), field.name
    false = sum(s.false for s in found.situations())
    assert false == (whole.false if recording.situations else 0)


@settings(max_examples=100, deadline=None)
@given(recordings(), TOLERANCES, SIDE)
def test_a_further_false_event_lowers_precision_only(recording, tolerance_s, side):
    more = replace(recording, estimated=[*recording.estimated, mark(500, side=side)])
    before, after = (evaluate([r], tolerance_s=tolerance_s).tally() for r in (recording, more))
    assert after == replace(before, estimated=before.estimated + 1, false=before.false + 1)
    assume(before.right)
    assert after.precision < before.precision
    assert after.recall == before.recall


@settings(max_examples=100, deadline=None)
@given(recordings())
def test_a_wider_tolerance_matches_no_fewer(recording):
    numbers = [evaluate([recording], tolerance_s=t).tally().matched for t in (0.1, 0.15, 0.25, 1.0)]
    assert numbers == sorted(numbers)


@settings(max_examples=50, deadline=None)
@given(st.lists(recordings(), max_size=4), TOLERANCES)
def test_recordings_add_up(several, tolerance_s):
    whole = evaluate(several, tolerance_s=tolerance_s).tally()
    parts = [evaluate([r], tolerance_s=tolerance_s).tally() for r in several]
    assert whole == sum(parts, MatchCounts())


def test_agreement_of_an_evaluation_counts_events_per_recording_and_side():
    several = [
        ComparedRecording(str(n), TWITCHES[:n], TWITCHES[: n + n % 2])
        for n in (0, 1, 2, 3, 4, 5, 6)
    ]
    found = evaluate(several)
    assert found.agreement().bias == pytest.approx(3 / 7)
    assert found.agreement("left").bias == 0
    assert found.agreement("left").icc == 1
    assert found.agreement("right").bias == pytest.approx(3 / 7)
