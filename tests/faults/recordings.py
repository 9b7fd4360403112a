"""Recordings that are damaged, odd, or show what cannot be counted."""

from __future__ import annotations

import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.clips import write_audio_only, write_mjpeg
from tests.faults.material import FPS, SIZE, Picture, pictures, write_piece, write_video
from tests.faults.rows import Place
from tests.faults.watching import Watched

FRAMES_DONE = re.compile(r"\b[1-9]\d*/\d+ ")
"""What the bar shows once frames have been measured."""


def analyze(path: Path, *options: Any, out: Path | None = None) -> list[Any]:
    """Arguments of an analysis without a report."""
    return ["analyze", path, "--out", out or "../here/out", "--no-report", *options]


def of(make: Callable[[Place], Path], *options: Any) -> Callable[[Place], list[Any]]:
    return lambda place: ["analyze", make(place), "--out", place.out, "--no-report", *options]


def piece(place: Place, side: str = "left", codec: str = "h264") -> Path:
    return write_piece(place.file("x").parent, side, codec)


def raw(name: str, data: bytes) -> Callable[[Place], Path]:
    def make(place: Place) -> Path:
        place.file(name).write_bytes(data)
        return place.file(name)

    return make


def cut(codec: str, keep: float) -> Callable[[Place], Path]:
    def make(place: Place) -> Path:
        path = piece(place, "left", codec)
        os.truncate(path, int(path.stat().st_size * keep))
        return path

    return make


def sound_only(place: Place) -> Path:
    write_audio_only(place.file("sound.m4a"))
    return place.file("sound.m4a")


def mjpeg(
    name: str, ticks: Callable[[int], int], shown: Callable[[int, Picture], Picture] | None = None
) -> Callable[[Place], Path]:
    def make(place: Place) -> Path:
        frames = list(pictures("left"))
        if shown is not None:
            frames = [shown(index, rgb) for index, rgb in enumerate(frames)]
        write_mjpeg(place.file(name), frames, [ticks(i) for i in range(len(frames))])
        return place.file(name)

    return make


def ms(index: int) -> int:
    return round(1000 * index / FPS)


def larger_from_2_s(index: int, rgb: Picture) -> Picture:
    return np.asarray(cv2.resize(rgb, (400, 400))) if index >= 2 * FPS else rgb


