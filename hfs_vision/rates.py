"""How often something happens in valid time, how sure that is, and how two such rates compare.

Events are taken as independent of each other: the count of a stretch is then a Poisson number. All
intervals hold the true value in 95 of 100 cases and are of the mid-P kind: a bound is the value at
which what lies beyond the count has, with half of the count's own chance, a chance of 2.5 %
(Lancaster 1961, J Am Stat Assoc 56:223-234; Cohen and Yang 1994, Stat Med 13:2189-2203). They come
from the exact distribution; without the halving they would hold the true value in 97 to 98 of 100
cases, and be longer than they need be.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

_OUTSIDE = 0.05
_HALVINGS = 28
_MOST_VARIATION = 25.0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rate:
    """Events per minute of valid time, with the 95 % interval; NaN without a rate."""

    count: int
    per_min: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Pooled:
    """Counts of several sessions as one.

    Attributes:
        sessions: How many.
        rate: Of all their events in all their valid time, as wide as `spread` asks for.
        valid_s: That time, in seconds.
        spread: By how much the variance of the count exceeds that of a Poisson number; 1 or more.
    """

    sessions: int
    rate: Rate
    valid_s: float
    spread: float


def rate(count: int, valid_s: float) -> Rate:
    """Rate of so many events in so much valid time, in seconds."""
    per_min, low, high = (float(value) for value in rates(count, valid_s))
    return Rate(count, per_min, low, high)


def rates(count: ArrayLike, valid_s: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Events per minute and both bounds, of many at once; NaN where there is no valid time.

    Args:
        count: ``(n,)`` events, whole or not (see `pooled`).
        valid_s: ``(n,)`` seconds in which they were seen.
    """
    seen, seconds = np.asarray(count, dtype=np.float64), np.asarray(valid_s, dtype=np.float64)
    per_min = 60.0 / np.where(seconds > 0, seconds, math.nan)
    low, high = poisson_interval(seen)
    return seen * per_min, low * per_min, high * per_min


def poisson_interval(count: ArrayLike, outside: float = _OUTSIDE) -> tuple[Floats, Floats]:
    """Mid-P interval of the mean of which ``count`` was seen.

    Args:
        count: ``(n,)`` or one, 0 or more. Counts that are not whole come from `pooled`.
        outside: Chance that the interval misses the mean.

    >>> [round(float(bound), 3) for bound in poisson_interval(0) + poisson_interval(10)]
    [0.0, 2.996, 5.08, 17.825]
    """
    seen, back = np.unique(np.asarray(count, dtype=np.float64), return_inverse=True)

    def beyond(mean: Floats) -> Floats:
        """Chance of more than ``seen``, with half of that of just so many."""
        as_many = np.where(seen > 0, special.gammainc(seen, mean), 1.0)
        return np.asarray((special.gammainc(seen + 1.0, mean) + as_many) / 2)

    # Between the exact (Garwood) bounds of this count and of the next one, or the one before.
    chance = np.array([[outside / 2], [1.0 - outside / 2]])
    first = np.where(seen > 0, special.gammaincinv(np.maximum(seen, 1e-9), chance), 0.0)
    low, high = _root(beyond, chance, first, special.gammaincinv(seen + 1.0, chance))
    low = np.where(seen > 0, low, 0.0)
    shape = np.shape(count)
    return low[back].reshape(shape), high[back].reshape(shape)


def time_share(
    count: ArrayLike, time_s: ArrayLike, valid_s: ArrayLike, mean_s: float
) -> tuple[Floats, Floats, Floats]:
    """Share of valid time that events take, and both bounds; NaN where there is no valid time.

    Lengths of events are taken to vary as those of an exponential distribution do. Their sum is
    then as sure as a count of half as many (a scaled Poisson number: Bohm and Zech 2014, Nucl
    Instrum Methods A 748:1-6), and the interval that of such a count.

    Args:
        count: ``(n,)`` events.
        time_s: ``(n,)`` seconds that they take together.
        valid_s: ``(n,)`` seconds in which they were seen.
        mean_s: Usual length of one; for where none was seen.
    """
    worth = np.asarray(count, dtype=np.float64) / 2
    taken, seconds = np.asarray(time_s, dtype=np.float64), np.asarray(valid_s, dtype=np.float64)
    unit = np.where(worth > 0, taken / np.where(worth > 0, worth, 1.0), 2 * mean_s)
    low, high = poisson_interval(worth)
    seconds = np.where(seconds > 0, seconds, math.nan)
    return taken / seconds, low * unit / seconds, np.minimum(high * unit / seconds, 1.0)


