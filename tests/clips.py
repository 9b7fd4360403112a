"""Builders of small test clips: made on the fly, with known times and a known picture.

Every picture carries four corner blocks (`CORNERS`) and, in its middle, a grey level that names
the frame (`grey_of`, read back by `read_grey`), so that a test can tell which frame it received
and which way up it is.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

CORNERS: dict[str, tuple[int, int, int]] = {
    "top_left": (220, 20, 20),
    "top_right": (20, 200, 20),
    "bottom_left": (20, 20, 220),
    "bottom_right": (230, 230, 230),
}
MS = Fraction(1, 1000)
N_GREYS = 16


def grey_of(index: int) -> int:
    """Grey level of the middle of picture `index`; unique within `N_GREYS` running pictures."""
    return 24 + 14 * (index % N_GREYS)


def picture(index: int, width: int = 96, height: int = 64) -> Picture:
    """Test picture, ``(height, width, 3)`` uint8 RGB."""
    rgb = np.full((height, width, 3), grey_of(index), np.uint8)
    h, w = height // 4, width // 4
    rgb[:h, :w] = CORNERS["top_left"]
    rgb[:h, -w:] = CORNERS["top_right"]
    rgb[-h:, :w] = CORNERS["bottom_left"]
    rgb[-h:, -w:] = CORNERS["bottom_right"]
    return rgb


def noisy_picture(index: int, width: int = 192, height: int = 128) -> Picture:
    """Like `picture`, with moving noise: large packets, so that damage hits picture data."""
    noise = np.random.default_rng(index).integers(0, 40, (height, width, 1))
    return np.clip(picture(index, width, height) // 2 + noise, 0, 255).astype(np.uint8)


def read_grey(rgb: Picture) -> int:
    """Index modulo `N_GREYS` of the picture that was received."""
    h, w = rgb.shape[:2]
    middle = float(rgb[h * 2 // 5 : h * 3 // 5, w * 2 // 5 : w * 3 // 5].mean())
    return round((middle - 24) / 14) % N_GREYS


def read_corners(rgb: Picture) -> dict[str, str]:
    """Which `CORNERS` colour stands in which corner of the received picture."""
    h, w = rgb.shape[0] // 8, rgb.shape[1] // 8
    spots = {
        "top_left": rgb[h // 2 : h, w // 2 : w],
        "top_right": rgb[h // 2 : h, -w : -w // 2],
        "bottom_left": rgb[-h : -h // 2, w // 2 : w],
        "bottom_right": rgb[-h : -h // 2, -w : -w // 2],
    }

    def nearest(spot: Picture) -> str:
        mean = spot.reshape(-1, 3).mean(axis=0)
        return min(CORNERS, key=lambda name: float(np.abs(mean - CORNERS[name]).sum()))

    return {place: nearest(spot) for place, spot in spots.items()}


def write_clip(
    path: Path,
    *,
    ticks: Iterable[int] = range(0, 400, 40),
    time_base: Fraction = MS,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    size: tuple[int, int] = (96, 64),
    rate: int = 25,
    draw: Callable[[int, int, int], Picture] = picture,
    sample_aspect_ratio: Fraction | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    container: str | None = None,
    audio: bool = False,
) -> list[float]:
    """Encode one picture for each of `ticks` (in `time_base`); returns their times in seconds."""
    ticks = list(ticks)
    width, height = size
    with av.open(
        str(path), "w", format=container, container_options=container_options or {}
    ) as out:
        stream = out.add_stream(codec, rate=rate, options=dict(options or {}))
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        stream.time_base = stream.codec_context.time_base = time_base
        if sample_aspect_ratio is not None:
            stream.codec_context.sample_aspect_ratio = sample_aspect_ratio
        if audio:
            _add_silence(out)
        for index, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(draw(index, width, height), format="rgb24")
            frame.pts, frame.time_base = tick, time_base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return [float(tick * time_base) for tick in ticks]


def _add_silence(out: av.container.OutputContainer, seconds: float = 0.5) -> None:
    stream = out.add_stream("aac", rate=16000)
    for start in range(0, int(16000 * seconds), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def write_audio_only(path: Path) -> None:
    """A file with sound and no picture."""
    with av.open(str(path), "w") as out:
        _add_silence(out)


def write_mjpeg(path: Path, pictures: Sequence[Picture], ticks: Sequence[int]) -> list[float]:
    """Mux JPEG pictures of any sizes with times in ms, exactly as given, into one track."""
    with av.open(str(path), "w", container_options={"avoid_negative_ts": "disabled"}) as out:
        stream = out.add_stream("mjpeg", rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt, stream.time_base = "yuvj420p", MS
        for rgb, tick in zip(pictures, ticks, strict=True):
            ok, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
            assert ok
            packet = av.Packet(data.tobytes())
            packet.stream, packet.time_base = stream, MS
            packet.pts = packet.dts = tick
            packet.is_keyframe = True
            out.mux(packet)
    return [tick / 1000 for tick in ticks]


def set_display_matrix(path: Path, a: int, b: int, c: int, d: int) -> None:
    """Overwrite the display matrix of the only track of an MP4: (p, q) -> (ap + cq, bp + dq)."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40  # version-0 box: the matrix follows 40 bytes
    one = 1 << 16
    matrix = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    data[start : start + 36] = matrix
    path.write_bytes(data)


