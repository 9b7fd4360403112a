"""The growing files of a session: what is there whenever it ends, and where the disk refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfs_vision.analysis.pipeline import detect
from hfs_vision.core.detector import Detector
from hfs_vision.errors import OutputError, TableError, UsageError
from hfs_vision.live.log import GROWING_FILES, SessionLog
from hfs_vision.results import (
    read_events,
    read_rows,
    read_segments,
    read_signals,
    write_events,
    write_json,
)
from tests.cli.support import posix_only
from tests.footage_support import annotated
from tests.paths import ROOT
from tests.synthetic import Recording

LEFT, RIGHT = 0, 1


def spasms(without_face_s: float = 0.0) -> Recording:
    recording = Recording(40).jitter(3).lid(LEFT, 4, 0.4).lid(RIGHT, 14, 0.3).pull(RIGHT, 20, 1.5)
    recording.lid(LEFT, 26, 0.4).lid(LEFT, 26.6, 0.3).pull(LEFT, 33, 0.4)
    return recording.without_face(0, without_face_s) if without_face_s else recording


def fed(folder: Path, measured, upto: int, every: int = 1) -> tuple[SessionLog, list]:
    """A log that took the first rows of a recording, and the events told until then."""
    log, detector, told = SessionLog(folder), Detector(), []
    for first in range(0, upto, every):
        piece = measured[first : min(first + every, upto)]
        found = detector.update(piece)
        log.add(piece, found)
        told += found.events
    return log, told


def test_what_was_made_of_an_earlier_session_makes_way(tmp_path):
    (tmp_path / "events.reviewed.csv").write_text("events.reviewed.csv")
    annotated(tmp_path / "annotated.mp4")
    log, _ = fed(tmp_path, spasms().measured(), 1)
    log.close({})
    assert log.set_aside is not None
    assert (tmp_path / log.set_aside).read_text() == "events.reviewed.csv"
    assert {path.name for path in tmp_path.iterdir()} == {log.set_aside, *GROWING_FILES}


def spans(events):
    return [(e.onset_s, e.offset_s, e.side, e.kind) for e in events]


@settings(max_examples=30, deadline=None)
@given(upto=st.integers(1, 1200), every=st.integers(1, 40), without_face_s=st.sampled_from([0, 6]))
def test_whenever_a_session_ends_its_files_hold_what_was_known(
    tmp_path_factory, upto, every, without_face_s
):
    folder = tmp_path_factory.mktemp("session")
    measured = spasms(without_face_s).measured()
    _, told = fed(folder, measured, upto, every)  # never closed, as if it was killed

    rows = read_signals(folder / "signals.csv")
    assert measured.time_s[upto - 1] - (rows.time_s[-1] if len(rows) else 0) <= 1.0
    np.testing.assert_array_equal(rows.time_s, measured.time_s[: len(rows)])
    np.testing.assert_array_equal(rows.aperture, measured.aperture[: len(rows)])
    assert spans(read_events(folder / "events.csv")) == spans(told)
    again = spans(detect(rows).events)
    assert [event for event in spans(told) if event not in again] == []
    twitches = [
        int(record["event"])
        for _, record in read_rows(folder / "twitches.csv", ["event", "onset_s"])
    ]
    assert twitches == [i for i, e in enumerate(told, 1) for _ in e.twitches]


def test_what_was_known_by_halves_while_rest_was_learned_is_completed(tmp_path):
    measured = spasms().measured()
    path = tmp_path / "signals.csv"
    fed(tmp_path, measured, 280)
    halves = path.read_text().splitlines()
    assert len(halves) == 281
    assert halves[1].endswith(",,,,,,,,")
    fed(tmp_path, measured, 600)
    complete = path.read_text().splitlines()
    assert not any(row.endswith(",") for row in complete)
    assert [row.split(",")[0] for row in complete[1:281]] == [r.split(",")[0] for r in halves[1:]]


def test_the_finished_files_are_those_of_an_analysis(tmp_path):
    measured = spasms().measured()
    whole = detect(measured)
    whole.save(tmp_path / "file")
    log, detector = SessionLog(tmp_path / "live"), Detector()
    for row in range(len(measured)):
        log.add(measured[row : row + 1], detector.update(measured[row : row + 1]))
    log.add(measured[0:0], detector.finish())
    log.close({"summary.json": partial(write_json, values={})})
    for name in ("signals.csv", "events.csv", "twitches.csv"):
        assert (tmp_path / "live" / name).read_text() == (tmp_path / "file" / name).read_text()


def test_a_row_that_was_cut_by_the_kill_is_left_out(tmp_path):
    fed(tmp_path, spasms().measured(), 700)
    for name in ("signals.csv", "events.csv"):
        path = tmp_path / name
        text = path.read_text()
        path.write_text(text + text.splitlines()[-1][:20])
    assert len(read_signals(tmp_path / "signals.csv")) == len(text_rows(tmp_path / "signals.csv"))
    assert len(read_events(tmp_path / "events.csv")) == len(text_rows(tmp_path / "events.csv"))


def test_only_a_log_of_our_own_may_end_in_a_cut_row(tmp_path):
    edited = tmp_path / "events.csv"
    edited.write_text("onset_s,side,region,duration_s\n1.0,left,eye,0.5\n2.0,left")
    with pytest.raises(TableError, match="number of cells"):
        read_events(edited)


def text_rows(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:-1]


def test_marks_name_segments(tmp_path):
    log = SessionLog(tmp_path)
    log.mark(0.0, "segment", "rest")
    log.mark(3.5, "mark")
    log.mark(9.25, "segment", 'reading, "aloud"')
    marks = tmp_path / "marks.csv"
    assert read_segments(marks) == [("rest", 0.0), ('reading, "aloud"', 9.25)]
    assert "3.500000,mark,\n" in marks.read_text()


def test_the_folder_and_its_files_are_private(tmp_path):
    SessionLog(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
    for name in GROWING_FILES:
        assert (tmp_path / "new" / name).stat().st_mode & 0o077 == 0


@posix_only
def test_a_folder_that_is_removed_is_told_and_no_event_is_lost(tmp_path):
    measured = spasms().measured()
    log, told = fed(tmp_path / "out", measured, 900)
    shutil.rmtree(tmp_path / "out")
    log.settle()
    assert log.error == "signals.csv was removed while the session ran"
    with pytest.raises(OutputError, match=r"is incomplete: signals\.csv was removed"):
        log.close({"events.csv": partial(write_events, events=told)})
    assert spans(read_events(tmp_path / "out" / "events.csv")) == spans(told)


@posix_only
@pytest.mark.parametrize("upto", [150, 900])
def test_a_log_that_another_program_replaces_goes_on_beside_it_whole(tmp_path, upto):
    measured, said = spasms().measured(), []
    log, detector = SessionLog(tmp_path, notice=said.append), Detector()
    told = []
    for row in range(len(measured)):
        found = detector.update(measured[row : row + 1])
        told += found.events
        log.add(measured[row : row + 1], found)
        if row == upto:
            for name in ("signals.csv", "events.csv"):
                (tmp_path / "theirs").write_text("theirs")
                (tmp_path / "theirs").replace(tmp_path / name)
        if row % 30 == 0:
            log.settle()
    found = detector.finish()
    log.add(measured[0:0], found)
    told += found.events
    with pytest.raises(OutputError, match=r"was replaced by another program while the session ran"):
        log.close({"events.csv": partial(write_events, events=told)})
    for name in ("signals.csv", "events.csv"):
        assert (tmp_path / name).read_text() == "theirs"
    rows = read_signals(tmp_path / "signals.continued-2.csv")
    np.testing.assert_array_equal(rows.time_s, measured.time_s)
    np.testing.assert_array_equal(rows.aperture, measured.aperture)
    assert spans(read_events(tmp_path / "events.continued-2.csv")) == spans(told)
    assert len(said) == 2
    assert all(name in "".join(said) for name in ("signals.continued-2.csv", "events.continued-2"))


@posix_only
def test_a_log_that_is_removed_is_made_anew_with_all_its_rows(tmp_path):
    measured = spasms().measured()
    log, _ = fed(tmp_path, measured, 900)
    (tmp_path / "signals.csv").unlink()
    log.settle()
    assert log.error is None
    with pytest.raises(OutputError, match=r"signals\.csv was removed while the session ran"):
        log.close({})
    assert len(read_signals(tmp_path / "signals.csv")) == 900


@posix_only
def test_nothing_is_written_through_links(tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text("a,b\n1,2\n")
    out = tmp_path / "out"
    out.mkdir()
    (out / "marks.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(UsageError, match=r"marks\.csv is there and was not written by"):
        SessionLog(out)
    (out / "signals.csv").symlink_to(mine)
    (out / "events.csv").hardlink_to(mine)
    log = SessionLog(out, force=True)
    log.mark(1.0, "mark")
    log.close({})
    assert mine.read_text() == "a,b\n1,2\n"
    assert not (tmp_path / "nowhere.csv").exists()
    assert {path.name for path in out.iterdir()} == set(GROWING_FILES)
    assert not any(path.is_symlink() for path in out.iterdir())


def test_an_earlier_result_goes_in_one_step_with_all_that_speaks_of_it(tmp_path):
    detect(spasms().measured(), segments=[("rest", 0.0)]).save(tmp_path)
    log, _ = fed(tmp_path, spasms().measured(), 1)
    log.close({})
    assert {path.name for path in tmp_path.iterdir()} == set(GROWING_FILES)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--out"):
        SessionLog(tmp_path / "file" / "below")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from hfs_vision.core.detector import Detector
from hfs_vision.errors import OutputError, TableError, UsageError
from hfs_vision.live.log import SessionLog
from tests.live.test_log import spasms

measured = spasms().measured()
folder, log, detector = Path(sys.argv[1]), SessionLog(Path(sys.argv[1])), Detector()
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
for row in range(len(measured)):
    if row == 500:  # from here on no file may grow
        limit = (folder / "signals.csv").stat().st_size + 70
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    if row == int(sys.argv[2]):
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    log.add(measured[row : row + 1], detector.update(measured[row : row + 1]))
    if row % 30 == 0:
        log.settle()
        log.settle()
        print(row, log.error, flush=True)
log.add(measured[0:0], detector.finish())
try:
    log.close({})
except OutputError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def run_on_full_disk(folder: Path, freed_at: int) -> subprocess.CompletedProcess[str]:
    """A session that may write no more from row 500 on, until the row ``freed_at``."""
    return subprocess.run(
        [sys.executable, "-c", FULL_DISK, folder, str(freed_at)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@posix_only
def test_a_full_disk_is_told_and_nothing_is_lost_once_it_is_freed(tmp_path):
    done = run_on_full_disk(tmp_path, freed_at=900)
    assert done.returncode == 0, done.stderr
    states = dict(row.split(" ", 1) for row in done.stdout.splitlines())
    assert states["480"] == "None"
    assert "large" in states["840"]
    assert states["1170"] == "None"
    measured = spasms().measured()
    np.testing.assert_array_equal(read_signals(tmp_path / "signals.csv").time_s, measured.time_s)
    assert spans(read_events(tmp_path / "events.csv")) == spans(
        sorted(detect(measured).events, key=lambda e: e.offset_s)
    )


@posix_only
def test_a_disk_that_stays_full_fails_at_the_end_and_keeps_what_was_there(tmp_path):
    done = run_on_full_disk(tmp_path, freed_at=10**6)
    assert done.returncode == 1, done.stderr
    assert "is incomplete" in done.stdout
    rows = read_signals(tmp_path / "signals.csv")
    assert 450 <= len(rows) <= 500
    assert os.access(tmp_path / "signals.csv", os.R_OK)
    assert detect(rows).summary.valid_s > 14
