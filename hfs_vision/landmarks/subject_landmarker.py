"""What a landmark model is to the rest: one subject's `Landmarker`, or all faces of a picture."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from hfs_vision.core.messages import Message
from hfs_vision.errors import ModelError, SourceError
from hfs_vision.landmarks.face_identity import AppearanceVector, FacePosition, Picture
from hfs_vision.landmarks.native_output import quiet_native
from hfs_vision.landmarks.subject_tracker import Subject, Tracker
from hfs_vision.schema import FloatArray, Frame, ModelIdentity


class _Closing(Tracker, Protocol):
    """A tracker that holds resources."""

    def close(self) -> None: ...


class SubjectLandmarker:
    """A landmark model and the following of one subject, as one `Landmarker`."""

    def __init__(
        self,
        tracker: _Closing,
        identity: ModelIdentity,
        subject: tuple[float, float] | None = None,
        known: AppearanceVector | None = None,
        passed_over: Sequence[FacePosition] = (),
    ) -> None:
        self._tracker = tracker
        self._identity = identity
        self._subject = Subject(tracker, subject, known, passed_over)
        self._closed = False

    @property
    def identity(self) -> ModelIdentity:
        """Which weights and which MediaPipe run."""
        return self._identity

    @property
    def warnings(self) -> tuple[Message, ...]:
        """Each time at which the landmarks may have become another person's, or the subject left
        and only a bystander remained.
        """
        return tuple(self._subject.warnings)

    def __call__(self, frame: Frame) -> FloatArray:
        """Landmarks of the subject, ``(478, 3)`` pixels ``(x*W, y*H, z*W)``; NaN where none.

        Raises:
            ModelError: The landmarker is closed, or MediaPipe fails on this picture.
            SourceError: The picture is not ``(height, width, 3)`` uint8, or is empty.
        """
        rgb = frame.rgb
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
            raise SourceError(
                f"frame {frame.index} must be (height, width, 3) uint8, got {rgb.shape} {rgb.dtype}"
            )
        if self._closed:
            raise ModelError(f"the landmarker {self._identity.landmarker} is closed")
        try:
            return self._subject(np.ascontiguousarray(rgb), frame.time_s)
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"{self._identity.landmarker} failed on frame {frame.index} at "
                f"{frame.time_s:.3f} s, {rgb.shape[1]}x{rgb.shape[0]} pixels: {error}"
            ) from error

    def close(self) -> None:
        """Release the model. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._tracker.close()


class Faces:
    """All faces of a single picture; `MAX_FACES` at most."""

    def __init__(
        self, find: Callable[[Picture], list[FloatArray]], close: Callable[[], None]
    ) -> None:
        self._find, self.close = find, close
        self._seen = False

    def __call__(self, rgb: Picture) -> list[FloatArray]:
        """Meshes ``(478, 3)`` in pixels.

        Raises:
            ModelError: MediaPipe fails on this picture.
        """
        try:
            with contextlib.nullcontext() if self._seen else quiet_native():
                found = self._find(np.ascontiguousarray(rgb))
        except (RuntimeError, ValueError) as error:
            shape = f"{rgb.shape[1]}x{rgb.shape[0]}"
            raise ModelError(f"MediaPipe failed on a picture of {shape} pixels: {error}") from error
        self._seen = self._seen or bool(found)
        return found
