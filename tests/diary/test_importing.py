"""What a diary takes from result folders and from the table of a batch."""

import csv
import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.batch import COHORT_COLUMNS
from hfs_vision.batch.cohort import _text, measured
from hfs_vision.batch.user_columns import merged, read_entered
from hfs_vision.core.messages import stored_messages
from hfs_vision.core.settings import Settings, settings_sha256
from hfs_vision.diary import WHOLE, open_diary
from hfs_vision.diary.adding import UserFields, add_session
from hfs_vision.diary.dates import open_zone
from hfs_vision.diary.importing import find_inputs, tables_sha256
from hfs_vision.diary.recomputing import recomputed
from hfs_vision.diary.records import KEYS
from hfs_vision.errors import TableError, UsageError
from hfs_vision.results import (
    REVIEWED_FILE,
    EventRecord,
    line,
    read_events,
    read_folder,
    read_signals,
    write_reviewed,
)
from tests.diary_support import (
    LEFT_TWITCH,
    RIGHT_PULL,
    comparable,
    new_diary,
    result_folder,
    without_times,
)

VIENNA = open_zone("Europe/Vienna")
SEGMENTS = ((0.0, "rest"), (14.0, "reading"), (18.0, "rest"))


@pytest.fixture
def store(tmp_path):
    with open_diary(new_diary(tmp_path / "ann.diary")) as opened:
        yield opened


def add(store, path, **said):
    """Adds one result; gives what became of it, and the session as the diary has it."""
    (given,) = find_inputs(path)
    added = add_session(store, given, UserFields(**said), VIENNA)
    return added, store.session(added.number)


def review(folder, *, rejected=(), added=()):
    """A person's corrections: rows of events that are none, and onsets of left twitches."""
    events = read_events(folder / "events.csv")
    rows = [
        EventRecord(i, event, "rejected" if i in rejected else "accepted")
        for i, event in enumerate(events, start=1)
    ]
    for number, onset_s in enumerate(added, start=len(rows) + 1):
        missed = replace(events[0], onset_s=onset_s, offset_s=onset_s + 0.5)
        rows.append(EventRecord(number, missed, "added"))
    with (folder / REVIEWED_FILE).open("w", encoding="utf-8", newline="") as handle:
        write_reviewed(handle, rows)


