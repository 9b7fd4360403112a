"""The page of a live session in a browser, and the program behind it as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.live_support import wait_for


class LivePage:
    """The page in a tab, with what a test wants to know of it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.origin = url.split("?")[0]
        self.requests: list[str] = []
        self.problems: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._note)
        page.on("dialog", self._refuse)
        page.goto(url)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        self.page.wait_for_selector("html[data-ready]")

    def wait_for(self, expression: str, timeout_s: float = 20.0) -> None:
        """Asks until it is so. The page's policy forbids playwright to wait inside of it."""
        self.until(lambda: self.page.evaluate(expression), expression, timeout_s)

    def until(self, condition: Callable[[], Any], what: str = "", timeout_s: float = 20.0) -> None:
        until = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < until, f"never so: {what}; {self.problems}"
            self.page.wait_for_timeout(20)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def count(self, side: str, kind: str = "all") -> int:
        return int(self.page.locator(f'#tally td[data-of="{side} {kind}"]').first.inner_text())

    def pictures(self) -> int:
        """How many pictures were drawn so far."""
        return self.page.evaluate("hfsLive.mirror.drawn")

    def colour(self, x: float, y: float) -> list[int]:
        """What is drawn at a place of the mirror, as shares of its width and height."""
        return self.page.evaluate(
            """([x, y]) => {
                const canvas = document.getElementById('view');
                const copy = new OffscreenCanvas(1, 1);
                const pen = copy.getContext('2d');
                const at = [Math.round(x * canvas.width), Math.round(y * canvas.height)];
                pen.drawImage(canvas, -at[0], -at[1]);
                return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
            }""",
            [x, y],
        )

    def check(self) -> None:
        """No request left this machine's page, and nothing went wrong in it."""
        assert self.requests
        assert all(url.startswith((self.origin, "data:", "blob:")) for url in self.requests)
        assert not self.problems

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _refuse(self, dialog: Any) -> None:
        self.problems.append(f"a dialog: {dialog.message}")
        dialog.dismiss()


class Program:
    """``hfs-vision live --web`` as a process."""

    def __init__(self, folder: Path, *options: object) -> None:
        command = [sys.executable, "-m", "hfs_vision", "live", "--web", "--no-browser"]
        self.folder = folder
        self.process = subprocess.Popen(
            [*command, "--out", str(folder), *map(str, options)],
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        found = None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+", line)
            if found:
                break
        assert found, self.process.communicate()[1]
        self.url = found[0]
        self.out = self.err = ""

    def end(self, timeout_s: float = 60.0) -> int:
        """Waits for the end, and gives the exit code."""
        self.out, self.err = self.process.communicate(timeout=timeout_s)
        assert "Traceback" not in self.err
        return self.process.returncode

    def rows(self, name: str) -> int:
        """Rows of a table of the session so far."""
        return (self.folder / name).read_bytes().count(b"\n") - 1

    def wait_for_rows(self, name: str, rows: int) -> None:
        wait_for(lambda: self.rows(name) >= rows, 30.0)


@contextmanager
def live_program(folder: Path, *options: object) -> Iterator[Program]:
    """The program until the context ends, which sends a Ctrl-C where it still runs."""
    program = Program(folder, *options)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.process.send_signal(signal.SIGINT)
            program.process.communicate(timeout=60)
        for pipe in (program.process.stdout, program.process.stderr):
            if pipe is not None:
                pipe.close()
