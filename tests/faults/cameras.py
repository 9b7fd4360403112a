"""Faults of network cameras: a server on the loopback while a row runs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2

from hfs_vision.video import open_source
from tests.faults.material import FPS
from tests.faults.recordings import piece
from tests.faults.rows import Place

_PORT_FILE = "port"


def live_at(place: Place, path: str) -> list[Any]:
    """A session of three seconds at the camera of `odd_camera`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place.file(_PORT_FILE).write_text(str(port))
    url = f"http://127.0.0.1:{port}{path}"
    options = ["--no-display", "--no-report", "--duration", "3", "--out", place.out]
    return ["live", "--url", url, *options]


class _Camera(BaseHTTPRequestHandler):
    pictures: list[bytes]

    def do_GET(self) -> None:
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://localhost:1/video")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace")
        self.end_headers()
        begun = time.monotonic()
        with suppress(OSError):
            for number, jpeg in enumerate(self.pictures):
                time.sleep(max(begun + number / FPS - time.monotonic(), 0.0))
                head = b"\r\n--frame\r\n\r\n" if number else b"\r\n"
                self.wfile.write(head + jpeg)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the terminal quiet."""


@contextmanager
def odd_camera(place: Place) -> Iterator[None]:
    """Serves a piece at its pace, in parts without a header; at ``/away`` it leads away."""
    frames = [frame.rgb[..., ::-1] for frame in open_source(piece(place, "left", "mjpeg"))]
    pictures = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames]

    class Handler(_Camera):
        pass

    Handler.pictures = pictures * 2
    port = int(place.file(_PORT_FILE).read_text())
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
