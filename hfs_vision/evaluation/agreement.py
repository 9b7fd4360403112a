"""How far two counts of the same recordings agree.

Conventions

- One row for each recording, one column for each counter; differences are the second counter's
  count minus the first's (estimated minus reference).
- **Bias** is the mean difference, and the **limits of agreement** are bias -+ 1.96 standard
  deviations of the differences (Bland and Altman 1986, Lancet 327:307-310): if differences are
  spread normally, 95 % of recordings lie between them.
- **ICC(2,1)** is the intraclass correlation of two-way random effects, absolute agreement, single
  counts (Shrout and Fleiss 1979, Psychol Bull 86:420-428), with the confidence interval of McGraw
  and Wong (1996, Psychol Methods 1:30-46). The interval takes quantiles of the F distribution,
  which are worked out here, because numpy has none; a bootstrap would do without, but over a
  handful of recordings its intervals are too narrow, and they depend on a seed. The estimate is
  not cut to 0..1: counters that contradict each other give a negative one.
- What is not defined is NaN, and a note says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

_NAN = float("nan")
_LARGEST_LOG = 600.0


@dataclass(frozen=True)
class Agreement:
    """Agreement of two counters over recordings.

    Attributes:
        recordings: How many were counted by both.
        bias: Mean of second minus first.
        low, high: 95 % limits of agreement.
        icc, icc_low, icc_high: ICC(2,1) and its 95 % confidence interval.
        note: Why something is NaN; empty if nothing is.
    """

    recordings: int
    bias: float
    low: float
    high: float
    icc: float
    icc_low: float
    icc_high: float
    note: str


def agreement(first: ArrayLike, second: ArrayLike) -> Agreement:
    """Bias, limits of agreement and ICC(2,1) of two lists of counts, one entry per recording."""
    counts = np.column_stack([first, second]).astype(np.float64)
    n = len(counts)
    difference = counts[:, 1] - counts[:, 0]
    bias = float(difference.mean()) if n else _NAN
    spread = 1.96 * float(difference.std(ddof=1)) if n > 1 else _NAN
    note = ""
    if n < 2:
        note = f"{n} recording{'s' if n != 1 else ''}: limits and ICC need at least two"
    elif not (counts != counts[0]).any():
        note = "the counts do not vary between recordings: there is no ICC"
    icc = icc_absolute(counts) if not note else (_NAN, _NAN, _NAN)
    return Agreement(n, bias, bias - spread, bias + spread, *icc, note)


def icc_absolute(ratings: ArrayLike, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """ICC(2,1) and its confidence interval; NaN without any variance or with a single row.

    With the mean squares of rows R, columns C and residual E of ``n`` rows and ``k`` columns,

        ICC = (R - E) / (R + (k - 1) E + k (C - E) / n).

    Args:
        ratings: ``(n, k)``, one row for each recording, one column for each counter.
        confidence: Of the interval.

    Counts that differ by two throughout (an example of McGraw and Wong 1996):

    >>> round(icc_absolute([[2, 4], [4, 6], [6, 8]])[0], 2)
    0.67
    """
    table = np.asarray(ratings, dtype=np.float64)
    n, k = table.shape
    if n < 2 or k < 2:
        return _NAN, _NAN, _NAN
    rows, columns = table.mean(axis=1) - table.mean(), table.mean(axis=0) - table.mean()
    residual = table - table.mean() - rows[:, None] - columns
    r = k * float(rows @ rows) / (n - 1)
    c = n * float(columns @ columns) / (k - 1)
    e = float((residual**2).sum()) / ((n - 1) * (k - 1))
    whole = r + (k - 1) * e + k * (c - e) / n
    if not whole > 1e-12 * max(r, c, e, 1e-300):
        return _NAN, _NAN, _NAN
    icc = (r - e) / whole
    # Both terms of the degrees of freedom are multiplied by 1 - icc, so that 1 is no special case.
    # Below 0 they are taken at 0: there the approximation fails, and the interval would miss icc.
    kept = max(icc, 0.0)
    a, b = k * kept / n * c, (1 - kept + k * kept * (n - 1) / n) * e
    spread = a**2 / (k - 1) + b**2 / ((n - 1) * (k - 1))
    if spread <= 1e-24 * r**2:  # no difference at all between the counters
        return icc, icc, icc
    freedom = (a + b) ** 2 / spread
    tail = (1 + confidence) / 2
    rest = k * c + (k * n - k - n) * e
    lower = 1 / f_quantile(tail, n - 1, freedom)
    upper = 1 / f_quantile(tail, freedom, n - 1)
    low = n * (r * lower - e) / (rest + n * r * lower)
    high = n * (r - e * upper) / (rest * upper + n * r)
    return icc, low, high


def f_quantile(probability: float, first: float, second: float) -> float:
    """Quantile of the F distribution with ``first`` and ``second`` degrees of freedom.

    Its distribution function at ``f`` is the regularised incomplete beta function at
    ``x = first f / (first f + second)``; the quantile is found by halving on a scale of logs.
    """
    low, high = -_LARGEST_LOG, _LARGEST_LOG
    for _ in range(80):
        middle = (low + high) / 2
        ratio = first / second * math.exp(middle)
        if _beta_share(ratio / (1 + ratio), 1 / (1 + ratio), first / 2, second / 2) < probability:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def _beta_share(x: float, y: float, a: float, b: float) -> float:
    """Regularised incomplete beta function at ``x``; ``y`` is 1 - x without its rounding."""
    # The continued fraction converges fast below the mean; above it the mirror image does.
    if x <= (a + 1) / (a + b + 2):
        return _beta_fraction(x, y, a, b)
    return 1.0 - _beta_fraction(y, x, b, a)


def _beta_fraction(x: float, y: float, a: float, b: float) -> float:
    """The same by its continued fraction (NIST Handbook of Mathematical Functions, 8.17.22).

    Summed by Lentz's method (Thompson and Barnett 1986, J Comput Phys 64:490-509).
    """
    fraction, upper, lower = 1.0, 1.0, 0.0
    for m in range(1000):
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        even = (m + 1) * (b - m - 1) * x / ((a + 2 * m + 1) * (a + 2 * m + 2))
        before = fraction
        for term in (odd, even):
            lower = 1.0 / (1.0 + term * lower)
            upper = 1.0 + term / upper
            fraction *= upper * lower
        if abs(fraction - before) <= 1e-15 * abs(fraction):
            break
    log_scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return math.exp(log_scale + a * math.log(x) + b * math.log(y)) / (a * fraction)
