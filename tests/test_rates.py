"""Rates and their intervals: they hold what is true as often as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hfs_vision.rates import (
    Pooled,
    day_to_day,
    difference,
    poisson_interval,
    pooled,
    rate,
    rates,
    ratio,
    time_share,
)

FEW = settings(max_examples=30, deadline=None)
COUNTS = st.lists(st.integers(0, 60), min_size=1, max_size=12)


def one(count: int, valid_s: float = 60.0) -> Pooled:
    return pooled([count], [valid_s])


@FEW
@given(st.integers(1, 400))
def test_beyond_the_interval_lie_two_and_a_half_percent_with_half_of_the_counts_own(count):
    low, high = (float(bound) for bound in poisson_interval(count))
    own = stats.poisson.pmf(count, [low, high]) / 2
    assert stats.poisson.sf(count, low) + own[0] == pytest.approx(0.025, abs=1e-6)
    assert stats.poisson.cdf(count - 1, high) + own[1] == pytest.approx(0.025, abs=1e-6)


def test_of_no_event_the_interval_begins_at_zero_and_ends_at_the_logarithm_of_twenty():
    low, high = poisson_interval(0)
    assert low == 0.0
    assert high == pytest.approx(math.log(20))


def test_it_is_shorter_than_the_exact_one_and_lies_within_it():
    counts = np.arange(1, 200)
    low, high = poisson_interval(counts)
    assert (low > stats.chi2.ppf(0.025, 2 * counts) / 2).all()
    assert (high < stats.chi2.ppf(0.975, 2 * counts + 2) / 2).all()


def test_many_at_once_are_what_they_are_one_by_one():
    counts = np.array([[7, 0], [7, 31]])
    low, high = poisson_interval(counts)
    assert low.shape == (2, 2)
    for at in np.ndindex(2, 2):
        alone = [float(bound) for bound in poisson_interval(int(counts[at]))]
        assert [low[at], high[at]] == pytest.approx(alone, abs=1e-8)


@pytest.mark.parametrize("mean", [4.0, 12.0, 24.0, 72.0])
def test_intervals_of_rates_hold_the_true_one_in_93_to_97_percent(mean):
    counts = np.random.default_rng(1).poisson(mean, 20_000)
    _, low, high = rates(counts, np.full(len(counts), 180.0))
    held = ((low <= mean / 3) & (mean / 3 <= high)).mean()
    assert 0.93 <= held <= 0.97


def test_without_valid_time_there_is_no_rate():
    for valid_s in (0.0, math.nan):
        found = rate(3, valid_s)
        assert found.count == 3
        assert math.isnan(found.per_min)
        assert math.isnan(found.high)


@FEW
@given(COUNTS)
def test_pooled_sessions_are_one_long_one_where_days_do_not_vary(counts):
    found = pooled(counts, [90.0] * len(counts))
    assert found.rate == rate(sum(counts), 90.0 * len(counts))
    assert found.sessions == len(counts)


@FEW
@given(COUNTS, st.floats(0.01, 2.0))
def test_variation_from_day_to_day_widens_and_does_not_move(counts, variation):
    plain, wide = (pooled(counts, [90.0] * len(counts), v) for v in (0.0, variation))
    assert wide.rate.per_min == pytest.approx(plain.rate.per_min)
    assert wide.rate.low <= plain.rate.low + 1e-9
    assert wide.rate.high >= plain.rate.high - 1e-9


def test_intervals_that_are_widened_hold_the_true_rate():
    rng, held = np.random.default_rng(2), []
    for _ in range(400):
        counts = rng.poisson(20.0 * rng.gamma(1 / 0.09, 0.09, 8))
        found = pooled(counts, [60.0] * 8, 0.09).rate
        held.append(found.low <= 20.0 <= found.high)
    assert 0.93 <= np.mean(held) <= 0.97


@pytest.mark.parametrize("variation", [0.0, 0.04, 0.36])
def test_variation_is_found(variation):
    rng = np.random.default_rng(3)
    means = 24.0 * (rng.gamma(1 / variation, variation, 20_000) if variation else np.ones(20_000))
    counts = rng.poisson(means)
    found = day_to_day(counts, np.full(len(counts), counts.mean()), 1)
    assert found == pytest.approx(variation, abs=0.01)


def test_too_few_sessions_tell_no_variation():
    assert day_to_day([3, 40], [21.5, 21.5], 2) == 0.0
    assert day_to_day([], [], 0) == 0.0


@FEW
@given(st.integers(1, 80), st.integers(1, 80), st.floats(20.0, 900.0), st.floats(20.0, 900.0))
def test_the_ratio_of_the_other_way_round_is_its_inverse(a, b, s, t):
    forth, back = ratio(one(a, s), one(b, t)), ratio(one(b, t), one(a, s))
    assert forth.value == pytest.approx(1 / back.value)
    assert forth.low == pytest.approx(1 / back.high, rel=1e-4)
    assert forth.high == pytest.approx(1 / back.low, rel=1e-4)


def test_at_the_bounds_of_a_ratio_such_counts_are_rare():
    found = ratio(one(6, 60.0), one(20, 120.0))
    for bound, beyond in ((found.low, "sf"), (found.high, "cdf")):
        share = bound * 60 / (bound * 60 + 120)
        own = stats.binom.pmf(6, 26, share) / 2
        rest = stats.binom.sf(6, 26, share) if beyond == "sf" else stats.binom.cdf(5, 26, share)
        assert own + rest == pytest.approx(0.025, abs=1e-6)


def test_ratios_with_nothing_on_one_side():
    none_after, none_before = ratio(one(0), one(20)), ratio(one(20), one(0))
    assert (none_after.value, none_after.low) == (0.0, 0.0)
    assert 0 < none_after.high < 0.3
    assert math.isnan(none_before.value)
    assert none_before.low > 3
    assert none_before.high == math.inf
    assert all(math.isnan(v) for v in vars(ratio(one(0), one(0))).values())
    assert all(math.isnan(v) for v in vars(ratio(pooled([], []), one(3))).values())


@FEW
@given(st.integers(0, 80), st.integers(0, 80))
def test_a_difference_changes_its_sign_with_the_order(a, b):
    forth, back = difference(one(a), one(b)), difference(one(b), one(a))
    assert forth.value == a - b
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert forth.low <= forth.value <= forth.high


def test_differences_hold_the_true_one():
    rng = np.random.default_rng(4)
    pairs = zip(rng.poisson(8, 400), rng.poisson(20, 400), strict=True)
    found = [difference(one(int(a)), one(int(b))) for a, b in pairs]
    assert 0.93 <= np.mean([d.low <= -12 <= d.high for d in found]) <= 0.97


def test_shares_of_time_hold_the_true_one_where_lengths_are_exponential():
    rng = np.random.default_rng(5)
    counts = rng.poisson(30.0, 3000)
    taken = np.array([rng.exponential(0.4, n).sum() for n in counts])
    value, low, high = time_share(counts, taken, np.full(3000, 180.0), 0.4)
    true = 30.0 * 0.4 / 180.0
    assert value.mean() == pytest.approx(true, rel=0.02)
    assert 0.93 <= ((low <= true) & (true <= high)).mean() <= 0.97


def test_a_share_is_no_more_than_all_and_needs_lengths():
    value, low, high = time_share([0, 40, 3], [0.0, 58.0, math.nan], [60.0, 60.0, 60.0], 0.5)
    assert (value[0], low[0]) == (0.0, 0.0)
    assert high[0] == pytest.approx(math.log(20) * 2 * 0.5 / 60)
    assert high[1] == 1.0
    assert math.isnan(value[2])
    assert math.isnan(high[2])
