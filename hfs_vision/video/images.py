"""Frames of a folder of numbered images, and single pictures."""

from __future__ import annotations

import copy
import math
import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from hfs_vision.core.messages import Message
from hfs_vision.errors import SourceError, TableError, UsageError
from hfs_vision.results.read_tables import parse_number, read_header, read_rows
from hfs_vision.schema import SourceInfo, StrPath
from hfs_vision.video.exif import taken
from hfs_vision.video.image_times import natural_key, times_by_number
from hfs_vision.video.original import Key, key_of
from hfs_vision.video.source import DecodeStats, FrameSource, Picture, Span, even_cuts

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
TIMESTAMPS_NAME = "timestamps.csv"
_LONGEST_STEP_S = 10.0
"""On average. What is seen more seldom shows no movement, and is mostly milliseconds."""


class ImageFolder(FrameSource):
    """Numbered images, timed by ``timestamps.csv`` in the folder, or by their numbers and a rate.

    The table has a column ``time_s`` (seconds, strictly increasing) and may have a column
    ``file``; without it, its rows belong to the images in natural order (``frame2`` before
    ``frame10``), and with it only the images that it names are read, in its order.
    """

    def __init__(self, path: Path, fps: float | None) -> None:
        """List the images, read their times, and decode the first for its size.

        Raises:
            UsageError: Neither or both of `fps` and ``timestamps.csv`` are given.
            SourceError: The folder holds no image that can be decoded.
            TableError: ``timestamps.csv`` does not have the documented form.
        """
        super().__init__()
        self.path = path
        try:
            images = sorted((p for p in path.iterdir() if _is_image(p)), key=natural_key)
        except OSError as error:
            raise SourceError(f"{path} cannot be read ({error}): check its permissions") from error
        if not images:
            raise SourceError(
                f"{path} holds no image: give a video file or a folder of "
                + ", ".join(sorted(IMAGE_SUFFIXES))
            )
        self._timed, told = _timed_images(path, images, fps)
        table = path / TIMESTAMPS_NAME
        self._keys = {image: key_of(image.stat()) for _, image in self._timed}
        self._files = {*images, *([table] if table.exists() else [])}
        first = next(self._pictures(DecodeStats()), None)
        if first is None:
            raise SourceError(f"{path}: none of its {len(self._timed)} images can be decoded")
        self.info = _folder_info(self._timed, first[1], fps, told)

    def cuts(self, every_s: float) -> list[float]:
        """See `FrameSource.cuts`."""
        times_s = np.array([time_s for time_s, _ in self._timed])
        return even_cuts(times_s, times_s[0], times_s[-1], every_s)

    def part(self, start_s: float, stop_s: float, lead_s: float = 0.0) -> ImageFolder:
        """See `FrameSource.part`."""
        part = copy.copy(self)
        part.stats = DecodeStats()
        part._span = Span(start_s, stop_s, lead_s)
        return part

    def check_same(self) -> Message | None:
        """See `FrameSource.check_same`; images that are gone by now are no change."""
        for image, key in self._keys.items():
            with suppress(FileNotFoundError):
                self._check(image, key_of(image.stat()), key)
        added = [p for p in content_files(self.path) if p not in self._files and _is_image(p)]
        return Message("images_added", count=len(added)) if added else None

    def _read(self, image: Path) -> Picture | None:
        try:
            with image.open("rb") as file:
                now, data = key_of(os.fstat(file.fileno())), file.read()
        except OSError:
            return None
        self._check(image, now, self._keys[image])
        return _decoded(data)

    def _check(self, image: Path, now: Key, then: Key) -> None:
        if now != then:
            raise SourceError(
                f"{image} was replaced or written to while {self.path} was read, so nothing of it "
                "is kept: run again once it is complete"
            )

    def _pictures(self, stats: DecodeStats) -> Iterator[tuple[float, Picture]]:
        span = self._span
        begin, end = (bisect_left(self._timed, (t,)) for t in (span.from_s, span.stop_s))
        for time_s, image in reversed(self._timed[:begin]):
            rgb = self._read(image)
            if rgb is not None:
                yield time_s, rgb
                break
        for time_s, image in self._timed[begin:end]:
            rgb = self._read(image)
            if rgb is not None:
                yield time_s, rgb
            elif time_s >= span.start_s:
                stats.decode_errors += 1


