"""What a wheel and an sdist hold besides Python: read off ``pyproject.toml``, nothing is built."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hfs_vision import models
from hfs_vision.appearance import FILES

tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")

ROOT = Path(__file__).resolve().parents[1]


def targets() -> dict:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["tool"]["hatch"]["build"]["targets"]


def test_a_wheel_brings_the_weights_of_our_own_and_no_other_file():
    forced = targets()["wheel"]["force-include"]
    assert forced == {f"models/{file}": f"hfs_vision/weights/{file}" for file in FILES}


def test_the_weights_are_where_the_wheel_is_made_from():
    for file in FILES:
        assert (ROOT / "models" / file).is_file()


def test_an_installed_package_looks_where_the_wheel_puts_them(tmp_path, monkeypatch):
    for place in targets()["wheel"]["force-include"].values():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"weights")
    monkeypatch.setattr(models, "__file__", str(tmp_path / "hfs_vision" / "models.py"))
    assert [models.own_weights(file).read_bytes() for file in FILES] == [b"weights"] * len(FILES)


def test_an_sdist_brings_models_but_not_what_others_publish_or_what_training_leaves():
    made = targets()["sdist"]
    assert "models" in made["include"]
    assert {"models/*.task", "models/*.pt"} <= set(made["exclude"])
