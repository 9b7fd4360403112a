"""The first moments of a session: which way up the camera's picture is, and whom to follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hfs_vision.analysis.first_look import FirstLook, Looking
from hfs_vision.landmarks.subject_tracker import no_face
from hfs_vision.schema import FloatArray, Frame, Landmarker, ModelIdentity
from hfs_vision.video import turned_picture


class Starting:
    """A landmarker that gives no face until it has seen which way up the picture is.

    One picture is enough where it shows one face, upright; else a second or two pass. Each frame
    goes through `upright` first.

    Attributes:
        look: What was seen, as far as it was.
    """

    def __init__(
        self,
        open_finder: Callable[[FirstLook], Landmarker],
        looking: Looking | None = None,
        look: FirstLook = FirstLook(),  # noqa: B008 - it cannot be changed
    ) -> None:
        """Opens the landmark model, so that what is wrong with it is told before the camera opens.

        Args:
            open_finder: Opens it for the pictures turned as was found; again where a look at the
                camera asks for another subject or another turn.
            looking: What looks at the camera; ``None`` where the look was taken before.
            look: That look.
        """
        self.look = look
        self._open, self._looking = open_finder, looking
        self._finder = open_finder(look)

    @property
    def identity(self) -> ModelIdentity:
        """Which weights run."""
        return self._finder.identity

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was seen at the start, and of other people in view later."""
        return (*self.look.warnings, *self._finder.warnings)

    def upright(self, frame: Frame) -> Frame:
        """The frame with its picture turned; looks at it as long as the start is looked at."""
        if self._looking is not None:
            self._looking.add(frame)
            if self._looking.done:
                self._settle(self._looking)
        turned_deg = self.look.turned_deg
        if not turned_deg:
            return frame
        return replace(frame, rgb=turned_picture(frame.rgb, turned_deg))

    def __call__(self, frame: Frame) -> FloatArray:
        """Landmarks of the subject, ``(478, 3)`` pixels; NaN where there are none, or not yet."""
        return no_face() if self._looking is not None else self._finder(frame)

    def close(self) -> None:
        """Releases the models."""
        self._finder.close()
        if self._looking is not None:
            self._looking.close()

    def _settle(self, looking: Looking) -> None:
        self.look, self._looking = looking.found(), None
        looking.close()
        if self.look.turned_deg or self.look.passed_over:
            self._finder.close()
            self._finder = self._open(self.look)
