"""Frames of a video file, through PyAV (FFmpeg)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from hfs_vision.core.messages import Message
from hfs_vision.errors import SourceError
from hfs_vision.schema import Frame
from hfs_vision.video.coded_units import length_size, malformed
from hfs_vision.video.containers import open_container, video_stream
from hfs_vision.video.edit_list import Edits, read_edits
from hfs_vision.video.header import due_end_s, nominal_rate, video_info
from hfs_vision.video.index import PacketIndex, read_index
from hfs_vision.video.original import Original
from hfs_vision.video.rgb_frames import Converter, Damage, Matrix, set_up, without_scan
from hfs_vision.video.source import WHOLE, DecodeStats, FrameSource, Picture, Span
from hfs_vision.video.timestamp_order import InOrder, stamped_as_decoded

_MAX_DEMUX_ERRORS = 100


class VideoFile(FrameSource):
    """A video file of any container and codec that FFmpeg reads."""

    matrix: Matrix | None = None
    restamped = False
    """Whether it is stamped in the order of decoding; see `hfs_vision.video.timestamp_order`."""

    def __init__(self, path: Path) -> None:
        """Open `path` and decode up to its first sound frame, which tells size and rotation.

        Raises:
            SourceError: The file cannot be read, or no picture in it can be decoded.
        """
        super().__init__()
        self.path = path
        self._original = _original(path)
        self._edits: Edits | None = None
        self._edits = self._find_edits()
        for self.strict in (True, False):
            probe = DecodeStats()
            with self.opened() as (container, stream):
                decoder = _Decoder(container, stream, probe, self, WHOLE)
                for _, rgb in decoder.pictures():
                    self.matrix = decoder.convert.matrix
                    turned_deg = decoder.convert.rotation_deg
                    self.info = video_info(container, stream, path, rgb, turned_deg)
                    if self._edits:
                        doubts = (*self.info.time_doubts, self._edits.doubt())
                        self.info = replace(self.info, time_doubts=doubts)
                    self.restamped = stamped_as_decoded(container, stream)
                    return
        raise SourceError(
            f"{path}: no frame can be decoded ({probe.decode_errors} decode errors): "
            "the file is damaged or cut off; record or convert it again"
        )

    @contextmanager
    def opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        """The file, open, and its stream of pictures.

        Raises:
            SourceError: It cannot be opened, or another file is in its place by now.
        """
        with open_container(self.path, edited=self._edits is None) as container:
            self.check_same()
            yield container, video_stream(container, self.path)

    def check_same(self) -> Message | None:
        """See `FrameSource.check_same`."""
        return self._original.check()

    @property
    def as_played(self) -> bool:
        """Whether its times are those that players show."""
        return self._edits is None and not self.restamped

    def shows(self, tick: int | None) -> bool:
        """Whether a picture is to be seen: not where an edit list that is not followed hides it."""
        return self._edits is None or tick is None or self._edits.shows(tick)

    def cuts(self, every_s: float) -> list[float]:
        """See `FrameSource.cuts`. The first call reads the file, without decoding it.

        There are none in formats without times or with times that repeat or go back, in codecs of
        which it is not known what their key frames leave behind, and where key frames are further
        apart than `every_s`.
        """
        return [] if self.restamped else self.index.cuts(every_s)

    def part(self, start_s: float, stop_s: float, lead_s: float = 0.0) -> VideoPart:
        """See `FrameSource.part`."""
        return VideoPart(self, Span(start_s, stop_s, lead_s))

    @cached_property
    def index(self) -> PacketIndex:
        """The packets of the file, which is read for them once, without decoding."""
        with self.opened() as (container, stream):
            return read_index(container, stream, self.shows)

    def _pictures(self, stats: DecodeStats) -> Iterator[tuple[float, Picture]]:
        with self.opened() as (container, stream):
            decoder = _Decoder(container, stream, stats, self, WHOLE)
            yield from decoder.pictures()

    def _find_edits(self) -> Edits | None:
        found = read_edits(self.path)
        if not any(found):
            return None
        with self.opened() as (container, stream):
            number = list(container.streams.video).index(stream)
        return found[number] if number < len(found) else None


class VideoPart(FrameSource):
    """Part of a video file; made by `VideoFile.part`.

    It is decoded from an entry of the index that is shown before its first frame. Wherever what
    comes out is not what the index promises, it is decoded again from further back, at last from
    the beginning of the file.
    """

    def __init__(self, whole: VideoFile, span: Span) -> None:
        """Nothing is opened yet, but the index is read, so that it travels with the part."""
        super().__init__()
        self.info, self._whole, self._span = whole.info, whole, span
        self._turned_deg = whole._turned_deg
        straight = math.isinf(span.start_s) or whole.restamped
        self._starts = [] if straight else whole.index.starts_before(span.from_s)

    def cuts(self, every_s: float) -> list[float]:
        """Those of the whole file that lie within the part."""
        return [c for c in self._whole.cuts(every_s) if self._span.start_s < c < self._span.stop_s]

    def part(self, start_s: float, stop_s: float, lead_s: float = 0.0) -> VideoPart:
        """See `FrameSource.part`: of the whole file again."""
        return self._whole.part(start_s, stop_s, lead_s)

    def check_same(self) -> Message | None:
        """See `FrameSource.check_same`."""
        return self._whole.check_same()

    def __iter__(self) -> Iterator[Frame]:
        given = 0
        tries = [(start, seek) for seek in (True, False) for start in self._starts]
        for start, seek in [*tries, (None, False)]:
            self.stats = stats = DecodeStats()
            frames = self._in_order(self._pictures(stats, start, seek), stats)
            with suppress(_OffTrackError):
                for frame in islice(frames, given, None):
                    given += 1
                    yield frame
                self.check_same()
                return

    def _pictures(
        self, stats: DecodeStats, start: tuple[int, int] | None = None, seek: bool = False
    ) -> Iterator[tuple[float, Picture]]:
        whole, span = self._whole, self._span
        with whole.opened() as (container, stream):
            if start is None:
                decoder = _Decoder(container, stream, stats, whole, span)
            else:
                decoder = _EntryDecoder(container, stream, stats, whole, span, start, seek)
            yield from decoder.pictures()


class _Decoder:
    """Decodes one stream of an open container once, and judges each frame."""

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        stats: DecodeStats,
        whole: VideoFile,
        span: Span,
    ) -> None:
        self._container, self._stream, self._stats, self._span = container, stream, stats, span
        self._whole, self._in_order = whole, InOrder() if whole.restamped else None
        set_up(stream.codec_context, strict=whole.strict)
        codec = stream.codec_context
        self._is_broken = _packet_check(codec.name, codec.extradata or b"")
        self.convert = Converter(stream, whole.matrix)
        self._tick = stream.time_base or Fraction(1)
        rate = nominal_rate(stream)
        self._step_s = 1 / rate if rate else 0.04
        self._last_s: float | None = None
        self._timed_by_rate = False
        self._damage = Damage(stats)
        self._packets_end_s = -math.inf
        self._packets_since_error = 1 << 62

    def pictures(self) -> Iterator[tuple[float, Picture]]:
        """Sound pictures with their times in seconds: the last before the span, and those of it."""
        before: tuple[float, av.VideoFrame] | None = None
        inside = math.isinf(self._span.from_s)
        for time_s, frame in self._frames():
            if not inside and time_s < self._span.from_s:
                if before is None or time_s > before[0]:
                    before = time_s, frame
                continue
            inside = True
            if before is not None:
                yield from self._picture(*before)
                before = None
            yield from self._picture(time_s, frame)

    def _picture(self, time_s: float, frame: av.VideoFrame) -> Iterator[tuple[float, Picture]]:
        try:
            yield time_s, self.convert(frame)
        except av.FFmpegError:
            self._stats.decode_errors += time_s >= self._span.start_s

    def _frames(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Sound frames up to the end of the span; what is not sound counts with the one before."""
        counting = math.isinf(self._span.start_s)
        for packet in self._packets():
            frames: Iterable[av.VideoFrame] = self._decoded(packet)
            if self._in_order is not None:
                frames = self._in_order(frames, ended=packet is None)
            for frame in frames:
                time_s = self._time(frame)
                if not self._expects(frame, time_s):
                    continue
                if frame.is_corrupt:
                    self._packets_since_error = 0
                if self._damage.spoils(frame, time_s):
                    self._stats.estimated_times += frame.pts is None
                    continue
                if not counting and time_s >= self._span.start_s:
                    counting = True
                    self._stats.clear()
                if time_s >= self._span.stop_s:
                    return
                self._stats.estimated_times += frame.pts is None
                yield time_s, frame
        if not counting:
            self._stats.clear()
        ends_damaged = self._packets_since_error <= 1
        due_s = due_end_s(self._container, self._stream)
        self._stats.truncated |= ends_damaged or self._packets_end_s < due_s

    def _decoded(self, packet: av.Packet[VideoStream] | None) -> list[av.VideoFrame]:
        try:
            if packet is not None and self._is_broken(bytes(packet)):
                raise av.InvalidDataError(0, "damaged in a way that the decoder does not tell")
            return self._stream.codec_context.decode(packet)
        except av.FFmpegError:
            self._note_error(None if packet is None else packet.pts)
            if self._timed_by_rate and self._last_s is not None:
                self._last_s += self._step_s  # the lost frame had its time too
            return []

    def _packets(self) -> Iterator[av.Packet[VideoStream] | None]:
        """The stream's packets, and None at the end, which makes the decoder give up its last."""
        for _ in range(_MAX_DEMUX_ERRORS):
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size == 0:
                        continue  # a frame that an AVI left out; to a decoder it means the end
                    if packet.pts is not None:
                        end = packet.pts + (packet.duration or 0)
                        self._packets_end_s = max(self._packets_end_s, float(end * self._tick))
                    self._packets_since_error += 1
                    yield packet
                break
            except av.FFmpegError:
                self._note_error()
        else:
            self._stats.truncated = True
        yield None

    def _time(self, frame: av.VideoFrame) -> float:
        if frame.pts is not None:
            self._last_s = frame.pts * self._tick.numerator / self._tick.denominator
        else:  # a raw stream (.h264) carries no times
            self._timed_by_rate = True
            self._last_s = 0.0 if self._last_s is None else self._last_s + self._step_s
        return self._last_s

    def _expects(self, frame: av.VideoFrame, time_s: float) -> bool:
        """Whether the frame is one of the recording's."""
        return self._whole.shows(frame.pts)

    def _note_error(self, pts: int | None = None) -> None:
        own_s = None if pts is None else float(pts * self._tick)
        self._damage.note(math.inf if self._last_s is None else self._last_s, own_s)
        self._packets_since_error = 0