class TestFolder:
    def test_all_of_it_is_told(self, store, tmp_path):
        folder = result_folder(tmp_path / "visit.results")
        summary = json.loads((folder / "summary.json").read_text())
        added, session = add(store, folder)
        assert added.state == "added"
        assert session.started_utc == datetime(2026, 3, 1, 8, 30, tzinfo=timezone.utc)
        assert (session.sha256, session.model_sha256) == ("c" * 64, "d" * 64)
        assert (session.result, session.device) == ("visit.results", "file")
        assert (session.width, session.height, session.landmarker) == (640, 480, "facemesh")
        assert session.settings_sha256 == settings_sha256(Settings().as_dict())
        assert session.result_sha256 == tables_sha256(folder)
        assert (session.partial, session.reviewed) == (False, False)
        for name in ("fps", "face_px", "duration_s"):
            assert getattr(session, name) == pytest.approx(summary[name])
        assert stored_messages(session.warnings) == summary["warnings"]
        (whole,) = session.segments
        assert (whole.label, whole.valid_s) == (WHOLE, pytest.approx(summary["valid_s"]))
        counts = {(c["side"], c["kind"]): c for c in summary["counts"]}
        assert whole.counts == {key: counts[key]["count"] for key in KEYS}
        assert whole.time_s == pytest.approx({key: counts[key]["time_s"] for key in KEYS}, abs=1e-5)
        assert whole.counts[LEFT_TWITCH] == 2
        assert whole.counts[RIGHT_PULL] == 1

    def test_stretches_of_one_label_are_one_segment(self, store, tmp_path):
        folder = result_folder(tmp_path / "visit.results", segments=SEGMENTS, onsets=(12.0, 20.0))
        _, session = add(store, folder)
        whole, rest, reading = session.segments
        assert [s.label for s in session.segments] == [WHOLE, "rest", "reading"]
        assert (rest.counts[LEFT_TWITCH], reading.counts[LEFT_TWITCH]) == (2, 0)
        assert (rest.counts[RIGHT_PULL], reading.counts[RIGHT_PULL]) == (0, 1)
        assert rest.valid_s + reading.valid_s == pytest.approx(whole.valid_s, abs=0.1)
        assert reading.valid_s == pytest.approx(4.0, abs=0.1)

    def test_corrected_events_count_in_the_whole_and_in_segments(self, store, tmp_path):
        folder = result_folder(tmp_path / "visit.results", segments=SEGMENTS)
        review(folder, rejected=(1,), added=(15.0, 16.0))
        _, session = add(store, folder)
        whole, rest, reading = session.segments
        assert session.reviewed
        assert whole.counts[LEFT_TWITCH] == 3
        assert rest.counts[LEFT_TWITCH] == 1
        assert reading.counts[LEFT_TWITCH] == 2
        assert reading.time_s[LEFT_TWITCH] == pytest.approx(1.0)

    def test_a_live_session_says_itself_when_it_was(self, store, tmp_path):
        live = {
            "live": {"started_utc": "2026-05-04T07:00:00+00:00", "protocol": "clinical"},
            "source": {"kind": "camera"},
        }
        folder = result_folder(tmp_path / "live.results", sha256=None, recorded_utc=None, **live)
        _, session = add(store, folder)
        assert session.started_utc == datetime(2026, 5, 4, 7, tzinfo=timezone.utc)
        assert (session.sha256, session.device) == (None, "camera")
        assert session.protocol == "clinical"
        moved = shutil.copytree(folder, tmp_path / "moved.results")
        review(moved, rejected=(1,))
        assert add(store, moved)[0].state == "differs"

    def test_a_played_file_is_of_the_day_it_was_recorded_not_played(self, store, tmp_path):
        live = {"live": {"started_utc": "2026-05-04T07:00:00+00:00"}}
        _, session = add(store, result_folder(tmp_path / "a", **live))
        assert session.started_utc == datetime(2026, 3, 1, 8, 30, tzinfo=timezone.utc)
        undated = result_folder(tmp_path / "b", sha256="e" * 64, recorded_utc=None, **live)
        with pytest.raises(UsageError, match="--date"):
            add(store, undated)

    def test_what_the_user_says_goes_before_what_the_result_says(self, store, tmp_path):
        folder = result_folder(tmp_path / "a")
        when = datetime(2025, 1, 1, 11, tzinfo=timezone.utc)
        _, session = add(store, folder, started_utc=when, device="phone", protocol="p", note="n")
        assert session.started_utc == when
        assert (session.device, session.protocol, session.note) == ("phone", "p", "n")

    def test_replaced_it_keeps_the_user_s_words_and_date(self, store, tmp_path):
        folder = result_folder(tmp_path / "a")
        when = datetime(2025, 1, 1, 11, tzinfo=timezone.utc)
        add(store, folder, started_utc=when, device="phone", note="n")
        review(folder, rejected=(1,))
        added, session = add(store, folder, protocol="p", update=True)
        assert added.state == "updated"
        assert session.started_utc == when
        assert (session.device, session.protocol, session.note) == ("phone", "p", "n")
        assert session.reviewed
        assert session.segments[0].counts[LEFT_TWITCH] == 1

    def test_the_same_recording_in_another_folder_is_the_same_session(self, store, tmp_path):
        add(store, result_folder(tmp_path / "a"))
        assert add(store, result_folder(tmp_path / "b"))[0].state == "known"
        other = result_folder(tmp_path / "c", onsets=(12.0,))
        assert add(store, other)[0].state == "differs"
        assert len(store.load().sessions) == 1


