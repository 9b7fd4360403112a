"""Which landmark models this machine has: marks for the tests that need one."""

from __future__ import annotations

import pytest

from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from tests.golden.data import task_file

needs_face_mesh = pytest.mark.skipif(
    not carries_face_mesh(), reason="this MediaPipe carries no Face Mesh"
)
needs_model = pytest.mark.skipif(
    not carries_face_mesh() and task_file() is None, reason="no landmark model is here"
)
needs_task = pytest.mark.skipif(task_file() is None, reason="face_landmarker.task is not here")