class _OffTrackError(Exception):
    """Decoding from an entry does not give what the index promises."""


class _EntryDecoder(_Decoder):
    """Decodes from an entry of the index on; from there all is as if decoded from the beginning.

    Damage before the entry does not reach it: its frame is sound, and `Damage` ends with it.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        stats: DecodeStats,
        whole: VideoFile,
        span: Span,
        start: tuple[int, int],
        seek: bool,
    ) -> None:
        super().__init__(container, stream, stats, whole, span)
        self._index, self._row = whole.index, start[0]
        self._packets_end_s = self._index.end_s
        self._entry_pts, self._sound_pts = map(int, self._index.packets["pts"][[*start]])
        self._begun = self._sound = False
        self._due: Iterator[float] | None = self._index.shown_from(self._row)
        if seek:  # else the packets before it are passed by
            try:
                container.seek(int(self._index.packets["dts"][self._row]), stream=stream)
            except av.FFmpegError as error:
                raise _OffTrackError from error

    def _packets(self) -> Iterator[av.Packet[VideoStream] | None]:
        index, rows, found = self._index, len(self._index.packets), False
        for packet in super()._packets():
            if packet is not None and self._row < rows:
                same = index.matches(self._row, packet)
                if not found and not same and (packet.pts or 0) <= self._entry_pts:
                    continue
                if not same:
                    raise _OffTrackError
                found, self._row = True, self._row + 1
            yield packet
        if not found:
            raise _OffTrackError

    def _expects(self, frame: av.VideoFrame, time_s: float) -> bool:
        entry_s, sound_s = map(self._index.seconds, (self._entry_pts, self._sound_pts))
        if not super()._expects(frame, time_s):
            return False
        if not self._begun and time_s < entry_s:
            return False  # it builds on what came before the entry
        self._begun = True
        if self._due is not None and time_s != next(self._due, None):
            raise _OffTrackError
        if not self._sound:
            if frame.is_corrupt or (time_s == sound_s and not frame.key_frame):
                raise _OffTrackError
            self._sound = time_s == sound_s
        # A decoder that learns late how far frames are reordered leaves out some of them where it
        # learns it, which is another place for one that begins in the middle. Those that do not
        # reorder may have packets without a picture; after damage there may always be some.
        if self._sound and (frame.is_corrupt or not self._index.reorders):
            self._due = None
        return True

    def _note_error(self, pts: int | None = None) -> None:
        if not self._sound:
            raise _OffTrackError
        self._due = None
        super()._note_error(pts)


def _packet_check(codec: str, header: bytes) -> Callable[[bytes], bool]:
    """Finds damage in a codec's packets that its decoder does not tell of."""
    if codec == "mjpeg":
        return without_scan
    if codec in ("h264", "hevc"):
        return partial(malformed, length=length_size(codec, header))
    return lambda packet: False


def _original(path: Path) -> Original:
    try:
        if path.stat().st_size == 0:
            raise SourceError(f"{path} is empty (0 bytes): record or copy it again")
        return Original(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error}): check its permissions") from error
