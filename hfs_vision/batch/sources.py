"""Which recordings are meant, what each is made of, and how to have it as a local file."""

from __future__ import annotations

import glob
import mimetypes
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from hfs_vision.batch.own_output import MADE_HERE, is_made_folder, is_made_video, is_result
from hfs_vision.errors import SourceError, UsageError
from hfs_vision.results.temp_folder import working_folder
from hfs_vision.support.http_client import LedAwayError, ask, parse_address, shown
from hfs_vision.video import (
    IMAGE_SUFFIXES,
    RECORDING_FILE,
    TIMESTAMPS_NAME,
    VIDEO_SUFFIXES,
    Stopped,
    check_fps,
    content_files,
)

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_BLOCK_BYTES = 1 << 20
_SILENCE_S = 60.0
COPY = ".copy-"
"""How the names of folders begin in which copies are."""

_A_SERIES = 10
"""So many images in one folder may be a recording; a few are photographs."""

_MOVING = {".apng", ".gif", ".rm", ".rmvb", ".swf", ".wtv"}
"""Pictures that move, and videos that no camera makes: told where they are left out."""


@dataclass(frozen=True)
class BatchRecording:
    """A recording that was found.

    Attributes:
        source: Absolute path of a file or of a folder of images, or a URL.
        key: What it is known by: the path with its links resolved, or the URL without what may be
            secret in it.
        folders: Names of the folders above it, from the top.
        stem: Its name without the ending.
        suffix: The ending, with its dot.
        size: Bytes; 0 of a URL, which nobody has asked yet.
    """

    source: str
    key: str
    folders: tuple[str, ...]
    stem: str
    suffix: str
    size: int


def is_url(source: str) -> bool:
    """Whether a source is to be fetched.

    >>> is_url("s3://bucket/a.mp4"), is_url("C:/a.mp4")
    (True, False)
    """
    return bool(_URL.match(source))


@dataclass(frozen=True)
class LeftOut:
    """What was met on the way and is not analysed.

    Attributes:
        path: As it was given or found.
        reason: Why not, to go on a sentence about it or about several.
        asked: Whether it was named, and not only lay in a folder: then something is missing.
    """

    path: str
    reason: str
    asked: bool = False


Tell = Callable[[LeftOut], None]


def find_recordings(
    inputs: Sequence[str], *, fps: float | None = None, tell: Tell = lambda left_out: None
) -> list[BatchRecording]:
    """Recordings in the order of the inputs, each once.

    Args:
        inputs: Video files, URLs, folders (searched below for videos and for folders of images),
            globs, and ``@list.txt``: a file with one of these a line, and ``#`` comments.
        fps: With it a folder of images needs no ``timestamps.csv`` to count as a recording.
        tell: Called with everything that looks like a recording, or was named as one in a list,
            and is left out.

    Raises:
        UsageError: If an input does not exist, nothing is found, or no camera has such a rate.
    """
    if fps is not None:
        check_fps(fps)
    found: dict[str, BatchRecording] = {}
    for given, listed in _with_lists(inputs):
        try:
            for source in _search(given, fps, tell):
                recording = _recording(source)
                found.setdefault(recording.key, recording)
        except (UsageError, OSError, ValueError) as error:
            if not (listed or Path(given).is_symlink()):
                raise
            tell(LeftOut(given, _why(error), asked=True))
    if not found:
        raise UsageError(
            f"no recording was found in {', '.join(inputs)}: give video files, folders that hold "
            f"some, or folders of images with a {TIMESTAMPS_NAME}"
        )
    return list(found.values())


def _why(error: Exception) -> str:
    if isinstance(error, UsageError):
        return "not there: check the path"
    return f"not to be read ({getattr(error, 'strerror', None) or error})"


