"""Small tables that claim much: no work is sized by what they claim."""

from pathlib import Path

import numpy as np
import pytest

from hfs_vision.errors import TableError
from hfs_vision.evaluation.kappa import measured_seconds
from hfs_vision.report import write_report
from hfs_vision.report.rates import BIN_LENGTHS_S, MOST_BINS
from hfs_vision.report.timeline import MOST_ROWS, ROW_LENGTHS_S, fitting, rows_of
from hfs_vision.results import read_folder, read_signals
from hfs_vision.results.read_tables import MOST_COLUMNS
from hfs_vision.web.session import ReviewSession
from hfs_vision.web.traces import decimated
from tests.diary_support import result_folder

FAR_S = 9e11


@pytest.fixture
def folder(tmp_path) -> Path:
    return result_folder(tmp_path / "a.results")


def last_row_at(folder, time_s):
    path = folder / "signals.csv"
    *rows, last = path.read_text().splitlines()
    cells = [f"{time_s:.6f}", *last.split(",")[1:]]
    path.write_text("\n".join([*rows, ",".join(cells)]) + "\n")


def test_a_row_far_beyond_what_the_summary_says_is_refused(folder):
    last_row_at(folder, 1e7)
    with pytest.raises(TableError, match=r"signals\.csv, row 901: time_s is 1e\+07 s, but the"):
        read_folder(folder)


def test_a_report_does_not_grow_with_the_time_that_a_row_claims(folder):
    (folder / "summary.json").unlink()
    write_report(folder)
    usual = (folder / "report.html").stat().st_size
    last_row_at(folder, FAR_S)
    write_report(folder)
    assert (folder / "report.html").stat().st_size < 4 * usual


def test_a_review_does_not_either(folder):
    (folder / "summary.json").unlink()
    last_row_at(folder, FAR_S)
    found = read_folder(folder)
    with ReviewSession(found, video=None, file=None, reviewer="R", report=False) as session:
        facts = session.facts()
        assert len(facts["gaps"]) < 10
        shown = decimated(found.signals, facts["start_s"], facts["end_s"], 1200)
        assert len(shown) <= 1200


@pytest.mark.parametrize("end_s", [1.0, 3600.0, 14400.0 * 12, 14400.0 * 12 + 1, 1e7, FAR_S])
def test_rows_and_bins_are_few_whatever_the_length(end_s):
    rows = rows_of(0.0, end_s)
    assert len(rows) <= MOST_ROWS
    assert rows[-1][1] >= end_s
    assert end_s / fitting(BIN_LENGTHS_S, end_s, MOST_BINS) <= MOST_BINS


def test_a_length_that_fits_is_the_shortest_of_those_that_do():
    assert fitting(ROW_LENGTHS_S, 700.0, 12) == 60.0
    assert fitting(ROW_LENGTHS_S, 721.0, 12) == 120.0
    assert fitting((1.0, 2.0), 100.0, 10) == 10.0


@pytest.mark.parametrize("name", ["signals.csv", "events.csv", "marks.csv"])
def test_a_table_of_very_many_columns_is_refused(folder, name):
    path = folder / name
    if name == "marks.csv":
        path.write_text("time_s,kind,label\n1,mark,\n")
    head, *rows = path.read_text().splitlines()
    more = ",".join(f"more{i}" for i in range(100_000))
    path.write_text("\n".join([f"{head},{more}", *rows]) + "\n")
    with pytest.raises(TableError, match=rf"{name}, row 1: .* at most"):
        read_folder(folder)


def test_columns_of_others_are_taken(folder):
    path = folder / "signals.csv"
    head, *rows = path.read_text().splitlines()
    more = MOST_COLUMNS - head.count(",") - 1
    names = "".join(f",more{i}" for i in range(more))
    path.write_text("\n".join([head + names, *(row + "," * more for row in rows[:50])]) + "\n")
    assert len(read_signals(path)) == 50


def test_seconds_that_were_measured_are_as_many_as_there_are_rows_for():
    time_s = np.array([0.0, 0.4, 1.0, 1e11])
    row_end = np.array([0.4, 0.8, 1.3, 1e11 + 1])
    found = measured_seconds(time_s, row_end, np.ones(4, bool))
    assert found.tolist() == [0.0, 1e11]


def test_corrections_of_endless_recordings_are_refused(tmp_path):
    from hfs_vision.cli import cli

    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(
            "onset_s,offset_s,side,region,verdict\n1,2,left,eye,\n1e11,1.1e11,left,eye,\n"
        )
    with pytest.raises(TableError, match="would last"):
        cli(["evaluate", *(str(tmp_path / f"{n}.csv") for n in "ab")], standalone_mode=False)
