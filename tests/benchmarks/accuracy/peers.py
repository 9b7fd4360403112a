"""Two published rules, restated from their descriptions; no code of theirs.

Both get our aligned sub-pixel apertures of Face Mesh and our event bookkeeping, which is more
than they have (the first rounds landmarks to whole pixels, neither corrects the pose). Both see
the eye only. What their descriptions leave open is settled here and said to be.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks, peak_widths, savgol_filter

from hfs_vision.core.geometry import Measurements
from hfs_vision.evaluation.evaluate import LabelledEvent
from hfs_vision.schema import SIDES, BoolArray, FloatArray

SAVGOL_S, SAVGOL_ORDER = 3.0, 2
DEVIATIONS = 0.5
MIN_S = 4 / 60
BLINK_MARGIN_S = 3 / 60
_BLINK_SHARE = 0.7
"""Left open by the description: the healthy eye blinks below this share of its median."""

PROMINENCE = 0.15
"""Of the second rule, as a share of the open aperture; left open by its description."""

MATCH_S = 0.1
"""Apexes of the two eyes this close are one blink; left open too."""


def relative_difference(measured: Measurements, factor: float = 1.0) -> list[LabelledEvent]:
    """Relative-difference residual above mean + 0.5 SD for 4 frames of 60 a second.

    RD = (healthy - affected) / healthy aperture. The affected eye is the one whose aperture has
    the greater coefficient of variation. The residual is RD less its Savitzky-Golay trend (3 s,
    order 2); samples near blinks of the healthy eye are masked. ``factor`` multiplies the 0.5.
    """
    time_s, aperture, seen = _steady(measured)
    if len(time_s) < 8:
        return []
    variation = np.nanstd(aperture[seen], axis=0) / np.nanmean(aperture[seen], axis=0)
    affected = int(np.argmax(variation))
    healthy_eye, other = aperture[:, 1 - affected], aperture[:, affected]
    difference = (healthy_eye - other) / np.maximum(healthy_eye, 1e-3)
    step_s = float(time_s[1] - time_s[0])
    window = min(round(SAVGOL_S / step_s), len(time_s) - 1) // 2 * 2 + 1
    window = window if window <= len(time_s) else window - 2
    residual = difference - savgol_filter(difference, window, min(SAVGOL_ORDER, window - 1))
    blink = healthy_eye < _BLINK_SHARE * np.median(healthy_eye[seen])
    margin = int(np.ceil(BLINK_MARGIN_S / step_s))
    blink = np.convolve(blink, np.ones(2 * margin + 1), mode="same") > 0
    usable = seen & ~blink
    if not usable.any():
        return []
    limit = residual[usable].mean() + factor * DEVIATIONS * residual[usable].std()
    over = usable & (residual > limit)
    return [
        LabelledEvent(
            float(time_s[a]), float(time_s[b - 1] + step_s), SIDES[affected], "eye", "clonic"
        )
        for a, b in _runs(over)
        if (b - a) * step_s >= MIN_S - 1e-9
    ]


def unmatched_peaks(measured: Measurements, factor: float = 1.0) -> list[LabelledEvent]:
    """Peaks of closure in each eye; those without a partner in the other eye are one-sided.

    An event lasts while the peak is above half of its prominence, stretched to its feet as
    `scipy.signal.peak_widths` at 90 % gives them. ``factor`` multiplies the least prominence.
    """
    time_s, aperture, seen = _steady(measured)
    if len(time_s) < 8:
        return []
    closure = 1.0 - aperture / np.nanmedian(aperture[seen], axis=0)
    found = [_peaks(closure[:, eye], seen, PROMINENCE * factor) for eye in range(2)]
    step_s = float(time_s[1] - time_s[0])
    marks = []
    for eye in range(2):
        apexes, left, right = found[eye]
        others = time_s[found[1 - eye][0]]
        for apex, a, b in zip(apexes, left, right, strict=True):
            if not (np.abs(others - time_s[apex]) <= MATCH_S).any():
                onset_s = float(time_s[0] + a * step_s)
                offset_s = max(float(time_s[0] + b * step_s), onset_s + step_s)
                marks.append(LabelledEvent(onset_s, offset_s, SIDES[eye], "eye", "clonic"))
    return sorted(marks, key=lambda mark: mark.onset_s)


def _peaks(
    closure: FloatArray, seen: BoolArray, prominence: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    apexes, _ = find_peaks(closure, prominence=prominence)
    apexes = apexes[seen[apexes]]
    _, _, left, right = peak_widths(closure, apexes, rel_height=0.9)
    return apexes, left, right


def _steady(measured: Measurements) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Even times, apertures ``(n, 2)`` with gaps filled, and where they were measured."""
    time_s, aperture = measured.time_s, measured.aperture
    good = np.isfinite(aperture).all(axis=1)
    if good.sum() < 8:
        return np.empty(0), np.empty((0, 2)), np.empty(0, dtype=np.bool_)
    step_s = float(np.median(np.diff(time_s)))
    even = np.arange(time_s[0], time_s[-1] + step_s / 2, step_s)
    filled = np.column_stack(
        [np.interp(even, time_s[good], aperture[good, eye]) for eye in range(2)]
    )
    seen = np.interp(even, time_s, good.astype(float)) > 0.99
    return even, filled, seen


def _runs(mask: BoolArray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
