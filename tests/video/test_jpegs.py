"""Pictures out of bytes: whatever a camera sends before, between and inside of them."""

from __future__ import annotations

import itertools
import struct

import cv2
import numpy as np
import pytest

from hfs_vision.errors import SourceError
from hfs_vision.video import jpegs
from hfs_vision.video.jpegs import JpegReader


def jpeg(seed: int = 0, *options: int) -> bytes:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (40, 56, 3), np.uint8)
    return cv2.imencode(".jpg", picture, list(options))[1].tobytes()


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with one segment more, right after its start."""
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def read(data: bytes, size: int = 1 << 20) -> list[bytes]:
    return feed(JpegReader(), [data[i : i + size] for i in range(0, len(data), size)])


def feed(reader: JpegReader, blocks: list[bytes]) -> list[bytes]:
    return list(itertools.chain.from_iterable(reader.feed(block) for block in blocks))


THUMBNAIL = with_segment(jpeg(1), 0xE1, b"Exif\0\0" + jpeg(2))
PROGRESSIVE = jpeg(3, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
RESTARTS = jpeg(4, cv2.IMWRITE_JPEG_RST_INTERVAL, 1)
FILLED = jpeg(5)[:-2] + b"\xff\xff\xff\xd9"
PICTURES = [jpeg(0), THUMBNAIL, PROGRESSIVE, RESTARTS, FILLED, with_segment(jpeg(6), 0xFE, b"")]


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize(
    "between",
    [
        b"",
        b"\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Length: 12\r\n\r\n",
        b"\n--b\n\n",
        b"--bContent-type:image/jpg\r\n\r\n",
        b'\r\n--b\r\nContent-Type: text/json\r\n\r\n{"motion": 1}\r\n--b\r\n\r\n',
        b"\xff\xff\xd8\0\xd9\xff\0 rubbish \xff",
    ],
    ids=["nothing", "header", "LF", "glued", "other parts", "rubbish"],
)
def test_come_out_whole_in_blocks_of_any_size(between, size):
    assert b"\xff\xdd" in RESTARTS
    assert b"\xff\xc2" in PROGRESSIVE
    data = b"".join(between + picture for picture in PICTURES) + between
    assert read(data, size) == PICTURES


def test_a_picture_is_there_with_its_last_byte():
    reader, data = JpegReader(), jpeg()
    assert list(reader.feed(b"--b\r\n\r\n" + data[:-1])) == []
    assert list(reader.feed(data[-1:])) == [data]


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_one_that_lost_its_end_does_not_take_the_next_one_with_it(size):
    lost = jpeg(1)[:500]
    swallowing = b"\xff\xd8\xff\xdb\xff\xff and no more"  # states a segment of 65535 bytes
    parts = [jpeg(0), lost, jpeg(2), swallowing, jpeg(3)]
    data = b"".join(b"\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n" + p for p in parts)
    found = read(data + b"\r\n--b--\r\n", size)
    assert [p.rstrip(b"\r") for p in found] == parts
    lost = jpeg(1)[:-100]  # amid its scan; no boundary helps here
    assert read(lost + jpeg(2) + jpeg(3), size) == [lost, jpeg(2), jpeg(3)]


def test_what_does_not_end_is_not_kept_for_ever(monkeypatch):
    monkeypatch.setattr(jpegs, "LARGEST_PICTURE", 1 << 20)
    reader = JpegReader()
    blocks = [jpeg()[:-2], *[bytes(1 << 16)] * 40]
    with pytest.raises(SourceError, match="does not end"):
        feed(reader, blocks)
    assert len(reader._kept) < 1 << 21


def test_what_holds_no_picture_is_no_stream():
    reader = JpegReader()
    with pytest.raises(SourceError, match="no video stream"):
        feed(reader, [b"<p>Log in</p>" * 5000] * 100)
    assert len(reader._kept) < 1 << 18


def test_time_grows_with_the_bytes_alone():
    """Searched once each, however small the blocks: a picture of 1 MB in blocks of 100 bytes."""
    searched = 0

    class Counting:
        def __init__(self, pattern) -> None:
            self.pattern = pattern

        def search(self, data, at, stop=None):
            nonlocal searched
            searched += (len(data) if stop is None else stop) - at
            return self.pattern.search(data, at, len(data) if stop is None else stop)

    data = jpeg()[:-2] + bytes(1 << 20) + b"\xff\xd9"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jpegs, "_MARKER", Counting(jpegs._MARKER))
        patch.setattr(jpegs, "_BOUNDARY", Counting(jpegs._BOUNDARY))
        assert read(data, 100) == [data]
    assert searched < 8 * len(data)


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize(
    "stray",
    [b"\xff\xd8\xff\xe0" + b"zz" * 20, b"\xff\xd8\xff\xd8\xff\xe0" * 50, b"\xff\xd8\xff"],
    ids=["start and a wrong length", "starts", "start"],
)
def test_bytes_that_look_like_a_start_hide_no_picture(stray, size):
    def large(seed: int) -> bytes:
        picture = np.random.default_rng(seed).integers(0, 256, (240, 320, 3), np.uint8)
        return cv2.imencode(".jpg", picture)[1].tobytes()

    pictures = [large(seed) for seed in range(4)]
    head = b"--b\r\nContent-Type: image/jpeg\r\n\r\n"
    data = b"".join(head + picture + b"\r\n" + stray for picture in pictures) + head
    assert [picture for picture in read(data, size) if picture in pictures] == pictures
