"""The recording that a result folder belongs to: the folder keeps no name, but its hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hfs_vision.errors import UsageError
from hfs_vision.schema import StrPath
from hfs_vision.video.content_hash import VIDEO_SUFFIXES, digest
from hfs_vision.video.images import content_files

RECORDING_FILE = "recording.mp4"
"""The video that a live session keeps in its own folder, if it was asked to."""

_ENDING = ".results"


@dataclass(frozen=True)
class FoundRecording:
    """A recording, or why there is none.

    Attributes:
        path: Video file or folder of images; ``None`` if none was found.
        warning: What the user must know of it; empty if nothing.
    """

    path: Path | None
    warning: str = ""


def find_recording(
    folder: StrPath, sha256: str | None, given: StrPath | None = None
) -> FoundRecording:
    """Looks for the recording that a result is of.

    It is the one that is given, or `RECORDING_FILE` in the folder, or what has the folder's name
    (``NAME.results`` is of ``NAME.*``) in the folder above it or in the current one.

    Args:
        folder: The result.
        sha256: Its recording's hash, where the summary says it; see `hfs_vision.video.digest`.
        given: What the user says it is.

    Raises:
        UsageError: If what is given does not exist.
    """
    folder = Path(folder)
    given = Path(given) if given is not None else None
    if given is not None:
        if not given.exists():
            raise UsageError(f"{given} does not exist: give the recording that {folder} is of")
        return _checked(given, sha256)
    own = folder / RECORDING_FILE
    if own.is_file():
        # A session measures what its camera gives, not what its encoder makes of it.
        return FoundRecording(own)
    candidates = list(dict.fromkeys(_by_name(folder.resolve())))
    if not candidates:
        return FoundRecording(None, f"the recording of {folder} was not found: name it by --video")
    checked = [_checked(path, sha256) for path in candidates]
    return next((found for found in checked if not found.warning), checked[0])


def _by_name(folder: Path) -> Iterator[Path]:
    stem = folder.name.removesuffix(_ENDING)
    for place in (folder.parent, Path.cwd()):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if path.is_file() and stem in (path.stem, path.name):
                if path.suffix.lower() in VIDEO_SUFFIXES:
                    yield path
            elif path.name == stem and len(content_files(path)) > 1:
                yield path


def _checked(path: Path, sha256: str | None) -> FoundRecording:
    if sha256 is None:
        return FoundRecording(path)
    try:
        found = digest(path)
    except OSError as error:
        return FoundRecording(None, f"{path} cannot be read: {error.strerror or error}")
    if found != sha256:
        return FoundRecording(
            path,
            f"{path} is not the recording that was analysed (its SHA-256 is {found[:12]}..., not "
            f"{sha256[:12]}...): times and pictures may not belong to the events",
        )
    return FoundRecording(path)
