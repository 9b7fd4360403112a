"""What a file's packets say before one is decoded, and from which of them decoding may begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from hfs_vision.video.coded_units import length_size, units
from hfs_vision.video.source import even_cuts

_ROW = np.dtype(
    [("pts", "i8"), ("dts", "i8"), ("at", "i8"), ("size", "i4"), ("shown", "?"), ("entry", "u1")],
    align=True,
)
_UNTIMED = np.iinfo(np.int64).min
# Codecs each of whose key packets begins anew. Of all others nobody has looked what they carry
# over: FFV1, for one, is called intra-only and yet goes on from the statistics of frames before.
_SELF_CONTAINED = {"av1", "dnxhd", "dvvideo", "libdav1d", "mpeg4", "prores", "vp8", "vp9"}
_NONE, _OPEN, _CLEAN = 0, 1, 2
_H264_SLICES, _H264_IDR, _H264_SEI = range(1, 6), 5, 6
_HEVC_SLICES, _HEVC_CLEAN, _HEVC_OPEN = range(32), range(16, 21), 21
_RECOVERY_POINT = 6
_AT_ONCE_AND_EXACTLY = 0b110  # no frames to wait for (ue(v) 0), exact match, no broken link


@dataclass(frozen=True)
class PacketIndex:
    """The packets of a file's video, in the order of decoding.

    Attributes:
        packets: ``(n,)`` rows of ``pts`` and ``dts`` (ticks), ``at`` (where it lies in the file,
            -1 if unknown), ``size`` (bytes), ``shown`` (not discarded by an edit list) and
            ``entry``: 1 where what is shown from this packet on needs nothing that came before, 2
            where not even damage to that reaches it, else 0. Ends at the first packet that cannot
            be read.
        tick: Length of a tick in seconds.
        end_s: Where the last picture ends, in seconds; minus infinity where no packet says it.
    """

    packets: NDArray[Any]
    tick: Fraction
    end_s: float

    @cached_property
    def reorders(self) -> bool:
        """Whether pictures are shown in another order than they are decoded in."""
        return bool((np.diff(self._shown["pts"]) < 0).any())

    def cuts(self, every_s: float) -> list[float]:
        """See `FrameSource.cuts`: where an entry lies within `every_s` before, or nowhere."""
        entries_s = self._seconds(self._entries)
        if not len(entries_s):
            return []
        shown = self._shown["pts"]
        return even_cuts(entries_s, self.seconds(shown.min()), self.seconds(shown.max()), every_s)

    def starts_before(self, time_s: float) -> list[tuple[int, int]]:
        """From which rows a part may be decoded, the nearest first, then in growing steps back.

        The second of each pair is the row from whose picture on all is as if decoded from the
        beginning, if all was sound up to it. It is shown before `time_s`. Between the two lies
        what an open group of pictures may inherit of damage: a decoder that lost pictures before
        it puts those that follow into a wrong order.
        """
        sound = self._entries[self._seconds(self._entries) < time_s][::-1]
        pairs = []
        for nearer, row in enumerate(sound):
            if self.packets["entry"][row] == _CLEAN:
                pairs.append((int(row), int(row)))
            elif nearer:
                pairs.append((int(row), int(sound[nearer - 1])))
        return [pairs[(1 << step) - 1] for step in range(len(pairs).bit_length())]

    def matches(self, row: int, packet: av.Packet[VideoStream]) -> bool:
        """Whether the packet is that of the row."""
        known = self.packets[row]
        return (packet.pts, _place(packet), packet.size) == (
            known["pts"],
            known["at"],
            known["size"],
        )

    def shown_from(self, row: int) -> Iterator[float]:
        """Times of the pictures from an entry on, in seconds and in the order of showing."""
        later = self.packets[row:]
        pts = np.sort(later["pts"][later["shown"]])
        return (self.seconds(tick) for tick in pts[pts >= self.packets["pts"][row]])

    def seconds(self, ticks: int) -> float:
        """Ticks as seconds, to the last digit as the times of decoded frames."""
        return int(ticks) * self.tick.numerator / self.tick.denominator

    @cached_property
    def _shown(self) -> NDArray[Any]:
        shown: NDArray[Any] = self.packets[self.packets["shown"]]
        return shown

    @cached_property
    def _entries(self) -> NDArray[np.int64]:
        """Rows of entries; none where times are missing, repeat, or go back."""
        pts, shown = self.packets["pts"], self.packets["shown"]
        timed = np.where(shown, pts, _UNTIMED)
        if not shown.any() or len(np.unique(pts[shown])) < shown.sum() or _UNTIMED in pts[shown]:
            return np.empty(0, np.int64)
        latest_before = np.maximum.accumulate(np.concatenate([[_UNTIMED], timed[:-1]]))
        entries = np.flatnonzero((self.packets["entry"] != _NONE) & shown)
        forward = (pts[entries] > latest_before[entries]).all()
        return entries if forward else np.empty(0, np.int64)

    def _seconds(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([self.seconds(tick) for tick in self.packets["pts"][rows]])


def read_index(
    container: InputContainer, stream: VideoStream, shows: Callable[[int | None], bool]
) -> PacketIndex:
    """Reads all packets of an open file's stream without decoding them.

    Args:
        container: The file, open.
        stream: Its pictures.
        shows: Whether a picture of this time in ticks is to be seen.
    """
    kind = _entry_kind(stream)
    rows, end = [], None
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            pts, dts = packet.pts, packet.dts
            if pts is not None:
                end = max(pts + (packet.duration or 0), end or pts)
            shown = not packet.is_discard and shows(pts)
            entry = kind(packet) if packet.is_keyframe and not packet.is_corrupt else _NONE
            pts = _UNTIMED if pts is None else pts
            dts = pts if dts is None else dts
            rows.append((pts, dts, _place(packet), packet.size, shown, entry))
    except av.FFmpegError:
        pass  # what follows is left to one part, which meets the same error
    tick = stream.time_base or Fraction(1)
    return PacketIndex(np.array(rows, _ROW), tick, -np.inf if end is None else float(end * tick))


def _place(packet: av.Packet[VideoStream]) -> int:
    return -1 if packet.pos is None else packet.pos


def _entry_kind(stream: VideoStream) -> Callable[[av.Packet[VideoStream]], int]:
    """Tells what kind of entry a key packet is, if any."""
    codec = stream.codec_context.name
    length = length_size(codec, stream.codec_context.extradata or b"")
    if codec == "h264":
        return lambda packet: _h264_entry(units(bytes(packet), length))
    if codec == "hevc":
        return lambda packet: _hevc_entry(units(bytes(packet), length))
    if codec in ("mpeg1video", "mpeg2video"):  # a sequence header brings the matrices
        return lambda packet: _CLEAN * bytes(packet).startswith(b"\0\0\1\xb3")
    if codec == "mjpeg":  # pictures may use the tables of an earlier one
        return lambda packet: _CLEAN * (b"\xff\xdb" in bytes(packet))
    return lambda packet: _CLEAN * (codec in _SELF_CONTAINED)


def _h264_entry(units: Iterator[bytes]) -> int:
    exact = False
    for unit in units:
        kind = unit[0] & 31 if unit else 0
        if kind == _H264_SEI:
            exact |= _recovers(unit)
        elif kind in _H264_SLICES:
            return _CLEAN if kind == _H264_IDR else _OPEN * exact
    return _NONE


def _hevc_entry(units: Iterator[bytes]) -> int:
    kinds = (unit[0] >> 1 & 63 for unit in units if unit)
    kind = next((k for k in kinds if k in _HEVC_SLICES), 0)
    return _CLEAN if kind in _HEVC_CLEAN else _OPEN * (kind == _HEVC_OPEN)


def _recovers(unit: bytes) -> bool:
    """Whether an H.264 SEI unit says that all is right from this picture on, in order of showing.

    Open groups of pictures begin so. Those of periodic intra refresh say that it takes a while.
    """
    data = unit[1:].replace(b"\0\0\3", b"\0\0")
    at = 0
    while at + 2 < len(data):
        kind, at = _sei_number(data, at)
        size, at = _sei_number(data, at)
        if kind == _RECOVERY_POINT and at < len(data):
            return data[at] >> 5 == _AT_ONCE_AND_EXACTLY
        at += size
    return False


def _sei_number(data: bytes, at: int) -> tuple[int, int]:
    """A number of an SEI message (255 as often as it goes, then the rest) and where it ends."""
    number = 0
    while at < len(data) and data[at] == 255:
        number, at = number + 255, at + 1
    return number + (data[at] if at < len(data) else 0), at + 1
