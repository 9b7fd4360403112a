"""Weights: of bundles that are not part of the package, and of our own. Where and what they are.

The only place here that opens a socket is `fetch`, and only when it is called: frames
of a face never come near a network. Each bundle is known by its SHA-256, because a result that
does not say which weights made it cannot be repeated.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import sys
import tempfile
import urllib.error
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import IO

from hfs_vision.errors import ModelError, UsageError
from hfs_vision.support.http_client import LedAwayError, ask, parse_address, shown

FOLDER_VARIABLE = "HFS_VISION_MODELS"
"""Environment variable that names a folder of model bundles."""

Progress = Callable[[int, int], None]
"""Called while a file arrives: bytes so far, bytes in all."""

_CHUNK = 1 << 16


@dataclass(frozen=True)
class ModelFile:
    """A bundle that is published elsewhere.

    Attributes:
        name: What the command line calls it.
        file: File name in a model folder.
        url: Where its maker publishes it.
        sha256: Hexadecimal SHA-256 of the whole file.
        size: Bytes of the whole file.
        licence: SPDX identifier.
        landmarker: The landmarker that it serves.
        members: Files that a bundle of this kind must hold.
    """

    name: str
    file: str
    url: str
    sha256: str
    size: int
    licence: str
    landmarker: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelRecord:
    """What is known of one bundle on this machine.

    Attributes:
        name, landmarker, size, licence, url: As in `ModelFile`.
        path: Where the file was found, or None.
        present: Whether a file of that name was found.
        hash_ok: Whether it is the file that its maker published.
        mediapipe: Version of the installed MediaPipe, or None.
    """

    name: str
    landmarker: str
    size: int
    licence: str
    url: str
    path: Path | None
    present: bool
    hash_ok: bool
    mediapipe: str | None


@dataclass(frozen=True)
class OwnRecord:
    """Weights of our own on this machine: file name, place, bytes and hexadecimal SHA-256."""

    file: str
    path: Path
    size: int
    sha256: str


FACE_LANDMARKER = ModelFile(
    name="face_landmarker",
    file="face_landmarker.task",
    url=(
        "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/"
        "float16/1/face_landmarker.task"
    ),
    sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    size=3_758_596,
    licence="Apache-2.0",
    landmarker="facelandmarker",
    members=("face_detector.tflite", "face_landmarks_detector.tflite"),
)

OWN_FILES = ("eye_closure.onnx", "mouth_corner.onnx")
"""Weights of our own, in ``models/``: of the eyes, and of the corners of the mouth."""

REGISTRY: Mapping[str, ModelFile] = MappingProxyType({FACE_LANDMARKER.name: FACE_LANDMARKER})
"""Every bundle that the program knows, by name."""


def known(name: str) -> ModelFile:
    """Look a bundle up by its name.

    Raises:
        ModelError: There is none of that name.
    """
    try:
        return REGISTRY[name]
    except KeyError:
        raise ModelError(
            f"unknown model {name!r}; the known ones are: {', '.join(sorted(REGISTRY))}"
        ) from None


def mediapipe_version() -> str | None:
    """Version of the installed MediaPipe, or None where there is none. Does not import it."""
    try:
        return importlib.metadata.version("mediapipe")
    except importlib.metadata.PackageNotFoundError:
        return None


def sha256_hex(data: bytes) -> str:
    """SHA-256 of bytes, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def checkout_folder() -> Path | None:
    """``models/`` of the checkout that the package runs from; None where it is installed."""
    root = Path(__file__).resolve().parents[2]
    return root / "models" if (root / "pyproject.toml").is_file() else None


def cache_folder() -> Path:
    """The user's own folder for bundles, by the platform's custom."""
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "hfs-vision" / "models"


