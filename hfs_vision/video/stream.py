"""Network cameras: Motion JPEG over HTTP, RTSP, and what else FFmpeg reads as it comes."""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any
from urllib.parse import SplitResult

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from hfs_vision.errors import SourceError, UsageError
from hfs_vision.schema import SourceInfo
from hfs_vision.support.http_client import LedAwayError, check_rtsp, parse_address, shown
from hfs_vision.video.http_camera import BROKEN, HttpCamera, open_camera
from hfs_vision.video.rgb_frames import Converter, Damage, set_up, without_scan
from hfs_vision.video.source import DecodeStats, Picture

# What FFmpeg may open for a URL of this scheme: nothing that the user did not ask for. Over HTTP it
# is handed what came and opens nothing.
_PROTOCOLS = {
    "http": "data",
    "https": "data",
    "rtsp": "rtsp,rtp,tcp",
    "rtsps": "rtsps,rtsp,rtp,tls,tcp",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
}
# Every packet that is read to learn of the stream is one that comes late, in a burst with the
# others: no estimate of the rate, and no search for what the container may hold besides.
_PROBING = {"fpsprobesize": "0", "analyzeduration": "500000"}
_RTSP = {"rtsp_transport": "tcp", "probesize": "32"}  # the session description says it all
_LATE = (
    "sends pieces of several seconds (HLS), too late for a live session: give the camera's RTSP or "
    "MJPEG address"
)
_LARGEST_STRAY_S = 1.0
_NO_PICTURE = b"\xff\xd8\xff\xd9"  # what every decoder refuses
_FOLLOWED = 0.001
_REFUSED = 50  # packets: what a camera sends in two seconds


