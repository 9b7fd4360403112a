"""Looks at a few pictures of the start before anything is measured: is the face upright, who is in
view, and which faces are photographs.

The landmark models draw an upright face onto one that stands on its head, and the left side is
then taken for the right one. Whether that happened can be seen: such a mesh fits a face worse, and
what lies at its eyes and at its corners of the mouth is not what the networks of the patches know.
So the same pictures are looked at in all four turns. Of 536 portraits and their mirror images and
of 42 recordings no upright one was turned, with neither model (docs/experiments.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from hfs_vision.core.geometry import measure
from hfs_vision.core.messages import Message
from hfs_vision.errors import SourceError
from hfs_vision.landmarks.face_identity import FacePosition, Picture
from hfs_vision.landmarks.mediapipe_models import check_subject, open_faces
from hfs_vision.landmarks.patch_networks import PatchNetworks, readings
from hfs_vision.landmarks.subject_tracker import SAME_FRAME
from hfs_vision.schema import FloatArray, Frame
from hfs_vision.video import FrameSource, turned_picture, turned_point

EVERY_S, SPAN_S = 0.5, 3.0
"""Of a recording so many pictures are looked at, for so long from the first face on."""

LIVE_EVERY_S, LIVE_SPAN_S = 0.25, 1.5
"""The same of a camera, whose pictures wait meanwhile."""

WAIT_S = 60.0
"""A face is waited for so long."""

TURNS = (0, 90, 180, 270)

_CLEAR = 0.75
"""An upright face that is seen so well needs no other turn: the wrong ones reached 0.69."""

_LEAST, _CLEARER = 0.25, 1.1
"""A turn must be seen at least so well, and so many times as well as the picture as it is."""

_FIT = 0.06
_ROLL_DEG = 50.0
"""A face that is rolled further belongs to another turn of the picture."""

_IN_VIEW = 0.1
_STILL, _STILLER = 0.2, 0.4
"""What moves less in `SPAN_S` than this, and than this share of what the liveliest face moves, is a
picture of a face. Live faces moved by 0.68 or more, photographs in noisy video by up to 0.15."""

_SHRUNK, _BOX = 480, 32
_ASK_EVERY = 150


@dataclass(frozen=True)
class SeenFace:
    """A face in view at the start.

    Attributes:
        place: In fractions of the picture, once that is turned.
        still: Whether it never moves though another one does.
    """

    place: FacePosition
    still: bool = False


@dataclass(frozen=True)
class FirstLook:
    """What the start of a recording shows.

    Attributes:
        turned_deg: By how much the picture must be turned, clockwise.
        faces: Those in view, the one that is followed first.
        subject: Whom the user asked to follow, in fractions of the turned picture.
    """

    turned_deg: int = 0
    faces: tuple[SeenFace, ...] = ()
    subject: tuple[float, float] | None = None

    @property
    def passed_over(self) -> tuple[FacePosition, ...]:
        """Faces that must not be followed."""
        return tuple(face.place for face in self.faces if face.still and self.subject is None)

    @property
    def turn_text(self) -> str:
        """How the picture lies; empty where it is upright."""
        if not self.turned_deg:
            return ""
        lies = "is upside down" if self.turned_deg == 180 else "lies on its side"
        return f"the picture {lies}: it is turned by {self.turned_deg} degrees clockwise"

    @property
    def faces_text(self) -> str:
        """Who is in view; empty where that is one face."""
        if len(self.faces) < 2:
            return ""
        first, *others = (self._where(face) for face in self.faces)
        return (
            f"{len(self.faces)} faces are in view; the one at {first} is followed, not that at "
            f"{', '.join(others)}"
        )

    @property
    def warnings(self) -> list[Message]:
        """What the reader of a result must know."""
        found = []
        if self.turned_deg:
            code = "turned_upside_down" if self.turned_deg == 180 else "turned_on_side"
            found.append(Message(code, degrees=self.turned_deg))
        if len(self.faces) > 1:
            first, *others = (self._where(face) for face in self.faces)
            count = len(self.faces)
            found.append(
                Message("several_faces", count=count, followed=first, others=", ".join(others))
            )
        return found

    def _where(self, face: SeenFace) -> str:
        """Its centre and width as the user would give them: of the picture as it is stored."""
        x, y = turned_point((face.place.x, face.place.y), -self.turned_deg)
        still = ", which never moves" if face.still else ""
        return f"{x:.2f} {y:.2f} (width {face.place.size:.2f}{still})"


def first_look(
    source: FrameSource,
    *,
    landmarker: str = "auto",
    model: Path | None = None,
    subject: tuple[float, float] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> FirstLook:
    """Looks at the start of a recording.

    Args:
        source: The recording; its first `SPAN_S` with a face are decoded for it.
        landmarker: Name of the landmark model, as `open_landmarker` takes it.
        model: Bundle for it, if not in its usual place.
        subject: Whom to follow, as fractions of the first picture's width and height.
        stop: Asked where that takes longer; once it says true, what was seen so far is judged.

    Raises:
        SourceError, ModelError: As reading and finding landmarks raise them.
    """
    with closing(Looking(landmarker, model, subject)) as looking:
        with suppress(SourceError), closing(_frames(source)) as frames:
            for frame in frames:
                looking.add(frame)
                if looking.done or (frame.index % _ASK_EVERY == _ASK_EVERY - 1 and stop()):
                    break
        return looking.found()


def _frames(source: FrameSource) -> Any:
    """A generator, which can be closed, of the frames."""
    yield from source


@dataclass(frozen=True)
class _Found:
    """A face in one turn of a picture.

    Attributes:
        place: In pixels of what was shrunk.
        fit: How well the mesh is that of an upright face, 0 to 1.
        quality: The same, and how surely eyes and mouth are where it says.
    """

    place: FacePosition
    fit: float
    quality: float


@dataclass
class _Sight:
    """One picture that was looked at.

    Attributes:
        time_s: When it was.
        small: Its green, shrunk.
        faces: What was found, by the turn in which it was looked for.
    """

    time_s: float
    small: Picture
    faces: dict[int, list[_Found]] = field(default_factory=dict)

    def best(self, turn: int) -> tuple[float, float]:
        """How well a face is seen, and how well a mesh fits, at best."""
        found = self.faces.get(turn, ())
        return max((f.quality for f in found), default=0.0), max(
            (f.fit for f in found), default=0.0
        )


class Looking:
    """Takes the first frames of a recording or a camera, until it has seen enough.

    Args:
        landmarker, model: As in `first_look`.
        subject: As in `first_look`.
        live: Whether frames wait: one picture is enough then where it shows one face, upright.
    """

    def __init__(
        self,
        landmarker: str = "auto",
        model: Path | None = None,
        subject: tuple[float, float] | None = None,
        *,
        live: bool = False,
    ) -> None:
        check_subject(subject)
        self._faces = open_faces(landmarker, model=model)
        self._appearance = PatchNetworks()
        self._subject, self._live = subject, live
        self._every_s, self._span_s = (LIVE_EVERY_S, LIVE_SPAN_S) if live else (EVERY_S, SPAN_S)
        self._sights: list[_Sight] = []
        self._begun_s = self._looked_s = math.nan
        self.done = False

    def add(self, frame: Frame) -> None:
        """Takes the next frame; most are passed by."""
        if math.isnan(self._begun_s):
            self._begun_s = frame.time_s
        elif frame.time_s - self._looked_s < self._every_s:
            return
        self._looked_s = frame.time_s
        sight = _Sight(frame.time_s, _shrunk(frame.rgb))
        scale = sight.small.shape[1] / frame.rgb.shape[1]
        for turn in TURNS:
            sight.faces[turn] = self._seen(turned_picture(frame.rgb, turn), scale)
            if turn == 0 and sight.best(0)[0] >= _CLEAR:
                break
        if any(sight.faces.values()):
            self._sights.append(sight)
        if not self._sights:
            self.done = frame.time_s - self._begun_s >= WAIT_S
            return
        alone = len(sight.faces) == 1 and len(sight.faces[0]) == 1
        self.done = frame.time_s - self._sights[0].time_s >= self._span_s or (self._live and alone)

    def found(self) -> FirstLook:
        """What was seen."""
        turn = self._turn()
        subject = turned_point(self._subject, turn) if self._subject is not None else None
        seen = self._in_view(turn)
        small = [turned_picture(sight.small, turn) for sight in self._sights]
        changes = [_change(small, place) for place in seen]
        liveliest = max(changes, default=0.0)
        faces = [
            SeenFace(place.fraction_of(small[0]), change < min(_STILL, _STILLER * liveliest))
            for place, change in zip(seen, changes, strict=True)
        ]

        def preference(face: SeenFace) -> tuple[bool, float]:
            if subject is not None:
                return False, math.hypot(face.place.x - subject[0], face.place.y - subject[1])
            return face.still, -face.place.size

        return FirstLook(turn, tuple(sorted(faces, key=preference)), subject)

    def close(self) -> None:
        """Release the model."""
        self._faces.close()

    def _turn(self) -> int:
        if not self._sights:
            return 0
        seen = np.array([[sight.best(turn) for turn in TURNS] for sight in self._sights])
        quality, fit = seen.mean(axis=0).T
        best = int(np.argmax(quality))
        # A covered eye is not what the networks know either way up, but upright the mesh fits.
        sure = quality[best] >= max(_LEAST, _CLEARER * quality[0]) and fit[best] > fit[0]
        return TURNS[best] if sure else 0

    def _seen(self, rgb: Picture, scale: float) -> list[_Found]:
        """Faces of one picture, and how well each is seen upright."""
        meshes = self._faces(rgb)
        if not meshes:
            return []
        frame = Frame(0, 0.0, rgb)
        looks = readings([self._appearance(frame, mesh) for mesh in meshes])
        measured = measure(np.arange(len(meshes), dtype=float), np.stack(meshes), looks)
        fit = np.exp(-((measured.fit_error / _FIT) ** 2))
        fit = np.nan_to_num(np.where(np.abs(measured.roll_deg) <= _ROLL_DEG, fit, 0.0))
        quality = np.nan_to_num(measured.visibility * fit)
        places = [FacePosition.of(mesh * scale) for mesh in meshes]
        return [_Found(*each) for each in zip(places, fit.tolist(), quality.tolist(), strict=True)]

    def _in_view(self, turn: int) -> list[FacePosition]:
        """Places of the faces that more than one picture shows, or the only one."""
        groups: list[list[FacePosition]] = []
        sights = [sight for sight in self._sights if turn in sight.faces]
        for sight in sights:
            for place in (f.place for f in sight.faces[turn] if f.quality >= _IN_VIEW):
                near = [group for group in groups if group[-1].distance(place) <= SAME_FRAME]
                if near:
                    near[0].append(place)
                else:
                    groups.append([place])
        least = min(2, len(sights))
        return [_middle(group) for group in groups if len(group) >= least]


def _middle(places: Sequence[FacePosition]) -> FacePosition:
    x, y, size = np.median([(place.x, place.y, place.size) for place in places], axis=0).tolist()
    return FacePosition(x, y, size)


def _shrunk(rgb: Picture) -> Picture:
    """Its green, ``(h, w)``, at most `_SHRUNK` pixels large."""
    height, width = rgb.shape[:2]
    scale = min(1.0, _SHRUNK / max(height, width))
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    green = cv2.resize(np.ascontiguousarray(rgb[..., 1]), size, interpolation=cv2.INTER_AREA)
    return np.asarray(green, np.uint8)


def _change(greys: Sequence[NDArray[np.uint8]], here: FacePosition) -> float:
    """How far a face's part of the picture comes to differ from the first, in its own contrasts.

    The 95th percentile over the face; another light for all of it is no change.
    """
    boxes: list[FloatArray] = []
    for grey in greys:
        height, width = grey.shape[:2]
        left, top = int(max(here.x - here.size / 2, 0)), int(max(here.y - here.size / 2, 0))
        right = int(min(here.x + here.size / 2, width)) + 1
        bottom = int(min(here.y + here.size / 2, height)) + 1
        cut = np.ascontiguousarray(grey[top:bottom, left:right])
        box = cv2.resize(cut, (_BOX, _BOX), interpolation=cv2.INTER_AREA).astype(np.float64)
        boxes.append((box - box.mean()) / max(float(box.std()), 4.0))
    changes = [float(np.percentile(np.abs(box - boxes[0]), 95)) for box in boxes[1:]]
    return max(changes, default=math.inf)
