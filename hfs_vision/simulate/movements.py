"""What a simulated face does: movements with known truth, and the face's state at any time.

A movement's ``[onset, onset + duration)`` is its truth: the time during which it is at or above
`TRUTH_LEVEL` of its own peak. The time course reaches a little beyond on both ends, down to
zero, because a real movement has no corners.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from hfs_vision.errors import UsageError
from hfs_vision.schema import SIDES

TRUTH_LEVEL = 0.10
"""Share of a movement's peak that counts as moving: it defines onset and offset in the truth."""

TONIC_FROM_S = 1.0
"""One-sided movements of this duration and longer are tonic, shorter ones clonic."""

# A raised cosine from 0 to 1 crosses TRUTH_LEVEL after this share of its length.
_HIDDEN = math.acos(1.0 - 2.0 * TRUTH_LEVEL) / math.pi
_TREMOR_HZ = 7.0
_TREMOR_DEPTH = 0.06
_SYLLABLE_HZ = 2.6
_SQUEEZE_FROM_S = 0.6  # a blink or a twitch lowers the lid alone; a spasm takes brow and cheek too


@dataclass(frozen=True)
class Kind:
    """What the word for a movement means.

    Attributes:
        region: ``eye``, ``mouth``, ``eye+mouth``, ``brow`` or ``head``.
        one_sided: Whether it is a spasm of one side; else it takes both sides alike.
        component: ``clonic`` or ``tonic`` where the kind settles it, else None.
        drives: Fields of `Movement` that the kind needs; the other amplitudes must be 0.
        rise_s, fall_s: Length of rise and fall; the part between is a plateau.
    """

    region: str
    one_sided: bool
    component: str | None
    drives: tuple[str, ...]
    rise_s: float
    fall_s: float


KINDS: dict[str, Kind] = {
    "eyelid_twitch": Kind("eye", True, "clonic", ("closure",), 0.08, 0.12),
    "forced_closure": Kind("eye", True, "tonic", ("closure",), 0.15, 0.30),
    "lower_face_spasm": Kind("mouth", True, "clonic", ("excursion",), 0.10, 0.15),
    "mouth_pull": Kind("mouth", True, "tonic", ("excursion",), 0.20, 0.35),
    "hemifacial_spasm": Kind("eye+mouth", True, None, ("closure", "excursion"), 0.12, 0.25),
    "blink": Kind("eye", False, None, ("closure",), 0.08, 0.20),
    "smile": Kind("mouth", False, None, ("excursion",), 0.50, 0.70),
    "talk": Kind("mouth", False, None, ("excursion",), 0.15, 0.15),
    "brow_raise": Kind("brow", False, None, ("excursion",), 0.25, 0.40),
    "head_turn": Kind("head", False, None, ("angle_deg",), 0.60, 0.60),
    "nod": Kind("head", False, None, ("angle_deg",), 0.40, 0.50),
}
"""The movements that can be simulated: five one-sided kinds, and what a healthy face does."""

_LIMITS = {"closure": 1.0, "excursion": 0.25, "angle_deg": 20.0}


@dataclass(frozen=True)
class Movement:
    """One movement of a script, and at the same time one row of the truth.

    Attributes:
        kind: A key of `KINDS`.
        side: The subject's own ``left`` or ``right``; ``both`` for the two-sided kinds.
        onset_s: Time at which the movement rises above `TRUTH_LEVEL` of its peak, in seconds.
        duration_s: Seconds until it falls below that level again.
        closure: Eyelid closure at the peak, 0 (open) to 1 (shut).
        excursion: Path of the mouth corner (``talk``: lower lip, ``brow_raise``: brow) at the
            peak, in interocular distances (outer canthus to outer canthus).
        angle_deg: Angle of the head at the peak; ``head_turn``: positive towards the subject's
            left, ``nod``: positive chin down.

    Raises:
        UsageError: The values contradict each other or are out of range.
    """

    kind: str
    side: str
    onset_s: float
    duration_s: float
    closure: float = 0.0
    excursion: float = 0.0
    angle_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"unknown kind {self.kind!r}: expected one of {', '.join(KINDS)}")
        spec = KINDS[self.kind]
        sides = SIDES if spec.one_sided else ("both",)
        if self.side not in sides:
            raise UsageError(f"side of {self.kind} is {self.side!r}: expected {' or '.join(sides)}")
        if not (math.isfinite(self.onset_s) and self.onset_s >= 0):
            raise UsageError(f"onset_s of {self.kind} is {self.onset_s}: expected 0 or more")
        if not (math.isfinite(self.duration_s) and self.duration_s > 0):
            raise UsageError(f"duration_s of {self.kind} is {self.duration_s}: expected above 0")
        if spec.component and spec.component != self.component:
            border = "under" if spec.component == "clonic" else "at least"
            raise UsageError(
                f"duration_s of {self.kind} is {self.duration_s}: expected {border} {TONIC_FROM_S}"
            )
        self._check_amplitudes(spec)

    def _check_amplitudes(self, spec: Kind) -> None:
        for name, limit in _LIMITS.items():
            value = float(getattr(self, name))
            lowest = -limit if name == "angle_deg" else 0.0
            if name not in spec.drives and value != 0:
                raise UsageError(
                    f"{name} of {self.kind} is {value}: expected 0, it moves no {name}"
                )
            if name in spec.drives and not (lowest <= value <= limit and value != 0):
                raise UsageError(
                    f"{name} of {self.kind} is {value}: expected {lowest:g} to {limit:g}, not 0"
                )

    @property
    def offset_s(self) -> float:
        """End of the truth interval, in seconds."""
        return self.onset_s + self.duration_s

    @property
    def region(self) -> str:
        """``eye``, ``mouth``, ``eye+mouth``, ``brow`` or ``head``."""
        return KINDS[self.kind].region

    @property
    def one_sided(self) -> bool:
        """Whether this is a movement of one side that a detector must report."""
        return KINDS[self.kind].one_sided

    @property
    def component(self) -> str | None:
        """``clonic`` or ``tonic`` for one-sided movements, else None."""
        if not self.one_sided:
            return None
        return "tonic" if self.duration_s >= TONIC_FROM_S else "clonic"

    def level(self, time_s: float) -> float:
        """Share of the peak, 0 to 1, at a time in seconds."""
        spec = KINDS[self.kind]
        shrink = min(1.0, self.duration_s / (spec.rise_s + spec.fall_s))
        rise, fall = spec.rise_s * shrink, spec.fall_s * shrink
        since, left = time_s - self.onset_s, self.offset_s - time_s
        value = min(_ramp(since, rise), _ramp(left, fall))
        if self.component == "tonic":
            value *= 1.0 - _tremor(since - rise, self.duration_s - rise - fall)
        if self.kind == "talk":
            value *= 0.5 - 0.5 * math.cos(2.0 * math.pi * _SYLLABLE_HZ * max(since, 0.0))
        return value


