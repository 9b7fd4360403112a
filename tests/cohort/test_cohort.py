"""Many persons: whose diaries, one table of counts, and who was seen before and after."""

import csv
import json
import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfs_vision.cohort import counts
from hfs_vision.cohort.counts import CODE_BOOK, COLUMNS, COUNTS_CSV, COUNTS_PARQUET, write_table
from hfs_vision.cohort.periods import Question, pair_of
from hfs_vision.cohort.persons import Person, as_persons, find_diaries, read_persons
from hfs_vision.diary import SessionRecord
from hfs_vision.errors import UsageError
from hfs_vision.schema import KINDS, SIDES
from tests.cohort_support import KIND, TOXIN, diary, save, segment, session, treatment


def persons(*diaries, deidentify: bool = False) -> list[Person]:
    return as_persons(((Path(f"{d.person}"), d) for d in diaries), deidentify=deidentify)


def asked(**more) -> Question:
    return Question(**{"treatment": TOXIN, **more})


def pair(*sessions, question: Question | None = None, **more):
    return pair_of(persons(diary(*sessions, **more))[0], question or asked())


def later(record: SessionRecord, hours: int) -> SessionRecord:
    """In Kiritimati (UTC+14) 9:00 UTC is the same day, 11:00 the next one."""
    return replace(record, started_utc=record.started_utc + timedelta(hours=hours))