def _with_lists(inputs: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Inputs, and whether each is a line of a list: one that is wrong is one of many."""
    for given in inputs:
        if not given.startswith("@"):
            yield given, False
            continue
        try:
            text = Path(given[1:]).read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{given[1:]} cannot be read as a list ({error}): give a text file with one path "
                "a line"
            ) from error
        lines = (line.strip() for line in text.splitlines())
        yield from ((line, True) for line in lines if line and not line.startswith("#"))


def _search(given: str, fps: float | None, tell: Tell) -> Iterator[str]:
    path = Path(given)
    if is_url(given):
        yield given
    elif path.is_dir():
        yield from _in_folder(path, fps, tell)
    elif path.exists():
        if is_made_video(path):  # as where a shell wrote out *.mp4
            tell(LeftOut(given, MADE_HERE))
        else:
            yield given
    else:
        # Path.glob takes no absolute pattern.
        matches = [Path(match) for match in sorted(glob.glob(given, recursive=True))]  # noqa: PTH207
        if not matches:
            raise UsageError(f"{given} does not exist: check the path")
        for match in matches:
            if match.is_dir():
                yield from _in_folder(match, fps, tell)
            elif _is_taken(match, tell):
                yield str(match)


def _in_folder(top: Path, fps: float | None, tell: Tell) -> Iterator[str]:
    if is_made_folder(top):
        tell(LeftOut(str(top), MADE_HERE))
        return

    def closed(error: OSError) -> None:
        tell(LeftOut(str(error.filename), _why(error)))

    been = {os.path.realpath(top)}
    # Whoever links a folder here means what is in it; each folder is walked through once.
    for folder, below, files in os.walk(top, onerror=closed, followlinks=True):
        images = [name for name in files if Path(name).suffix.lower() in IMAGE_SUFFIXES]
        if images and (fps is not None or TIMESTAMPS_NAME in files):
            below.clear()
            yield folder
            continue
        if len(images) >= _A_SERIES:
            tell(LeftOut(folder, f"images without a {TIMESTAMPS_NAME}: give --fps"))
        inside = sorted(name for name in below if not name.startswith("."))
        below.clear()
        for name in inside:
            place = Path(folder, name)
            if is_made_folder(place):
                tell(LeftOut(str(place), MADE_HERE))
            elif (real := os.path.realpath(place)) not in been:
                been.add(real)
                below.append(name)
        paths = (Path(folder, name) for name in sorted(files))
        yield from (str(path) for path in paths if _is_taken(path, tell))


def _is_taken(path: Path, tell: Tell) -> bool:
    """Whether what was met in a folder or a glob is a recording."""
    # macOS leaves ._name.mp4 beside name.mp4.
    if path.name.startswith("."):
        return False
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        kind = mimetypes.guess_type(path.name)[0] or ""
        if kind.startswith("video/") or path.suffix.lower() in _MOVING:
            tell(LeftOut(str(path), "of a kind that is not looked for: name it, or convert it"))
        return False
    if not path.is_file():
        link = path.is_symlink()
        tell(LeftOut(str(path), "a link that leads nowhere" if link else "not a file"))
        return False
    if is_made_video(path):
        tell(LeftOut(str(path), MADE_HERE))
        return False
    return True


def _recording(source: str) -> BatchRecording:
    if is_url(source):
        parts = urlsplit(source)
        place = Path(parts.netloc.rpartition("@")[2] + parts.path)
        key, size = f"{parts.scheme}://{place.as_posix()}", 0
    else:
        source = os.path.abspath(source)  # noqa: PTH100 - keeps links, and workers may be elsewhere
        place = Path(source)
        key, size = (
            os.path.realpath(source),
            sum(file.stat().st_size for file in content_files(place)),
        )
    folders = tuple(part for part in place.parts[:-1] if part != place.anchor)
    suffix = "" if place.is_dir() else place.suffix
    stem = place.name.removesuffix(suffix)
    if place.name == RECORDING_FILE and is_result(place.parent):
        # Of a live session, which its folder is named after; all their videos have one name.
        stem = f"{place.parent.name.removesuffix('.results')}_{stem}"
    return BatchRecording(source, key, folders, stem, suffix, size)


@contextmanager
def local_copy(source: str, scratch: Path, stop: Callable[[], bool]) -> Iterator[Path]:
    """The source's path, or that of a temporary copy of what a URL leads to.

    Args:
        source: Path or URL.
        scratch: Folder for copies; copies that killed processes have left there are removed.
        stop: Asked after every block.

    Raises:
        Stopped: If ``stop`` says so.
        SourceError: If fsspec, or what it needs for this kind of URL, is not installed.
    """
    if not is_url(source):
        yield Path(source)
        return
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    with working_folder(scratch, COPY) as folder:
        copy = folder / f"recording{Path(urlsplit(source).path).suffix}"
        _fetch(source, copy, stop)
        yield copy


def _fetch(url: str, target: Path, stop: Callable[[], bool]) -> None:
    try:
        remote = _open_remote(url)
    except LedAwayError as error:
        raise SourceError(
            f"{shown(url)} leads to another address, {error}: if that is right, give that one"
        ) from None
    except HTTPException as error:
        raise SourceError(f"{shown(url)} cannot be fetched: {error!r}") from error
    except (ImportError, ValueError) as error:
        raise SourceError(
            f'{shown(url)} cannot be fetched: {error}; pip install "hfs-vision[cluster]", and what '
            "fsspec names for this kind of address"
        ) from error
    copied = 0
    with remote as given, target.open("wb") as copy:
        while block := given.read(_BLOCK_BYTES):
            if stop():
                raise Stopped
            copy.write(block)
            copied += len(block)
    stated = given.headers.get("content-length") if isinstance(given, HTTPResponse) else None
    if stated is not None and copied < int(stated):
        raise SourceError(f"{shown(url)} ended after {copied} of {stated} bytes: try again")


def _open_remote(url: str) -> AbstractContextManager[IO[bytes]]:
    if urlsplit(url).scheme.lower() in ("http", "https"):  # fsspec would follow it anywhere
        parts = parse_address(url)
        login = None
        if parts.username is not None:
            login = unquote(parts.username), unquote(parts.password or "")
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        return ask(bare, timeout_s=_SILENCE_S, login=login)
    import fsspec

    opened: AbstractContextManager[IO[bytes]] = fsspec.open(url, "rb")
    return opened
