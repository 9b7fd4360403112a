"""Frames -> measurements: landmarks, patches and networks, each on what the other has left free.

While the landmarks of one picture are found, a second thread cuts the patches of those before it
and reads them, many at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from hfs_vision.appearance import Appearance, readings
from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.patches import FacePatches, cut_patches
from hfs_vision.schema import FloatArray, Frame, Landmarker

_CHUNK = 512
"""Frames that are measured at once: numpy's fixed cost is paid once for all of them. Only their
landmarks are held (6 MB), each picture is let go at once."""

_READ = 32
"""Frames whose patches are read at once; see `hfs_vision.appearance`."""

_WAITING = 4
"""Pictures that may wait to have their patches cut."""

REPORT_EVERY = 32
"""Frames between two looks at the world outside: progress, and whether to stop."""

Progress = Callable[[int, float], None]
"""Called with the frames done and the time of the last in seconds."""


class Measuring:
    """Measures the frames of one recording, or of a part of one.

    Args:
        finder: Finds the landmarks; fresh, since it follows its subject from frame to frame.
        appearance: Reads the patches.
        progress: Called after every few frames.
        stop: Asked after every few frames; once it says true, nothing more is measured.

    Attributes:
        stopped: Whether it ended because of ``stop``.
    """

    def __init__(
        self,
        finder: Landmarker,
        appearance: Appearance,
        *,
        progress: Progress = lambda frames, time_s: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._finder, self._appearance = finder, appearance
        self._progress, self._stop = progress, stop
        self.stopped = False

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Measurements]:
        """Measurements of all frames, in pieces."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="patches") as reader:
            piece = _Piece(self._appearance, reader)
            done, time_s = 0, 0.0
            for frame in frames:
                if done % REPORT_EVERY == 0 and self._stop():
                    self.stopped = True
                    break
                time_s = frame.time_s
                piece.add(frame, self._finder(frame))
                done += 1
                if done % REPORT_EVERY == 0:
                    self._progress(done, time_s)
                if len(piece) == _CHUNK:
                    yield piece.measured(self._finder.identity.lid_leak)
                    piece = _Piece(self._appearance, reader)
            if done % REPORT_EVERY:
                self._progress(done, time_s)
            if len(piece):
                yield piece.measured(self._finder.identity.lid_leak)


class _Piece:
    """Consecutive frames that are measured at once."""

    def __init__(self, appearance: Appearance, reader: ThreadPoolExecutor) -> None:
        self._appearance, self._reader = appearance, reader
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
        self._cuts.append(self._reader.submit(cut_patches, frame.rgb, landmarks))
        self._waiting.append(self._cuts[-1])
        if len(self._waiting) == _WAITING:
            self._waiting.popleft().result()
        if len(self._cuts) == _READ:
            self._read()

    def measured(self, lid_leak: float) -> Measurements:
        """Measurements of all frames taken."""
        self._read()
        looks = readings(np.concatenate([look.result() for look in self._looks]))
        return measure(np.array(self._times), np.stack(self._faces), looks, lid_leak=lid_leak)

    def _read(self) -> None:
        # The one thread works in order: all are cut by the time that they are read.
        cuts, self._cuts = self._cuts, []
        read = self._appearance.read
        self._looks.append(self._reader.submit(lambda: read([cut.result() for cut in cuts])))
