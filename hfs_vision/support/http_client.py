"""HTTP requests that go where the user sent them, and nowhere else.

An answer may send its reader on to another address, and a library follows: to another machine, with
a password, or in plain text. Here only the same host may, and never from HTTPS to HTTP.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import urllib.request
from collections.abc import Callable
from typing import IO, Any
from urllib.parse import SplitResult, urlsplit

from hfs_vision.errors import UsageError

_LONGEST_HEAD = 1 << 16


class LedAwayError(Exception):
    """An answer that leads to another host; the text names it, without what may be secret."""


def parse_address(text: str) -> SplitResult:
    """The parts of an address that may be used.

    Raises:
        UsageError: It has no sound host or port, or signs that no address has.
    """
    if not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError(
            "the URL holds a space, or a sign that no address has: write it as %20 and the like"
        )
    try:
        parts = urlsplit(text)
        bad_port = parts.port is not None and parts.port < 1
    except ValueError:
        raise UsageError("the URL has an impossible host or port: check it") from None
    if bad_port:
        raise UsageError("the URL has an impossible host or port: check it")
    return parts


def shown(url: str) -> str:
    """The address without user, password and query, which may hold them too."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an impossible address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def ask(
    url: str,
    *,
    timeout_s: float,
    login: tuple[str, str] | None = None,
    verify: bool = True,
) -> http.client.HTTPResponse:
    """Asks for an address.

    Args:
        url: Of http or https, without user and password.
        timeout_s: How long the network may be silent.
        login: User and password, sent by Basic or Digest where they are asked for.
        verify: Whether the host's certificate must be one that this system trusts.

    Raises:
        LedAwayError: The answer leads elsewhere.
        OSError, http.client.HTTPException, ValueError: As of `urllib.request`.
    """
    context = ssl.create_default_context() if verify else _trusting()
    handlers: list[urllib.request.BaseHandler] = [
        _SameHost(),
        urllib.request.HTTPSHandler(context=context),
    ]
    if login is not None:
        known = _Login(login)
        handlers += [_Digest(known), _Basic(known)]
    opener = urllib.request.build_opener(*handlers)
    answer: http.client.HTTPResponse = opener.open(url, timeout=timeout_s)
    return answer


class _Login(urllib.request.HTTPPasswordMgr):
    """The same for every realm: a request stays on its host."""

    def __init__(self, login: tuple[str, str]) -> None:
        super().__init__()
        self._login = login

    def find_user_password(self, realm: str, authuri: str) -> tuple[str, str]:
        return self._login


def check_rtsp(parts: SplitResult, *, timeout_s: float) -> None:
    """Asks an RTSP server, without a password, whether it leads elsewhere: FFmpeg would follow.

    Raises:
        LedAwayError: It does.
        OSError: It cannot be asked.
    """
    host = parts.netloc.rpartition("@")[2]
    url = parts._replace(netloc=host, fragment="").geturl()
    secure = parts.scheme.lower() == "rtsps"
    port = parts.port or (322 if secure else 554)
    for number, method in enumerate(("OPTIONS", "DESCRIBE"), start=1):
        with contextlib.ExitStack() as opened:
            asked = socket.create_connection((parts.hostname or "", port), timeout_s)
            opened.enter_context(asked)
            if secure:
                asked = opened.enter_context(_trusting().wrap_socket(asked))
            asked.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: {number}\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD:
                if not (block := asked.recv(4096)):
                    break
                head += block
        if re.match(rb"RTSP/\d\.\d 3\d\d", head):
            found = re.search(rb"(?im)^location:[ \t]*(\S+)", head)
            raise LedAwayError(shown(found[1].decode("ascii", "replace")) if found else "unnamed")


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Digest(urllib.request.HTTPDigestAuthHandler):
    def http_error_401(self, *answer: Any) -> Any:
        return _asked_again(super().http_error_401, *answer)


class _Basic(urllib.request.HTTPBasicAuthHandler):
    def http_error_401(self, *answer: Any) -> Any:
        return _asked_again(super().http_error_401, *answer)


def _asked_again(
    ask_again: Callable[..., Any], request: Any, refusal: IO[bytes], *more: Any
) -> Any:
    """The answer to a second request; ``None`` leaves the refusal to others."""
    try:
        answer = ask_again(request, refusal, *more)
    except _NOT_UNDERSTOOD:
        return None  # another way may do; else it stays a 401
    except Exception:
        refusal.close()
        raise
    if answer is not None:
        refusal.close()  # urllib leaves its connection open
    return answer


_NOT_UNDERSTOOD = (ValueError, LookupError, AttributeError)
"""What urllib makes of a challenge of another kind, or of one that is no challenge."""


class _SameHost(urllib.request.HTTPRedirectHandler):
    max_redirections = 5

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        here, there = urlsplit(req.full_url), urlsplit(newurl)
        same = there.hostname == here.hostname
        # Behind another port there may be another machine, or another user's program.
        same_door = (there.scheme, _port(there)) == (here.scheme, _port(here))
        safer = (here.scheme, there.scheme) == ("http", "https")
        if not (same and (same_door or safer)):
            fp.close()
            raise LedAwayError(shown(newurl))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)
