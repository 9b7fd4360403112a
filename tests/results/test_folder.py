"""A result folder read back as a whole, its corrected events, and the recording it belongs to."""

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.analysis import result
from hfs_vision.analysis.pipeline import detect
from hfs_vision.analysis.result import Analysis
from hfs_vision.errors import OutputError, TableError, UsageError
from hfs_vision.results import (
    MARK_COLUMNS,
    MEASURED_COLUMNS,
    SIGNAL_COLUMNS,
    EventRecord,
    counted_events,
    format_cell,
    line,
    read_folder,
    read_marks,
    read_reviewed,
    read_signals,
    write_reviewed,
)
from hfs_vision.results.read_tables import plain_text
from hfs_vision.video import digest, find_recording
from tests.cli.support import files_in
from tests.footage_support import annotated
from tests.synthetic import Recording


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    recording = Recording(30.0)
    recording.lid(0, 10.0, 0.3)
    recording.lid(1, 20.0, 1.5)
    return detect(recording.measured())


@pytest.fixture
def folder(analysis, tmp_path) -> Path:
    analysis.save(tmp_path / "a.results")
    return tmp_path / "a.results"


def edit_summary(folder, edits):
    path = folder / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **edits}))


def edit_signals(folder, rows, cells):
    path = folder / "signals.csv"
    with path.open(newline="") as handle:
        found = list(csv.DictReader(handle))
    for row in found[rows]:
        row.update(cells)
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, SIGNAL_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


class TestReadingAFolder:
    def test_gives_back_what_was_saved(self, analysis, folder):
        found = read_folder(folder)
        assert [(e.onset_s, e.side, e.twitches) for e in found.events] == [
            (e.onset_s, e.side, e.twitches) for e in analysis.events
        ]
        for name in ("closure", "excursion", "eye_score", "mouth_score", "time_s"):
            saved, read = getattr(analysis.signals, name), getattr(found.signals, name)
            np.testing.assert_allclose(read, saved, atol=1e-6, equal_nan=True)
        np.testing.assert_allclose(
            found.measurements.commissure, analysis.measurements.commissure, atol=1e-6
        )
        assert found.valid_s == pytest.approx(analysis.summary.valid_s)
        assert not found.warnings
        assert found.reviewed is None

    @pytest.mark.parametrize("name", ["signals.csv", "summary.json"])
    def test_tells_what_is_missing(self, folder, name):
        (folder / name).unlink()
        found = read_folder(folder)
        assert len(found.warnings) == 1
        assert name in found.warnings[0]
        assert len(found.events) == 2

    def test_needs_the_events(self, folder):
        (folder / "events.csv").unlink()
        with pytest.raises(UsageError, match=r"holds no events\.csv"):
            read_folder(folder)
        with pytest.raises(UsageError, match="is not a folder"):
            read_folder(folder / "elsewhere")

    def test_tells_of_another_version(self, folder):
        summary = json.loads((folder / "summary.json").read_text())
        summary["versions"]["hfs_vision"] = "0.0.1"
        (folder / "summary.json").write_text(json.dumps(summary))
        assert "0.0.1" in read_folder(folder).warnings[0]

    def test_a_twitch_of_no_region_is_refused(self, folder):
        path = folder / "twitches.csv"
        path.write_text(path.read_text().replace(",eye,", ",nose,", 1))
        with pytest.raises(
            TableError, match=r"twitches\.csv, row 2: region is 'nose'; write one of"
        ):
            read_folder(folder)

    @pytest.mark.parametrize(("stored", "read"), [([0.25, 1], (0.25, 1.0)), (None, None)])
    def test_tells_whom_the_user_asked_to_follow(self, folder, stored, read):
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["subject"] is None
        (folder / "summary.json").write_text(json.dumps({**summary, "subject": stored}))
        assert read_folder(folder).subject == read

    @pytest.mark.parametrize(
        ("edits", "told"),
        [({"valid_s": 1e9}, "valid_s is 1e\\+09, and the recording lasts 30 s"),
         ({"valid_s": 30.1}, "valid_s is 30.1, and"),
         ({"valid_s": 30.1, "duration_s": None}, "valid_s is 30.1, and")],
    )  # fmt: skip
    def test_more_valid_time_than_the_recording_has_is_refused(self, folder, edits, told):
        edit_summary(folder, edits)
        with pytest.raises(TableError, match=told):
            read_folder(folder)

    @pytest.mark.parametrize(
        ("edits", "told"),
        [({"valid_s": 12.0}, "says valid_s 12, but coverage of duration_s is"),
         ({"coverage": 0.5}, "but coverage of duration_s is 15 s"),
         ({"duration_s": 60.0, "coverage": 0.5}, "duration_s 60, but end_s less start_s is 30 s")],
    )  # fmt: skip
    def test_times_that_contradict_each_other_are_told(self, folder, edits, told):
        edit_summary(folder, edits)
        (warning,) = read_folder(folder).warnings
        assert told in warning

    def test_a_valid_column_that_was_edited_is_told(self, folder):
        edit_signals(folder, slice(300, 600), {"valid": "0"})
        (warning,) = read_folder(folder).warnings
        assert "valid 0 in 300 row(s) whose measurements count, the first" in warning

    def test_measured_cells_that_were_emptied_strike_a_stretch_out(self, folder):
        before = detect(read_signals(folder / "signals.csv"))
        edit_signals(folder, slice(0, 450), dict.fromkeys(MEASURED_COLUMNS, ""))
        after = detect(read_signals(folder / "signals.csv"))
        assert [e.onset_s for e in after.events] == [e.onset_s for e in before.events[1:]]
        assert after.summary.valid_s == pytest.approx(before.summary.valid_s - 15, abs=0.3)

    def test_a_summary_that_is_none_is_refused(self, folder):
        (folder / "summary.json").write_text("[1]")
        with pytest.raises(TableError, match="JSON object"):
            read_folder(folder)


