"""What the page of a live session costs; needs Chromium and playwright.

- ``display``: the pictures of a sample at 640x480, 30 a second, shown to nobody and to one page:
  CPU time of this process for each moment, of the session's own thread in it, of the browser, and
  how long it takes from a moment to its picture on the page.
- ``session``: the sample at its own pace, counted, without a page and with one: time a frame takes.
"""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hfs_vision.core.signals import Signals
from hfs_vision.live import View
from hfs_vision.video import open_source
from hfs_vision.web.live import create_live_app
from hfs_vision.web.live_display import PageDisplay
from hfs_vision.web.server import LocalServer
from tests.benchmarks.common import SAMPLE, Report, parser
from tests.browser.live_support import live_program
from tests.browser.support import ARGUMENTS
from tests.live_page_support import result, some_view

_NOTE_PICTURES = """() => {
    window.shown = [];
    const { mirror } = hfsLive;
    const draw = mirror.draw.bind(mirror);
    mirror.draw = () => { draw(); shown.push([mirror.number, Date.now() / 1000]); };
}"""


def display(given: Namespace, report: Report) -> None:
    """Nobody looks, then one page does."""
    views = _views()
    rows = []
    for looks in (False, True):
        shown = PageDisplay()
        with LocalServer(create_live_app(shown)) as server, _browser() as browser:
            shown.show(views[0])
            page = None
            if looks:
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(server.url)
                page.wait_for_selector("html[data-ready]")
                page.evaluate(_NOTE_PICTURES)
            before, own = _browser_cpu_s(), time.process_time()
            session = _Session(shown, views, given.seconds)
            thread = threading.Thread(target=session.run)
            thread.start()
            thread.join()
            own, browsers = time.process_time() - own, _browser_cpu_s() - before
            pictures = page.evaluate("shown") if page else []
            delays = [1000 * (at - session.at[n]) for n, at in pictures if n in session.at]
            shown.close(0.0)
        moments = len(session.at)
        rows.append(
            [
                "one page" if looks else "nobody",
                1000 * own / moments,
                1000 * session.cpu_s / moments,
                1000 * browsers / moments,
                len(pictures) / given.seconds,
                *(np.quantile(delays, (0.5, 0.95)) if delays else (np.nan, np.nan)),
            ]
        )
    columns = ["", "process, CPU ms", "show(), CPU ms", "browser, CPU ms", "pictures/s"]
    columns += ["delay, ms", "p95"]
    report.table("a moment of 640x480, 30 a second", columns, rows)
    report.keep(display=rows)


def session(given: Namespace, report: Report) -> None:
    """A whole session, turn and turn about."""
    rows = []
    for looks in (False, True) * given.rounds:
        with tempfile.TemporaryDirectory() as temporary, _browser() as browser:
            folder = Path(temporary) / "out"
            options = ("--file", SAMPLE, "--realtime", "--no-report", "--landmarker", "facemesh")
            with live_program(folder, *options) as program:
                if looks:
                    page = browser.new_page(viewport={"width": 1280, "height": 800})
                    page.goto(program.url)
                program.end()
            live = json.loads((folder / "summary.json").read_text())["live"]
        rows.append(
            [
                "one page" if looks else "nobody",
                *(live["processing_ms"][q] for q in ("median", "p95", "p99")),
                *(live["delay_ms"][q] for q in ("median", "p95")),
                live["display_ms"]["median"],
                f"{live['frames_dropped']} of {live['frames_captured']}",
            ]
        )
    columns = ["", "processing, ms", "p95", "p99", "to decision, ms", "p95", "display, ms"]
    report.table("the sample at its own pace", [*columns, "dropped"], rows)
    report.keep(session=rows)


class _Session:
    """Shows 30 moments a second, as a session does."""

    def __init__(self, display: PageDisplay, views: list[View], seconds: float) -> None:
        self._display, self._views, self._seconds = display, views, seconds
        self.at: dict[int, float] = {}
        self.cpu_s = 0.0

    def run(self) -> None:
        begun, number = time.monotonic(), 0
        while number < 30 * self._seconds:
            view = self._views[number % len(self._views)]
            self.at[number + 2] = time.time()  # the first was shown before
            cpu_s = time.thread_time()
            self._display.show(view)
            self.cpu_s += time.thread_time() - cpu_s
            number += 1
            time.sleep(max(begun + number / 30 - time.monotonic(), 0.0))


def _views() -> list[View]:
    signals: Signals = result().signals
    with open_source(SAMPLE) as source:
        pictures = [cv2.resize(frame.rgb, (640, 480)) for frame in source]
    return [
        some_view(
            i, rgb=rgb, trace=signals[slice(i, i + 300)], time_s=float(signals.time_s[i + 299])
        )
        for i, rgb in enumerate(pictures[: len(signals) - 300])
    ]


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def _browser_cpu_s() -> float:
    """CPU time so far of all of this machine's processes of Chromium that are ours."""
    spent = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name.startswith("chrom"):
            fields = rest.split()
            spent += int(fields[11]) + int(fields[12])
    return spent / 100


def main() -> None:
    given = parser(__doc__)
    given.add_argument("what", choices=["display", "session"])
    given.add_argument("--seconds", type=float, default=20.0)
    given.add_argument("--rounds", type=int, default=2)
    options = given.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report = Report(f"live page: {options.what}")
    {"display": display, "session": session}[options.what](options, report)
    report.write(options.json)


if __name__ == "__main__":
    main()
