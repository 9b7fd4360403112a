"""Nothing leaves the machine and nothing is written but what was asked for, by whatever library.

Each command runs under trace in a home of its own. docs/privacy.md tells the same to people.
"""

from __future__ import annotations

import errno
import http.cookiejar
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.render.video_writer import replacing
from hfs_vision.results.temp_folder import working_folder
from hfs_vision.support.interrupts import stop_on_signal
from tests.cli.support import remux
from tests.clips import write_clip
from tests.models_here import needs_face_mesh, needs_model
from tests.paths import ROOT, SAMPLES
from tests.privacy_support import Room, Trace, environment, needs_strace, tracee
from tests.synthetic import Recording

SAMPLE = SAMPLES / "left_eyelid_twitches.mp4"
PERSON = "smith-anna"
"""Name of the recording: it must not get into any result."""

EVENT = Recording(16.0).lid(0, 12.0, 0.4)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture
def clip(room: Room) -> Path:
    """Three seconds."""
    path = room.recordings / f"{PERSON}.mp4"
    remux(SAMPLE, path, until_s=3.0)
    return path


@pytest.fixture
def long_clip(room: Room, clip: Path) -> Path:
    """The same pictures over 96 s: enough for two worker processes."""
    path = room.recordings / f"{PERSON}-long.mp4"
    with av.open(str(clip)) as given, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts, packet.stream = 32 * packet.pts, 32 * packet.dts, stream
                made.mux(packet)
    return path


@pytest.fixture
def result(room: Room) -> Path:
    """A result that was not made by the command under test."""
    folder = room.folder / f"{PERSON}.results"
    detect(EVENT.measured()).save(folder)
    return folder


def assert_kept_in(room: Room, trace: Trace) -> None:
    """What docs/privacy.md says of every command."""
    assert trace.families <= {"AF_UNIX"}
    assert trace.addresses == set()
    assert_only_documented(room, trace)


def assert_only_documented(room: Room, trace: Trace) -> None:
    caches = [room.home / where / "matplotlib" for where in (".cache", ".config")]
    documented = [room.out, *caches, *(cache.parent for cache in caches), Path("/dev/null")]
    system = r"/dev/shm/(sem\.|pym-)[^/]+"  # counters that processes share
    # Python looks whether it can write there, by a file of five bytes that it removes at once.
    trial = rf"{re.escape(str(room.temporary))}/[a-z0-9_]{{8}}"
    odd = [
        path
        for path in trace.changed_outside(*documented)
        if not re.fullmatch(f"{system}|{trial}", str(path))
    ]
    assert odd == []
    assert list(room.temporary.iterdir()) == []
    kept = {path.name for path in room.home.rglob("*") if path.is_file()}
    assert all(re.fullmatch(r"fontlist-v[\d.]+\.json", name) for name in kept), kept
    assert {Path(program).name for program in trace.programs} <= {
        *(Path(sys.executable).name, "python", "python3"),
        "fc-list",  # Matplotlib asks for the fonts of the system
        "lscpu",  # NumPy for the processor
    }


def assert_private(folder: Path) -> None:
    """All that was made is the user's alone, and tells no name."""
    made = list(folder.rglob("*"))
    assert made
    for path in made:
        private = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == private, path
        assert PERSON not in path.name
        assert path.is_dir() or PERSON.encode() not in path.read_bytes(), path


@needs_strace
def test_the_trace_sees_what_a_program_and_its_threads_and_children_do(room: Room) -> None:
    code = (
        "import os, pathlib, socket, subprocess, tempfile, threading\n"
        "def work():\n"
        "    pathlib.Path.home().joinpath('note').write_text('')\n"
        "    subprocess.run(['touch', 'recordings/mark'])\n"
        "    try: socket.create_connection(('192.0.2.1', 9), 0.01)\n"
        "    except OSError: pass\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join()\n"
        "tempfile.NamedTemporaryFile(prefix='face-').close()\n"
        "tempfile.TemporaryFile(dir='recordings').close()"
    )
    with room.running(["-c", code]) as (process, trace):
        process.communicate()
    assert (trace.families, trace.addresses) == ({"AF_INET"}, {"192.0.2.1"})
    assert "touch" in {Path(program).name for program in trace.programs}
    changed = trace.changed_outside(room.out)
    assert {room.home / "note", room.recordings / "mark"} <= changed
    assert any(path.name.startswith("face-") for path in changed)
    assert room.recordings in trace.nameless


