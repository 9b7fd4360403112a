"""Measurements -> eyelid closure, commissure excursion and one-sidedness scores of each side.

Every value depends on samples up to `LOOKAHEAD_S` later and on nothing else that follows, so that
a live camera gives what a file gives.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from hfs_vision.core.baseline import Baseline, BaselineTracker, corner_place
from hfs_vision.core.frame_times import FrameTimes
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.pulls import ATTACK_S, LAG_S, OTHER_WEIGHT, ExcursionHold, attacks, running_max
from hfs_vision.core.settings import Settings
from hfs_vision.regions import EYE, FACE_REGIONS, MOUTH, Region
from hfs_vision.schema import BoolArray, FloatArray

LOOKAHEAD_S = 0.12
"""How much of what follows a sample is needed before its values are final."""

LOOKBACK_S = ATTACK_S + LAG_S + LOOKAHEAD_S
"""How much of what came before a sample is needed."""

_SMOOTH_S = 0.05
"""Width of the centred mean over time: three samples at 60 frames/s, a single one at 30."""

_BLINK_LAG_S = 0.08
"""The lids of one blink may seem to move this much apart; the deeper of the other eye's closures
within this time is held against a one-sided closure."""

_OTHER_EYE_WEIGHT = 1.5
"""A closure counts as one-sided by what it exceeds this multiple of the other eye's closure. In
bilateral blinks the two landmark models show one lid up to 1.3 times as far closed as the other."""

_BLINK_TO_CORNER = 0.02
"""Blinks move the whole mesh a little: while both lids are shut, a pull must be larger by this."""

_LEVEL_SHARE = 0.6
"""A pull counts as far as the corner then lies out of its rest, and further than the other corner:
one that was dropped and comes back is not pulled. This share of the pull will do."""

_OPPOSITE_SHARE = 2.5
"""A strong pull drags the other corner along, inwards and down: that counts too, up to this
multiple of the corner's own way."""

EXIT_THRESHOLD = 0.5
"""An event lasts while the score is at least this (1 starts it)."""

_LID_TO_CORNER = 0.03
"""A lid that closes alone lifts the cheek and with it the corner by up to this (iod
per unit of closure; rendered closures read 0.00-0.035): it is no pull of its own."""

_MAX_FIT_ERROR = 0.10
"""A mesh that fits the mean face worse than this (iod) is not on a face: real faces
stayed below 0.08, meshes on empty background reached 0.13."""

MIN_VISIBILITY = 0.05
"""Below this an eye or a corner of the mouth is hidden, by a hand or at the picture's edge: the
mesh is drawn on regardless."""

_YAW_SPREAD_DEG = 25.0
"""At this much yaw away from the usual the thresholds are doubled (they grow with its square)."""


