"""A real window on a display of its own, a real keyboard, and what comes of both."""

from __future__ import annotations

import ctypes
import math
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.errors import UsageError
from hfs_vision.live.frame_view import draw
from hfs_vision.live.hints import hints
from hfs_vision.live.view import View
from hfs_vision.live.window import Action, Window
from tests.synthetic import Recording

PATIENCE_S = 60.0
TITLE = "window under test"

SESSION = """
import sys, time
sys.path.insert(0, sys.argv[1])
from test_window import TITLE, some_view
from hfs_vision.live.window import Action, Window

window, view = Window(TITLE), some_view()
actions = []
print("open", flush=True)
while Action("quit") not in actions:
    actions = window.show(view)
    for action in actions:
        print(action.kind, action.label, flush=True)
    time.sleep(0.01)
window.close()
window.close()
assert window.show(view) == [Action("quit")]
print("closed", flush=True)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs an X server")
needs_display = pytest.mark.skipif(
    shutil.which("Xvfb") is None or shutil.which("xdotool") is None,
    reason="Xvfb or xdotool is not installed",
)


def some_view() -> View:
    """Noise in front of the camera, and a face's mesh of two points."""
    rng = np.random.default_rng(5)
    landmarks = np.full((478, 3), 240.0)
    landmarks[::2] = 400.0
    return View(
        rgb=rng.integers(0, 256, (480, 640, 3), dtype=np.uint8),
        landmarks=landmarks,
        time_s=12.0,
        elapsed_s=12.0,
        valid_s=11.0,
        fps=30.0,
        counts=(),
        ongoing=frozenset({("right", "eye")}),
        trace=Signals.empty(),
        events=(),
        hints=("Too dark: more light on the face",),
    )


