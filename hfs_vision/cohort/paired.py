"""How rates of the same persons before and after differ: test, differences, ratios.

- **Wilcoxon signed-rank test** (Wilcoxon 1945, Biometrics Bull 1:80-83) of the differences of the
  rates, two-sided. Persons whose rate did not change say nothing and are left out of the test. Its
  p is exact up to 50 persons, with ties too.
- **Hodges-Lehmann estimate** of the difference (Hodges and Lehmann 1963, Ann Math Stat
  34:598-611): the median of the means of all pairs of differences, each with itself too. Its 95 %
  interval holds the differences that the test would not refute; it needs six persons, since with
  five the test refutes nothing at 5 %.
- **Ratio**: geometric mean of each person's rate after by that before, with Student's t interval
  on the logarithms. A person without any event in one of the periods has no such ratio: there half
  an event is added to both of that person's counts.

All of it takes persons as independent of each other, and differences as spread evenly around
their middle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hfs_vision.cohort.periods import BeforeAfter
from hfs_vision.rates import Estimate
from hfs_vision.schema import FloatArray

_OUTSIDE = 0.05
_NONE = Estimate(math.nan, math.nan, math.nan)
_MOST_EXACT = 50
"""Of more the normal approximation is good, and the exact p takes long."""


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon signed-rank test.

    Attributes:
        persons: Whose rate changed.
        p: Chance of differences at least as one-sided, were both signs equally likely; NaN where
            nobody's rate changed.
        method: ``exact``; ``exact, with ties`` (over all signs of the mean ranks); or, above
            50, ``normal approximation``.
    """

    persons: int
    p: float
    method: str


@dataclass(frozen=True)
class PairedComparison:
    """What pairs come to.

    Attributes:
        persons: How many were compared.
        lower, higher, same: How many had a lower rate after, a higher one, or the same.
        before, after: Medians of the rates, per minute; NaN without persons.
        test: Of the differences.
        difference: Hodges-Lehmann estimate, per minute; the interval is NaN below six persons.
        ratio: After by before; NaN without persons, its interval below two.
        with_half: Persons to whose counts half an event was added for the ratio.
    """

    persons: int
    lower: int
    higher: int
    same: int
    before: float
    after: float
    test: SignedRank
    difference: Estimate
    ratio: Estimate
    with_half: int


def compare(pairs: Sequence[BeforeAfter]) -> PairedComparison:
    """Statistics of those who are not left out."""
    kept = [pair for pair in pairs if not pair.left_out]
    before, after = (
        np.array([getattr(pair, name).rate.per_min for pair in kept], dtype=np.float64)
        for name in ("before", "after")
    )
    difference = after - before
    return PairedComparison(
        persons=len(kept),
        lower=int((difference < 0).sum()),
        higher=int((difference > 0).sum()),
        same=int((difference == 0).sum()),
        before=float(np.median(before)) if kept else math.nan,
        after=float(np.median(after)) if kept else math.nan,
        test=signed_rank(difference),
        difference=hodges_lehmann(difference),
        ratio=mean_ratio(kept),
        with_half=sum(_has_none(pair) for pair in kept),
    )


def signed_rank(difference: FloatArray) -> SignedRank:
    """Wilcoxon's test of ``(n,)`` differences."""
    from scipy import stats  # takes a second, which the other commands need not wait

    moved = difference[difference != 0]
    n = len(moved)
    if n == 0:
        return SignedRank(0, math.nan, "")
    ranks = stats.rankdata(np.abs(moved))
    if n > _MOST_EXACT:
        found = stats.wilcoxon(moved, method="asymptotic", correction=True)
        return SignedRank(n, float(found.pvalue), "normal approximation")
    if len(np.unique(ranks)) == n:
        return SignedRank(n, float(stats.wilcoxon(moved, method="exact").pvalue), "exact")
    # scipy knows no ties here. Twice a mean rank is whole.
    chance = np.cumsum(_rank_sums((2 * ranks).astype(int)))
    least = round(2 * min(ranks[moved < 0].sum(), ranks[moved > 0].sum()))
    return SignedRank(n, min(2 * float(chance[least]), 1.0), "exact, with ties")


def hodges_lehmann(difference: FloatArray) -> Estimate:
    """Middle of ``(n,)`` differences with its 95 % interval.

    >>> hodges_lehmann(np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 10.0]))
    Estimate(value=1.5, low=-1.0, high=10.0)
    """
    n = len(difference)
    if n == 0:
        return _NONE
    first, second = np.triu_indices(n)
    means = np.sort((difference[first] + difference[second]) / 2)
    outside = _most_outside(n)
    if outside < 0:
        return Estimate(float(np.median(means)), math.nan, math.nan)
    low, high = means[outside], means[len(means) - 1 - outside]
    return Estimate(float(np.median(means)), float(low), float(high))


def mean_ratio(pairs: Sequence[BeforeAfter]) -> Estimate:
    """Geometric mean of the rates after by those before, with its 95 % interval."""
    n = len(pairs)
    if n == 0:
        return _NONE
    logs = np.log([person_ratio(pair) for pair in pairs])
    middle = float(logs.mean())
    if n < 2:
        return Estimate(math.exp(middle), math.nan, math.nan)
    from scipy import stats

    error = float(logs.std(ddof=1)) / math.sqrt(n)
    reach = error * float(stats.t.ppf(1 - _OUTSIDE / 2, n - 1))
    return Estimate(math.exp(middle), math.exp(middle - reach), math.exp(middle + reach))


def person_ratio(pair: BeforeAfter) -> float:
    """One person's rate after by that before; half an event is added to both where one has none."""
    half = 0.5 if _has_none(pair) else 0.0
    after, before = (
        (period.rate.count + half) / period.valid_s for period in (pair.after, pair.before)
    )
    return after / before


def _has_none(pair: BeforeAfter) -> bool:
    return not (pair.before.rate.count and pair.after.rate.count)


def _most_outside(n: int) -> int:
    """How many of the least means of pairs lie outside the interval, and of the largest; -1: none.

    The rank sum of ``n`` differences, each of either sign with a chance of one half, is at most
    that with a chance of 2.5 % or less.
    """
    chance = np.cumsum(_rank_sums(np.arange(1, n + 1)))
    return int(np.searchsorted(chance, _OUTSIDE / 2, side="right")) - 1


def _rank_sums(ranks: NDArray[np.int_]) -> FloatArray:
    """Chance of each sum from 0 on, where every rank is in it or not, both equally likely."""
    chance = np.ones(1)
    for rank in ranks:
        none = np.zeros(rank)
        chance = (np.concatenate([chance, none]) + np.concatenate([none, chance])) / 2
    return chance
