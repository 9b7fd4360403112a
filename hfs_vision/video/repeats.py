"""Which pictures show the face just as one before: repeats, and a picture that froze.

Calls and converters fill up with repeats what they lack. A codec does not repeat a picture to the
last bit, and a face that keeps still is not a repeat: no camera gives the same noise twice. So the
face is held against the last picture that showed something new, point by point; how far the two
may differ was measured (docs/experiments.md).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.messages import Message
from hfs_vision.schema import FloatArray, Frame
from hfs_vision.video.source import LONGEST_STEP_S

_BLOCKS, _IN_BLOCK = 8, 8
"""The face is looked at in so many blocks each way, of so many points each way."""

_CHANGED = 1.5
"""Mean change of a block, in grey levels, from which it shows something new. A codec changes what
it repeats by less, and a lid that closes by a seventh changes its block by more."""

_EQUAL = 0.7
"""So much of a repeated face has the very same value. Of a face before a camera less has: at
a noise of 0.3 grey levels two thirds, at one of 1 a quarter."""

_FAINT = 12.0
"""Spread of a face's grey levels (standard deviation) below which nothing is told: in such darkness
a face that keeps still is the same to the last grey level too."""

_BEFORE, _MOVES = 12, 4.0
"""Repeats are counted where the face moves: where a block changed by so much twice within so many
pictures before."""

_TIMES = 2.2
"""What follows repeats must change so many times as much as they do: a face that hardly moves comes
near to the border from both sides."""

_FEWEST, _FEWEST_TOLD = 60, 240
"""So many pictures must be judged before a share is known, and before a result warns of it: a face
that hardly moves for some seconds looks like one that is repeated now and then."""

REPEATED = 0.15
"""Share of repeats that is told. Of 25 pictures a second that were made 30 it is 0.17, of real
recordings without repeats up to 0.05, of rendered ones, which stand still between movements, 0.1.
"""


@dataclass
class RepeatCounts:
    """How much of a recording is repeats.

    Attributes:
        pictures: All that were looked at.
        judged: Those around which the face moves, so that it can be told whether they repeat.
        repeated: Those of them that show the face just as one before, 0.25 s ago at most.
        frozen: Pictures that show it just as one of more than 0.25 s ago; they are not measured.
        freezes, frozen_s: How often that began, and for how many seconds the picture stood still.
    """

    pictures: int = 0
    judged: int = 0
    repeated: int = 0
    frozen: int = 0
    freezes: int = 0
    frozen_s: float = 0.0

    @classmethod
    def total(cls, parts: Iterable[RepeatCounts]) -> RepeatCounts:
        """Of a whole recording, from those of its parts."""
        whole = cls()
        for part in parts:
            for count in fields(cls):
                setattr(whole, count.name, getattr(whole, count.name) + getattr(part, count.name))
        return whole

    @property
    def share(self) -> float:
        """Share of the pictures that repeat one before; NaN where too little moves to tell."""
        if not self.frozen and self.judged < _FEWEST:
            return math.nan
        again = self.frozen + self.filled * (self.pictures - self.frozen)
        return again / self.pictures

    @property
    def filled(self) -> float:
        """The same while none is frozen: by how much the frame rate is too high; 0 if unknown."""
        return self.repeated / self.judged if self.judged >= _FEWEST else 0.0

    def warnings(self, fps: float) -> list[Message]:
        """What the reader of a result must know.

        Args:
            fps: Pictures per second of the recording.
        """
        found = []
        if self.freezes:
            found.append(Message("picture_froze", count=self.freezes, total_s=self.frozen_s))
        shown = (1 - self.filled) * fps
        if self.judged >= _FEWEST_TOLD and self.filled >= REPEATED:
            found.append(
                Message(
                    "pictures_repeat",
                    share=self.filled,
                    shown_fps=shown,
                    fps=fps,
                    shortest_ms=1500 / shown,
                )
            )
        return found


class Repeats:
    """Looks at the pictures of a recording in order.

    Whether one shows something new depends on the last that did, and on nothing after it: live and
    file are judged alike.

    Attributes:
        counts: What was found up to now.
        frozen: Whether the face of the last picture has been the same, point by point, for more
            than `LONGEST_STEP_S`.
    """

    def __init__(self, from_s: float = -math.inf) -> None:
        """Pictures before `from_s`, in seconds, are looked at and not counted."""
        self._from_s = from_s
        self.counts = RepeatCounts()
        self.break_off()

    def break_off(self) -> None:
        """The next picture does not follow the last."""
        self._shown: _Shown | None = None
        self._new_s = self._last_s = math.nan
        self.frozen = False
        self._before: deque[float] = deque(maxlen=_BEFORE)
        self._run: list[tuple[float, bool]] = []

    def moving(self, frame: Frame, landmarks: FloatArray) -> FloatArray:
        """The same landmarks, but NaN where the picture is frozen: nothing is measured there.

        Args:
            frame: The next picture.
            landmarks: ``(478, 3)`` pixels of it; NaN without a face.
        """
        change, same = math.inf, False
        if self._shown is not None:
            change, same = self._shown.against(frame.rgb)
        was, time_s, last_new_s = self.frozen, frame.time_s, self._new_s
        if not same:
            self._shown, self._new_s = _Shown.of(frame, landmarks), time_s
        since_s = time_s - last_new_s
        # A key frame in the middle shows the same anew: it takes two new pictures to end a freeze.
        ends = not same and (since_s <= LONGEST_STEP_S or last_new_s == self._last_s)
        self.frozen = not ends if was else same and since_s > LONGEST_STEP_S
        self._count(time_s, change, same, time_s - self._last_s if was else since_s, was)
        self._last_s = time_s
        return np.full_like(landmarks, np.nan) if self.frozen else landmarks

    def _count(self, time_s: float, change: float, same: bool, still_s: float, was: bool) -> None:
        counts, proper = self.counts, time_s >= self._from_s
        counts.pictures += proper
        if proper and (was or self.frozen):
            counts.frozen += self.frozen
            counts.freezes += not was
            counts.frozen_s += still_s
        if self.frozen or math.isinf(change):
            self._before.clear()
            self._run.clear()
            return
        moves = proper and len(self._before) > 1 and sorted(self._before)[-2] >= _MOVES
        self._before.append(change)
        counts.judged += moves
        if same:
            self._run.append((change, moves))
        elif self._run:
            if change >= _TIMES * np.mean([change for change, _ in self._run]):
                counts.repeated += sum(moves for _, moves in self._run)
            self._run.clear()


@dataclass(frozen=True)
class _Shown:
    """Points of the face in a picture that showed something new."""

    time_s: float
    shape: tuple[int, ...]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    points: NDArray[np.int16]

    @classmethod
    def of(cls, frame: Frame, landmarks: FloatArray) -> _Shown | None:
        """Those of a frame; ``None`` where there is no face, or hardly light on it."""
        low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
        if not np.isfinite([low, high]).all():
            return None
        height, width = frame.rgb.shape[:2]
        number = _BLOCKS * _IN_BLOCK
        columns = np.clip(np.linspace(low[0], high[0], number), 0, width - 1).astype(np.intp)
        rows = np.clip(np.linspace(low[1], high[1], number), 0, height - 1).astype(np.intp)
        rows = rows[:, None]
        points = frame.rgb[rows, columns, 1].astype(np.int16)
        if points.std() < _FAINT:
            return None
        return cls(frame.time_s, frame.rgb.shape, rows, columns, points)

    def against(self, rgb: NDArray[np.uint8]) -> tuple[float, bool]:
        """Largest change of a block in another picture, and whether it shows the same."""
        if rgb.shape != self.shape:
            return math.inf, False
        change = np.abs(rgb[self.rows, self.columns, 1] - self.points)
        # Green, as half of what the eye calls bright; two sums are faster than one over two axes.
        blocks = change.reshape(_BLOCKS, _IN_BLOCK, -1).sum(axis=1)
        largest = blocks.reshape(_BLOCKS, _BLOCKS, _IN_BLOCK).sum(axis=2).max() / _IN_BLOCK**2
        same = largest < _CHANGED and np.count_nonzero(change) <= (1 - _EQUAL) * change.size
        return float(largest), bool(same)
