"""Tables as spreadsheets write them: what LibreOffice, Excel and Numbers make of one of ours."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.analysis.pipeline import detect
from hfs_vision.errors import TableError
from hfs_vision.evaluation.read_references import read_event_file
from hfs_vision.results import (
    EVENT_COLUMNS,
    EventRecord,
    is_reviewed,
    read_events,
    read_header,
    read_reviewed,
    read_rows,
    read_signals,
    reviewed_line,
    write_events,
    write_reviewed,
)
from tests.synthetic import Recording

TEXTS = ("comment", "reviewer", "history")


@pytest.fixture(scope="module")
def rows() -> list[EventRecord]:
    events = detect(Recording(30).lid(0, 12, 0.4).pull(1, 20, 1.5).measured()).events
    said = [("accepted", "eye, then 1,5 s; shut", "A,B"), ("", "", "")]
    return [
        EventRecord(number, event, *texts)
        for number, (event, texts) in enumerate(zip(events, said, strict=True), start=1)
    ]


def cells_of(rows: list[EventRecord]) -> list[list[str]]:
    text = io.StringIO()
    write_reviewed(text, rows)
    return list(csv.reader(io.StringIO(text.getvalue())))


def as_a_spreadsheet(
    path: Path, cells: list[list[str]], *, separator: str, comma: bool, ending: str, bom: bool
) -> Path:
    """Numbers lose their trailing zeros and get the decimal mark of the country; 0/1 stay."""
    head, *body = cells

    def local(name: str, cell: str) -> str:
        if name in TEXTS or "." not in cell:
            return cell
        short = f"{float(cell):.6f}".rstrip("0").rstrip(".")
        return short.replace(".", ",") if comma else short

    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=ending)
    writer.writerow(head)
    writer.writerows([[local(n, c) for n, c in zip(head, row, strict=True)] for row in body])
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + text.getvalue().encode())
    return path


def without_twitches(rows: list[EventRecord]) -> list[str]:
    return [",".join(reviewed_line(row).split(",")[:20]) for row in rows]


@pytest.mark.parametrize(
    ("separator", "comma"),
    [(",", False), (";", True), (";", False), ("\t", True), ("\t", False)],
)
@pytest.mark.parametrize(("ending", "bom"), [("\r\n", True), ("\n", False)])
def test_corrected_events_load_as_any_spreadsheet_saves_them(
    rows, tmp_path, separator, comma, ending, bom
):
    path = as_a_spreadsheet(
        tmp_path / "r.csv",
        cells_of(rows),
        separator=separator,
        comma=comma,
        ending=ending,
        bom=bom,
    )
    again = read_reviewed(path)
    assert without_twitches(again) == without_twitches(rows)
    assert [(r.comment, r.reviewer) for r in again] == [(r.comment, r.reviewer) for r in rows]
    assert is_reviewed(path)
    assert [m.onset_s for m in read_event_file(path).events] == [
        round(r.event.onset_s, 6) for r in rows
    ]


def test_columns_may_be_moved_added_and_left_empty_and_rows_left_empty(rows, tmp_path):
    cells = cells_of(rows)
    order = sorted(range(len(cells[0])), key=lambda i: cells[0][i])
    table = [["", *(f" {row[i]} " for i in order), "", ""] for row in cells]
    table[0][0], table[1][0] = "mine", "x"
    width = len(table[0])
    table = [table[0], [""] * width, *table[1:], [" "] * width, [""] * (width + 3)]
    path = tmp_path / "r.csv"
    with path.open("w", newline="") as handle:
        csv.writer(handle).writerows(table)
    assert without_twitches(read_reviewed(path)) == without_twitches(rows)


@pytest.mark.parametrize(
    ("cell", "truncated"),
    [("1", True), ("1.0", True), ("TRUE", True), (" true", True), ("0", False), ("FALSE", False)],
)
def test_choices_in_capitals_and_truth_values_are_understood(tmp_path, cell, truncated):
    path = tmp_path / "e.csv"
    path.write_text(
        "onset_s,offset_s,side,region,component,truncated\n"
        f"1,2,Left,EYE+Mouth, Clonic ,{cell}\n3,4,RIGHT,eye,,\n"
    )
    first, second = read_events(path)
    assert (first.side, first.region, first.component) == ("left", "eye+mouth", "clonic")
    assert (first.truncated, second.truncated) == (truncated, False)
    assert (second.side, second.component) == ("right", "tonic")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("onset_s,offset_s,side,region\n1,2,links,eye\n", "row 2: side is 'links'"),
        ("onset_s,offset_s,side,region,truncated\n1,2,left,eye,ja\n", "truncated is 'ja'"),
        ("onset_s;offset_s;side;region\n1.000,5;2000;left;eye\n", r"onset_s is '1\.000,5'"),
        ('onset_s,offset_s,side,region\n"1,5",2,left,eye\n', "onset_s is '1,5'"),
        ("onset_s,offset_s,side,region,side\n1,2,left,eye,left\n", "'side' stands twice"),
        ("onset_s,offset_s,side,region,,\n1,2,left,eye,,,x\n", "row 2: the number of cells"),
        ("onset_s,offset_s,side,region,comment\n1,2,left,eye,\xfc\n", "save it as CSV in UTF-8"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(tmp_path, text, told):
    path = tmp_path / "e.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(TableError, match=told):
        read_events(path)


def test_a_comma_in_a_text_stays_a_comma(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("onset_s;comment;reviewer\n1,5;2,5;3,5\n")
    assert list(read_rows(path, ("onset_s",))) == [
        (2, {"onset_s": "1.5", "comment": "2,5", "reviewer": "3,5"})
    ]


ROW = "onset_s,duration_s,offset_s,side,region,kind,component,confidence\n"


@pytest.mark.parametrize(
    ("row", "told"),
    [("1,9,1.5,left,eye,,,", r"row 2: offset_s is 1.5, but onset_s \+ duration_s is 10"),
     ("1,0.5,1.5,left,eye,mouth_pull,,", "row 2: region is 'eye', but mouth_pull is of mouth"),
     ("1,0.5,1.5,left,eye,jump,,", "row 2: kind is 'jump'"),
     ("1,0.5,1.5,left,eye,,,7", "row 2: confidence is 7"),
     ("1,-1,1.5,left,eye,,,", "row 2: duration_s is -1"),
     (",0.5,1.5,left,eye,,,", "row 2: onset_s is ''")],
)  # fmt: skip
@pytest.mark.parametrize("read", [read_events, read_reviewed, read_event_file])
def test_what_contradicts_itself_is_refused_by_every_reader(tmp_path, read, row, told):
    path = tmp_path / "e.csv"
    path.write_text(ROW + "3,0.5,3.5,left,eye,eyelid_twitch,clonic,0.9\n")
    read(path)
    path.write_text(ROW + f"{row}\n")
    with pytest.raises(TableError, match=told):
        read(path)


def test_the_component_says_which_kind_of_its_region_it_is(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(ROW + "1,0.5,1.5,left,eye,forced_closure,clonic,\n")
    assert [event.kind for event in read_events(path)] == ["eyelid_twitch"]
    path.write_text(ROW + "1,0.5,,left,eye,blink,,\n")
    with pytest.raises(TableError, match="row 2: kind is 'blink'"):
        read_events(path)


def test_names_of_columns_are_read_in_any_case_and_with_blanks(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text(" Onset s ,DURATION_S, Side,Region ,Kind\n1,0.5,left,eye,\n")
    assert [event.onset_s for event in read_events(path)] == [1.0]
    assert len(read_event_file(path).events) == 1
    path.write_text("onset_s,duration_s,Side,SIDE,region\n1,0.5,left,left,eye\n")
    with pytest.raises(TableError, match="'side' stands twice"):
        read_events(path)
    path.write_text("onset_s,duration_s,Side,side,region\n1,0.5,mine,left,eye\n")
    assert [event.side for event in read_events(path)] == ["left"]


def test_labels_and_the_machines_tables_load_too(tmp_path):
    labels = tmp_path / "labels.csv"
    labels.write_text("Onset;duration_s;side;kind\n", encoding="utf-8-sig")
    with pytest.raises(TableError, match="'onset_s' is missing"):
        read_event_file(labels)
    labels.write_text(
        "onset_s;duration_s;side;kind\n1,5;0,25;Left;Wink\n3;0,5;Both;Blink\n",
        encoding="utf-8-sig",
    )
    found = read_event_file(labels)
    assert [(m.onset_s, m.offset_s, m.kind) for m in found.events] == [(1.5, 1.75, "eyelid_twitch")]
    assert [m.kind for m in found.situations] == ["blink"]
    analysis = detect(Recording(20).lid(0, 12, 0.4).measured())
    analysis.save(tmp_path)
    path = tmp_path / "signals.csv"
    plain = read_signals(path)
    path.write_text(path.read_text().replace(",", ";").replace(".", ","))
    np.testing.assert_array_equal(read_signals(path).commissure, plain.commissure)


@given(st.permutations(EVENT_COLUMNS), st.sampled_from(",;\t"))
def test_the_header_is_read_in_any_order_and_form(tmp_path_factory, columns, separator):
    path = tmp_path_factory.mktemp("h") / "e.csv"
    path.write_text(separator.join(columns) + "\r\n", encoding="utf-8-sig")
    assert read_header(path) == list(columns)
    assert read_events(path) == []


def test_the_programs_own_signals_take_the_fast_way(tmp_path, monkeypatch):
    detect(Recording(20).measured()).save(tmp_path)

    def slow(*_: object, **__: object) -> None:
        raise AssertionError("read cell by cell")

    monkeypatch.setattr("hfs_vision.results.read_tables.read_rows", slow)
    assert len(read_signals(tmp_path / "signals.csv")) == 600


def test_events_written_again_after_a_spreadsheet_are_the_programs_own_form(rows, tmp_path):
    path = as_a_spreadsheet(
        tmp_path / "r.csv", cells_of(rows), separator=";", comma=True, ending="\r\n", bom=True
    )
    text = io.StringIO()
    write_events(text, [row.event for row in read_reviewed(path)])
    assert tuple(text.getvalue().splitlines()[0].split(",")) == EVENT_COLUMNS
    assert ";" not in text.getvalue()
