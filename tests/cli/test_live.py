"""``hfs-vision live`` and ``cameras``: what cannot work is said in one line, before anything."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hfs_vision.results import read_events, read_signals
from tests.cli.support import VIDEO, nothing_written, posix_only
from tests.live_support import start_live
from tests.mjpeg_server import MjpegServer
from tests.models_here import needs_model
from tests.paths import ROOT

needs_a_machine_without_cameras = pytest.mark.skipif(
    any(Path("/dev").glob("video*")), reason="this machine has a camera"
)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--camera", "0", "--url", "http://127.0.0.1/"], ["--camera", "--url", "--file"]),
        (["--realtime"], ["--realtime", "--file"]),
        (["--size", "huge"], ["'huge'", "1280x720"]),
        (["--file", VIDEO, "--fps", "30"], ["--fps"]),
        (["--file", "missing.mp4"], ["missing.mp4"]),
        (["--url", "file:///etc/passwd"], ["--file"]),
        (["--url", "camera.local"], ["http://", "rtsp://"]),
        (["--protocol", "nothing", "--file", VIDEO], ["nothing", "clinical"]),
        (["--duration", "0"], ["--duration"]),
        (["--closure-threshold", "7", "--file", VIDEO], ["closure"]),
        (["--landmarker", "none"], ["--landmarker"]),
    ],
)
def test_a_wrong_call_says_what_to_do(hfs, arguments, words):
    outcome = hfs("live", "--no-display", *arguments)
    assert outcome.code == 2
    assert all(word in outcome.err for word in words), outcome.err
    assert "Traceback" not in outcome.err
    assert nothing_written()


@needs_a_machine_without_cameras
@pytest.mark.parametrize("camera", [[], ["--camera", "7"], ["--camera", "Logitech"]])
@needs_model
def test_no_such_camera(hfs, camera):
    outcome = hfs("live", "--no-display", *camera)
    assert outcome.code == 2
    assert "camera" in outcome.message
    assert nothing_written()


@needs_a_machine_without_cameras
def test_no_camera_is_listed_where_there_is_none(hfs):
    outcome = hfs("cameras")
    assert outcome.code == 0
    assert outcome.out == ""
    assert "no camera" in outcome.err


@needs_model
def test_results_that_are_there_are_kept(hfs):
    Path("out").mkdir()
    Path("out/marks.csv").write_text("mine")
    outcome = hfs("live", "--no-display", "--file", VIDEO, "--out", "out")
    assert outcome.code == 2
    assert "--force" in outcome.message
    assert Path("out/marks.csv").read_text() == "mine"


@needs_model
def test_without_a_display_a_window_is_refused(hfs, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform in ("win32", "darwin"):
        pytest.skip("these systems always have a display")
    outcome = hfs("live", "--file", VIDEO)
    assert outcome.code == 2
    assert "--no-display" in outcome.message
    assert nothing_written()


@needs_model
def test_a_camera_that_refuses(hfs):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = hfs("live", "--no-display", "--url", f"http://eve:secret@127.0.0.1:{port}/")
    assert outcome.code == 1
    assert "127.0.0.1" in outcome.message
    assert "secret" not in outcome.err
    assert nothing_written()


@posix_only
@needs_model
def test_ctrl_c_while_a_camera_is_waited_for(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes calls and says nothing
        port = silent.getsockname()[1]
        process = start_live(tmp_path / "out", "--url", f"http://127.0.0.1:{port}/")
        connection, _ = silent.accept()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        connection.close()
    assert process.returncode == 130
    assert not (tmp_path / "out").exists()


@needs_model
def test_a_wrong_password(hfs):
    with MjpegServer(VIDEO, auth="eve:right") as server:
        outcome = hfs("live", "--no-display", "--url", server.url.replace("//", "//eve:wrong@"))
    assert outcome.code == 1
    assert "password" in outcome.message
    assert "wrong" not in outcome.err
    assert nothing_written()


@needs_model
def test_the_events_come_line_by_line_and_the_counts_at_the_end(hfs):
    outcome = hfs("live", "--no-display", "--file", VIDEO, "--out", "out")
    assert outcome.code == 0
    told = [line.split() for line in outcome.out.splitlines() if " s  right  " in line]
    events = read_events(Path("out/events.csv"))
    assert sorted(float(line[0]) for line in told) == [round(e.onset_s, 2) for e in events]
    assert "One-sided movements" in outcome.out
    assert not Path("out/segments.csv").exists()
    assert "segments.csv" not in outcome.out.splitlines()[-1]


@needs_model
def test_a_protocol_gives_a_table_of_segments(hfs):
    Path("tasks.csv").write_text("label,prompt,seconds\nrest,Rest,12\ntalking,Talk,8\n")
    outcome = hfs(
        "live", "--no-display", "--file", VIDEO, "--out", "out", "--protocol", "tasks.csv"
    )
    assert outcome.code == 0
    assert "Segments" in outcome.out
    assert {"rest", "talking"} <= set(outcome.out.split("Segments")[1].split())
    again = hfs("detect", "out/signals.csv", "--out", "again")
    assert again.code == 0
    for name in ("events.csv", "segments.csv", "counts.csv", "signals.csv"):
        assert Path("again", name).read_text() == Path("out", name).read_text(), name
    live, detected = (json.loads(Path(f, "summary.json").read_text()) for f in ("out", "again"))
    assert detected["live"] == live["live"]
    assert live["live"]["protocol"] == "own"  # no name of a file


FULL = """
import resource, signal, sys, threading, time
from pathlib import Path

def fill():
    signals = Path("out/signals.csv")
    while not signals.exists() or signals.stat().st_size < 60_000:
        time.sleep(0.005)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (signals.stat().st_size, hard))

threading.Thread(target=fill, daemon=True).start()
sys.argv = ["hfs-vision", "live", "--no-display", "--out", "out", "--file", sys.argv[1]]
from hfs_vision.__main__ import main
main()
"""


@posix_only
@needs_model
def test_a_disk_that_fills_up_is_said_and_the_session_goes_on_counting(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(VIDEO)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "large" in done.stderr  # EFBIG: what the system says of this limit
    assert "error: " in done.stderr
    assert done.stdout.count(" s  right  ") >= 9  # still told
    logged = read_signals(Path("out/signals.csv"))
    assert len(logged) > 100
    assert done.stderr.count("error: ") == 1
