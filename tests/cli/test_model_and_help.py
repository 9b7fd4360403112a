"""``hfs-vision model`` and the help texts."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator

import click
import pytest

from hfs_vision.cli import cli
from hfs_vision.landmarks import model_files
from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from tests.cli.support import files_in

# Models


def test_model_info_lists_the_bundle_and_the_mediapipe(hfs):
    outcome = hfs("model", "info")
    assert outcome.code == 0
    assert "face_landmarker  for --landmarker facelandmarker" in outcome.out
    assert "3,758,596 bytes, Apache-2.0, https://" in outcome.out
    assert f"Face Mesh inside: {'yes' if carries_face_mesh() else 'no'}" in outcome.out


def test_model_info_lists_the_weights_of_our_own_with_size_and_hash(hfs):
    lines = hfs("model", "info").out.splitlines()
    for file in model_files.OWN_FILES:
        path = model_files.own_weights(file)
        data = path.read_bytes()
        row = lines.index(f"{file}  comes with hfs-vision")
        assert lines[row + 1].strip() == str(path)
        assert (
            lines[row + 2].strip() == f"{len(data):,} bytes, SHA-256 {model_files.sha256_hex(data)}"
        )


def test_model_info_says_which_weights_of_our_own_are_missing(hfs, tmp_path, monkeypatch):
    monkeypatch.setattr(model_files, "checkout_folder", lambda: tmp_path)
    outcome = hfs("model", "info")
    assert outcome.code == 1
    assert f"error: {tmp_path / model_files.OWN_FILES[0]} is missing; " in outcome.err
    assert "Traceback" not in outcome.err


def test_model_info_shows_where_a_bundle_is_and_whether_it_is_the_published_one(
    hfs, tmp_path, monkeypatch
):
    (tmp_path / "face_landmarker.task").write_text("something else")
    monkeypatch.setenv("HFS_VISION_MODELS", str(tmp_path))
    outcome = hfs("model", "info")
    assert f"{tmp_path / 'face_landmarker.task'}  (NOT the published file" in outcome.out


def test_model_fetch_without_network_says_within_seconds_how_to_place_the_file(hfs, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    outcome = hfs(
        "model", "fetch", "--url", f"http://127.0.0.1:{port}/a.task", "--dest", tmp_path / "models"
    )
    assert time.monotonic() - began < 5.0
    assert outcome.code == 1
    assert f"error: cannot fetch http://127.0.0.1:{port}/a.task" in outcome.err
    assert "To place the file by hand, download" in outcome.err
    assert str(tmp_path / "models" / "face_landmarker.task") in outcome.err
    assert "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff" in outcome.err
    assert "Traceback" not in outcome.err
    assert not files_in(tmp_path)


@pytest.mark.parametrize(
    ("options", "what", "code"),
    [
        (("no_such_model",), "unknown model 'no_such_model'", 1),
        (("--url", "ftp://a/b"), "ftp://a/b", 2),
    ],
)
def test_model_fetch_refuses_what_it_cannot_fetch(hfs, tmp_path, options, what, code):
    outcome = hfs("model", "fetch", "--dest", tmp_path / "models", *options)
    assert outcome.code == code
    assert what in outcome.err
    assert not files_in(tmp_path)


# Help


def test_version_is_that_of_the_package(hfs):
    outcome = hfs("--version")
    assert outcome.code == 0
    assert re.search(r"\b\d+\.\d+\.\d+\b", outcome.out)


HELP = {
    (): ["analyze", "detect", "simulate", "model", "subject's own", "not a medical device"],
    ("analyze",): [
        "[default: NAME.results", "[default: auto]", "[default: 0.25 s]", "[default: 10 s]",
        "fractions of its width", "Frames per second", "interocular distances",
        "[default: all processors but one]", "interocular distances", "deg", "Ctrl-C",
    ],
    ("live",): [
        "--camera",
        "a part of its name",
        "rtsp://",
        "--realtime",
        "first 10 seconds",
        "marks.csv",
        "--no-display",
        "--protocol clinical",
        "[default: 640x480]",
        "[default: 0.15]",
    ],
    ("cameras",): ["index and name"],
    ("protocol",): ["--csv"],
    ("detect",): ["[default: 0.15]", "[default: 1 s]", "interocular", "no video is needed"],
    ("simulate",): ["Seconds of", "Frames/s", "px", "[default: left_eyelid_twitches]", "truth.csv"],
    ("model",): ["info", "fetch"],
    ("model", "info"): ["where they are"],
    ("model", "fetch"): ["SHA-256", "the only command that uses the network"],
}  # fmt: skip


@pytest.mark.parametrize("command", HELP, ids=" ".join)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_tells_units_and_defaults(hfs, command, flag, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    outcome = hfs(*command, flag)
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    for part in HELP[command]:
        assert part in text
    assert "\x1b" not in text


def test_every_option_is_explained():
    def walk(command: click.Command) -> Iterator[tuple[str, click.Option]]:
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield command.name, parameter
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                yield from walk(command.get_command(context, name))

    options = list(walk(cli))
    assert len(options) > 30
    unexplained = {f"{name} {o.opts[0]}" for name, o in options if not o.help}
    assert unexplained == set()
