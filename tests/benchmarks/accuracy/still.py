"""A face that does not move at all, with the jitter that the models show on a still real face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hfs_vision.core.geometry import Measurements
from hfs_vision.schema import FloatArray

DEFAULT_NOISE = (0.0018, 0.0018, 0.0014, 0.0014, 0.0014, 0.0014, 0.2)
"""Standard deviations where no still clip is at hand (Face Mesh on a still clip at 1080p)."""

_REST = (0.11, 0.11, 0.36, -0.73, 0.36, -0.73, 0.0)


def jitter_of(measured: Sequence[Measurements]) -> tuple[FloatArray, FloatArray, float]:
    """Rest ``(7,)``, covariance ``(7, 7)`` and time constant (s) of a first-order noise.

    Columns: apertures, commissures (lateral and up of left, then of right), yaw. A straight line
    is taken out of each column of each recording.
    """
    residuals, rests, lags, steps = [], [], [], []
    for one in measured:
        columns = np.column_stack([one.aperture, one.commissure.reshape(-1, 4), one.yaw_deg])
        good = np.isfinite(columns).all(axis=1)
        if good.sum() < 30:
            continue
        time_s, columns = one.time_s[good], columns[good]
        line = np.column_stack([np.ones(len(time_s)), time_s])
        fit, *_ = np.linalg.lstsq(line, columns, rcond=None)
        residual = columns - line @ fit
        residuals.append(residual)
        rests.append(columns.mean(axis=0))
        power = (residual**2).sum(axis=0)
        lags.append(np.median((residual[1:] * residual[:-1]).sum(axis=0) / power))
        steps.append(np.median(np.diff(time_s)))
    if not residuals:
        return np.array(_REST), np.diag(np.square(DEFAULT_NOISE)), 0.0
    lag = float(np.mean(lags))
    memory_s = -float(np.mean(steps)) / np.log(lag) if 0 < lag < 1 else 0.0
    return np.mean(rests, axis=0), np.cov(np.concatenate(residuals).T), memory_s


def still_face(
    jitter: tuple[FloatArray, FloatArray, float], *, fps: float, minutes: float, seed: int
) -> Measurements:
    """A still recording of that jitter."""
    rest, covariance, memory_s = jitter
    n = round(60 * minutes * fps)
    keep = np.exp(-1.0 / (fps * memory_s)) if memory_s > 0 else 0.0
    rng = np.random.default_rng(seed)
    white = rng.multivariate_normal(np.zeros(7), covariance, size=n, method="eigh")
    noise = np.empty_like(white)
    noise[0] = white[0]
    for k in range(1, n):
        noise[k] = keep * noise[k - 1] + np.sqrt(1 - keep**2) * white[k]
    columns = rest + noise
    still = np.zeros(n)
    return Measurements(
        np.round(np.arange(n) / fps, 6),
        columns[:, :2],
        columns[:, 2:6].reshape(-1, 2, 2),
        columns[:, 6],
        still,
        still,
        np.full(n, 100.0),
        np.full(n, 0.03),
        np.ones(n),
    )
