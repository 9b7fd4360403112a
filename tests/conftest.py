"""What several test files need: paths of the material beside the project, or a skip."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from tests.golden.data import SHARED, task_file

REAL_TIME = (
    "browser/test_live_page.py",
    "cli/test_check.py",
    "cli/test_live.py",
    "video/test_capture.py",
    "live/test_live.py",
    "video/test_recording.py",
    "video/test_stream.py",
    "web/test_live.py",
    "live/test_window.py",
)
"""Tests of what must keep up with a camera's clock: they run after the others, by themselves."""


# How long an example takes tells of the machine, not of the program.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

_TIMES = 10 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 1
"""So many times as many examples of each property; see .ci/nightly."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them, so that all others can run several at a time; raises the examples."""
    tests = Path(__file__).parent
    for item in items:
        if item.path in {tests / name for name in REAL_TIME}:
            item.add_marker(pytest.mark.real_time)
        if _TIMES > 1 and hypothesis.is_hypothesis_test(getattr(item, "obj", None)):
            test = item.obj  # type: ignore[attr-defined]
            test = getattr(test, "__func__", test)
            own = getattr(test, "_hypothesis_internal_use_settings", hypothesis.settings())
            test._hypothesis_internal_use_settings = hypothesis.settings(
                own, max_examples=_TIMES * own.max_examples
            )


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