def own_weights(file: str) -> Path:
    """Weights of our own, which come with the program: from the checkout, or as installed.

    Raises:
        ModelError: The file is missing: the installation is not complete.
    """
    checkout = checkout_folder()
    path = (checkout or Path(__file__).resolve().parents[1] / "weights") / file
    if not path.is_file():
        raise ModelError(f"{path} is missing; {how_to_restore(path)}")
    return path


def how_to_restore(path: Path) -> str:
    """Say how to get weights of our own back."""
    if checkout_folder() is not None:
        return f"get it back with `git checkout -- models/{path.name}` or a fresh clone"
    return "install hfs-vision again, it brings this file"


def own_info() -> list[OwnRecord]:
    """What is known of the weights of our own.

    Raises:
        ModelError: One of the files is missing.
    """
    found = [(path, path.read_bytes()) for path in map(own_weights, OWN_FILES)]
    return [OwnRecord(path.name, path, len(data), sha256_hex(data)) for path, data in found]


def search_folders() -> tuple[Path, ...]:
    """Folders in which bundles are looked for, the first one wins."""
    named = os.environ.get(FOLDER_VARIABLE)
    folders = (Path(named).expanduser() if named else None, checkout_folder(), cache_folder())
    return tuple(folder for folder in folders if folder is not None)


def find(name: str) -> Path | None:
    """First file of that bundle's name in `search_folders`, unchecked; None where there is none.

    Raises:
        ModelError: There is no bundle of that name.
    """
    file = known(name).file
    paths = (folder / file for folder in search_folders())
    return next((path for path in paths if path.is_file()), None)


def by_hand(model: ModelFile, folder: Path | None = None) -> str:
    """Say how to get a bundle without `fetch`: address, target path and hash."""
    target = (folder or search_folders()[0]) / model.file
    return (
        f"To place the file by hand, download\n  {model.url}\n"
        f"to\n  {target}\n(SHA-256 {model.sha256}, {model.size} bytes)."
    )


def how_to_get(model: ModelFile) -> str:
    """Say how to get a bundle, by the command or by hand."""
    return f"Run `hfs-vision model fetch`. {by_hand(model)}"


def read(name: str, path: Path | None = None) -> tuple[Path, bytes, str]:
    """Read and check a bundle.

    Bytes are handed on rather than a path, so that what was hashed is what runs.

    Args:
        name: A name in `REGISTRY`.
        path: An explicit file. It may differ from the published one (its true hash is returned);
            without it the published file is looked for and must have the published hash.

    Returns:
        Path, content and hexadecimal SHA-256.

    Raises:
        ModelError: The file is missing, unreadable, truncated or of another kind.
    """
    model = known(name)
    found = path if path is not None else find(name)
    if found is None:
        raise ModelError(f"the model {model.file} is not on this machine. {how_to_get(model)}")
    try:
        data = found.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"the model file {found} does not exist. {how_to_get(model)}") from None
    except OSError as error:
        raise ModelError(
            f"the model file {found} cannot be read ({error.strerror or error})"
        ) from error
    digest = sha256_hex(data)
    if path is None and digest != model.sha256:
        raise ModelError(
            f"the model file {found} is damaged or another version: its SHA-256 is {digest}, "
            f"{model.sha256} was expected. `hfs-vision model fetch` replaces it; to use another "
            "version on purpose, give its path explicitly."
        )
    _check_bundle(model, found)
    return found, data, digest


def _check_bundle(model: ModelFile, path: Path) -> None:
    """Refuse here what would end inside MediaPipe in a message that names no file."""
    kind = f"a MediaPipe bundle for {model.landmarker} (such as {model.file})"
    try:
        with zipfile.ZipFile(path) as bundle:
            damaged = bundle.testzip()
            missing = set(model.members) - set(bundle.namelist())
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError) as error:
        raise ModelError(f"{path} is truncated, or is not {kind}: {error}") from error
    if damaged is not None:
        raise ModelError(f"{path} is damaged at its member {damaged}; get it again")
    if missing:
        raise ModelError(f"{path} is not {kind}: it holds no {', '.join(sorted(missing))}")