Script = tuple[Movement, ...]
"""Movements in any order; the truth lists them by onset."""


@dataclass(frozen=True)
class FaceState:
    """How far a face is from rest at one moment. Pairs are in the order of ``SIDES``.

    Attributes:
        closure: Eyelid closure per side, 0 to 1.
        squeeze: Pull of brow and cheek towards the eye per side, 0 to 1.
        excursion: Path of the mouth corner, outwards and up, per side, interocular distances.
        lip_drop: Path of the lower lip downwards, interocular distances.
        brow_lift: Path of both brows upwards, interocular distances.
        gaze: Path of both pupils towards the subject's left and down, interocular distances.
        yaw_deg, pitch_deg, roll_deg: Turn of the head; positive towards the subject's left,
            chin down, and towards the subject's left shoulder.
        shift: Movement of the head in the picture, right and down, interocular distances.
    """

    closure: tuple[float, float] = (0.0, 0.0)
    squeeze: tuple[float, float] = (0.0, 0.0)
    excursion: tuple[float, float] = (0.0, 0.0)
    lip_drop: float = 0.0
    brow_lift: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)


@dataclass
class _Sums:
    closure: list[float] = field(default_factory=lambda: [0.0, 0.0])
    squeeze: list[float] = field(default_factory=lambda: [0.0, 0.0])
    excursion: list[float] = field(default_factory=lambda: [0.0, 0.0])


def state_at(script: Iterable[Movement], time_s: float) -> FaceState:
    """The face's state that a script asks for at a time.

    Where movements overlap, the larger closure and the larger excursion of a side win, as
    muscles that contract twice do not move twice as far.
    """
    sums = _Sums()
    other = {"talk": 0.0, "brow_raise": 0.0, "head_turn": 0.0, "nod": 0.0}
    for movement in script:
        level = movement.level(time_s)
        if level <= 0.0:
            continue
        if movement.kind in other:
            other[movement.kind] += level * (movement.excursion + movement.angle_deg)
        else:
            _add_sides(sums, movement, level)
    return FaceState(
        closure=(sums.closure[0], sums.closure[1]),
        squeeze=(sums.squeeze[0], sums.squeeze[1]),
        excursion=(sums.excursion[0], sums.excursion[1]),
        lip_drop=other["talk"],
        brow_lift=other["brow_raise"],
        yaw_deg=other["head_turn"],
        pitch_deg=other["nod"],
    )


def _add_sides(sums: _Sums, movement: Movement, level: float) -> None:
    squeezes = movement.one_sided and movement.duration_s >= _SQUEEZE_FROM_S
    for k, side in enumerate(SIDES):
        if movement.side not in (side, "both"):
            continue
        closure = level * movement.closure
        sums.closure[k] = max(sums.closure[k], closure)
        sums.squeeze[k] = max(sums.squeeze[k], closure if squeezes else 0.0)
        sums.excursion[k] = max(sums.excursion[k], level * movement.excursion)


def _ramp(seconds: float, length_s: float) -> float:
    """Raised cosine that is `TRUTH_LEVEL` at 0 and 1 at ``length_s``, and falls to 0 before."""
    share = _HIDDEN + (1.0 - _HIDDEN) * seconds / length_s
    return 0.5 - 0.5 * math.cos(math.pi * min(max(share, 0.0), 1.0))


def _tremor(since_s: float, plateau_s: float) -> float:
    """Small loss of force on the plateau, 0 at its ends so that onset and offset stay true."""
    if not 0.0 < since_s < plateau_s:
        return 0.0
    taper = min(1.0, since_s / 0.2, (plateau_s - since_s) / 0.2)
    return _TREMOR_DEPTH * taper * (0.5 - 0.5 * math.cos(2.0 * math.pi * _TREMOR_HZ * since_s))