def stating(rate: int, scale: int, *, everywhere: bool = False) -> Callable[[Place], Path]:
    """An AVI whose header states ``rate / scale`` frames per second, in one place of two."""

    def make(place: Place) -> Path:
        path = piece(place, "left", "mjpeg")
        data = bytearray(path.read_bytes())
        at = data.index(b"strh") + 8 + 20
        struct.pack_into("<II", data, at, scale, rate)
        if everywhere:
            struct.pack_into("<I", data, data.index(b"avih") + 8, 1_000_000 * scale // rate)
        path.write_bytes(data)
        return path

    return make


def drawn(
    name: str,
    shown: Callable[[int, Picture], Picture],
    side: str = "left",
    times: int = 1,
    **options: Any,
) -> Callable[[Place], Path]:
    def make(place: Place) -> Path:
        frames = (shown(index, rgb) for index, rgb in enumerate(times * pictures(side)))
        codec = {".mp4": "h264", ".avi": "mjpeg", ".webm": "vp9", ".mkv": "hevc"}[Path(name).suffix]
        return write_video(place.file(name), frames, codec, **options)

    return make


def same(index: int, rgb: Picture) -> Picture:
    return rgb


def pixels(width: int, height: int) -> Callable[[Place], Path]:
    def make(place: Place) -> Path:
        frames = (cv2.resize(rgb, (width, height)) for rgb in pictures("left"))
        return write_video(place.file("x.avi"), frames, encoder="ffv1", pix_fmt="bgr0")

    return make


def huge(place: Place) -> Path:
    """Two seconds in 7680 x 4320, one picture in 0.2 s."""
    frames = [cv2.resize(rgb, (4320, 4320)) for rgb in pictures("left")[:60:6]]
    frames = [cv2.copyMakeBorder(f, 0, 0, 1680, 1680, cv2.BORDER_CONSTANT) for f in frames]
    write_mjpeg(place.file("x.avi"), frames, [200 * i for i in range(len(frames))])
    return place.file("x.avi")


def images(
    suffix: str, of: Callable[[Picture], Any], spoil: Callable[[Path], None] = lambda folder: None
) -> Callable[[Place], Path]:
    def make(place: Place) -> Path:
        folder = place.file("images")
        folder.mkdir()
        for index, rgb in enumerate(pictures("left")):
            cv2.imwrite(str(folder / f"{index:04}{suffix}"), of(rgb[..., ::-1]))
        spoil(folder)
        return folder

    return make


def with_alpha(bgr: Picture) -> Picture:
    return np.dstack([bgr, np.full(bgr.shape[:2], 200, np.uint8)])


def half(folder: Path) -> None:
    for path in sorted(folder.iterdir())[::10]:
        os.truncate(path, path.stat().st_size // 2)


def named_pipe(place: Place) -> Path:
    os.mkfifo(place.file("pipe.mp4"))
    return place.file("pipe.mp4")


def strange_name(place: Place) -> Path:
    path = place.file("=cmd|'C calc'!A0\u202e \n\udcff.mp4")
    shutil.copy(piece(place), path)
    return path


def link_to_itself(place: Place) -> Path:
    place.file("a.mp4").symlink_to("a.mp4")
    return place.file("a.mp4")


def noise(index: int, rgb: Picture) -> Picture:
    return np.random.default_rng(index).integers(0, 256, rgb.shape, np.uint8)


def mirrored(index: int, rgb: Picture) -> Picture:
    return rgb[:, ::-1]


def head_down(index: int, rgb: Picture) -> Picture:
    return rgb[::-1, ::-1]


def on_its_side(index: int, rgb: Picture) -> Picture:
    return np.rot90(rgb)


def beside_a_larger_photograph(index: int, rgb: Picture) -> Picture:
    room = np.full((400, 660, 3), 90, np.uint8)
    room[-SIZE:, :SIZE] = rgb
    room[:, 260:] = cv2.resize(pictures("right")[10], (400, 400))
    return room


def turned_over_from_2_s(index: int, rgb: Picture) -> Picture:
    return head_down(index, rgb) if index >= 60 else rgb


def dark_every_second(index: int, rgb: Picture) -> Picture:
    return rgb if index % 2 else np.zeros_like(rgb)


def frozen(index: int, rgb: Picture) -> Picture:
    """A call that stands still for 0.6 s from the middle of the first movement on."""
    return pictures("left")[66] if 66 < index < 84 else rgb


def photograph(index: int, rgb: Picture) -> Picture:
    return pictures("left")[10]


def _beside(shown: Picture, other: Picture, centre: float, size: int) -> Picture:
    """A room of 640 x 256: the subject on the left, another face at a fraction of the width."""
    room = np.full((SIZE, 640, 3), 90, np.uint8)
    room[:, :SIZE] = shown
    other = np.asarray(cv2.resize(other, (size, size)))
    left = round(centre * 640) - size // 2
    inside = slice(max(left, 0), min(left + size, 640))
    room[SIZE - size :, inside] = other[:, inside.start - left : inside.stop - left]
    return room


def photograph_held_up(index: int, rgb: Picture) -> Picture:
    if index < 10:
        return _beside(rgb, np.full_like(rgb, 90), 0.75, 200)
    return _beside(rgb, pictures("right")[10], 0.75, 250)


def crossing(index: int, rgb: Picture) -> Picture:
    """Somebody else comes in on the right, passes before the subject, and goes out again."""
    other = cv2.convertScaleAbs(pictures("right")[index][:, ::-1], alpha=0.7, beta=20)
    return _beside(rgb, np.asarray(other), 1.1 - 1.2 * index / 119, 210)


def removed_while_read(place: Place, running: Watched) -> None:
    running.wait_for(FRAMES_DONE)
    place.file("long.mkv").unlink()


def cut_while_read(place: Place, running: Watched) -> None:
    running.wait_for(FRAMES_DONE)
    os.truncate(place.file("long.mkv"), 20_000)


def long(place: Place) -> Path:
    frames = [rgb for _ in range(5) for rgb in pictures("left")]
    return write_video(place.file("long.mkv"), frames)


def two_streams(place: Place) -> Path:
    """Two MPEG streams one after the other; the second begins a second before the first ends."""
    path, frames = place.file("both.ts"), pictures("left")
    first = write_video(place.file("first.ts"), frames[:60])
    second = write_video(place.file("second.ts"), frames[60:], ticks=lambda index: index + 30)
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return path
