"""Frames -> measurements: landmarks, patches and networks, each on what the other has left free.

While the landmarks of one picture are found, a second thread cuts the patches of those before it
and reads them, many at a time.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.landmarks.patch_networks import PatchNetworks, readings
from hfs_vision.landmarks.patches import FacePatches, cut_patches
from hfs_vision.schema import N_LANDMARKS, FloatArray, Frame, Landmarker, ModelIdentity
from hfs_vision.video import Repeats, ahead

_CHUNK = 512
"""Frames that are measured at once: numpy's fixed cost is paid once for all of them. Only their
landmarks are held (6 MB), each picture is let go at once."""

_READ = 32
"""Frames whose patches are read at once; see `hfs_vision.landmarks.patch_networks`."""

_AHEAD = 4
"""Pictures that are decoded before they are needed: of 4K each holds 25 MB."""

_WAITING = 4
"""Pictures that may wait to have their patches cut."""

_NOTHING = np.full((1, N_LANDMARKS, 3), np.nan)

REPORT_EVERY = 32
"""Frames between two looks at the world outside: progress, and whether to stop."""

Progress = Callable[[int, float], None]
"""Called with the frames done and the time of the last in seconds."""


@dataclass
class CpuTimes:
    """Seconds of processor time, of all threads.

    Attributes:
        decode: Decoding and conversion to RGB, but for the decoder's own threads.
        patches: Cutting and reading of patches.
        measure: Measuring, on what landmarks and patches show.
        landmarks: All else: the landmark model and its threads, and those of the decoder.
    """

    decode: float = 0.0
    landmarks: float = 0.0
    patches: float = 0.0
    measure: float = 0.0

    def __add__(self, other: CpuTimes) -> CpuTimes:
        return CpuTimes(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


class Measuring:
    """Measures the frames of one recording, or of a part of one.

    Args:
        finder: Finds the landmarks; fresh, since it follows its subject from frame to frame.
        appearance: Reads the patches.
        repeats: Tells a picture that froze, of which nothing is measured.
        progress: Called after every few frames.
        stop: Asked after every few frames; once it says true, nothing more is measured.

    Attributes:
        stopped: Whether it ended because of ``stop``.
        cpu: Processor time spent so far, once a call has ended.
    """

    def __init__(
        self,
        finder: Landmarker,
        appearance: PatchNetworks,
        repeats: Repeats,
        *,
        progress: Progress = lambda frames, time_s: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._finder, self._appearance, self._repeats = finder, appearance, repeats
        self._progress, self._stop = progress, stop
        self.stopped = False
        self.cpu = CpuTimes()

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Measurements]:
        """Measurements of all frames, in pieces."""
        began = time.process_time()
        others = self.cpu.decode + self.cpu.patches + self.cpu.measure
        with (
            ThreadPoolExecutor(max_workers=1, thread_name_prefix="patches") as reader,
            contextlib.closing(ahead(self._decoded(frames), _AHEAD)) as decoded,
        ):
            piece = _Piece(self._appearance, reader, self.cpu)
            done, time_s = 0, 0.0
            for frame in decoded:
                if done % REPORT_EVERY == 0 and self._stop():
                    self.stopped = True
                    break
                piece.add(frame, self._repeats.moving(frame, self._finder(frame)))
                done, time_s = done + 1, frame.time_s
                if done % REPORT_EVERY == 0:
                    self._progress(done, time_s)
                if len(piece) == _CHUNK:
                    yield piece.measured(self._finder.identity.lid_leak)
                    piece = _Piece(self._appearance, reader, self.cpu)
            if done % REPORT_EVERY:
                self._progress(done, time_s)
            if len(piece):
                yield piece.measured(self._finder.identity.lid_leak)
        others = self.cpu.decode + self.cpu.patches + self.cpu.measure - others
        self.cpu.landmarks += max(time.process_time() - began - others, 0.0)

    def _decoded(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The same frames, timed; runs in the thread that decodes ahead."""
        iterator = iter(frames)
        while True:
            began = time.thread_time()
            frame = next(iterator, None)
            self.cpu.decode += time.thread_time() - began
            if frame is None:
                return
            yield frame


class FrameMeasurer:
    """Measures one frame after the other, as they come; the same numbers as `Measuring`.

    Attributes:
        landmarks: ``(478, 3)`` of the last frame; NaN where nothing of it is measured.
        repeats: Tells a picture that froze, of which nothing is measured.
    """

    def __init__(self, finder: Landmarker, appearance: PatchNetworks) -> None:
        self._finder, self._appearance = finder, appearance
        self.repeats = Repeats()
        self.landmarks: FloatArray = _NOTHING[0]

    def __call__(self, frame: Frame) -> Measurements:
        """A row of what the frame shows."""
        self.landmarks = self.repeats.moving(frame, self._finder(frame))
        look = readings([self._appearance(frame, self.landmarks)])
        leak = self._finder.identity.lid_leak
        return measure(np.array([frame.time_s]), self.landmarks[None], look, lid_leak=leak)

    def nothing(self, time_s: float) -> Measurements:
        """A row without measurements, as of a frame without a face."""
        self.landmarks = _NOTHING[0]
        return measure(np.array([time_s]), _NOTHING)

    @property
    def model(self) -> ModelIdentity:
        """Which weights run."""
        return replace(self._finder.identity, appearance_sha256=self._appearance.sha256)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was seen of other people in view, and whether other networks run than ours."""
        return (*self._finder.warnings, *self._appearance.warnings)


class _Piece:
    """Consecutive frames that are measured at once."""

    def __init__(
        self, appearance: PatchNetworks, reader: ThreadPoolExecutor, cpu: CpuTimes
    ) -> None:
        self._appearance, self._reader, self._cpu = appearance, reader, cpu
        self._times: list[float] = []
        self._faces: list[FloatArray] = []
        self._cuts: list[Future[FacePatches | None]] = []
        self._waiting: deque[Future[FacePatches | None]] = deque()
        self._looks: list[Future[FloatArray]] = []

    def __len__(self) -> int:
        return len(self._times)

    def add(self, frame: Frame, landmarks: FloatArray) -> None:
        """Takes a frame; its picture is let go once its patches are cut."""
        self._times.append(frame.time_s)
        self._faces.append(landmarks)
        self._cuts.append(self._reader.submit(self._cut, frame.rgb, landmarks))
        self._waiting.append(self._cuts[-1])
        if len(self._waiting) == _WAITING:
            self._waiting.popleft().result()
        if len(self._cuts) == _READ:
            self._read()

    def measured(self, lid_leak: float) -> Measurements:
        """Measurements of all frames taken."""
        self._read()
        looks = readings(np.concatenate([look.result() for look in self._looks]))
        began = time.thread_time()
        measured = measure(np.array(self._times), np.stack(self._faces), looks, lid_leak=lid_leak)
        self._cpu.measure += time.thread_time() - began
        return measured

    def _read(self) -> None:
        # The one thread works in order: all are cut by the time that they are read.
        cuts, self._cuts = self._cuts, []
        self._looks.append(self._reader.submit(self._look, cuts))

    def _cut(self, rgb: NDArray[np.uint8], landmarks: FloatArray) -> FacePatches | None:
        began = time.thread_time()
        found = cut_patches(rgb, landmarks)
        self._cpu.patches += time.thread_time() - began
        return found

    def _look(self, cuts: list[Future[FacePatches | None]]) -> FloatArray:
        began = time.thread_time()
        found = self._appearance.read([cut.result() for cut in cuts])
        self._cpu.patches += time.thread_time() - began
        return found
