"""A result that was constructed, with a video of numbered pictures, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hfs_vision.analysis.pipeline import detect
from tests.browser.support import ARGUMENTS, ReviewPage, program
from tests.clips import write_clip
from tests.synthetic import Recording

START_S = 5.0
"""Time of the first picture: a page that takes its own clock for the recording's is off by it."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser. Its driver keeps an event loop in this thread, so it ends with each module."""
    api = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("fastapi")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium is here")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events at 17 s (left lid), 20 s (right corner, held) and 23 s (right lid)."""
    place = tmp_path_factory.mktemp("made")
    recording = Recording(20.0, fps=25.0, start_s=START_S)
    recording.lid(0, 17.0, 0.4).pull(1, 20.0, 1.5).lid(1, 23.0, 0.3).without_face(7.0, 1.0)
    detect(recording.measured()).save(place / "results")
    ticks = [round(1000 * t) for t in recording.time_s]
    write_clip(place / "clip.mp4", ticks=ticks, size=(192, 128))
    return place


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """The result under a name that would be dangerous, were it taken for HTML."""
    folder = tmp_path / "<img src=x onerror=alert(1)>.results"
    shutil.copytree(made / "results", folder)
    shutil.copy(made / "clip.mp4", folder.with_suffix(".mp4"))
    return folder


@pytest.fixture
def review(chromium: Any, folder: Path) -> Iterator[ReviewPage]:
    """The page of that result at 1280 by 800; it is checked when the test ends."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    with program(folder, "--reviewer", "A B") as url:
        opened = ReviewPage(context.new_page(), url, folder)
        yield opened
        context.close()
        opened.check()
