"""A server on the loopback address, with a random port and a secret in its address."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
import time
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp

from hfs_vision.errors import OutputError, UsageError
from hfs_vision.web.security import Guard, new_token

LOOPBACK = "127.0.0.1"

_START_S = 10.0
_STOP_S = 2


class LocalServer:
    """Serves an application to this machine's own browser while the context is open.

    Attributes:
        port: Where it listens.
        token: The secret that lets a browser in.
    """

    def __init__(self, app: ASGIApp, *, host: str = LOOPBACK, port: int = 0) -> None:
        """Binds; nothing is answered before the context is entered.

        Args:
            app: What is served. It needs no checks of its own; see `hfs_vision.web.security`.
            host: A loopback address.
            port: 0 takes any that is free.

        Raises:
            UsageError: The host is not a loopback address, or the port is out of range.
            OutputError: The port is taken.
        """
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.token = new_token()
        self._guard = Guard(app, port=self.port, token=self.token)
        config = uvicorn.Config(
            self._guard,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_STOP_S,
        )
        # What a browser breaks off is no news to the user.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    @property
    def url(self) -> str:
        """The address with the secret."""
        return self._address(self.token)

    @property
    def url_for_once(self) -> str:
        """An address that lets one browser in, and is worthless then."""
        return self._address(self._guard.ticket())

    def __enter__(self) -> LocalServer:
        self._thread.start()
        until = time.monotonic() + _START_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < until:
            time.sleep(0.005)
        if not self._server.started:
            raise OutputError("the page could not be served: try again, or another --port")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(_STOP_S + 3)
        self._socket.close()

    def _address(self, secret: str) -> str:
        return f"http://{LOOPBACK}:{self.port}/?token={secret}"

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])


def _bind(host: str, port: int) -> socket.socket:
    try:
        loopback = host == "localhost" or ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UsageError(
            f"the page is not served at {host!r}: it shows a face to whoever can reach it, so "
            f"only {LOOPBACK} is taken; to look at it from elsewhere, forward the port by ssh -L"
        )
    if not 0 <= port <= 65535:
        raise UsageError(f"port {port} is out of range: give one from 1024 to 65535, or 0 for any")
    # With its protocol named: asyncio sends small answers at once only over what it knows for TCP,
    # else each waits 40 ms for the browser's delayed acknowledgement.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.bind((LOOPBACK, port))
    except OSError as error:
        made.close()
        raise OutputError(
            f"port {port} cannot be used ({error.strerror or error}): give another by --port, or "
            "none for any that is free"
        ) from error
    return made
