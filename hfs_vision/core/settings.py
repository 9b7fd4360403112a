"""Every number that decides what counts as an event, in one frozen record.

The command line makes its options from these fields, and each result carries them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from hfs_vision.errors import UsageError


def _setting(default: float, low: float, high: float, help_: str) -> float:
    value: float = field(default=default, metadata={"low": low, "high": high, "help": help_})
    return value


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of measuring and deciding; durations in seconds, lengths in interocular distances.

    Raises:
        UsageError: If a value is not a finite number in its documented range.
    """

    closure_threshold: float = _setting(
        0.15, 0.02, 1.0, "One-sided eyelid closure (1 = shut) that counts, in a quiet face"
    )
    excursion_threshold: float = _setting(
        0.02, 0.005, 1.0, "One-sided pull of a mouth corner (interocular distances) that counts"
    )
    closure_noise_factor: float = _setting(
        2.2,
        0.0,
        10.0,
        "Closure threshold: at least this multiple of the person's usual left-right difference",
    )
    excursion_noise_factor: float = _setting(
        4.4, 0.0, 20.0, "Pull threshold: at least this multiple of the person's usual pulls"
    )
    max_closure_threshold: float = _setting(
        0.35, 0.02, 1.0, "The closure threshold rises no further than this"
    )
    max_excursion_threshold: float = _setting(
        0.065, 0.005, 1.0, "The pull threshold rises no further than this (interocular distances)"
    )
    merge_gap_s: float = _setting(
        0.25, 0.0, 2.0, "Movements of one side closer than this are one event"
    )
    tonic_s: float = _setting(
        1.0, 0.1, 10.0, "Events with a twitch held so long are tonic, others clonic"
    )
    baseline_window_s: float = _setting(
        60.0, 5.0, 600.0, "Rest is learned from this much of the immediate past"
    )
    calibration_s: float = _setting(
        10.0, 1.0, 60.0, "Rest is first learned from this much of the start of the recording"
    )
    max_gap_s: float = _setting(
        0.25, 0.05, 2.0, "A longer stretch without a frame is a gap: not counted as valid time"
    )
    max_yaw_deg: float = _setting(
        35.0, 5.0, 90.0, "Frames with the head turned further aside are not measured"
    )
    max_pitch_deg: float = _setting(
        35.0, 5.0, 90.0, "Frames with the head further up or down are not measured"
    )

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            low, high = f.metadata["low"], f.metadata["high"]
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not low <= value <= high:  # NaN is in no range
                raise UsageError(
                    f"setting {f.name} must be a number from {low:g} to {high:g}, got {value!r}"
                )

    def as_dict(self) -> dict[str, float]:
        """Plain numbers by name, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from `as_dict`'s form; a name that does not exist is a `UsageError`."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(str(name) for name in set(values) - known)
        if unknown:
            raise UsageError(
                f"unknown setting {unknown[0]!r}; the settings are {', '.join(sorted(known))}"
            )
        return cls(**values)


def settings_sha256(values: Mapping[str, float]) -> str:
    """By what two sets of settings are told apart, from `Settings.as_dict`'s form: hexadecimal."""
    return hashlib.sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()
