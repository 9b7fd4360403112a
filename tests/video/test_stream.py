"""Network cameras on the loopback: times, loss, and what is said of those that cannot be read."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from hfs_vision.errors import SourceError, UsageError
from hfs_vision.schema import Frame
from hfs_vision.video import Capture, NetworkStream, open_source
from tests import clips
from tests.mjpeg_server import MjpegServer
from tests.paths import SAMPLES
from tests.rtsp_server import RtspServer

SAMPLE = SAMPLES / "variable_frame_rate.mp4"
DEADLINE_S = 20.0
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is missing")


def clock() -> Callable[[], float]:
    start = time.monotonic()
    return lambda: time.monotonic() - start


@pytest.fixture
def capture() -> Iterator[Callable[[str], Capture]]:
    """Makes captures of addresses that are closed at the end."""
    made: list[Capture] = []

    def make(url: str) -> Capture:
        ticking = clock()
        made.append(Capture(NetworkStream(url, clock=ticking), clock=ticking))
        return made[-1]

    yield make
    for one in made:
        one.close()


def take(capture: Capture, count: int) -> list[Frame]:
    deadline = time.monotonic() + DEADLINE_S
    frames: list[Frame] = []
    while len(frames) < count:
        assert time.monotonic() < deadline, f"only {len(frames)} of {count} frames came"
        frame = capture.get(0.1)
        if frame is not None:
            frames.append(frame)
    return frames


def moving(count: int, step_s: float = 1 / 30) -> list[Frame]:
    """Frames with numbered pictures."""
    return [Frame(i, i * step_s, clips.picture(i)) for i in range(count)]


class TestMotionJpeg:
    def test_times_are_those_of_the_source_moved_to_the_clock(self, capture) -> None:
        with MjpegServer(SAMPLE) as server:
            reading = capture(server.url)
            reading.start()
            frames = take(reading, 90)
        source = [f.time_s for f in itertools.islice(open_source(SAMPLE), 100)]
        true = np.array([source[f.index + 1] for f in frames])  # the first came during opening
        came = np.array([f.time_s for f in frames])
        assert [f.index for f in frames] == list(range(90))  # none was lost, none came in a burst
        off = (came - true) - np.median(came - true)
        assert np.median(np.abs(off)) < 0.05
        assert np.abs(off[:10]).max() < 0.1
        steps = np.diff(came) - np.diff(true)
        assert np.median(np.abs(steps)) < 0.01
        assert (reading.source.info.kind, reading.source.info.container) == ("stream", "mpjpeg")
        assert (reading.source.info.codec, reading.source.info.width) == ("mjpeg", 480)

    def test_pictures_are_those_of_the_source(self, capture) -> None:
        with MjpegServer(moving(20)) as server:
            reading = capture(server.url)
            reading.start()
            for frame in take(reading, 19):
                assert clips.read_grey(frame.rgb) == (frame.index + 1) % clips.N_GREYS
                assert clips.read_corners(frame.rgb) == {name: name for name in clips.CORNERS}
                assert np.abs(frame.rgb[-3, -3].astype(int) - 230).max() < 6  # the full range

    def test_a_server_that_comes_back_is_read_on(self, capture) -> None:
        server = MjpegServer(moving(60), loop=True)
        with server:
            reading = capture(server.url)
            reading.start()
            before = take(reading, 10)
            server.stop()
            wait_for_state(reading, "lost")
            server.start()
            wait_for_state(reading, "running")
            after = take(reading, 10)
            (gap,) = reading.stats.interruptions
        times = [f.time_s for f in (*before, *after)]
        assert np.all(np.diff(times) > 0)
        assert after[0].index >= len(before)
        assert before[-1].time_s <= gap.lost_s < gap.back_s <= after[0].time_s
        assert "127.0.0.1" in gap.reason

    def test_the_end_of_the_stream_is_a_loss(self) -> None:
        with MjpegServer(moving(5)) as server:
            pictures = NetworkStream(server.url, clock=clock()).pictures()
            assert len(list(itertools.islice(pictures, 4))) == 4
            with pytest.raises(SourceError, match=r"ended the stream|broke off"):
                next(pictures)

    def test_a_password_is_given(self) -> None:
        with MjpegServer(moving(5), auth="me:s3cret") as server:
            url = server.url.replace("//", "//me:s3cret@")
            stream = NetworkStream(url, clock=clock())
            assert next(stream.pictures())[1].shape == (64, 96, 3)
            assert "s3cret" not in str(stream.info)
            stream.close()

    def test_a_damaged_picture_is_left_out_and_told(self) -> None:
        jpegs = [b"\xff\xd8\xff\xdb no picture \xff\xd9" if i == 3 else jpeg(i) for i in range(6)]
        with answer(multipart(jpegs)) as port:
            stream = NetworkStream(f"http://127.0.0.1:{port}/", clock=clock())
            greys = read_until_lost(stream)
        assert greys == [1, 2, 4, 5]
        assert any("could not be decoded" in warning for warning in stream.warnings)

    def test_a_picture_that_is_cut_off_is_left_out(self) -> None:
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 256, (64, 96, 3), np.uint8)
        whole = cv2.imencode(".jpg", noise)[1].tobytes()
        jpegs = [whole, whole, whole[: len(whole) // 2] + b"\xff\xd9", whole]
        with answer(multipart(jpegs)) as port:
            stream = NetworkStream(f"http://127.0.0.1:{port}/", clock=clock())
            read = read_until_lost(stream)
        assert len(read) == 2  # not the first, nor the one that is cut off
        assert any("1 frames could not be decoded" in warning for warning in stream.warnings)

    def test_parts_without_a_length_are_read_too(self) -> None:
        with answer(multipart([jpeg(i) for i in range(5)], length=False)) as port:
            stream = NetworkStream(f"http://127.0.0.1:{port}/", clock=clock())
            assert read_until_lost(stream)[:3] == [1, 2, 3]


def read_until_lost(stream: NetworkStream) -> list[int]:
    greys: list[int] = []
    with contextlib.suppress(SourceError):
        greys.extend(clips.read_grey(rgb) for _, rgb in stream.pictures())
    return greys


def wait_for_state(reading: Capture, state: str) -> None:
    """Takes frames until the state is reached."""
    deadline = time.monotonic() + DEADLINE_S
    while reading.state != state:
        assert time.monotonic() < deadline, f"never {state}"
        if reading.state == "running":
            reading.get(0.05)
        time.sleep(0.01)


def jpeg(index: int) -> bytes:
    ok, data = cv2.imencode(".jpg", clips.picture(index, 192, 128)[..., ::-1])
    assert ok
    return data.tobytes()


def multipart(jpegs: list[bytes], *, length: bool = True) -> bytes:
    body = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
    for data in jpegs:
        size = f"Content-Length: {len(data)}\r\n" if length else ""
        body += f"--b\r\nContent-Type: image/jpeg\r\n{size}\r\n".encode() + data + b"\r\n"
    return body


@contextlib.contextmanager
def answer(reply: bytes, *, hang: bool = False) -> Iterator[int]:
    """Port of a server that gives this answer to all, and then hangs up or hangs."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(reply)
                    if hang:
                        ended.wait(DEADLINE_S)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def http(status: str, body: str = "", kind: str = "text/html") -> bytes:
    return f"HTTP/1.0 {status}\r\nContent-Type: {kind}\r\n\r\n{body}".encode()


