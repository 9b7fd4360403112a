"""Times beyond the recording are refused wherever a table of a result is read."""

import json
import math
import shutil
from pathlib import Path

import pytest

from hfs_vision.cli import cli
from hfs_vision.cohort.raters import read_raters
from hfs_vision.diary.importing import find_inputs
from hfs_vision.errors import TableError
from hfs_vision.results import RecordingSpan, read_events, read_folder, read_marks, read_segments
from hfs_vision.review import Review
from tests.diary_support import result_folder

MARKS = "time_s,kind,label\n0,segment,rest\n16,mark,\n29,camera_lost,\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "a.results"
    result_folder(folder, segments=[(0.0, "rest"), (14.0, "reading")])
    (folder / "marks.csv").write_text(MARKS)
    shutil.copy(folder / "events.csv", folder / "events.reviewed.csv")
    return folder


@pytest.fixture
def folder(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "a.results"))


def changed(path, column, change):
    """Changes the cells of a column of a table."""
    header, *rows = [row.split(",") for row in path.read_text().splitlines()]
    at = header.index(column)
    for row in rows:
        row[at] = change(row[at])
    path.write_text("".join(",".join(row) + "\n" for row in (header, *rows)))


def thousandfold(cell):
    return f"{1000 * float(cell):.0f}"


@pytest.mark.parametrize(
    "name", ["events.csv", "events.reviewed.csv", "twitches.csv", "marks.csv", "signals.csv"]
)
def test_milliseconds_are_told_as_what_they_may_be(folder, name):
    column = "time_s" if name in ("marks.csv", "signals.csv") else "onset_s"
    changed(folder / name, column, thousandfold)
    if name.startswith("events"):
        changed(folder / name, "offset_s", thousandfold)
    with pytest.raises(TableError) as told:
        read_folder(folder)
    message = str(told.value)
    assert f"{name}, row " in message
    assert "but the recording runs from 0 to 30 s" in message
    assert name == "marks.csv" or "it may be in milliseconds" in message


def test_every_reader_of_corrections_refuses_them(folder, tmp_path):
    for column in ("onset_s", "duration_s", "offset_s", "peak_s"):
        changed(folder / "events.reviewed.csv", column, thousandfold)
    told = r"events\.reviewed\.csv, row 2: onset_s is 12\d{3}.* runs from 0 to 30 s: .*millisec"
    (given,) = find_inputs(folder)
    for read in (
        lambda: read_folder(folder),
        lambda: given.read(tmp_path),
        lambda: read_raters([str(folder)]),
        lambda: cli(["report", str(folder)], standalone_mode=False),
        lambda: cli(["export", str(folder), "--to", "mne"], standalone_mode=False),
    ):
        with pytest.raises(TableError, match=told):
            read()
    second = folder / "second.csv"
    (folder / "events.reviewed.csv").rename(second)
    with pytest.raises(TableError, match=r"second\.csv, row 2: onset_s"):
        Review.open(read_folder(folder), file=second, reviewer="B")


def test_segments_in_milliseconds_are_not_added_to_a_diary(folder, tmp_path):
    changed(folder / "segments.csv", "start_s", thousandfold)
    (given,) = find_inputs(folder)
    with pytest.raises(TableError, match=r"segments\.csv, row \d+: start_s is 14000"):
        given.read(tmp_path)


def test_segments_of_detect_lie_within_the_signals(folder):
    changed(folder / "marks.csv", "time_s", lambda cell: "15000" if cell == "0" else cell)
    (folder / "summary.json").unlink()
    with pytest.raises(TableError, match=r"marks\.csv, row 2: time_s is 15000"):
        cli(["detect", str(folder / "signals.csv")], standalone_mode=False)


def test_where_signals_and_summary_are_missing_nothing_is_known(folder):
    changed(folder / "events.csv", "onset_s", lambda cell: "1e6")
    changed(folder / "events.csv", "offset_s", lambda cell: "1e6")
    changed(folder / "events.csv", "duration_s", lambda cell: "1")
    for name in ("signals.csv", "summary.json", "twitches.csv", "events.reviewed.csv"):
        (folder / name).unlink()
    with pytest.raises(TableError, match="duration must be positive"):
        read_folder(folder)
    changed(folder / "events.csv", "offset_s", lambda cell: "")
    changed(folder / "events.csv", "peak_s", lambda cell: "")
    assert {event.onset_s for event in read_folder(folder).machine_events} == {1e6}