def pooled(count: ArrayLike, valid_s: ArrayLike, variation: float = 0.0) -> Pooled:
    """Sessions as one; the interval is widened where their rates vary from day to day.

    With a true rate that varies by ``variation`` (squared, relative) around its mean, the variance
    of a session's count is ``mean + variation * mean**2`` (negative binomial). The interval is the
    one of as many independent events as are worth the same: the count divided by `Pooled.spread`.

    Args:
        count: ``(n,)`` events of each session.
        valid_s: ``(n,)`` seconds in which they were seen.
        variation: See `day_to_day`.
    """
    seen, seconds = np.asarray(count, dtype=np.float64), np.asarray(valid_s, dtype=np.float64)
    total, time_s = float(seen.sum()), float(seconds.sum())
    share = seconds / time_s if time_s > 0 else seconds
    spread = 1.0 + variation * total * float((share**2).sum())
    per_min, low, high = (float(value) for value in rates(total / spread, time_s / spread))
    return Pooled(len(seen), Rate(round(total), per_min, low, high), time_s, spread)


def day_to_day(count: ArrayLike, mean: ArrayLike, levels: int) -> float:
    """How much rates vary from day to day beyond counting: squared, relative to the mean.

    The value at which the squared deviations from the means are as large as a negative binomial
    makes them (moments: Breslow 1984, Appl Stat 33:38-44); 0 where counting alone explains them.

    Args:
        count: ``(n,)`` events of each session.
        mean: ``(n,)`` events that its level makes expect.
        levels: How many means were taken from the same counts.
    """
    seen, expected = np.asarray(count, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    known = expected > 0
    squares, expected = (seen[known] - expected[known]) ** 2, expected[known]
    free = len(expected) - levels

    def missing(variation: Floats) -> Floats:
        return np.asarray(free - (squares / (expected + variation * expected**2)).sum())

    if free < 1 or float(missing(np.zeros(()))) >= 0:
        return 0.0
    return float(_root(missing, 0.0, np.zeros(()), np.full((), _MOST_VARIATION)))


def ratio(after: Pooled, before: Pooled) -> Estimate:
    """How many times as high the rate after is as the one before.

    Given the sum of both counts, that after is a binomial number, and its mid-P interval one of the
    ratio. The value is the ratio of both rates; no value where nothing was counted before.
    """
    a, b = (p.rate.count / p.spread for p in (after, before))
    s, t = (p.valid_s / p.spread for p in (after, before))
    if not (s > 0 and t > 0 and a + b > 0):
        return Estimate(math.nan, math.nan, math.nan)

    def beyond(share: Floats) -> Floats:
        """Chance of more than ``a`` of ``a + b``, with half of that of just so many."""
        more = special.betainc(a + 1.0, b, share) if b > 0 else 0.0
        as_many = special.betainc(a, b + 1.0, share) if a > 0 else 1.0
        return np.asarray((more + as_many) / 2)

    chance = np.array([_OUTSIDE / 2, 1.0 - _OUTSIDE / 2])
    low, high = _root(beyond, chance, np.zeros(2), np.ones(2)).tolist()
    low, high = (low if a > 0 else 0.0), (high if b > 0 else 1.0)
    value = after.rate.per_min / before.rate.per_min if b > 0 else math.nan
    return Estimate(value, *(_odds(share) * t / s for share in (low, high)))


def difference(after: Pooled, before: Pooled) -> Estimate:
    """By how many events per minute the rate after is higher.

    The interval is made of those of both rates (Zou and Donner 2008, Stat Med 27:1693-1702).
    """
    a, b = after.rate, before.rate
    value = a.per_min - b.per_min
    return Estimate(
        value,
        value - math.hypot(a.per_min - a.low, b.high - b.per_min),
        value + math.hypot(a.high - a.per_min, b.per_min - b.low),
    )


def _odds(share: float) -> float:
    return share / (1.0 - share) if share < 1.0 else math.inf


def _root(
    function: Callable[[Floats], Floats], value: float | Floats, low: Floats, high: Floats
) -> Floats:
    """Where an increasing function reaches a value, elementwise between two ends."""
    for _ in range(_HALVINGS):
        middle = np.asarray((low + high) / 2)
        below = function(middle) < value
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)
