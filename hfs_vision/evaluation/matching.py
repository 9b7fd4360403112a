"""One-to-one matching of reference and estimated intervals of one side.

Conventions

- Intervals are ``(n, 2)`` seconds, half-open ``[onset, offset)``, in any order. Times are rounded
  to microseconds first and compared as integers, so that a tolerance of 150 ms holds 150 ms.
- A pair is a **candidate** if its onsets differ by no more than the tolerance. A reference
  interval of `LONG_S` or more is also a candidate where intersection over union is at least one
  half: an onset that creeps in over several frames has no one moment. Without a tolerance
  (``None``) any overlap makes a candidate.
- The **matching** uses each interval at most once, pairs as many as can be paired (a greedy pass
  can pair fewer), and among all such matchings has the smallest sum of onset distances; then the
  smallest sum of their squares, which keeps the order in time; then the earlier estimates. It is
  found exactly, by shortest augmenting paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import ArrayLike, NDArray

LONG_S = 1.0
"""Reference intervals of this duration and more also match by intersection over union."""

MIN_IOU = 0.5
"""Least intersection over union of such a match."""

IntArray = NDArray[np.int64]


def micro(intervals: ArrayLike) -> IntArray:
    """``(n, 2)`` intervals in whole microseconds."""
    seconds = np.asarray(intervals, dtype=np.float64).reshape(-1, 2)
    return np.asarray(np.rint(seconds * 1e6), dtype=np.int64)


def match(
    reference: ArrayLike, estimated: ArrayLike, *, tolerance_s: float | None = 0.15
) -> list[tuple[int, int]]:
    """Pairs ``(row of reference, row of estimated)`` of the matching, ordered by reference.

    Args:
        reference: ``(n, 2)`` intervals of one side, in seconds.
        estimated: ``(m, 2)`` of the same side.
        tolerance_s: Largest distance of onsets; ``None`` for any overlap.

    >>> match([[1.0, 1.2], [1.3, 1.5]], [[1.15, 1.4], [0.9, 1.0]])
    [(0, 1), (1, 0)]
    """
    first, second = micro(reference), micro(estimated)
    pairs = candidates(first, second, tolerance_s)
    # The fewer are placed one by one: then most find a partner near by.
    fewer = 0 if len(first) <= len(second) else 1
    costs: list[list[tuple[int, int]]] = [[] for _ in range(min(len(first), len(second)))]
    for pair, cost in zip(pairs.tolist(), _costs(first, second, pairs), strict=True):
        costs[pair[fewer]].append((pair[1 - fewer], cost))
    placed = _assign(costs)
    return sorted((b, a) if fewer else (a, b) for a, b in placed)


def _costs(first: IntArray, second: IntArray, pairs: IntArray) -> list[int]:
    """Onset distance, its square and the estimate's place in time of each pair, as one number.

    The three are digits of a number so large that no sum of the lesser reaches the greater.
    """
    distance = np.abs(first[pairs[:, 0], 0] - second[pairs[:, 1], 0]).tolist()
    place = np.argsort(np.argsort(second[:, 0], kind="stable"))[pairs[:, 1]].tolist()
    places = 1 + len(second) ** 2
    squares = 1 + len(second) * max(distance, default=0) ** 2
    return [(d * squares + d * d) * places + p for d, p in zip(distance, place, strict=True)]


def candidates(reference: IntArray, estimated: IntArray, tolerance_s: float | None) -> IntArray:
    """``(k, 2)`` pairs of rows that may be matched; intervals in microseconds."""
    together = overlaps(reference, estimated)
    if tolerance_s is None:
        return np.asarray(together[:, :2])
    near = _near(reference[:, 0], estimated[:, 0], round(tolerance_s * 1e6))
    length = (reference[:, 1] - reference[:, 0])[together[:, 0]]
    other = (estimated[:, 1] - estimated[:, 0])[together[:, 1]]
    union = length + other - together[:, 2]
    alike = (length >= round(LONG_S * 1e6)) & (together[:, 2] >= MIN_IOU * union)
    return np.asarray(np.unique(np.concatenate([near, together[alike, :2]]), axis=0))


def overlaps(first: IntArray, second: IntArray) -> IntArray:
    """``(k, 3)`` row of ``first``, row of ``second`` and length of each overlap, microseconds.

    >>> overlaps(micro([[0, 1], [2, 3]]), micro([[0.5, 2.25]])).tolist()
    [[0, 0, 500000], [1, 0, 250000]]
    """
    order = np.argsort(second[:, 0], kind="stable")
    begin, end = second[order].T
    low = np.searchsorted(np.maximum.accumulate(end), first[:, 0], side="right")
    high = np.searchsorted(begin, first[:, 1], side="left")
    found = [np.empty((0, 3), dtype=np.int64)]
    for row in np.flatnonzero(low < high):
        span = np.arange(low[row], high[row])
        span = span[end[span] > first[row, 0]]
        common = np.minimum(end[span], first[row, 1]) - np.maximum(begin[span], first[row, 0])
        found.append(np.column_stack([np.full(len(span), row), order[span], common]))
    return np.concatenate(found)


def _near(first: IntArray, second: IntArray, reach: int) -> IntArray:
    """``(k, 2)`` pairs of rows of two lists of onsets that are no further apart than ``reach``."""
    order = np.argsort(second, kind="stable")
    low = np.searchsorted(second[order], first - reach, side="left")
    high = np.searchsorted(second[order], first + reach, side="right")
    rows = np.repeat(np.arange(len(first)), high - low)
    columns = [order[a:b] for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    return np.column_stack([rows, np.concatenate([np.empty(0, dtype=np.int64), *columns])])


@dataclass
class _State:
    """Rows and columns so far, under prices that keep every reduced cost at 0 or more."""

    worth: list[int]
    price: dict[int, int]
    row_in: dict[int, int]
    column_of: dict[int, int]


def _assign(costs: Sequence[Sequence[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Pairs (row, column) of the largest matching, and of those the cheapest.

    Rows are placed one after the other, each along the shortest augmenting path (successive
    shortest paths with Dijkstra's search; Edmonds and Karp 1972, J ACM 19:248-264). A row may stay
    out for a penalty above the cost of any matching, so that leaving it out is the last resort.
    Costs are integers: nothing is rounded.

    Args:
        costs: For each row its candidates as (column, cost).
    """
    penalty = 1 + sum(max((cost for _, cost in row), default=0) for row in costs)
    columns = (column for row in costs for column, _ in row)
    state = _State([0] * len(costs), dict.fromkeys(columns, 0), {}, {})
    # In the order of time, each event of a regular train that lags would push the whole train.
    for start in np.random.default_rng(0).permutation(len(costs)).tolist():
        if costs[start]:
            _place(start, costs, state, penalty)
    return sorted(state.column_of.items())


