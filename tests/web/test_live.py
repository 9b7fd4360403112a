"""What the page of a live session is told and shown, and what it may ask for."""

from __future__ import annotations

import contextlib
import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

import httpx

from hfs_vision.core.landmarks import COMMISSURE, OUTER_CANTHUS
from hfs_vision.core.summary import count_events
from hfs_vision.errors import OutputError
from hfs_vision.live import Action
from hfs_vision.web.live import NUMBER_HEADER, OUTLINES_HEADER
from hfs_vision.web.security import TOKEN_HEADER
from tests.live_page_support import (
    HOSTILE,
    NAN,
    Page,
    grey,
    opened_page,
    result,
    running,
    some_session,
    some_view,
)


@pytest.fixture
def page() -> Iterator[Page]:
    with opened_page() as page:
        yield page


class TestTheStream:
    def test_waits_and_then_tells_each_moment_with_nothing_that_json_has_not(self, page):
        with page.stream() as messages:
            assert next(messages) == {"state": "starting"}
            page.display.show(some_view(30, learning_s=7.25, hints=[HOSTILE], segment=HOSTILE))
            told = next(m for m in messages if m["state"] == "running")
        assert (told["elapsed_s"], told["fps"], told["learning_s"]) == (1.0, None, 7.2)
        assert (told["segment"], told["hints"]) == (HOSTILE, [HOSTILE])
        assert told["prompt_left_s"] is None
        assert told["counts"]["left all"] == [0, None]

    def test_tells_every_sample_of_the_trace_once_and_all_of_them_to_a_new_page(self, page):
        signals = result().signals
        with page.stream() as messages:
            page.display.show(some_view(trace=signals[slice(0, 100)]))
            first = next(m for m in messages if m["state"] == "running")
            page.display.show(some_view(trace=signals[slice(40, 130)]))
            second = next(messages)
            page.display.show(some_view(trace=signals[slice(40, 130)]))
            third = next(messages)
        with page.stream() as messages:
            again = next(messages)
        sent = [len(m["trace"]["time_s"]) for m in (first, second, third, again)]
        assert sent == [100, 30, 0, 90]
        whole = first["trace"]["time_s"] + second["trace"]["time_s"]
        np.testing.assert_allclose(whole, signals.time_s[:130], atol=1e-4)
        lid = first["trace"]["eye left"] + second["trace"]["eye left"]
        expected = signals.closure[:130, 0]
        np.testing.assert_allclose(np.array(lid, float), expected, atol=1e-4)

    def test_gives_none_for_what_was_not_measured(self, page):
        signals = result().signals[slice(0, 10)]
        signals.closure[3] = NAN
        with page.stream() as messages:
            page.display.show(some_view(trace=signals))
            told = next(m for m in messages if m["state"] == "running")
        assert [i for i, v in enumerate(told["trace"]["eye right"]) if v is None] == [3]

    def test_tells_counts_events_and_what_moves(self, page):
        found = result()
        view = some_view(
            counts=count_events(found.events, 20.0),
            events=found.events,
            ongoing=frozenset({("right", "mouth"), ("right", "eye")}),
        )
        with page.stream() as messages:
            page.display.show(view)
            told = next(m for m in messages if m["state"] == "running")
        assert told["counts"]["left eyelid_twitch"] == [1, 3.0]
        assert told["counts"]["all all"] == [2, 6.0]
        assert told["ongoing"] == [["right", "eye"], ["right", "mouth"]]
        assert [event[2:] for event in told["events"]] == [["left", "eye"], ["right", "mouth"]]

    def test_ends_with_what_the_session_came_to(self, page):
        page.display.show(some_view())
        with page.stream() as first, page.stream() as second:
            next(first), next(second)
            page.display.finish(some_session())
            page.display.close(0.0)  # what was told last stays
            for messages in (first, second):
                *_, last = messages
                assert (last["state"], last["complete"], last["elapsed_s"]) == ("over", True, 20.0)
                assert last["counts"]["right mouth_pull"][0] == 1
                assert last["warnings"] == [HOSTILE]
                assert last["segments"][0]["label"] == "reading"
                assert last["segments"][0]["counts"]["left all"][0] == 1

    def test_says_that_tables_are_missing_but_not_where(self, page):
        failure = OutputError("/home/somebody/secret/events.csv: no space left")
        page.display.finish(some_session(failure=failure))
        with page.stream() as messages:
            last = next(messages)
        assert last["complete"] is False
        assert "secret" not in json.dumps(last)

    def test_ends_also_where_an_error_ended_the_session(self, page):
        with page.stream() as messages:
            next(messages)
            page.display.close(0.0)
            assert list(messages)[-1] == {"state": "failed"}

    def test_is_waited_for_until_the_last_message_is_out(self, page):
        with page.stream() as messages:
            next(messages)
            begun = time.monotonic()
            page.display.close(5.0)
            assert time.monotonic() - begun < 2
            assert list(messages)[-1] == {"state": "failed"}


