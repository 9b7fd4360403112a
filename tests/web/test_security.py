"""Who is let in to the page of a review, and what is refused."""

import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

import httpx
from starlette.responses import PlainTextResponse

from hfs_vision.errors import OutputError, UsageError
from hfs_vision.web.security import LARGEST_BODY, POLICY, TOKEN_HEADER, Guard
from hfs_vision.web.server import LocalServer

PORT, TOKEN = 4711, "a-secret-of-the-test"
HOME = f"http://127.0.0.1:{PORT}"
SHOWN = {TOKEN_HEADER: TOKEN}


async def inside(scope, receive, send):
    await PlainTextResponse("inside")(scope, receive, send)


@pytest.fixture
def guard() -> Guard:
    return Guard(inside, port=PORT, token=TOKEN)


def ask(guard, path="/", method="GET", base=HOME, **headers) -> httpx.Response:
    import anyio

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(guard)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            body = b"{}" if method == "POST" else None
            return await client.request(method, path, headers=named, content=body)

    return anyio.run(run)


@dataclass(frozen=True)
class Entry:
    """What a browser has got for the token."""

    place: str
    cookie: dict[str, str]


def enter(guard, token=TOKEN) -> Entry:
    answer = ask(guard, f"/?token={token}")
    assert answer.status_code == 303
    pair = answer.headers["set-cookie"].split(";")[0]
    return Entry(answer.headers["location"], {"cookie": pair})


class TestTheToken:
    def test_is_traded_for_a_path_and_a_cookie_that_is_sent_to_that_path_alone(self, guard):
        answer = ask(guard, f"/?token={TOKEN}")
        assert answer.status_code == 303
        place, cookie = answer.headers["location"], answer.headers["set-cookie"]
        assert re.fullmatch(r"/[\w-]{43}/", place)
        assert f"path={place};" in f"{cookie.lower().replace(place.lower(), place)};"
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert TOKEN not in place + cookie
        assert place.strip("/") not in cookie.partition(";")[0]
        entry = enter(guard)
        assert ask(guard, entry.place, **entry.cookie).text == "inside"

    def test_leads_to_the_path_that_was_asked_for(self, guard):
        place = enter(guard).place
        assert ask(guard, f"/report?token={TOKEN}").headers["location"] == f"{place}report"
        assert ask(guard, f"{place}report?token={TOKEN}").headers["location"] == f"{place}report"

    def test_may_stand_in_a_header(self, guard):
        assert ask(guard, **SHOWN).text == "inside"
        assert ask(guard, enter(guard).place, **SHOWN).text == "inside"

    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            ("/", {}),
            ("/api/session", {}),
            ("/?token=", {}),
            ("/?token=wrong", {}),
            (f"/?token={TOKEN}x", {}),
            ("/?token=%C3%A4%00", {}),
            ("/", {"cookie": ";;==\x7f"}),
            ("/", {TOKEN_HEADER: "wrong"}),
        ],
    )
    def test_missing_or_wrong_is_refused_with_what_to_do(self, guard, path, headers):
        for more in ({}, enter(guard).cookie):
            answer = ask(guard, path, **{**more, **headers})
            assert answer.status_code == 403
            assert "inside" not in answer.text
            if not path.startswith("/api"):
                assert "Copy the whole address" in answer.text

    def test_a_ticket_lets_in_once_and_its_address_does_not_hold_the_path(self, guard):
        ticket = guard.ticket()
        assert ask(guard, f"/?token={ticket}").status_code == 303
        assert ask(guard, f"/?token={ticket}").status_code == 403

    def test_of_two_servers_differ(self):
        with LocalServer(inside) as one, LocalServer(inside) as other:
            assert one.token != other.token
            assert len(one.token) >= 43


