"""Why a movement was missed, read off the signals around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from hfs_vision.core import signals as weights
from hfs_vision.core.pulls import OTHER_WEIGHT
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.schema import SIDES
from tests.benchmarks.accuracy.scoring import Found

CAUSES = (
    "found, but the onset is off by more than the tolerance",
    "merged with its neighbour",
    "no usable face",
    "an event of the other side instead",
    "score reached, but dropped as too brief or too slow a pull",
    "the model shows less movement than the quiet threshold",
    "seen, but the other side seems to move too",
    "seen, but the threshold is raised (ordinary asymmetry, yaw)",
)
_MARGIN_S = 0.05


def why_missed(found: Found, row: int, signals: Signals) -> str:
    """One of `CAUSES` for a reference movement that was not matched."""
    settings = Settings()
    mark = found.recording.reference[row]
    side = SIDES.index(mark.side)
    if row in found.evaluation.comparisons[0].merged:
        return CAUSES[1]
    at = [e for e in found.recording.estimated if _overlap(e, mark)]
    if any(event.side == mark.side for event in at):
        return CAUSES[0]
    rows = slice(
        *np.searchsorted(signals.time_s, [mark.onset_s - _MARGIN_S, mark.offset_s + _MARGIN_S])
    )
    part = signals[rows]
    if not part.valid.any():
        return CAUSES[2]
    if at:
        return CAUSES[3]
    eye, mouth = np.nanmax(part.eye_score[:, side]), np.nanmax(part.mouth_score[:, side])
    if max(eye, mouth) >= 1.0:
        return CAUSES[4]
    lid, corner = (values[:, [side, 1 - side]] for values in (part.closure, part.excursion))
    corner = corner - corner[:1]  # a pull is told from where the corner was just before
    seen = []
    for name, moved, weight, quiet in (
        ("eye", lid, weights._OTHER_EYE_WEIGHT, settings.closure_threshold),
        ("mouth", corner, OTHER_WEIGHT, settings.excursion_threshold),
    ):
        if name in mark.region:
            apart = moved[:, 0] - weight * np.maximum(moved[:, 1], 0.0)
            seen.append((np.nanmax(moved[:, 0]) >= quiet, np.nanmax(apart) >= quiet))
    if not any(plain for plain, _ in seen):
        return CAUSES[5]
    return CAUSES[7] if any(plain and apart for plain, apart in seen) else CAUSES[6]


def _overlap(a, b) -> bool:  # type: ignore[no-untyped-def]
    return bool(a.onset_s < b.offset_s and b.onset_s < a.offset_s)


def tabulate(found: Sequence[Found], signals: Sequence[Signals]) -> Counter[tuple[str, str]]:
    """How often each (region, cause) is behind a missed injected movement."""
    counted: Counter[tuple[str, str]] = Counter()
    for one, rows in zip(found, signals, strict=True):
        if one.plan.kind == "injected":
            for row, hit in enumerate(one.hits):
                if not hit:
                    region = one.recording.reference[row].region
                    counted[region, why_missed(one, row, rows)] += 1
    return counted
