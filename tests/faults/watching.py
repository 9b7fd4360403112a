"""A process on a terminal of its own, and how long it has been silent."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.paths import ROOT

SILENCE_S = 10.0
"""A program that says nothing for longer hangs."""

LIMIT_S = 180.0
"""No run may take longer, whatever it says."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
_COLUMNS = 400


def waited_s(pid: int | None) -> float:
    """Seconds for which a process's first thread has waited for a processor; 0 if unknown."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Watched:
    """A command that runs, both of its outputs on one terminal unless one goes elsewhere.

    Attributes:
        pid: Of the process.
        silence_s: Longest time so far in which nothing new was shown. A bar that is drawn again
            without a new number says nothing.
        ended: Whether it was ended because it hung.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
        stdout: str = "",
    ) -> None:
        self._terminal, end = pty.openpty()
        fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, _COLUMNS, 0, 0))
        own = {"TERM": "xterm", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        other = os.open(stdout, os.O_WRONLY) if stdout else end
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=other,
            stderr=end,
            cwd=folder,
            env={**os.environ, **own, **(environment or {})},
            start_new_session=True,
        )
        os.close(end)
        if stdout:
            os.close(other)
        self.pid = self._process.pid
        self.silence_s, self.ended, self._text, self._last = 0.0, False, "", ""
        self._began = self._told = time.monotonic()
        self._waited = 0.0

    @property
    def shown(self) -> str:
        """Lines so far; of what was drawn over, every state."""
        return _CONTROL.sub("", self._text).replace("\r", "\n")

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def signal(self, number: int) -> None:
        """Sends a signal to the process, if it still runs."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def runs(self) -> bool:
        """Whether it still does."""
        return self._process.poll() is None

    def wait_for(self, shown: re.Pattern[str]) -> None:
        """Reads until something is shown, or the process ends."""
        while not shown.search(self.shown) and self.read():
            pass

    def read(self, timeout_s: float = 0.05) -> bool:
        """Takes up what is shown; false once nothing can come any more."""
        data = b""
        if select.select([self._terminal], [], [], timeout_s)[0]:
            try:
                data = os.read(self._terminal, 1 << 16)
            except OSError:  # what Linux says at the end
                return False
        waited = waited_s(self.pid)
        self.silence_s = max(
            self.silence_s, time.monotonic() - self._told - (waited - self._waited)
        )
        text = data.decode(errors="replace")
        self._text += text
        words = re.sub(r"\W+", " ", _CONTROL.sub("", text)).strip()
        if words and words != self._last:
            self._last, self._told, self._waited = words, time.monotonic(), waited
        return self.runs() or bool(data)

    def finish(self) -> int:
        """Reads to the end, ends what hangs, and gives the exit code."""
        while self.read():
            if self.silence_s > SILENCE_S or self.seconds > LIMIT_S:
                self.ended = True
                break
        if self.ended or self.runs():
            try:
                self._process.wait(0 if self.ended else SILENCE_S)
            except subprocess.TimeoutExpired:
                self.ended = True
        if self.ended:
            with suppress(ProcessLookupError):  # what it said last came too late
                os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        os.close(self._terminal)
        return code


def program(*arguments: object, injected: str = "", limits: str = "") -> list[str]:
    """The command line of the program, with a fault of `tests.faults.injected` in it, if any."""
    module = ["tests.faults.injected", injected] if injected else ["hfs_vision"]
    command = [sys.executable, "-m", *module, *map(str, arguments)]
    if limits:
        return ["/bin/sh", "-c", f'ulimit {limits}; exec "$@"', "sh", *command]
    return command
