"""No socket is opened where the user asked for none, by whatever library it may be."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hfs_vision.facemesh import carries_face_mesh
from tests.golden.data import SAMPLES, task_file

pytestmark = [
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
    pytest.mark.skipif(
        not carries_face_mesh() and task_file() is None, reason="no landmark model is here"
    ),
]
VIDEO = SAMPLES / "left_eyelid_twitches.mp4"


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", VIDEO, "--workers", "2"),
        ("live", "--no-display", "--file", VIDEO),
        ("batch", VIDEO, "--jobs", "1"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_network_is_used(tmp_path: Path, arguments: tuple[object, ...]) -> None:
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(trace)]
    command += [sys.executable, "-m", "hfs_vision", *map(str, arguments)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    calls = trace.read_text().splitlines()
    assert [call for call in calls if re.search(r"AF_INET|sa_family=AF_(?!UNIX)", call)] == []
