"""A live session in the browser: what is seen, what is asked for, and what the tables say of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from hfs_vision.core.summary import count_events
from hfs_vision.live import Action
from hfs_vision.results import read_events, read_rows
from hfs_vision.web.live import create_live_app
from hfs_vision.web.live_display import PageDisplay
from hfs_vision.web.server import LocalServer
from tests.browser.live_support import LivePage, live_program
from tests.cli.support import VIDEO
from tests.live_page_support import (
    HOSTILE,
    Page,
    opened_page,
    result,
    running,
    some_session,
    some_view,
)
from tests.models_here import needs_model

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture
def server(chromium: Any) -> Iterator[Page]:
    with opened_page() as opened:
        yield opened


@pytest.fixture
def live(chromium: Any, server: Page) -> Iterator[LivePage]:
    """The page of a constructed session at 1280 by 800; it is checked when the test ends."""
    page = chromium.new_page(viewport=WIDE)
    opened = LivePage(page, server.server.url)
    yield opened
    page.close()
    opened.check()


def seen(live: LivePage, server: Page, **fields: Any) -> None:
    """Shows one moment and waits until the page has it, by its elapsed time."""
    seen.second = getattr(seen, "second", 0) + 1
    server.display.show(some_view(**{"elapsed_s": float(seen.second), **fields}))
    live.wait_for(f"hfsLive.session.elapsed_s === {seen.second}")


@needs_model
def test_a_session_of_a_file_is_led_in_the_page_and_its_tables_say_the_same(chromium, tmp_path):
    folder = tmp_path / "out"
    options = ("--file", VIDEO, "--realtime", "--duration", 60, "--no-report", "--calibration", 5)
    with live_program(folder, *options) as program:
        live = LivePage(chromium.new_page(viewport=WIDE), program.url)
        live.wait_for("hfsLive.session.learning_s > 0", 60.0)
        assert "learning your resting face" in live.text("#notice")
        drawn = live.pictures()
        live.until(lambda: live.pictures() > drawn + 5, "pictures go on")
        live.press("2", "m")
        program.wait_for_rows("marks.csv", 2)
        live.until(lambda: live.text("#segment") == "reading")
        live.wait_for("hfsLive.session.elapsed_s > 8 && hfsLive.trace.length > 100", 60.0)
        live.until(lambda: live.count("right") == program.rows("events.csv") > 0)
        live.press(" ")
        live.wait_for("hfsLive.session.paused")
        assert "Paused" in live.text("#notice")
        live.page.reload()  # which changes nothing of the session
        live.wait_until_ready()
        live.wait_for("hfsLive.session.paused && hfsLive.trace.length > 100")
        live.press(" ")
        live.wait_for("hfsLive.session.paused === false")
        live.press("q")
        assert live.page.locator("#really").is_visible()
        assert program.process.poll() is None
        live.press("q")
        live.page.wait_for_selector("#result", state="visible")
        assert live.text("#result h2") == "The session is over"
        assert program.end() == 0
    events = read_events(folder / "events.csv")
    for side in ("left", "right"):
        assert live.count(side) == sum(event.side == side for event in events)
    marks = [
        (cells["kind"], cells["label"])
        for _, cells in read_rows(folder / "marks.csv", ["kind", "label"])
    ]
    assert marks == [("segment", "reading"), ("mark", ""), ("pause", ""), ("resume", "")]
    assert str(folder) in program.out.replace("\n", "")
    live.page.close()
    live.check()


@needs_model
def test_ctrl_c_in_the_terminal_ends_it_and_the_page_says_so(chromium, tmp_path):
    folder = tmp_path / "out"
    with live_program(folder, "--file", VIDEO, "--realtime", "--no-report") as program:
        live = LivePage(chromium.new_page(), program.url)
        live.until(lambda: live.pictures() > 3, "pictures come", 60.0)
        program.process.send_signal(2)
        live.page.wait_for_selector("#result", state="visible")
        assert program.end() == 0
    assert (folder / "summary.json").exists()
    live.page.close()
    live.check()


def test_the_picture_is_a_mirror_and_both_sides_are_named(live, server):
    rgb = np.zeros((480, 640, 3), np.uint8)
    rgb[:, :320] = 220  # the subject's right, as a camera sees it
    seen(live, server, rgb=rgb, landmarks=np.full((478, 3), np.nan))
    live.until(lambda: live.pictures() == 1)
    assert max(live.colour(0.2, 0.5)) < 10
    assert min(live.colour(0.8, 0.5)) > 210
    boxes = [live.page.locator(f".side.{side}").bounding_box() for side in ("left", "right")]
    frame = live.page.locator("#frame").bounding_box()
    assert boxes[0]["x"] == pytest.approx(frame["x"], abs=1)
    assert boxes[1]["x"] + boxes[1]["width"] == pytest.approx(frame["x"] + frame["width"], abs=1)
    assert frame["width"] / frame["height"] == pytest.approx(4 / 3, abs=0.01)


def test_outlines_light_up_with_what_moves_and_can_be_left_out(live, server):
    view = some_view(0, ongoing=frozenset({("left", "mouth")}))
    landmarks = np.array(view.landmarks)
    landmarks[291, :2] = (480, 360)  # the left corner of the mouth
    seen(live, server, landmarks=landmarks, ongoing=view.ongoing, rgb=view.rgb)
    live.until(lambda: live.pictures() == 1)
    assert live.text('.side[data-side="left"]').split() == ["LEFT", "mouth"]
    assert live.text('.side[data-side="right"]').strip() == "RIGHT"
    on_the_circle = (1 - 0.75 - 14 / 1280, 0.75)
    assert live.colour(*on_the_circle) == pytest.approx([86, 180, 233], abs=12)
    live.press("o")
    assert max(live.colour(*on_the_circle)) < 10
    assert live.page.locator("#overlay").get_attribute("aria-pressed") == "false"


def test_what_comes_from_files_is_text(live, server):
    seen(
        live,
        server,
        segment=HOSTILE,
        prompt=HOSTILE,
        prompt_left_s=61.5,
        step=2,
        steps=7,
        hints=[HOSTILE],
    )
    for selector in ("#segment", "#prompt-text", "#hints"):
        assert "<img" in live.text(selector)
    assert live.text("#step") == "step 2 of 7"
    assert live.text("#prompt-left") == "1:02"
    server.display.finish(some_session())
    live.page.wait_for_selector("#result", state="visible")
    assert "<img" in live.text("#result-lines")
    assert live.page.locator("img").count() == 0


def test_counts_are_shown_by_side_and_kind(live, server):
    events = result().events
    seen(live, server, counts=count_events(events, 20.0), events=events)
    assert (live.count("left"), live.count("right")) == (1, 1)
    assert live.count("left", "eyelid_twitch") == 1
    assert live.count("right", "mouth_pull") == 1
    assert live.count("right", "eyelid_twitch") == 0
    assert live.text("#both").split("\n")[-1] == "2 (6.0 per min)"


def test_the_trace_rolls(live, server):
    signals = result().signals
    seen(live, server, trace=signals[slice(0, 300)], time_s=10.1)
    assert live.page.evaluate("hfsLive.trace.length") == 300
    seen(live, server, trace=signals[slice(300, 600)], time_s=20.1)
    times = live.page.evaluate("hfsLive.trace.samples.time_s")
    assert times[0] >= 9.1
    assert times == sorted(set(times))
    assert times[-1] == pytest.approx(signals.time_s[599], abs=1e-4)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"lost": True}, "Camera lost"),
        ({"paused": True}, "Paused"),
        ({"learning_s": 6.2}, "learning your resting face: 7 s"),
        ({}, ""),
    ],
)
def test_the_state_is_said(live, server, fields, words):
    assert "Waiting for the first picture" in live.text("#notice")
    seen(live, server, **fields)
    live.until(lambda: words in live.text("#notice") if words else live.text("#notice") == "")


def test_keys_and_buttons_ask_for_what_they_say(live, server):
    with running(server.display, steps=3, step=1, prompt="Smile.") as asked:
        live.page.wait_for_selector("#next-step", state="visible")
        live.press(" ", "m", "3", "n")
        found = [asked.get(timeout=10) for _ in range(4)]
        assert found[:2] == [Action("pause"), Action("mark")]
        assert found[2:] == [Action("segment", "talking"), Action("next_step")]
        live.page.click("[data-kind=mark]")
        assert asked.get(timeout=10) == Action("mark")
        live.until(lambda: "moment marked" in live.text("#answer"))
        live.press(" ")  # pauses: does not press again what was clicked last
        assert asked.get(timeout=10) == Action("pause")
        live.press("Control+m", "q", "m", "Escape")  # of other programs; and in the question
        live.page.click('[data-label="pursing"]')
        assert asked.get(timeout=10) == Action("segment", "pursing")
        live.page.click("#quit")
        live.page.click("#really-not")
        live.page.click("#quit")
        live.press("Enter")
        assert asked.get(timeout=10) == Action("quit")
    assert asked.empty()


def test_a_hidden_page_asks_for_nothing_and_one_that_is_shown_again_goes_on(live, server):
    hide = """state => {
        Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    with running(server.display, trace=result().signals[slice(0, 50)]):
        live.until(lambda: live.pictures() > 3)
        live.page.evaluate(hide, "hidden")
        live.page.wait_for_timeout(300)
        asked, drawn = len(live.requests), live.pictures()
        live.page.wait_for_timeout(700)
        assert (len(live.requests), live.pictures()) == (asked, drawn)
        assert server.display._streams == 0
        live.page.evaluate(hide, "visible")
        live.until(lambda: live.pictures() > drawn + 3)
        live.wait_for("hfsLive.trace.length === 50")  # not what it had, and all once more


def test_several_tabs_look_and_one_that_is_closed_ends_nothing(chromium, live, server):
    with running(server.display) as asked:
        other = LivePage(chromium.new_page(), server.server.url)
        live.until(lambda: live.pictures() > 3)
        other.until(lambda: other.pictures() > 3)
        other.check()
        other.page.close()
        drawn = live.pictures()
        live.until(lambda: live.pictures() > drawn + 3)
        assert asked.empty()
    assert "Closing this tab does not end the session" in live.text("footer")


def test_after_the_end_no_picture_stays_and_nothing_is_asked_for(live, server):
    seen(live, server)
    live.until(lambda: live.pictures() == 1)
    server.display.finish(some_session())
    live.page.wait_for_selector("#result", state="visible")
    assert live.page.evaluate("document.getElementById('view').width") == 0
    assert live.page.locator("#mirror").is_hidden()
    assert live.count("right", "mouth_pull") == 1
    asked = len(live.requests)
    live.press(" ", "m", "q", "q")
    live.page.wait_for_timeout(500)
    assert len(live.requests) == asked


def test_a_program_that_is_gone_is_said(chromium):
    page = chromium.new_page()
    with LocalServer(create_live_app(PageDisplay())) as server:
        live = LivePage(page, server.url)
        assert live.page.locator("#silent").is_hidden()
    live.page.wait_for_selector("#silent", state="visible")
    assert "No answer from the program" in live.text("#silent")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_all_fits_on_the_screen(chromium, server, viewport, scheme):
    page = chromium.new_page(viewport=viewport, color_scheme=scheme)
    live = LivePage(page, server.server.url)
    long = "Close your eyes gently and keep them shut until you are told to open them again. " * 2
    seen(live, server, prompt=long, prompt_left_s=5.0, step=1, steps=7, hints=[long, long])
    live.until(lambda: live.pictures() == 1)
    inside = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert inside
    for selector in ("#view", "#tally", "#controls", "#trace", "#hints", "#prompt-text"):
        box = page.locator(selector).bounding_box()
        assert box["width"] > 50
        assert box["height"] > 15
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= viewport["width"]
    if viewport is WIDE:
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    page.close()
    live.check()
