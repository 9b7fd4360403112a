"""What a picture's EXIF data say of when it was taken."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from hfs_vision.video.recording_date import RecordingDate, recorded_by_clock

_READ_BYTES = 1 << 20  # EXIF data stand before the picture and hold 64 KiB in JPEG
_EXIF_PART = 0x8769
_TAKEN, _TAKEN_OFFSET = 0x9003, 0x9011  # DateTimeOriginal, OffsetTimeOriginal
_DIGITIZED, _DIGITIZED_OFFSET = 0x9004, 0x9012
_MOST_ENTRIES = 512


def taken(path: Path) -> RecordingDate:
    """When a picture was taken: by the camera's clock, and in UTC if it says its offset.

    The date at which a file was changed last is not asked for: programs set it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_READ_BYTES)
        tags = dict(_tags(data))
    except (OSError, struct.error):
        return RecordingDate()
    for date, offset in ((_TAKEN, _TAKEN_OFFSET), (_DIGITIZED, _DIGITIZED_OFFSET)):
        found = recorded_by_clock(tags.get(date, ""), tags.get(offset, ""))
        if found.local:
            return found
    return RecordingDate()


def _tags(data: bytes) -> Iterator[tuple[int, str]]:
    """Texts of the EXIF part by the number of their tag (CIPA DC-008, 4.6)."""
    tiff = _tiff(data)
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return
    order = "<" if tiff[:2] == b"II" else ">"
    (first,) = struct.unpack_from(order + "I", tiff, 4)
    parts = [value for tag, _, _, value in _entries(tiff, order, first) if tag == _EXIF_PART]
    for tag, kind, count, value in _entries(tiff, order, parts[0]) if parts else ():
        if kind == 2 and 4 < count < 64:  # ASCII, which is elsewhere if it is longer than 4 bytes
            yield tag, tiff[value : value + count].split(b"\0")[0].decode("ascii", "replace")


def _entries(tiff: bytes, order: str, at: int) -> Iterator[tuple[int, int, int, int]]:
    (count,) = struct.unpack_from(order + "H", tiff, at)
    for number in range(min(count, _MOST_ENTRIES)):
        yield struct.unpack_from(order + "HHII", tiff, at + 2 + 12 * number)


def _tiff(data: bytes) -> bytes:
    """Where a JPEG, PNG, WebP or TIFF file holds its EXIF data; empty if nowhere."""
    if data[:2] in (b"II", b"MM"):
        return data
    if data[:2] == b"\xff\xd8":
        at = 2
        while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
            (size,) = struct.unpack_from(">H", data, at + 2)
            if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
                return data[at + 10 : at + 2 + size]
            at += 2 + size
        return b""
    png, webp = data[:8] == b"\x89PNG\r\n\x1a\n", data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    at = 8 if png else 12
    while (png or webp) and at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big") if png else 0
        size = size if png else int.from_bytes(data[at + 4 : at + 8], "little")
        name = data[at + 4 : at + 8] if png else data[at : at + 4]
        if name in (b"eXIf", b"EXIF"):
            return data[at + 8 : at + 8 + size].removeprefix(b"Exif\0\0")
        at += 12 + size if png else 8 + size + size % 2
    return b""
