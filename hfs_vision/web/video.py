"""The recording as a browser can play it: as it is, or a copy in H.264 that leaves no trace.

A browser's clock of a video is not the recording's: some begin at 0 whatever the container says,
and some cannot be taken to the end of a video that begins late.
So the page is told when the first picture is due on the recording's clock, looks what its browser
says of it, and takes the difference.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
from av.stream import Disposition

from hfs_vision.errors import HfsVisionError, SourceError
from hfs_vision.schema import Frame
from hfs_vision.video import ImageFolder, VideoFile, ahead, open_source
from hfs_vision.video.recording import TICKS_PER_S, add_h264, timed_frame

_PIXELS = ("yuv420p", "yuvj420p")
_PLAYABLE = {"mov": ("h264",), "webm": ("vp8", "vp9", "av1")}
_TYPES = {"mov": "video/mp4", "webm": "video/webm"}
_FORMATS = {"mov": "mp4", "webm": "webm"}
_WIDEST = 1280
# A key frame every 15 frames: the page jumps about.
_PROXY = {"crf": "23", "preset": "superfast", "g": "15", "threads": "2"}
_BLOCK = 256 * 1024
_PLACE = re.compile(r"[0-9]{0,18}")  # in a file; Python refuses to make numbers of thousands
_LOCAL = {"protocol_whitelist": "file"}
# Chromium takes a video that begins late to be as long as its pictures last, and goes to no later
# moment until it has played up to there: the last seconds could not be seen.
_LATE_S = 0.04
_COPIED = (
    "The browser cannot play this recording itself: a copy in H.264 is shown, which is gone when "
    "the program ends."
)

_Maker = Callable[[IO[bytes]], "float | None"]


class _NotShiftedError(Exception):
    """Packets cannot be given other times without decoding."""


@dataclass(frozen=True)
class Video:
    """How far the recording can be shown.

    Attributes:
        state: ``none`` (no recording), ``direct`` (played as it is), ``making`` (a copy is being
            made), ``shifted`` (the same pictures in a copy that begins at 0 are played), ``proxy``
            (a copy in H.264 is played) or ``failed``.
        first_s: Time of the first picture on the recording's clock.
        progress: Share of the copy that is made, 0 to 1.
        message: Why there is no video, or that there is a copy.
    """

    state: str
    first_s: float = 0.0
    progress: float = 0.0
    message: str = ""


class Media:
    """Bytes of a file that several requests read at once.

    The file stays open, so that what is shown is one recording even if the path gets another one.
    """

    def __init__(self, handle: IO[bytes], media_type: str) -> None:
        self._handle, self.media_type = handle, media_type
        self._lock = threading.Lock()
        self.size = handle.seek(0, os.SEEK_END)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, in blocks."""
        while start < stop:
            with self._lock:
                self._handle.seek(start)
                block = self._handle.read(min(_BLOCK, stop - start))
            if not block:  # cut off meanwhile
                return
            start += len(block)
            yield block

    def close(self) -> None:
        """Releases the file; an anonymous one is gone then."""
        with self._lock:
            self._handle.close()