class TestThePicture:
    def test_is_the_newest_one_and_comes_once(self, page):
        for number in (40, 80, 120):
            page.display.show(some_view(number))
        answer = page.picture()
        assert grey(answer) == (120, (480, 640))
        assert answer.headers["cache-control"] == "no-store"
        seen = int(answer.headers[NUMBER_HEADER])
        page.display.show(some_view(200))
        answer = page.picture(seen)
        assert grey(answer)[0] == 200
        assert page.picture(int(answer.headers[NUMBER_HEADER])).status_code == 204

    def test_is_none_before_the_first_and_after_the_end(self, page):
        assert page.picture().status_code == 204
        page.display.show(some_view())
        page.display.finish(some_session())
        assert page.picture().status_code == 204

    @pytest.mark.parametrize(
        ("size", "shown"),
        [
            ((3840, 2160), (432, 768)),
            ((720, 1280), (640, 360)),
            ((641, 479), (478, 640)),
            ((2, 2), (2, 2)),
        ],
    )
    def test_is_made_smaller_where_it_is_large_and_even(self, page, size, shown):
        page.display.show(some_view(90, size))
        assert grey(page.picture()) == (90, shown)

    def test_of_another_size_follows(self, page):
        page.display.show(some_view(90, (320, 240)))
        seen = int(page.picture().headers[NUMBER_HEADER])
        page.display.show(some_view(50, (640, 480)))
        assert grey(page.picture(seen)) == (50, (480, 640))

    def test_keeps_its_colours_and_is_not_mirrored(self, page):
        rgb = np.zeros((480, 640, 3), np.uint8)
        rgb[:, :320] = (200, 40, 90)
        page.display.show(some_view(rgb=rgb))
        content = np.frombuffer(page.picture().content, np.uint8)
        found = cv2.imdecode(content, cv2.IMREAD_COLOR)[240, :, ::-1].astype(int)
        assert np.abs(found[100] - (200, 40, 90)).max() < 6
        assert found[500].max() < 6

    def test_brings_the_outlines_of_both_sides_and_what_moves(self, page):
        view = some_view(ongoing=frozenset({("right", "eye")}))
        view.landmarks[OUTER_CANTHUS[0], :2] = (480, 120)
        view.landmarks[COMMISSURE[1], :2] = (160, 360)
        page.display.show(view)
        left, right = json.loads(page.picture().headers[OUTLINES_HEADER])
        assert (left["side"], left["eye"], left["mouth"]) == ("left", False, False)
        assert (right["side"], right["eye"], right["mouth"]) == ("right", True, False)
        assert left["lids"][0] == [0.75, 0.25]
        assert right["corner"] == [0.25, 0.75]
        assert len(left["lids"]) == 12

    def test_without_a_face_has_no_outlines(self, page):
        page.display.show(some_view(landmarks=np.full((478, 3), NAN)))
        assert page.picture().headers[OUTLINES_HEADER] == "[]"

    def test_is_encoded_at_most_20_times_a_second_however_many_look(self, page, monkeypatch):
        encoded = []
        encode = page.display._pictures._encode
        monkeypatch.setattr(
            page.display._pictures, "_encode", lambda rgb: encoded.append(1) or encode(rgb)
        )
        numbers: list[list[int]] = [[], [], []]
        until = time.monotonic() + 1.0

        def look(seen: list[int]) -> None:
            with httpx.Client(base_url=page.origin, headers=page.client.headers) as client:
                while time.monotonic() < until:
                    after = seen[-1] if seen else -1
                    answer = client.get("/api/live/picture", params={"after": after})
                    seen.append(int(answer.headers[NUMBER_HEADER]))

        with running(page.display):
            threads = [threading.Thread(target=look, args=(seen,)) for seen in numbers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert 5 <= len(encoded) <= 22
        for seen in numbers:
            assert len(seen) >= 5
            assert seen == sorted(set(seen))

    def test_that_stays_is_not_encoded_again(self, page, monkeypatch):
        view = some_view(60)
        page.display.show(view)
        first = page.picture()
        monkeypatch.setattr(page.display._pictures, "_encode", pytest.fail)
        page.display.show(replace(view, lost=True))
        second = page.picture(int(first.headers[NUMBER_HEADER]))
        assert second.content == first.content
        assert second.headers[NUMBER_HEADER] > first.headers[NUMBER_HEADER]

    def test_that_nobody_looks_at_is_not_encoded(self, page, monkeypatch):
        monkeypatch.setattr(page.display._pictures, "_encode", pytest.fail)
        with page.stream() as messages, running(page.display):
            for _ in range(5):
                next(messages)


class TestWhatThePageAsksFor:
    def test_reaches_the_session_in_order(self, page):
        with running(page.display) as asked:
            for kind in ("pause", "mark", "next_step", "quit"):
                assert page.ask(kind).json() == {"kind": kind}
            assert page.ask("segment", "  two\twords ").status_code == 200
        found = [asked.get_nowait() for _ in range(5)]
        assert found[:3] == [Action("pause"), Action("mark"), Action("next_step")]
        assert found[3:] == [Action("quit"), Action("segment", "two words")]
        assert page.display.quit_asked

    def test_was_taken_when_the_answer_comes(self, page):
        with running(page.display) as asked:
            page.ask("mark")
            assert asked.get_nowait() == Action("mark")

    @pytest.mark.parametrize(
        "wish",
        [
            {"kind": "format_disk"},
            {"kind": "segment"},
            {"kind": "segment", "label": "  "},
            {"kind": "segment", "label": "a" * 41},
            {"kind": "segment", "label": "a\x00b"},
            {"kind": "segment", "label": "a\u202eb"},
            {"kind": "mark", "label": "a"},
            {"kind": "mark", "more": 1},
            {"label": "rest"},
            [],
            None,
        ],
    )
    def test_that_is_not_understood_is_refused(self, page, wish):
        with running(page.display) as asked:
            answer = page.client.post("/api/live/action", json=wish)
            time.sleep(0.1)
        assert answer.status_code == 422
        assert answer.json()["error"]
        assert asked.empty()

    def test_after_the_end_is_refused(self, page):
        page.display.finish(some_session())
        answer = page.ask("mark")
        assert (answer.status_code, answer.json()["error"]) == (422, "the session is over")

    def test_to_end_before_the_first_picture_is_noted(self, page):
        thread = threading.Thread(target=page.ask, args=("quit",))
        thread.start()
        until = time.monotonic() + 5
        while not page.display.quit_asked and time.monotonic() < until:
            time.sleep(0.01)
        assert page.display.quit_asked
        assert page.display.show(some_view()) == [Action("quit")]
        thread.join()


def test_pages_that_do_not_read_hold_nothing_up_and_get_the_newest_when_they_do(page):
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    stuck = contextlib.ExitStack()
    for path in ("/api/live/stream", "/api/live/picture?after=-1", "/api/live/stream"):
        raw = stuck.enter_context(socket.create_connection(("127.0.0.1", page.server.port)))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{page.server.port}\r\n"
            f"{TOKEN_HEADER}: {page.server.token}\r\n\r\n".encode()
        )
    trace = result().signals
    spent = []
    with stuck:
        for number in range(150):
            view = some_view(number, rgb=noise.copy(), trace=trace)
            begun = time.thread_time()
            page.display.show(view)
            spent.append(time.thread_time() - begun)
            time.sleep(0.01)
        page.display.show(some_view(77))
        assert grey(page.picture(149))[0] == 77
    # Time of this thread's own: other programs of the machine are not counted.
    assert float(np.median(spent)) < 0.001


def test_a_number_is_missing_where_it_is_not_finite(page):
    with page.stream() as messages:
        page.display.show(some_view(learning_s=math.inf, prompt_left_s=math.inf))
        told = next(m for m in messages if m["state"] == "running")
    assert (told["learning_s"], told["prompt_left_s"]) == (None, None)