class TestSignals:
    @pytest.mark.parametrize(
        ("column", "value"),
        [("aperture_left", "75867"), ("commissure_up_right", "-11"), ("yaw_deg", "100000"),
         ("roll_deg", "-181"), ("face_px", "-1"), ("face_px", "200000"), ("fit_error", "-0.1"),
         ("visibility", "7"), ("visibility", "-0.5")],
    )  # fmt: skip
    @pytest.mark.parametrize("separator", [",", ";"])
    def test_impossible_values_are_refused_with_row_and_value(
        self, folder, column, value, separator
    ):
        edit_signals(folder, slice(5, 6), {column: value})
        path = folder / "signals.csv"
        path.write_text(path.read_text().replace(",", separator))
        for read in (lambda: read_signals(path), lambda: read_folder(folder)):
            with pytest.raises(TableError, match=f"row 7: {column} is {value}; it can"):
                read()

    def test_a_file_that_was_touched_by_hand_reads_the_same(self, folder):
        # Quotes are not what this program writes, so this takes the patient way.
        plain = read_folder(folder)
        text = (folder / "signals.csv").read_text().splitlines()
        text[5] = ",".join(f'"{cell}"' for cell in text[5].split(","))
        (folder / "signals.csv").write_text("\n".join(text) + "\n")
        again = read_folder(folder)
        np.testing.assert_array_equal(plain.signals.closure, again.signals.closure)
        np.testing.assert_array_equal(plain.measurements.aperture, again.measurements.aperture)

    def test_empty_cells_at_any_place_are_missing_numbers(self, folder):
        path = folder / "signals.csv"
        lines = path.read_text().splitlines()
        lines[1] = "0.000000,0" + "," * (len(SIGNAL_COLUMNS) - 2)
        lines[2] = lines[2][: lines[2].rindex(",") + 1]
        path.write_text("\n".join(lines) + "\n")
        found = read_folder(folder)
        assert np.isnan(found.signals.closure[0]).all()
        assert np.isnan(found.signals.mouth_score[1, 1])
        assert np.isfinite(found.signals.mouth_score[1, 0])

    @pytest.mark.parametrize(
        ("old", "new"),
        [("0.0", "zero"), ("0.033", "0.0.33"), (",1,", ",1,1,"), ("0.0", "1e999")],
        ids=["no number", "two dots", "a cell too many", "infinite"],
    )
    def test_what_is_wrong_is_told_with_its_row(self, folder, old, new):
        path = folder / "signals.csv"
        head, body = path.read_text().split("\n", 1)
        path.write_text(head + "\n" + body.replace(old, new, 1))
        with pytest.raises(TableError, match=r"row [23]:"):
            read_signals(path)


class TestReviewedEvents:
    def rows(self, analysis) -> list[EventRecord]:
        first, second = (replace(e, twitches=()) for e in analysis.events)
        return [
            EventRecord(1, first, "rejected", "=1+1", "-AB", "2026-11-25T10:00:00Z", "x"),
            EventRecord(7, second, "added", 'a "b", c\nd'),
        ]

    def test_come_back_as_they_were_written(self, analysis, tmp_path):
        rows = self.rows(analysis)
        with (tmp_path / "r.csv").open("w", newline="") as handle:
            write_reviewed(handle, rows)
        again = read_reviewed(tmp_path / "r.csv")
        assert [(r.number, r.verdict, r.comment, r.reviewer, r.history) for r in again] == [
            (r.number, r.verdict, r.comment, r.reviewer, r.history) for r in rows
        ]
        assert counted_events(again)[0].onset_s == pytest.approx(rows[1].event.onset_s, abs=1e-6)
        assert len(counted_events(again)) == 1
        assert ",'=1+1,'-AB," in (tmp_path / "r.csv").read_text()

    def test_are_those_of_the_folder(self, analysis, folder):
        with (folder / "events.reviewed.csv").open("w", newline="") as handle:
            write_reviewed(handle, self.rows(analysis))
        found = read_folder(folder)
        assert len(found.events) == 1
        assert len(found.machine_events) == 2

    def test_rows_written_by_hand_need_little(self, tmp_path):
        (tmp_path / "r.csv").write_text(
            "onset_s,duration_s,side,region,number,verdict\n"
            "5,0.4,left,eye,,\n2,0.5,right,mouth,3.0,Accepted\n"
        )
        first, second = read_reviewed(tmp_path / "r.csv")
        assert (first.number, first.verdict) == (3, "accepted")
        assert (second.number, second.verdict) == (4, "")
        assert math.isnan(second.event.score)

    @pytest.mark.parametrize(
        ("row", "told"),
        [
            ("5,0.4,left,eye,1,good", "row 2: verdict is 'good'"),
            ("5,0.4,left,eye,1.5,", "row 2: number is '1.5'"),
            ("5,0.4,left,nose,1,", "row 2: region is 'nose'"),
            ("5,0.4,left,eye,1,\n6,0.4,left,eye,1,", "number 1 stands twice"),
        ],
    )
    def test_what_is_wrong_is_told(self, tmp_path, row, told):
        (tmp_path / "r.csv").write_text(f"onset_s,duration_s,side,region,number,verdict\n{row}\n")
        with pytest.raises(TableError, match=told):
            read_reviewed(tmp_path / "r.csv")


