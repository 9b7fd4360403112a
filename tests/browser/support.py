"""The program as a process, and its page in a browser."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfs_vision.results import EventRecord, read_reviewed

ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
    "--force-color-profile=srgb",
]


@contextmanager
def served(*command: str, cwd: Path | None = None) -> Iterator[str]:
    """A command that serves a page, until the context ends, which sends a Ctrl-C; its address."""
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            found = None
            for line in process.stdout:
                found = found or re.search(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+", line)
                if found:
                    break
            assert found, process.stderr.read()
            yield found[0]
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=30)[1]
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


@contextmanager
def program(folder: Path, *options: str, report: bool = False) -> Iterator[str]:
    """``hfs-vision review`` until the context ends, which sends a Ctrl-C; gives the address."""
    options = options if report else (*options, "--no-report")
    command = [sys.executable, "-m", "hfs_vision", "review", str(folder), "--no-browser", *options]
    with served(*command, cwd=folder.parent) as address:
        yield address


class ReviewPage:
    """The page in a tab, with what a test wants to know of it."""

    def __init__(self, page: Any, url: str, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.origin = url.split("?")[0]
        self.requests: list[str] = []
        self.problems: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._note)
        page.on("dialog", self._refuse)
        page.goto(url)
        self.wait_until_ready()

    def wait_until_ready(self, video: bool = True) -> None:
        self.page.wait_for_selector("html[data-ready]")
        if video:
            self.wait_for("hfsReview.player.shown && !hfsReview.player.video.seeking")

    def wait_for(self, expression: str, timeout_s: float = 10.0) -> None:
        """Asks until it is so. The page's policy forbids playwright to wait inside of it."""
        until = time.monotonic() + timeout_s
        while not self.page.evaluate(expression):
            assert time.monotonic() < until, f"never so: {expression}; {self.problems}"
            self.page.wait_for_timeout(10)

    def press(self, *keys: str) -> None:
        """Presses keys and waits for what they ask for."""
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def settle(self) -> None:
        """Waits until every change was answered and the picture is there."""
        self.page.evaluate("hfsReview.model.queue")
        self.wait_for(
            "!hfsReview.player.shown || (!hfsReview.player.video.seeking "
            "&& hfsReview.player.wanted === null)"
        )

    def click_event(self, number: int) -> None:
        self.page.click(f'#table tr[data-number="{number}"]')
        self.settle()

    @property
    def now(self) -> float:
        """The moment that the page shows, on the recording's clock."""
        return self.page.evaluate("hfsReview.player.now")

    @property
    def video_time(self) -> float:
        """The moment that the browser's video says it shows, on the recording's clock."""
        return self.page.evaluate("hfsReview.player.video.currentTime + hfsReview.player.shift")

    def shows(self, number: int) -> bool:
        """Whether it is this picture, modulo 16 (see `tests.clips`), that is seen soon.

        Chromium may paint a moment after it has said that it is there.
        """
        until = time.monotonic() + 1
        while (same := self._picture() == number % 16) is False and time.monotonic() < until:
            self.page.wait_for_timeout(20)
        return same

    def _picture(self) -> int:
        grey = self.page.evaluate(
            """() => {
                const video = document.getElementById('video');
                const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
                const pen = canvas.getContext('2d');
                pen.drawImage(video, 0, 0);
                return pen.getImageData(canvas.width / 2 - 2, canvas.height / 2 - 2, 4, 4).data[0];
            }"""
        )
        return round((grey - 24) / 14) % 16

    def x_of(self, time_s: float) -> float:
        """Where a time is on the traces, in pixels of the page."""
        box = self.page.locator("#zoomed").bounding_box()
        start, span = self.page.evaluate("[hfsReview.traces.from, hfsReview.traces.spanS]")
        return box["x"] + 46 + (time_s - start) / span * (box["width"] - 48)

    def drag(self, from_s: float, to_s: float) -> None:
        """Drags on the traces from one time to another."""
        box = self.page.locator("#zoomed").bounding_box()
        y = box["y"] + 0.6 * box["height"]
        self.page.mouse.move(self.x_of(from_s), y)
        self.page.mouse.down()
        self.page.mouse.move((self.x_of(from_s) + self.x_of(to_s)) / 2, y)
        self.page.mouse.move(self.x_of(to_s), y)
        self.page.mouse.up()
        self.wait_for("hfsReview.traces.drag === null")
        self.settle()

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def count(self, side: str, kind: str) -> int:
        return int(self.text(f'#counts td[data-of="{side} {kind}"]'))

    def on_disk(self) -> dict[int, EventRecord]:
        rows = read_reviewed(self.folder / "events.reviewed.csv")
        return {row.number: row for row in rows}

    def reload(self) -> None:
        self.page.reload()
        self.wait_until_ready()

    def check(self) -> None:
        """No request left this machine's page, and nothing went wrong in it."""
        assert all(url.startswith((self.origin, "data:", "blob:")) for url in self.requests)
        assert not self.problems

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def _refuse(self, dialog: Any) -> None:
        self.problems.append(f"a dialog: {dialog.message}")
        dialog.dismiss()