class TestRefusals:
    @pytest.mark.parametrize(
        ("reply", "message"),
        [
            (http("401 Unauthorized"), "password .* user@"),
            (http("403 Forbidden"), "403.* check the user, .* and the password"),
            (http("404 Not Found"), "nothing at this address .*check the path"),
            (http("500 Broken"), r"error \(500\)"),
            (http("200 OK", "<html><body>Log in</body></html>" * 1000), "web page"),
            (b"SSH-2.0-OpenSSH_9\r\n", "does not speak HTTP"),
        ],
        ids=["401", "403", "404", "500", "web page", "other protocol"],
    )
    def test_what_a_server_says(self, reply: bytes, message: str) -> None:
        with answer(reply) as port:
            self.check(f"http://me:s3cret@127.0.0.1:{port}/video?key=t0ken", message)

    def check(self, url: str, message: str) -> None:
        with pytest.raises(SourceError, match=message) as caught:
            next(NetworkStream(url, clock=clock(), timeout_s=1.0).pictures())
        assert "s3cret" not in str(caught.value)
        assert "t0ken" not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_a_packed_stream(self) -> None:
        reply = b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b"
        with answer(reply) as port:
            self.check(f"http://me:s3cret@127.0.0.1:{port}/?key=t0ken", r"packs .* \(gzip\)")

    def test_nothing_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.check(f"http://me:s3cret@127.0.0.1:{port}/?key=t0ken", "nothing answers at this port")
        self.check(f"rtsp://me:s3cret@127.0.0.1:{port}/?key=t0ken", "nothing answers at this port")

    def test_a_host_that_is_not_known(self) -> None:
        self.check("http://me:s3cret@camera.invalid/", "host camera.invalid is not known")

    def test_a_server_that_hangs(self) -> None:
        with answer(b"", hang=True) as port:
            self.check(f"http://me:s3cret@127.0.0.1:{port}/", "does not answer")

    def test_a_stream_that_hangs_is_lost(self) -> None:
        with answer(multipart([jpeg(i) for i in range(4)]), hang=True) as port:
            url = f"http://me:s3cret@127.0.0.1:{port}/"
            pictures = NetworkStream(url, clock=clock(), timeout_s=1.0).pictures()
            assert len(list(itertools.islice(pictures, 3))) == 3
            with pytest.raises(SourceError, match="sent nothing for 1 s") as caught:
                next(pictures)
            assert "s3cret" not in str(caught.value)

    def test_sound_alone(self, tmp_path: Path) -> None:
        clips.write_audio_only(tmp_path / "a.mka")
        body = (tmp_path / "a.mka").read_bytes()
        with answer(http("200 OK", kind="video/x-matroska") + body) as port:
            self.check(f"http://127.0.0.1:{port}/", "sends no video")

    def test_a_single_picture(self) -> None:
        with answer(http("200 OK", kind="image/jpeg") + jpeg(0)) as port:
            self.check(f"http://127.0.0.1:{port}/a.jpg", "single picture")

    def test_a_recording(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4", container_options={"movflags": "faststart"})
        body = (tmp_path / "a.mp4").read_bytes()
        with answer(http("200 OK", kind="video/mp4") + body) as port:
            self.check(f"http://127.0.0.1:{port}/a.mp4", "is a recording")

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("file:///etc/hosts", "not with 'file'.*--file"),
            ("/tmp/a.mp4", "not with 'nothing'"),
            ("concat:a|b", "not with 'concat'"),
            ("http:///video", "names no host"),
            ("http://me:s3cret@host:99999/", "impossible host or port"),
            ("rtsp://[::1/", "impossible host or port"),
        ],
    )
    def test_what_is_no_address_of_a_camera(self, url: str, message: str) -> None:
        with pytest.raises(UsageError, match=message) as caught:
            NetworkStream(url, clock=clock())
        assert "s3cret" not in str(caught.value)

    def test_a_list_of_files_opens_none(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.ts")
        lines = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{tmp_path}/a.ts\n"
        with answer(http("200 OK", lines, "application/vnd.apple.mpegurl")) as port:
            self.check(f"http://127.0.0.1:{port}/a.m3u8", "pieces of several seconds")


@needs_ffmpeg
class TestContainersWithTimes:
    """Bursts of the network must not show in the times."""

    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        options = {"g": "30", "tune": "zerolatency"}
        clips.write_clip(tmp_path / "a.mp4", ticks=range(0, 6000, 40), options=options)
        return tmp_path / "a.mp4"

    def check_times(self, frames: list[Frame]) -> None:
        steps = np.diff([f.time_s for f in frames])
        assert np.median(steps) == pytest.approx(0.04, abs=0.0005)
        # 0.04 on the camera's clock, and 0.001 of what the arrival strays.
        assert steps == pytest.approx(np.round(steps / 0.04) * 0.04, abs=0.002)
        assert steps.max() < 0.1
        assert [clips.read_grey(f.rgb) for f in frames] == [
            (clips.read_grey(frames[0].rgb) + round((f.time_s - frames[0].time_s) / 0.04)) % 16
            for f in frames
        ]

    def test_rtsp(self, capture, clip: Path) -> None:
        with RtspServer(clip) as server:
            reading = capture(server.url)
            reading.start()
            frames = take(reading, 60)
            assert abs(reading.arrived_s(frames[-1]) - frames[-1].time_s) < 0.5
        self.check_times(frames)
        assert (reading.source.info.container, reading.source.info.codec) == ("rtsp", "h264")

    def test_a_camera_whose_every_packet_has_an_odd_unit(self, capture, clip: Path) -> None:
        odd = clip.with_name("odd.mp4")
        clips.with_odd_units(clip, odd)
        with RtspServer(odd) as server:
            reading = capture(server.url)
            reading.start()
            assert len(take(reading, 20)) == 20

    def test_rtsp_that_asks_for_a_password(self, clip: Path) -> None:
        with RtspServer(clip, auth_fails=True) as server:
            stream = NetworkStream(server.url.replace("//", "//me:s3cret@"), clock=clock())
            with pytest.raises(SourceError, match="user@ before") as caught:
                next(stream.pictures())
        assert "s3cret" not in str(caught.value)

    def test_mpegts_over_http(self, capture, clip: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}/a.ts"
        command = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-i", str(clip), "-c", "copy"]
        command += ["-f", "mpegts", "-flush_packets", "1", "-listen", "1", url]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as sender:
            try:
                reading = start_once_it_listens(lambda: capture(url))
                frames = take(reading, 60)
            finally:
                sender.kill()
        self.check_times(frames)
        assert reading.source.info.container == "mpegts"


def start_once_it_listens(make: Callable[[], Capture]) -> Capture:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        reading = make()
        try:
            reading.start()
            return reading
        except SourceError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
