"""A camera's picture as a JPEG for the page, and the outlines that are drawn over it there."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from hfs_vision.core.landmarks import COMMISSURE, INNER_CANTHUS, LID_MARGINS, OUTER_CANTHUS
from hfs_vision.live import View
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.schema import SIDES

_WIDEST, _HIGHEST = 860, 720
_QUALITY = 4
"""FFmpeg's scale for JPEG: 2 is the best, 31 the worst."""

_LID_OUTLINES = tuple(
    (OUTER_CANTHUS[i], *upper, INNER_CANTHUS[i], *lower[::-1])
    for i, (upper, lower) in enumerate(tuple(zip(*pairs, strict=True)) for pairs in LID_MARGINS)
)
"""The points that are measured, along the upper lid and back along the lower one, by side."""


class JpegEncoder:
    """Encodes pictures one after the other; takes about 2 ms for one of 640 by 480."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._codec: Any = None
        self._size = 0, 0

    def __call__(self, rgb: NDArray[np.uint8]) -> bytes:
        """The picture as a JPEG, not mirrored, at most 860 wide and 720 high.

        Args:
            rgb: ``(height, width, 3)``, 2 pixels wide and high or more.
        """
        # Rows and columns are left out, as in the window: averaging a large picture takes longer
        # than all the rest.
        every = math.ceil(max(rgb.shape[1] / _WIDEST, rgb.shape[0] / _HIGHEST, 1))
        small = rgb[::every, ::every]
        height, width = small.shape[0] // 2 * 2, small.shape[1] // 2 * 2
        picture = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(small[:height, :width]), format="rgb24"
        )
        picture = self._reformatter.reformat(picture, width, height, "yuvj420p")
        if self._size != (width, height):
            self._size, self._codec = (width, height), _open(width, height)
        picture.pts = None
        return b"".join(bytes(packet) for packet in self._codec.encode(picture))


def _open(width: int, height: int) -> Any:
    codec: Any = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuvj420p"
    codec.time_base = Fraction(1, 30)
    codec.thread_count = 1  # more threads give each picture back a few pictures late
    codec.qmin = codec.qmax = _QUALITY
    return codec


def outlines(view: View) -> list[dict[str, Any]]:
    """Outline of the lids and place of the corner of the mouth, and whether they move, by side.

    Places are shares of the picture's width and height, not mirrored. Empty without a face.
    """
    height, width = view.rgb.shape[:2]
    found = []
    for i, side in enumerate(SIDES):
        points = view.landmarks[[*_LID_OUTLINES[i], COMMISSURE[i]], :2]
        if not np.isfinite(points).all():
            continue
        # Far outside of the picture nothing is seen, and a long number makes a long header.
        shares = np.clip(points / (width, height), -1.0, 2.0).round(4).tolist()
        found.append(
            {
                "side": side,
                "lids": shares[:-1],
                "corner": shares[-1],
                **{r.name: (side, r.name) in view.ongoing for r in FACE_REGIONS},
            }
        )
    return found
