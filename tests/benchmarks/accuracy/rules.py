"""The detectors that are compared: recording -> events, at any sensitivity.

The **factor** multiplies the thresholds: 1 is the default, 2 is half as sensitive. For our own
detector these are `Settings` whose thresholds, the factors by which these rise, and their limits
are multiplied, beyond the range that a user may set if need be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from hfs_vision.core.detector import Detector
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import SignalBuilder, Signals
from hfs_vision.evaluation.evaluate import EventLike
from hfs_vision.schema import Event
from tests.benchmarks.accuracy import peers
from tests.benchmarks.accuracy.variants import ALONE, NO_MOUTH

FACTORS = (0.4, 0.5, 0.63, 0.8, 1.0, 1.26, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.5)
"""Sensitivities of the sweep."""

SCALED = (
    "closure_threshold",
    "excursion_threshold",
    "closure_noise_factor",
    "excursion_noise_factor",
    "max_closure_threshold",
    "max_excursion_threshold",
)
"""Settings that the factor multiplies."""

Events = Sequence[EventLike]
Sweep = Callable[[float], Events]


@dataclass(frozen=True)
class Rule:
    """A detector.

    Attributes:
        name: Of the rule.
        needs: Name of the measurements that it reads.
        find: Events of a recording at a factor.
        role: ``model`` (as the program runs), ``part`` (with something left out) or ``peer``.
    """

    name: str
    needs: str
    find: Callable[[Measurements, float], Events]
    role: str = "model"

    @property
    def ours(self) -> bool:
        """Whether it is this program as it runs."""
        return self.role == "model"

    def prepare(self, measured: Mapping[str, Measurements]) -> Sweep:
        """The rule on one recording."""
        return lambda factor: self.find(measured[self.needs], factor)


def signals_of(measured: Measurements, settings: Settings | None = None) -> Signals:
    """Scores of a whole recording."""
    builder = SignalBuilder(settings or Settings())
    return Signals.concatenate([builder.update(measured), builder.finish()])


def scaled(factor: float) -> Settings:
    """The default settings at a factor."""
    made = Settings()
    for name, value in asdict(made).items():
        if name in SCALED:
            object.__setattr__(made, name, factor * value)  # the range is for users
    return made


def events_of(measured: Measurements, factor: float = 1.0) -> list[Event]:
    """Events of the detector with every threshold multiplied by ``factor``."""
    detector = Detector(scaled(factor))
    return [*detector.update(measured).events, *detector.finish().events]


RULES = (
    *(Rule(name, name, events_of) for name in ("facemesh", "facelandmarker", "fused")),
    *(
        Rule(name, name, events_of, "part")
        for name in (ALONE.format("facemesh"), NO_MOUTH.format("facemesh"), ALONE.format("fused"))
    ),
    *(
        Rule(f"peer: {name}", ALONE.format("facemesh"), rule, "peer")
        for name, rule in (
            ("relative difference", peers.relative_difference),
            ("unmatched peaks", peers.unmatched_peaks),
        )
    ),
)