class TestThePathAndTheCookie:
    """What another user may have got hold of: a screenshot, or what a browser sent to his port."""

    @pytest.mark.parametrize("path", ["", "api/session", "video", "report"])
    def test_are_worth_nothing_one_without_the_other(self, guard, path):
        entry = enter(guard)
        stolen = entry.cookie["cookie"].partition("=")[2]
        for place, headers in (
            (entry.place, {}),
            (entry.place, {"cookie": entry.cookie["cookie"] + "x"}),
            (entry.place, {"cookie": f"other={stolen}"}),
            (entry.place, {TOKEN_HEADER: stolen}),
            (entry.place, {TOKEN_HEADER: entry.place.strip("/")}),
            ("/", entry.cookie),
            ("/", {TOKEN_HEADER: stolen}),
            (f"/x{entry.place[2:]}", entry.cookie),
            (f"//{entry.place}", entry.cookie),
            (entry.place[:-1], entry.cookie),
        ):
            answer = ask(guard, httpx.URL(HOME).copy_with(path=place + path), **headers)
            assert answer.status_code in (403, 404), (place, headers)
            assert "inside" not in answer.text
            assert entry.place.strip("/") not in answer.headers.get("location", "")
        for given in (stolen, entry.place.strip("/")):
            assert ask(guard, f"/?token={given}").status_code == 403
        assert ask(guard, entry.place + path, **entry.cookie).text == "inside"

    def test_cookies_that_another_port_has_set_do_not_hide_ours(self, guard):
        entry = enter(guard)
        name, _, ours = entry.cookie["cookie"].partition("=")
        for others in (f'{name}=wrong; a="b; ', "===; \x7f; ", f"{name}=; "):
            assert ask(guard, entry.place, cookie=f"{others}{name}={ours}").text == "inside"
            assert ask(guard, entry.place, cookie=f"{name}={ours}; {others}").text == "inside"
            assert ask(guard, entry.place, cookie=others).status_code == 403

    def test_are_new_at_each_start(self):
        first, second = (enter(Guard(inside, port=PORT, token=TOKEN)) for _ in range(2))
        assert first.place != second.place
        assert not set(first.cookie["cookie"].split("=")) & set(second.cookie["cookie"].split("="))


