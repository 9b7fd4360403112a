"""What is recorded, and what is left of it when the program is killed or the disk is full."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from hfs_vision.schema import Frame
from hfs_vision.video import Recorder, open_source
from tests import clips
from tests.paths import ROOT

TICK_S = 1 / 90_000


def put_all(recorder: Recorder, frames: list[Frame]) -> None:
    """As fast as they are written."""
    for number, frame in enumerate(frames):
        recorder.put(frame)
        deadline = time.monotonic() + 20
        while recorder.recorded + recorder.dropped <= number and not recorder.error:
            assert time.monotonic() < deadline
            time.sleep(0.0005)


def frames_at(times: list[float], size: tuple[int, int] = (96, 64)) -> list[Frame]:
    return [Frame(i, time_s, clips.picture(i, *size)) for i, time_s in enumerate(times)]


@pytest.mark.parametrize("start_s", [0.0, 0.011, 3.217283, 4000.5])
def test_each_frame_is_read_back_at_its_time(tmp_path: Path, start_s: float) -> None:
    steps = np.random.default_rng(1).uniform(0.01, 0.08, 120)
    times = [round(float(t), 6) for t in start_s + np.cumsum(steps) - steps[0]]
    recorder = Recorder(tmp_path / "a.mp4")
    put_all(recorder, frames_at(times))
    recorder.close()
    with open_source(tmp_path / "a.mp4") as source:
        read = list(source)
    assert [f.time_s for f in read] == pytest.approx(times, abs=TICK_S)
    assert [clips.read_grey(f.rgb) for f in read] == [i % 16 for i in range(120)]
    assert source.stats.warnings() == []
    assert (recorder.recorded, recorder.dropped, recorder.error) == (120, 0, "")


def test_an_odd_size_and_one_that_changes(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.mp4")
    frames = frames_at([0.0, 0.1], (97, 65)) + frames_at([0.2, 0.3], (192, 128))
    put_all(recorder, frames)
    recorder.close()
    with open_source(tmp_path / "a.mp4") as source:
        read = list(source)
    assert [f.rgb.shape for f in read] == [(64, 96, 3)] * 4
    assert [clips.read_grey(f.rgb) for f in read] == [0, 1, 0, 1]
    assert clips.read_corners(read[3].rgb) == {name: name for name in clips.CORNERS}


def test_times_that_do_not_increase_are_dropped(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.mp4")
    put_all(recorder, frames_at([0.0, 0.1, 0.1, 0.100001, 0.05, 0.2]))
    recorder.close()
    assert recorder.dropped == 3
    with open_source(tmp_path / "a.mp4") as source:
        assert [f.time_s for f in source] == pytest.approx([0.0, 0.1, 0.2], abs=TICK_S)


def test_put_never_waits_and_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    frames = [Frame(i, i / 30, clips.noisy_picture(i % 4, 1280, 720)) for i in range(200)]
    recorder = Recorder(tmp_path / "a.mp4")
    began = time.monotonic()
    for frame in frames:
        recorder.put(frame)
    assert time.monotonic() - began < 1.0  # to write them takes longer
    recorder.close()
    assert recorder.dropped > 0
    assert recorder.recorded + recorder.dropped == 200
    with open_source(tmp_path / "a.mp4") as source:
        assert len(list(source)) == recorder.recorded


def test_no_frame_leaves_no_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "a.mp4")
    recorder.close()
    recorder.close()
    recorder.put(frames_at([0.0])[0])
    assert list(tmp_path.iterdir()) == []
    assert recorder.error == ""


def test_a_folder_that_is_missing_is_made_private(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "none" / "a.mp4")
    for frame in frames_at([i / 10 for i in range(20)]):
        recorder.put(frame)
    recorder.close()
    assert recorder.error == ""
    assert (tmp_path / "none").stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_made_stops_the_recording_alone(tmp_path: Path) -> None:
    (tmp_path / "none").write_text("")
    recorder = Recorder(tmp_path / "none" / "a.mp4")
    for frame in frames_at([i / 10 for i in range(100)]):
        recorder.put(frame)
    recorder.close()
    assert "a.mp4 cannot be written (File exists)" in recorder.error


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of a file's size")
def test_a_disk_that_is_full_stops_the_recording_alone(tmp_path: Path) -> None:
    code = """
        import resource, sys
        from pathlib import Path
        from hfs_vision.video import Recorder
        from tests.video.test_recording import frames_at, put_all

        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
        recorder = Recorder(Path(sys.argv[1]))
        put_all(recorder, frames_at([i / 10 for i in range(100)]))
        recorder.close()
        print(recorder.recorded, recorder.error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), tmp_path / "a.mp4"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    recorded, error = done.stdout.split(" ", 1)
    assert "File too large" in error
    assert 0 < int(recorded) < 100


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
@pytest.mark.parametrize("kind", ["link", "hard link"])
def test_a_link_in_its_place_is_replaced_and_what_it_leads_to_stays(
    tmp_path: Path, kind: str
) -> None:
    (tmp_path / "mine.mp4").write_bytes(b"another face")
    if kind == "link":
        (tmp_path / "a.mp4").symlink_to(tmp_path / "mine.mp4")
    else:
        (tmp_path / "a.mp4").hardlink_to(tmp_path / "mine.mp4")
    recorder = Recorder(tmp_path / "a.mp4", lossless=True)
    put_all(recorder, frames_at([i / 10 for i in range(3)]))
    recorder.close()
    assert recorder.error == ""
    assert (tmp_path / "mine.mp4").read_bytes() == b"another face"
    assert stat.S_IMODE((tmp_path / "a.mp4").lstat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_what_a_killed_program_recorded_can_be_read(tmp_path: Path) -> None:
    code = f"""
        import itertools, sys, time
        sys.path.insert(0, {str(ROOT)!r})
        from tests import clips
        from pathlib import Path
        from hfs_vision.schema import Frame
        from hfs_vision.video import Recorder

        recorder = Recorder(Path("a.mp4"))
        start = time.monotonic()
        for index in itertools.count():
            recorder.put(Frame(index, index / 30, clips.noisy_picture(index)))
            print(index / 30, flush=True)
            time.sleep(max(start + (index + 1) / 30 - time.monotonic(), 0))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as program:
        last_s = 0.0
        while last_s < 4.5:
            last_s = float(program.stdout.readline())
        program.kill()
    with open_source(tmp_path / "a.mp4") as source:
        read = [f.time_s for f in source]
    assert read == pytest.approx(np.arange(len(read)) / 30, abs=TICK_S)
    assert last_s - 2.0 <= read[-1] <= last_s + 1.0
