"""What differs on Windows and macOS, as far as Linux can play it; see docs/portability.md."""

from __future__ import annotations

import ast
import importlib.util
import re
import signal
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from hfs_vision.batch.names import unique_names
from hfs_vision.batch.sources import BatchRecording
from hfs_vision.support.interrupts import stop_on_signal
from hfs_vision.video import camera
from tests.paths import ROOT

PACKAGE = ROOT / "hfs_vision"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def module_on(platform: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of its own, as it is where Python says that this is the platform."""
    monkeypatch.setattr(sys, "platform", platform)
    spec = importlib.util.spec_from_file_location(f"on_{platform}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("platform", "interfaces"),
    [
        ("linux", (cv2.CAP_V4L2,)),
        ("darwin", (cv2.CAP_AVFOUNDATION,)),
        ("win32", (cv2.CAP_MSMF, cv2.CAP_DSHOW)),
        ("freebsd14", (cv2.CAP_ANY,)),
    ],
)
def test_cameras_are_listed_by_the_interfaces_of_the_system(platform, interfaces, monkeypatch):
    asked = []
    known = {
        cv2.CAP_MSMF: [(1, "Webcam", "usb#1")],
        cv2.CAP_DSHOW: [(0, "Webcam", "usb#1"), (3, "Virtual camera", "")],
    }

    def cameras(interface: int) -> list[SimpleNamespace]:
        asked.append(interface)
        return [
            SimpleNamespace(index=index, name=name, path=path)
            for index, name, path in known.get(interface, [])
        ]

    lister = SimpleNamespace(enumerate_cameras=cameras)
    monkeypatch.setitem(sys.modules, "cv2_enumerate_cameras", lister)
    there = module_on(platform, Path(camera.__file__), monkeypatch)
    found = there.list_cameras()
    assert tuple(asked) == interfaces
    if platform == "win32":  # the webcam that both know once, by the first
        assert [(c.index, c.name, c.backend) for c in found] == [
            (1, "Webcam", cv2.CAP_MSMF),
            (3, "Virtual camera", cv2.CAP_DSHOW),
        ]


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("aux", "_aux"),
        ("Com1", "_Com1"),
        ("nul.old", "_nul.old"),
        ("console", "console"),
        ('a:b?c"d', "a_b_c_d"),
        ("a\\b", "a_b"),
        ("line\nbreak", "line_break"),
        ("visit 1 (left)", "visit 1 (left)"),
        ("Ωμέγα", "Ωμέγα"),
    ],
)
def test_a_batch_gives_names_that_a_folder_can_have_on_every_system(stem, name):
    given = unique_names([BatchRecording("", "", (), stem, ".mp4", 0)], set())
    assert given == [name]


def test_names_that_become_alike_are_told_apart():
    recordings = [
        BatchRecording("", str(n), (), stem, ".mp4", 0) for n, stem in enumerate(["a:b", "a?b"])
    ]
    assert len({name.casefold() for name in unique_names(recordings, set())}) == 2


def test_ctrl_c_is_noted_where_the_terminal_sends_no_hangup(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(signal, "SIGHUP")
    with stop_on_signal() as caught:
        signal.raise_signal(signal.SIGINT)
    assert caught == [signal.SIGINT]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_text_is_utf_8_and_processes_are_begun_alike_on_every_system(path):
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func)
        given = {word.arg for word in call.keywords}
        modes = [a.value for a in call.args if isinstance(a, ast.Constant)]
        texts = not any(isinstance(mode, str) and "b" in mode for mode in modes)
        if name.endswith((".read_text", ".write_text")):
            assert "encoding" in given, f"line {call.lineno}: {name} in the system's encoding"
        if "newline" in given and texts:
            assert "encoding" in given, f"line {call.lineno}: {name} in the system's encoding"
        assert not name.startswith(("os.fork", "os.killpg", "os.getuid")), name
        if name.endswith("get_context"):
            assert modes == ["spawn"], f"line {call.lineno}: other systems cannot fork"


def test_the_lock_holds_what_pyproject_asks_for_each_with_hashes_and_from_nowhere_in_particular():
    text = (PACKAGE.parent / ".ci" / "lock.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    locked: dict[str, list[Version]] = {}
    for entry in entries:
        requirement = Requirement(entry.partition(" \\\n")[0])
        assert "--hash=sha256:" in entry, requirement
        (exact,) = requirement.specifier
        locked.setdefault(requirement.name, []).append(Version(exact.version))
    assert not re.search(r"://|index-url|find-links|trusted-host", text)
    tomllib = pytest.importorskip("tomllib")  # of Python 3.11
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    asked += [one for name in extras if name not in ("dev", "fuzz", "ci") for one in extras[name]]
    for requirement in map(Requirement, asked):
        if requirement.name != "hfs-vision":
            versions = locked[requirement.name.lower().replace("_", "-")]
            found = any(requirement.specifier.contains(version) for version in versions)
            assert found, f"{requirement}: .ci/lock writes the lock anew"
