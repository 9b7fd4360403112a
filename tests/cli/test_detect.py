"""Deciding again on stored signals."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hfs_vision.results import read_events
from tests.cli.support import VIDEO, files_in, nothing_written
from tests.models_here import needs_model
from tests.review_support import opened


@needs_model
def test_detect_on_the_signals_of_an_analysis_gives_the_same_files(hfs, clip):
    assert hfs("analyze", clip, "--out", "first", "--subject", 0.4, 0.5).code == 0
    assert hfs("detect", "first/signals.csv", "--out", "again").code == 0
    for name in ("events.csv", "counts.csv", "signals.csv"):
        assert Path("again", name).read_bytes() == Path("first", name).read_bytes(), name
    assert len(Path("first/events.csv").read_text().splitlines()) == 2
    first, again = (json.loads(Path(f, "summary.json").read_text()) for f in ("first", "again"))
    assert first["subject"] == [0.4, 0.5]
    for key in ("model", "source", "decoding", "settings", "counts", "subject"):
        assert again[key] == first[key], key


def test_detect_decides_anew_with_other_settings(hfs, results):
    signals = results / "signals.csv"
    assert [e.component for e in read_events(results / "events.csv")] == ["clonic", "tonic"]
    assert hfs("detect", signals, "--tonic", 5, "--out", "longer").code == 0
    assert [e.component for e in read_events(Path("longer/events.csv"))] == ["clonic", "clonic"]
    blind = hfs(
        "detect", signals, "--closure-threshold", 1, "--excursion-threshold", 1, "--out", "blind"
    )
    assert blind.code == 0
    assert read_events(Path("blind/events.csv")) == []


def test_deciding_again_in_place_keeps_the_corrections_of_a_person_and_tells_where(hfs, results):
    with opened(results) as review:
        review.change(1, verdict="rejected")
    work = review.file.read_bytes()
    again = hfs("detect", results / "signals.csv", "--out", results, "--force")
    assert again.code == 0
    assert "corrected" not in again.err
    assert review.file.read_bytes() == work
    assert "Corrected by a person" in (results / "report.html").read_text()
    blind = hfs(
        "detect", results / "signals.csv", "--closure-threshold", 1, "--out", results, "--force"
    )
    (aside,) = results.glob("events.reviewed.before-*.csv")
    assert aside.read_bytes() == work
    assert not review.file.exists()
    assert f"which are now in {aside.name}" in blind.err
    assert "Corrected by a person" not in (results / "report.html").read_text()


def test_detect_without_out_shows_the_counts_and_writes_nothing(hfs, results):
    before = files_in(results)
    outcome = hfs("detect", results / "signals.csv", "--merge-gap", 0.5)
    assert outcome.code == 0
    assert re.search(r"│ eyelid_twitch +│ +1 │", outcome.out)
    assert "events.csv" not in outcome.out
    assert files_in(results) == before
    assert nothing_written()


def test_detect_needs_no_summary_beside_the_signals(hfs, results):
    (results / "summary.json").write_text("[]")
    damaged = hfs("detect", results / "signals.csv", "--out", "out")
    assert (damaged.code, "summary.json cannot be read" in damaged.err) == (1, True)
    (results / "summary.json").unlink()
    assert hfs("detect", results / "signals.csv", "--out", "out").code == 0
    assert json.loads(Path("out/summary.json").read_text())["model"] is None


def test_detect_still_tells_what_was_seen_only_while_reading(hfs, results):
    told = (
        "the subject was lost at 3.00 s; the face followed from 5.00 s on may be another person's"
    )
    summary = json.loads((results / "summary.json").read_text())
    (results / "summary.json").write_text(json.dumps({**summary, "source_warnings": [told]}))
    outcome = hfs("detect", results / "signals.csv", "--out", "again")
    assert outcome.code == 0
    assert told in outcome.err
    again = json.loads(Path("again/summary.json").read_text())
    assert told in again["warnings"]
    assert again["source_warnings"] == [told]


def test_detect_tells_of_a_table_of_signals_that_was_cut_off(hfs, results):
    signals = results / "signals.csv"
    lines = signals.read_text().splitlines(keepends=True)
    signals.write_text("".join(lines[:-200]))
    outcome = hfs("detect", signals, "--out", "shorter")
    assert outcome.code == 0
    frames = len(lines) - 1
    assert f"200 of the {frames} frames" in " ".join(outcome.err.split())
    told = json.loads(Path("shorter/summary.json").read_text())["warnings"]
    assert {"code": "rows_missing", "values": {"count": 200, "frames": frames}} in told


def test_detect_keeps_the_mark_of_a_partial_analysis(hfs, results):
    summary = json.loads((results / "summary.json").read_text())
    (results / "summary.json").write_text(json.dumps({**summary, "partial": True}))
    assert hfs("detect", results / "signals.csv", "--out", "out").code == 0
    assert json.loads(Path("out/summary.json").read_text())["partial"] is True


def _cell(row: int, column: int, text: str) -> Callable[[list[list[str]]], None]:
    def change(rows: list[list[str]]) -> None:
        rows[row - 1][column] = text

    return change


MALFORMED = [
    ("a word for a number", _cell(5, 2, "open"), "row 5: aperture_left is 'open'"),
    ("a time that goes back", _cell(7, 0, "0.01"), "row 7: time_s is 0.01; times must"),
    ("no time", _cell(3, 0, ""), "row 3: time_s is nan"),
    ("a missing column", _cell(1, 2, "eye"), "column 'aperture_left' is missing"),
    ("a short row", lambda rows: rows[8].pop(), "row 9: the number of cells differs"),
    ("nothing", lambda rows: rows.clear(), "column 'time_s' is missing"),
]


@pytest.mark.parametrize(
    ("change", "what"), [case[1:] for case in MALFORMED], ids=[case[0] for case in MALFORMED]
)
def test_a_malformed_signals_file_is_refused_with_file_and_row(hfs, results, change, what):
    path = results / "signals.csv"
    rows = list(csv.reader(io.StringIO(path.read_text())))
    change(rows)
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    outcome = hfs("detect", path, "--out", "out")
    assert outcome.code == 1
    assert str(path) in outcome.message
    assert what in outcome.message
    assert nothing_written()


@pytest.mark.parametrize(
    ("name", "code"), [("missing.csv", 2), (".", 1), ("events.csv", 1), ("video.mp4", 1)]
)
def test_something_else_than_signals_is_refused(hfs, results, name, code):
    (results / "video.mp4").write_bytes(VIDEO.read_bytes()[:5000])
    outcome = hfs("detect", results / name, "--out", "out")
    assert outcome.code == code
    assert str(results / name) in outcome.message
    assert nothing_written()


def test_a_valid_column_that_was_edited_is_told_and_not_obeyed(hfs, results):
    signals = results / "signals.csv"
    plain = hfs("detect", signals)
    assert "valid 0" not in plain.err
    rows = signals.read_text().splitlines()
    edited = [re.sub(r"^([^,]*),1,", r"\1,0,", row) for row in rows]
    signals.write_text("\n".join(edited) + "\n")
    told = hfs("detect", signals, "--max-yaw-deg", 20)
    assert told.code == 0
    assert "row(s) whose measurements count, the first of them row 2:" in told.err
    assert told.out == plain.out
