"""Random scripts: which movements, how strong, and when. Everything follows from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from hfs_vision.errors import UsageError
from hfs_vision.schema import SIDES, FloatArray
from hfs_vision.simulate.movements import KINDS, Movement, Script
from hfs_vision.simulate.video_file import TICKS_PER_S

ONE_SIDED_KINDS = tuple(name for name, kind in KINDS.items() if kind.one_sided)
"""The five kinds that a detector must report."""

_TAIL_S = 0.8  # rest at the end, so that no movement is cut


@dataclass(frozen=True)
class _Range:
    """From where a kind's duration and amplitudes are drawn, evenly."""

    duration_s: tuple[float, float]
    closure: tuple[float, float] = (0.0, 0.0)
    excursion: tuple[float, float] = (0.0, 0.0)
    angle_deg: tuple[float, float] = (0.0, 0.0)


# Spasms are lower than blinks more often than not (Osaki 2019), so their closure starts at 0.5;
# more than half of normal blinks are partial (Ousler 2014); a smile's attack is about 0.5 s.
_RANGES: dict[str, _Range] = {
    "eyelid_twitch": _Range((0.10, 0.40), closure=(0.5, 1.0)),
    "forced_closure": _Range((1.2, 2.6), closure=(0.9, 1.0)),
    "lower_face_spasm": _Range((0.15, 0.40), excursion=(0.06, 0.12)),
    "mouth_pull": _Range((1.2, 2.6), excursion=(0.06, 0.12)),
    "hemifacial_spasm": _Range((0.15, 0.40), closure=(0.5, 1.0), excursion=(0.05, 0.12)),
    "blink": _Range((0.20, 0.35), closure=(0.6, 1.0)),
    "smile": _Range((1.8, 2.8), excursion=(0.05, 0.09)),
    "talk": _Range((1.5, 2.5), excursion=(0.03, 0.06)),
    "brow_raise": _Range((0.8, 1.5), excursion=(0.05, 0.08)),
    "head_turn": _Range((1.5, 2.5), angle_deg=(6.0, 10.0)),
    "nod": _Range((1.0, 1.6), angle_deg=(4.0, 7.0)),
}
_TONIC = _Range((1.2, 3.2), closure=(0.8, 1.0), excursion=(0.06, 0.12))


@dataclass(frozen=True)
class Part:
    """One ingredient of a random script.

    Attributes:
        kind: A key of ``KINDS``.
        side: The subject's own ``left`` or ``right``, or ``both``.
        rate_per_min: How many a minute.
        tonic: For ``hemifacial_spasm``: whether it lasts a second or more.
    """

    kind: str
    side: str
    rate_per_min: float
    tonic: bool = False


def random_script(
    duration_s: float,
    seed: int,
    *,
    side: str = "left",
    rate_per_min: float = 12.0,
    kinds: Sequence[str] = ONE_SIDED_KINDS,
    blink_rate_per_min: float = 15.0,
    rest_s: float = 1.5,
    min_gap_s: float = 0.4,
) -> Script:
    """A script of one-sided movements among normal blinks.

    Args:
        duration_s: Length of the recording in seconds.
        seed: Same arguments and seed, same script.
        side: The subject's own ``left`` or ``right``.
        rate_per_min: One-sided movements a minute, spread evenly over ``kinds``.
        kinds: One-sided kinds to draw from.
        blink_rate_per_min: Bilateral blinks a minute.
        rest_s: Seconds of rest at the beginning.
        min_gap_s: Least seconds between two movements of the face.

    Returns:
        The movements by onset, rounded as the truth prints them.

    Raises:
        UsageError: An argument is out of range, or so many movements do not fit.
    """
    if side not in SIDES or not set(kinds) <= set(ONE_SIDED_KINDS) or not kinds:
        raise UsageError(
            f"side is {side!r} and kinds are {', '.join(kinds)}: expected {' or '.join(SIDES)} "
            f"and some of {', '.join(ONE_SIDED_KINDS)}"
        )
    rng = np.random.default_rng([seed, 0])
    count = _count(rate_per_min, duration_s)
    start = int(rng.integers(len(kinds)))
    movements = [
        _draw(kind, side, rng, tonic=bool(rng.random() < 0.3))
        for kind in (kinds[(start + k) % len(kinds)] for k in range(count))
    ]
    blinks = _count(blink_rate_per_min, duration_s)
    movements += [_draw("blink", "both", rng) for _ in range(blinks)]
    return _by_onset(_lay_out(movements, duration_s, rng, rest_s, min_gap_s))


