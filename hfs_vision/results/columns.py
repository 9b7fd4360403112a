"""Columns of the tables, in order; docs/tables.md says what they mean."""

from __future__ import annotations

import re

from hfs_vision.regions import FACE_REGIONS
from hfs_vision.schema import SIDES

EVENT_COLUMNS = (
    "onset_s",
    "duration_s",
    "offset_s",
    "side",
    "region",
    "kind",
    "component",
    "peak_s",
    "score",
    "confidence",
    *(region.amplitude for region in FACE_REGIONS),
    "rise_s",
    *(region.velocity for region in FACE_REGIONS),
    "eye_mouth_lag_s",
    "valid_fraction",
    "truncated",
    "twitches",
)
TWITCH_COLUMNS = ("event", "onset_s", "duration_s", "side", "region", "peak_s", "score")
COUNT_COLUMNS = ("side", "kind", "count", "rate_per_min", "time_s", "time_share")
FACE_COLUMNS = ("yaw_deg", "pitch_deg", "roll_deg", "face_px", "fit_error", "visibility")
"""What is measured of the face as a whole."""

MEASURED_COLUMNS = (
    *(f"{name}_{side}" for region in FACE_REGIONS for side in SIDES for name in region.measured),
    *FACE_COLUMNS,
)
DERIVED_COLUMNS = tuple(
    f"{name}_{side}"
    for names in zip(*((region.amplitude, region.score) for region in FACE_REGIONS), strict=True)
    for name in names
    for side in SIDES
)
SIGNAL_COLUMNS = ("time_s", "valid", *MEASURED_COLUMNS, *DERIVED_COLUMNS)
SEGMENT_COLUMNS = ("segment", "label", "start_s", "end_s", "valid_s", *COUNT_COLUMNS)
MARK_COLUMNS = ("time_s", "kind", "label")
REVIEWED_COLUMNS = (
    "number",
    "verdict",
    *EVENT_COLUMNS,
    "comment",
    "reviewer",
    "reviewed_utc",
    "history",
)

MARKS_FILE = "marks.csv"
SEGMENTS_FILE = "segments.csv"
"""What happened in a live session, and the counts of its labelled stretches."""

EVENTS_FILE, TWITCHES_FILE = "events.csv", "twitches.csv"
COUNTS_FILE, SIGNALS_FILE = "counts.csv", "signals.csv"
SUMMARY_FILE = "summary.json"
"""What every analysis and every session leaves."""

REVIEWED_FILE = "events.reviewed.csv"
"""The events as a person has corrected them."""

ANNOTATED_FILE = "annotated.mp4"
"""The recording as a video, with what was found in it."""

REPORT_FILE = "report.html"
"""A result as a page."""

CLIPS_FOLDER = "clips"
"""Folder in a result where clips and pictures of its events are, unless another one was named."""

COHORT_FILE = "cohort.csv"
"""One row for each recording of a batch."""

_CELL_BEGINS = r"(?:\A|(?<=[;\t\r\n]))"
_FORMULA = r"(?=[\"']*[=+\-@\t\r])"
FORMULA = re.compile(_CELL_BEGINS + _FORMULA)
"""Where a spreadsheet would begin a formula: such a text is written with an apostrophe there. In
many countries a semicolon parts the cells; a tab and a new line part them everywhere, since the
quotes around a cell count only where the spreadsheet sees a cell begin.
"""

DEFUSED = re.compile(_CELL_BEGINS + "'" + _FORMULA)
"""The apostrophes that were written there."""
