"""What several test files need: paths of the material beside the project, or a skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.data import SHARED, task_file


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
