"""A network camera on the loopback: Motion JPEG over HTTP, at the pace of a video.

`python -m tests.mjpeg_server FILE --port 8080` serves a file to anybody who asks for any path.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from hfs_vision.schema import Frame
from hfs_vision.video import open_source

_BOUNDARY = "picture"
_JPEG_QUALITY = 95


class MjpegServer:
    """Each client gets the video from its start, and a closed connection at its end.

    Attributes:
        port: Where it listens on 127.0.0.1; `start` after `stop` takes the same.
        sent_s: ``time.monotonic()`` of each picture that was sent, of all clients.
        requests: Request lines received.
    """

    def __init__(
        self,
        video: Path | list[Frame],
        *,
        port: int = 0,
        auth: str | None = None,
        realtime: bool = True,
        loop: bool = False,
    ) -> None:
        """Nothing is served before `start`, or the block of a ``with``.

        Args:
            video: A video file, or frames, which are sent at their own times.
            port: 0 for any that is free.
            auth: ``user:password`` that a client must give.
            realtime: Pace the pictures by their times; else as fast as the client reads.
            loop: Begin again at the end of the video.
        """
        self._video, self._realtime, self._loop = video, realtime, loop
        self._auth = "Basic " + base64.b64encode(auth.encode()).decode() if auth else None
        self._clients: set[socket.socket] = set()
        self._stopping = threading.Event()
        self.port = port
        self.sent_s: list[float] = []
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        """Address of the stream."""
        return f"http://127.0.0.1:{self.port}/video"

    def start(self) -> None:
        self._stopping.clear()
        self._server = _Server(("127.0.0.1", self.port), self._handler())
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Ends the connections too, as a camera that loses its power does not: it says goodbye."""
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        for client in list(self._clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._server.server_close()  # waits for the threads of the clients

    def __enter__(self) -> MjpegServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if not self._stopping.is_set():
            self.stop()

    def _frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Pictures with the seconds since the start at which each is due."""
        start_s = 0.0
        for _ in itertools.count() if self._loop else range(1):
            frames: Iterable[Frame] = (
                self._video if isinstance(self._video, list) else open_source(self._video)
            )
            first_s = last_s = step_s = 0.0
            for number, frame in enumerate(frames):
                first_s = frame.time_s if number == 0 else first_s
                step_s, last_s = frame.time_s - first_s - last_s, frame.time_s - first_s
                yield start_s + last_s, frame.rgb
            start_s += last_s + step_s

    def _stream(self, handler: BaseHTTPRequestHandler) -> None:
        began = time.monotonic()
        for due_s, rgb in self._frames():
            bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
            jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()
            wait_s = began + due_s - time.monotonic() if self._realtime else 0.0
            if self._stopping.wait(max(wait_s, 0.0)):
                return
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
            handler.wfile.write(f"{head}\r\n\r\n".encode() + jpeg + b"\r\n")
            self.sent_s.append(time.monotonic())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.requests.append(self.requestline)
                if owner._auth and self.headers.get("Authorization") != owner._auth:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
                self.end_headers()
                owner._clients.add(self.connection)
                try:
                    owner._stream(self)
                except OSError:
                    self.close_connection = True  # the client has gone
                finally:
                    owner._clients.discard(self.connection)

            def log_message(self, format: str, *args: object) -> None:
                """Keeps the terminal quiet."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() waits for them
    allow_reuse_address = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--auth", metavar="USER:PASSWORD")
    parser.add_argument("--loop", action="store_true")
    given = parser.parse_args()
    with MjpegServer(given.file, port=given.port, auth=given.auth, loop=given.loop) as server:
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
