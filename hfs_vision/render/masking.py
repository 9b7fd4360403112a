"""Hides all of a picture but what was measured: the lids and the corners of the mouth.

The rest becomes one flat colour. A blurred or coarse picture would keep the colours of hair, skin
and room, and a moving one can be sharpened again from many of its frames; of a flat colour nothing
can be won back. The background goes too: a room tells who it is as a face does.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.landmarks import OUTER_CANTHUS
from hfs_vision.render.face_overlay import LID_OUTLINES, Fit
from hfs_vision.render.text_drawing import Colour, Picture
from hfs_vision.schema import FloatArray

HIDDEN: Colour = (112, 112, 112)
"""What stands for all that is hidden: halfway, so that neither light nor dark skin stands out."""

_CORNERS = ((291, 409, 270, 375, 321, 308), (61, 185, 40, 146, 91, 78))
"""Points of the lips around each corner of the mouth, left and right."""

_GROWN = 0.07
"""How far around its points a region is shown, in interocular distances: a lid's crease, and the
cheek that a corner is pulled into."""

_SOFT = 0.03
"""Half the width of the seam beyond that, over which the picture fades out."""

_FINE = 4
_DEEPEST = 255


def hide_all(picture: Picture) -> None:
    """Hides a whole picture."""
    picture[:] = HIDDEN


def hide_rest(picture: Picture, landmarks: FloatArray, fit: Fit) -> None:
    """Hides a picture but for the measured regions, and all of it where there is no face.

    Args:
        picture: Changed in place.
        landmarks: ``(478, 3)`` pixels of the camera's picture.
        fit: Where in this picture they belong.
    """
    cover = region_cover(picture.shape[:2], landmarks, fit)
    if cover is None:
        hide_all(picture)
        return
    x, y, width, height = cv2.boundingRect(cover)
    area = picture[y : y + height, x : x + width].astype(np.uint16)
    share = cover[y : y + height, x : x + width, None].astype(np.uint16)
    flat = np.array(HIDDEN, np.uint16) * (_DEEPEST - share)
    shown = (area * share + flat + _DEEPEST // 2) // _DEEPEST
    hide_all(picture)
    picture[y : y + height, x : x + width] = shown


def region_cover(
    shape: tuple[int, ...], landmarks: FloatArray, fit: Fit
) -> NDArray[np.uint8] | None:
    """How much of each pixel is shown, ``shape``, 0 to 255; ``None`` without a face."""
    if not np.isfinite(landmarks).all():
        return None
    apart = landmarks[OUTER_CANTHUS[0]] - landmarks[OUTER_CANTHUS[1]]
    size = min(float(np.linalg.norm(apart)) * fit.scale, 2.0 * max(shape))
    soft = max(round(_SOFT * size), 1)
    reach = round(_GROWN * size) + soft
    cover: NDArray[np.uint8] = np.zeros(shape, np.uint8)
    for points in (*LID_OUTLINES, *_CORNERS):
        fine = fit.fine(landmarks[list(points)])
        if fine is not None:
            hull = cv2.convexHull(fine)
            cv2.fillConvexPoly(cover, hull, (_DEEPEST,), cv2.LINE_8, _FINE)
            cv2.polylines(cover, [hull], True, (_DEEPEST,), 2 * reach + 1, cv2.LINE_8, _FINE)
    side = 2 * soft + 1
    return np.asarray(cv2.blur(cover, (side, side)), np.uint8)
