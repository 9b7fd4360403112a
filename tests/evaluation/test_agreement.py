"""Agreement of counts and of presence: worked out by hand, in print and by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfs_vision.core.frame_times import frame_ends
from hfs_vision.evaluation.agreement import agreement, f_quantile, icc_absolute
from hfs_vision.evaluation.evaluate import LabelledEvent
from hfs_vision.evaluation.kappa import Presence, compare_presence, measured_seconds, moving

SHROUT_FLEISS = [
    [9, 2, 5, 8],
    [6, 1, 3, 2],
    [8, 4, 6, 8],
    [7, 1, 2, 6],
    [10, 5, 6, 9],
    [6, 2, 4, 7],
]


def test_icc_is_that_of_the_example_of_shrout_and_fleiss():
    icc, low, high = icc_absolute(SHROUT_FLEISS)
    assert icc == pytest.approx(0.29, abs=0.005)
    # The interval that the R package psych gives for this table.
    assert (low, high) == (pytest.approx(0.019, abs=5e-4), pytest.approx(0.76, abs=5e-3))


def test_icc_of_three_recordings_worked_out_by_hand():
    # Means of rows 1.5, 3.5, 5; of columns 3, 11/3; whole 10/3. Squares: rows 37/3 in 2, columns
    # 2/3 in 1, residual 1/3 in 2 degrees of freedom.
    r, c, e = 37 / 6, 2 / 3, 1 / 6
    icc, low, high = icc_absolute([[1, 2], [3, 4], [5, 5]])
    assert icc == pytest.approx((r - e) / (r + e + 2 * (c - e) / 3))
    assert low < icc < high <= 1


def icc_interval(table, quantile):
    """McGraw and Wong 1996, table 7, case 2A, as printed."""
    table = np.asarray(table, dtype=float)
    n, k = table.shape
    residual = table - table.mean(1, keepdims=True) - table.mean(0) + table.mean()
    r = k * table.mean(1).var(ddof=1)
    c = n * table.mean(0).var(ddof=1)
    e = (residual**2).sum() / ((n - 1) * (k - 1))
    icc = (r - e) / (r + (k - 1) * e + k / n * (c - e))
    a = k * icc / (n * (1 - icc))
    b = 1 + k * icc * (n - 1) / (n * (1 - icc))
    v = (a * c + b * e) ** 2 / ((a * c) ** 2 / (k - 1) + (b * e) ** 2 / ((n - 1) * (k - 1)))
    f, g = quantile(0.975, n - 1, v), quantile(0.975, v, n - 1)
    rest = k * c + (k * n - k - n) * e
    return icc, n * (r - f * e) / (f * rest + n * r), n * (g * r - e) / (rest + n * g * r)


@pytest.mark.parametrize("seed", range(20))
def test_icc_and_its_interval_are_those_of_the_formulas_with_scipys_quantiles(seed):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(seed)
    truth = rng.poisson(rng.uniform(1, 20, rng.integers(3, 30)))
    table = np.column_stack([truth, truth + rng.poisson(1, len(truth)) - rng.poisson(1)])
    assert icc_absolute(table) == pytest.approx(icc_interval(table, stats.f.ppf), abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([0.025, 0.5, 0.9, 0.975, 0.995]),
    st.floats(0.3, 2000),
    st.floats(0.3, 2000),
)
def test_quantiles_of_f_are_those_of_scipy(probability, first, second):
    stats = pytest.importorskip("scipy.stats")
    found = f_quantile(probability, first, second)
    assert found == pytest.approx(stats.f.ppf(probability, first, second), rel=1e-9)


def test_quantiles_of_f_are_those_of_printed_tables():
    table = {(1, 1): 647.79, (2, 3): 16.044, (5, 10): 4.2361, (10, 5): 6.6192, (60, 120): 1.5299}
    for (first, second), value in table.items():
        assert f_quantile(0.975, first, second) == pytest.approx(value, rel=5e-5)


def test_bias_and_limits_of_agreement_worked_out_by_hand():
    found = agreement([10, 12, 14, 16], [11, 12, 16, 15])  # differences 1, 0, 2, -1
    assert found.bias == 0.5
    spread = 1.96 * math.sqrt(5 / 3)
    assert (found.low, found.high) == pytest.approx((0.5 - spread, 0.5 + spread))
    assert (found.recordings, found.note) == (4, "")


@pytest.mark.parametrize(
    ("first", "second", "bias", "note"),
    [
        ([], [], math.nan, "0 recordings: "),
        ([3], [5], 2, "1 recording: "),
        ([0, 0, 0], [0, 0, 0], 0, "do not vary"),
        ([3, 3], [5, 5], 2, "do not vary"),
    ],
)
def test_agreement_that_is_undefined_is_nan_with_a_word(first, second, bias, note):
    found = agreement(first, second)
    assert found.bias == pytest.approx(bias, nan_ok=True)
    assert note in found.note
    assert all(math.isnan(v) for v in (found.icc, found.icc_low, found.icc_high))


def test_counts_that_agree_exactly_have_an_icc_of_one():
    found = agreement([1, 5, 7], [1, 5, 7])
    assert (found.icc, found.icc_low, found.icc_high, found.note) == (1, 1, 1, "")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12))
def test_any_counts_give_an_agreement_without_a_crash(pairs):
    found = agreement([a for a, _ in pairs], [b for _, b in pairs])
    if not math.isnan(found.icc):
        assert found.icc <= 1 + 1e-12
    if not math.isnan(found.icc_low):
        assert found.icc_low <= found.icc + 1e-9
        assert found.icc <= found.icc_high + 1e-9
        assert found.icc_high <= 1 + 1e-12
    back = agreement([b for _, b in pairs], [a for a, _ in pairs])
    assert back.icc == pytest.approx(found.icc, nan_ok=True)


# --- presence by second -------------------------------------------------------------------------


def marks(*spans, side="left"):
    return [
        LabelledEvent(onset_s, offset_s, side, "eye", "eyelid_twitch")
        for onset_s, offset_s in spans
    ]


def test_kappa_worked_out_by_hand():
    # 100 seconds: 40 + 30 alike; the first saw 50 with a movement, the second 60.
    found = Presence(both=40, first=10, second=20, neither=30)
    observed, expected = 0.70, 0.5 * 0.6 + 0.5 * 0.4
    assert found.kappa == pytest.approx((observed - expected) / (1 - expected))
    assert found.kappa == pytest.approx(0.4)
    assert (found.seconds, found.note) == (100, "")


@pytest.mark.parametrize(
    ("presence", "kappa"),
    [
        (Presence(5, 0, 0, 25), 1.0),
        (Presence(0, 5, 5, 0), -1.0),
        (Presence(1, 1, 1, 1), 0.0),
        (Presence(0, 1, 0, 29), 0.0),
        (Presence(0, 10, 10, 80), -1 / 9),
    ],
)
def test_kappa_is_one_where_they_agree_and_zero_where_chance_would_do(presence, kappa):
    assert presence.kappa == pytest.approx(kappa)


@pytest.mark.parametrize(
    ("presence", "note"),
    [
        (Presence(), "no second was measured"),
        (Presence(neither=30), "neither saw a movement"),
        (Presence(both=30), "in every second"),
    ],
)
def test_kappa_that_is_undefined_is_nan_with_a_word(presence, note):
    assert math.isnan(presence.kappa)
    assert note in presence.note


def test_a_second_counts_in_which_a_movement_is_however_briefly():
    seen = moving(marks((1.0, 2.0), (3.999999, 4.000001), (7.5, 7.6)), "left", np.arange(10))
    assert np.flatnonzero(seen).tolist() == [1, 3, 4, 7]
    assert not moving(marks((1.0, 2.0)), "right", np.arange(10)).any()
    assert moving(marks((-0.5, 0.5)), "left", [-1, 0, 1]).tolist() == [True, True, False]


def test_seconds_that_were_not_measured_do_not_count():
    one, other = marks((1, 2), (5, 6)), marks((1, 2), (8, 9.5))
    assert compare_presence(one, other, "left", range(10)) == Presence(1, 1, 2, 6)
    assert compare_presence(one, other, "left", [0, 1, 2, 9]) == Presence(1, 0, 1, 2)
    assert compare_presence(one, other, "right", [0, 1, 2, 9]) == Presence(neither=4)


def test_a_second_is_measured_where_the_face_was_seen_for_half_of_it():
    time_s = np.arange(10.2, 15.2, 1 / 30)
    valid = ~((time_s >= 11.6) & (time_s < 13.4))
    found = measured_seconds(time_s, frame_ends(time_s, 0.25), valid)
    # 10.2 to 11.6 is 0.8 s and 0.6 s; of 12 nothing is left, of 13 0.6 s, and of 15 0.2 s.
    assert found.tolist() == [10, 11, 13, 14]
    assert measured_seconds(np.empty(0), np.empty(0), np.empty(0, dtype=bool)).tolist() == []


def test_frames_that_are_far_apart_stand_for_no_more_than_the_gap():
    time_s = np.array([0.0, 0.9, 1.0, 1.3, 1.6, 1.9])
    found = measured_seconds(time_s, frame_ends(time_s, 0.25), np.ones(6, dtype=bool))
    assert found.tolist() == [1]


SPANS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 50)).map(lambda p: (p[0] / 10, sum(p) / 10)),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(SPANS, SPANS)
def test_kappa_is_that_of_the_definition_and_the_same_both_ways(first, second):
    one, other = marks(*first), marks(*second)
    found = compare_presence(one, other, "left", range(30))
    a, b = (
        np.array([any(on < t + 1 and off > t for on, off in spans) for t in range(30)])
        for spans in (first, second)
    )
    chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    if chance < 1 - 1e-12:
        assert found.kappa == pytest.approx(((a == b).mean() - chance) / (1 - chance))
        assert -1 - 1e-12 <= found.kappa <= 1 + 1e-12
    else:
        assert math.isnan(found.kappa)
    back = compare_presence(other, one, "left", range(30))
    assert back.kappa == pytest.approx(found.kappa, nan_ok=True)
