"""Runs an export: names its files, refuses what would replace others, writes all or nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from hfs_vision.errors import UsageError
from hfs_vision.exports import bids
from hfs_vision.exports.boris import aggregated, pasted
from hfs_vision.exports.content import Content, plain, read_content
from hfs_vision.exports.elan import elan_xml
from hfs_vision.exports.mne_text import SUFFIX, mne_text
from hfs_vision.exports.parquet import check_pyarrow, write_parquet
from hfs_vision.exports.staging import write_tree
from hfs_vision.results import check_folder
from hfs_vision.schema import StrPath

FORMATS = ("bids", "mne", "boris", "elan", "parquet")

_TABLES = ("recordings", "events", "twitches", "stretches", "signals")
_SUFFIXES = {"mne": (SUFFIX,), "boris": ("_aggregated.tsv", "_paste.tsv"), "elan": (".eaf",)}


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What to export, and how.

    Attributes:
        folders: A result folder, or several.
        to: One of `FORMATS`.
        out: Folder for the files; ``None`` for a place beside the results.
        deidentify: Leave out names, paths, dates and free text.
        force: Replace files that exist.
        machine: Export the program's own events, though they were corrected.
        media: The recording, for ELAN and BORIS, whose place or name is then written.
        subjects, sessions, task: Labels of BIDS; of the first, also BORIS's subject.
    """

    folders: StrPath | Sequence[StrPath]
    to: str
    out: StrPath | None = None
    deidentify: bool = False
    force: bool = False
    machine: bool = False
    media: StrPath | None = None
    subjects: Sequence[str] = ()
    sessions: Sequence[str] = ()
    task: str = "face"


@dataclass(frozen=True, kw_only=True)
class _PathRequest(ExportRequest):
    """The same, with every place as a `Path`."""

    folders: Sequence[Path]
    out: Path | None = None
    media: Path | None = None

    @classmethod
    def of(cls, request: ExportRequest) -> _PathRequest:
        folders = request.folders
        if isinstance(folders, (str, os.PathLike)):
            folders = [folders]
        places = {"out": request.out, "media": request.media}
        return cls(
            **{f.name: getattr(request, f.name) for f in fields(request)}
            | {name: Path(place) for name, place in places.items() if place is not None}
            | {"folders": [Path(folder) for folder in folders]}
        )


@dataclass(frozen=True)
class Export:
    """What came of it: the folder, its files, and what the user must know, in sentences."""

    out: Path
    files: Sequence[Path]
    warnings: Sequence[str]


@dataclass
class _Reading:
    """Reads one result folder after the other and keeps what is said of them."""

    request: _PathRequest
    names: Sequence[str]
    warnings: list[str] = field(default_factory=list)

    def contents(self) -> Iterator[Content]:
        request = self.request
        for number, (path, name) in enumerate(zip(request.folders, self.names, strict=True), 1):
            content, said = read_content(
                path, number=number, deidentify=request.deidentify, machine=request.machine
            )
            self.warnings += [f"{path}: {text}" for text in said]
            # Two folders of one name must not become one recording.
            yield content if request.deidentify else _renamed(content, name)


def export(request: ExportRequest) -> Export:
    """Writes the results in another form; nothing of it if something of it fails.

    Raises:
        UsageError: If the call is wrong, a file exists, or a library is missing.
        TableError: If a result is not as documented.
        OutputError: If the folder cannot be written.
    """
    request = _PathRequest.of(request)
    _check(request)
    out = _place(request)
    names = _names(request)
    targets = _targets(request, names)
    if request.to == "bids":
        bids.check_dataset(out)
    inputs = [] if request.media is None else [request.media]
    check_folder(out, targets, force=request.force, inputs=inputs, what="exported files")
    reading = _Reading(request, names)

    def write(folder: Path) -> None:
        if request.to == "parquet":
            write_parquet(folder, reading.contents(), deidentify=request.deidentify)
        elif request.to == "bids":
            _write_bids(request, reading, folder, out)
        else:
            subjects = list(request.subjects) or [""]
            subjects *= len(names) // len(subjects)
            for name, subject, content in zip(names, subjects, reading.contents(), strict=True):
                _write_one(request, folder, _file_name(name), subject, content, out)

    files = write_tree(
        out, write, force=request.force, renewed=[bids.PARTICIPANTS_FILE], inputs=inputs
    )
    return Export(out, files, reading.warnings)