class NetworkStream:
    """A network camera.

    Pictures are timed by the clock when they arrive where they carry no times (Motion JPEG). Where
    they do (RTSP, MPEG-TS) those count, moved to the clock, since bursts of the network shift the
    arrival but not them.

    Attributes:
        info: What the stream says of itself; known once the first picture came.
    """

    info: SourceInfo

    def __init__(self, url: str, *, clock: Callable[[], float], timeout_s: float = 5.0) -> None:
        """Nothing is opened yet.

        Args:
            url: Address, which may hold ``user:password@``.
            clock: Seconds since the session began.
            timeout_s: How long the network may be silent.

        Raises:
            UsageError: It is no address of a stream.
        """
        self._url, self._clock, self._timeout_s = url.strip(), clock, timeout_s
        self._parts = _parse(self._url)
        self._scheme = self._parts.scheme.lower()
        self._stats = DecodeStats()
        self._closed, self._strict = False, True

    @property
    def warnings(self) -> Sequence[str]:
        """What could not be decoded, up to now."""
        return self._stats.warnings()

    def pictures(self) -> Iterator[tuple[float, Picture]]:
        """Opens the stream and gives its pictures until `close`.

        Raises:
            SourceError: The stream cannot be opened or read, or has ended.
        """
        try:
            yield from self._connected()
        except _AllRefusedError:
            self._strict = False
            yield from self._connected()

    def _connected(self) -> Iterator[tuple[float, Picture]]:
        frames = self._over_http() if self._scheme.startswith("http") else self._over_rtp()
        # It is ended here and not by whoever collects it: it holds the connection.
        with contextlib.closing(frames):
            for time_s, rgb in frames:
                yield time_s, rgb
                if self._closed:
                    return

    def _over_rtp(self) -> Generator[tuple[float, Picture], None, None]:
        if self._scheme.startswith("rtsp"):
            try:
                check_rtsp(self._parts, timeout_s=self._timeout_s)
            except LedAwayError as error:
                raise SourceError(
                    f"{self._name}: the camera leads to another address, {error}: if that is "
                    "right, give that one"
                ) from None
            except (OSError, UnicodeError) as error:
                raise SourceError(f"{self._name}: {self._why(error)}") from None
        with self._open(self._url) as container:
            yield from self._contained(container)

    def _over_http(self) -> Generator[tuple[float, Picture], None, None]:
        try:
            camera = open_camera(self._parts, timeout_s=self._timeout_s)
        except OSError as error:
            raise SourceError(f"{self._name}: {self._why(error)}") from None
        except SourceError as error:
            raise SourceError(f"{self._name}: {error}") from None
        with contextlib.closing(camera):
            if camera.sends_jpegs:
                yield from self._pictured(camera)
            elif camera.is_playlist:
                raise SourceError(f"{self._name} {_LATE}")
            else:
                with self._open(camera) as container:
                    yield from self._contained(container)

    def _contained(self, container: InputContainer) -> Iterator[tuple[float, Picture]]:
        """Pictures of a container, with their own times moved to the clock."""
        stream = self._video(container)
        context = stream.codec_context
        set_up(context, strict=self._strict)
        convert = Converter(stream)
        packets = container.demux(stream)
        for time_s, frame in self._stamped(self._decoded(packets, context)):
            rgb = self._converted(frame, convert)
            if rgb is None:
                continue
            if not hasattr(self, "info"):
                fps = float(stream.average_rate) if stream.average_rate else None
                self._know(container.format.name, context.name, rgb, convert, fps)
            yield time_s, rgb

    def _pictured(self, camera: HttpCamera) -> Iterator[tuple[float, Picture]]:
        """Pictures that came one by one, each with the time at which it was whole.

        The first was there before we asked, nobody knows since when, and is left out.
        """
        context = av.CodecContext.create("mjpeg", "r")
        assert isinstance(context, VideoCodecContext)
        set_up(context, strict=True)
        convert = None
        whole = (
            av.Packet(_NO_PICTURE if without_scan(jpeg) else jpeg)
            for jpeg in camera.jpegs(lambda: self._closed)
        )
        for number, (arrived_s, frames) in enumerate(self._decoded(whole, context)):
            for frame in frames:
                if number == 0:
                    continue
                convert = convert or Converter(context)
                rgb = self._converted(frame, convert)
                if rgb is None:
                    continue
                if not hasattr(self, "info"):
                    self._know("mpjpeg", context.name, rgb, convert, None)
                yield arrived_s, rgb

    def _converted(self, frame: av.VideoFrame, convert: Converter) -> Picture | None:
        try:
            return convert(frame)
        except av.FFmpegError:
            self._stats.decode_errors += 1
            return None

    def close(self) -> None:
        """Makes `pictures` end with the next picture, or once the network was silent too long."""
        self._closed = True

    def _open(self, given: str | HttpCamera) -> InputContainer:
        options = {"protocol_whitelist": _PROTOCOLS[self._scheme], **_PROBING}
        if self._scheme.startswith("rtsp"):
            options |= _RTSP
        try:
            container: InputContainer = av.open(
                given,
                mode="r",
                container_options=options,
                timeout=(self._timeout_s, self._timeout_s),
            )
        except (av.FFmpegError, ValueError, *BROKEN) as error:
            # Not `from error`: FFmpeg's message holds the URL with the password.
            raise SourceError(f"{self._name}: {self._why(error)}") from None
        return container

    def _video(self, container: InputContainer) -> VideoStream:
        """The stream of pictures of a live source.

        Raises:
            SourceError: There is none, or what was opened is not live.
        """
        name = container.format.name
        if name == "hls":
            raise SourceError(f"{self._name} {_LATE}")
        if name.endswith("_pipe"):
            raise SourceError(
                f"{self._name} is a single picture: give the address of the camera's stream"
            )
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.codec_context is None:
            raise SourceError(
                f"{self._name} sends no video, but perhaps a web page or sound alone: give the "
                "address of the camera's stream"
            )
        if container.duration:
            raise SourceError(
                f"{self._name} is a recording, not a live stream: save it and give it as a file"
            )
        return stream

    def _stamped(
        self, decoded: Iterator[tuple[float, list[av.VideoFrame]]]
    ) -> Iterator[tuple[float, av.VideoFrame]]:
        """Frames with their own times, moved to the clock.

        What had gathered while the stream was opened comes in a burst and is left out, until a
        frame has to be waited for: only then is known what the arrival of a frame says.
        """
        offset_s = last_arrived_s = last_own_s = math.nan
        for arrived_s, frames in decoded:
            for frame in frames:
                if frame.pts is None or frame.time_base is None:
                    continue
                own_s = float(frame.pts * frame.time_base)
                paced = arrived_s - last_arrived_s >= 0.5 * (own_s - last_own_s)
                last_arrived_s, last_own_s = arrived_s, own_s
                if math.isnan(offset_s) and not paced:
                    continue
                stray_s = arrived_s - (own_s + offset_s)
                if abs(stray_s) <= _LARGEST_STRAY_S:
                    offset_s += _FOLLOWED * stray_s  # no two clocks run alike
                else:
                    offset_s = arrived_s - own_s
                yield own_s + offset_s, frame

    def _decoded(
        self, packets: Iterator[av.Packet[Any]], context: VideoCodecContext
    ) -> Iterator[tuple[float, list[av.VideoFrame]]]:
        """Sound frames of each packet with the time at which it came, until the stream is lost.

        Raises:
            SourceError: The stream is lost.
            _AllRefusedError: A strict decoder takes none of the first packets.
        """
        damage = Damage(self._stats)
        refused: float = 0
        try:
            for packet in packets:
                arrived_s = self._clock()
                try:
                    frames = context.decode(packet) if packet.size else []
                except av.FFmpegError:
                    damage.note(arrived_s)
                    refused += 1
                    if self._strict and refused == _REFUSED:
                        raise _AllRefusedError from None
                    continue
                refused = refused if not frames else -math.inf
                yield arrived_s, [f for f in frames if not damage.spoils(f, arrived_s)]
            lost = "the camera ended the stream"
        except SourceError as error:
            lost = str(error)
        except (av.ExitError, TimeoutError):
            lost = f"the camera sent nothing for {self._timeout_s:g} s"
        except (av.FFmpegError, *BROKEN) as error:
            lost = f"the stream broke off ({_said(error)})"
        raise SourceError(f"{self._name}: {lost}")

    @property
    def _name(self) -> str:
        return shown(self._url)

    def _why(self, error: Exception) -> str:
        """What went wrong and what to do, without the address."""
        for kind, words in _REASONS.items():
            if isinstance(error, kind):
                return words
        try:
            socket.getaddrinfo(self._parts.hostname, None)
        except (OSError, UnicodeError):
            return f"the host {self._parts.hostname} is not known: check its name and the network"
        return f"cannot be read ({_said(error)}): check the address and the camera"

    def _know(
        self,
        container: str,
        codec: str,
        rgb: Picture,
        convert: Converter,
        fps: float | None,
    ) -> None:
        self.info = SourceInfo(
            kind="stream",
            container=container,
            codec=codec,
            width=rgb.shape[1],
            height=rgb.shape[0],
            nominal_fps=fps,
            frame_count=None,
            duration_s=None,
            rotation_deg=convert.rotation_deg,
        )


