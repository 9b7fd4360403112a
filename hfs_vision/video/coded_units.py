"""NAL units, of which the packets of H.264 and HEVC are made."""

from __future__ import annotations

from collections.abc import Iterator

_FORBIDDEN = (b"\0\0\0", b"\0\0\1", b"\0\0\2")
"""No unit holds them: encoders put a 3 before the last byte (ITU-T H.264 and H.265, 7.4.1)."""


def length_size(codec: str, header: bytes) -> int:
    """Bytes of the length that precedes each unit; 0 where start codes part them.

    Args:
        codec: ``h264`` or ``hevc``.
        header: The codec's own header, as the container carries it; empty if there is none.
    """
    at = 4 if codec == "h264" else 21
    return (header[at] & 3) + 1 if header[:1] == b"\1" and len(header) > at else 0


def units(data: bytes, length: int) -> Iterator[bytes]:
    """NAL units of a packet, each after its length in `length` bytes, or after start codes if 0."""
    if not length:
        yield from data.split(b"\0\0\1")[1:]
        return
    at = 0
    while at + length < len(data):
        end = at + length + int.from_bytes(data[at : at + length], "big")
        yield data[at + length : end]
        at = end


def malformed(data: bytes, length: int) -> bool:
    r"""Whether no encoder wrote the packet so: FFmpeg makes a picture of it without a word.

    It tells of blocks that were lost and read back as zeros, as from a failing memory card, and of
    lengths that do not fit.

    >>> malformed(bytes([0, 0, 0, 2, 9, 240]), 4), malformed(bytes([0, 0, 0, 9, 9, 240]), 4)
    (False, True)
    >>> malformed(b"\0\0\0\1\x65\x88\0\0\0\0\x80", 0)
    True
    """
    if length and not _lengths_fit(data, length):
        return True
    bodies = (unit.rstrip(b"\0") for unit in units(data, length))  # zeros may follow a unit
    return any(not body or any(code in body for code in _FORBIDDEN) for body in bodies)


def _lengths_fit(data: bytes, length: int) -> bool:
    at = 0
    while at + length <= len(data):
        at += length + int.from_bytes(data[at : at + length], "big")
    return at == len(data)
