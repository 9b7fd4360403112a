"""Both landmark models at once: the mean of their points, whose errors are nearly independent."""

from __future__ import annotations

import numpy as np

from hfs_vision.core.landmarks import RIGID
from hfs_vision.core.messages import Message
from hfs_vision.schema import FloatArray, Frame, Landmarker, ModelIdentity

_FAR = 0.5
"""Two faces whose rigid points lie further apart than this share of their width are not one."""


class FusedLandmarker:
    """Mean of two landmarkers' points; nothing where either sees no face or another one.

    Args:
        first, second: They must follow the same subject.
    """

    def __init__(self, first: Landmarker, second: Landmarker) -> None:
        self._parts = first, second
        self._apart = 0

    @property
    def identity(self) -> ModelIdentity:
        """Both models' names and weights; the leakage of the mean is the mean leakage."""
        a, b = (part.identity for part in self._parts)
        return ModelIdentity(
            "fused",
            f"{a.file}+{b.file}",
            f"{a.sha256}+{b.sha256}",
            a.mediapipe,
            (a.lid_leak + b.lid_leak) / 2,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of both models, each once."""
        found = [text for part in self._parts for text in part.warnings]
        if self._apart:
            found.append(Message("models_disagree", count=self._apart))
        return tuple(dict.fromkeys(found))

    def __call__(self, frame: Frame) -> FloatArray:
        """``(478, 3)`` pixels; NaN where the two models do not see one and the same face."""
        a, b = (part(frame) for part in self._parts)
        mean, same = fuse(a, b)
        self._apart += not same
        return mean

    def close(self) -> None:
        """Releases both models."""
        for part in self._parts:
            part.close()


def fuse(a: FloatArray, b: FloatArray) -> tuple[FloatArray, bool]:
    """Mean of two faces ``(478, 3)``, and whether they are one and the same face.

    The mean is NaN where a face is missing or they differ.
    """
    mean: FloatArray = (a + b) / 2
    if not np.isfinite(mean).all():
        return mean, True
    apart = np.abs(a[RIGID, :2] - b[RIGID, :2]).mean()
    same = bool(apart <= _FAR * np.ptp(mean[RIGID, 0]))
    return (mean if same else np.full_like(mean, np.nan)), same
