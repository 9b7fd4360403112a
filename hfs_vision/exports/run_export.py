"""Runs an export: names its files, refuses what would replace others, writes all or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from hfs_vision.errors import UsageError
from hfs_vision.exports.content import Content, plain, read_content
from hfs_vision.exports.export_format import ExportFormat, ExportJob, ExportRequest, PathRequest
from hfs_vision.exports.formats import FORMATS
from hfs_vision.exports.staging import write_tree
from hfs_vision.results import check_folder


@dataclass(frozen=True)
class Export:
    """What came of it: the folder, its files, and what the user must know, in sentences."""

    out: Path
    files: Sequence[Path]
    warnings: Sequence[str]


@dataclass
class _Reading:
    """Reads one result folder after the other and keeps what is said of them."""

    request: PathRequest
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
    request = PathRequest.of(request)
    form = _checked(request)
    out = _place(request)
    names = _names(request)
    files = [_file_name(name) for name in names]
    targets = form.targets(request, files)
    form.check(out)
    inputs = [] if request.media is None else [request.media]
    check_folder(out, targets, force=request.force, inputs=inputs, what="exported files")
    reading = _Reading(request, names)

    def write(folder: Path) -> None:
        form.write(folder, ExportJob(request, out, files, reading.contents()))

    written = write_tree(out, write, force=request.force, renewed=form.renewed, inputs=inputs)
    return Export(out, written, reading.warnings)


def _checked(request: PathRequest) -> ExportFormat:
    """The form that is asked for, where all that is asked goes together."""
    form = FORMATS.get(request.to)
    if form is None:
        raise UsageError(f"unknown form {request.to!r}; choose one of {', '.join(FORMATS)}")
    if request.media is not None:
        if "media" not in form.options:
            raise UsageError(f"--media does not go with --to {form.name}: it names no recording")
        if request.deidentify:
            raise UsageError("--media does not go with --deidentify: it writes the file's name")
        if len(request.folders) > 1:
            raise UsageError(f"--media goes with one result folder, not {len(request.folders)}")
        if not request.media.exists():
            raise UsageError(f"--media {request.media} does not exist")
    n = len(request.folders)
    for option, labels in (("session", request.sessions), ("subject", request.subjects)):
        if labels and option not in form.options:
            raise UsageError(f"--{option} does not go with --to {form.name}")
        if len(labels) not in (0, 1, n):
            raise UsageError(
                f"--{option} is given {len(labels)} times for {n} results: give it once, or once "
                "for each"
            )
    twice = [path for i, path in enumerate(request.folders) if path in request.folders[:i]]
    if twice:
        raise UsageError(f"{twice[0]} is given twice")
    return form


def _place(request: PathRequest) -> Path:
    if request.out is not None:
        return request.out
    first = request.folders[0].absolute()
    if request.deidentify:  # the folder's name is the recording's
        return first.parent / f"deidentified.{request.to}"
    if len(request.folders) > 1:
        raise UsageError(f"--out is missing: say where {len(request.folders)} results go")
    return first.parent / f"{first.name.removesuffix('.results')}.{request.to}"


def _names(request: PathRequest) -> list[str]:
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
