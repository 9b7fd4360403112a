"""Requests of `batch`, `model fetch` and cameras go where they were sent; passwords stay hidden."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hfs_vision.batch.sources import local_copy
from hfs_vision.errors import ModelError, SourceError, UsageError
from hfs_vision.landmarks import model_files
from hfs_vision.support.http_client import parse_address
from tests.cli.support import posix_only
from tests.video.test_stream_kinds import VIDEO, Camera

JUNK = ["http://[::1", "http://[", "http://a b/", "http://\0/", "http://\udcff/", "http://h:0/"]
JUNK += ["http://h:99999/", "http://h:x/", "http://\x1b]52;c;eA==\x07/", "rtsp://[v1.x/", "\u202e"]


@pytest.mark.parametrize("text", JUNK, ids=ascii)
def test_what_is_no_address_is_one_error(text):
    with pytest.raises(UsageError, match="the URL"):
        parse_address(text)
    with pytest.raises(UsageError):
        model_files.fetch(url=text, dest=Path("/nowhere"))


class TestABatch:
    @staticmethod
    def copied(camera: Camera, name: str, scratch: Path) -> bytes:
        url = camera.url.replace("//", "//u:s3cret@") + name
        with local_copy(url, scratch, lambda: False) as copy:
            return copy.read_bytes()

    def test_copies_what_an_address_leads_to(self, tmp_path):
        script = {"/a.mp4": (200, {}, b"abcde"), "/b.mp4": (302, {"Location": "/a.mp4"}, b"")}
        with Camera(script).running() as camera:
            assert self.copied(camera, "/b.mp4", tmp_path) == b"abcde"

    def test_is_not_led_elsewhere_nor_content_with_less(self, tmp_path):
        script = {
            "/a.mp4?k=s3cret": (302, {"Location": "http://localhost:1/x?k=s3cret"}, b""),
            "/b.mp4?k=s3cret": (200, {"Content-Length": "9"}, b"abcde"),
        }
        with Camera(script).running() as camera:
            with pytest.raises(SourceError, match=r"leads to .* http://localhost:1/x:") as led:
                self.copied(camera, "/a.mp4?k=s3cret", tmp_path)
            with pytest.raises(SourceError, match="ended after 5 of 9 bytes") as ended:
                self.copied(camera, "/b.mp4?k=s3cret", tmp_path)
        assert "s3cret" not in f"{led.value}{ended.value}"
        assert not list(tmp_path.rglob("*.mp4"))


def test_a_model_is_not_fetched_from_elsewhere(tmp_path):
    other = Camera({"/m": (200, {}, b"x")})
    with other.running(), Camera({}).running() as camera:
        camera.script = {"/m": (302, {"Location": f"{other.url}/m"}, b"")}
        with pytest.raises(ModelError, match="leads to another address"):
            model_files.fetch(url=f"{camera.url}/m", dest=tmp_path)
        assert other.log == []
    assert list(tmp_path.iterdir()) == []


class TestThePasswordOfACamera:
    """`check` is asked, which ends with its error; what was sent to the camera is what counts."""

    @pytest.fixture
    def camera(self):
        camera = Camera({"/video": VIDEO})
        camera.login, camera.challenge = re.compile("never"), ['Basic realm="c"']
        with camera.running():
            yield camera

    @staticmethod
    def run(*arguments, **options) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **options.pop("environment", {})}
        command = [sys.executable, "-m", "hfs_vision", "check", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, env=environment, **options
        )

    @staticmethod
    def check(camera: Camera, done) -> None:
        assert done.returncode == 1
        assert "asks for a password or refuses this one" in done.stderr
        assert camera.log[-1][1] == "Basic bWU6czMvY3JAdA=="  # me:s3/cr@t
        assert "s3/cr" not in done.stdout + done.stderr
        assert "s3%2F" not in done.stdout + done.stderr

    def test_comes_from_the_environment(self, camera):
        url = camera.url.replace("//", "//me@") + "/video"
        given = {"HFS_VISION_CAMERA_PASSWORD": "s3/cr@t"}
        done = self.run("--url", url, environment=given)
        self.check(camera, done)
        assert "note:" not in done.stderr

    @pytest.mark.parametrize("standard_input", [False, True])
    def test_comes_from_a_file(self, camera, tmp_path, standard_input):
        url = camera.url.replace("//", "//me:s3%2Fcr%40t@") + "/video\n"
        file = tmp_path / "camera"
        file.write_text(url)
        more = {"input": url} if standard_input else {}
        done = self.run("--url-file", "-" if standard_input else file, **more)
        self.check(camera, done)
        assert "note:" not in done.stderr

    def test_on_the_command_line_is_warned_of(self, camera):
        url = camera.url.replace("//", "//me:s3%2Fcr%40t@") + "/video"
        done = self.run("--url", url)
        self.check(camera, done)
        assert "note:" in done.stderr

    @posix_only
    def test_is_asked_for_at_a_terminal_and_not_shown(self, camera):
        import pty

        process, terminal = pty.fork()
        if not process:  # a session of its own: the password is read from its terminal
            url = camera.url.replace("//", "//me@") + "/video"
            os.execv(sys.executable, [sys.executable, "-m", "hfs_vision", "check", "--url", url])
        shown = b""
        while b"Password of the camera" not in shown:
            shown += os.read(terminal, 4096)
        time.sleep(0.2)  # until the echo is off
        os.write(terminal, b"s3/cr@t\n")
        try:
            while block := os.read(terminal, 4096):
                shown += block
        except OSError:
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        done = subprocess.CompletedProcess([], code, "", shown.decode())
        self.check(camera, done)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--url", "http://me@h/"], "names a user and no password"),
            (["--url", "http://h/", "--url-file", "a"], "one of --url and --url-file"),
            (["--url-file", "/nowhere"], "cannot be read"),
            (["--url-file", "/dev/null"], "empty line"),
            (["--url-file", sys.executable], "it is no text"),
            (["--url-file", "."], "cannot be read"),
        ],
    )
    def test_that_cannot_be_had_is_a_wrong_call(self, arguments, words):
        done = self.run(*arguments, stdin=subprocess.DEVNULL)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert words in done.stderr
