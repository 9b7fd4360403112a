"""Weights that are missing, damaged or of another kind."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hfs_vision.landmarks import model_files
from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from tests.faults.material import write_piece
from tests.faults.rows import Place, Row, answered, refused
from tests.faults.rows_source import LEFT
from tests.faults.watching import ROOT
from tests.golden.data import task_file

BUNDLE = model_files.FACE_LANDMARKER


def _no_task() -> str:
    return "" if task_file() else f"{BUNDLE.file} is not here"


def _no_mesh() -> str:
    return "" if carries_face_mesh() else "this MediaPipe carries no Face Mesh"


def _spoilt(spoil: Callable[[Path], None]) -> Callable[[Place], list[Any]]:
    """An analysis by a bundle in its usual place, which `spoil` makes or changes."""

    def command(place: Place) -> list[Any]:
        place.file("models").mkdir()
        spoil(place.file("models") / BUNDLE.file)
        video = write_piece(place.file("x").parent, "left")
        return [
            "analyze",
            video,
            "--out",
            place.out,
            "--no-report",
            "--landmarker",
            "facelandmarker",
        ]

    return command


def _given(spoil: Callable[[Path], None]) -> Callable[[Place], list[Any]]:
    """An analysis by a bundle that is given by its path."""

    def command(place: Place) -> list[Any]:
        return [*_spoilt(spoil)(place), "--model", place.file("models") / BUNDLE.file]

    return command


def _elsewhere(place: Place) -> Mapping[str, str]:
    return {
        model_files.FOLDER_VARIABLE: str(place.file("models")),
        "XDG_CACHE_HOME": str(place.file("cache")),
    }


def _nothing(path: Path) -> None:
    pass


def _copy(path: Path) -> None:
    found = task_file()
    assert found is not None
    shutil.copy(found, path)


def _truncated(path: Path) -> None:
    _copy(path)
    os.truncate(path, path.stat().st_size // 2)


def _flipped(path: Path) -> None:
    _copy(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _other_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr("readme.txt", "no model")


def _false_members(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as bundle:
        for name in BUNDLE.members:
            bundle.writestr(name, b"no weights" * 999)


def _text(path: Path) -> None:
    path.write_text("no model\n" * 99)


def _folder(path: Path) -> None:
    path.mkdir()


def _own(name: str, spoil: Callable[[Path], None]) -> Callable[[Place], list[Any]]:
    """An analysis by a copy of the program whose own weights are spoilt."""

    def command(place: Place) -> list[Any]:
        copy = place.file("program")
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "hfs_vision", copy / "hfs_vision", ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", copy)
        (copy / "models").mkdir()
        for file in model_files.OWN_FILES:
            shutil.copy(ROOT / "models" / file, copy / "models")
        spoil(copy / "models" / name)
        video = write_piece(place.file("x").parent, "left")
        return ["analyze", video, "--out", place.out, "--no-report"]

    return command


def _copied(place: Place) -> Mapping[str, str]:
    return {"PYTHONPATH": str(place.file("program"))}


def _halved(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _one_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)


def _swapped(path: Path) -> None:
    """The other network's weights under this name."""
    other = next(file for file in model_files.OWN_FILES if file != path.name)
    shutil.copy(path.with_name(other), path)


_EYES, _MOUTH = model_files.OWN_FILES


ROWS = [
    Row(
        "model",
        "bundle missing",
        _spoilt(_nothing),
        refused("is not on this machine. Run `hfs-vision model fetch`"),
        environment=_elsewhere,
        quick=True,
    ),
    Row(
        "model",
        "bundle cut in half",
        _spoilt(_truncated),
        refused("is damaged or another version"),
        missing=_no_task,
        environment=_elsewhere,
    ),
    Row(
        "model",
        "bundle with one bit changed",
        _spoilt(_flipped),
        refused("is damaged or another version"),
        missing=_no_task,
        environment=_elsewhere,
    ),
    Row(
        "model",
        "another zip under its name",
        _spoilt(_other_zip),
        refused("is damaged or another version"),
        environment=_elsewhere,
    ),
    Row(
        "model",
        "given bundle missing",
        _given(_nothing),
        refused("does not exist"),
        environment=_elsewhere,
    ),
    Row(
        "model",
        "given bundle is text",
        _given(_text),
        refused("is truncated, or is not"),
        environment=_elsewhere,
    ),
    Row(
        "model",
        "given bundle is a folder",
        _given(_folder),
        refused("cannot be read"),
        environment=_elsewhere,
    ),
    Row(
        "model",
        "given bundle cut in half",
        _given(_truncated),
        refused("is truncated, or is not"),
        missing=_no_task,
        environment=_elsewhere,
    ),
    Row(
        "model",
        "given bundle with one bit changed",
        _given(_flipped),
        refused("damaged"),
        missing=_no_task,
        environment=_elsewhere,
    ),
    Row(
        "model",
        "given bundle lacks its members",
        _given(_other_zip),
        refused("it holds no"),
        environment=_elsewhere,
    ),
    Row(
        "model",
        "given bundle holds no weights",
        _given(_false_members),
        refused(""),
        environment=_elsewhere,
    ),
    Row(
        "model",
        "own weights missing",
        _own(_EYES, Path.unlink),
        refused("is missing"),
        environment=_copied,
        quick=True,
    ),
    Row(
        "model",
        "own weights cut in half",
        _own(_EYES, _halved),
        refused(_EYES),
        environment=_copied,
    ),
    Row(
        "model",
        "own weights empty",
        _own(_MOUTH, lambda path: path.write_bytes(b"")),
        refused(_MOUTH),
        environment=_copied,
    ),
    Row("model", "own weights are text", _own(_MOUTH, _text), refused(_MOUTH), environment=_copied),
    Row(
        "model",
        "own weights with one byte changed",
        _own(_EYES, _one_byte),
        answered(*LEFT, lacking=True, says="are not those of this version"),
        environment=_copied,
    ),
    Row(
        "model",
        "weights of the mouth under the eyes' name",
        _own(_EYES, _swapped),
        refused(_EYES),
        environment=_copied,
    ),
    Row(
        "model",
        "sound bundle, for comparison",
        _given(_copy),
        answered(*LEFT),
        missing=_no_task,
        environment=_elsewhere,
    ),
]