@pytest.mark.parametrize(
    ("missing", "end_s", "refused"),
    [("signals.csv", 30.09, False), ("signals.csv", 30.2, True), ("summary.json", 30.2, False),
     ("summary.json", 31.0, True), ("", 30.09, False), ("", 30.2, True)],
)  # fmt: skip
def test_the_length_of_the_last_frame_is_granted(folder, missing, end_s, refused):
    if missing:
        (folder / missing).unlink()
    (folder / "events.reviewed.csv").write_text(
        f"onset_s,offset_s,side,region\n29,{end_s},left,eye\n"
    )
    if refused:
        with pytest.raises(TableError, match=r"row 2: the end of the event"):
            read_folder(folder)
    else:
        assert read_folder(folder).events[0].offset_s == end_s


def test_a_session_that_was_killed_may_be_longer_than_its_last_summary(folder):
    path = folder / "summary.json"
    short = {**json.loads(path.read_text()), "end_s": 20.0}
    path.write_text(json.dumps({**short, "partial": True}))
    assert read_folder(folder).recorded == RecordingSpan(0.0, pytest.approx(29.966667), 1.0)
    changed(folder / "signals.csv", "time_s", lambda cell: f"{200 * float(cell):.6f}")
    assert read_folder(folder).recorded.end_s > 5000
    path.write_text(json.dumps(short))
    with pytest.raises(TableError, match=r"signals\.csv, row \d+: time_s is 36\d\d.* 0 to 20 s"):
        read_folder(folder)


def test_marks_may_follow_the_last_frame_of_a_camera_that_was_lost(folder):
    marks = folder / "marks.csv"
    marks.write_text(MARKS + "600,camera_back,\n")
    assert read_marks(marks, read_folder(folder).recorded)[-1].time_s == 600
    marks.write_text(MARKS + "600,segment,rest\n")
    with pytest.raises(TableError, match=r"marks\.csv, row 5: time_s is 600"):
        read_folder(folder)


@pytest.mark.parametrize("cell", ["", " ", "soon"])
def test_a_mark_without_a_time_is_refused(folder, cell):
    marks = folder / "marks.csv"
    for kind in ("segment", "mark"):
        marks.write_text(f"time_s,kind,label\n{cell},{kind},x\n")
        for read in (lambda: read_folder(folder), lambda: read_marks(marks)):
            with pytest.raises(TableError, match=r"marks\.csv, row 2: time_s is "):
                read()
    marks.write_text(f"time_s,kind,label\n{cell},segment,x\n")
    with pytest.raises(TableError, match=r"marks\.csv, row 2: time_s is "):
        read_segments(marks)


def test_a_peak_lies_in_its_event(folder):
    events = folder / "events.csv"
    changed(events, "peak_s", lambda cell: "3")
    with pytest.raises(TableError, match=r"row 2: peak_s is 3 s, but the movement runs from 12"):
        read_events(events)
    changed(events, "peak_s", thousandfold)
    with pytest.raises(TableError, match=r"row 2: peak_s is 3000 s, but the recording runs"):
        read_folder(folder)


def test_the_peak_of_a_row_that_was_copied_to_add_another_is_not_known(folder):
    header = "onset_s,offset_s,side,region,peak_s,verdict\n"
    (folder / "events.reviewed.csv").write_text(f"{header}20,21,left,eye,3,added\n")
    assert math.isnan(read_folder(folder).reviewed[0].event.peak_s)
    (folder / "events.reviewed.csv").write_text(f"{header}20,21,left,eye,3,accepted\n")
    with pytest.raises(TableError, match="row 2: peak_s is 3 s"):
        read_folder(folder)


@pytest.mark.parametrize(("name", "cell"), [("confidence", "87"), ("valid_fraction", "-0.5")])
def test_a_share_is_from_0_to_1(folder, name, cell):
    changed(folder / "events.csv", name, lambda _: cell)
    with pytest.raises(TableError, match=rf"row 2: {name} is {cell}; write a share from 0 to 1"):
        read_folder(folder)


def test_events_that_a_person_adds_within_the_recording_are_taken(folder):
    rows = "onset_s,duration_s,side,region\n0,0.5,left,eye\n5,1,right,mouth\n5.5,24.5,right,eye\n"
    (folder / "events.reviewed.csv").write_text(rows)
    assert len(read_folder(folder).events) == 3
