"""Result folders with everything in them that an export can meet."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from hfs_vision.analysis.pipeline import detect
from hfs_vision.analysis.result import Analysis
from hfs_vision.core.geometry import Measurements
from hfs_vision.results import MARK_COLUMNS, REVIEWED_FILE, EventRecord, line, write_reviewed
from tests.synthetic import Recording

FORMATS = ("bids", "mne", "boris", "elan", "parquet")
STARTED = "2031-07-19T08:30:15+00:00"


def analysis(start_s: float = 0.0) -> Analysis:
    """Left lid at 12 s, right corner at 15 s; no face in second 20, no frames from 24 to 26 s."""
    made = Recording(30.0, start_s=start_s)
    made.lid(0, start_s + 12.0, 0.4).pull(1, start_s + 15.0, 1.5).without_face(start_s + 20.0, 1.0)
    rows = made.measured()
    parts = [rows[slice(0, 24 * 30)], rows[slice(26 * 30, None)]]
    return detect(Measurements.concatenate(parts))


def save(
    folder: Path,
    *,
    start_s: float = 0.0,
    marks: tuple[tuple[object, ...], ...] = (),
    comment: str | None = None,
    reviewer: str = "",
    summary: dict[str, object] | None = None,
) -> Path:
    """Saves `analysis`; with a comment, also a review that rejects the second event."""
    made = analysis(start_s)
    made.save(folder, force=True)
    if marks:
        text = "".join(line(row) for row in (MARK_COLUMNS, *marks))
        (folder / "marks.csv").write_text(text, encoding="utf-8")
    if summary:
        path = folder / "summary.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **summary}))
    if comment is not None:
        first, second = made.events
        added = replace(first, onset_s=start_s + 27.0, offset_s=start_s + 27.5, side="right")
        said = {"reviewer": reviewer, "reviewed_utc": STARTED, "history": f"{reviewer} {STARTED}"}
        rows = [
            EventRecord(1, first, "accepted", comment, **said),
            EventRecord(2, second, "rejected", comment, **said),
            EventRecord(3, added, "added", "", **said),
        ]
        with (folder / REVIEWED_FILE).open("w", encoding="utf-8", newline="") as handle:
            write_reviewed(handle, rows)
    return folder


def session(folder: Path, comment: str | None = None) -> Path:
    """A live session: rest, then reading from 14 s on, and a mark at 16 s."""
    marks = ((0.0, "segment", "rest"), (14.0, "segment", "reading"), (16.0, "mark", ""))
    live = {"live": {"started_utc": STARTED}}
    return save(folder, marks=marks, comment=comment, reviewer="R", summary=live)
