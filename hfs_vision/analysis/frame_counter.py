"""Counts in frames that the caller gives, one by one: `hfs_vision.analyze` as they come."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import astuple, replace
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hfs_vision.analysis.first_look import FirstLook, Looking
from hfs_vision.analysis.measure_frames import FrameMeasurer
from hfs_vision.analysis.parallel import LandmarkerChoice
from hfs_vision.analysis.result import Analysis, AnalysisRun
from hfs_vision.core.settings import Settings
from hfs_vision.errors import UsageError
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.schema import LARGEST, Event, FloatArray, Frame, Landmarker, SourceInfo, StrPath
from hfs_vision.video import turned_picture

MOST_HELD_BYTES = 1 << 30
"""Pictures that wait for the end of the first look; once there are more, it ends with what it saw.
Enough for 3 s of 30 frames/s in full HD."""


class FrameCounter:
    """Finds one-sided facial movements in frames that come one by one, from wherever they come.

    The first three seconds with a face are held back, as `hfs_vision.analyze` looks at them before
    it begins: which way up is the picture, who is in view. Then each frame is measured as it comes.
    The events are those of `analyze` on the same frames, to the last digit, up to 90 s; a longer
    file is measured in parts, and its measurements differ in the fourth decimal after each cut.

    Not for several threads at once. Close it after use, or use it in a ``with`` statement:

    ```python
    with hfs_vision.FrameCounter() as counter:
        for time_s, rgb in frames:
            for event in counter.add(time_s, rgb):
                print(event.side, event.kind, event.onset_s)
        result = counter.result()
    ```

    Args:
        settings: Thresholds and durations; the defaults if ``None``.
        landmarker: Name of the landmark model, as `hfs_vision.analyze` takes it.
        model: Bundle for it, if not in its usual place.
        subject: Whom to follow where there are several faces: the one nearest to this place in
            the first picture, ``(x, y)`` as fractions of its width and height.

    Raises:
        UsageError: If a setting, the landmarker's name or the subject is wrong.
        ModelError: If the landmark model, or a network of the patches, is missing or damaged.
    """

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        landmarker: str = "auto",
        model: StrPath | None = None,
        subject: tuple[float, float] | None = None,
    ) -> None:
        self._settings = settings or Settings()
        self._choice = LandmarkerChoice.of(landmarker, model, subject)
        self._run = AnalysisRun(self._settings)
        self._held: deque[Frame] = deque()
        self._held_bytes = 0
        self._look = FirstLook()
        self._finder: Landmarker | None = None
        self._measure: FrameMeasurer | None = None
        self._shape: tuple[int, ...] | None = None
        self._frames = 0
        self._last_s = -math.inf
        self._finished = self._closed = False
        self._looking: Looking | None = Looking(landmarker, self._choice.model, subject)

    def __enter__(self) -> FrameCounter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, time_s: float, rgb: NDArray[np.uint8]) -> list[Event]:
        """Takes the next frame.

        Args:
            time_s: Its time in seconds, on any clock; later than that of the frame before.
            rgb: ``(height, width, 3)`` uint8, red first. It is not changed, and the array may be
                used again for the next frame.

        Returns:
            The events that have become final by this frame, up to a second after their end; none
            before rest is known (`Settings.calibration_s`).

        Raises:
            UsageError: If the time does not increase, the picture is of another form, or the
                counter is finished or closed. The frame is left out.
            ModelError: If a model fails on the picture.
        """
        if self._finished or self._closed:
            raise UsageError("this counter is finished: make another one for further frames")
        frame = self._checked(time_s, rgb)
        self._frames, self._last_s, self._shape = self._frames + 1, frame.time_s, rgb.shape
        if self._looking is None:
            return self._count(frame)
        self._held.append(replace(frame, rgb=rgb.copy()))
        self._held_bytes += rgb.nbytes
        self._looking.add(frame)
        if self._looking.done or self._held_bytes > MOST_HELD_BYTES:
            return self._settle(self._looking)
        return []

    def finish(self) -> list[Event]:
        """Ends the recording: the events that were still open. A second call gives none.

        Raises:
            UsageError: If the counter was closed before.
            ModelError: If a model fails on a picture that was held.
        """
        if self._finished:
            return []
        if self._closed:
            raise UsageError("this counter was closed before its end: call finish or result first")
        events = self._settle(self._looking) if self._looking is not None else []
        self._finished = True
        return events + self._run.finish().events

    def result(self) -> Analysis:
        """All of it, as `hfs_vision.analyze` gives it; ends the recording.

        Raises:
            UsageError, ModelError: As `finish`.
        """
        self.finish()
        assert self._measure is not None
        told: list[str] = list(self._look.warnings)
        told += self._measure.repeats.counts.warnings(self._run.tally.fps)
        told += dict.fromkeys(self._measure.warnings)
        return self._run.result(
            told,
            source=self._source(),
            repeats=self._measure.repeats.counts,
            model=self._measure.model,
            subject=self._choice.subject,
            passed_over=[astuple(place) for place in self._look.passed_over],
        )

    @property
    def events(self) -> list[Event]:
        """All events so far, in order of onset."""
        return self._run.in_order()

    @property
    def ongoing(self) -> frozenset[tuple[str, str]]:
        """``(side, part)`` that move now: ``left`` or ``right``, ``eye`` or ``mouth``."""
        return self._run.ongoing

    @property
    def landmarks(self) -> FloatArray | None:
        """``(478, 3)`` pixels of the last frame's picture once that is upright; NaN where there is
        no face, and ``None`` while frames are held back.
        """
        return None if self._measure is None else self._measure.landmarks

    def close(self) -> None:
        """Releases the models. What was found stays; a second call does nothing."""
        self._closed = True
        if self._looking is not None:
            self._looking.close()
        if self._finder is not None:
            self._finder.close()
        self._looking = self._finder = None
        self._held.clear()

    def _checked(self, time_s: Any, rgb: Any) -> Frame:
        before = f" after {self._last_s:g} s" if self._frames else ""
        try:
            at_s = float(time_s)
        except (TypeError, ValueError):  # such as the None of a frame whose time nobody knows
            at_s = math.nan
        # Measurements hold microseconds: what differs by less is the same time.
        if not (abs(at_s) < LARGEST and round(at_s, 6) > round(self._last_s, 6)):
            raise UsageError(
                f"a frame at {time_s!r} s{before}: give times that increase, in seconds"
            )
        form = f"{getattr(rgb, 'shape', type(rgb).__name__)} {getattr(rgb, 'dtype', '')}".strip()
        sound = isinstance(rgb, np.ndarray) and rgb.dtype == np.uint8 and rgb.ndim == 3
        if not (sound and rgb.shape[2] == 3 and rgb.size):
            raise UsageError(
                f"the frame at {at_s:g} s is {form}: give an array (height, width, 3) of uint8, "
                "red first"
            )
        return Frame(self._frames, at_s, rgb)

    def _settle(self, looking: Looking) -> list[Event]:
        """Ends the first look, and counts what was held until then."""
        self._look, self._looking = looking.found(), None
        looking.close()
        finder = self._finder = self._choice.after(self._look).open()
        self._measure = FrameMeasurer(finder, PatchNetworks())
        events: list[Event] = []
        while self._held:
            events += self._count(self._held.popleft())
        return events

    def _count(self, frame: Frame) -> list[Event]:
        assert self._measure is not None
        if self._look.turned_deg:
            frame = replace(frame, rgb=turned_picture(frame.rgb, self._look.turned_deg))
        return self._run.add(self._measure(frame)).events

    def _source(self) -> SourceInfo | None:
        if self._shape is None:
            return None
        turned_deg = self._look.turned_deg
        height, width = self._shape[:2] if turned_deg in (0, 180) else self._shape[1::-1]
        return SourceInfo(
            kind="frames",
            container=None,
            codec=None,
            width=width,
            height=height,
            nominal_fps=None,
            frame_count=None,
            duration_s=None,
            rotation_deg=0,
            turned_deg=turned_deg,
        )
