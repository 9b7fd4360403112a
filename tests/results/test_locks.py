"""Locks between processes, and what a prepared file in a lock's place can do."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hfs_vision.results.locks import BusyError, Lock

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="links and modes of POSIX")


def test_is_held_by_one_at_a_time_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with Lock(path):
        with pytest.raises(BusyError):
            Lock(path).acquire()
        if sys.platform != "win32":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Lock(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_is_waited_for_and_released_in_another_thread(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / ".lock"), Lock(tmp_path / ".lock", wait_s=None)
    first.acquire()
    waiting = threading.Thread(target=second.acquire)
    waiting.start()
    first.release()
    waiting.join(60)
    assert not waiting.is_alive()
    with pytest.raises(BusyError):
        first.acquire()
    second.release()
    second.release()


def test_many_processes_are_never_in_it_together(tmp_path: Path) -> None:
    # Each adds 1 to a number that it reads and writes in two steps; removing the file of a lock
    # while others wait for it must let none of them in twice.
    (tmp_path / "n").write_text("0")
    code = (
        "import sys, pathlib; from hfs_vision.results.locks import Lock\n"
        "place = pathlib.Path(sys.argv[1])\n"
        "for _ in range(150):\n"
        "    with Lock(place / '.lock', wait_s=None):\n"
        "        n = int((place / 'n').read_text()); (place / 'n').write_text(str(n + 1))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert (tmp_path / "n").read_text() == "450"


def test_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from hfs_vision.results.locks import Lock\n"
        "Lock(pathlib.Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdout.readline().strip() == b"held"
        with pytest.raises(BusyError):
            Lock(tmp_path / ".lock").acquire()
        process.kill()
    with Lock(tmp_path / ".lock"):
        pass


@needs_posix
class TestPreparedFile:
    def test_link_is_refused_and_its_target_stays(self, tmp_path: Path) -> None:
        (tmp_path / "mine").write_text("kept")
        (tmp_path / ".lock").symlink_to(tmp_path / "mine")
        with pytest.raises(OSError, match="link"):
            Lock(tmp_path / ".lock").acquire()
        assert (tmp_path / "mine").read_text() == "kept"
        assert (tmp_path / ".lock").is_symlink()

    def test_link_that_leads_nowhere_makes_nothing(self, tmp_path: Path) -> None:
        (tmp_path / ".lock").symlink_to(tmp_path / "new")
        with pytest.raises(OSError, match="link"):
            Lock(tmp_path / ".lock").acquire()
        assert not (tmp_path / "new").exists()

    def test_hard_link_and_a_file_with_content_stay_as_they_were(self, tmp_path: Path) -> None:
        mine = tmp_path / "mine"
        mine.write_text("kept")
        mine.chmod(0o644)
        (tmp_path / ".lock").hardlink_to(mine)
        with Lock(tmp_path / ".lock"):
            pass
        assert (tmp_path / ".lock").read_text() == mine.read_text() == "kept"
        assert stat.S_IMODE(mine.stat().st_mode) == 0o644

    def test_pipe_or_folder_is_refused_at_once(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "folder").mkdir()
        for name in ("pipe", "folder"):
            with pytest.raises(OSError, match=r"not a file|directory"):
                Lock(tmp_path / name).acquire()
