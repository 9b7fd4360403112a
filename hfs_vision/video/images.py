"""Frames of a folder of numbered images, and single pictures."""

from __future__ import annotations

import copy
import csv
import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from hfs_vision.errors import SourceError, TableError, UsageError
from hfs_vision.schema import SourceInfo
from hfs_vision.video.source import DecodeStats, FrameSource, Picture, Span, even_cuts

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
TIMESTAMPS_NAME = "timestamps.csv"


class ImageFolder(FrameSource):
    """Numbered images, timed by ``timestamps.csv`` in the folder or by a constant rate.

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
            images = sorted((p for p in path.iterdir() if _is_image(p)), key=_natural_key)
        except OSError as error:
            raise SourceError(f"{path} cannot be read ({error}): check its permissions") from error
        if not images:
            raise SourceError(
                f"{path} holds no image: give a video file or a folder of "
                + ", ".join(sorted(IMAGE_SUFFIXES))
            )
        self._timed = _timed_images(path, images, fps)
        first = next(self._pictures(DecodeStats()), None)
        if first is None:
            raise SourceError(f"{path}: none of its {len(self._timed)} images can be decoded")
        self.info = _folder_info(self._timed, first[1], fps)

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

    def _pictures(self, stats: DecodeStats) -> Iterator[tuple[float, Picture]]:
        span = self._span
        begin, end = (bisect_left(self._timed, (t,)) for t in (span.from_s, span.stop_s))
        for time_s, image in reversed(self._timed[:begin]):
            rgb = _read_image(image)
            if rgb is not None:
                yield time_s, rgb
                break
        for time_s, image in self._timed[begin:end]:
            rgb = _read_image(image)
            if rgb is not None:
                yield time_s, rgb
            elif time_s >= span.start_s:
                stats.decode_errors += 1


def read_picture(path: Path) -> Picture:
    """One picture file, ``(h, w, 3)`` uint8 RGB, upright.

    Raises:
        UsageError: The path is missing.
        SourceError: It cannot be decoded as a picture.
    """
    if not path.is_file():
        raise UsageError(f"{path} is not a file: give a picture")
    picture = _read_image(path)
    if picture is None:
        raise SourceError(f"{path} cannot be read as a picture: give a JPEG or PNG file")
    return picture


def _is_image(path: Path) -> bool:
    hidden = path.name.startswith(".")  # macOS leaves ._name.jpg beside name.jpg
    return not hidden and path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def _natural_key(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"([0-9]+)|([^0-9]+)", path.name.lower())
    return [(int(number or -1), text) for number, text in parts], path.name


def _read_image(path: Path) -> Picture | None:
    """``(h, w, 3)`` uint8, EXIF rotation applied, alpha ignored; None if it cannot be decoded."""
    try:
        bgr = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    return None if bgr is None else np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _timed_images(folder: Path, images: list[Path], fps: float | None) -> list[tuple[float, Path]]:
    table = folder / TIMESTAMPS_NAME
    if table.exists():
        if fps is not None:
            raise UsageError(f"fps={fps:g} given, but {table} holds the times: leave fps out")
        return _read_timestamps(table, images)
    if fps is None:
        raise UsageError(
            f"{folder} holds images without times: give fps, or put a {TIMESTAMPS_NAME} with "
            "a column time_s (seconds, one row per image) into the folder"
        )
    return [(index / fps, image) for index, image in enumerate(images)]


def _read_timestamps(table: Path, images: list[Path]) -> list[tuple[float, Path]]:
    by_name = {image.name: image for image in images}
    timed: list[tuple[float, Path]] = []
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = list(rows.fieldnames or [])
            if "time_s" not in columns:
                raise TableError(f"{table}: row 1 has the columns {columns}: time_s is missing")
            for row in rows:
                where = f"{table}: row {rows.line_num}"
                name = row["file"] if "file" in columns else None
                if name is None and len(timed) < len(images):
                    name = images[len(timed)].name
                time_s = _parse_time(row["time_s"], where, timed[-1][0] if timed else -math.inf)
                if name not in by_name:
                    raise TableError(f"{where} belongs to no image (file {name!r}): correct it")
                timed.append((time_s, by_name[name]))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{table} cannot be read ({error}): save it as UTF-8 CSV") from error
    if not timed or ("file" not in columns and len(timed) < len(images)):
        raise TableError(
            f"{table} has {len(timed)} rows for {len(images)} images: give one row per image"
        )
    return timed


def _parse_time(text: str | None, where: str, previous: float) -> float:
    try:
        time_s = float(text or "")
    except ValueError:
        time_s = math.nan
    if not math.isfinite(time_s):
        raise TableError(f"{where}: time_s is {text!r}: give seconds as a number")
    if time_s <= previous:
        raise TableError(f"{where}: time_s {time_s:g} after {previous:g}: times must increase")
    return time_s


def _folder_info(timed: list[tuple[float, Path]], rgb: Picture, fps: float | None) -> SourceInfo:
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
    )