def content_files(path: StrPath) -> list[Path]:
    """What a recording is made of: the file, or the images and their times."""
    path = Path(path)
    if not path.is_dir():
        return [path]
    wanted = (p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    table = path / TIMESTAMPS_NAME
    return sorted([*wanted, *([table] if table.exists() else [])])


def read_picture(path: StrPath) -> Picture:
    """One picture file, ``(h, w, 3)`` uint8 RGB, upright.

    Raises:
        UsageError: The path is missing.
        SourceError: It cannot be decoded as a picture.
    """
    path = Path(path)
    if not path.is_file():
        raise UsageError(f"{path} is not a file: give a picture")
    picture = _read_image(path)
    if picture is None:
        raise SourceError(f"{path} cannot be read as a picture: give a JPEG or PNG file")
    return picture


def _is_image(path: Path) -> bool:
    hidden = path.name.startswith(".")  # macOS leaves ._name.jpg beside name.jpg
    return not hidden and path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def _read_image(path: Path) -> Picture | None:
    """``(h, w, 3)`` uint8, EXIF rotation applied, alpha ignored; None if it cannot be decoded."""
    try:
        return _decoded(path.read_bytes())
    except OSError:
        return None


def _decoded(data: bytes) -> Picture | None:
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if bgr is None else np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _timed_images(
    folder: Path, images: list[Path], fps: float | None
) -> tuple[list[tuple[float, Path]], list[Message]]:
    """Images with their times, and what the user must know of the times."""
    table = folder / TIMESTAMPS_NAME
    told: list[Message] = []
    if table.exists():
        if fps is not None:
            raise UsageError(f"fps={fps:g} given, but {table} holds the times: leave fps out")
        timed = _read_timestamps(table, images)
    elif fps is None:
        raise UsageError(
            f"{folder} holds images without times: give fps, or put a {TIMESTAMPS_NAME} with "
            "a column time_s (seconds, one row per image) into the folder"
        )
    else:
        times_s, told = times_by_number(images, fps)
        timed = list(zip(times_s, images, strict=True))
    span_s = timed[-1][0] - timed[0][0]
    if span_s > _LONGEST_STEP_S * len(timed):
        what = f"{table} spreads" if table.exists() else f"by their numbers {folder} spreads"
        raise SourceError(
            f"{what} {len(timed)} images over {span_s:.6g} s, more than {_LONGEST_STEP_S:g} s for "
            "each: times are in seconds (not ms), and numbers those of frames; correct them"
        )
    return timed, told


def _read_timestamps(table: Path, images: list[Path]) -> list[tuple[float, Path]]:
    by_name = {image.name: image for image in images}
    timed: list[tuple[float, Path]] = []
    previous = -math.inf
    has_names = "file" in read_header(table)
    for number, cells in read_rows(table, ("time_s",)):
        time_s = parse_number(table, number, "time_s", cells["time_s"])
        where = f"{table}, row {number}"
        if not math.isfinite(time_s):
            raise TableError(f"{where}: time_s is {cells['time_s']!r}: give seconds as a number")
        if time_s <= previous:
            raise TableError(f"{where}: time_s {time_s:g} after {previous:g}: times must increase")
        name: str | None = None
        if has_names:
            name = cells["file"]
        elif len(timed) < len(images):
            name = images[len(timed)].name
        if name not in by_name:
            raise TableError(f"{where} belongs to no image (file {name!r}): correct it")
        timed.append((time_s, by_name[name]))
        previous = time_s
    if not timed or (not has_names and len(timed) < len(images)):
        raise TableError(
            f"{table} has {len(timed)} rows for {len(images)} images: give one row per image"
        )
    named = Counter(image for _, image in timed)
    twice = next((image for image, count in named.items() if count > 1), None)
    if twice is not None:
        raise TableError(f"{table} names {twice.name!r} twice: give each image one time")
    return timed


def _folder_info(
    timed: list[tuple[float, Path]], rgb: Picture, fps: float | None, told: list[Message]
) -> SourceInfo:
    recorded = taken(timed[0][1])
    span_s = timed[-1][0] - timed[0][0]
    rate = fps or ((len(timed) - 1) / span_s if span_s else None)
    return SourceInfo(
        kind="images",
        container=None,
        codec=timed[0][1].suffix.lower().lstrip("."),
        width=rgb.shape[1],
        height=rgb.shape[0],
        nominal_fps=rate,
        frame_count=len(timed),
        duration_s=span_s + 1 / rate if rate else None,
        rotation_deg=0,
        recorded_utc=recorded.utc,
        recorded_local=recorded.local,
        time_doubts=tuple(told),
    )
