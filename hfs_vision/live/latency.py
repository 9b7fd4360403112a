"""How long a session takes over each frame: quantiles in memory that does not grow."""

from __future__ import annotations

import numpy as np

_BIN_MS = 0.1
_BINS = 20_000


class Quantiles:
    """Counts durations in bins of 0.1 ms; those of 2 s and longer share the last one."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, dtype=np.int64)
        self._most_ms = 0.0

    def add(self, duration_s: float) -> None:
        """Counts one duration in seconds."""
        duration_ms = max(1000 * duration_s, 0.0)
        self._counts[min(int(duration_ms / _BIN_MS), _BINS - 1)] += 1
        self._most_ms = max(self._most_ms, duration_ms)

    def as_dict(self) -> dict[str, float | None]:
        """Median, 95th and 99th percentile and the longest, in milliseconds; ``None`` of nothing.

        >>> q = Quantiles()
        >>> for ms in range(1, 101):
        ...     q.add(ms / 1000 + 1e-6)
        >>> q.as_dict()
        {'median': 50.1, 'p95': 95.1, 'p99': 99.1, 'most': 100.001}
        """
        shares = {"median": 0.5, "p95": 0.95, "p99": 0.99}
        total = int(self._counts.sum())
        if not total:
            return {**dict.fromkeys(shares), "most": None}
        reached = np.cumsum(self._counts)
        found: dict[str, float | None] = {
            name: round(float(np.searchsorted(reached, share * total) + 1) * _BIN_MS, 1)
            for name, share in shares.items()
        }
        return {**found, "most": round(self._most_ms, 3)}
