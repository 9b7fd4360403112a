"""A network camera on the loopback that speaks RTSP: H.264 of a file, sent by a real ffmpeg.

ffmpeg sends RTP and RTCP to two local ports; they go to the client in the connection of its
requests (interleaved, RFC 2326 section 10.12), which is what RTSP over TCP means.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import BinaryIO


class RtspServer:
    """Serves one file, from its start to each client that plays it, one client at a time.

    Attributes:
        port: Where it listens on 127.0.0.1.
        requests: First lines of the requests received.
    """

    def __init__(self, video: Path, *, auth_fails: bool = False) -> None:
        """With `auth_fails` every request is answered with 401."""
        self._video, self._auth_fails = video, auth_fails
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        """Address of the stream."""
        return f"rtsp://127.0.0.1:{self.port}/video"

    def __enter__(self) -> RtspServer:
        self._media = _media_sockets()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        for connection in (self._listener, self._client):
            if connection is not None:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for connection in (self._listener, *self._media):
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                self._client, _ = self._listener.accept()
            except OSError:
                return
            with (
                contextlib.suppress(OSError),
                self._client as client,
                client.makefile("rb") as requests,
            ):
                self._answer(client, requests)

    def _answer(self, client: socket.socket, requests: BinaryIO) -> None:
        while line := requests.readline().decode():
            self.requests.append(line.strip())
            method, target, _ = line.split()
            headers = {}
            while header := requests.readline().decode().strip():
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            status, fields, body = "200 OK", {"CSeq": headers["cseq"]}, ""
            if self._auth_fails:
                status, fields["WWW-Authenticate"] = "401 Unauthorized", 'Basic realm="camera"'
            elif method == "OPTIONS":
                fields["Public"] = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"
            elif method == "DESCRIBE":
                fields |= {"Content-Type": "application/sdp", "Content-Base": f"{target}/"}
                body = self._description()
            elif method == "SETUP" and "interleaved" not in headers["transport"]:
                status = "461 Unsupported Transport"
            elif method == "SETUP":
                fields |= {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1", "Session": "1"}
            elif method == "PLAY":
                fields["Session"] = "1"
            head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            length = f"Content-Length: {len(body)}\r\n" if body else ""
            client.sendall(f"RTSP/1.0 {status}\r\n{head}{length}\r\n{body}".encode())
            if method == "PLAY":
                self._play(client)
                return

    def _description(self) -> str:
        """SDP of the file, with the relative address that SETUP takes."""
        done = subprocess.run(
            [*self._ffmpeg(), "-frames:v", "1", *self._to_media(), "-sdp_file", "pipe:1"],
            capture_output=True,
            text=True,
            check=True,
        )
        self._drain()
        kept = [line for line in done.stdout.splitlines() if not line.startswith("a=tool")]
        return "\r\n".join([*kept, "a=control:streamid=0", ""])

    def _ffmpeg(self) -> list[str]:
        return ["ffmpeg", "-v", "error", "-nostdin", "-re", "-i", str(self._video)]

    def _to_media(self) -> list[str]:
        rtp, rtcp = (connection.getsockname()[1] for connection in self._media)
        target = f"rtp://127.0.0.1:{rtp}?rtcpport={rtcp}&pkt_size=1200"
        return ["-an", "-c:v", "copy", "-f", "rtp", target]

    def _drain(self) -> None:
        for connection in self._media:
            with contextlib.suppress(BlockingIOError):
                while True:
                    connection.recv(65536)

    def _play(self, client: socket.socket) -> None:
        """Sends until the file ends or the client goes."""
        sender = subprocess.Popen([*self._ffmpeg(), *self._to_media()], stdout=subprocess.DEVNULL)
        with selectors.DefaultSelector() as selector:
            for channel, connection in enumerate(self._media):
                selector.register(connection, selectors.EVENT_READ, channel)
            selector.register(client, selectors.EVENT_READ, None)
            try:
                while (ready := selector.select(timeout=0.1)) or sender.poll() is None:
                    for key, _ in ready:
                        if key.data is None:
                            if not client.recv(65536):  # RTCP of the client, or its TEARDOWN
                                return
                            continue
                        packet = key.fileobj.recv(65536)
                        client.sendall(struct.pack(">cBH", b"$", key.data, len(packet)) + packet)
            finally:
                sender.kill()
                sender.wait()


def _media_sockets() -> tuple[socket.socket, socket.socket]:
    pair = []
    for _ in range(2):
        connection = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        connection.bind(("127.0.0.1", 0))
        connection.setblocking(False)
        pair.append(connection)
    return pair[0], pair[1]
