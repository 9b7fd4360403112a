"""Reads a recording again, whole or in part, with the landmarks of the same subject."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.landmarks.face_identity import AppearanceVector, extract_appearance
from hfs_vision.render.annotated_picture import Painter, Style
from hfs_vision.render.event_lookup import EventLookup
from hfs_vision.schema import N_LANDMARKS, FloatArray, Frame, Landmarker
from hfs_vision.video import FrameSource, Stopped, ahead

LEAD_S = 0.5
"""A landmark model starts so much early, so that it tracks the face by the time that it is shown.
"""

_SEEN_WITHIN_S = 60.0

OpenFinder = Callable[["AppearanceVector | None"], Landmarker]
"""Opens a fresh landmark model that follows the one who looks so; `None`: as the user asked."""

Progress = Callable[[int, float], None]
"""Called with the frames done and the time of the last in seconds."""


class ReplayPass:
    """A recording, what its result says, and how it is to be shown.

    Attributes:
        source: The recording.
        course: What the result says.
        style: How it is shown.
    """

    def __init__(
        self,
        source: FrameSource,
        course: EventLookup,
        open_finder: OpenFinder,
        style: Style = Style(),  # noqa: B008 - it cannot be changed
        *,
        progress: Progress = lambda frames, time_s: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Nothing is read yet.

        Args:
            source: The recording, which stays open.
            course: What the result says.
            open_finder: Opens the landmark model.
            style: How it is shown.
            progress: Called after every frame.
            stop: Asked after every frame; once it says true, `Stopped` is raised.
        """
        self.source, self.course, self.style = source, course, style
        self._open_finder, self._progress, self._stop = open_finder, progress, stop
        self._done = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        return self.source.info.height, self.source.info.width

    def painter(self) -> Painter:
        """What draws the frames."""
        return Painter(self.course, self.style, self.shape)

    def seen(
        self, start_s: float = -math.inf, stop_s: float = math.inf, *, faces: bool = True
    ) -> Iterator[tuple[Frame, FloatArray]]:
        """Frames of a part, all of one shape, with their landmarks, ``(478, 3)`` pixels.

        Args:
            start_s: Where the part begins.
            stop_s: Where it ends; a frame of this time is no part of it.
            faces: Whether landmarks are wanted; else all are NaN.

        Raises:
            Stopped: The user asked to end.
            SourceError, ModelError: As reading and finding landmarks raise them.
        """
        whole = math.isinf(start_s)
        finder = self._open_finder(None if whole else self._look) if faces else None
        part = self.source.part(start_s, stop_s, 0.0 if whole or not faces else LEAD_S)
        none = np.full((N_LANDMARKS, 3), np.nan)
        try:
            with closing(ahead(iter(part))) as frames:
                for frame in frames:
                    if self._stop():
                        raise Stopped
                    frame = self._of_one_shape(frame)
                    landmarks = finder(frame) if finder else none
                    if frame.time_s >= start_s:
                        yield frame, landmarks
                        self._done += 1
                        self._progress(self._done, frame.time_s)
        finally:
            if finder:
                finder.close()

    @cached_property
    def _look(self) -> AppearanceVector | None:
        """How the subject looks where it is first seen, so that every part shows the same one."""
        finder = self._open_finder(None)
        try:
            first_s = None
            for frame in self.source:
                first_s = frame.time_s if first_s is None else first_s
                face = finder(frame)
                if np.isfinite(face).all():
                    return extract_appearance(frame.rgb, face)
                if self._stop():
                    raise Stopped
                if frame.time_s - first_s > _SEEN_WITHIN_S:
                    break
            return None
        finally:
            finder.close()

    def _of_one_shape(self, frame: Frame) -> Frame:
        height, width = self.shape
        if frame.rgb.shape[:2] == (height, width):
            return frame
        rgb: NDArray[np.uint8] = np.asarray(cv2.resize(frame.rgb, (width, height)), np.uint8)
        return replace(frame, rgb=rgb)