class TestReplacingAResult:
    @pytest.fixture
    def used(self, folder) -> Path:
        """A result that somebody has corrected and made a video of."""
        for name in ("events.reviewed.csv", "second.csv"):
            (folder / name).write_text(name)
        annotated(folder / "annotated.mp4")
        return folder

    def test_by_the_same_events_keeps_the_corrections(self, analysis, used):
        assert analysis.save(used, force=True) is None
        assert (used / "events.reviewed.csv").read_text() == "events.reviewed.csv"
        assert not (used / "annotated.mp4").exists()

    def test_by_others_puts_the_corrections_aside_each_time(self, analysis, used):
        one, two, nothing = (replace(analysis, events=analysis.events[:keep]) for keep in (1, 2, 0))
        first = one.save(used, force=True)
        (used / "events.reviewed.csv").write_text("later ones")
        assert two.save(used, force=True) != first  # within the same second, too
        assert nothing.save(used, force=True) is None
        kept = sorted(path.read_text() for path in used.glob("events.reviewed.before-*Z*.csv"))
        assert kept == ["events.reviewed.csv", "later ones"]
        assert (used / first).read_text() == "events.reviewed.csv"
        assert not (used / "events.reviewed.csv").exists()
        assert (used / "second.csv").exists()

    def test_that_fails_changes_nothing(self, analysis, used, monkeypatch):
        def full(*_, **__):
            raise OSError(28, "No space left on device")

        before = files_in(used)
        monkeypatch.setattr(result, "write_json", full)
        with pytest.raises(OutputError, match="No space left"):
            replace(analysis, events=[]).save(used, force=True)
        assert files_in(used) == before


@given(st.text(st.sampled_from("'=+-@\t\r\nab1 ;,\""), max_size=8), st.booleans())
def test_no_text_is_a_formula_in_a_spreadsheet_of_any_country_and_each_comes_back(text, first):
    cell = format_cell(text)
    assert plain_text(cell) == text
    written = line([text, "b"] if first else ["a", text, "b"])
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(written, newline=""), delimiter=separator):
            for shown in row:
                assert not shown.startswith(("=", "+", "-", "@")), (separator, row)


def test_what_a_semicolon_parts_is_defused_and_comes_back(tmp_path):
    marks = tmp_path / "marks.csv"
    texts = ["x;=1+1", "a;b", "tab\t@SUM(1)", 'one\n"=2', "-1;'-2", "plain"]
    marks.write_text(line(MARK_COLUMNS) + "".join(line([0.0, "mark", t]) for t in texts), "utf-8")
    assert "x;'=1+1" in marks.read_text("utf-8")
    assert "a;b" in marks.read_text("utf-8")
    assert [mark.label for mark in read_marks(marks)] == texts


class TestFindingTheRecording:
    def test_by_name_beside_the_folder(self, folder):
        (folder.parent / "a.mp4").write_bytes(b"1")
        (folder.parent / "a.csv").write_bytes(b"2")
        found = find_recording(folder, None)
        assert (found.path, found.warning) == (folder.parent / "a.mp4", "")

    def test_the_hash_decides_between_two(self, folder):
        (folder.parent / "a.avi").write_bytes(b"1")
        (folder.parent / "a.mp4").write_bytes(b"2")
        found = find_recording(folder, digest(folder.parent / "a.mp4"))
        assert (found.path, found.warning) == (folder.parent / "a.mp4", "")

    def test_another_content_is_told(self, folder):
        (folder.parent / "a.mp4").write_bytes(b"1")
        found = find_recording(folder, "0" * 64)
        assert found.path == folder.parent / "a.mp4"
        assert "not the recording that was analysed" in found.warning

    def test_what_a_session_recorded_comes_first(self, folder):
        (folder.parent / "a.mp4").write_bytes(b"1")
        (folder / "recording.mp4").write_bytes(b"2")
        assert find_recording(folder, None).path == folder / "recording.mp4"

    def test_none_is_told(self, folder):
        found = find_recording(folder, None)
        assert found.path is None
        assert "--video" in found.warning

    def test_what_is_given_must_exist(self, folder):
        with pytest.raises(UsageError, match="does not exist"):
            find_recording(folder, None, folder / "b.mp4")
