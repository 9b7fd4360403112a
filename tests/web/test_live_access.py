"""Who may look at a live session in the browser, and how the command opens its page."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

import httpx

from hfs_vision.cli.live import live_command
from hfs_vision.errors import OutputError, UsageError
from hfs_vision.web.live import LIVE_FILES, create_live_app
from hfs_vision.web.live_display import PageDisplay
from hfs_vision.web.security import TOKEN_HEADER
from hfs_vision.web.server import LocalServer
from tests.live_page_support import (
    Page,
    opened_page,
    running,
    some_view,
)


@pytest.fixture
def page() -> Iterator[Page]:
    with opened_page() as page:
        yield page


ROUTES = ["/", "/api/live/facts", "/api/live/stream", "/api/live/picture"]
ROUTES += [f"/static/{name}" for name in LIVE_FILES]


class TestNobodyElse:
    @pytest.mark.parametrize("path", ROUTES)
    def test_sees_anything_without_the_token_or_from_another_page(self, page, path):
        page.display.show(some_view())
        bare = httpx.get(page.origin + path)
        wrong = httpx.get(page.origin + path, headers={TOKEN_HEADER: "wrong"})
        other = page.client.get(path, headers={"origin": "http://evil.example"})
        assert [answer.status_code for answer in (bare, wrong, other)] == [403, 403, 403]
        assert b"\xff\xd8" not in bare.content + wrong.content + other.content

    def test_asks_for_anything(self, page):
        with running(page.display) as asked:
            wish = {"kind": "quit", "label": ""}
            bare = httpx.post(f"{page.origin}/api/live/action", json=wish)
            other = page.client.post(
                "/api/live/action", json=wish, headers={"origin": "http://evil.example"}
            )
            time.sleep(0.1)
        assert (bare.status_code, other.status_code) == (403, 403)
        assert asked.empty()
        assert not page.display.quit_asked

    @pytest.mark.parametrize("path", ["/static/../live.py", "/static/%2e%2e/live.py"])
    def test_climbs_out_of_the_folder(self, page, path):
        with socket.create_connection(("127.0.0.1", page.server.port)) as raw:
            lines = [
                f"GET {path} HTTP/1.1",
                f"Host: 127.0.0.1:{page.server.port}",
                f"{TOKEN_HEADER}: {page.server.token}",
                "Connection: close",
            ]
            raw.sendall("\r\n".join([*lines, "", ""]).encode())
            assert b" 404 " in raw.recv(100).splitlines()[0]

    def test_gets_a_file_that_is_not_of_this_page(self, page):
        assert page.client.get("/static/review.js").status_code == 404
        assert page.client.get("/static/live.js").status_code == 200

    def test_off_this_machine_reaches_it(self):
        with pytest.raises(UsageError, match="not served at"):
            LocalServer(create_live_app(PageDisplay()), host="0.0.0.0")


class TestTheCommand:
    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--web", "--no-display"], "--web and --no-display"),
            (["--port", "4711"], "--port belongs to the page: give --web"),
            (["--no-browser", "--no-display"], "--no-browser belongs to the page: give --web"),
        ],
    )
    def test_with_options_that_exclude_each_other_says_so(self, arguments, words):
        with pytest.raises(UsageError, match=words):
            live_command.main(["--file", "a.mp4", *arguments], standalone_mode=False)

    def test_without_the_libraries_says_how_to_get_them(self, monkeypatch):
        monkeypatch.setattr("hfs_vision.errors.find_spec", lambda name: None)
        with pytest.raises(UsageError, match=r"fastapi and uvicorn.*hfs-vision\[review\]"):
            live_command.main(["--web", "--file", "a.mp4"], standalone_mode=False)

    def test_with_a_port_that_is_taken_says_so_and_leaves_no_folder(self, tmp_path):
        (tmp_path / "a").mkdir()
        cv2.imwrite(str(tmp_path / "a" / "1.png"), np.zeros((8, 8, 3), np.uint8))
        (tmp_path / "a" / "timestamps.csv").write_text("time_s\n0\n")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            arguments = ["--web", "--no-browser", "--file", "a", "--port", port, "--out", "out"]
            with pytest.raises(OutputError, match=f"port {port} cannot be used"):
                live_command.main(arguments, standalone_mode=False)
        assert not (tmp_path / "out").exists()

    def test_loads_no_server_where_no_page_is_asked_for(self):
        code = (
            "import sys, hfs_vision.cli\nprint(sorted({'fastapi', 'uvicorn'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"