class Player:
    """Finds out whether a recording can be played, and makes a copy of it where not."""

    def __init__(self, path: Path | None, *, fps: float | None = None, missing: str = "") -> None:
        """Opens the recording.

        Args:
            path: The recording; ``None`` if there is none.
            fps: Of a folder of images without times.
            missing: What to say if there is none.
        """
        self._path, self._fps = path, fps
        self._source: VideoFile | ImageFolder | None = None
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self.media: Media | None = None
        self.video = Video("none", message=missing)
        if path is not None:
            try:
                self._open(path)
            except (HfsVisionError, OSError) as error:
                self._fail(error)

    def make_copy(self) -> None:
        """Begins a copy in H.264, unless there is one: asked for by a browser that cannot play."""
        with self._lock:
            if self._path is None or self.video.state in ("making", "proxy"):
                return
            self._begin(self._encode, "proxy")

    def close(self) -> None:
        """Ends a copy that is being made and releases the file."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        if self.media is not None:
            self.media.close()

    def _open(self, path: Path) -> None:
        kind = playable(path)
        source = open_source(path, self._fps if path.is_dir() else None)
        self._source = source  # kept, so that no other file takes its place unseen
        first = next(iter(source), None)
        if first is None:
            raise SourceError(f"{path.name} holds no picture that can be shown")
        spoilt = source.stats.decode_errors or source.stats.withheld
        spoilt = spoilt or (isinstance(source, VideoFile) and not source.as_played)
        self.video = Video("direct", first.time_s)
        if kind is None or spoilt:  # a browser may begin with another picture than we do
            self._begin(self._encode, "proxy")
        elif abs(first.time_s) > _LATE_S:
            self._begin(lambda handle: self._shift(handle, kind), "shifted", _TYPES[kind])
        else:
            self.media = Media(path.open("rb"), _TYPES[kind])

    def _begin(self, make: _Maker, state: str, media_type: str = "video/mp4") -> None:
        self.video = Video("making", self.video.first_s)
        self._thread = threading.Thread(
            target=self._make, args=(make, state, media_type), name="copy", daemon=True
        )
        self._thread.start()

    def _make(self, make: _Maker, state: str, media_type: str) -> None:
        handle: IO[bytes] = tempfile.TemporaryFile(prefix="hfs-vision-")  # noqa: SIM115 - kept open
        try:
            first_s = make(handle)
        except _NotShiftedError:
            handle.close()
            self._make(self._encode, "proxy", "video/mp4")
            return
        except (HfsVisionError, av.FFmpegError, OSError, ValueError) as error:
            handle.close()
            self._fail(error)
            return
        if first_s is None:
            handle.close()
            return
        before, self.media = self.media, Media(handle, media_type)
        if before is not None:
            before.close()
        self.video = Video(state, first_s, 1.0, _COPIED if state == "proxy" else "")

    def _shift(self, handle: IO[bytes], kind: str) -> float | None:
        """Writes the same packets from time 0 on; see `_LATE_S`."""
        assert self._path is not None
        assert self._source is not None
        first_s, size = self.video.first_s, self._path.stat().st_size
        with (
            av.open(f"file:{self._path}", container_options=_LOCAL) as given,
            av.open(handle, "w", format=_FORMATS[kind]) as made,
        ):
            self._source.check_same()
            source = given.streams.video[0]
            stream = made.add_stream_from_template(source)
            assert source.time_base is not None
            by, done = round(first_s / source.time_base), 0
            for packet in given.demux(source):
                if self._stopped.is_set():
                    return None
                if packet.pts is None or packet.dts is None:
                    continue
                if packet.pts < by:  # hidden by an edit list, but others may build on it
                    raise _NotShiftedError
                packet.pts, packet.dts, packet.stream = packet.pts - by, packet.dts - by, stream
                done += packet.size
                made.mux(packet)
                self.video = Video("making", first_s, min(done / size, 1.0))
        return first_s

    def _encode(self, handle: IO[bytes]) -> float | None:
        """Writes all pictures, the first at 0; its true time, or ``None`` if it was stopped."""
        assert self._source is not None
        return self._encode_all(self._source, handle)

    def _encode_all(self, source: VideoFile | ImageFolder, handle: IO[bytes]) -> float | None:
        frames = ahead(source)
        first = next(frames, None)
        if first is None:
            raise SourceError("no picture of the recording can be decoded")
        width, height = _shown_size(first)
        length_s = source.info.duration_s or 0.0
        try:
            with av.open(handle, "w", format="mp4") as container:
                stream = add_h264(container, (width, height), _PROXY)
                frame: Frame | None = first
                while frame is not None:
                    if self._stopped.is_set():
                        return None
                    since_s = frame.time_s - first.time_s
                    picture = timed_frame(frame.rgb, round(since_s * TICKS_PER_S))
                    container.mux(stream.encode(_fitted(picture, width, height)))
                    done = min(since_s / length_s, 1.0) if length_s else 0.0
                    self.video = Video("making", first.time_s, done)
                    frame = next(frames, None)
                container.mux(stream.encode(None))
        finally:
            frames.close()
        return first.time_s

    def _fail(self, error: Exception) -> None:
        said = getattr(error, "strerror", None) or str(error)
        self.video = Video("failed", message=f"The video cannot be shown: {said}")


def playable(path: Path) -> str | None:
    """What kind of container it is, if every usual browser plays it: ``mov``, ``webm``; or None."""
    if path.is_dir():
        return None
    try:
        with av.open(f"file:{path}", container_options=_LOCAL) as container:
            names = container.format.name.split(",")
            streams: list[Any] = [
                s for s in container.streams.video if Disposition.attached_pic not in s.disposition
            ]
            if len(streams) != 1 or streams[0].codec_context is None:
                return None
            codec, pixels = streams[0].codec_context.name, streams[0].codec_context.pix_fmt
    except (av.FFmpegError, ValueError, OSError):
        return None
    # Matroska with any other ending holds what not every browser reads.
    names = [name for name in names if name != "webm" or path.suffix.lower() == ".webm"]
    codec = {"libdav1d": "av1", "libaom-av1": "av1", "libvpx-vp9": "vp9"}.get(codec, codec)
    kind = next((name for name in names if codec in _PLAYABLE.get(name, ())), None)
    return kind if pixels in _PIXELS else None


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last that a ``Range`` header asks for.

    All of the file where there is no header or one that asks for several ranges, which a server
    may answer so; ``None`` if it asks for what there is not.

    >>> byte_range("bytes=2-3", 10), byte_range("bytes=-4", 10), byte_range("bytes=10-", 10)
    ((2, 4), (6, 10), None)
    """
    unit, _, asked = (header or "").partition("=")
    first, dash, last = asked.strip().partition("-")
    sound = all(_PLACE.fullmatch(part) for part in (first, last))
    if unit.strip().lower() != "bytes" or not dash or not sound or not (first or last):
        return 0, size
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    return (start, stop) if start < stop else None


def _shown_size(frame: Frame) -> tuple[int, int]:
    height, width = frame.rgb.shape[:2]
    scale = min(Fraction(_WIDEST, width), Fraction(1))
    return max(int(width * scale) // 2 * 2, 2), max(int(height * scale) // 2 * 2, 2)


def _fitted(picture: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    fitted = picture.reformat(width=width, height=height, format="yuv420p")
    fitted.pts, fitted.time_base = picture.pts, picture.time_base
    return fitted