class TestFindingDiaries:
    def test_in_files_folders_and_globs_each_once(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        ann, bob, cy = (
            save(diary(session(0, segment(1, 0)), person=name), Path(place))
            for name, place in (("Ann", "a/diary.sqlite"), ("Bob", "a/b/bob.diary"), ("Cy", "cy"))
        )
        Path("a/notes.sqlite").touch()
        Path("a/b/bob.diary.20260101T000000Z.backup").touch()
        assert find_diaries(["a"]) == [bob, ann]
        assert find_diaries(["cy", "a/d*.sqlite", str(tmp_path / "a")]) == [
            cy,
            ann,
            tmp_path / bob,
        ]
        assert [p.diary.person for p in read_persons(["a/b", "cy", "a"])] == ["Bob", "Cy", "Ann"]

    def test_nothing_there_is_told(self, tmp_path):
        with pytest.raises(UsageError, match="names no diary: give its file"):
            find_diaries([str(tmp_path)])

    def test_a_person_does_not_count_twice(self):
        with pytest.raises(UsageError, match="are both of 'Ann'"):
            persons(diary(), diary(), deidentify=True)


def table(folder: Path, *diaries, deidentify: bool = False) -> list[dict[str, str]]:
    write_table(persons(*diaries, deidentify=deidentify), folder, deidentify=deidentify)
    with (folder / COUNTS_CSV).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


class TestTheTable:
    def test_has_a_row_for_each_person_session_segment_side_and_kind(self, tmp_path):
        ann = diary(
            session(-10, segment(4, 1, 120.0), segment(3, 0, 60.0, "rest"), number=1),
            session(20, segment(2, 0, 0.0), number=5, reviewed=True),
            treatments=[treatment(-30), treatment(0), treatment(20, "surgery")],
        )
        rows = table(tmp_path, ann, diary(session(0, segment(1, 1)), person="=B", affected="both"))
        keys = [tuple(r[k] for k in ("person", "session", "segment", "side", "kind")) for r in rows]
        assert len(set(keys)) == len(rows) == 4 * len(SIDES) * len(KINDS)
        first, rest, last = (
            next(
                r
                for r in rows
                if (r["person"], r["session"], r["segment"]) == ("Ann", *key)
                and (r["side"], r["kind"]) == ("left", KIND)
            )
            for key in (("1", ""), ("1", "rest"), ("5", ""))
        )
        assert (first["count"], float(first["rate_per_min"])) == ("4", 2.0)
        assert float(first["time_share"]) == pytest.approx(2.0 / 120.0, abs=1e-6)
        assert first["started_utc"] == "2026-02-19T09:00:00+00:00"
        assert (rest["count"], rest["valid_s"], rest["day"]) == ("3", "60.000000", "0")
        assert (last["day"], last["rate_per_min"], last["time_share"]) == ("30", "", "")
        since = "days_since_{}".format
        assert (first[since(TOXIN)], first[since("surgery")]) == ("20", "")
        assert (last[since(TOXIN)], last[since("surgery")], last["reviewed"]) == ("20", "0", "1")
        assert {(r["person"], r["side"], r["affected"]) for r in rows} == {
            ("Ann", "left", "yes"),
            ("Ann", "right", "no"),
            ("'=B", "left", "yes"),
            ("'=B", "right", "yes"),
        }
        unstated = table(tmp_path, diary(session(0, segment(1, 1)), affected="unknown"))
        assert {row["affected"] for row in unstated} == {"unknown"}

    def test_parquet_holds_the_same_with_types_and_meanings(self, tmp_path):
        parquet = pytest.importorskip("pyarrow.parquet")
        rows = table(tmp_path, diary(session(-1, segment(2, 1)), session(3, segment(0, 0, 0.0))))
        read = parquet.read_table(tmp_path / COUNTS_PARQUET)
        assert read.schema.names == list(rows[0]) == list(COLUMNS)
        for written, kept in zip(rows, read.to_pylist(), strict=True):
            for name, column in COLUMNS.items():
                if kept[name] is None:
                    assert written[name] == "", name
                elif column.kind == "text":
                    assert kept[name] == written[name]
                else:
                    assert float(kept[name]) == pytest.approx(float(written[name]), abs=1e-6)
        assert read.schema.field("valid_s").metadata[b"unit"] == b"s"
        assert str(read.schema.field("count").type) == "int64"

    def test_without_pyarrow_there_is_csv_alone(self, tmp_path, monkeypatch):
        monkeypatch.setattr(counts, "_has_pyarrow", lambda: False)
        written = write_table(persons(diary()), tmp_path)
        assert sorted(written) == sorted(path.name for path in tmp_path.iterdir())
        assert COUNTS_PARQUET not in written

    def test_the_code_book_knows_every_column(self, tmp_path):
        rows = table(tmp_path, diary(session(0, segment(1, 1))))
        book = json.loads((tmp_path / CODE_BOOK).read_text())
        assert list(book["columns"]) == list(rows[0])
        assert all(column["text"] for column in book["columns"].values())

    def test_without_names_nothing_tells_who_and_when(self, tmp_path):
        ann = diary(
            session(
                0,
                segment(1, 0),
                segment(1, 0, label="at Ann's"),
                segment(1, 0, label="rest"),
                note="NOTE",
                device="CAMERA",
                sha256="c" * 64,
                result="ann/visit.results",
            ),
            treatments=[treatment(0)],
        )
        rows = table(tmp_path, ann, deidentify=True)
        assert {r["segment"] for r in rows} == {"", "rest", "task-01"}
        assert "started_utc" not in rows[0]
        everything = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        for told in (b"Ann", b"NOTE", b"CAMERA", b"cccc", b"visit", b"2026-03", b"09:00"):
            assert told not in everything, told
        assert b"person-01" in everything

    def test_days_are_those_of_the_persons_own_calendar(self, tmp_path):
        late = later(session(0, segment(1, 0)), hours=2)
        for zone, day in (("UTC", "1"), ("Pacific/Kiritimati", "2")):
            rows = table(tmp_path, diary(session(-1, segment(1, 0)), late, zone=zone))
            assert rows[-1]["day"] == day, zone


class TestBeforeAndAfter:
    def test_pools_all_counts_over_all_valid_time(self):
        found = pair(
            session(-90, segment(10, 9, 60.0)),
            session(-1, segment(2, 9, 180.0)),
            session(14, segment(1, 9, 60.0)),
            session(90, segment(0, 9, 60.0)),
        )
        assert (found.side, found.left_out, found.others) == ("left", "", 0)
        assert (found.before.sessions, found.before.valid_s) == (2, 240.0)
        assert found.before.rate.per_min == pytest.approx(3.0)
        assert found.after.rate.per_min == pytest.approx(0.5)
        assert found.difference == pytest.approx(-2.5)

    @pytest.mark.parametrize("day", [-91, 0, 13, 91])
    def test_days_outside_of_the_periods_do_not_count(self, day):
        near = session(-5, segment(1, 0)), session(20, segment(1, 0))
        found = pair(*near, session(day, segment(1000, 0)))
        assert (found.before.rate.count, found.after.rate.count) == (1, 1)

    def test_the_day_is_that_of_the_persons_calendar(self):
        late = later(session(-1, segment(1, 0)), hours=2)
        assert pair(late).before.sessions == 1
        # There it is the day itself already, which does not count.
        assert pair(late, zone="Pacific/Kiritimati").before.sessions == 0

    def test_it_ends_where_the_treatment_is_given_again(self):
        sessions = [session(day, segment(1, 0)) for day in (-5, 20, 30, 50)]
        again = pair(*sessions, treatments=[treatment(0), treatment(30)])
        assert again.after.sessions == 1
        assert again.others == 0
        early = pair(*sessions, treatments=[treatment(0), treatment(10)])
        assert early.left_out == "no session in the days after, until it was given again on day 10"

    def test_other_treatments_in_that_time_are_counted(self):
        sessions = session(-5, segment(1, 0)), session(20, segment(1, 0))
        others = [treatment(-90, "drug_stop"), treatment(50, "surgery"), treatment(0, "surgery")]
        beyond = [treatment(-91, "drug_stop"), treatment(91, "surgery"), treatment(5, "note")]
        assert pair(*sessions, treatments=[treatment(0), *others, *beyond]).others == 3

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ({"affected": "unknown"}, "does not state the affected side"),
            ({"treatments": [treatment(0, "surgery")]}, "no botulinum toxin is marked"),
            ({"treatments": [treatment(-50)]}, "no session in the days before"),
            ({"treatments": [treatment(50)]}, "no session in the days after"),
            ({"question": asked(least_valid_s=61.0)}, "60 s of valid time before, 61 s are"),
            ({"question": asked(segment="rest")}, "no session in the days before"),
        ],
    )
    def test_who_cannot_be_compared_is_left_out_and_it_is_said_why(self, more, why):
        sessions = session(-5, segment(1, 0)), session(20, segment(1, 0))
        assert not pair(*sessions).left_out
        assert why in pair(*sessions, **more).left_out

    @pytest.mark.parametrize(
        ("affected", "side", "count"),
        [
            ("left", "affected", 5),
            ("right", "affected", 3),
            ("both", "affected", 8),
            ("unknown", "right", 3),
            ("left", "both", 8),
        ],
    )
    def test_the_side_is_the_one_asked_for(self, affected, side, count):
        found = pair(
            session(-5, segment(5, 3)),
            session(20, segment(0, 0)),
            affected=affected,
            question=asked(side=side),
        )
        assert found.before.rate.count == count

    def test_segment_and_kind_are_those_asked_for(self):
        sessions = (
            session(-5, segment(9, 0), segment(4, 0, 30.0, "rest")),
            session(20, segment(9, 0), segment(1, 0, 60.0, "rest")),
        )
        found = pair(*sessions, question=asked(segment="rest", least_valid_s=1.0))
        assert (found.before.rate.per_min, found.after.rate.per_min) == (8.0, 1.0)
        assert pair(*sessions, question=asked(kind=KIND)).before.rate.count == 9
        assert pair(*sessions, question=asked(kind="mouth_pull")).before.rate.count == 0

    def test_counts_of_different_making_are_noticed(self):
        sessions = session(-5, segment(1, 0)), session(20, segment(1, 0), hfs_vision="0.2.0")
        assert pair(*sessions).makings == 2

    @pytest.mark.parametrize(
        "wrong", [{"before_days": 0}, {"after_days": (0, 90)}, {"after_days": (30, 14)}]
    )
    def test_periods_that_cannot_be_are_refused(self, wrong):
        with pytest.raises(UsageError, match="give"):
            asked(**wrong)

    @settings(deadline=None, max_examples=40)
    @given(st.lists(st.tuples(st.integers(-120, 120), st.integers(0, 40)), max_size=12))
    def test_every_session_counts_at_most_once(self, given_sessions):
        found = pair(*(session(day, segment(n, 0)) for day, n in given_sessions))
        inside = [n for day, n in given_sessions if -90 <= day <= -1 or 14 <= day <= 90]
        assert found.before.rate.count + found.after.rate.count == sum(inside)
        assert math.isnan(found.before.rate.per_min) == (found.before.sessions == 0)
