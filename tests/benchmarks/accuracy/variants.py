"""One recording's measurements with parts of the program left out, to show what each part brings.

Measuring comes after the cache of landmarks and patch readings, so this costs no model run.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hfs_vision.core.geometry import Measurements, PatchMeasurements, measure
from hfs_vision.schema import FloatArray

ALONE = "{}, landmarks alone"
"""Neither network: lids and corners are where the landmarks are."""

NO_MOUTH = "{}, no mouth network"
"""The eyes' network only."""


def variants(
    model: str, time_s: FloatArray, faces: FloatArray, looks: PatchMeasurements, lid_leak: float
) -> dict[str, Measurements]:
    """Measurements by name: the model as it is used, and with parts left out."""
    still = replace(looks, corner_shift=np.zeros_like(looks.corner_shift))
    return {
        model: measure(time_s, faces, looks, lid_leak=lid_leak),
        NO_MOUTH.format(model): measure(time_s, faces, still, lid_leak=lid_leak),
        ALONE.format(model): measure(time_s, faces, lid_leak=lid_leak),
    }