class TestRefused:
    def test_a_part_of_a_recording_unless_asked_for(self, store, tmp_path):
        folder = result_folder(tmp_path / "a", partial=True)
        with pytest.raises(UsageError, match="--allow-partial"):
            add(store, folder)
        assert store.load().sessions == ()
        assert add(store, folder, allow_partial=True)[1].partial

    @pytest.mark.parametrize("days", [2, 400])
    def test_what_lies_in_the_future(self, store, tmp_path, days):
        ahead = datetime.now(timezone.utc) + timedelta(days=days)
        folder = result_folder(tmp_path / "a", recorded_utc=ahead.isoformat())
        with pytest.raises(UsageError, match=f"dated {ahead:%Y-%m-%d}, in the future"):
            add(store, folder)
        assert store.load().sessions == ()

    def test_clocks_that_differ_by_hours_are_no_future(self, store, tmp_path):
        ahead = datetime.now(timezone.utc) + timedelta(hours=14)
        add(store, result_folder(tmp_path / "a", recorded_utc=ahead.isoformat()))

    def test_what_says_no_date(self, store, tmp_path):
        folder = result_folder(tmp_path / "a", recorded_utc=None)
        with pytest.raises(UsageError, match="give the day by --date"):
            add(store, folder)
        add(store, folder, started_utc=datetime(2026, 1, 1, tzinfo=timezone.utc))
        assert add(store, folder)[0].state == "known"  # once it is known, it need not be said

    @pytest.mark.parametrize("key", ["source", "live"])
    def test_what_says_a_date_of_no_calendar(self, store, tmp_path, key):
        name = "recorded_utc" if key == "source" else "started_utc"
        said = {"kind": "camera", name: "0001-01-01T00:00:00+00:00"}
        folder = result_folder(tmp_path / "a", recorded_utc=None, **{key: said})
        with pytest.raises(TableError, match=rf"{key}\.{name} is '0001-.* 1900 to 2200"):
            add(store, folder)

    def test_what_does_not_tell_its_valid_time(self, store, tmp_path):
        folder = result_folder(tmp_path / "a")
        (folder / "summary.json").unlink()
        with pytest.raises(UsageError, match="hfs-vision detect"):
            add(store, folder)

    def test_what_is_no_result(self, store, tmp_path):
        with pytest.raises(UsageError, match="does not exist"):
            find_inputs(tmp_path / "nowhere")
        (tmp_path / "empty").mkdir()
        with pytest.raises(UsageError, match=r"holds no events\.csv"):
            add(store, tmp_path / "empty")

    def test_segments_that_are_no_numbers(self, store, tmp_path):
        folder = result_folder(tmp_path / "a", segments=SEGMENTS)
        text = (folder / "segments.csv").read_text()
        (folder / "segments.csv").write_text(text.replace("14.000000", ""))
        with pytest.raises(TableError, match=r"segments\.csv, row \d+: start_s"):
            add(store, folder)


def cohort(path, rows):
    with path.open("w", encoding="utf-8", newline="") as handle:
        columns = [*COHORT_COLUMNS, "date"]
        handle.write(line(columns))
        for row in rows:
            handle.write(line(row.get(name) for name in columns))
    return path


def row_of(folder, **more):
    """What a batch keeps of a result."""
    result = detect(read_signals(folder / "signals.csv"))
    known = {"name": folder.stem, "result": folder.name, "status": "done", "sha256": "c" * 64}
    hashes = {"settings_sha256": "a" * 64, "model_sha256": "b" * 64, "hfs_vision": "0.1.0"}
    return {**known, **hashes, **measured(result), **more}


def test_what_is_to_be_known_of_a_result_is_told(store, tmp_path):
    folder = result_folder(tmp_path / "a.results", recorded_utc="2026-01-05T09:30:00+00:00")
    assert add(store, folder)[0].warnings == ()
    rows = (folder / "events.csv").read_text().splitlines(keepends=True)
    (folder / "events.csv").write_text("".join(rows[:-1]))
    added, session = add(store, folder, update=True)
    (told,) = added.warnings
    assert f"{len(rows) - 1} events and events.csv holds {len(rows) - 2}" in told
    again: list[str] = []
    recomputed(session, store.home, Settings(), again.extend)
    assert again == [told]


