"""What a form of export must say of itself, and what it is handed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from hfs_vision.exports.content import Content
from hfs_vision.schema import StrPath


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What to export, and how.

    Attributes:
        folders: A result folder, or several.
        to: One of `hfs_vision.exports.FORMATS`.
        out: Folder for the files; ``None`` for a place beside the results.
        deidentify: Leave out names, paths, dates and free text.
        force: Replace files that exist.
        machine: Export the program's own events, though they were corrected.
        media: The recording, whose place or name is then written.
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
class PathRequest(ExportRequest):
    """The same, with every place as a `Path`."""

    folders: Sequence[Path]
    out: Path | None = None
    media: Path | None = None

    @classmethod
    def of(cls, request: ExportRequest) -> PathRequest:
        """The request with its places, however they were given."""
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
class ExportJob:
    """What a form writes.

    Attributes:
        request: As it was asked for.
        out: Where the files will be.
        names: Of each recording, as a file can be called.
        contents: The recordings in the same order, read one by one.
    """

    request: PathRequest
    out: Path
    names: Sequence[str]
    contents: Iterable[Content]


@dataclass(frozen=True, kw_only=True)
class ExportFormat:
    """A form of export; each module of `hfs_vision.exports.formats` has one, called ``FORMAT``.

    Attributes:
        name: As the command line takes it; the ending of the default folder.
        title: As people call it.
        targets: Files of a request and the names of its recordings, by which is told whether
            something would be replaced.
        write: Writes all files into an empty folder.
        options: Which of ``media``, ``subject`` and ``session`` go with it.
        check: Raises a `UsageError` where a library is missing or the place does not do.
        renewed: Files that are always replaced: what they held is in the new ones.
    """

    name: str
    title: str
    targets: Callable[[PathRequest, Sequence[str]], list[str]]
    write: Callable[[Path, ExportJob], None]
    options: Sequence[str] = ()
    check: Callable[[Path], None] = lambda out: None
    renewed: Sequence[str] = ()


def text_format(
    name: str,
    title: str,
    suffixes: Sequence[str],
    texts: Callable[[Content, str, ExportJob], Sequence[str]],
    options: Sequence[str] = (),
) -> ExportFormat:
    """A form with files for each recording.

    Args:
        name: As of `ExportFormat`.
        title: As of `ExportFormat`.
        suffixes: Ends of the files' names.
        texts: What is in them, by the content on the clock of players and the subject.
        options: As of `ExportFormat`.
    """

    def targets(request: PathRequest, names: Sequence[str]) -> list[str]:
        return [f"{name}{suffix}" for name in names for suffix in suffixes]

    def write(folder: Path, job: ExportJob) -> None:
        subjects = list(job.request.subjects) or [""]
        subjects *= len(job.names) // len(subjects)
        for name, subject, content in zip(job.names, subjects, job.contents, strict=True):
            made = texts(content.on_player_clock, subject, job)
            for suffix, text in zip(suffixes, made, strict=True):
                (folder / f"{name}{suffix}").write_bytes(text.encode("utf-8"))

    return ExportFormat(name=name, title=title, targets=targets, write=write, options=options)
