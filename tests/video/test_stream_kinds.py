"""Motion JPEG in all the ways in which cameras send it, and cameras that lead elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import cv2
import pytest

from hfs_vision.errors import SourceError
from hfs_vision.video import NetworkStream
from tests import clips
from tests.video.test_stream import answer, clock, http, jpeg, multipart, read_until_lost

COUNT = 6
GREYS = [i % clips.N_GREYS for i in range(1, COUNT)]  # the first came during opening


def coded(index: int, *options: int) -> bytes:
    picture = clips.picture(index, 192, 128)[..., ::-1]
    return cv2.imencode(".jpg", picture, list(options))[1].tobytes()


def with_thumbnail(data: bytes) -> bytes:
    body = b"Exif\0\0" + jpeg(9)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def parts(
    *,
    kind: str = "multipart/x-mixed-replace; boundary=frame",
    status: bytes = b"HTTP/1.0 200 OK\r\n",
    boundary: bytes = b"--frame",
    part: str = "image/jpeg",
    off: int | None = 0,
    first: bytes | None = None,
    glue: bytes = b"\r\n",
    after: bytes = b"\r\n",
    more: bytes = b"",
    pictures=jpeg,
) -> bytes:
    body = status + (f"Content-Type: {kind}\r\n" if kind else "").encode() + b"\r\n"
    for i in range(COUNT):
        data = pictures(i)
        begins = boundary if i or first is None else first
        body += begins + (glue if begins else b"") + more
        body += f"Content-Type: {part}\r\n".encode() if part else b""
        body += b"" if off is None else b"Content-Length: %d\r\n" % (len(data) + off)
        body += b"\r\n" + data + after
    return body


def chunked(reply: bytes, size: int) -> bytes:
    head, body = reply.split(b"\r\n\r\n", 1)
    pieces = (body[i : i + size] for i in range(0, len(body), size))
    sent = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces)
    head = head.replace(b"HTTP/1.0", b"HTTP/1.1") + b"\r\nTransfer-Encoding: chunked"
    return head + b"\r\n\r\n" + sent + b"0\r\n\r\n"


KINDS = {
    "plain": parts(),
    "type with a size": parts(part="image/jpeg;size=40000"),
    "image/jpg": parts(part="image/jpg"),
    "another type": parts(part="application/octet-stream"),
    "no type": parts(part=""),
    "no header at all": parts(part="", off=None),
    "no first boundary": parts(first=b""),
    "no boundary ever": parts(boundary=b"", kind="multipart/x-mixed-replace"),
    "boundary glued to the header": parts(glue=b""),
    "boundary glued to the picture": parts(after=b""),
    "4 bytes too many stated": parts(off=4),
    "200 bytes too few stated": parts(off=-200),
    "a length of 0": parts(off=-len(jpeg(0))),
    "no boundary named": parts(kind="multipart/x-mixed-replace"),
    "boundary in quotes": parts(kind='multipart/x-mixed-replace; boundary="frame"'),
    "boundary with dashes": parts(kind="multipart/x-mixed-replace;boundary=--frame"),
    "another boundary than named": parts(boundary=b"--other"),
    "no type of the whole": parts(kind=""),
    "a wrong type of the whole": parts(kind="text/html"),
    "pictures one after the other": parts(
        kind="image/jpeg", boundary=b"", part="", off=None, after=b"", glue=b""
    ),
    "lines end with LF": parts().replace(b"\r\n", b"\n"),
    "times in the headers": parts(more=b"X-Timestamp: 1700000000.1\r\nX-StartTime: 1\r\n"),
    "rubbish between": parts(after=b"\r\n\r\n\xff\xff \0\xff\xd8 {}\r\n"),
    "padding": parts(after=bytes(64) + b"\r\n"),
    "HTTP/1.1": parts(status=b"HTTP/1.1 200 OK\r\nConnection: close\r\n"),
    "in chunks": chunked(parts(), 1000),
    "in chunks of 7 bytes": chunked(parts(), 7),
    "thumbnails": parts(pictures=lambda i: with_thumbnail(jpeg(i))),
    "progressive": parts(pictures=lambda i: coded(i, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
    "restart markers": parts(pictures=lambda i: coded(i, cv2.IMWRITE_JPEG_RST_INTERVAL, 1)),
    "no end of the picture": parts(pictures=lambda i: jpeg(i)[:-2]) + b"--frame\r\n\r\n",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_of_this_kind_is_read(kind):
    with answer(KINDS[kind]) as port:
        stream = NetworkStream(f"http://127.0.0.1:{port}/", clock=clock(), timeout_s=20.0)
        assert read_until_lost(stream) == GREYS
    assert not stream.warnings
    assert (stream.info.container, stream.info.codec, stream.info.width) == ("mpjpeg", "mjpeg", 192)


def test_pictures_with_other_than_square_pixels_are_widened_as_in_a_file():
    def wide(i: int) -> bytes:
        data = jpeg(i)
        assert data[6:11] == b"JFIF\0"
        return data[:13] + b"\0\0\2\0\1" + data[18:]  # two units of height to one of width

    with answer(parts(pictures=wide)) as port:
        stream = NetworkStream(f"http://127.0.0.1:{port}/", clock=clock())
        with contextlib.closing(stream.pictures()) as pictures:
            read = next(pictures)[1]
    assert read.shape in {(128, 384, 3), (256, 192, 3)}


class Camera:
    """Answers by path; `log` holds requests and their passwords."""

    def __init__(self, script: dict[str, tuple[int, dict[str, str], bytes]]) -> None:
        self.log: list[tuple[str, str | None]] = []
        self.script = script
        self.login: re.Pattern[str] | None = None
        self.challenge: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                given = self.headers.get("authorization")
                owner.log.append((self.path, given))
                if owner.login and not owner.login.fullmatch(given or ""):
                    self.send_response(401)
                    for line in owner.challenge:
                        self.send_header("WWW-Authenticate", line)
                    self.end_headers()
                    return
                status, headers, body = owner.script[self.path]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Keeps the terminal quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Camera]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


HEAD, BODY = multipart([jpeg(i) for i in range(COUNT)]).split(b"\r\n\r\n", 1)
VIDEO = (200, {"Content-Type": "multipart/x-mixed-replace; boundary=b"}, BODY)
SECRET = "s3:cr@t/ü"
LOGIN = f"me:{quote(SECRET, safe='')}@"


def answers(camera: Camera, path: str = "/video", login: str = "") -> list[int] | str:
    url = f"{camera.url}{path}".replace("//", f"//{login}")
    stream = NetworkStream(url, clock=clock(), timeout_s=5.0)
    greys: list[int] = []
    said = ""
    try:
        greys.extend(clips.read_grey(rgb) for _, rgb in stream.pictures())
    except SourceError as error:
        said = str(error)
    secrets = (SECRET, quote(SECRET, safe=""), "s3:cr", "s3%3A", "t0ken")
    assert not [secret for secret in secrets if secret in said]
    return greys or said


class TestACameraThatLeadsElsewhere:
    def test_to_another_path_of_its_own_is_followed(self):
        script = {"/": (302, {"Location": "/video"}, b""), "/video": VIDEO}
        with Camera(script).running() as camera:
            assert answers(camera, "/") == GREYS

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("place", ["localhost:{port}", "127.0.0.1:{other}", "evil.invalid"])
    def test_to_another_host_or_port_is_not(self, status, place):
        other = Camera({"/video": VIDEO})
        with other.running(), Camera({}).running() as camera:
            to = place.format(port=camera.port, other=other.port)
            where = f"http://a:b@{to}/video?key=t0ken"
            camera.script = {"/video": (status, {"Location": where}, b"")}
            said = answers(camera, login=LOGIN)
            assert f"leads to another address, http://{to}/video: if that is right" in said
            assert len(camera.log) == 1
            assert other.log == []

    @pytest.mark.parametrize("where", ["file:///etc/passwd", "ftp://127.0.0.1/a", "rtsp://h/a"])
    def test_to_what_is_not_http_is_not(self, where):
        script = {"/video": (302, {"Location": where}, b"")}
        with Camera(script).running() as camera:
            said = answers(camera)
            assert "root:" not in said
            assert "leads to another address" in said or "answers with an error (302)" in said

    def test_in_a_circle_ends(self):
        script = {"/video": (302, {"Location": "/video"}, b"")}
        with Camera(script).running() as camera:
            assert "error (302)" in answers(camera)
            assert len(camera.log) < 12

    @pytest.mark.parametrize("asked", ["OPTIONS", "DESCRIBE"])
    def test_by_rtsp_is_not_followed_and_gets_no_password(self, asked):
        reached, log = [], []

        def serve(listener, replies: bool) -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client:
                        request = client.recv(4096).decode()
                        log.append(request)
                        if not replies:
                            reached.append(request)
                        number = re.search(r"CSeq: (\d+)", request)[1]
                        status = "302 Moved" if request.startswith(asked) else "200 OK"
                        client.sendall(
                            f"RTSP/1.0 {status}\r\nCSeq: {number}\r\n"
                            f"Location: rtsp://a:b@127.0.0.1:{other_port}/x?k=t0ken\r\n\r\n".encode()
                        )

        with (
            socket.create_server(("127.0.0.1", 0)) as camera,
            socket.create_server(("127.0.0.1", 0)) as other,
        ):
            other_port = other.getsockname()[1]
            threads = [
                threading.Thread(target=serve, args=(listener, listener is camera))
                for listener in (camera, other)
            ]
            for thread in threads:
                thread.start()
            url = f"rtsp://{LOGIN}127.0.0.1:{camera.getsockname()[1]}/video"
            with pytest.raises(SourceError, match="leads to another address") as caught:
                next(NetworkStream(url, clock=clock(), timeout_s=2.0).pictures())
            for listener in (camera, other):
                listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join()
        assert f"rtsp://127.0.0.1:{other_port}/x:" in str(caught.value)
        assert reached == []
        assert "uthorization" not in "".join(log)


class TestAPassword:
    def test_is_given_by_basic_once_it_is_asked_for(self):
        with Camera({"/video": VIDEO}).running() as camera:
            camera.challenge = ['Basic realm="camera"']
            import base64

            told = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
            camera.login = re.compile(re.escape(told))
            assert answers(camera, login=LOGIN) == GREYS
            assert camera.log[0] == ("/video", None)
            assert "user@ before" in answers(camera, login="me:wrong@")

    @pytest.mark.parametrize("quality", ['qop="auth", ', ""])
    def test_is_given_by_digest_and_not_in_plain_where_both_are_offered(self, quality):
        with Camera({"/video": VIDEO}).running() as camera:
            camera.challenge = [
                f'Digest realm="camera", {quality}nonce="abc", algorithm=MD5',
                'Basic realm="camera"',
            ]
            camera.login = re.compile("Digest .*")
            assert answers(camera, login="me:s3cret@") == GREYS
            given = camera.log[-1][1] or ""
        said = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        one = hashlib.md5(b"me:camera:s3cret").hexdigest()
        two = hashlib.md5(b"GET:/video").hexdigest()
        middle = f"abc:{said['nc']}:{said['cnonce']}:auth" if quality else "abc"
        assert said["response"] == hashlib.md5(f"{one}:{middle}:{two}".encode()).hexdigest()

    @pytest.mark.parametrize("challenge", ["Negotiate", "Digest", "Basic", "", "Ünsinn ="])
    def test_that_is_asked_for_in_another_way_is_told(self, challenge):
        with Camera({"/video": VIDEO}).running() as camera:
            camera.challenge = [challenge.encode("ascii", "replace").decode()]
            camera.login = re.compile("never")
            assert "127.0.0.1" in answers(camera, login=LOGIN)


def test_a_certificate_of_the_cameras_own_is_taken(tmp_path):
    import ssl

    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
    made += ["/CN=camera", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")]
    try:
        subprocess.run(made, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl is here")
    camera = Camera({"/video": VIDEO})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    camera._server.socket = context.wrap_socket(camera._server.socket, server_side=True)
    plain = Camera({"/video": VIDEO, "/": (302, {"Location": ""}, b"")})
    with camera.running(), plain.running():
        camera.url = camera.url.replace("http:", "https:")
        assert answers(camera) == GREYS
        plain.script["/"] = (302, {"Location": f"{camera.url}/video"}, b"")
        assert answers(plain, "/") == GREYS  # safer than asked for
        camera.script["/down"] = (302, {"Location": f"http://127.0.0.1:{camera.port}/video"}, b"")
        assert "leads to another address" in answers(camera, "/down")


def test_a_single_picture_is_told_also_where_its_length_is_not():
    for reply in (http("200 OK", kind="image/jpeg") + jpeg(0), parts().split(b"--frame")[0] + b"-"):
        with answer(reply) as port:
            stream = NetworkStream(f"http://127.0.0.1:{port}/", clock=clock(), timeout_s=1.0)
            with pytest.raises(SourceError, match=r"single picture|no video stream"):
                next(stream.pictures())
