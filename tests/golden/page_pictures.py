"""Makes docs/images/report.png and review.png anew: the pages of a sample video, in Chromium.

python -m tests.golden.page_pictures
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.paths import ROOT, SAMPLES

IMAGES = ROOT / "docs" / "images"
_SAMPLE = "right_hemifacial_spasms"
_ARGUMENTS = ("--no-sandbox", "--disable-quic", "--disable-background-networking", "--no-first-run")


def main() -> None:
    """Analyses the sample, opens its report and its review."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        result = Path(folder) / f"{_SAMPLE}.results"
        video = SAMPLES / f"{_SAMPLE}.mp4"
        _hfs("analyze", video, "--out", result)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(_ARGUMENTS)
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto((result / "report.html").as_uri())
        page.screenshot(path=IMAGES / "report.png")
        _review(page, result, video)
        browser.close()
    print(IMAGES / "report.png", IMAGES / "review.png")


def _review(page: Page, result: Path, video: Path) -> None:
    command = ("review", result, "--video", video, "--reviewer", "AB", "--no-browser")
    with subprocess.Popen(_line(*command), stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        text = ""
        while not (found := re.search(r"http://\S+", text)):
            text = server.stdout.readline()
        page.goto(found[0])
        page.wait_for_timeout(1500)
        for key in ("n", "a", "n", "n"):
            page.keyboard.press(key)
            page.wait_for_timeout(400)
        page.wait_for_timeout(1000)
        page.screenshot(path=IMAGES / "review.png")
        server.terminate()


def _hfs(*arguments: str | Path) -> None:
    subprocess.run(_line(*arguments), check=True, stdout=subprocess.DEVNULL)


def _line(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "hfs_vision", *map(str, arguments)]


if __name__ == "__main__":
    main()