class TestOtherPages:
    @pytest.mark.parametrize(
        "base",
        [
            f"http://evil.example:{PORT}",  # a name that was bound to our address
            "http://127.0.0.1:80",
            f"http://127.0.0.1.evil.example:{PORT}",
            "http://127.0.0.1",
        ],
    )
    def test_reach_nothing_by_a_name_of_their_own(self, guard, base):
        assert ask(guard, base=base, **SHOWN).status_code == 403

    def test_two_hosts_at_once_are_refused(self, guard):
        assert ask(guard, **SHOWN, host=f"127.0.0.1:{PORT}, evil.example").status_code == 403

    @pytest.mark.parametrize(
        "origin",
        [
            "http://evil.example",
            "null",
            f"http://127.0.0.1:{PORT + 1}",
            f"https://127.0.0.1:{PORT}",
        ],
    )
    def test_may_not_send_anything(self, guard, origin):
        for method in ("GET", "POST"):
            answer = ask(guard, "/api/undo", method, origin=origin, **SHOWN)
            assert answer.status_code == 403

    @pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
    @pytest.mark.parametrize(
        ("mode", "dest"), [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe")]
    )
    def test_may_not_load_anything(self, guard, site, mode, dest):
        metadata = {"sec_fetch_site": site, "sec_fetch_mode": mode, "sec_fetch_dest": dest}
        assert ask(guard, "/video", **metadata, **SHOWN).status_code == 403

    def test_may_link_to_the_page_by_its_whole_address(self, guard):
        link = {
            "sec_fetch_site": "cross-site",
            "sec_fetch_mode": "navigate",
            "sec_fetch_dest": "document",
        }
        assert ask(guard, f"/?token={TOKEN}", **link).status_code == 303
        entry = enter(guard)
        data = f"{entry.place}api/session"
        assert ask(guard, data, **link, **entry.cookie).status_code == 403
        assert ask(guard, "/api/session", **link, **SHOWN).status_code == 403
        assert ask(guard, "/api/undo", "POST", **link, **SHOWN).status_code == 403

    def test_its_own_page_may(self, guard):
        own = {"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors", "origin": HOME}
        assert ask(guard, "/api/undo", "POST", **own, **SHOWN).text == "inside"


class TestPathsAndBodies:
    @pytest.mark.parametrize(
        "path",
        [
            "/static/%2e%2e/server.py",
            "/static/..%2fserver.py",
            "/static/%252e%252e%252fserver.py",
            "/static/..%5cserver.py",
            "/static/%00",
            "//evil.example/",
        ],
    )
    def test_that_climb_are_refused(self, guard, path):
        with_path = httpx.URL(HOME).copy_with(raw_path=path.encode())
        answer = ask(guard, with_path, **SHOWN)
        assert answer.status_code == 404
        assert "inside" not in answer.text

    @pytest.mark.parametrize("length", [str(LARGEST_BODY + 1), "9" * 5000, "", "-1", "many"])
    def test_too_long_or_of_unknown_length_are_refused(self, guard, length):
        answer = ask(guard, "/api/undo", "POST", content_length=length, **SHOWN)
        assert answer.status_code == 413

    def test_that_come_in_chunks_are_refused_whatever_length_they_state(self):
        with LocalServer(inside) as server, socket.socket() as client:
            client.connect(("127.0.0.1", server.port))
            client.sendall(
                f"POST /api/undo HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
                f"{TOKEN_HEADER}: {server.token}\r\nContent-Length: 2\r\n"
                "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".encode()
            )
            assert client.recv(64).startswith(b"HTTP/1.1 413")


def test_what_fails_inside_is_told_under_the_same_headers():
    async def failing(scope, receive, send):
        raise ZeroDivisionError

    from starlette.middleware.errors import ServerErrorMiddleware

    with LocalServer(ServerErrorMiddleware(failing)) as server:
        headers = {TOKEN_HEADER: server.token}
        answer = httpx.get(f"http://127.0.0.1:{server.port}/api/session", headers=headers)
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert answer.headers["content-security-policy"] == POLICY


def test_every_answer_says_that_nothing_from_elsewhere_may_be_loaded(guard):
    for answer in (ask(guard, **SHOWN), ask(guard), ask(guard, f"/?token={TOKEN}")):
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY


class TestTheServer:
    @pytest.mark.parametrize("host", ["0.0.0.0", "", "192.0.2.7", "example.org", "::", "::1"])
    def test_is_not_bound_to_another_address_than_loopback(self, host):
        with pytest.raises(UsageError, match=r"only 127\.0\.0\.1"):
            LocalServer(inside, host=host)

    @pytest.mark.parametrize("port", [-1, 65536])
    def test_has_a_port_that_there_is(self, port):
        with pytest.raises(UsageError, match="out of range"):
            LocalServer(inside, port=port)

    def test_says_so_where_the_port_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(OutputError, match="give another by --port"):
                LocalServer(inside, port=taken.getsockname()[1])

    def test_answers_at_the_address_that_it_gives_and_nowhere_else(self):
        with LocalServer(inside) as server:
            with httpx.Client(follow_redirects=True) as client:
                assert client.get(server.url).text == "inside"
                assert client.get(client.get(server.url).url).text == "inside"
                assert client.get(f"http://127.0.0.1:{server.port}/").status_code == 403
            assert httpx.get(f"http://127.0.0.1:{server.port}/").status_code == 403
            assert httpx.get(server.url_for_once).status_code == 303
            for address in _own_addresses():
                with pytest.raises(OSError), socket.socket() as outside:  # noqa: PT011, PT012
                    outside.settimeout(1)
                    outside.connect((address, server.port))
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url)

    def test_sends_small_answers_at_once(self):
        # Head and body are sent apart; held together by the system, each answer took 44 ms.
        with LocalServer(inside) as server:
            url, headers = f"http://127.0.0.1:{server.port}/", {TOKEN_HEADER: server.token}
            with httpx.Client(headers=headers) as client:
                times_s = []
                for _ in range(30):
                    begun = time.perf_counter()
                    assert client.get(url).text == "inside"
                    times_s.append(time.perf_counter() - begun)
        assert sorted(times_s)[10] < 0.03

    def test_refuses_a_websocket(self):
        with LocalServer(inside) as server, socket.socket() as client:
            client.connect(("127.0.0.1", server.port))
            client.sendall(
                b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: Upgrade\r\n"
                b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n" % server.port
            )
            assert client.recv(64).startswith(b"HTTP/1.1 403")


def test_the_other_commands_do_not_load_the_server():
    code = (
        "import sys, hfs_vision.cli; print({'fastapi', 'uvicorn', 'starlette'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def _own_addresses() -> list[str]:
    """This machine's addresses besides loopback, as far as it knows its name."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        return []
    return sorted({str(a[4][0]) for a in found if not str(a[4][0]).startswith("127.")})