def cut_start_by_edit_list(path: Path, media_units: int) -> None:
    """Let the edit list of the only track of an MP4 begin `media_units` later."""
    data = bytearray(path.read_bytes())
    start = data.index(b"elst") + 4
    version, _flags, count = data[start], data[start + 1 : start + 4], data[start + 4 : start + 8]
    assert version == 0
    assert int.from_bytes(count, "big") == 1
    duration, media_time = struct.unpack_from(">Ii", data, start + 8)
    struct.pack_into(">Ii", data, start + 8, duration, media_time + media_units)
    path.write_bytes(data)


def with_odd_units(source: Path, target: Path) -> None:
    """An MP4 of H.264 each of whose packets has one unit more, that is too short for its kind.

    It does no harm; a decoder that stops at errors refuses every packet.
    """
    unit = b"\x06\x05\x04abcd\x80"
    with av.open(str(source)) as given, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.pts is None:
                continue
            odd = av.Packet(len(unit).to_bytes(4, "big") + unit + bytes(packet))
            odd.pts, odd.dts, odd.time_base = packet.pts, packet.dts, packet.time_base
            odd.is_keyframe, odd.stream = packet.is_keyframe, stream
            out.mux(odd)


def damage(path: Path, at: float = 0.5, n_bytes: int = 600, seed: int = 0) -> None:
    """Overwrite `n_bytes` at the fraction `at` of the media data with random bytes."""
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 8 if b"mdat" in data else 0
    end = data.index(b"moov", start) - 4 if b"moov" in data[start:] else len(data)
    middle = start + int((end - start) * at)
    data[middle : middle + n_bytes] = np.random.default_rng(seed).bytes(n_bytes)
    path.write_bytes(data)


def truncate(path: Path, keep: float) -> None:
    """Cut the file off after the fraction `keep` of its bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def write_images(folder: Path, names: Sequence[str]) -> None:
    """One test picture per name, numbered in the order given."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        bgr = cv2.cvtColor(picture(index), cv2.COLOR_RGB2BGR)
        ok, data = cv2.imencode(Path(name).suffix, bgr)
        assert ok
        (folder / name).write_bytes(data.tobytes())


def set_edit_list(path: Path, segments: Sequence[tuple[float, float, float]]) -> None:
    """Give the only track of an MP4 whose index stands at its end another edit list.

    Args:
        path: The file.
        segments: Length and start of each part in seconds on the camera's clock, and its speed.
    """
    data = path.read_bytes()
    at = data.index(b"moov") - 4
    movie = data[at + 8 :]
    scales = [movie.index(name) + 4 + 12 for name in (b"mvhd", b"mdhd")]
    movie_hz, media_hz = (int.from_bytes(movie[s : s + 4], "big") for s in scales)
    entries = b"".join(
        struct.pack(
            ">Iii",
            round(length_s / speed * movie_hz),
            round(start_s * media_hz),
            round(speed * 65536),
        )
        for length_s, start_s, speed in segments
    )
    edits = _box(b"edts", _box(b"elst", struct.pack(">II", 0, len(segments)) + entries))
    found = b""
    for kind, body in _boxes(movie):
        if kind == b"trak":
            inner = [_box(k, b) for k, b in _boxes(body) if k != b"edts"]
            body = b"".join([inner[0], edits, *inner[1:]])  # after the track's header
        found += _box(kind, body)
    path.write_bytes(data[:at] + _box(b"moov", found))


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def _boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + size]))
        at += size
    return found
