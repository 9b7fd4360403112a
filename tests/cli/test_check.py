"""``hfs-vision check`` and ``guide``: verdicts, exit codes, and files from the command line."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hfs_vision.quality import TOPICS
from hfs_vision.schema import Frame
from tests import clips
from tests.cli.support import VIDEO, nothing_written, posix_only
from tests.mjpeg_server import MjpegServer
from tests.models_here import needs_model
from tests.paths import ROOT


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["VIDEO", "--camera", "--url"]),
        ([VIDEO, "--camera", "0"], ["VIDEO", "--camera"]),
        (["missing.mp4"], ["missing.mp4"]),
        ([VIDEO, "--size", "640x480"], ["--size"]),
        (["--camera", "0", "--size", "huge"], ["huge", "1280x720"]),
        (["--url", "http://127.0.0.1:1/", "--fps", "30"], ["--fps"]),
        (["--url", "camera.local"], ["http://"]),
        ([VIDEO, "--seconds", "0"], ["--seconds"]),
        ([VIDEO, "--fps", "30"], ["fps"]),
    ],
)
@needs_model
def test_a_wrong_call_says_what_to_do(hfs, arguments, words):
    outcome = hfs("check", *arguments)
    assert outcome.code == 2
    assert all(word in outcome.err for word in words), outcome.err
    assert "Traceback" not in outcome.err
    assert nothing_written()


@needs_model
def test_a_good_recording_ends_in_plain_words_and_code_0(hfs):
    outcome = hfs("check", VIDEO, "--seconds", "3")
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1].startswith("Good to go.")
    assert "!! fix" not in outcome.out
    assert all(name in outcome.out for name in TOPICS.values())
    assert nothing_written()


@needs_model
def test_what_must_be_mended_is_a_word_and_code_1(hfs):
    clips.write_clip(Path("clip.mp4"), ticks=range(0, 2000, 100))
    outcome = hfs("check", "clip.mp4")
    assert outcome.code == 1
    assert "!! fix" in outcome.out
    assert outcome.out.splitlines()[-1].startswith("Fix first: face in view.")
    assert outcome.err == ""


@needs_model
def test_json_is_strict_and_names_no_file(hfs):
    assert hfs("check", VIDEO, "--seconds", "2", "--json", "found.json").code == 0
    text = Path("found.json").read_text(encoding="utf-8")
    assert VIDEO.stem not in text
    values = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    assert values["good"] is True
    assert {f["topic"] for f in values["findings"]} == set(TOPICS)
    assert next(f["value"] for f in values["findings"] if f["topic"] == "mirror") is None
    again = hfs("check", VIDEO, "--json", "found.json")
    assert again.code == 2
    assert "--force" in again.message
    assert Path("found.json").read_text(encoding="utf-8") == text


@needs_model
def test_a_network_camera_is_looked_at_as_it_comes(hfs):
    with MjpegServer(VIDEO) as server:
        outcome = hfs("check", "--url", server.url, "--seconds", "2", "--json", "found.json")
    assert "face in view" in outcome.out
    values = json.loads(Path("found.json").read_text(encoding="utf-8"))
    found = {f["topic"]: f for f in values["findings"]}
    assert 1.0 < values["seconds"] <= 2.2
    assert found["face"]["verdict"] == found["size"]["verdict"] == "ok"
    assert 15.0 < found["rate"]["value"] < 45.0
    assert {"length", "cuts", "history"}.isdisjoint(found)
    assert "127.0.0.1" not in outcome.out + json.dumps(values)


@needs_model
def test_a_slow_camera_must_be_mended(hfs):
    pictures = [Frame(i, i / 8, np.full((64, 96, 3), 60 + i, np.uint8)) for i in range(60)]
    with MjpegServer(pictures) as server:
        outcome = hfs("check", "--url", server.url, "--seconds", "2", "--json", "found.json")
    assert outcome.code == 1
    values = json.loads(Path("found.json").read_text(encoding="utf-8"))
    assert {f["topic"]: f["verdict"] for f in values["findings"]}["rate"] == "fix"


@needs_model
def test_a_camera_that_refuses_is_one_line_without_the_password(hfs):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = hfs("check", "--url", f"http://eve:secret@127.0.0.1:{port}/")
    assert outcome.code == 1
    assert "127.0.0.1" in outcome.message
    assert "secret" not in outcome.err


@posix_only
@needs_model
def test_ctrl_c_shows_what_was_seen(tmp_path):
    with MjpegServer(VIDEO) as server:
        process = subprocess.Popen(
            [sys.executable, "-m", "hfs_vision", "check", "--url", server.url, "--seconds", "60"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        while len(server.sent_s) < 75:  # past the camera's first second
            assert process.poll() is None
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "before it was stopped" in out
    assert "Traceback" not in err


def test_the_guide_is_numbered_and_says_what_the_program_is_not(hfs):
    outcome = hfs("guide")
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    assert all(f" {number} " in text for number in range(1, 12))
    assert "60 frames per second" in text
    assert "not a medical device" in text


def test_help_names_both_commands(hfs):
    text = hfs("--help").out
    assert "hfs-vision guide" in text
    assert "hfs-vision check" in text
