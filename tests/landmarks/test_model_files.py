"""A model file is the published one or it is refused, and fetching leaves nothing half done.

Fetching is tested against a real HTTP server on this machine.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hfs_vision.errors import ModelError, UsageError
from hfs_vision.landmarks import model_files
from hfs_vision.landmarks.model_files import (
    FACE_LANDMARKER,
    ModelFile,
    fetch,
    find,
    info,
    read,
    sha256_hex,
)
from tests.paths import ROOT

MEMBERS = ("a.tflite", "b.tflite")


def bundle(*members: str, content: bytes = bytes(range(256)) * 900) -> bytes:
    """A zip file with these members, stored as MediaPipe stores them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for member in members:
            archive.writestr(zipfile.ZipInfo(member), content)
    return packed.getvalue()


GOOD = bundle(*MEMBERS)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Server:
    """Answers by path; ``/hang`` never does, ``/short`` promises more than it sends."""

    def __init__(self) -> None:
        outer = self
        self.requests: list[str] = []
        self.release = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False  # so that closing waits for the answers
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if request.path == "/missing":
            request.send_error(404)
            return
        body = {"/other": GOOD[:-1] + b"!", "/long": GOOD + b"!"}.get(request.path, GOOD)
        request.send_response(200)
        if request.path != "/unsized":
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.path in ("/short", "/hang", "/unsized"):
            body = body[: len(body) // 2]
        with contextlib.suppress(OSError):
            request.wfile.write(body)
        if request.path == "/hang":
            self.release.wait(20)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{path}"

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def small(server: Server, monkeypatch: pytest.MonkeyPatch) -> ModelFile:
    """A registry whose one entry is served by the local server."""
    entry = ModelFile(
        name="small",
        file="small.task",
        url=server.url("good"),
        sha256=sha256_hex(GOOD),
        size=len(GOOD),
        licence="Apache-2.0",
        landmarker="facelandmarker",
        members=MEMBERS,
    )
    monkeypatch.setattr(model_files, "REGISTRY", {"small": entry})
    return entry


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which models are looked for."""
    made = tmp_path / "models"
    monkeypatch.setattr(model_files, "search_folders", lambda: (made,))
    return made


# Fetching


def test_fetch_brings_the_published_bytes_and_reports_progress(
    small: ModelFile, folder: Path
) -> None:
    seen: list[tuple[int, int]] = []
    path = fetch("small", progress=lambda done, whole: seen.append((done, whole)))
    assert path == folder / "small.task"
    assert path.read_bytes() == GOOD
    assert names(folder) == ["small.task"]
    assert seen[-1] == (len(GOOD), len(GOOD))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert len(seen) > 1


def test_fetch_asks_for_nothing_where_the_right_file_is_there(
    small: ModelFile, folder: Path, server: Server
) -> None:
    folder.mkdir()
    (folder / "small.task").write_bytes(GOOD)
    assert fetch("small") == folder / "small.task"
    assert server.requests == []


@pytest.mark.parametrize("damage", [b"", GOOD[:-1], GOOD[:-1] + b"!"], ids=["empty", "cut", "bit"])
def test_fetch_replaces_a_damaged_file(small: ModelFile, folder: Path, damage: bytes) -> None:
    folder.mkdir()
    (folder / "small.task").write_bytes(damage)
    assert fetch("small").read_bytes() == GOOD


def test_fetch_takes_another_folder_and_address(
    small: ModelFile, folder: Path, tmp_path: Path, server: Server
) -> None:
    path = fetch("small", tmp_path / "deep" / "er", url=server.url("mirror"))
    assert path == tmp_path / "deep" / "er" / "small.task"
    assert server.requests == ["/mirror"]
    assert not folder.exists()


@pytest.mark.parametrize("path", ["other", "long"])
def test_fetch_refuses_other_content_and_names_both_hashes(
    small: ModelFile, folder: Path, server: Server, path: str
) -> None:
    folder.mkdir()
    (folder / "small.task").write_bytes(b"what was there before")
    with pytest.raises(ModelError) as caught:
        fetch("small", url=server.url(path))
    served = GOOD[:-1] + b"!" if path == "other" else GOOD + b"!"
    assert sha256_hex(served) in str(caught.value)
    assert small.sha256 in str(caught.value)
    assert names(folder) == ["small.task"]
    assert (folder / "small.task").read_bytes() == b"what was there before"


@pytest.mark.parametrize("path", ["short", "unsized", "missing"])
def test_fetch_of_a_cut_or_missing_body_leaves_nothing(
    small: ModelFile, folder: Path, server: Server, path: str
) -> None:
    with pytest.raises(ModelError, match=r"404|ended after|IncompleteRead"):
        fetch("small", url=server.url(path))
    assert names(folder) == []


def test_fetch_gives_a_silent_server_up_and_says_how_to_place_the_file(
    small: ModelFile, folder: Path, server: Server
) -> None:
    begun = time.monotonic()
    with pytest.raises(ModelError) as caught:
        fetch("small", url=server.url("hang"), timeout_s=0.3)
    assert time.monotonic() - begun < 5
    assert "timed out" in str(caught.value)
    assert names(folder) == []


def test_fetch_without_a_network_says_how_to_place_the_file(small: ModelFile, folder: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    begun = time.monotonic()
    with pytest.raises(ModelError) as caught:
        fetch("small", url=f"http://127.0.0.1:{port}/")
    assert time.monotonic() - begun < 5
    for part in (small.url, str(folder / "small.task"), small.sha256, "refused", "by hand"):
        assert part in str(caught.value)
    assert names(folder) == []


def test_fetch_that_is_interrupted_leaves_what_was_there(small: ModelFile, folder: Path) -> None:
    folder.mkdir()
    (folder / "small.task").write_bytes(b"old")

    def interrupt(done: int, whole: int) -> None:
        assert len(names(folder)) == 2  # the temporary file is in the same folder
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("small", progress=interrupt)
    assert names(folder) == ["small.task"]
    assert (folder / "small.task").read_bytes() == b"old"


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://x/y", "no address", ""])
def test_fetch_refuses_an_address_that_is_not_http(
    small: ModelFile, folder: Path, address: str
) -> None:
    if not address:
        assert fetch("small", url=address).is_file()  # none given
        return
    with pytest.raises(UsageError, match=r"not an http|the URL holds a space"):
        fetch("small", url=address)


def test_fetch_into_a_folder_that_cannot_be_made_says_so(small: ModelFile, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="by hand"):
        fetch("small", tmp_path / "file")


def test_an_unknown_model_is_named_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"'yolo'.*face_landmarker"):
        fetch("yolo")


# Finding and reading


def test_models_are_looked_for_in_the_named_folder_the_checkout_and_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFS_VISION_MODELS", str(tmp_path / "named"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(model_files.sys, "platform", "linux")
    monkeypatch.setattr(
        model_files,
        "__file__",
        str(tmp_path / "src" / "hfs_vision" / "landmarks" / "model_files.py"),
    )
    cache = tmp_path / "cache" / "hfs-vision" / "models"
    assert model_files.search_folders() == (tmp_path / "named", cache)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "pyproject.toml").write_text("")
    assert model_files.search_folders() == (tmp_path / "named", tmp_path / "src" / "models", cache)
    monkeypatch.delenv("HFS_VISION_MODELS")
    assert model_files.search_folders() == (tmp_path / "src" / "models", cache)
    for folder in model_files.search_folders():
        folder.mkdir(parents=True)
        (folder / FACE_LANDMARKER.file).write_bytes(b"x")
    assert find("face_landmarker") == tmp_path / "src" / "models" / FACE_LANDMARKER.file


@pytest.mark.parametrize(
    ("platform", "variable", "inside"),
    [
        ("linux", "XDG_CACHE_HOME", ".cache"),
        ("darwin", "XDG_CACHE_HOME", "Library/Caches"),
        ("win32", "LOCALAPPDATA", "AppData/Local"),
    ],
)
def test_the_cache_follows_the_custom_of_the_platform(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, variable: str, inside: str
) -> None:
    monkeypatch.setattr(model_files.sys, "platform", platform)
    monkeypatch.setattr(model_files.Path, "home", classmethod(lambda cls: tmp_path))
    monkeypatch.delenv(variable, raising=False)
    assert model_files.cache_folder() == tmp_path / inside / "hfs-vision" / "models"


def test_a_model_that_is_found_nowhere_is_asked_for(small: ModelFile, folder: Path) -> None:
    with pytest.raises(ModelError, match="hfs-vision model fetch"):
        read("small")


def test_the_published_file_is_read_with_its_hash(small: ModelFile, folder: Path) -> None:
    path = fetch("small")
    assert read("small") == (path, GOOD, small.sha256)


def test_a_found_file_that_is_not_the_published_one_is_refused_with_both_hashes(
    small: ModelFile, folder: Path
) -> None:
    other = bundle(*MEMBERS, content=b"another version")
    folder.mkdir()
    (folder / "small.task").write_bytes(other)
    with pytest.raises(ModelError) as caught:
        read("small")
    assert sha256_hex(other) in str(caught.value)
    assert small.sha256 in str(caught.value)


def test_another_version_is_taken_when_its_path_is_given_and_has_its_own_hash(
    small: ModelFile, tmp_path: Path
) -> None:
    other = bundle(*MEMBERS, content=b"another version")
    path = tmp_path / "mine.task"
    path.write_bytes(other)
    assert read("small", path) == (path, other, sha256_hex(other))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "truncated, or is not", id="empty"),
        pytest.param(GOOD[: len(GOOD) // 2], "truncated, or is not", id="truncated"),
        pytest.param(b"\x89PNG" + bytes(5000), "truncated, or is not", id="another type"),
        pytest.param(bundle("a.tflite"), "holds no b.tflite", id="bundle of another task"),
        pytest.param(GOOD.replace(b"\x10\x11\x12", b"\x10\x00\x12", 1), "damaged", id="a bit"),
    ],
)
def test_a_file_that_is_no_bundle_is_refused_by_its_name(
    small: ModelFile, tmp_path: Path, content: bytes, says: str
) -> None:
    path = tmp_path / "mine.task"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=says) as caught:
        read("small", path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("path", ["missing.task", "."])
def test_a_path_that_is_missing_or_a_folder_is_refused(
    small: ModelFile, tmp_path: Path, path: str
) -> None:
    with pytest.raises(ModelError, match=r"does not exist|cannot be read"):
        read("small", tmp_path / path)


# What there is


def test_info_tells_missing_from_damaged_from_right(small: ModelFile, folder: Path) -> None:
    (missing,) = info()
    assert (missing.name, missing.path, missing.present, missing.hash_ok) == (
        "small",
        None,
        False,
        False,
    )
    folder.mkdir()
    (folder / "small.task").write_bytes(GOOD[:-3])
    (damaged,) = info()
    assert (damaged.path, damaged.present, damaged.hash_ok) == (folder / "small.task", True, False)
    fetch("small")
    (right,) = info()
    assert (right.present, right.hash_ok, right.size) == (True, True, len(GOOD))
    assert right.landmarker == "facelandmarker"
    assert right.mediapipe is not None
    assert right.mediapipe.startswith("0.10.")


def test_the_registry_describes_the_true_bundle() -> None:
    shared = ROOT / "shared" / "models" / FACE_LANDMARKER.file
    path = find("face_landmarker") or shared
    if not path.is_file():
        pytest.skip("face_landmarker.task is not here")
    _, data, digest = read("face_landmarker", path)
    assert len(data) == FACE_LANDMARKER.size
    assert digest == FACE_LANDMARKER.sha256
