"""A server of another user at another port, and what the browser lets it have of ours.

To a browser all ports of 127.0.0.1 are one site, and one place for cookies.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

pytest.importorskip("httpx")

import httpx

from tests.browser.support import program

PAGE = """<!doctype html><title>other</title>
<a id="link" href="{at}">click</a><a id="ours" href="{ours}" target="opened">ours</a>
<img src="{at}picture.png"><iframe name="inner" src="{at}frame"></iframe>
<iframe id="theirs" src="{ours}"></iframe>
<form id="form" method="post" action="{at}form" target="inner"><input name="a" value="b"></form>
<script>
window.seen = {{}};
const note = (name) => [
  async (answer) => (seen[name] = `${{answer.type}} ${{answer.status}} ${{await answer.text()}}`),
  (error) => (seen[name] = `error ${{error.name}}`),
];
fetch("{at}fetched", {{ credentials: "include" }}).then(...note("own"));
fetch("{ours}video", {{ credentials: "include", mode: "no-cors" }}).then(...note("no-cors"));
fetch("{ours}api/session", {{ credentials: "include" }}).then(...note("cors"));
fetch("{ours}api/undo", {{ method: "POST", body: "{{}}", credentials: "include", mode: "no-cors" }})
  .then(...note("post"));
const picture = new Image();
picture.onload = () => (seen.image = "shown");
picture.onerror = () => (seen.image = "error");
picture.src = "{ours}video";
</script>"""


class Other:
    """The other user's server: it keeps all that it is sent."""

    def __init__(self, ours: str) -> None:
        self.ours = ours
        self.at = "/"
        self.cookie = ""
        self.received: list[tuple[str, str]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer()

            def do_POST(self) -> None:
                self.answer()

            def answer(self) -> None:
                owner.received.append((self.path, str(self.headers)))
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.send_response(200)
                self.send_header("content-type", "text/html")
                if owner.cookie:
                    self.send_header("set-cookie", owner.cookie)
                self.end_headers()
                self.wfile.write(PAGE.format(at=owner.at, ours=owner.ours).encode())

            def log_message(self, format: str, *args: object) -> None:
                """Keeps the terminal quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[Other]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def paths(self) -> set[str]:
        return {path for path, _ in self.received}

    def text(self) -> str:
        return "\n".join(path + "\n" + headers for path, headers in self.received)


@pytest.fixture
def opened(chromium, folder):
    """Our page in a tab; its address with the token; cookies as the browser keeps them."""
    context = chromium.new_context()
    with program(folder) as url:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("html[data-ready]")
        yield page, url
        context.close()


def lure(page, other: Other) -> dict[str, str]:
    """One click leads to the other server, whose page then tries all that a page can."""
    tab = page.context.new_page()
    tab.goto(f"{other.origin}{other.at}")
    until_so(tab, lambda: len(tab.evaluate("seen")) == 5)
    seen = tab.evaluate("seen")
    tab.evaluate("document.getElementById('form').submit()")
    until_so(tab, lambda: f"{other.at}form" in other.paths())
    with page.context.expect_page() as popup:
        tab.click("#ours")
    popup.value.wait_for_load_state()
    seen["opener"] = str(popup.value.evaluate("window.opener === null"))
    handle = tab.evaluate_handle("window.open('', 'opened')")
    seen["handle"] = tab.evaluate(
        "(w) => { try { return w.document.body.innerText; } catch (e) { return e.name; } }", handle
    )
    frame = next(f for f in tab.frames if f.parent_frame and f.name != "inner")
    seen["frame"] = frame.evaluate("document.body.innerText")
    tab.click("#link")
    tab.wait_for_load_state()
    tab.close()
    return seen


def until_so(tab, condition) -> None:
    for _ in range(1000):
        if condition():
            return
        tab.wait_for_timeout(20)
    pytest.fail("never so")


def check_nothing_was_read(seen: dict[str, str], mark: str) -> None:
    assert seen["cors"].startswith("error")
    assert seen["no-cors"].startswith("error") or seen["no-cors"] == "opaque 0 "
    assert seen["post"].startswith("error") or seen["post"] == "opaque 0 "
    assert seen["image"] == "error"
    assert seen["opener"] == "True"
    assert mark not in seen["handle"] + seen["frame"]


def test_get_nothing_of_a_page_whose_path_they_do_not_know(opened):
    page, url = opened
    address = urlsplit(url)
    (cookie,) = page.context.cookies(page.url)
    secrets = [cookie["name"], cookie["value"], cookie["path"].strip("/"), address.query[6:]]
    assert all(len(secret) >= 20 for secret in secrets)
    origin = f"http://{address.netloc}/"
    with Other(origin).running() as other:
        for at in ("/", "/api/", "/static/", "/report/"):
            other.at = at
            check_nothing_was_read(lure(page, other), "looked at")
            assert {f"{at}picture.png", f"{at}frame", f"{at}fetched", f"{at}form"} <= other.paths()
        sent = other.text()
    assert not [secret for secret in secrets if secret in sent]
    # The tab of ours goes on.
    page.reload()
    page.wait_for_selector("html[data-ready]")


def test_may_set_cookies_as_they_like(opened):
    page, url = opened
    (cookie,) = page.context.cookies(page.url)
    address = urlsplit(url)
    with Other(f"http://{address.netloc}/").running() as other:
        tab = page.context.new_page()
        for made in (f"hfs-vision-{address.port}=theirs; Path=/", f"{cookie['name']}=x; Path=/"):
            other.cookie = made
            tab.goto(other.origin)
        tab.close()
    assert len(page.context.cookies(page.url)) == 3
    page.reload()
    page.wait_for_selector("html[data-ready]")


def test_that_know_the_path_get_the_cookie_with_a_click_but_never_with_the_path_alone(opened):
    """What docs/security.md says of a screenshot that shows the address bar."""
    page, url = opened
    (cookie,) = page.context.cookies(page.url)
    token = urlsplit(url).query[6:]
    assert token not in page.url
    with httpx.Client() as thief:  # the path alone, from the screenshot
        assert thief.get(f"{page.url}api/session").status_code == 403
        assert thief.get(f"{page.url}video").status_code == 403
    with Other(page.url).running() as other:
        other.at = cookie["path"]
        check_nothing_was_read(lure(page, other), "looked at")
        sent = other.text()
        assert token not in sent
        assert cookie["value"] in sent  # a browser knows no ports here: so the run is to be ended