def compose(
    duration_s: float,
    seed: int,
    parts: Sequence[Part],
    *,
    rest_s: float = 1.5,
    min_gap_s: float = 0.4,
) -> Script:
    """A script with a fixed number of each part, in random order.

    Movements of the face keep ``min_gap_s`` from each other; movements of the head are laid out
    by themselves and may coincide with them. Arguments, result and errors otherwise as in
    `random_script`.
    """
    rng = np.random.default_rng([seed, 0])
    face: list[Movement] = []
    head: list[Movement] = []
    for part in parts:
        if part.kind not in KINDS:
            raise UsageError(f"unknown kind {part.kind!r}: expected one of {', '.join(KINDS)}")
        layer = head if KINDS[part.kind].region == "head" else face
        count = _count(part.rate_per_min, duration_s)
        layer += [_draw(part.kind, part.side, rng, tonic=part.tonic) for _ in range(count)]
    laid = _lay_out(face, duration_s, rng, rest_s, min_gap_s)
    laid += _lay_out(head, duration_s, rng, rest_s, min_gap_s)
    return _by_onset(laid)


def steady_times(duration_s: float, fps: float) -> FloatArray:
    """Frame times ``(n,)`` in seconds at a constant rate, exact in a written video.

    Raises:
        UsageError: Duration or rate is not above 0.
    """
    if not (0 < duration_s < 24 * 3600 and 0 < fps <= 1000):
        raise UsageError(f"duration is {duration_s} s at {fps} frames/s: expected both above 0")
    count = max(round(duration_s * fps), 1)
    ticks = np.round(np.arange(count) * (TICKS_PER_S / fps))
    return np.asarray(ticks / TICKS_PER_S, dtype=np.float64)


def irregular_times(duration_s: float, seed: int) -> FloatArray:
    """Frame times ``(n,)`` in seconds whose rate changes every few seconds and always jitters.

    Stretches of 24 to 60 frames/s follow each other, as a phone's camera does when the light
    changes; each interval also varies by up to a tenth.
    """
    rng = np.random.default_rng([seed, 3])
    rates = (30.0, 60.0, 24.0, 48.0)
    times, time_s, stretch = [0.0], 0.0, 0
    until = float(rng.uniform(2.0, 4.0))
    while True:
        if time_s >= until:
            stretch, until = stretch + 1, until + float(rng.uniform(2.0, 4.0))
        time_s += float(rng.uniform(0.9, 1.1)) / rates[stretch % len(rates)]
        if time_s >= duration_s:
            break
        times.append(time_s)
    return np.asarray(np.round(np.array(times) * TICKS_PER_S) / TICKS_PER_S, dtype=np.float64)


def _count(rate_per_min: float, duration_s: float) -> int:
    if not (rate_per_min >= 0 and 0 < duration_s < 24 * 3600):
        raise UsageError(
            f"rate is {rate_per_min} a minute over {duration_s} s: expected a rate of 0 or more "
            "and a duration above 0"
        )
    return round(rate_per_min * duration_s / 60.0)


def _draw(kind: str, side: str, rng: Generator, *, tonic: bool = False) -> Movement:
    """A movement at time 0, its numbers rounded as the truth prints them."""
    drawn = _TONIC if kind == "hemifacial_spasm" and tonic else _RANGES[kind]
    duration = round(float(rng.uniform(*drawn.duration_s)), 3)
    closure = round(float(rng.uniform(*drawn.closure)), 2)
    excursion = round(float(rng.uniform(*drawn.excursion)), 3)
    angle = round(float(rng.uniform(*drawn.angle_deg)), 1)
    if kind == "head_turn":
        angle *= float(rng.choice((-1.0, 1.0)))
    return Movement(kind, side, 0.0, duration, closure, excursion, angle)


def _lay_out(
    movements: list[Movement], duration_s: float, rng: Generator, rest_s: float, gap_s: float
) -> list[Movement]:
    """Put movements in random order at random times, never closer than ``gap_s``."""
    if not movements:
        return []
    needed = sum(m.duration_s for m in movements) + gap_s * (len(movements) - 1)
    spare = duration_s - rest_s - _TAIL_S - needed
    if spare < 0:
        raise UsageError(
            f"{len(movements)} movements with their gaps need {needed:.1f} s, but {duration_s:g} s "
            f"leave {duration_s - rest_s - _TAIL_S:.1f} s: lower the rates or lengthen the video"
        )
    order = rng.permutation(len(movements))
    waits = np.sort(rng.uniform(0.0, spare, len(movements)))
    laid, used = [], rest_s
    for wait, k in zip(waits.tolist(), order.tolist(), strict=True):
        m = movements[k]
        onset = round(used + wait, 3)
        laid.append(
            Movement(m.kind, m.side, onset, m.duration_s, m.closure, m.excursion, m.angle_deg)
        )
        used += m.duration_s + gap_s
    return laid


def _by_onset(movements: list[Movement]) -> Script:
    return tuple(sorted(movements, key=lambda m: (m.onset_s, m.side, m.kind)))
