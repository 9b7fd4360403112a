"""The program with one fault inside that no file can bring about.

``python -m tests.faults.injected FAULT analyze ...`` is ``hfs-vision analyze ...``, with what the
fault's name says done to the landmarks that the real model finds, or to the clock.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from hfs_vision.__main__ import main
from hfs_vision.analysis import parallel
from hfs_vision.cli import live
from hfs_vision.core.landmarks import COMMISSURE, LID_MARGINS
from hfs_vision.schema import FloatArray, Frame, Landmarker

_open_landmarker = parallel.open_landmarker


class _Spoilt:
    """A landmarker whose landmarks are spoilt in some frames."""

    def __init__(self, real: Landmarker, spoil: Callable[[FloatArray, Frame], FloatArray]) -> None:
        self._real, self._spoil = real, spoil

    @property
    def identity(self) -> Any:
        return self._real.identity

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._real.warnings

    def __call__(self, frame: Frame) -> FloatArray:
        return self._spoil(self._real(frame).copy(), frame)

    def close(self) -> None:
        self._real.close()


def _set(points: Any, value: float, every: int) -> Callable[[FloatArray, Frame], FloatArray]:
    def spoil(face: FloatArray, frame: Frame) -> FloatArray:
        if frame.index % every == 0:
            face[points] = value
        return face

    return spoil


def _jump(face: FloatArray, frame: Frame) -> FloatArray:
    """Every tenth frame is another face, three pictures away."""
    return face + 3 * frame.rgb.shape[1] if frame.index % 10 == 0 else face


_LID, _CORNER = LID_MARGINS[0][0][0], COMMISSURE[1]
_ALL = slice(None)
LANDMARKS: dict[str, Callable[[FloatArray, Frame], FloatArray]] = {
    "nan-lid": _set(_LID, np.nan, 7),
    "nan-face": _set(_ALL, np.nan, 3),
    "nan-always": _set(_ALL, np.nan, 1),
    "inf-corner": _set(_CORNER, np.inf, 5),
    "inf-face": _set(_ALL, np.inf, 4),
    "huge": _set(_ALL, 1e300, 6),
    "one-point": _set(_ALL, 17.0, 6),
    "flicker": _set(_ALL, np.nan, 2),
    "jump": _jump,
}


class _SetBack(datetime):
    """A clock that was set back by a day."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime.now(tz) - timedelta(days=1)


class _Stopped(datetime):
    """A clock that always says the same."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime(2026, 1, 1, 12, 0, 0, tzinfo=tz)


CLOCKS: dict[str, Any] = {"clock-set-back": _SetBack, "clock-stopped": _Stopped}


def inject(fault: str) -> None:
    """Puts the fault into the program of this process."""
    if fault in CLOCKS:
        live.datetime = CLOCKS[fault]  # type: ignore[misc]
        return

    def spoilt(*arguments: Any, **options: Any) -> Landmarker:
        return _Spoilt(_open_landmarker(*arguments, **options), LANDMARKS[fault])

    parallel.open_landmarker = spoilt  # type: ignore[assignment]


if __name__ == "__main__":
    inject(sys.argv.pop(1))
    main()
