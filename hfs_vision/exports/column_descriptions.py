"""What the columns of exported tables mean, in one place: BIDS and Parquet carry it along."""

from __future__ import annotations

from dataclasses import dataclass, field

from hfs_vision.results import SIGNAL_COLUMNS
from hfs_vision.schema import COMPONENTS, KINDS, REGIONS, SIDES

IOD = "interocular distances"
"""The distance between the outer corners of the eyes; no unit of the SI."""


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


_KIND_TEXTS = (
    "The lids of one eye twitch (under 1 s by default)",
    "One eye is held shut (1 s or more by default)",
    "A corner of the mouth jerks (under 1 s by default)",
    "The mouth is held to one side (1 s or more by default)",
    "Lids and mouth of one side move together",
)
KIND_LEVELS = dict(zip(KINDS, _KIND_TEXTS, strict=True))
SIDE_LEVELS = {side: f"The {side} side, the subject's own" for side in SIDES}
REGION_LEVELS = dict(
    zip(REGIONS, ("The eyelids", "The corner of the mouth", "Both of them"), strict=True)
)
COMPONENT_LEVELS = dict(
    zip(COMPONENTS, ("No movement is held for long", "A movement is held for long"), strict=True)
)
VERDICT_LEVELS = {
    "accepted": "A person found it right",
    "added": "The program had missed it, a person added it",
}

_ONSET = ColumnDescription("When the movement begins, on the recording's own clock", "s")

EVENTS: dict[str, ColumnDescription] = {
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
    "closure": ColumnDescription("Largest eyelid closure: 0 as open as usual, 1 shut"),
    "excursion": ColumnDescription("Largest pull of the corner of the mouth from its rest", IOD),
    "rise_s": ColumnDescription("From onset to peak", "s"),
    "closure_velocity": ColumnDescription("Steepest closing of the lid, in closures", "1/s"),
    "excursion_velocity": ColumnDescription("Steepest pull of the corner of the mouth", f"{IOD}/s"),
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

_CLOSURE = "Eyelid closure, 0 as open as usual, 1 shut"
_SCORE = "One-sidedness of the {}; 1 is the threshold in force"
_OF_A_SIDE = {
    "aperture": ColumnDescription("Distance between the lid margins", IOD),
    "commissure_lateral": ColumnDescription("Corner of the mouth: distance from the midline", IOD),
    "commissure_up": ColumnDescription("Corner of the mouth: height over the outer canthi", IOD),
    "closure": ColumnDescription(_CLOSURE),
    "excursion": ColumnDescription("Pull of the corner of the mouth out and up from its rest", IOD),
    "eye_score": ColumnDescription(_SCORE.format("lids")),
    "mouth_score": ColumnDescription(_SCORE.format("corner of the mouth")),
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
