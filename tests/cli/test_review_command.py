"""``hfs-vision review``: what it refuses, and how it ends."""

import importlib.util
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

import httpx

from hfs_vision.results import read_reviewed
from hfs_vision.web.security import TOKEN_HEADER

NOT_MINE = "onset_s,duration_s,side,region\n9,1,left,eye\n"


class TestWhatIsRefused:
    def test_no_result(self, hfs, tmp_path):
        done = hfs("review", tmp_path, "--no-browser")
        assert done.code == 2
        assert "holds no events.csv" in done.message

    def test_a_video_that_is_not_there(self, hfs, results):
        done = hfs("review", results, "--no-browser", "--video", "nowhere.mp4")
        assert done.code == 2
        assert "nowhere.mp4 does not exist" in done.message

    def test_a_reviewer_without_a_name(self, hfs, results):
        done = hfs("review", results, "--no-browser", "--reviewer", "  ")
        assert done.code == 2
        assert "--reviewer is empty" in done.message

    def test_the_programs_own_tables_as_the_file_of_corrections(self, hfs, results):
        before = (results / "events.csv").read_bytes()
        done = hfs("review", results, "--no-browser", "--file", results / "events.csv")
        assert done.code == 2
        assert (results / "events.csv").read_bytes() == before

    def test_a_missing_library(self, hfs, results, monkeypatch):
        find = importlib.util.find_spec
        monkeypatch.setattr(
            "hfs_vision.errors.find_spec", lambda name: None if name == "uvicorn" else find(name)
        )
        done = hfs("review", results, "--no-browser")
        assert done.code == 2
        assert 'pip install "hfs-vision[review]"' in done.message

    def test_a_port_that_there_is_not(self, hfs, results):
        assert hfs("review", results, "--no-browser", "--port", "70000").code == 2


@contextmanager
def running(folder):
    command = [sys.executable, "-m", "hfs_vision", "review", str(folder), "--no-browser"]
    with subprocess.Popen(
        [*command, "--no-report"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder.parent,
    ) as process:
        try:
            found = None
            while found is None:
                line = process.stdout.readline()
                assert line, process.stderr.read()
                found = re.search(r"(http://\S+)/\?token=(\S+)", line)
            with httpx.Client(base_url=found[1], headers={TOKEN_HEADER: found[2]}) as client:
                yield process, client
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent to the process")
class TestTheEnd:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_comes_with_a_signal_and_says_where_the_corrections_are(self, results, number):
        with running(results) as (process, client):
            assert client.post("/api/events/1", json={"verdict": "accepted"}).status_code == 200
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "1 of 2 events looked at; they are in events.reviewed.csv" in out
        assert "Traceback" not in err
        assert not list(results.glob(".writing*"))

    def test_says_that_nothing_was_changed(self, results):
        with running(results) as (process, _):
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
        assert "nothing was changed" in out
        assert not (results / "events.reviewed.csv").exists()

    def test_waits_for_a_second_signal_where_something_is_not_saved_and_rescues_it(self, results):
        with running(results) as (process, client):
            (results / "events.reviewed.csv").write_text(NOT_MINE)
            told = client.post("/api/events/1", json={"verdict": "rejected"}).json()
            assert told["unsaved"]
            process.send_signal(signal.SIGINT)
            line = process.stderr.readline()
            while "NOT SAVED" not in line:
                assert line
                line = process.stderr.readline()
            assert client.get("/api/state").status_code == 200
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        assert process.returncode == 1
        assert "could not be saved in their place" in err
        assert (results / "events.reviewed.csv").read_text() == NOT_MINE
        (rescued,) = results.glob("*rescued*.csv")
        assert [row.verdict for row in read_reviewed(rescued)] == ["rejected", ""]