def _check(request: _PathRequest) -> None:
    to = request.to
    if request.media is not None:
        if to not in ("elan", "boris"):
            raise UsageError(f"--media does not go with --to {to}: it names no recording")
        if request.deidentify:
            raise UsageError("--media does not go with --deidentify: it writes the file's name")
        if len(request.folders) > 1:
            raise UsageError(f"--media goes with one result folder, not {len(request.folders)}")
        if not request.media.exists():
            raise UsageError(f"--media {request.media} does not exist")
    if request.sessions and to != "bids":
        raise UsageError(f"--session does not go with --to {to}")
    if request.subjects and to not in ("bids", "boris"):
        raise UsageError(f"--subject does not go with --to {to}")
    n = len(request.folders)
    for option, labels in (("subject", request.subjects), ("session", request.sessions)):
        if len(labels) not in (0, 1, n):
            raise UsageError(
                f"--{option} is given {len(labels)} times for {n} results: give it once, or once "
                "for each"
            )
    twice = [path for i, path in enumerate(request.folders) if path in request.folders[:i]]
    if twice:
        raise UsageError(f"{twice[0]} is given twice")
    if to == "parquet":
        check_pyarrow()


def _place(request: _PathRequest) -> Path:
    if request.out is not None:
        return request.out
    first = request.folders[0].absolute()
    if request.deidentify:  # the folder's name is the recording's
        return first.parent / f"deidentified.{request.to}"
    if len(request.folders) > 1:
        raise UsageError(f"--out is missing: say where {len(request.folders)} results go")
    return first.parent / f"{first.name.removesuffix('.results')}.{request.to}"


def _names(request: _PathRequest) -> list[str]:
    """A name for each recording; no two are alike, capitals or not."""
    names: list[str] = []
    taken: set[str] = set()
    for number, path in enumerate(request.folders, start=1):
        base = path.absolute().name.removesuffix(".results") or "recording"
        if request.deidentify:
            base = f"recording-{number:02d}"
        name, count = base, 1
        while _file_name(name).casefold() in taken:
            count += 1
            name = f"{base}-{count}"
        taken.add(_file_name(name).casefold())
        names.append(name)
    return names


def _file_name(name: str) -> str:
    """The name without what shells, spreadsheets and file systems stumble over."""
    return re.sub(r"[^\w.+-]+", "_", name).lstrip(".-+") or "recording"


def _renamed(content: Content, name: str) -> Content:
    return replace(content, name=plain(name) or "recording")


def _targets(request: _PathRequest, names: Sequence[str]) -> list[str]:
    if request.to == "parquet":
        return [f"{table}.parquet" for table in _TABLES]
    if request.to == "bids":
        return [f"{stem}_events.tsv" for stem in _stems(request)]
    return [f"{_file_name(n)}{suffix}" for n in names for suffix in _SUFFIXES[request.to]]


def _labels(request: _PathRequest) -> list[tuple[str, str]]:
    """Subject and session of each recording.

    One subject for several recordings makes them its sessions; no subject makes each recording
    a subject of its own.
    """
    n = len(request.folders)
    numbered = [f"{number:02d}" for number in range(1, n + 1)]
    subjects = list(request.subjects) or numbered
    sessions = list(request.sessions) or [""] * n
    if len(subjects) == 1 < n:
        sessions = list(request.sessions) or numbered
    subjects, sessions = (x * n if len(x) == 1 else x for x in (subjects, sessions))
    pairs = list(zip(subjects, sessions, strict=True))
    twice = next((pair for pair in pairs if pairs.count(pair) > 1), None)
    if twice is not None:
        raise UsageError(
            f"two results are of subject {twice[0]!r}, session {twice[1]!r}: give each its own"
        )
    return pairs


def _stems(request: _PathRequest) -> list[str]:
    return [bids.stem(subject, session, request.task) for subject, session in _labels(request)]


def _write_bids(request: _PathRequest, reading: _Reading, folder: Path, out: Path) -> None:
    for stem, content in zip(_stems(request), reading.contents(), strict=True):
        bids.write_recording(folder, stem, content, deidentify=request.deidentify)
    subjects = [subject for subject, _ in _labels(request)]
    bids.write_dataset(folder, subjects, out, version=version("hfs-vision"))


def _write_one(
    request: _PathRequest, folder: Path, name: str, subject: str, content: Content, out: Path
) -> None:
    content = content.on_player_clock
    if request.to == "mne":
        texts = [mne_text(content)]
    elif request.to == "boris":
        texts = [
            aggregated(content, subject=subject, media=request.media),
            pasted(content, subject=subject),
        ]
    else:
        made = None if request.deidentify else datetime.now(timezone.utc)
        texts = [elan_xml(content, made=made, media=request.media, home=out)]
    for suffix, text in zip(_SUFFIXES[request.to], texts, strict=True):
        (folder / f"{name}{suffix}").write_bytes(text.encode("utf-8"))
