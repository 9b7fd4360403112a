"""A live session that is constructed, and what a browser would ask of its page's server."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import httpx
import numpy as np
import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Segment, count_events
from hfs_vision.live import Action, Session, View
from hfs_vision.web.live import create_live_app
from hfs_vision.web.live_display import PageDisplay
from hfs_vision.web.security import TOKEN_HEADER
from hfs_vision.web.server import LocalServer
from tests.synthetic import Recording

NAN = float("nan")
HOSTILE = "<img src=x onerror=alert(1)>\n\ndata: {}"


def result():
    return detect(Recording(20.0).lid(0, 12.0, 0.4).pull(1, 15.0, 1.5).measured())


def some_view(number: int = 0, size: tuple[int, int] = (640, 480), **fields) -> View:
    """A grey picture whose brightness is its number, and a face's mesh in its middle."""
    width, height = size
    landmarks = np.full((478, 3), 0.5) * (width, height, 0)
    return View(
        **{
            "rgb": np.full((height, width, 3), number % 256, np.uint8),
            "landmarks": landmarks,
            "time_s": number / 30,
            "elapsed_s": number / 30,
            "valid_s": 0.0,
            "fps": NAN,
            "counts": count_events((), 0.0),
            "ongoing": frozenset(),
            "trace": Signals.empty(),
            "events": (),
            **fields,
        }
    )


def some_session(**fields) -> Session:
    found = result()
    segment = Segment("reading", 0.0, 5.0, 5.0, count_events(found.events[:1], 5.0))
    return Session(
        **{
            "summary": found.summary,
            "segments": [segment],
            "events": found.events,
            "warnings": [HOSTILE],
            "values": {"live": {"elapsed_s": 20.0}},
            **fields,
        }
    )


class Page:
    """What a browser would ask of the server."""

    def __init__(self, display: PageDisplay, server: LocalServer) -> None:
        self.display, self.server = display, server
        headers = {TOKEN_HEADER: server.token}
        self.origin = f"http://127.0.0.1:{server.port}"
        self.client = httpx.Client(base_url=self.origin, headers=headers, timeout=10)

    @contextmanager
    def stream(self) -> Iterator[Iterator[dict]]:
        with self.client.stream("GET", "/api/live/stream") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            yield (
                json.loads(line.removeprefix("data: "), parse_constant=pytest.fail)
                for line in answer.iter_lines()
                if line.startswith("data: ")
            )

    def picture(self, after: int = -1) -> httpx.Response:
        return self.client.get("/api/live/picture", params={"after": after})

    def ask(self, kind: str, label: str = "") -> httpx.Response:
        return self.client.post("/api/live/action", json={"kind": kind, "label": label})


@contextmanager
def opened_page() -> Iterator[Page]:
    """A display and the server of its page."""
    display = PageDisplay()
    with LocalServer(create_live_app(display)) as server:
        opened = Page(display, server)
        yield opened
        display.close(0.0)
        opened.client.close()


@contextmanager
def running(display: PageDisplay, **fields) -> Iterator[queue.Queue[Action]]:
    """A session that shows 30 moments a second; what the pages ask of it."""
    asked: queue.Queue[Action] = queue.Queue()
    stopped = threading.Event()

    def run() -> None:
        number = 0
        while not stopped.is_set():
            for action in display.show(some_view(number, **fields)):
                asked.put(action)
            number += 1
            time.sleep(1 / 30)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield asked
    finally:
        stopped.set()
        thread.join()


def grey(answer: httpx.Response) -> tuple[float, tuple[int, ...]]:
    """Mean and shape of a picture; JPEG may be off by one or two."""
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    return pytest.approx(float(picture.mean()), abs=2), picture.shape[:2]
