"""Agreement of counts: tables worked out by hand, in print and by scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfs_vision.core.agreement import agreement, f_quantile, icc_absolute

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
