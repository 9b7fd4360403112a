"""Follows one person through a recording that may show several.

A tracker of faces does not know whom it tracks: once it has lost its face it takes any other, and
where two people pass each other it may leave with the wrong one. A log that mixes two people is
worse than one with a gap, so this module decides for every picture whether a face is the
subject's. Three things tell faces apart: place and size, what else is in view, and the look (the
picture's colours at the mesh points, free of brightness and contrast).

Measured on 19 recordings and 134 portraits: the correlation of a face's look with its own recent
look stays above 0.70 in 99 % of frames (0.61 at worst, under a hand that covers half of it);
between two people it has a median of 0.44 and passes 0.65 in one pair of ten. The shape of the
mesh is of no use: it varies more within a recording than between two people.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from hfs_vision.core.messages import Message
from hfs_vision.landmarks.face_identity import (
    AppearanceVector,
    FacePosition,
    Picture,
    extract_appearance,
    keep_only,
)
from hfs_vision.schema import N_LANDMARKS, FloatArray

SAME_FRAME = 0.5
"""Two places nearer than this, in face sizes, are one face of one picture."""
STEP = 1.0
"""Farthest that a tracked face moves from one picture to the next, in face sizes."""
REACH_START, REACH_PER_S, REACH_MAX = 0.75, 2.0, 4.0
"""How far from its last place a lost face is found again, in face sizes, by time since."""
PATIENCE_S = 2.0
"""A lost face is waited for this long before a face elsewhere is taken for it."""
ALIKE, LEARN, CLEARER = 0.6, 0.7, 0.1
"""Look: lower is suspect; higher is learned; by how much another face must fit better."""
UNLIKE = 0.5
"""Less like the known subject than this, a face that is alone in view is told of."""
NEW_OTHERS_S = 0.4
"""So long after the loss a face out of reach counts as a bystander."""
USUAL_DROP = 0.15
"""A face found again may look this much less like the subject than the subject usually does."""
STRANGER_S = 0.5
"""A face that is not the subject's by look or place is in view this long before it is taken."""
DOUBT_EVERY_S = 0.5
"""A suspect look makes the whole picture be searched at most this often."""
LOOK_EVERY_S, LOOK_TIME_S = 0.2, 0.7
"""How often the look is compared, and time constant of the remembered one."""


class Tracker(Protocol):
    """What following needs of a landmark model."""

    def track(self, rgb: Picture, time_s: float) -> list[FloatArray]:
        """Next picture of the video: meshes ``(478, 3)`` in pixels, none to several."""
        ...

    def survey(self, rgb: Picture) -> list[FacePosition]:
        """Places of all faces of one picture, apart from the video."""
        ...

    def examine(self, rgb: Picture) -> list[FloatArray]:
        """Meshes of all faces of one picture, apart from the video."""
        ...


def no_face() -> FloatArray:
    """The answer where the subject is not in view: ``(478, 3)`` of NaN."""
    return np.full((N_LANDMARKS, 3), np.nan)