@needs_strace
@needs_model
class TestCommands:
    @needs_face_mesh
    def test_analyze_with_face_mesh(self, room: Room, clip: Path) -> None:
        trace = room.run(
            *("analyze", clip, "--landmarker", "facemesh"),
            *("--out", room.out / "a", "--annotated"),
        )
        assert (room.out / "a" / "annotated.mp4").exists()
        assert_kept_in(room, trace)
        assert_private(room.out / "a")

    def test_analyze_with_the_face_landmarker_in_two_processes(
        self, room: Room, long_clip: Path, task: Path
    ) -> None:
        trace = room.run(
            *("analyze", long_clip, "--landmarker", "facelandmarker", "--model", task),
            *("--workers", "2", "--no-report", "--out", room.out / "a"),
        )
        summary = json.loads((room.out / "a" / "summary.json").read_text())
        assert summary["speed"]["workers"] == 2
        assert_kept_in(room, trace)
        assert_private(room.out / "a")

    def test_live(self, room: Room, clip: Path) -> None:
        trace = room.run(
            *("live", "--no-display", "--file", clip, "--out", room.out / "a", "--record")
        )
        assert (room.out / "a" / "recording.mp4").exists()
        assert_kept_in(room, trace)
        assert_private(room.out / "a")

    def test_batch(self, room: Room, clip: Path) -> None:
        trace = room.run("batch", clip, "--out", room.out / "a", "--report", "--deidentify")
        assert (room.out / "a" / "rec-0001.results" / "report.html").exists()
        assert_kept_in(room, trace)
        assert_private(room.out / "a")

    def test_what_reads_a_result(self, room: Room, clip: Path, result: Path) -> None:
        out, diary = room.out / "a", room.out / "p.diary"
        out.mkdir(mode=0o700)
        formats = ("bids", "mne", "boris", "elan", "parquet")
        before = {path: path.read_bytes() for path in result.iterdir()}
        trace = room.run_all(
            ("check", clip),
            ("report", result, "--out", out / "report.html"),
            ("detect", result / "signals.csv", "--out", out / "detected"),
            ("clips", result, "--video", SAMPLE, "--out", out / "clips", "--sheet"),
            ("diary", "init", diary, "--person", "P1", "--affected", "left"),
            ("diary", "add", diary, result, "--date", "2026-03-01"),
            ("diary", "list", diary),
            ("diary", "trend", diary, "--out", out / "trend"),
            ("cohort", "table", diary, "--out", out / "cohort"),
            ("annotate", result, "--video", clip, "--out", out / "annotated.mp4"),
            *(("export", result, "--to", to, "--deidentify", "--out", out / to) for to in formats),
        )
        assert {path: path.read_bytes() for path in result.iterdir()} == before
        assert {path.name for path in out.iterdir()} == {
            *("report.html", "detected", "clips", "annotated.mp4", "trend", "cohort", *formats)
        }
        assert_kept_in(room, trace)
        assert_private(out)
        # The diary names the result's folder, which is how it is found again.
        assert stat.S_IMODE(diary.stat().st_mode) == 0o600


@needs_strace
class TestReview:
    def test_serves_this_machine_and_leaves_nothing_of_the_video(
        self, room: Room, result: Path
    ) -> None:
        pytest.importorskip("fastapi")
        video = room.recordings / f"{PERSON}.avi"
        write_clip(video, codec="mpeg4", ticks=range(0, 16_000, 400))  # no browser plays it
        arguments = ["-m", "hfs_vision", "review", str(result), "--video", str(video)]
        with room.running([*arguments, "--no-browser"]) as (process, trace):
            browser = urllib.request.build_opener(
                urllib.request.ProxyHandler({}),
                urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            )
            address = read_address(process)
            page = browser.open(address)
            assert b"<html" in page.read()
            site = page.url
            until = time.monotonic() + 60
            while state_of(browser, site) == "making":
                assert time.monotonic() < until
                time.sleep(0.1)
            assert state_of(browser, site) == "proxy"
            assert b"ftyp" in browser.open(f"{site}video").read(64)
            os.kill(tracee(process.pid), signal.SIGKILL)  # so that nothing can be tidied up
            process.communicate()
        assert trace.addresses == {"127.0.0.1"}
        assert trace.families <= {"AF_UNIX", "AF_INET"}
        assert room.temporary in trace.nameless  # the copy: gone with the process
        trace.changed -= {result / ".events.reviewed.csv.lock"}
        assert_only_documented(room, trace)


