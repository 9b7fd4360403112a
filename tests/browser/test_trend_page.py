"""The trend in the browser: choices are links, the figures follow, nothing leaves the machine."""

import sys

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")

from hfs_vision.diary import init_diary, open_diary
from tests.browser.support import served
from tests.trend_support import Course, session, simulated_year, treatment


@pytest.fixture
def diary(tmp_path):
    file = tmp_path / "ann.diary"
    init_diary(file, person="<img src=x onerror=alert(1)>", affected_side="left", timezone="UTC")
    made = simulated_year(np.random.default_rng(5), Course().rate, sessions=16, injected=(28,))
    with open_diary(file) as store:
        for record in made.sessions:
            store.add(record)
        store.add_treatment(treatment(0, 28))
    return file


@pytest.fixture
def url(diary):
    command = [sys.executable, "-m", "hfs_vision", "diary", "trend", str(diary), "--web"]
    with served(*command, "--no-browser") as address:
        yield address


def test_choices_draw_the_page_anew(chromium, diary, url):
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    requests, problems = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    page.on("dialog", lambda dialog: problems.append(dialog.message))
    page.goto(url)

    assert "token" not in page.url
    assert page.locator("#points tbody tr").count() == 16
    assert page.locator("svg").count() == 2
    assert "<img src=x" in page.locator("header").inner_text()
    page.get_by_role("link", name="right", exact=True).click()
    assert "right, latest" in page.locator(".key").inner_text()
    page.get_by_role("link", name="eyelid twitch", exact=True).click()
    assert page.locator("svg").count() == 1
    assert "eyelid twitch, rest, right" in page.locator("header").inner_text()
    page.get_by_role("link", name="days since botulinum toxin").click()
    assert "days since" in page.locator("#points thead").inner_text()
    chosen = page.locator(".choices [aria-current]").all_inner_texts()
    assert chosen == ["right", "eyelid twitch", "rest", "days since botulinum toxin"]
    page.get_by_role("link", name="calendar").click()

    with open_diary(diary) as store:  # what is added meanwhile is there after a reload
        store.add(session(0, 200, {}, label="rest"))
    page.reload()
    assert page.locator("#points tbody tr").count() == 17

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert all(address.startswith(url.split("?")[0]) for address in requests)
    assert not problems
    context.close()
