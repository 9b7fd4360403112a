"""What is released: wheel and sdist are built as a release builds them, and the wheel is run."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest

from hfs_vision.landmarks.patch_networks import FILES
from tests.cli.support import VIDEO, remux
from tests.golden.data import task_file
from tests.models_here import needs_model
from tests.once import once
from tests.paths import ROOT

pytest.importorskip("build", reason='pip install "hfs-vision[test]" brings what builds the wheel')

DATA = {".onnx", ".html", ".css", ".js", ".svg", ".md", ".csv", ".typed", ".ini", ".mako"}
"""Endings of what the program reads at run time besides Python."""


@dataclass(frozen=True)
class Built:
    wheel: Path
    sdist: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sdist, and the wheel out of the sdist."""

    def build(folder: Path) -> None:
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)

    folder = once(tmp_path_factory, "released", build)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with nothing but the wheel, and what it depends on."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False)
    scheme = "nt" if os.name == "nt" else "posix_prefix"  # Python 3.10 has none called "venv"
    paths = sysconfig.get_paths(scheme, vars={"base": str(place), "platbase": str(place)})
    python = Path(paths["scripts"]) / Path(sys.executable).name
    options = ("--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "--python", python, "install", *options, built.wheel)
    # The libraries are those of this environment. A .pth file that another one leads to is not
    # read, so an editable install of the project is not seen from there.
    libraries = Path(paths["purelib"]) / "libraries.pth"
    libraries.write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python.parent


def run(*command: object, cwd: Path | None = None) -> str:
    """What a program prints; it fails the test with all of that where it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    bundle = task_file()
    if bundle is not None:
        environment["HFS_VISION_MODELS"] = str(bundle.parent)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_wheel_holds_the_package_whole_and_nothing_else(built):
    source = ROOT / "hfs_vision"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in source.rglob("*")
        if path.suffix == ".py" or path.suffix in DATA
    }
    wanted |= {f"hfs_vision/weights/{file}" for file in FILES}
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        for file in FILES:
            assert wheel.read(f"hfs_vision/weights/{file}") == (ROOT / "models" / file).read_bytes()
    assert names == wanted
    assert {
        "hfs_vision/py.typed",
        "hfs_vision/report/page.html",
        "hfs_vision/web/static/review.js",
        "hfs_vision/quality/guide.md",
        "hfs_vision/live/clinical.csv",
    } <= names


def test_the_sdist_brings_what_the_tests_and_the_docs_need_but_not_what_others_publish(built):
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {
        "CITATION.cff",
        "LICENSE",
        ".ci/run",
        ".mkdocs.yml",
        "docs/tutorial.md",
        "models/eye_closure.md",
        "models/training/networks.py",
        "sample_videos/right_hemifacial_spasms.mp4",
        "tests/test_packaging.py",
    } <= names
    assert not {name for name in names if name.endswith((".task", ".pt", ".pyc"))}


def test_the_version_is_said_once_and_everywhere_the_same(built, installed):
    said = built.wheel.name.split("-")[1]
    assert built.sdist.name == f"hfs_vision-{said}.tar.gz"
    assert run(installed / "hfs-vision", "--version").split()[-1] == said
    assert version("hfs-vision") == said
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {said}\n" in cited
    assert f"({said})" in (ROOT / "docs" / "CHANGELOG.md").read_text(encoding="utf-8")


@needs_model
def test_an_installed_wheel_analyses_a_recording_from_anywhere(installed, tmp_path):
    script = "import hfs_vision; print(hfs_vision.__file__)"
    where = run(installed / "python", "-c", script, cwd=tmp_path).strip()
    assert Path(where).is_relative_to(installed.parent)
    remux(VIDEO, tmp_path / "clip.mp4", until_s=4.0)
    printed = run(installed / "hfs-vision", "analyze", "clip.mp4", cwd=tmp_path)
    assert "mouth_pull" in printed
    made = tmp_path / "clip.results"
    assert "right,mouth,mouth_pull" in (made / "events.csv").read_text(encoding="utf-8")
    assert "<svg" in (made / "report.html").read_text(encoding="utf-8")


def test_an_installed_wheel_finds_its_own_weights(installed, tmp_path):
    printed = run(installed / "hfs-vision", "model", "info", cwd=tmp_path)
    for file in FILES:
        assert f"{file}  comes with hfs-vision\n" in printed
    assert printed.count(str(Path("hfs_vision") / "weights")) == len(FILES)
    assert str(ROOT) not in printed.replace(str(task_file()), "")