def fetch(
    name: str = FACE_LANDMARKER.name,
    dest: Path | None = None,
    *,
    url: str | None = None,
    timeout_s: float = 10.0,
    progress: Progress | None = None,
) -> Path:
    """Download a bundle, unless the right file is there already.

    Args:
        name: A name in `REGISTRY`.
        dest: Folder for the file; without it the first of `search_folders`.
        url: Another address, such as a mirror; the content must be the same.
        timeout_s: Longest silence of the network, in seconds, before it is given up.
        progress: Called with the bytes so far and in all.

    Returns:
        Path of the file, whose size and SHA-256 are the published ones.

    Raises:
        ModelError: No network, other content, or no folder to write to; nothing is left behind.
    """
    model = known(name)
    folder = dest if dest is not None else search_folders()[0]
    target = folder / model.file
    if _is_published(model, target):
        return target
    address = url or model.url
    parts = parse_address(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{address!r} is not an http or https address: give one with a host")
    try:
        _download_to(model, address, target, timeout_s, progress)
    except LedAwayError as error:
        raise ModelError(
            f"{shown(address)} leads to another address, {error}: if that is right, give that one"
        ) from error
    except _NETWORK_ERRORS as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is also the open answer
        reason = error.reason if type(error) is urllib.error.URLError else error
        raise ModelError(
            f"cannot fetch {shown(address)}: {reason}. {by_hand(model, folder)}"
        ) from error
    return target


# URLError and socket timeouts are OSErrors, and so is a folder that cannot be written.
_NETWORK_ERRORS = (OSError, HTTPException, ValueError)


def _download_to(
    model: ModelFile, address: str, target: Path, timeout_s: float, progress: Progress | None
) -> None:
    """Download to a temporary file and rename it once its content is known to be right."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, because only there is the rename atomic.
    descriptor, made = tempfile.mkstemp(
        prefix=f".{target.name}.", suffix=".part", dir=target.parent
    )
    temporary = Path(made)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _download(model, address, file, timeout_s, progress)
        temporary.chmod(0o644)  # mkstemp's 0600 would hide a shared folder's file from others
        temporary.replace(target)
    finally:  # also on Ctrl-C; after the rename there is nothing of this name
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _download(
    model: ModelFile, address: str, file: IO[bytes], timeout_s: float, progress: Progress | None
) -> None:
    """Copy an address to an open file and refuse any content but the published one."""
    digest, received = hashlib.sha256(), 0
    with ask(address, timeout_s=timeout_s) as answer:
        # One chunk past the published size is enough to know that it is another file.
        while received <= model.size and (chunk := answer.read(_CHUNK)):
            file.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            if progress is not None:
                progress(min(received, model.size), model.size)
    if received < model.size:
        raise ModelError(
            f"{address} ended after {received} of {model.size} bytes (SHA-256 "
            f"{digest.hexdigest()}, {model.sha256} was expected); try again"
        )
    if digest.hexdigest() != model.sha256:
        raise ModelError(
            f"{address} is not the published {model.file}: its SHA-256 is {digest.hexdigest()}, "
            f"{model.sha256} was expected. It was not kept."
        )


def _is_published(model: ModelFile, path: Path) -> bool:
    try:
        return path.stat().st_size == model.size and sha256_hex(path.read_bytes()) == model.sha256
    except OSError:
        return False


def info() -> list[ModelRecord]:
    """What is known of every bundle on this machine. Reads files, no network."""
    version = mediapipe_version()
    records = []
    for model in REGISTRY.values():
        path = find(model.name)
        records.append(
            ModelRecord(
                name=model.name,
                landmarker=model.landmarker,
                size=model.size,
                licence=model.licence,
                url=model.url,
                path=path,
                present=path is not None,
                hash_ok=path is not None and _is_published(model, path),
                mediapipe=version,
            )
        )
    return records
