"""What a person entered in the table of a batch outlives the next batch."""

from __future__ import annotations

import csv
import io

import pytest

from hfs_vision.batch.cohort import measured, write_record
from hfs_vision.batch.user_columns import Entered, merged, read_entered
from hfs_vision.errors import TableError, UsageError
from hfs_vision.results import read_rows
from tests.export_support import analysis

COLUMNS = ("name", "result", "sha256", "status", "valid_s", "count", "settings_sha256")
COLUMNS += ("model_sha256", "hfs_vision")


def row(name: str, sha256: str, **cells: str) -> dict[str, str]:
    known = {"result": f"{name}.results", "status": "done", "valid_s": "29.966667", "count": "3"}
    known |= {"settings_sha256": "s", "model_sha256": "m", "hfs_vision": "1.10.0"}
    return {n: {"name": name, "sha256": sha256, **known, **cells}.get(n, "") for n in COLUMNS}


ROWS = [row("ann", "aa11"), row("bob", "bb22")]


def saved(path, rows, separator=",", columns=None, start=""):
    text = io.StringIO()
    table = csv.DictWriter(text, columns or list(rows[0]), delimiter=separator, restval="")
    table.writeheader()
    table.writerows(rows)
    path.write_text(start + text.getvalue(), encoding="utf-8")
    return path


def again(path, rows=ROWS):
    text, notes = merged(COLUMNS, rows, read_entered(path, COLUMNS))
    return list(csv.DictReader(io.StringIO(text))), notes


def test_nothing_entered_is_nothing_added(tmp_path):
    text, notes = merged(COLUMNS, ROWS, Entered())
    (tmp_path / "c.csv").write_text(text)
    assert merged(COLUMNS, ROWS, read_entered(tmp_path / "c.csv", COLUMNS)) == (text, notes)
    assert notes == []
    assert read_entered(tmp_path / "none.csv", COLUMNS) == Entered()
    (tmp_path / "empty.csv").write_text("\n")
    assert read_entered(tmp_path / "empty.csv", COLUMNS) == Entered()


def test_columns_stay_with_their_recordings_through_a_european_spreadsheet(tmp_path):
    rows = [{**r, "date": d, "note": "ruhig; müde"} for r, d in zip(ROWS, "12", strict=True)]
    rows[0]["valid_s"] = "29,97"  # as it is shown
    columns = ["date", *reversed(COLUMNS), "note"]
    path = saved(tmp_path / "c.csv", rows[::-1], ";", columns, "\ufeff")
    found, notes = again(path)
    assert [(r["name"], r["date"], r["note"]) for r in found] == [
        ("ann", "1", "ruhig; müde"),
        ("bob", "2", "ruhig; müde"),
    ]
    assert found[0]["valid_s"] == "29.966667"
    assert notes == []


def test_a_renamed_recording_is_known_by_its_content(tmp_path):
    path = saved(tmp_path / "c.csv", [{**r, "date": r["name"]} for r in ROWS])
    found, notes = again(path, [row("visit", "bb22"), row("ann", "aa11")])
    assert [r["date"] for r in found] == ["bob", "ann"]
    assert notes == []


def test_another_content_under_the_name_keeps_the_cells_and_tells_it(tmp_path):
    path = saved(tmp_path / "c.csv", [{**ROWS[0], "date": "2026-03-01"}])
    found, notes = again(path, [row("ann", "cc33")])
    assert found[0]["date"] == "2026-03-01"
    assert len(notes) == 1
    assert "not the recording any more of which date '2026-03-01' was entered" in notes[0]
    assert again(saved(path, found), [row("ann", "cc33")])[1] == []


def test_rows_of_a_person_stay_and_are_joined_once_there_is_a_result(tmp_path):
    rows = [*ROWS, {"name": "eve.mp4", "date": "3"}, {"name": "mean", "count": "2.5"}]
    path = saved(tmp_path / "c.csv", rows, columns=[*COLUMNS, "date"])
    found, notes = again(path)
    assert [(r["name"], r["date"], r["count"]) for r in found[2:]] == [
        ("eve.mp4", "3", ""),
        ("mean", "", "2.5"),
    ]
    assert notes == []
    found, _ = again(path, [*ROWS, row("Eve", "ee55")])
    assert [(r["name"], r["date"]) for r in found] == [
        ("ann", ""),
        ("bob", ""),
        ("Eve", "3"),
        ("mean", ""),
    ]


def test_a_row_whose_result_is_gone_stays_only_for_what_was_entered(tmp_path):
    path = saved(tmp_path / "c.csv", [{**ROWS[0], "date": "1"}, {**ROWS[1], "date": ""}])
    found, notes = again(path, [])
    assert [r["name"] for r in found] == ["ann"]
    assert "ann has no result any more" in notes[0]