def read_address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert process.stderr is not None
    while line := process.stdout.readline():
        if found := re.search(r"http://127\.0\.0\.1\S+", line):
            return found[0]
    raise AssertionError(process.stderr.read())


def state_of(browser: urllib.request.OpenerDirector, site: str) -> str:
    return str(json.load(browser.open(f"{site}api/state"))["video"]["state"])


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed")
class TestAKilledProcess:
    """It cannot tidy up; what it has left of pictures is gone with the next one that begins."""

    def test_leaves_no_unfinished_video_for_long(self, tmp_path: Path) -> None:
        target = tmp_path / "annotated.mp4"
        code = (
            "import sys, time; from pathlib import Path\n"
            "from hfs_vision.render.video_writer import replacing\n"
            "with replacing(Path(sys.argv[1])) as path:\n"
            "    path.write_bytes(b'a face'); print(path, flush=True); time.sleep(600)"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, target], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout is not None
            unfinished = Path(process.stdout.readline().strip())
            assert unfinished.read_bytes() == b"a face"
            with replacing(tmp_path / "other.mp4") as path:
                path.write_bytes(b"another")
            assert unfinished.exists()  # it is at work
            process.kill()
        assert unfinished.exists()
        with replacing(tmp_path / "other.mp4") as path:
            path.write_bytes(b"another")
        assert [path.name for path in tmp_path.iterdir()] == ["other.mp4"]

    def test_takes_nothing_of_another_name_with_it(self, tmp_path: Path) -> None:
        (tmp_path / ".copy-mine").mkdir()  # without a lock: nobody's working folder
        (tmp_path / ".copy-file").write_text("kept")
        with working_folder(tmp_path, ".copy-") as made:
            assert stat.S_IMODE(made.stat().st_mode) == 0o700
        assert {path.name for path in tmp_path.iterdir()} == {".copy-mine", ".copy-file"}

    def test_is_told_from_one_at_work_by_a_lock_and_where_there_is_none_all_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr("hfs_vision.results.temp_folder.Lock.acquire", refuse)
        with working_folder(tmp_path, ".a-") as one, working_folder(tmp_path, ".a-") as other:
            assert {path.name for path in tmp_path.iterdir()} == {one.name, other.name}
        assert not list(tmp_path.iterdir())

    @needs_model
    def test_leaves_no_copy_of_what_a_url_led_to(self, tmp_path: Path) -> None:
        pytest.importorskip("fsspec")
        scratch = tmp_path / "out" / ".batch" / "scratch"
        command = [sys.executable, "-m", "hfs_vision", "batch", SAMPLE.as_uri()]
        with subprocess.Popen(
            [*command, "--out", tmp_path / "out"],
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=environment(),
        ) as process:
            wait_for(lambda: list(scratch.glob("*/recording.mp4")), process)
            process.kill()
        wait_for(lambda: not list(scratch.iterdir()))


def wait_for(
    condition: Callable[[], object], process: subprocess.Popen[bytes] | None = None
) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert process is None or process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="terminals that hang up")
class TestAClosedTerminal:
    def test_ends_work_as_ctrl_c_does(self) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests too may run under nohup
        try:
            with stop_on_signal() as caught:
                signal.raise_signal(signal.SIGHUP)
            assert caught == [signal.SIGHUP]
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_ends_nothing_under_nohup(self) -> None:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with stop_on_signal() as caught:
                signal.raise_signal(signal.SIGHUP)
            assert caught == []
        finally:
            signal.signal(signal.SIGHUP, before)


def test_no_sound_library_is_loaded_and_others_may_still_have_it() -> None:
    code = (
        "import sys; from hfs_vision.landmarks.native_output import without_sound\n"
        "with without_sound():\n"
        "    try: import sounddevice\n"
        "    except ImportError: print('none', end=' ')\n"
        "print('sounddevice' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "none False\n", done.stderr