class TestTableOfABatch:
    def test_the_folder_beside_it_is_read_else_the_row(self, store, tmp_path):
        there = result_folder(tmp_path / "there.results", sha256="1" * 64)
        gone = result_folder(tmp_path / "gone.results", sha256="2" * 64)
        rows = [row_of(there, sha256="1" * 64), row_of(gone, sha256="2" * 64, date="2026-03-29")]
        table = cohort(tmp_path / "cohort.csv", rows)
        whole = read_folder(gone)
        shutil.rmtree(gone)
        for given in find_inputs(table):
            add_session(store, given, UserFields(), VIENNA)
        from_folder, from_row = store.load().sessions
        assert from_folder.result == "there.results"
        assert from_folder.segments[0].time_s[LEFT_TWITCH] > 0
        assert from_row.result is from_row.result_sha256 is None
        assert from_row.started_utc == datetime(2026, 3, 29, 10, tzinfo=timezone.utc)
        assert from_row.segments[0].counts == from_folder.segments[0].counts
        assert from_row.segments[0].valid_s == pytest.approx(whole.valid_s)
        expected = replace(without_times(from_folder), number=from_row.number)
        assert comparable(from_row)[1][0][3] == comparable(expected)[1][0][3]
        assert (from_row.settings_sha256, from_row.model_sha256) == ("a" * 64, "b" * 64)

    @pytest.mark.parametrize("name", ["-x", "=1+1", "+a", "@b", "'-c"])
    def test_a_folder_that_is_named_like_a_formula_is_found(self, tmp_path, name):
        folder = result_folder(tmp_path / f"{name}.results")
        row = row_of(folder, name=name, sha256="1" * 64)
        cells = {column: _text(row.get(column)) for column in COHORT_COLUMNS}
        table = tmp_path / "cohort.csv"
        for _ in range(2):  # what a batch writes, and writes anew
            text, _ = merged(COHORT_COLUMNS, [cells], read_entered(table, COHORT_COLUMNS))
            table.write_text(text)
        (given,) = find_inputs(table)
        assert given.folder == folder
        assert given.name == f"{table}, {name}"

    def test_the_folder_of_the_batch_will_do(self, tmp_path):
        cohort(tmp_path / "cohort.csv", [row_of(result_folder(tmp_path / "a.results"))])
        (given,) = find_inputs(tmp_path)
        assert given.folder == tmp_path / "a.results"

    @pytest.mark.parametrize(
        ("wrong", "told"),
        [
            ({"status": "failed", "reason": "no face"}, "not analysed by the batch: no face"),
            ({"sha256": None}, r"cohort\.csv, row 2: sha256 is missing"),
            ({"valid_s": None}, r"cohort\.csv, row 2: valid_s is missing"),
            ({"valid_s": 1e9}, r"cohort\.csv, row 2: valid_s is 1e\+09, and the recording lasts"),
            ({"left_mouth_pull_count": 1.5}, r"row 2: left_mouth_pull_count is 1\.5"),
            ({"left_mouth_pull_count": None}, r"row 2: left_mouth_pull_count is nan"),
            ({"date": "soon"}, "'soon' is no date"),
            ({"date": "0026-03-01"}, "'0026-03-01' is no date of the years 1900 to 2200"),
            ({}, "give the day by --date"),
        ],
    )
    def test_a_row_that_is_no_session_is_told(self, store, tmp_path, wrong, told):
        folder = result_folder(tmp_path / "a.results")
        row = row_of(folder, **wrong)
        shutil.rmtree(folder)
        (given,) = find_inputs(cohort(tmp_path / "cohort.csv", [row]))
        with pytest.raises((TableError, UsageError), match=told):
            add_session(store, given, UserFields(), VIENNA)
        assert store.load().sessions == ()

    def test_its_real_columns_are_those_of_a_batch(self, tmp_path):
        table = cohort(tmp_path / "cohort.csv", [row_of(result_folder(tmp_path / "a.results"))])
        with table.open(encoding="utf-8", newline="") as handle:
            (row,) = csv.DictReader(handle)
        assert all(row[f"{side}_{kind}_count"] != "" for side, kind in KEYS)


class TestRecomputing:
    def test_it_is_what_detect_finds_and_the_folder_stays(self, store, tmp_path):
        folder = result_folder(tmp_path / "a.results", segments=SEGMENTS)
        _, session = add(store, folder, note="n")
        before = tables_sha256(folder)
        strict = Settings(excursion_threshold=1.0, max_excursion_threshold=1.0)
        now = recomputed(session, store.home, strict)
        assert session.segments[0].counts[RIGHT_PULL] == 1
        assert now.segments[0].counts[RIGHT_PULL] == 0
        assert now.segments[0].counts[LEFT_TWITCH] == 2
        assert [s.label for s in now.segments] == [WHOLE, "rest", "reading"]
        assert now.settings_sha256 == settings_sha256(strict.as_dict()) != session.settings_sha256
        assert tables_sha256(folder) == before == now.result_sha256
        assert (now.number, now.note, now.sha256) == (session.number, "n", session.sha256)

    def test_by_the_same_settings_nothing_changes(self, store, tmp_path):
        folder = result_folder(tmp_path / "a.results", segments=SEGMENTS)
        _, session = add(store, folder)
        now = recomputed(session, store.home, Settings())
        for mine, its in zip(now.segments, session.segments, strict=True):
            assert (mine.label, mine.counts) == (its.label, its.counts)
            assert mine.valid_s == pytest.approx(its.valid_s, abs=1e-5)
            assert mine.time_s == pytest.approx(its.time_s, abs=1e-5)

    def test_what_cannot_be_counted_anew_says_why(self, store, tmp_path):
        _, session = add(store, result_folder(tmp_path / "a.results"))

        def told(record):
            with pytest.raises(UsageError) as error:
                recomputed(record, store.home, Settings())
            return str(error.value)

        assert "from a table" in told(replace(session, result=None))
        assert "a person corrected" in told(replace(session, reviewed=True))
        assert "another recording" in told(replace(session, sha256="0" * 64))
        review(tmp_path / "a.results", rejected=(1,))
        assert "a person corrected" in told(session)
        (tmp_path / "a.results" / "signals.csv").unlink()
        assert "signals.csv is not there" in told(session)