def test_our_values_stand_again_where_a_person_changed_them_and_that_is_told(tmp_path):
    path = saved(tmp_path / "c.csv", [{**ROWS[0], "count": "4"}])
    found, notes = again(path)
    assert found[0]["count"] == "3"
    assert "count of ann was '4' in the table and is '3' again" in notes[0]
    # Of other settings or another version it is no change by a person.
    assert again(path, [row("ann", "aa11", hfs_vision="1.11.0")])[1] == []


def test_two_rows_of_one_recording_are_joined_and_a_difference_is_told(tmp_path):
    rows = [{**ROWS[0], "date": "1", "note": ""}, {**ROWS[0], "date": "2", "note": "x"}]
    found, notes = again(saved(tmp_path / "c.csv", rows), ROWS[:1])
    assert [(r["date"], r["note"]) for r in found] == [("1", "x")]
    assert "two rows of ann say '1' and '2' in date: the first stays" in notes[0]


def test_notes_beside_the_table_have_no_column_name_and_stay(tmp_path):
    text, _ = merged(COLUMNS, ROWS, Entered())
    first, second, third = text.splitlines()
    (tmp_path / "c.csv").write_text(f"{first},,\n{second},,look again\n{third},,\n")
    text, _ = merged(COLUMNS, ROWS, read_entered(tmp_path / "c.csv", COLUMNS))
    assert text.splitlines() == [f"{first},", f"{second},look again", f"{third},"]


def test_cells_of_a_person_stay_to_the_last_byte(tmp_path):
    own = ["-2.5", "+3", "=1+1", "'=1+1", "@x", " blank ", "1,5", 'a "b"', "; =2", "''-x"]
    columns = [*COLUMNS, *(f"-own {i}" for i in range(len(own)))]
    rows = [{**ROWS[0], **dict(zip(columns[len(COLUMNS) :], own, strict=True))}]
    for separator in ",;\t":
        path = saved(tmp_path / "c.csv", rows, separator, columns)
        for _ in range(3):
            path.write_text(merged(COLUMNS, ROWS, read_entered(path, COLUMNS))[0])
        header, first, _ = csv.reader(io.StringIO(path.read_text()))
        assert header == columns
        assert first == [*ROWS[0].values(), *own]


def test_a_name_that_a_spreadsheet_takes_for_a_formula_is_guarded_once(tmp_path):
    rows = [row(name, name) for name in ("-x", "=y", "'-z", "@a")]
    path = tmp_path / "c.csv"
    for _ in range(2):
        text, notes = merged(COLUMNS, rows, read_entered(path, COLUMNS))
        path.write_text(text)
        assert notes == []
        names = [r["name"] for r in csv.DictReader(io.StringIO(text))]
        assert names == ["'-x", "'=y", "''-z", "'@a"]
    assert [cells["name"] for _, cells in read_rows(path, ("name",))] == [r["name"] for r in rows]


def test_our_columns_are_known_in_any_case(tmp_path):
    path = saved(tmp_path / "c.csv", [{**ROWS[0], "Date": "1"}])
    path.write_text(path.read_text().replace("name,", " Name ,").replace("sha256,", "SHA256,", 1))
    found, notes = again(path, ROWS[:1])
    assert (found[0]["name"], found[0]["Date"], notes) == ("ann", "1", [])


def test_what_is_not_ours_or_cannot_be_read_is_refused(tmp_path):
    path = tmp_path / "cohort.csv"
    path.write_text("patient,date\nann,2026-03-01\n")
    with pytest.raises(UsageError, match=r"is no table of a batch.*--force"):
        read_entered(path, COLUMNS)
    path.write_bytes(b"name,sha256,status,note\nann,aa11,done,m\xfcde\n")
    with pytest.raises(TableError, match=r"what was entered in it would be lost.*UTF-8"):
        read_entered(path, COLUMNS)


def test_a_table_of_events_that_was_edited_is_set_aside_and_an_untouched_one_replaced(tmp_path):
    made = analysis()
    texts = {"identity": "i", "name": "a", "result": "a.results", "sha256": "s", "reason": "r"}
    kept = {**texts, **measured(made), "hfs_vision": "1"}
    assert write_record(tmp_path, {**kept, "status": "done"}, made) is None
    assert write_record(tmp_path, {**kept, "status": "done"}, made) is None
    events = tmp_path / "events.csv"
    edited = events.read_text().replace(",left,", ",Left,")
    events.write_text(edited)
    aside = write_record(tmp_path, {**kept, "status": "done"}, made)
    assert aside is not None
    assert (tmp_path / aside).read_text() == edited
    events.write_text(edited)
    aside = write_record(tmp_path, {**kept, "status": "failed"}, None)
    assert aside is not None
    assert (tmp_path / aside).read_text() == edited
    assert not events.exists()
