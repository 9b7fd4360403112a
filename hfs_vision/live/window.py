"""The window of a live session: pictures out, keys in."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass

import cv2

from hfs_vision.errors import UsageError
from hfs_vision.live.frame_view import draw
from hfs_vision.live.view import SEGMENTS, View


@dataclass(frozen=True)
class Action:
    """What the user asked for.

    Attributes:
        kind: ``pause`` (or go on), ``mark``, ``segment``, ``next_step`` or ``quit``.
        label: Label of the segment that begins; empty for the others.
    """

    kind: str
    label: str = ""


_QUIT = Action("quit")
_ESCAPE = "\x1b"
_ACTIONS = {
    " ": Action("pause"),
    "p": Action("pause"),
    "m": Action("mark"),
    **{str(key): Action("segment", label) for key, label in enumerate(SEGMENTS, start=1)},
    "n": Action("next_step"),
    "q": _QUIT,
    _ESCAPE: _QUIT,
}

_X_ESCAPE = 0xFF1B

_NO_DISPLAY = "no window can be opened here ({}): use --web, which needs a browser, or --no-display"
_NO_WINDOWS = "the installed OpenCV has no windows"


class Window:
    """Shows a session and reads the keyboard; to be used from the main thread alone.

    Args:
        title: Text of the title bar.

    Raises:
        UsageError: If no window can be opened.
    """

    def __init__(self, title: str) -> None:
        _check_display()
        # Qt's remarks on fonts and sessions would end up in the middle of the terminal's text.
        os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
        self._title = title
        self._overlay = self._help = True
        self._sized = self._seen = self._closed = False
        try:
            # Keeps its shape when it is made larger, and has no tool bar.
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error as error:
            raise UsageError(_NO_DISPLAY.format(_NO_WINDOWS)) from error

    def show(self, view: View) -> list[Action]:
        """Shows one moment and gives back what the user asked for since the last time.

        Takes 1 ms or little more than drawing. OpenCV keeps one key between two calls: the last. A
        window that was closed asks to quit.
        """
        if self._gone():
            return [_QUIT]
        picture = draw(view, overlay=self._overlay, help=self._help)
        if not self._sized:
            cv2.resizeWindow(self._title, picture.shape[1], picture.shape[0])
            self._sized = True
        cv2.imshow(self._title, picture)
        key, actions = _key(), []
        if key == "o":
            self._overlay = not self._overlay
        elif key == "h":
            self._help = not self._help
        elif key in _ACTIONS:
            actions.append(_ACTIONS[key])
        if self._gone():
            actions.append(_QUIT)
        return actions

    def close(self) -> None:
        """Closes the window; a second time does nothing."""
        if not self._closed and not self._gone():
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)  # some systems close it only when they are next asked for events
        self._closed = True

    def _gone(self) -> bool:
        """Whether the window was closed, by its button too.

        Where OpenCV cannot say whether a window is visible it never says yes.
        """
        if self._closed:
            return True
        try:
            visible = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) > 0
        except cv2.error:
            visible = False
        self._seen |= visible
        self._closed = self._seen and not visible
        return self._closed


def _key() -> str | None:
    """The key pressed last, in lower case; ``None`` for none, and for one without a character."""
    code = cv2.waitKeyEx(1)
    if code == -1:
        return None
    # Above these bits some systems put shift and lock keys; arrows and such have more than 127.
    code &= 0xFFFF
    if code == _X_ESCAPE:
        return _ESCAPE
    return chr(code).lower() if code < 128 else None


def _check_display() -> None:
    """Makes sure that a window can be opened: OpenCV's Qt ends the process where it cannot.

    Raises:
        UsageError: If it cannot.
    """
    if sys.platform in ("win32", "darwin"):
        return
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        raise UsageError(_NO_DISPLAY.format("neither DISPLAY nor WAYLAND_DISPLAY is set"))
    # A display that is named may still refuse, or a library be missing: tried where it may abort.
    code = "import cv2; cv2.namedWindow('hfs_vision')"
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30)
    except subprocess.TimeoutExpired as error:
        raise UsageError(_NO_DISPLAY.format("the display does not answer")) from error
    if done.returncode < 0:
        name = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        raise UsageError(_NO_DISPLAY.format(f"the display {name!r} cannot be opened"))
    if done.returncode:
        raise UsageError(_NO_DISPLAY.format(_NO_WINDOWS))