class Subject:
    """Follows one face of a tracker, from picture to picture.

    While the face is tracked this costs a look at 120 pixels a few times a second. The whole
    picture is searched at the start, while the face is lost and where its look is suspect.
    """

    def __init__(
        self,
        tracker: Tracker,
        wanted: tuple[float, float] | None = None,
        known: AppearanceVector | None = None,
        passed_over: Sequence[FacePosition] = (),
    ) -> None:
        """Follow the largest face, the one nearest to ``wanted``, or the one that is ``known``.

        Args:
            tracker: The landmark model.
            wanted: Fractions of width and height of the first picture that shows a face.
            known: Look of the subject in an earlier part of the recording; it goes before both.
            passed_over: Faces that are never followed, in fractions of the picture.
        """
        self._tracker = tracker
        self._wanted = wanted
        self._known = known
        self._passed_over = passed_over
        self._begun_s: float | None = None
        self._place: FacePosition | None = None
        self._look: AppearanceVector = np.zeros(0, np.float32)
        self._usual = 1.0
        self._stranger_s: float | None = None
        self._seen_s = -math.inf
        self._lost = False
        self._others: list[FacePosition] = []
        self._suspect_s: float | None = None
        self._looked_s = self._doubted_s = -math.inf
        self._refused = False
        self._in_company = False
        self._turned_s: float | None = None
        self.warnings: list[Message] = []

    def __call__(self, rgb: Picture, time_s: float) -> FloatArray:
        """Mesh of the subject in the next picture, ``(478, 3)`` pixels; NaN where there is none."""
        if self._turned_s is not None and 0 <= time_s - self._turned_s < DOUBT_EVERY_S:
            return no_face()
        if self._place is None:
            return self._start(rgb, time_s)
        if not self._lost:
            face = _nearest(self._tracker.track(rgb, time_s), self._place, STEP)
            if face is not None:
                return self._keep(rgb, time_s, face)
            self._lost, self._others, self._refused = True, [], False
        return self._search(rgb, time_s, self._place)

    def _start(self, rgb: Picture, time_s: float) -> FloatArray:
        """Wait for a face, then choose whom to follow."""
        faces = self._tracker.track(rgb, time_s)
        if not faces:
            return no_face()
        if self._begun_s is None:
            self._begun_s = time_s
        places = self._survey(rgb)
        for here in self._to_follow(
            list(map(FacePosition.of, faces)), rgb
        ):  # the survey may miss it
            if all(place.distance(here) > SAME_FRAME for place in places):
                places.append(here)
        self._in_company = len(places) > 1
        order = self._by_preference(places, rgb)
        if self._wanted is not None and time_s - self._begun_s < PATIENCE_S:
            order = order[:1]
        for place in order:
            face = _nearest(faces, place, SAME_FRAME)
            if face is None:
                face = self._turn_to(rgb, time_s, place)
            if face is None:
                continue
            if self._wanted is not None and place is not order[0]:
                wanted = str(self._wanted)
                self.warnings.append(
                    Message("subject_without_landmarks", wanted=wanted, from_s=time_s)
                )
            if self._known is not None:
                self._look = self._known
                if self._has_turned(rgb, time_s, face):
                    return no_face()
            self._tell_unlike(rgb, time_s, face)
            return self._take_anew(rgb, time_s, face)
        return no_face()

    def _survey(self, rgb: Picture) -> list[FacePosition]:
        """Places of all faces that may be followed."""
        return self._to_follow(self._tracker.survey(rgb), rgb)

    def _to_follow(self, places: list[FacePosition], rgb: Picture) -> list[FacePosition]:
        never = [place.in_pixels_of(rgb) for place in self._passed_over]
        return [p for p in places if all(p.distance(n) > SAME_FRAME for n in never)]

    def _by_preference(self, places: list[FacePosition], rgb: Picture) -> list[FacePosition]:
        """Most like the known subject first, nearest to the wanted point, or largest."""
        if self._known is not None and len(places) > 1:
            self._look = self._known
            seen = [
                (FacePosition.of(f), self._likeness(extract_appearance(rgb, f)))
                for f in self._tracker.examine(rgb)
            ]

            def likeness(place: FacePosition) -> float:
                near = [fits for here, fits in seen if here.distance(place) <= SAME_FRAME]
                return max(near, default=-1.0)

            return sorted(places, key=lambda place: -likeness(place))
        if self._wanted is None:
            return sorted(places, key=lambda place: -place.size)
        x, y = self._wanted[0] * rgb.shape[1], self._wanted[1] * rgb.shape[0]
        return sorted(places, key=lambda place: math.hypot(place.x - x, place.y - y))

    def _take(self, time_s: float, face: FloatArray) -> FloatArray:
        """Follow this face from here on, as the person whose look is remembered."""
        self._place, self._seen_s, self._lost = FacePosition.of(face), time_s, False
        self._looked_s, self._suspect_s, self._stranger_s = time_s, None, None
        self._turned_s = None
        return face

    def _take_anew(self, rgb: Picture, time_s: float, face: FloatArray) -> FloatArray:
        """Follow this face from here on, whoever it is; the reader is told elsewhere."""
        self._look, self._usual = extract_appearance(rgb, face), 1.0
        return self._take(time_s, face)

    def _turn_to(self, rgb: Picture, time_s: float, place: FacePosition) -> FloatArray | None:
        """Make the tracker take up the face at a place of this picture, whatever it tracks now."""
        for margin in (1.5, 1.0):  # the narrower square shuts out a neighbour in the wider one
            shown = keep_only(rgb, place, margin)
            for _ in range(2):  # a tracker that is on another face needs one picture to lose it
                face = _nearest(self._tracker.track(shown, time_s), place, SAME_FRAME)
                if face is not None:
                    return face
        return None

    def _likeness(self, look: AppearanceVector) -> float:
        """Correlation with the remembered look over the points in the picture, -1..1."""
        remembered = self._look[look != 0]
        length = math.sqrt(float(remembered @ remembered))
        return float(look @ self._look) / length if length > 0 else 0.0

    def _keep(self, rgb: Picture, time_s: float, face: FloatArray) -> FloatArray:
        """Accept a tracked face; doubt it where it does not look as the subject does."""
        self._place, self._seen_s = FacePosition.of(face), time_s
        since_look_s = abs(time_s - self._looked_s)
        if since_look_s < LOOK_EVERY_S:
            return face
        self._looked_s = time_s
        look = extract_appearance(rgb, face)
        likeness = self._likeness(look)
        if likeness >= LEARN:
            share = min(since_look_s / LOOK_TIME_S, 1.0)
            self._look += np.float32(share) * (look - self._look)
            self._usual += share * (likeness - self._usual)
        if likeness >= ALIKE:
            self._suspect_s = None
            return face
        if self._suspect_s is None:
            self._suspect_s = time_s
        if abs(time_s - self._doubted_s) < DOUBT_EVERY_S:
            return face
        self._doubted_s = time_s
        return self._doubt(rgb, time_s, face, likeness, self._suspect_s)

    def _doubt(
        self, rgb: Picture, time_s: float, face: FloatArray, likeness: float, since_s: float
    ) -> FloatArray:
        """The tracker may have left with another person: go back if the subject is in view."""
        here = FacePosition.of(face)
        if any(place.distance(here) > SAME_FRAME for place in self._survey(rgb)):
            self._in_company = True
            for other in self._tracker.examine(rgb):
                fits = self._likeness(extract_appearance(rgb, other))
                place = FacePosition.of(other)
                if place.distance(here) <= SAME_FRAME or fits < max(ALIKE, likeness + CLEARER):
                    continue
                back = self._turn_to(rgb, time_s, place)
                if back is not None:
                    self.warnings.append(Message("passed_by", from_s=since_s, to_s=time_s))
                    return self._take(time_s, back)
        if self._has_turned(rgb, time_s, face):
            self._lost, self._others, self._refused = True, [], False
            return no_face()
        if time_s - since_s >= PATIENCE_S:
            # A new light, a hand or a person who stayed in front: the look cannot tell which.
            self.warnings.append(Message("looks_changed", from_s=since_s, to_s=time_s))
            return self._take_anew(rgb, time_s, face)
        return face

    def _has_turned(self, rgb: Picture, time_s: float, face: FloatArray) -> bool:
        """Whether the picture has turned since: then the subject is seen once it is turned back,
        and the mesh, which is drawn on upright, lies upside down on the face.
        """
        likeness = self._likeness(extract_appearance(rgb, face))
        if likeness >= ALIKE:
            return False
        least = max(ALIKE, likeness + CLEARER)
        for quarters in (2, 1, 3):
            back = np.ascontiguousarray(np.rot90(rgb, quarters))
            if all(
                self._likeness(extract_appearance(back, f)) < least
                for f in self._tracker.examine(back)
            ):
                continue
            if self._turned_s is None:
                self.warnings.append(
                    Message("picture_turned", from_s=time_s, degrees=90 * quarters)
                )
            self._turned_s = time_s
            return True
        return False

    def _search(self, rgb: Picture, time_s: float, last: FacePosition) -> FloatArray:
        """Look for the lost subject; never take a face that was seen beside it."""
        places = self._survey(rgb)
        away_s = max(time_s - self._seen_s, 0.0)
        unknown = self._set_others_apart(rgb, places, last, away_s)
        near = [place for place in unknown if place.like(last, _reach(away_s))]
        alike = max(ALIKE, self._usual - USUAL_DROP)
        for place in sorted(near, key=last.distance):
            face = self._turn_to(rgb, time_s, place)
            if face is not None and self._likeness(extract_appearance(rgb, face)) >= alike:
                return self._take(time_s, face)
        if not unknown:
            self._stranger_s = None
        elif self._stranger_s is None:
            self._stranger_s = time_s
        if away_s < PATIENCE_S:
            return no_face()
        # Who comes back is half in the picture at first, and does not look the same until later.
        if self._stranger_s is not None and time_s - self._stranger_s >= STRANGER_S:
            for place in sorted(unknown, key=last.distance):
                face = self._turn_to(rgb, time_s, place)
                if face is not None:
                    if self._has_turned(rgb, time_s, face):
                        return no_face()
                    self._tell_of_another(rgb, time_s, face, elsewhere=place not in near)
                    return self._take_anew(rgb, time_s, face)
        if self._others and not self._refused:
            self._refused = True
            self.warnings.append(Message("only_another_person", lost_s=self._seen_s, from_s=time_s))
        return no_face()

    def _set_others_apart(
        self, rgb: Picture, places: list[FacePosition], last: FacePosition, away_s: float
    ) -> list[FacePosition]:
        """Follow the bystanders' places while the subject is away; the faces that are none."""
        rest = list(places)
        for index, other in enumerate(self._others):
            again = min(rest, key=other.distance, default=None)
            if again is not None and again.like(other, STEP):
                self._others[index] = again
                rest.remove(again)
        # Right after the loss a face out of reach is not the subject, who was just elsewhere,
        # unless the recording jumped: then it is alone and looks the same. Later it may be the
        # subject, come back from another side.
        if away_s <= NEW_OTHERS_S:
            far = [place for place in rest if not place.like(last, _reach(away_s))]
            if far and not self._in_company:
                alike = [
                    FacePosition.of(face)
                    for face in self._tracker.examine(rgb)
                    if self._likeness(extract_appearance(rgb, face)) >= ALIKE
                ]
                far = [place for place in far if all(place.distance(a) > SAME_FRAME for a in alike)]
            self._others += far
            rest = [place for place in rest if place not in far]
        return rest

    def _tell_unlike(self, rgb: Picture, time_s: float, face: FloatArray) -> None:
        """A part of a recording may begin with another person than the part before ended with."""
        if self._known is None:
            return
        self._look = self._known
        likeness = self._likeness(extract_appearance(rgb, face))
        if likeness < (ALIKE if self._in_company else UNLIKE):
            self.warnings.append(Message("looks_unlike_start", from_s=time_s, likeness=likeness))

    def _tell_of_another(
        self, rgb: Picture, time_s: float, face: FloatArray, elsewhere: bool
    ) -> None:
        likeness = self._likeness(extract_appearance(rgb, face))
        code = "found_elsewhere" if elsewhere else "found_unlike"
        self.warnings.append(Message(code, lost_s=self._seen_s, from_s=time_s, likeness=likeness))


def _reach(away_s: float) -> float:
    """Farthest place, in face sizes, where a face that was lost so long ago is found again."""
    return min(REACH_START + REACH_PER_S * away_s, REACH_MAX)


def _nearest(faces: list[FloatArray], place: FacePosition, reach: float) -> FloatArray | None:
    """The mesh that is nearest to a place, if it may be the same face; else None."""
    best, shortest = None, math.inf
    for face in faces:
        here = FacePosition.of(face)
        distance = here.distance(place)
        if distance < shortest and here.like(place, reach):
            best, shortest = face, distance
    return best
