"""The regions of the face that are watched, and all in which one differs from another.

What measures, decides, writes or shows loops over `FACE_REGIONS` and asks each for its names, so
that another region is a row here, its columns in `RegionMeasures`, and how it is measured and
judged: `hfs_vision.core.geometry`, `baseline`, `signals` and `settings`.
"""

from __future__ import annotations

from dataclasses import dataclass

IOD = "interocular distances"
"""The distance between the outer corners of the eyes; no unit of the SI."""


@dataclass(frozen=True, kw_only=True)
class MovementKind:
    """A kind of movement.

    Attributes:
        name: As tables have it.
        short: Where there is little room.
        text: What is seen.
    """

    name: str
    short: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Region:
    """What can move on one side of the face by itself.

    Attributes:
        name: As tables have it; of its score, with ``_score`` behind it.
        key: What a person presses for it.
        part, label: What it is: within a sentence, and beside a trace.
        points: Its points of MediaPipe's mesh, left and right.
        field: What is measured of them, in `hfs_vision.core.geometry.Measurements`.
        measured: The columns of that of each side, and what they hold (interocular distances).
        amplitude: Name of how far it is from its rest, as `Signals`, `Event` and tables have it;
            with ``_velocity`` behind it the steepest change, and by it the settings are named.
        amplitude_text, peak_text, velocity_text: What holds the column of it in ``signals.csv``,
            and those of its largest value and its steepest change in ``events.csv``.
        amplitude_unit, velocity_unit: Of these columns; empty where there is none.
        plot_title, plot_name: Amplitude in full, and where there is little room.
        decimals: Of an amplitude that is shown.
        bounds: Least and largest amplitude of a trace.
        ticks: What some of its values mean, by their words, the highest first.
        fixed: Whether plots always have these bounds; they grow with the data where not.
        usual_peak: An amplitude that is not unusual, by which plots are scaled at the least.
        clonic, tonic: The kinds of movement, brief and held.
        brief_s: A stretch briefer than this must reach a higher score; see
            `hfs_vision.core.detector`.
        confidence_level: See `hfs_vision.core.confidence`.
    """

    name: str
    key: str
    part: str
    label: str
    points: tuple[tuple[int, ...], tuple[int, ...]]
    field: str
    measured: dict[str, str]
    amplitude: str
    amplitude_text: str
    peak_text: str
    velocity_text: str
    amplitude_unit: str
    velocity_unit: str
    plot_title: str
    plot_name: str
    decimals: int
    bounds: tuple[float, float]
    ticks: tuple[tuple[str, float], ...]
    fixed: bool
    usual_peak: float
    clonic: MovementKind
    tonic: MovementKind
    brief_s: float
    confidence_level: float

    @property
    def score(self) -> str:
        """Name of its score."""
        return f"{self.name}_score"

    @property
    def velocity(self) -> str:
        """Name of its steepest change."""
        return f"{self.amplitude}_velocity"

    @property
    def thresholds(self) -> tuple[str, str, str]:
        """Settings: threshold in a quiet face, its multiple of what is ordinary, its most."""
        name = self.amplitude
        return f"{name}_threshold", f"{name}_noise_factor", f"max_{name}_threshold"

    def with_unit(self, text: str) -> str:
        """A name of the amplitude with its unit in short."""
        return f"{text}, iod" if self.amplitude_unit == IOD else text

    def moves_in(self, moved: str) -> bool:
        """Whether it is one of what moved, such as ``eye+mouth``."""
        return self.name in moved.split("+")


EYE = Region(
    name="eye",
    key="e",
    part="lids",
    label="eyelids",
    points=(
        (388, 390, 387, 373, 386, 374, 385, 380, 384, 381),
        (161, 163, 160, 144, 159, 145, 158, 153, 157, 154),
    ),
    field="aperture",
    measured={"aperture": "Distance between the lid margins"},
    amplitude="closure",
    amplitude_text="Eyelid closure, 0 as open as usual, 1 shut",
    peak_text="Largest eyelid closure: 0 as open as usual, 1 shut",
    velocity_text="Steepest closing of the lid, in closures",
    amplitude_unit="",
    velocity_unit="1/s",
    plot_title="eyelid closure",
    plot_name="closure",
    decimals=2,
    bounds=(-0.2, 1.2),
    ticks=(("shut", 1.0), ("open", 0.0)),
    fixed=True,
    usual_peak=1.0,
    clonic=MovementKind(
        name="eyelid_twitch",
        short="eyelid twitch",
        text="The lids of one eye twitch (under 1 s by default)",
    ),
    tonic=MovementKind(
        name="forced_closure",
        short="forced closure",
        text="One eye is held shut (1 s or more by default)",
    ),
    brief_s=0.05,  # one frame at 30 frames/s
    confidence_level=0.29,
)

MOUTH = Region(
    name="mouth",
    key="m",
    part="corner of the mouth",
    label="mouth corner",
    points=((291,), (61,)),
    field="commissure",
    measured={
        "commissure_lateral": "Corner of the mouth: distance from the midline",
        "commissure_up": "Corner of the mouth: height over the outer canthi",
    },
    amplitude="excursion",
    amplitude_text="Pull of the corner of the mouth out and up from its rest",
    peak_text="Largest pull of the corner of the mouth from its rest",
    velocity_text="Steepest pull of the corner of the mouth",
    amplitude_unit=IOD,
    velocity_unit=f"{IOD}/s",
    plot_title="commissure excursion",
    plot_name="pull",
    decimals=3,
    bounds=(-0.04, 0.16),
    ticks=(("pulled", 0.12), ("rest", 0.0)),
    fixed=False,
    usual_peak=0.1,
    clonic=MovementKind(
        name="lower_face_spasm",
        short="lower face",
        text="A corner of the mouth jerks (under 1 s by default)",
    ),
    tonic=MovementKind(
        name="mouth_pull",
        short="mouth pull",
        text="The mouth is held to one side (1 s or more by default)",
    ),
    brief_s=0.09,  # two frames
    confidence_level=-0.16,
)

FACE_REGIONS = (EYE, MOUTH)
"""In the order of the tables."""

SEVERAL = MovementKind(
    name="hemifacial_spasm",
    short="hemifacial",
    text="Lids and mouth of one side move together",
)
"""Where more than one region moves, brief or held."""

ALL_KINDS = (*(kind for r in FACE_REGIONS for kind in (r.clonic, r.tonic)), SEVERAL)

SEVERAL_CONFIDENCE_LEVEL = -0.32


@dataclass(frozen=True, kw_only=True)
class RegionMeasures:
    """Of an event's side: the largest amplitude and the steepest change of each region.

    Attributes:
        closure: Largest eyelid closure (0 as open as usual, 1 shut).
        excursion: Largest mouth-corner excursion, interocular distances.
        closure_velocity: Steepest closing of the lid between two frames, closures per second.
        excursion_velocity: Steepest pull of the corner, interocular distances per second.
    """

    closure: float
    excursion: float
    closure_velocity: float
    excursion_velocity: float

    def amplitude(self, region: Region) -> float:
        """The largest amplitude of a region."""
        value: float = getattr(self, region.amplitude)
        return value
