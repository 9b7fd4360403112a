"""Signals, streams and exit codes of the real process."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hfs_vision.analysis import parallel
from hfs_vision.analysis.result import RESULT_FILES
from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from hfs_vision.results import read_events
from hfs_vision.schema import Frame
from tests.cli.support import SAMPLE, VIDEO, Outcome, StandIn, nothing_written, posix_only, remux
from tests.golden.data import event_file
from tests.models_here import needs_model

# Interrupting


class Running:
    """The program in a process of its own, its standard error on a terminal."""

    def __init__(self, *arguments: object) -> None:
        import pty

        self._terminal, end = pty.openpty()
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-m", "hfs_vision", *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=end, env=environment, start_new_session=True
        )
        os.close(end)
        self.shown = ""

    def _read(self, timeout_s: float) -> bool:
        """Takes up what has been shown; false once the terminal is closed."""
        if not select.select([self._terminal], [], [], timeout_s)[0]:
            return True
        try:
            data = os.read(self._terminal, 1 << 16)
        except OSError:  # what Linux says at the end
            data = b""
        self.shown += data.decode(errors="replace")
        return bool(data)

    def wait_for_frames(self, frames: int, timeout_s: float = 90.0) -> None:
        """Until the bar shows that so many frames are done."""
        until = time.monotonic() + timeout_s
        while max(map(int, re.findall(r"(\d+)/\d+", self.shown)), default=0) < frames:
            assert time.monotonic() < until, self.shown
            assert self._read(0.2), self.shown

    def end(self, timeout_s: float = 60.0) -> Outcome:
        until = time.monotonic() + timeout_s
        while self._read(0.1):
            assert time.monotonic() < until, self.shown
        out = self.process.stdout.read().decode()
        return Outcome(self.process.wait(timeout=timeout_s), out, self.shown)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        os.close(self._terminal)


@pytest.fixture
def started() -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def start(*arguments: object) -> Running:
        running.append(Running(*arguments))
        return running[-1]

    yield start
    for one in running:
        one.close()


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five minutes: a sample ten times."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    remux(VIDEO, path, times=10)
    return path


@needs_model
@posix_only
def test_ctrl_c_keeps_the_events_up_to_that_moment_and_exits_130(started, long_video):
    running = started("analyze", long_video, "--out", "results")
    running.wait_for_frames(480)
    running.process.send_signal(signal.SIGINT)
    outcome = running.end()
    assert outcome.code == 130
    assert "Traceback" not in outcome.err
    assert "stopped before the end: the results are marked as partial" in outcome.err
    assert {p.name for p in Path("results").iterdir()} == {*RESULT_FILES, "report.html"}
    summary = json.loads(Path("results/summary.json").read_text())
    assert summary["partial"] is True
    end_s = summary["end_s"]
    assert 16.0 <= end_s < 100.0
    assert summary["frames"] == pytest.approx(end_s * 30, abs=1)
    # After the first round the end of the sample meets its start: that is not asked for.
    until_s = min(end_s, 30.0) - 1.0
    found = [e for e in read_events(Path("results/events.csv")) if e.offset_s < until_s]
    landmarker = "facemesh" if carries_face_mesh() else "facelandmarker"
    expected = [e for e in read_events(event_file(SAMPLE, landmarker)) if e.offset_s < until_s]
    assert [(e.side, e.kind) for e in found] == [(e.side, e.kind) for e in expected]
    assert [e.onset_s for e in found] == pytest.approx([e.onset_s for e in expected], abs=0.07)
    assert len(found) >= 4


@needs_model
@posix_only
def test_a_termination_signal_keeps_the_events_too_and_exits_143(started, long_video):
    running = started("analyze", long_video, "--out", "results")
    running.wait_for_frames(64)
    running.process.send_signal(signal.SIGTERM)
    outcome = running.end()
    assert outcome.code == 143
    assert "Traceback" not in outcome.err
    assert json.loads(Path("results/summary.json").read_text())["partial"] is True


def test_a_second_ctrl_c_ends_at_once_and_writes_nothing(hfs, stand_in):
    seen: list[int] = []

    def twice(frame: Frame) -> None:
        seen.append(frame.index)
        if frame.index in (40, 41):  # within one chunk, so that nothing asks in between
            signal.raise_signal(signal.SIGINT)

    stand_in.before = twice
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    outcome = hfs("analyze", VIDEO, "--out", "results")
    assert outcome.code == 130
    assert "interrupted" in outcome.message
    assert seen[-1] == 41
    assert nothing_written()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_ctrl_c_before_the_first_frame_is_no_error_of_the_video(hfs, stand_in, monkeypatch):
    def interrupted(*_: object, **__: object) -> StandIn:
        signal.raise_signal(signal.SIGINT)  # while the model is loaded
        return stand_in

    monkeypatch.setattr(parallel, "open_landmarker", interrupted)
    outcome = hfs("analyze", VIDEO, "--out", "results")
    assert outcome.code == 130
    assert "usable frame" not in outcome.err
    assert "nan" not in outcome.out
    summary = json.loads(Path("results/summary.json").read_text())
    assert (summary["partial"], summary["frames"]) == (True, 0)


@needs_model
@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_simulating_leaves_no_file(started, number):
    running = started("simulate", "out.mp4", "--duration", 600, "--size", 256)
    until = time.monotonic() + 90
    while not re.search(r" [1-9]\d*/\d+ ", running.shown):
        assert time.monotonic() < until, running.shown
        assert running._read(0.2), running.shown
    running.process.send_signal(number)
    outcome = running.end()
    assert outcome.code == 128 + number
    assert "Traceback" not in outcome.err
    assert nothing_written()


@posix_only
def test_a_termination_signal_leaves_nothing_of_a_short_command(hfs, results, monkeypatch):
    def terminated(handle: object, **_: object) -> None:
        signal.raise_signal(signal.SIGTERM)  # in the middle of writing

    monkeypatch.setattr("hfs_vision.analysis.result.write_signals", terminated)
    handler = signal.getsignal(signal.SIGTERM)
    outcome = hfs("detect", results / "signals.csv", "--out", "out")
    assert outcome.code == 143
    assert "interrupted" in outcome.message
    assert not list(Path("out").iterdir())
    assert signal.getsignal(signal.SIGTERM) == handler


@posix_only
def test_ctrl_c_while_libraries_are_loaded_is_one_line():
    code = (
        "import signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'numpy':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "sys.argv = ['hfs-vision', 'guide']\n"
        "from hfs_vision.__main__ import main\n"
        "assert 'numpy' not in sys.modules\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_memory_that_runs_out_is_one_line(hfs, monkeypatch, error):
    def too_much(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("hfs_vision.cli.analyze.analyze", too_much)
    outcome = hfs("analyze", VIDEO, "--out", "results")
    assert outcome.code == 1
    assert "memory ran out" in outcome.message


# The program as a process


def process(*arguments: object) -> Outcome:
    done = subprocess.run(
        [sys.executable, "-m", "hfs_vision", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@needs_model
def test_the_process_keeps_standard_error_for_warnings_and_ends_with_0(clip):
    outcome = process("analyze", clip, "--out", "results")
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "warning: short recording (4 s of valid time): rates per minute are uncertain below 60 s"
    ]
    assert "mouth_pull" in outcome.out


def test_a_terminal_that_lacks_the_letters_of_a_name_gets_it_escaped(results, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    outcome = process("detect", results / "signals.csv", "--out", "Лицо")
    assert outcome.code == 0
    assert "Traceback" not in outcome.err
    assert "eyelid_twitch" in outcome.out
    assert r"are in \u041b\u0438\u0446\u043e" in outcome.out
    assert {p.name for p in Path("Лицо").iterdir()} == {*RESULT_FILES, "report.html"}


def test_a_failed_process_says_one_line_and_ends_with_its_code(tmp_path):
    (tmp_path / "empty.mp4").touch()
    outcome = process("analyze", tmp_path / "empty.mp4")
    assert outcome.code == 1
    assert (
        outcome.err
        == f"error: {tmp_path / 'empty.mp4'} is empty (0 bytes): record or copy it again\n"
    )
    assert outcome.out == ""
    assert nothing_written()


def test_a_wrong_call_of_the_process_ends_with_2():
    outcome = process("analyze", "missing.mp4")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.message == "error: missing.mp4 does not exist: check the path"


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        ("libGL.so.1: cannot open shared object file", "apt-get install libgl1"),
        ("No module named 'cv2'", "No module named 'cv2'"),
    ],
)
def test_a_library_that_cannot_be_loaded_is_one_line(monkeypatch, problem, hint):
    from hfs_vision.__main__ import main as start

    monkeypatch.setitem(sys.modules, "hfs_vision.cli", None)

    def fail(*_: object, **__: object) -> None:
        raise ImportError(problem)

    monkeypatch.setattr("builtins.__import__", fail)
    with pytest.raises(SystemExit) as ended:
        start()
    monkeypatch.undo()
    assert str(ended.value.code).startswith(f"error: a library cannot be loaded: {problem}")
    assert hint in str(ended.value.code)


def test_a_library_that_a_command_cannot_load_is_one_line():
    program = "import sys; sys.modules['av'] = None; from hfs_vision.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "analyze", "x.mp4"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: a library cannot be loaded: import of av halted")
    assert done.stderr.count("\n") == 1


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_of_which_a_library_makes_another_error_is_an_interruption(number):
    program = (
        "import os, hfs_vision.cli as c\n"
        "def command(**_):\n"
        "    try:\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "    except KeyboardInterrupt:\n"
        "        raise ValueError('an affine matrix') from None\n"
        "c.cli = command\n"
        "c.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (128 + number, "error: interrupted\n")