class _AllRefusedError(Exception):
    """See `hfs_vision.video.rgb_frames.set_up`."""


_REASONS: dict[type[Exception], str] = {
    av.HTTPUnauthorizedError: "the camera asks for a password or refuses this one: write user@ "
    "before the host, and check both; the password is asked for",
    av.HTTPForbiddenError: "the camera refuses access (403): check the user, who stands as user@ "
    "before the host, and the password",
    av.HTTPNotFoundError: "the camera has nothing at this address (404): check the path",
    ConnectionRefusedError: "nothing answers at this port: check the port, and that the camera "
    "is on",
    av.ExitError: "the camera does not answer: check that it is on and in this network",
    TimeoutError: "the camera does not answer: check that it is on and in this network",
    av.InvalidDataError: "what it sends is no video stream, perhaps a web page: check the path",
    av.ProtocolNotFoundError: "this kind of address cannot be read: give http:// or rtsp://",
}


def _said(error: Exception) -> str:
    """FFmpeg's words without the address, which holds the password."""
    return getattr(error, "strerror", None) or type(error).__name__


def _parse(url: str) -> SplitResult:
    """The parts of the address.

    Raises:
        UsageError: It has no host, or a scheme that no camera has.
    """
    parts = parse_address(url)
    if parts.scheme.lower() not in _PROTOCOLS:
        known = ", ".join(f"{scheme}://" for scheme in _PROTOCOLS)
        raise UsageError(
            f"a URL of a camera begins with {known}, not with {parts.scheme or 'nothing'!r}: "
            "give a video file by --file"
        )
    if not parts.hostname:
        raise UsageError(f"the URL names no host: write {parts.scheme}://HOST/PATH")
    return parts
