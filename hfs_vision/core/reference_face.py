"""The mean face that every frame is aligned with: rigid points only, mirror-symmetric.

Mean of 179 frontal portraits of adults (official portraits of members of the US Congress, works
of the US government), landmarked by both MediaPipe models, aligned with each other by similarity
and averaged with its own mirror image. ``python -m tests.benchmarks.reference_face PORTRAITS``
makes this table from a folder of portraits.

Interocular units (outer canthus to outer canthus), origin between the outer canthi; x towards
the subject's left, y down, z away from the camera.
"""

from __future__ import annotations

import numpy as np

from hfs_vision.core.landmarks import RIGID_MIDLINE, RIGID_PAIRS
from hfs_vision.schema import FloatArray

_MIDLINE_YZ = {
    10: (-0.5823, -0.2403),
    151: (-0.3991, -0.2695),
    9: (-0.1939, -0.2911),
    8: (-0.1001, -0.2720),
    168: (-0.0199, -0.2629),
    6: (0.0673, -0.3098),
    197: (0.1521, -0.3620),
}
_LEFT_XYZ = {
    263: (0.5000, 0.0000, 0.0000),
    362: (0.1974, 0.0230, -0.0586),
    338: (0.2132, -0.5776, -0.2188),
    297: (0.3953, -0.5500, -0.1419),
    299: (0.3502, -0.3988, -0.2000),
    337: (0.1856, -0.4028, -0.2519),
    332: (0.5648, -0.4897, -0.0098),
    333: (0.5115, -0.3704, -0.1060),
    298: (0.6251, -0.3055, 0.0030),
    301: (0.7028, -0.2102, 0.1367),
    284: (0.6801, -0.3960, 0.1415),
    251: (0.7550, -0.2747, 0.2892),
    389: (0.7954, -0.1430, 0.4445),
    356: (0.8121, 0.0262, 0.5714),
    368: (0.7480, -0.0960, 0.2586),
    264: (0.7874, 0.0449, 0.3430),
    417: (0.0837, -0.0112, -0.2108),
    412: (0.1090, 0.1202, -0.2310),
    351: (0.0651, 0.0826, -0.2796),
}


def _table() -> FloatArray:
    midline = [(0.0, *_MIDLINE_YZ[point]) for point in RIGID_MIDLINE]
    pairs = []
    for left, _ in RIGID_PAIRS:
        x, y, z = _LEFT_XYZ[left]
        pairs += [(x, y, z), (-x, y, z)]
    return np.array([*midline, *pairs], dtype=np.float64)


RIGID_REFERENCE = _table()
"""``(45, 3)`` coordinates in the order of `hfs_vision.core.landmarks.RIGID`."""
