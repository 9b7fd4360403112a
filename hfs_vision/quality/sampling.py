"""Frames -> what a check judges: measurements, samples of pictures, changes, times."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from hfs_vision.analysis.first_look import FirstLook
from hfs_vision.core.geometry import Measurements, measure
from hfs_vision.landmarks.patch_networks import PatchNetworks, readings
from hfs_vision.quality.earlier_checks import History
from hfs_vision.quality.picture_measures import Changes, Sample, sample
from hfs_vision.quality.timing import Timing, cut_places, timing
from hfs_vision.schema import FloatArray, Frame, Landmarker, ModelIdentity, SourceInfo
from hfs_vision.video import RepeatCounts, Repeats

_SAMPLE_S = 0.2
_BOX_S = 1.0
FinderFor = Callable[..., Landmarker]
"""Opens a landmarker that follows the face nearest to a ``subject``."""


@dataclass(frozen=True)
class Observed:
    """What was seen in the time looked at.

    Attributes:
        source: What the recording or camera says of itself.
        model: Which landmark model ran.
        measured: One row for each frame.
        samples: Some pictures with a face, one column for each field of `Sample`.
        repeats: Pictures that show the one before, and how long one stood still.
        cuts: Times at which the picture changes altogether, seconds.
        timing: Of the whole recording where its file tells, else of the frames looked at.
        others: Whether a picture holds more than one face.
        look: What the start shows: which way up it is, and who is in view.
        people: What the landmarker told of other people.
        length_s: Length of a recording; ``None`` of a camera.
        history: What a file's tags say; ``None`` of a camera and of images.
        dropped: Share of a camera's frames that this machine was too slow for.
        damaged: Frames that could not be decoded.
        cut_short_s: How much earlier a file ends than its header says.
        losses: How often a camera was lost.
        size_changes: How often the picture changed its size.
        flipped: Whether the file asks for its picture to be shown mirrored.
    """

    source: SourceInfo
    model: ModelIdentity
    measured: Measurements
    samples: dict[str, FloatArray]
    repeats: RepeatCounts
    cuts: tuple[float, ...]
    timing: Timing
    others: bool
    look: FirstLook = FirstLook()  # noqa: RUF009 - it cannot be changed
    people: tuple[str, ...] = ()
    length_s: float | None = None
    history: History | None = None
    dropped: float = 0.0
    damaged: int = 0
    cut_short_s: float = 0.0
    losses: int = 0
    size_changes: int = 0
    flipped: bool = False


class Observer:
    """Takes frames of one or more stretches and keeps numbers.

    Pictures are let go at once, but for the first of each stretch and the newest, which are
    searched for other faces.
    """

    def __init__(self, finder: Landmarker, appearance: PatchNetworks) -> None:
        self._finder, self._appearance = finder, appearance
        self._times: list[list[float]] = [[]]
        self._faces: list[FloatArray] = []
        self._looks: list[FloatArray] = []
        self._changes: list[float] = []
        self._change, self._repeats = Changes(), Repeats()
        self._samples: list[list[float]] = []
        self._firsts: dict[int, Frame] = {}
        self._newest: Frame | None = None
        self._sampled_s = -math.inf

    def __len__(self) -> int:
        return len(self._faces)

    @property
    def seconds(self) -> float:
        """Time that the frames so far cover."""
        return sum(times[-1] - times[0] for times in self._times if times)

    @property
    def stretches(self) -> list[FloatArray]:
        """Times of each stretch."""
        return [np.array(times) for times in self._times if times]

    def break_off(self) -> None:
        """The next frame does not follow the last."""
        self._times.append([])
        self._change.break_off()
        self._repeats.break_off()
        self._sampled_s = -math.inf

    def take(self, frame: Frame) -> None:
        """Measures a frame."""
        landmarks = self._finder(frame)
        self._repeats.moving(frame, landmarks)
        self._changes.append(self._change(frame.rgb))
        self._times[-1].append(frame.time_s)
        self._faces.append(landmarks)
        self._looks.append(self._appearance(frame, landmarks))
        if frame.time_s - self._sampled_s < _SAMPLE_S:
            return
        found = sample(frame.rgb, landmarks)
        if found is None:
            return
        self._samples.append(_row(found))
        self._sampled_s, self._newest = frame.time_s, frame
        self._firsts.setdefault(len(self._times), frame)

    def measured(self) -> Measurements:
        """One row for each frame; stretches follow one another in time."""
        times = np.array([time_s for stretch in self._times for time_s in stretch])
        faces = np.stack(self._faces) if self._faces else np.empty((0, 478, 3))
        leak = self._finder.identity.lid_leak
        return measure(times, faces, readings(self._looks), lid_leak=leak)

    def others(self, finder_for: FinderFor) -> bool:
        """Whether a picture that was kept holds several faces: the ones nearest to its left and
        right edge are not the same.
        """
        newest = [self._newest] if self._newest is not None else []
        for frame in (*self._firsts.values(), *newest):
            found = []
            for edge in (0.0, 1.0):
                finder = finder_for(subject=(edge, 0.5))
                try:
                    found.append(finder(frame)[:, :2])
                finally:
                    finder.close()
            apart = np.linalg.norm(found[0].mean(axis=0) - found[1].mean(axis=0))
            if apart > 0.5 * max(np.ptp(face[:, 0]) for face in found):
                return True
        return False

    def observed(
        self,
        source: SourceInfo,
        finder_for: FinderFor,
        look: FirstLook = FirstLook(),  # noqa: B008 - it cannot be changed
        known: Timing | None = None,
    ) -> Observed:
        """Everything that was seen.

        Args:
            source: What it says of itself.
            finder_for: Opens landmarkers, to look for other faces.
            look: What the start shows.
            known: Timing, where more is known than the frames tell.
        """
        columns = np.array(self._samples).reshape(-1, len(_COLUMNS))
        measured = self.measured()
        cuts = [float(measured.time_s[number]) for number in cut_places(np.array(self._changes))]
        return Observed(
            source=source,
            model=self._finder.identity,
            measured=measured,
            samples=dict(zip(_COLUMNS, columns.T, strict=True)),
            repeats=self._repeats.counts,
            cuts=tuple(cuts),
            timing=known or timing(self.stretches),
            others=self.others(finder_for),
            look=look,
            people=tuple(self._finder.warnings),
        )


_COLUMNS = ("brightness", "burnt", "cheek_left", "cheek_right", "noise", "edge_mm", "blocks")


def _row(found: Sample) -> list[float]:
    values = [getattr(found, field.name) for field in fields(Sample)]
    return [*values[:2], *found.cheeks, *values[3:]]
