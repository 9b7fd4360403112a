"""Which files this program wrote, by what is in them; and what must never be replaced.

A name says nothing: people have an ``annotated.mp4`` and a ``cohort.csv`` of their own. Whatever
removes or replaces a file in a user's folder asks here first.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from hfs_vision.errors import UsageError
from hfs_vision.results.columns import (
    COUNT_COLUMNS,
    MARK_COLUMNS,
    MEASURED_COLUMNS,
    SEGMENT_COLUMNS,
)
from hfs_vision.schema import StrPath

ANNOTATED, CLIP, RECORDING = "annotated", "clip", "recording"
"""What kinds of videos are written here: two that are made of a recording, and a session's own."""

_TAG = "hfs-vision "

_TABLES = (
    {"onset_s", "duration_s", "side", "region", "peak_s", "score"},  # events, corrected ones too
    {"event", "onset_s", "duration_s", "side", "region"},  # twitches
    {"time_s", *MEASURED_COLUMNS},  # signals
    {*MARK_COLUMNS},
    {*COUNT_COLUMNS[:4]},
    {*SEGMENT_COLUMNS[:5]},
    {"name", "result", "sha256", "status"},  # of a batch
)
"""Columns that tell a table as one of ours, in every version so far; others may be beside them."""

_REPORT = re.compile(rb'<meta name="generator" content="hfs-vision')
_HEAD = 4096
_LONGEST_JSON = 1 << 26
_COMMENT_AT = (b"moov", b"udta", b"meta", b"ilst", b"\xa9cmt", b"data")
"""Where an MP4 keeps the tag ``comment``: boxes in boxes."""


def video_tag(kind: str) -> dict[str, str]:
    """Tags for the container of a video that is written here, by which `video_kind` knows it.

    Args:
        kind: `ANNOTATED`, `CLIP` or `RECORDING`.
    """
    return {"comment": _TAG + kind}


def video_kind(path: StrPath) -> str | None:
    """As what this program wrote a video; ``None`` for any other file."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            comment = _find(file, 0, path.stat().st_size, _COMMENT_AT)
    except (OSError, OverflowError):
        return None
    text = comment[8:].decode("utf-8", "replace")  # type and language come first
    kind = text.removeprefix(_TAG)
    return kind if text.startswith(_TAG) and kind in (ANNOTATED, CLIP, RECORDING) else None


def is_ours(path: StrPath) -> bool:
    """Whether this program wrote a file: a table, summary, report or video of a result.

    A link is none of them, wherever it leads; neither is a file that cannot be read. Of diaries
    nothing is said: no command removes or replaces one.
    """
    path = Path(path)
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head[4:8] == b"ftyp":
            return video_kind(path) is not None
        if head.lstrip().startswith(b"{"):
            return path.stat().st_size <= _LONGEST_JSON and _is_our_json(path.read_bytes())
        return bool(_REPORT.search(head)) or _is_our_table(head)
    except OSError:
        return False


def check_replaceable(path: Path, *, force: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuses to let a file be replaced or removed that must stay.

    Args:
        path: The file; need not exist.
        force: Whether the user lets files of others be replaced.
        inputs: What the running command reads; that stays in any case.

    Raises:
        UsageError: If it must stay.
        OSError: If it cannot be looked at.
    """
    if not os.path.lexists(path):
        return
    if same := next((each for each in inputs if _is_same(path, each)), None):
        raise UsageError(
            f"{path} would be replaced, and is what this command reads ({same}): choose another "
            "place with --out"
        )
    if not force and not is_ours(path):
        raise UsageError(
            f"{path} is there and was not written by this program: move it away, choose another "
            "place with --out, or replace it with --force"
        )


def _is_same(path: Path, other: Path) -> bool:
    """Whether two names are of one file, also by links of either kind."""
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there, or a link that leads nowhere
        return False


def _is_our_json(content: bytes) -> bool:
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return False
    if not isinstance(values, dict):
        return False
    versions = values.get("versions")
    is_summary = isinstance(versions, dict) and "hfs_vision" in versions
    return is_summary or {"identity", "sha256", "status", "hfs_vision"} <= values.keys()


def _is_our_table(head: bytes) -> bool:
    first = head.decode("utf-8-sig", "replace").partition("\n")[0].replace("\0", "")
    separator = max(",;\t", key=first.count)
    try:
        columns = {name.strip() for name in next(csv.reader([first], delimiter=separator), [])}
    except csv.Error:
        return False
    return any(known <= columns for known in _TABLES)


def _find(file: BinaryIO, start: int, stop: int, names: tuple[bytes, ...]) -> bytes:
    """What a box of an MP4 holds, 256 bytes at most; empty where there is none."""
    while start + 8 <= stop:
        file.seek(start)
        head = file.read(16)
        size, name, begin = int.from_bytes(head[:4], "big"), head[4:8], start + 8
        if size == 1:  # the size is in the next eight bytes
            size, begin = int.from_bytes(head[8:16], "big"), start + 16
        end = stop if size == 0 else start + size
        if not begin <= end <= stop:
            return b""
        if name == names[0]:
            if len(names) == 1:
                file.seek(begin)
                return file.read(min(end - begin, 256))
            begin += 4 * (name == b"meta")  # a version comes first
            return _find(file, begin, end, names[1:])
        start = end
    return b""
