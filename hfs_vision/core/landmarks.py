"""Anatomical points of MediaPipe's face mesh, by the subject's own side.

The numbers are those of MediaPipe's canonical face mesh (468 points); the names are anatomical.
Every pair is written ``(left, right)``, the order of `hfs_vision.schema.SIDES`.
"""

from __future__ import annotations

import numpy as np

from hfs_vision.regions import EYE, FACE_REGIONS, MOUTH

OUTER_CANTHUS = (263, 33)
INNER_CANTHUS = (362, 133)
COMMISSURE = tuple(point for (point,) in MOUTH.points)
"""Corners of the mouth."""

LID_MARGINS = tuple(tuple(zip(side[::2], side[1::2], strict=True)) for side in EYE.points)
"""Facing points of the upper and the lower lid margin, ``(upper, lower)``, for each side."""

RIGID_MIDLINE = (10, 151, 9, 8, 168, 6, 197)
"""Forehead, glabella and the bony bridge of the nose."""

RIGID_PAIRS = (
    OUTER_CANTHUS,
    INNER_CANTHUS,
    (338, 109),
    (297, 67),
    (299, 69),
    (337, 108),
    (332, 103),
    (333, 104),
    (298, 68),
    (301, 71),
    (284, 54),
    (251, 21),
    (389, 162),
    (356, 127),
    (368, 139),
    (264, 34),
    (417, 193),
    (412, 188),
    (351, 122),
)
"""Forehead, temples, canthi and the sides of the nasal bridge: they hardly move with the lids
or the mouth, so that the pose of the head is read from them."""

RIGID = np.array([*RIGID_MIDLINE, *(point for pair in RIGID_PAIRS for point in pair)])

MOVING = np.array([p for region in FACE_REGIONS for side in region.points for p in side])
"""Points that are measured after alignment: of each region those of the left, then of the right."""

MIRROR_PAIRS = (
    *RIGID_PAIRS,
    *(pair for region in FACE_REGIONS for pair in zip(*region.points, strict=True)),
)
"""Every measured point with its counterpart on the other side."""
