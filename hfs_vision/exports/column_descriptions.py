"""What the columns of exported tables mean, in one place: BIDS and Parquet carry it along."""

from __future__ import annotations

from dataclasses import dataclass, field

from hfs_vision.regions import ALL_KINDS, FACE_REGIONS, IOD, Region
from hfs_vision.results import EVENT_COLUMNS, SIGNAL_COLUMNS
from hfs_vision.schema import COMPONENTS, REGIONS, SIDES


@dataclass(frozen=True)
class ColumnDescription:
    """One column.

    Attributes:
        text: What it holds.
        unit: Empty where it has none.
        kind: ``number``, ``whole``, ``truth`` or ``text``.
        levels: Meaning of each word that can stand in it; empty where any text can.
    """

    text: str
    unit: str = ""
    kind: str = "number"
    levels: dict[str, str] = field(default_factory=dict)


KIND_LEVELS = {kind.name: kind.text for kind in ALL_KINDS}
SIDE_LEVELS = {side: f"The {side} side, the subject's own" for side in SIDES}
REGION_LEVELS = {
    moved: " and ".join(
        f"the {region.part}" for region in FACE_REGIONS if region.moves_in(moved)
    ).capitalize()
    for moved in REGIONS
}
COMPONENT_LEVELS = dict(
    zip(COMPONENTS, ("No movement is held for long", "A movement is held for long"), strict=True)
)
VERDICT_LEVELS = {
    "accepted": "A person found it right",
    "added": "The program had missed it, a person added it",
}

_ONSET = ColumnDescription("When the movement begins, on the recording's own clock", "s")

_EVENTS = {
    "onset_s": _ONSET,
    "duration_s": ColumnDescription("How long it lasts", "s"),
    "offset_s": ColumnDescription("Time of the first frame after it", "s"),
    "side": ColumnDescription("Side of the face that moves", "", "text", SIDE_LEVELS),
    "region": ColumnDescription("What moves", "", "text", REGION_LEVELS),
    "kind": ColumnDescription("Movement, by region and component", "", "text", KIND_LEVELS),
    "component": ColumnDescription("Whether a movement is held", "", "text", COMPONENT_LEVELS),
    "peak_s": ColumnDescription("When the side differs most from the other", "s"),
    "score": ColumnDescription("Largest one-sidedness; 1 is the threshold in force"),
    "confidence": ColumnDescription("Share of such events that were right in a benchmark, 0 to 1"),
    "rise_s": ColumnDescription("From onset to peak", "s"),
    "eye_mouth_lag_s": ColumnDescription(
        "How much later the corner is half pulled than the lid shut", "s"
    ),
    "valid_fraction": ColumnDescription(
        "Share of the event in which the face was measured, 0 to 1"
    ),
    "truncated": ColumnDescription(
        "Cut by the start or end of the recording, or by a gap", "", "truth"
    ),
    "twitches": ColumnDescription(
        "How many twitches it is made of, where that is known", "", "whole"
    ),
}
for _region in FACE_REGIONS:
    _EVENTS[_region.amplitude] = ColumnDescription(_region.peak_text, _region.amplitude_unit)
    _EVENTS[_region.velocity] = ColumnDescription(_region.velocity_text, _region.velocity_unit)

EVENTS = {name: _EVENTS[name] for name in EVENT_COLUMNS}

TWITCHES: dict[str, ColumnDescription] = {
    "onset_s": _ONSET,
    "duration_s": EVENTS["duration_s"],
    "side": EVENTS["side"],
    "region": EVENTS["region"],
    "peak_s": EVENTS["peak_s"],
    "score": EVENTS["score"],
}

NUMBER = ColumnDescription("Number of the event in its recording, from 1", "", "whole")
SEGMENT = ColumnDescription(
    "What was being done: label of the segment in which it begins", "", "text"
)
REVIEW: dict[str, ColumnDescription] = {
    "verdict": ColumnDescription(
        "What a person said of it, where one did", "", "text", VERDICT_LEVELS
    ),
    "comment": ColumnDescription("What a person noted", "", "text"),
    "reviewer": ColumnDescription("Who said so, as they call themselves", "", "text"),
    "reviewed_utc": ColumnDescription("When that was said, ISO 8601", "", "text"),
}
FREE_TEXT = ("comment", "reviewer", "reviewed_utc")
"""Columns that a de-identified export does not have."""


def _columns_of(region: Region) -> dict[str, ColumnDescription]:
    """Columns of one region, by their names without the side."""
    score = f"One-sidedness of the {region.part}; 1 is the threshold in force"
    return {
        **{name: ColumnDescription(text, IOD) for name, text in region.measured.items()},
        region.amplitude: ColumnDescription(region.amplitude_text, region.amplitude_unit),
        region.score: ColumnDescription(score),
    }


_OF_A_SIDE = {
    name: column for region in FACE_REGIONS for name, column in _columns_of(region).items()
}
_OF_THE_FACE = {
    "time_s": ColumnDescription("Time of the frame, on the recording's own clock", "s"),
    "valid": ColumnDescription("Both sides were measured", "", "truth"),
    "yaw_deg": ColumnDescription("The head is turned to its own left", "deg"),
    "pitch_deg": ColumnDescription("The head is turned up", "deg"),
    "roll_deg": ColumnDescription("The head is tilted to its own left shoulder", "deg"),
    "face_px": ColumnDescription("Distance between the outer corners of the eyes, in pixels"),
    "fit_error": ColumnDescription("How badly forehead and nose fit a mean face", IOD),
    "visibility": ColumnDescription("How surely eyes and corners of the mouth are in view, 0 to 1"),
}


def _signal(name: str) -> ColumnDescription:
    if name in _OF_THE_FACE:
        return _OF_THE_FACE[name]
    base, _, side = name.rpartition("_")
    column = _OF_A_SIDE[base]
    return ColumnDescription(f"{column.text}; the subject's {side} side", column.unit)


SIGNALS: dict[str, ColumnDescription] = {name: _signal(name) for name in SIGNAL_COLUMNS}
