"""What several test files need: paths of the material beside the project, or a skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.data import SHARED, task_file

REAL_TIME = (
    "browser/test_live_page.py",
    "cli/test_check.py",
    "cli/test_live.py",
    "test_capture.py",
    "test_live.py",
    "test_recording.py",
    "test_stream.py",
    "test_web_live.py",
    "test_window.py",
)
"""Tests of what must keep up with a camera's clock: they run after the others, by themselves."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them, so that all others can run several at a time."""
    tests = Path(__file__).parent
    for item in items:
        if item.path in {tests / name for name in REAL_TIME}:
            item.add_marker(pytest.mark.real_time)


@pytest.fixture
def shared() -> Path:
    """The folder of test material beside the project, which a user's machine does not have."""
    if not SHARED.is_dir():
        pytest.skip("the folder shared/ is not beside the project")
    return SHARED


@pytest.fixture
def task() -> Path:
    """The FaceLandmarker's bundle."""
    path = task_file()
    if path is None:
        pytest.skip("face_landmarker.task is not here")
    return path