class Screen:
    """A display that nobody sees."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "Xvfb_screen0"
        read, write = os.pipe()
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24"]
        command += ["-nolisten", "tcp", "-fbdir", str(folder)]
        self._server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        self.name = f":{number}"
        self.env = {**os.environ, "DISPLAY": self.name}
        self.env.pop("WAYLAND_DISPLAY", None)

    def stop(self) -> None:
        self._server.terminate()
        self._server.wait()

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.env, capture_output=True, text=True, check=True, timeout=PATIENCE_S
        )
        return done.stdout

    def picture(self) -> NDArray[np.uint8]:
        """What is on the screen, BGR: the frame buffer is a file in the form of ``xwd``."""
        content = self._file.read_bytes()
        header = np.frombuffer(content, dtype=">u4", count=25).tolist()
        start, width, height, row, colours = (header[i] for i in (0, 4, 5, 12, 19))
        pixels = np.frombuffer(content, np.uint8, row * height, start + 12 * colours)
        return pixels.reshape(height, row // 4, 4)[:, :width, :3]


class Session:
    """A process that shows a window and tells what was asked of it."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._process = subprocess.Popen(
            [sys.executable, "-c", SESSION, str(Path(__file__).parent)],
            env=screen.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        try:
            assert self.line() == "open"
            found = screen.run("xdotool", "search", "--sync", "--name", TITLE)
            self.window = found.split()[0]
            screen.run("xdotool", "windowfocus", "--sync", self.window)
        except BaseException:
            self.end()
            raise

    def line(self) -> str:
        """The next thing that the process tells."""
        return self._lines.get(timeout=PATIENCE_S)

    def press(self, key: str) -> None:
        self._screen.run("xdotool", "key", key)

    def end(self) -> None:
        """Ends the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._reader.join()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.stdout.close()
        self._process.stderr.close()
        self._process.wait()

    def finish(self) -> tuple[int, str]:
        """Waits until the process has ended by itself: exit code and standard error."""
        assert self._process.stderr is not None
        code = self._process.wait(timeout=PATIENCE_S)
        return code, self._process.stderr.read()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    screen = Screen(tmp_path_factory.mktemp("screen"))
    yield screen
    screen.stop()


@pytest.fixture
def session(screen: Screen) -> Iterator[Session]:
    session = Session(screen)
    yield session
    session.end()


def wait_for(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def press_close_button(display_name: str, window: int) -> None:
    """What a window manager does when its close button is pressed; none runs here."""

    class Message(ctypes.Structure):
        _fields_ = (
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("room", ctypes.c_long * 24),
        )

    x = ctypes.CDLL("libX11.so.6")
    x.XOpenDisplay.restype = ctypes.c_void_p
    x.XInternAtom.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x.XOpenDisplay(display_name.encode()))
    assert display
    protocols, delete = (
        x.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    client_message = 33
    message = Message(type=client_message, window=window, message_type=protocols, format=32)
    message.data[0] = delete
    assert x.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(message))
    x.XCloseDisplay(display)


@needs_display
class TestOnADisplay:
    def test_keys_become_actions(self, session: Session) -> None:
        wanted = {
            "p": "pause",
            "space": "pause",
            "m": "mark",
            "1": "segment rest",
            "2": "segment reading",
            "3": "segment talking",
            "4": "segment pursing",
            "n": "next_step",
            "q": "quit",
        }
        for key, action in wanted.items():
            session.press(key)
            assert session.line() == action
        assert session.line() == "closed"

    def test_other_keys_do_nothing_and_capitals_do_the_same(self, session: Session) -> None:
        # The arrow's code ends in that of Q; none of these may end or mark anything.
        for key in ("Left", "Up", "F1", "Shift_L", "x", "5", "Tab", "adiaeresis"):
            session.press(key)
            time.sleep(0.05)
        session.press("M")
        assert session.line() == "mark"
        session.press("Escape")
        assert [session.line(), session.line()] == ["quit", "closed"]

    def test_the_drawn_picture_is_on_the_screen(self, screen: Screen, session: Session) -> None:
        def shown(*, overlay: bool, help: bool) -> bool:
            picture = draw(some_view(), overlay=overlay, help=help)
            height, width, _ = picture.shape
            different = (screen.picture()[:height, :width] != picture).any(axis=2)
            return int(different.sum()) < 200  # the pointer

        screen.run("xdotool", "mousemove", "1270", "1010")
        assert wait_for(lambda: shown(overlay=True, help=True))
        session.press("o")
        assert wait_for(lambda: shown(overlay=False, help=True))
        session.press("h")
        assert wait_for(lambda: shown(overlay=False, help=False))
        session.press("o")
        assert wait_for(lambda: shown(overlay=True, help=False))
        session.press("h")
        assert wait_for(lambda: shown(overlay=True, help=True))

    def test_closing_the_window_quits(self, screen: Screen, session: Session) -> None:
        press_close_button(screen.name, int(session.window))
        assert [session.line(), session.line()] == ["quit", "closed"]
        assert session.finish() == (0, "")

    def test_nothing_is_written_to_the_terminal(self, session: Session) -> None:
        session.press("q")
        assert session.finish() == (0, "")


class TestWithoutADisplay:
    @pytest.fixture(autouse=True)
    def _bare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
            monkeypatch.delenv(name, raising=False)

    def test_the_error_says_what_to_do(self) -> None:
        with pytest.raises(UsageError, match=r"neither DISPLAY nor .* use --web.*--no-display"):
            Window(TITLE)

    def test_a_display_that_does_not_answer_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DISPLAY", ":4711")
        with pytest.raises(UsageError, match=r"':4711' cannot be opened.*use --web.*--no-display"):
            Window(TITLE)


@needs_display
def test_a_screen_that_has_gone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(tmp_path)
    screen.stop()
    monkeypatch.setenv("DISPLAY", screen.name)
    with pytest.raises(UsageError, match="--no-display"):
        Window(TITLE)


def test_an_action_says_what_and_for_which_segment() -> None:
    assert Action("pause") == Action("pause", "")
    assert Action("segment", "rest") != Action("segment", "talking")


@pytest.mark.parametrize("frozen", [True, False])
def test_of_a_file_no_camera_is_spoken_of(frozen):
    recent, told = Recording(1.0).measured(), {}
    for played in (True, False):
        found = hints(
            recent,
            Settings(),
            frozen=frozen,
            brightness=200.0,
            fps=20.0,
            asked_fps=None,
            since_drop_s=math.inf,
            played=played,
        )
        told[played] = " ".join(found)
    assert "camera" in told[False]
    assert "camera" not in told[True]
    assert ("frozen" in told[True]) == frozen
