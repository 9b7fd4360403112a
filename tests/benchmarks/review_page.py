"""The page of a review over an hour of 60 frames/s with 500 events, in Debian's Chromium.

The result is constructed (tests.synthetic), without a video: decoding is the browser's affair.
Times are taken in the page. "To the change" runs from the key to the second frame after the table
shows the change, so it holds the request, the saving of the file with its fsync and the painting;
"first paint" and "complete" (events, counts, traces) run from the navigation. "Start" is from the
command to the address.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from hfs_vision.analysis.pipeline import detect
from hfs_vision.core.geometry import Measurements
from hfs_vision.results import REVIEWED_FILE, read_reviewed
from tests.benchmarks.common import Report, parser, spread
from tests.browser.support import ARGUMENTS
from tests.synthetic import Recording

FPS = 60.0
HOUR_S = 3600.0
EVENTS = 500
_REPEATS = 20

# A change is done when two frames were painted after the row says so.
_TIMED_KEY = """([key, row, text]) => new Promise((done) => {
    const cell = document.querySelector(row);
    const begun = performance.now();
    const look = () => {
        if (!cell.textContent.includes(text)) return setTimeout(look, 0);
        requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
    };
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    look();
})"""
_TIMED_STEP = """() => new Promise((done) => {
    const begun = performance.now();
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true }));
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
})"""


def hour() -> Measurements:
    """500 movements of one side, alternating, between blinks, with jitter."""
    recording = Recording(HOUR_S, FPS)
    random = np.random.default_rng(0)
    for number, onset_s in enumerate(np.linspace(20.0, HOUR_S - 20.0, EVENTS)):
        length_s = float(random.uniform(0.2, 1.6))
        if number % 3:
            recording.lid(number % 2, float(onset_s), length_s, 0.8)
        if number % 3 != 1:
            recording.pull(number % 2, float(onset_s), length_s, 0.08)
    return recording.jitter(0, scale=0.5).measured()


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    line = next(line for line in lines if line.startswith("VmRSS:"))
    return 1024 * int(line.split()[1]) / 1e6


def started(folder: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "hfs_vision", "review", str(folder), "--no-browser"]
    process = subprocess.Popen(
        [*command, "--no-report"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://\S+", line):
            return process, found[0]
    raise SystemExit("the program gave no address")


def paints(page: Any, url: str) -> dict[str, float]:
    """Milliseconds from the navigation to the first paint, and until all is there."""
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    while not page.evaluate("Boolean(hfsReview.traces.whole && hfsReview.traces.part)"):
        time.sleep(0.001)
    complete = page.evaluate("performance.now()")
    entries = page.evaluate(
        """() => new Promise((done) => {
            const found = {};
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) found[entry.name] = entry.startTime;
                if ('first-contentful-paint' in found) done(found);
            }).observe({ type: 'paint', buffered: true });
        })"""
    )
    first = entries["first-contentful-paint"]
    return {"first paint": first, "complete": complete}


def interactions(page: Any) -> dict[str, list[float]]:
    """Milliseconds from a key to what it changes, painted."""
    row = "#table tr[data-number='{}'] .{}"
    times: dict[str, list[float]] = {"next event": [], "accept": [], "side": [], "undo": []}
    for _ in range(_REPEATS):
        times["next event"].append(page.evaluate(_TIMED_STEP))
        number, side = page.evaluate("[hfsReview.model.selected, hfsReview.model.row.side]")
        verdict = row.format(number, "verdict")
        other = "left" if side == "right" else "right"
        times["accept"].append(page.evaluate(_TIMED_KEY, ["a", verdict, "accepted"]))
        times["side"].append(page.evaluate(_TIMED_KEY, ["s", row.format(number, "side"), other]))
        times["undo"].append(page.evaluate(_TIMED_KEY, ["u", row.format(number, "side"), side]))
    return times


def main() -> None:
    arguments = parser(__doc__).parse_args()
    from playwright.sync_api import sync_playwright

    report = Report("review page")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place) / "hour.results"
        result = detect(hour())
        result.save(folder)
        begun = time.perf_counter()
        process, url = started(folder)
        start_s = time.perf_counter() - begun
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=ARGUMENTS
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        first = paints(page, url)
        again = [paints(page, url.partition("?")[0]) for _ in range(5)]
        times = interactions(page)
        memory_mb = resident_mb(process.pid)
        browser.close()
        process.send_signal(signal.SIGINT)
        process.wait(30)
        accepted = sum(r.verdict == "accepted" for r in read_reviewed(folder / REVIEWED_FILE))
        if accepted != _REPEATS:
            raise SystemExit(f"{accepted} of {_REPEATS} changes are on the disk")
    report.note(
        f"{len(result.events)} events, {len(result.signals)} frames; start {start_s:.1f} s; "
        f"the program holds {memory_mb:.0f} MB"
    )
    rows = [
        [name, first[name], spread([each[name] for each in again])]
        for name in ("first paint", "complete")
    ]
    report.table("From the navigation, ms", ["", "first time", "again"], rows)
    rows = [[name, spread(found)] for name, found in times.items()]
    report.table("From the key to the change, ms", ["", "median (least-largest)"], rows)
    report.keep(first=first, again=again, keys=times, memory_mb=memory_mb, start_s=start_s)
    report.write(arguments.json)


if __name__ == "__main__":
    main()
