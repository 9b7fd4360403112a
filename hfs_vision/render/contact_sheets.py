"""One picture of each event: what the face did, from before it to after it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from hfs_vision.render.annotated_picture import hide_unmeasured
from hfs_vision.render.clips import Cut
from hfs_vision.render.face_overlay import Fit, draw_face
from hfs_vision.render.replay_pass import ReplayPass
from hfs_vision.render.text_drawing import (
    BLACK,
    GREY,
    GROUND,
    KIND_NAMES,
    SIDE_COLOURS,
    WHITE,
    Box,
    Picture,
    fill,
    width_of,
    write,
)
from hfs_vision.render.trace import (
    TRACE_HEIGHT,
    Axis,
    draw_moment,
    draw_trace,
    draw_trace_ground,
)
from hfs_vision.render.video_writer import write_picture
from hfs_vision.results.formatting import clock
from hfs_vision.schema import Event, FloatArray, Frame, StrPath

_TILES, _COLUMNS = 10, 5
_TILE_WIDTH, _GAP, _CAPTION, _HEAD = 260, 8, 24, 46
_AROUND = 0.12
"""How much is shown around the face, as a share of its box."""

_LEAST_S, _SHARE = 0.15, 0.3
"""What the tiles show before the onset and after the offset: a share of the event, or this."""


@dataclass(frozen=True)
class _Moment:
    """A frame that is shown."""

    frame: Frame
    landmarks: FloatArray


def make_sheet(second: ReplayPass, cut: Cut, path: StrPath) -> int:
    """Writes the contact sheet of an event as a PNG.

    Up to ten pictures of the face, evenly spaced, one of them at the peak, with their times, and
    the trace below. The trace shows all of the cut, the pictures what is near the event.

    Args:
        second: The recording.
        cut: The event.
        path: Result; it appears when it is complete.

    Returns:
        The number of pictures; 0 where the recording has none there, and then there is no file.

    Raises:
        Stopped: The user asked to end.
        SourceError, ModelError: As reading and finding landmarks raise them.
        OutputError: The sheet cannot be written.
    """
    path = Path(path)
    moments = _pick(second, cut)
    if moments:
        write_picture(path, _draw(second, cut, moments))
    return len(moments)


def _wanted(cut: Cut) -> FloatArray:
    """Times of the pictures; one of them is the peak."""
    event = cut.event
    margin_s = max(_SHARE * event.duration_s, _LEAST_S)
    start_s = max(event.onset_s - margin_s, cut.start_s)
    times = np.linspace(start_s, min(event.offset_s + margin_s, cut.stop_s), _TILES)
    if np.isfinite(event.peak_s):  # a person may have added the event
        times[np.argmin(abs(times - event.peak_s))] = event.peak_s
    return np.asarray(times)


def _pick(second: ReplayPass, cut: Cut) -> list[_Moment]:
    """The frames nearest to the wanted times, each once."""
    wanted = _wanted(cut)
    found: list[_Moment | None] = [None] * len(wanted)
    for frame, landmarks in second.seen(cut.start_s, cut.stop_s):
        for i, time_s in enumerate(wanted):
            held = found[i]
            if held is None or abs(frame.time_s - time_s) < abs(held.frame.time_s - time_s):
                found[i] = _Moment(frame, landmarks)
    once = {moment.frame.time_s: moment for moment in found if moment is not None}
    return [once[time_s] for time_s in sorted(once)]


def _draw(second: ReplayPass, cut: Cut, moments: list[_Moment]) -> Picture:
    crop = _face_box(moments, second.shape)
    tile = _TILE_WIDTH, max(round(_TILE_WIDTH * crop.height / crop.width), 1)
    rows = -(-len(moments) // _COLUMNS)
    step = tile[1] + _CAPTION + _GAP
    width = _COLUMNS * (tile[0] + _GAP) + _GAP
    canvas: Picture = np.empty((_HEAD + rows * step + TRACE_HEIGHT, width, 3), np.uint8)
    canvas[:] = GROUND
    _draw_head(canvas, cut)
    peak_s = min((m.frame.time_s for m in moments), key=lambda t: abs(t - cut.event.peak_s))
    for i, moment in enumerate(moments):
        row, column = divmod(i, _COLUMNS)
        at = Box(_GAP + column * (tile[0] + _GAP), _HEAD + row * step, *tile)
        at.of(canvas)[:] = _tile(second, moment, crop, at)
        is_peak = moment.frame.time_s == peak_s and bool(np.isfinite(cut.event.peak_s))
        _draw_caption(canvas, at, moment.frame.time_s, cut.event, is_peak=is_peak)
    _draw_trace(canvas, second, cut, [m.frame.time_s for m in moments])
    return canvas


def _face_box(moments: list[_Moment], shape: tuple[int, int]) -> Box:
    """What holds the face in all pictures; the whole picture where there is none."""
    height, width = shape
    seen = [m.landmarks[:, :2] for m in moments if np.isfinite(m.landmarks).all()]
    if not seen:
        return Box(0, 0, width, height)
    points = np.concatenate(seen)
    low, high = points.min(axis=0), points.max(axis=0)
    around = _AROUND * (high - low).max()
    x0, y0 = np.clip(np.floor(low - around), 0, (width - 2, height - 2)).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(high + around), (x0 + 2, y0 + 2), (width, height)).astype(int).tolist()
    return Box(x0, y0, x1 - x0, y1 - y0)


def _tile(second: ReplayPass, moment: _Moment, crop: Box, at: Box) -> Picture:
    cropped = crop.of(moment.frame.rgb)
    how = cv2.INTER_AREA if crop.width > at.width else cv2.INTER_LINEAR
    small = cv2.resize(cropped, (at.width, at.height), interpolation=how)
    picture: Picture = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), np.uint8)
    landmarks = moment.landmarks - np.array([crop.x, crop.y, 0.0])
    fit, time_s = Fit(at.width / crop.width), moment.frame.time_s
    if second.style.blur:
        hide_unmeasured(picture, landmarks, fit, second.course, time_s)
    if second.style.overlay:
        draw_face(picture, landmarks, second.course.lit(time_s), fit)
    return picture


def _draw_head(canvas: Picture, cut: Cut) -> None:
    event = cut.event
    x, y = 16, 30
    for text, colour, bold in (
        (f"event {cut.number}", WHITE, True),
        (event.side.upper(), SIDE_COLOURS[event.side], True),
        (KIND_NAMES[event.kind], WHITE, True),
        (f"at {clock(event.onset_s, decimals=2)}, {event.duration_s:.2f} s long", GREY, False),
    ):
        write(canvas, text, (x, y), 13, colour, bold=bold)
        x += width_of(text, 13, bold=bold) + 22


def _draw_caption(canvas: Picture, at: Box, time_s: float, event: Event, *, is_peak: bool) -> None:
    """Times below a picture; a bar where the event lasts, and the peak named."""
    box = Box(at.x, at.bottom, at.width, _CAPTION)
    colour = SIDE_COLOURS[event.side]
    inside = event.onset_s <= time_s < event.offset_s
    fill(canvas, box, colour if inside else BLACK)
    ink = BLACK if inside else WHITE
    far = f"{time_s - event.onset_s:+.2f} s"
    write(canvas, far, (box.x + 8, box.y + 17), 10, ink, bold=True)
    if is_peak:
        write(canvas, "PEAK", (box.x + box.width // 2, box.y + 17), 10, ink, bold=True, anchor=0.5)
    write(canvas, clock(time_s, decimals=2), (box.right - 8, box.y + 17), 9, ink, anchor=1.0)


def _draw_trace(canvas: Picture, second: ReplayPass, cut: Cut, shown_s: list[float]) -> None:
    """The trace of the cut, with lines where the pictures were taken."""
    event = cut.event
    axis = Axis(event.onset_s - cut.start_s, cut.stop_s - event.onset_s, zero="onset")
    box = Box(0, canvas.shape[0] - TRACE_HEIGHT, canvas.shape[1], TRACE_HEIGHT)
    draw_trace_ground(canvas, box, axis)
    signals, events = second.course.around(event.onset_s, axis)
    empty = "no signals were kept" if not len(second.course.signals) else "nothing measured"
    draw_trace(canvas, box, signals, events, event.onset_s, axis, empty=empty)
    for time_s in shown_s:
        draw_moment(canvas, box, time_s, event.onset_s, axis, GREY)
