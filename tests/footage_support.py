"""What the tests of footage share: events, a landmark model that finds one face, small videos."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.signals import Signals
from hfs_vision.render import EventLookup, text_drawing, video_writer
from hfs_vision.results import ANNOTATED, RECORDING, EventRecord
from hfs_vision.schema import Event, Frame, ModelIdentity
from hfs_vision.video import open_source
from tests import clips
from tests.synthetic import Recording

TICK_S = 1 / 90_000
Picture = NDArray[np.uint8]


def event(side: str, region: str, onset_s: float, offset_s: float) -> Event:
    return Event(
        onset_s=onset_s, offset_s=offset_s, side=side, region=region, component="clonic",
        peak_s=(onset_s + offset_s) / 2, score=2.0, confidence=0.9, closure=1.0, excursion=0.1,
        rise_s=0.1, closure_velocity=1.0, excursion_velocity=1.0, eye_mouth_lag_s=None,
        valid_fraction=1.0, truncated=False,
    )  # fmt: skip


def signals(stop_s: float, step_s: float = 0.05, start_s: float = 0.0) -> Signals:
    """Both sides at rest."""
    time_s = np.arange(start_s, stop_s, step_s)
    rest = np.zeros((len(time_s), 2))
    return Signals(time_s, rest, rest.copy(), rest, rest)


def course(*events: Event, stop_s: float = 10.0) -> EventLookup:
    return EventLookup([EventRecord(i, e) for i, e in enumerate(events, 1)], signals(stop_s))


class Finder:
    """Finds the same face wherever ``seen`` says that there is one."""

    identity = ModelIdentity("stand-in", "none", "0" * 64, "none")
    warnings: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.face = Recording(1.0).landmarks()[0]
        self.opened: list[object] = []
        self.times: list[float] = []
        self.closed = 0
        self.lost = (math.inf, math.inf)

    def open(self, known: object) -> Finder:
        self.opened.append(known)
        return self

    def __call__(self, frame: Frame) -> NDArray[np.float64]:
        self.times.append(frame.time_s)
        lost = self.lost[0] <= frame.time_s < self.lost[1]
        return np.full((478, 3), np.nan) if lost else self.face

    def close(self) -> None:
        self.closed += 1


def video(path: Path, times: list[float], size: tuple[int, int] = (640, 480)) -> Path:
    """A recording whose frames tell their number; see `clips.read_grey`."""
    with video_writer.new_video(path, (size[1], size[0]), RECORDING) as out:
        for i, time_s in enumerate(times):
            out.write(clips.picture(i, *size), time_s)
    return path


def annotated(path: Path) -> Path:
    """A short video that the program knows as one that it made of a result."""
    with video_writer.new_video(path, (64, 64), ANNOTATED) as out:
        out.write(np.full((64, 64, 3), 90, np.uint8), 0.0)
    return path


def read(path: Path) -> list[Frame]:
    with open_source(path) as source:
        frames = list(source)
    assert source.stats.warnings() == []
    return frames


def near(picture: Picture, colour: text_drawing.Colour, within: int = 40) -> NDArray[np.bool_]:
    """Where an RGB picture that went through a codec has a BGR colour."""
    return np.asarray((abs(picture[..., ::-1].astype(int) - colour) < within).all(axis=2))


def holds_text(rgb: Picture, text: str, size: int, *, bold: bool = False) -> bool:
    look = np.full(
        (size + 8, text_drawing.width_of(text, size, bold=bold) + 8, 3),
        text_drawing.GROUND,
        np.uint8,
    )
    text_drawing.write(look, text, (4, size + 4), size, bold=bold)
    match = cv2.matchTemplate(rgb[..., ::-1].copy(), look, cv2.TM_CCOEFF_NORMED)
    return bool(match.max() > 0.99)