def _place(
    start: int, costs: Sequence[Sequence[tuple[int, int]]], state: _State, penalty: int
) -> None:
    """Places one more row, or leaves out the row on its paths that it is cheapest to leave out."""
    visited = {start: 0}  # row: its distance from the start
    reached: dict[int, tuple[int, int]] = {}  # column: its distance, from which row
    closed: set[int] = set()
    queue: list[tuple[int, int]] = []
    row, walked, out, leaver = start, 0, penalty, start
    while True:
        if walked + penalty - state.worth[row] < out:
            out, leaver = walked + penalty - state.worth[row], row
        for column, cost in costs[row]:
            far = walked + cost - state.worth[row] - state.price[column]
            if column not in closed and (column not in reached or far < reached[column][0]):
                reached[column] = far, row
                heappush(queue, (far, column))
        while queue and queue[0][1] in closed:
            heappop(queue)
        if not queue or out < queue[0][0]:
            walked, end = out, state.column_of.pop(leaver, None)
            break
        walked, column = heappop(queue)
        if column not in state.row_in:
            end = column
            break
        closed.add(column)
        row = state.row_in[column]
        visited[row] = walked
    for row, far in visited.items():
        state.worth[row] += walked - far
    for column in closed:
        state.price[column] -= walked - reached[column][0]
    while end is not None:  # each row on the path moves to the column that the next one leaves
        row = reached[end][1]
        state.row_in[end] = row
        given, end = end, state.column_of.get(row)
        state.column_of[row] = given
