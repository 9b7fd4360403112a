"""Frames of a source that does not wait: read in a thread of its own, the newest kept."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from hfs_vision.errors import SourceError
from hfs_vision.schema import Frame, SourceInfo
from hfs_vision.video.source import Picture

_FIRST_PICTURE_S = 30.0  # some webcams take 10 s and more to open on Windows
_SILENCE_S = 5.0
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 10.0
_FPS_OVER_S = 2.0
_FPS_AFTER_S = 1.0
_CLOSING_S = 1.0
_WAKE_S = 0.1  # Windows tells Python of Ctrl-C only between waits
_DECIMALS = 6  # of a second, as in the tables


class LiveSource(Protocol):
    """Where `Capture` gets its pictures."""

    @property
    def info(self) -> SourceInfo:
        """What the source says of itself; known once the first picture came."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What the reader of a result must know, such as what was asked for and not given."""
        ...

    def pictures(self) -> Iterator[tuple[float, Picture]]:
        """Opens the source and gives pictures with their times in seconds, as they come.

        It returns where the source has ended for good. Called again, it opens it again.

        Raises:
            UsageError: There is no such source.
            SourceError: The source cannot be opened, or was lost.
        """
        ...

    def close(self) -> None:
        """Makes `pictures` end soon, in whatever thread it runs; for good."""
        ...


@dataclass(frozen=True)
class Interruption:
    """A stretch in which the source was lost.

    Attributes:
        lost_s: Time of the last frame before.
        back_s: Time of the first frame after; ``None`` as long as there is none.
        reason: Why, in words.
    """

    lost_s: float
    back_s: float | None
    reason: str


@dataclass
class CaptureStats:
    """What became of the frames.

    Attributes:
        captured: Frames that came, with those that were dropped.
        dropped: Frames that nobody took in time.
        dropped_times: Frames, not among `captured`, whose time repeats or goes back.
        interruptions: In order of time.
    """

    captured: int = 0
    dropped: int = 0
    dropped_times: int = 0
    interruptions: list[Interruption] = field(default_factory=list)


