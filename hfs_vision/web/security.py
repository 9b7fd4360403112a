"""Who may talk to the page: the browser that was given its address, and nobody else.

A server on the loopback address is within reach of every program of this machine and, through the
browser, of every web page that its user visits. So each request must name this server as its host
(else a foreign name was bound to our address), must not come from another origin, and must carry a
secret that only the printed address holds. A browser trades it at once for two others, which are
worthless one without the other: a path below which everything is, and a cookie for that path.
Browsers send a cookie to every port of a host, so to whatever server another user has there, but to
no other path. The path stands in the address bar, and so in a screenshot; the cookie does not.
"""

from __future__ import annotations

import hmac
import html
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "x-hfs-vision-token"
"""How a program that is no browser shows the secret."""

LARGEST_BODY = 64 * 1024
"""Bytes of a request: a change of an event has some hundred."""

_DIGITS = len(str(LARGEST_BODY))

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
"""What a page may load: our own files."""

_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_READING = ("GET", "HEAD")


def new_token() -> str:
    """A secret of 256 bits that can stand in an address."""
    return secrets.token_urlsafe(32)


class Guard:
    """Lets requests through to an application that come from its own page.

    Args:
        app: What is guarded.
        port: Where the server listens.
        token: The secret.
    """

    def __init__(self, app: ASGIApp, *, port: int, token: str) -> None:
        self._app, self._token = app, token
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._place = f"/{new_token()}"
        # A name that nobody knows is one that no other server can set.
        self._name, self._cookie = f"hfs-vision-{secrets.token_hex(8)}", new_token()
        self._tickets: set[str] = set()

    def ticket(self) -> str:
        """Takes the token's place in one address, once.

        A browser is started with the address as an argument, which other users of the machine can
        read in the list of processes. By then it is used up; and it does not hold the path.
        """
        made = new_token()
        self._tickets.add(made)
        return made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers itself what may not pass; see ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a handshake that is not accepted is refused
            await send({"type": "websocket.close", "code": 1008})
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._answer(_Request(scope))
        await (refusal or self._app)(self._without_place(scope), receive, protected)

    def _answer(self, request: _Request) -> Response | None:
        """What to say instead of passing the request on; ``None`` where it may pass."""
        if request.host not in self._hosts:
            return refused("the address in the browser is not that of this program", request.page)
        if request.crooked:
            return refused("the path is not one of this program's", request.page, status=404)
        if not request.own(self._hosts):
            return refused("another web page sent this request", request.page)
        if request.too_long:
            return refused("the request is too long", request.page, status=413)
        given = request.query_token
        if given is not None and request.reading:
            known = given in self._tickets
            self._tickets.discard(given)
            if not known and not _same(given, self._token):
                return refused("the token in the address is wrong or of an earlier run", True)
            inside = self._without_place(request.scope)["path"]
            answer = RedirectResponse(self._place + inside, 303)
            answer.set_cookie(
                self._name,
                self._cookie,
                path=f"{self._place}/",
                httponly=True,
                samesite="strict",
            )
            return answer
        if _same(request.headers.get(TOKEN_HEADER, ""), self._token):
            return None
        shown = request.cookies(self._name)
        if self._is_inside(request.path) and any(_same(one, self._cookie) for one in shown):
            return None
        return refused("the token is missing or wrong", request.page)

    def _is_inside(self, path: str) -> bool:
        head, tail = path[: len(self._place)], path[len(self._place) :]
        return _same(head, self._place) and tail.startswith("/")

    def _without_place(self, scope: Scope) -> Scope:
        """The request as the application knows it: it is not told where it is."""
        if not self._is_inside(scope["path"]):
            return scope
        path = scope["path"][len(self._place) :]
        return {**scope, "path": path, "raw_path": path.encode()}


def _same(given: str, expected: str) -> bool:
    """Whether they are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


@dataclass(frozen=True)
class _Request:
    """The parts of a request that are judged."""

    scope: Scope

    @property
    def headers(self) -> Headers:
        return Headers(scope=self.scope)

    @property
    def host(self) -> str:
        named = self.headers.getlist("host")
        return named[0].lower() if len(named) == 1 else ""

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def reading(self) -> bool:
        return self.scope["method"] in _READING

    @property
    def crooked(self) -> bool:
        """Whether the path climbs, in whatever writing, or holds what no path of ours does."""
        raw = (self.scope.get("raw_path") or self.path.encode()).decode("latin-1").partition("?")[0]
        for _ in range(3):  # %252e is %2e is a dot
            raw = unquote(raw, "latin-1")
        strange = any(ord(sign) < 32 or sign in "\\%" for sign in raw)
        return strange or raw.startswith("//") or ".." in raw.split("/")

    @property
    def page(self) -> bool:
        """Whether a person looks at the answer."""
        mode = self.headers.get("sec-fetch-mode", "navigate")
        return self.reading and mode == "navigate" and "/api/" not in self.path

    def own(self, hosts: Iterable[str]) -> bool:
        """Whether it comes from our own page, from the address bar, or from no browser at all.

        A link on another page may lead here (browsers send no cookie with it, so it must bring the
        token), but no other page may load anything from here or send anything to here.
        """
        origin, site = self.headers.get("origin"), self.headers.get("sec-fetch-site")
        if origin is not None and origin not in [f"http://{host}" for host in hosts]:
            return False
        if origin is not None and origin != f"http://{self.host}":
            return False
        if site in (None, "same-origin"):
            return True
        document = self.headers.get("sec-fetch-dest") == "document"
        return self.reading and self.page and document

    @property
    def too_long(self) -> bool:
        """Of a body only its stated length is taken on trust, so one must be stated.

        One that comes in chunks has none, whatever else is stated of it.
        """
        if self.reading:
            return False
        length = self.headers.get("content-length", "")
        stated = length.isdecimal() and "transfer-encoding" not in self.headers
        return not stated or len(length) > _DIGITS or int(length) > LARGEST_BODY

    @property
    def query_token(self) -> str | None:
        query: bytes = self.scope.get("query_string", b"")
        given = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("token")
        return given[-1] if given else None

    def cookies(self, name: str) -> list[str]:
        """Values of the cookies of that name; another port may have set some, or broken ones."""
        pairs = (part.partition("=") for part in self.headers.get("cookie", "").split(";"))
        return [value.strip() for found, _, value in pairs if found.strip() == name]


def refused(reason: str, page: bool, *, status: int = 403) -> Response:
    """A refusal, as a page for people and a line for programs, which says what to do."""
    todo = (
        "Copy the whole address that the terminal printed when the program was started, with its "
        "token, into the address bar. If the program has ended, start it again."
    )
    if not page:
        return Response(f"refused: {reason}\n", status, media_type="text/plain")
    return HTMLResponse(
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Refused</title>"
        f"<h1>Refused</h1><p>{html.escape(reason.capitalize())}.</p><p>{todo}</p></html>",
        status,
    )
