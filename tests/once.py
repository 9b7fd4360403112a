"""What takes long to make, made once for all processes that run tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hfs_vision.results.locks import Lock


def once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` has filled, in this process or in another one of pytest-xdist."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder = shared / name
    with Lock(shared / f"{name}.lock", wait_s=None):
        if not folder.exists():
            make(folder)
    return folder
