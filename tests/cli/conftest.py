"""Fixtures of the tests of the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hfs_vision.analysis import parallel, pipeline
from hfs_vision.cli import main
from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from tests.cli.support import VIDEO, Command, Outcome, StandIn, remux
from tests.golden.data import task_file
from tests.synthetic import Recording


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, and the bundle where Face Mesh is missing."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    bundle = task_file()
    if not carries_face_mesh() and bundle is not None:
        monkeypatch.setenv("HFS_VISION_MODELS", str(bundle.parent))


@pytest.fixture
def hfs(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs the command line in this process."""

    def run(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["hfs-vision", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn()
    monkeypatch.setattr(parallel, "open_landmarker", lambda *_, **__: made)
    return made


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first four seconds of a sample: one pull of the mouth, one blink."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    remux(VIDEO, path, until_s=4.0)
    return path


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results with two events, made without a model."""
    recording = Recording(20.0).lid(0, 12.0, 0.4).pull(1, 15.0, 1.5).both_lids(17.5)
    folder = tmp_path / "results"
    pipeline.detect(recording.jitter().measured()).save(folder)
    return folder
