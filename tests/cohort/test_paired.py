"""Statistics of persons before and after: against constructed answers, and by simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hfs_vision.cohort import interpretation
from hfs_vision.cohort.paired import (
    compare,
    hodges_lehmann,
    mean_ratio,
    person_ratio,
    signed_rank,
)
from hfs_vision.cohort.periods import BeforeAfter, Period, Question, pair_of
from hfs_vision.cohort.persons import Person
from hfs_vision.rates import rate
from tests.cohort_support import TOXIN, diary, group, segment, session, treatment

DEPRESSION = np.array([0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]) - np.array(
    [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
)
"""Scores of nine patients, second visit less first (Hollander and Wolfe 1973, p. 29)."""


def made(
    before: int, after: int, before_s: float = 60.0, after_s: float = 60.0, **more
) -> BeforeAfter:
    periods = (Period(1, s, rate(n, s)) for n, s in ((before, before_s), (after, after_s)))
    return BeforeAfter("P", "left", None, *periods, **more)


class TestSignedRank:
    def test_of_a_textbook(self):
        found = signed_rank(DEPRESSION)
        assert (found.persons, found.method) == (9, "exact")
        assert found.p == pytest.approx(20 / 2**9)  # 10 of 512 rank sums are 5 or less

    @pytest.mark.parametrize(
        "difference",
        [[1, 1, -1, 2, 3, 3], [-2, -2, -2, -2], [0, 0, 1, -3, -3, -4, -5], [5]],
    )
    def test_with_ties_is_that_of_all_signs(self, difference):
        moved = np.array([d for d in difference if d], dtype=float)
        ranks = stats.rankdata(abs(moved))
        sums = [np.dot(ranks, s) for s in itertools.product((1, -1), repeat=len(ranks))]
        seen = abs(np.dot(ranks, np.sign(moved)))
        expected = np.mean(np.abs(sums) >= seen - 1e-9)
        found = signed_rank(np.array(difference, dtype=float))
        assert found.p == pytest.approx(expected)
        assert found.persons == len(moved)

    def test_without_any_change_there_is_none(self):
        found = signed_rank(np.zeros(5))
        assert (found.persons, found.method) == (0, "")
        assert math.isnan(found.p)

    def test_of_many_is_approximate_and_near_the_exact_one(self):
        moved = np.random.default_rng(3).normal(-0.3, 1.0, 51)
        found, exact = signed_rank(moved), stats.wilcoxon(moved, method="exact")
        assert found.method == "normal approximation"
        assert found.p == pytest.approx(exact.pvalue, abs=0.002)

    @settings(deadline=None, max_examples=50)
    @given(st.lists(st.integers(-5, 5), min_size=1, max_size=14), st.randoms())
    def test_knows_neither_order_nor_direction(self, values, random):
        difference = np.array(values, dtype=float)
        shuffled = difference.copy()
        random.shuffle(shuffled)
        for other in (shuffled, -difference, 7 * difference):
            assert signed_rank(other).p == pytest.approx(signed_rank(difference).p, nan_ok=True)


class TestHodgesLehmann:
    def test_of_a_textbook(self):
        found = hodges_lehmann(DEPRESSION)
        assert found.value == pytest.approx(-0.46)
        assert (found.low, found.high) == (pytest.approx(-0.786), pytest.approx(-0.010))

    @settings(deadline=None, max_examples=50)
    @given(st.lists(st.floats(-10, 10), min_size=6, max_size=12, unique=True))
    def test_the_interval_holds_what_the_test_would_not_refute(self, values):
        difference = np.array(values)
        found = hodges_lehmann(difference)
        assert found.low <= found.value <= found.high
        if len(np.unique(np.round(np.abs(np.subtract.outer(values, [found.low])), 6))) < len(
            values
        ):
            return  # ties at the shifted place: another test
        width = max(found.high - found.low, 1.0)
        for outside in (found.low - 1e-3 * width, found.high + 1e-3 * width):
            assert signed_rank(difference - outside).p <= 0.05 + 1e-9

    @pytest.mark.parametrize("n", [1, 2, 5])
    def test_of_few_has_no_interval(self, n):
        found = hodges_lehmann(np.arange(float(n)))
        assert found.value == pytest.approx((n - 1) / 2)
        assert math.isnan(found.low)
        assert math.isnan(found.high)

    def test_of_nobody_is_none(self):
        assert math.isnan(hodges_lehmann(np.empty(0)).value)


class TestRatio:
    def test_is_the_geometric_mean_with_an_interval_of_the_logs(self):
        pairs = [made(10, 5), made(20, 5), made(40, 80)]
        found = mean_ratio(pairs)
        logs = np.log([0.5, 0.25, 2.0])
        assert found.value == pytest.approx(0.25 ** (1 / 3))
        expected = stats.t.interval(0.95, 2, logs.mean(), stats.sem(logs))
        assert (found.low, found.high) == tuple(map(pytest.approx, np.exp(expected)))

    def test_refers_to_valid_time(self):
        assert person_ratio(made(10, 10, 60.0, 120.0)) == pytest.approx(0.5)

    def test_adds_half_an_event_where_one_is_missing(self):
        assert person_ratio(made(10, 0, 60.0, 120.0)) == pytest.approx(0.5 / 10.5 / 2)
        assert person_ratio(made(0, 0, 60.0, 120.0)) == pytest.approx(0.5)
        assert compare([made(10, 0), made(0, 3), made(1, 1)]).with_half == 2

    def test_of_one_person_has_no_interval(self):
        found = mean_ratio([made(10, 5)])
        assert found.value == pytest.approx(0.5)
        assert math.isnan(found.low)


class TestComparing:
    def test_counts_only_those_who_are_not_left_out(self):
        pairs = [made(6, 3), made(4, 4), made(2, 8), made(999, 0, left_out="no session")]
        found = compare(pairs)
        assert (found.persons, found.lower, found.higher, found.same) == (3, 1, 1, 1)
        assert (found.before, found.after) == (4.0, 4.0)

    def test_of_nobody_says_so_in_numbers(self):
        found = compare([made(1, 1, left_out="no session")])
        assert found.persons == 0
        assert all(map(math.isnan, (found.before, found.test.p, found.ratio.value)))
        assert any(
            "nobody's rate changed" in text for text in interpretation.about_comparison(found)
        )

    def test_an_effect_that_was_built_in_is_found(self):
        people = [Person(d.person, d) for d in group(16, 0.4)]
        pairs = [pair_of(person, Question(treatment=TOXIN)) for person in people]
        found = compare(pairs)
        assert found.ratio.low < 0.4 < found.ratio.high
        assert found.ratio.high < 0.6
        assert found.test.p < 0.001
        # The right side, which the treatment did not touch, stays as it was.
        other = compare([pair_of(p, Question(treatment=TOXIN, side="right")) for p in people])
        assert other.test.p > 0.05

    @pytest.mark.parametrize(
        ("n", "told"), [(3, "3 persons the test cannot fall below 5 %"), (12, "12 persons are few")]
    )
    def test_few_are_called_few(self, n, told):
        found = compare([made(10 + i, i) for i in range(n)])
        assert any(told in text for text in interpretation.about_comparison(found))
        if n == 3:
            assert found.test.p > 0.05


def test_what_makes_pairs_doubtful_is_told():
    person = Person(
        "P7",
        diary(
            session(-5, segment(5, 1)),
            session(20, segment(2, 1), settings_sha256="c" * 64),
            treatments=[treatment(0), treatment(5, "drug_start")],
        ),
    )
    told = interpretation.doubts([pair_of(person, Question(treatment=TOXIN))])
    assert len(told) == 2
    assert all(text.endswith(": P7") for text in told)
    assert interpretation.doubts([made(1, 1)]) == []


GROUPS, PERSONS = 500, 12


@pytest.fixture(scope="module")
def differences() -> np.ndarray:
    """``(GROUPS, PERSONS)`` differences without any effect.

    Rates vary from person to person and from day to day, and events are counted.
    """
    rng = np.random.default_rng(20260301)
    level = rng.gamma(4.0, 2.0, (GROUPS, PERSONS, 1))
    valid_s = rng.uniform(180.0, 900.0, (GROUPS, PERSONS, 2))
    counts = rng.poisson(level * rng.gamma(10.0, 0.1, valid_s.shape) * valid_s / 60.0)
    return (60.0 * counts / valid_s) @ np.array([-1.0, 1.0])


class TestSimulatedWithoutAnEffect:
    SPREAD = math.sqrt(0.05 * 0.95 / GROUPS)

    def test_5_percent_are_below_5_percent(self, differences):
        below = np.mean([signed_rank(row).p < 0.05 for row in differences])
        # Of 12 persons 0.042 is the largest p below 0.05.
        assert 0.042 - 3 * self.SPREAD < below < 0.05 + 3 * self.SPREAD

    def test_the_interval_holds_the_truth_in_95_of_100(self, differences):
        found = [hodges_lehmann(row) for row in differences]
        held = np.mean([each.low <= 0.0 <= each.high for each in found])
        assert 0.95 - 3 * self.SPREAD < held < 0.99
