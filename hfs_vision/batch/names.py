"""Which name a recording has in the folder of a batch, for good."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from hfs_vision.batch.sources import BatchRecording
from hfs_vision.errors import OutputError
from hfs_vision.results import read_json, write_json, write_result
from hfs_vision.results.locks import Lock

STATE = ".batch"
"""Folder of locks and names inside the folder of a batch."""

_NAMES_FILE = "names.json"
_NOT_IN_NAMES = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9]) *(?:\.|$)", re.IGNORECASE)
_LONGEST = 120
"""Letters of a name: file systems take 255 bytes, and ``.results`` and the like come behind it."""


def folder_lock(out: Path) -> Lock:
    """The lock under which what all recordings share is written."""
    folder = out / STATE
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Lock(folder / "lock", wait_s=None)


def read_names(out: Path) -> dict[str, str]:
    """Name of each recording by its key, in the order in which they were first given.

    Raises:
        OutputError: If the file is damaged.
    """
    file = out / STATE / _NAMES_FILE
    try:
        names = read_json(file)
        if not isinstance(names, dict) or not all(map(_is_name, names.values())):
            raise ValueError("each recording must have a name that a folder can have")
        return names
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{file} cannot be read ({error}): remove it, and the recordings are named again"
        ) from error


def _is_name(value: object) -> bool:
    """Whether it is that of a folder right here, not a path to somewhere else."""
    return isinstance(value, str) and Path(f"{value}.results").name == f"{value}.results"


def _portable(name: str) -> str:
    """The name with ``_`` for what Windows takes in none, and before what it has devices of."""
    name = _NOT_IN_NAMES.sub("_", name)
    return f"_{name}" if _DEVICES.match(name) else name


def name_by_source(out: Path, recordings: Sequence[BatchRecording]) -> dict[str, str]:
    """Gives each recording its name: the file's, with folders before it where that is taken."""
    with folder_lock(out):
        known = read_names(out)
        new = [recording for recording in recordings if recording.key not in known]
        names = unique_names(new, set(known.values()))
        fresh = {recording.key: name for recording, name in zip(new, names, strict=True)}
        return _keep(out, known, fresh)


def name_by_number(out: Path, keys: Sequence[str]) -> dict[str, str]:
    """Gives each recording its name: ``rec-0001`` and so on; the same key, the same number."""
    with folder_lock(out):
        known = read_names(out)
        new = [key for key in dict.fromkeys(keys) if key not in known]
        fresh = {key: f"rec-{number:04d}" for number, key in enumerate(new, start=len(known) + 1)}
        return _keep(out, known, fresh)


def _keep(out: Path, known: Mapping[str, str], fresh: Mapping[str, str]) -> dict[str, str]:
    names = {**known, **fresh}
    if fresh:
        write_result(out / STATE, {_NAMES_FILE: partial(write_json, values=names)}, force=True)
    return names


def unique_names(recordings: Sequence[BatchRecording], taken: set[str]) -> list[str]:
    """Names of which no two are alike, capitals or not, and none is taken.

    Each can be that of a folder on any system, so that results can be taken to another one.

    >>> def at(*parts): return BatchRecording("", "", parts[:-1], parts[-1], ".mp4", 0)
    >>> unique_names([at("data", "ann", "1"), at("data", "bob", "1"), at("data", "2")], {"2"})
    ['ann_1', 'bob_1', 'data_2']
    """
    taken = {name.casefold() for name in taken}
    files = Counter((r.folders, r.stem.casefold()) for r in recordings)
    bases = [
        r.stem + (r.suffix if files[r.folders, r.stem.casefold()] > 1 else "") or "recording"
        for r in recordings
    ]
    depths = [0] * len(recordings)
    while True:
        names = [
            _portable("_".join((*r.folders[len(r.folders) - depth :], base))[-_LONGEST:])
            for r, base, depth in zip(recordings, bases, depths, strict=True)
        ]
        counts = Counter(name.casefold() for name in names)
        clashing = [
            i for i, n in enumerate(names) if counts[n.casefold()] > 1 or n.casefold() in taken
        ]
        deeper = [i for i in clashing if depths[i] < len(recordings[i].folders)]
        if not deeper:
            break
        for i in deeper:
            depths[i] += 1
    taken |= {name.casefold() for i, name in enumerate(names) if i not in set(clashing)}
    for i in clashing:
        numbered, number = names[i], 1
        while numbered.casefold() in taken:
            number += 1
            numbered = f"{names[i]}-{number}"
        names[i] = numbered
        taken.add(numbered.casefold())
    return names