class Capture:
    """Frames of a live source; each is read as soon as it is there.

    A source that is lost is tried again, after 0.5 s at first and 10 s at most. One that gives no
    picture for 5 s though it is open counts as lost too; a file does not.

    Attributes:
        source: Where the frames come from.
    """

    def __init__(
        self,
        source: LiveSource,
        *,
        clock: Callable[[], float],
        lossless: bool = False,
        waiting: int = 8,
        on_frame: Callable[[Frame], None] | None = None,
    ) -> None:
        """Nothing is opened before `start`.

        Args:
            source: Where the frames come from.
            clock: Seconds since the session began; steady, whatever is done to the system's time.
            lossless: Let the source wait instead of dropping frames.
            waiting: How many frames may wait; one more, and the oldest of them is dropped.
            on_frame: Called in the thread that reads, with every frame, also with those that are
                dropped later.
        """
        self.source = source
        self._clock, self._lossless, self._waiting = clock, lossless, waiting
        self._on_frame = on_frame
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._closing = threading.Event()
        self._changed = threading.Condition()  # guards all that follows
        self._frames: deque[tuple[Frame, float]] = deque()
        self._arrivals: deque[float] = deque()
        self._flowing_since_s = math.nan
        self._given = (-1, math.nan)
        self._last_s = -math.inf
        self._stats = CaptureStats()
        self._lost = self._ended = False
        self._reason = ""
        self._next_attempt_s: float | None = None
        self._failure: BaseException | None = None

    def start(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Begins to read, and waits for the first picture.

        Args:
            stop: Asked meanwhile; once it says true, nothing is waited for any more.

        Raises:
            UsageError, SourceError: There is none; nothing is tried again before the first.
        """
        self._thread.start()
        deadline = self._clock() + _FIRST_PICTURE_S
        with self._changed:
            while not (self._stats.captured or self._failure or self._ended):
                self._changed.wait(_WAKE_S)
                if stop():
                    return
                if self._clock() > deadline:
                    raise SourceError(
                        f"no picture came within {_FIRST_PICTURE_S:g} s: close other programs "
                        "that use the camera, and check how it is connected, or its address"
                    )
            if self._failure and not self._stats.captured:
                raise self._failure
            if not self._stats.captured:
                raise SourceError("the source ended without a picture: choose another one")

    def get(self, timeout_s: float) -> Frame | None:
        """The next frame in order of time, or None if none comes in that time.

        Frames that came before the source was lost or ended are still given.

        Raises:
            Exception: What went wrong in the thread that reads, or in `on_frame`.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._frames or self._failure or self._ended, timeout=timeout_s
            )
            if self._frames:
                frame, arrived_s = self._frames.popleft()
                self._given = frame.index, arrived_s
                self._changed.notify_all()
                return frame
            if self._failure:
                raise self._failure
            return None

    def arrived_s(self, frame: Frame) -> float:
        """When the frame that `get` gave last had come, on the clock; NaN for any other."""
        index, arrived_s = self._given
        return arrived_s if frame.index == index else math.nan

    @property
    def state(self) -> str:
        """``running``, ``lost`` or, once every frame was given, ``ended``."""
        with self._changed:
            self._watch()
            if self._frames:
                return "running"
            return "ended" if self._ended else "lost" if self._lost else "running"

    @property
    def reason(self) -> str:
        """Why the source was lost the last time; empty if it never was."""
        return self._reason

    @property
    def next_attempt_s(self) -> float | None:
        """When a lost source is tried next, on the clock; None while it is open or being opened."""
        return self._next_attempt_s

    @property
    def stats(self) -> CaptureStats:
        """Counts up to now."""
        with self._changed:
            self._watch()
            return replace(self._stats, interruptions=list(self._stats.interruptions))

    @property
    def fps(self) -> float:
        """Frames per second that came in the last 2 s; NaN in the first second."""
        with self._changed:
            now = self._clock()
            flowing_s = now - self._flowing_since_s
            if not flowing_s >= _FPS_AFTER_S:
                return math.nan
            window_s = min(flowing_s, _FPS_OVER_S)
            return sum(arrived > now - window_s for arrived in self._arrivals) / window_s

    @property
    def backlog(self) -> int:
        """How many frames wait."""
        return len(self._frames)

    def close(self) -> None:
        """Ends the reading; a source that is stuck is left to its thread."""
        self._closing.set()
        self.source.close()
        with self._changed:
            self._ended = True
            self._frames.clear()
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(_CLOSING_S)

    def _run(self) -> None:
        wait_s = _FIRST_RETRY_S
        while True:
            captured = self._stats.captured
            try:
                self._read()
                break
            except SourceError as error:
                if not self._stats.captured:
                    return self._end(error)
                if self._stats.captured > captured:
                    wait_s = _FIRST_RETRY_S
                with self._changed:
                    self._lose(str(error))
                    self._next_attempt_s = self._clock() + wait_s
            except BaseException as error:
                return self._end(error)
            if self._closing.wait(wait_s):
                break
            self._next_attempt_s = None
            wait_s = min(2 * wait_s, _LAST_RETRY_S)
        return self._end(None)

    def _end(self, failure: BaseException | None) -> None:
        with self._changed:
            if not self._closing.is_set():
                self._failure = failure
            self._ended = True
            self._changed.notify_all()

    def _read(self) -> None:
        for time_s, rgb in self.source.pictures():
            if self._closing.is_set():
                return
            time_s = round(time_s, _DECIMALS)
            if time_s <= self._last_s:
                self._stats.dropped_times += 1
                continue
            now = self._clock()
            frame = Frame(self._stats.captured, time_s, rgb)
            if self._on_frame:
                self._on_frame(frame)
            self._take(frame, now)

    def _take(self, frame: Frame, now: float) -> None:
        with self._changed:
            self._watch()
            if self._lost:
                gap = self._stats.interruptions[-1]
                self._stats.interruptions[-1] = replace(gap, back_s=frame.time_s)
                self._lost = False
                self._flowing_since_s = math.nan
            if math.isnan(self._flowing_since_s):
                self._flowing_since_s = now
            self._arrivals.append(now)
            while self._arrivals[0] < now - _FPS_OVER_S:
                self._arrivals.popleft()
            self._last_s = frame.time_s
            self._stats.captured += 1
            while len(self._frames) >= self._waiting and not self._closing.is_set():
                if self._lossless:
                    self._changed.wait(_WAKE_S)
                else:
                    self._frames.popleft()
                    self._stats.dropped += 1
            self._frames.append((frame, now))
            self._changed.notify_all()

    def _watch(self) -> None:
        """Notes a source that is silent, even while the thread is stuck in it."""
        if self._lost or self._ended or not self._arrivals:
            return
        if self._lossless or self.source.info.kind == "file":
            return
        if self._clock() - self._arrivals[-1] > _SILENCE_S:
            self._lose(f"no picture came for {_SILENCE_S:g} s")

    def _lose(self, reason: str) -> None:
        self._reason = reason
        if not self._lost:
            self._lost = True
            self._stats.interruptions.append(Interruption(self._last_s, None, reason))
