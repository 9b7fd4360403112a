"""JPEG pictures out of a stream of bytes, whatever stands between them.

Cameras disagree about boundaries, types and lengths of the parts of a Motion JPEG stream, and many
are wrong about them. Where a JPEG begins and ends it says itself, so nothing else is asked: its
segments are stepped over by their lengths (one may hold a thumbnail, a JPEG with an end of its
own), its scans are searched for the marker that ends the picture. A segment that leads to no other
one, over the beginning of another picture, was none: bytes that only look like a beginning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hfs_vision.errors import SourceError

LARGEST_PICTURE = 32 << 20
"""Bytes: 8K at the best quality has fewer."""

_MOST_BETWEEN = 4 << 20
_START = b"\xff\xd8\xff"
_END, _NEW, _LONE, _SCAN = 0xD9, 0xD8, 0x01, 0xDA
_EMPTY = 4
"""Bytes: a beginning and an end hold no picture."""
_MARKER = re.compile(rb"\xff[^\0\xff\xd0-\xd7]")  # but stuffed bytes, fill and restarts
_SEGMENT = re.compile(rb"\xff[^\0\xd0-\xd7]")
# What follows a picture that lost its end: a boundary, and a header or none.
_BOUNDARY = re.compile(rb"\n--[!-~]{1,72}[ \t]*\r?\n(?:[A-Za-z-]{1,40}:|\r?\n)")
_LONGEST_BOUNDARY = 128


class JpegReader:
    """Takes bytes as they come and gives pictures as soon as they are whole."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._at = 0  # up to where the picture was read; 0 while none has begun
        self._searched = 0
        self._between = 0

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Gives the pictures that the block completes; one that lost its end comes without it.

        Raises:
            SourceError: A picture has no end, or there are none.
        """
        self._kept += block
        while True:
            if not self._at and not self._begin():
                return
            boundary = _BOUNDARY.search(self._kept, self._searched)
            stop = boundary.start() if boundary else len(self._kept)
            end = self._end(stop)
            if end is None and boundary is None:
                self._searched = max(len(self._kept) - _LONGEST_BOUNDARY, 0)
                if len(self._kept) > LARGEST_PICTURE:
                    raise SourceError("a picture of it does not end")
                return
            end = stop if end is None else end
            if end > _EMPTY:
                yield bytes(self._kept[:end])
            del self._kept[:end]
            self._at = self._searched = 0

    def _begin(self) -> bool:
        """Drops what stands before the next picture."""
        start = self._kept.find(_START)
        dropped = start if start >= 0 else max(len(self._kept) - len(_START) + 1, 0)
        del self._kept[:dropped]
        self._between = 0 if start >= 0 else self._between + dropped
        if self._between > _MOST_BETWEEN:
            raise SourceError("what it sends is no video stream, perhaps a web page")
        self._at = 2 if start >= 0 else 0
        return start >= 0

    def _end(self, stop: int) -> int | None:
        """Where the picture ends, if it does before there; also where the next one begins."""
        while found := _MARKER.search(self._kept, self._at, stop):
            marker, after = self._kept[found.end() - 1], found.end()
            self._at = found.start()
            if marker == _END:
                return after
            if marker == _NEW:
                return found.start()
            if marker != _LONE:
                if after + 2 > stop:
                    return None
                after += max(int.from_bytes(self._kept[after : after + 2], "big"), 2)
            if after + 2 > stop:
                return None
            if marker not in (_LONE, _SCAN) and not _SEGMENT.match(self._kept, after, stop):
                start = self._kept.find(_START, len(_START), after)
                if start >= 0:
                    return start  # what stood before it is no picture, and is refused as one
            self._at = after
        self._at = max(self._at, stop - 1)  # the first byte of a marker may be the last one here
        return None