@dataclass(frozen=True)
class Signals:
    """What the detector sees, one row per frame; NaN where nothing could be measured.

    Attributes:
        time_s: ``(n,)`` seconds, strictly increasing.
        closure: ``(n, 2)`` eyelid closure, 0 as open as usual, 1 shut.
        excursion: ``(n, 2)`` displacement of each mouth corner outwards and up from its rest,
            interocular distances.
        eye_score, mouth_score: ``(n, 2)`` one-sidedness of that side, in units of the threshold
            in force: an event reaches 1.
    """

    time_s: FloatArray
    closure: FloatArray
    excursion: FloatArray
    eye_score: FloatArray
    mouth_score: FloatArray

    def __len__(self) -> int:
        return len(self.time_s)

    def __getitem__(self, rows: slice) -> Signals:
        return Signals(*(getattr(self, f.name)[rows] for f in fields(self)))

    def amplitude(self, region: Region) -> FloatArray:
        """``(n, 2)`` how far a region is from its rest."""
        values: FloatArray = getattr(self, region.amplitude)
        return values

    def score(self, region: Region) -> FloatArray:
        """``(n, 2)`` one-sidedness of a region."""
        values: FloatArray = getattr(self, region.score)
        return values

    @property
    def top_score(self) -> FloatArray:
        """``(n, 2)`` the largest score of any region."""
        return np.asarray(np.fmax.reduce([self.score(region) for region in FACE_REGIONS]))

    @property
    def valid(self) -> BoolArray:
        """``(n,)`` frames in which both sides were measured."""
        return np.asarray(np.isfinite(self.closure[:, 0]))

    def frame_times(self, max_gap_s: float) -> FrameTimes:
        """For how long each frame stands."""
        return FrameTimes(self.time_s, self.valid, max_gap_s)

    @staticmethod
    def empty() -> Signals:
        """No rows."""
        return Signals.blank(np.empty(0))

    @staticmethod
    def blank(time_s: FloatArray) -> Signals:
        """Rows in which nothing was measured."""
        nothing = np.full((len(time_s), 2), np.nan)
        return Signals(time_s, *(nothing for _ in fields(Signals)[1:]))

    @staticmethod
    def concatenate(parts: list[Signals]) -> Signals:
        """Joins consecutive stretches of one recording."""
        if not parts:
            return Signals.empty()
        names = [f.name for f in fields(Signals)]
        return Signals(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


class SignalBuilder:
    """Turns measurements into signals as they arrive; any chunking gives the same rows."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._baseline: BaselineTracker | None = None
        self._pending: Measurements | None = None
        self._done = 0
        self._hold = ExcursionHold(EXIT_THRESHOLD)

    @property
    def rest_known_s(self) -> float | None:
        """When rest is first known; ``None`` before a face was seen."""
        if self._baseline is None:
            return None
        return self._baseline.start_s + self._settings.calibration_s

    def update(self, samples: Measurements) -> Signals:
        """Takes the next samples, returns the rows that have become final."""
        return self._advance(_gate(samples, self._settings), last=False)

    def finish(self) -> Signals:
        """Returns the rows that were still waiting for what follows."""
        return self._advance(None, last=True)

    def _advance(self, samples: Measurements | None, *, last: bool) -> Signals:
        if samples is not None and len(samples):
            self._take(samples)
        if self._pending is None:
            return Signals.empty()
        time_s = self._pending.time_s
        ready = len(time_s) if last else self._ready(time_s)
        if ready <= self._done:
            return Signals.empty()
        rows = self._rows(self._done, ready)
        keep = int(np.searchsorted(time_s, time_s[ready - 1] - LOOKBACK_S))
        self._pending = self._pending[slice(keep, None)]
        self._done = ready - keep
        return rows

    def _take(self, samples: Measurements) -> None:
        parts = [samples] if self._pending is None else [self._pending, samples]
        self._pending = Measurements.concatenate(parts)
        if self._baseline is None:
            seen = np.flatnonzero(np.isfinite(samples.yaw_deg))
            if not len(seen):
                return
            start_s = float(samples.time_s[seen[0]])
            self._baseline = BaselineTracker(self._settings, start_s)
        self._baseline.add(samples)

    def _ready(self, time_s: FloatArray) -> int:
        """How many pending rows no later sample can change."""
        newest = time_s[-1]
        if self._baseline is None:
            return len(time_s)  # no face so far: nothing to wait for
        assert self.rest_known_s is not None
        if newest < self.rest_known_s:
            return int(np.searchsorted(time_s, self._baseline.start_s))
        return int(np.searchsorted(time_s, newest - LOOKAHEAD_S))

    def _rows(self, start: int, stop: int) -> Signals:
        assert self._pending is not None
        samples = self._pending
        if self._baseline is None:
            return Signals.blank(samples.time_s[start:stop])
        columns = np.column_stack([samples.aperture, samples.commissure.reshape(-1, 4)])
        smooth = _centred_mean(samples.time_s, columns)
        aperture, commissure = smooth[:, :2], smooth[:, 2:].reshape(-1, 2, 2)
        hops = self._baseline.hop(samples.time_s[start:stop])
        edges = [start, *(np.flatnonzero(np.diff(hops)) + 1 + start), stop]
        parts = []
        for a, b in pairwise(edges):
            rest = self._baseline.at(int(hops[a - start]))
            if rest is None:
                parts.append(Signals.blank(samples.time_s[a:b]))
            else:
                parts.append(
                    self._score(samples, aperture, commissure, rest, slice(int(a), int(b)))
                )
        return Signals.concatenate(parts)

    def _score(
        self,
        samples: Measurements,
        aperture: FloatArray,
        commissure: FloatArray,
        rest: Baseline,
        rows: slice,
    ) -> Signals:
        # Neighbours within the lookahead are needed too, seen with the same rest.
        near = _neighbourhood(samples.time_s, rows)
        inner = slice(rows.start - near.start, rows.stop - near.start)
        closure_near = np.clip(rest.closure(aperture[near]), -1.0, 1.1)
        other = running_max(samples.time_s[near], closure_near[:, ::-1], _BLINK_LAG_S)[inner]
        closure = closure_near[inner]
        yaw = samples.yaw_deg[rows]
        eye_excess = closure - _OTHER_EYE_WEIGHT * rest.blink_gain * np.maximum(other, 0.0)
        place_near = corner_place(commissure[near], samples.yaw_deg[near])
        place = place_near[inner]
        excursion = place - rest.corner_place
        opposite = excursion[:, ::-1]
        above = excursion - OTHER_WEIGHT * np.maximum(opposite, 0.0)
        above = above + np.minimum(
            np.maximum(-opposite, 0.0), _OPPOSITE_SHARE * np.maximum(excursion, 0.0)
        )
        above = above - _LID_TO_CORNER * np.maximum(closure - closure[:, ::-1], 0.0)
        turned = 1.0 + ((yaw - rest.yaw_deg) / _YAW_SPREAD_DEG) ** 2
        eye_threshold = self._threshold(EYE, rest.eye_asymmetry) * turned
        mouth_threshold = self._threshold(MOUTH, rest.mouth_asymmetry) * turned
        mouth_threshold = mouth_threshold + _BLINK_TO_CORNER * np.clip(closure.min(axis=1), 0, 1)
        pull, own, others = attacks(samples.time_s[near], place_near, self._settings.max_gap_s)
        pulled = pull[inner], own[inner], others[inner]
        held = self._hold.update(place, pulled, mouth_threshold)
        return Signals(
            samples.time_s[rows],
            closure,
            excursion,
            eye_excess / eye_threshold[:, None],
            np.minimum(held, above / _LEVEL_SHARE) / mouth_threshold[:, None],
        )

    def _threshold(self, region: Region, asymmetry: float) -> float:
        """The threshold in force, by what is ordinary for the person."""
        quiet, factor, most = (getattr(self._settings, name) for name in region.thresholds)
        return float(max(quiet, min(factor * asymmetry, most)))


def _gate(samples: Measurements, settings: Settings) -> Measurements:
    """Blanks frames whose mesh cannot be trusted."""
    return samples.where(usable(samples, settings))


def usable(samples: Measurements, settings: Settings) -> BoolArray:
    """``(n,)`` frames whose mesh can be trusted: not turned too far, on a face, and in view."""
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (np.abs(samples.yaw_deg) <= settings.max_yaw_deg)
            & (np.abs(samples.pitch_deg) <= settings.max_pitch_deg)
            & (samples.fit_error <= _MAX_FIT_ERROR)
            & (samples.visibility >= MIN_VISIBILITY)
        )


def _neighbourhood(time_s: FloatArray, rows: slice) -> slice:
    start, stop = np.searchsorted(
        time_s, [time_s[rows.start] - LOOKBACK_S, time_s[rows.stop - 1] + LOOKAHEAD_S]
    )
    return slice(int(start), int(stop))


def _centred_mean(time_s: FloatArray, values: FloatArray) -> FloatArray:
    """Mean over samples within half of `_SMOOTH_S`; NaN stays where the sample itself is NaN."""
    low = np.searchsorted(time_s, time_s - _SMOOTH_S / 2)
    high = np.searchsorted(time_s, time_s + _SMOOTH_S / 2, side="right")
    widest = int((high - low).max(initial=1))
    if widest == 1:
        return values
    flat = values.reshape(len(values), -1)
    total, count = np.zeros_like(flat), np.zeros_like(flat)
    for shift in range(widest):  # sums in a fixed order, so that chunking cannot change a digit
        index = low + shift
        inside = index < high
        piece = flat[np.minimum(index, len(flat) - 1)]
        good = inside[:, None] & np.isfinite(piece)
        total += np.where(good, piece, 0.0)
        count += good
    with np.errstate(invalid="ignore"):
        mean = np.where(np.isfinite(flat), total / np.maximum(count, 1), np.nan)
    return mean.reshape(values.shape)
