"""A diary as tables: what is in them, and what is not where names must not be told."""

import csv
import stat
import sys
from datetime import date, datetime, timezone

import pytest

from hfs_vision.diary import Diary, Treatment
from hfs_vision.diary.exporting import EXPORTED_FILES, export_diary
from hfs_vision.diary.records import KEYS
from hfs_vision.errors import UsageError
from tests.diary_support import segment, session

CANARY, DATE = "Zaphod", "2031-07-19"
LATE = datetime(2026, 3, 28, 23, 30, tzinfo=timezone.utc)  # the 29th in Vienna, as clocks change


def diary(*sessions, treatments=(), **more):
    values = {"person": "Ann", "affected_side": "left", "timezone": "Europe/Vienna", **more}
    return Diary(sessions=sessions, treatments=treatments, **values)


def tables(given, out, **options):
    export_diary(given, out, **options)
    found = []
    for name in EXPORTED_FILES:
        with (out / name).open(encoding="utf-8", newline="") as handle:
            found.append(list(csv.DictReader(handle)))
    return found


def test_every_count_is_a_row_with_its_rate(tmp_path):
    given = diary(session(1, number=4, labels=("rest",)), session(2, number=5))
    sessions, counts, _ = tables(given, tmp_path / "out")
    assert [row["session"] for row in sessions] == ["4", "5"]
    assert len(counts) == 3 * len(KEYS)
    by_key = {(r["session"], r["segment"], r["side"], r["kind"]): r for r in counts}
    for record in given.sessions:
        for part in record.segments:
            for (side, kind), count in part.counts.items():
                row = by_key[str(record.number), part.label, side, kind]
                assert int(row["count"]) == count
                assert float(row["rate_per_min"]) == pytest.approx(60 * count / part.valid_s)
                assert float(row["time_share"]) == pytest.approx(
                    0.25 * count / part.valid_s, abs=1e-6
                )


def test_dates_are_those_of_the_diary_s_zone_and_moments_in_utc(tmp_path):
    sessions, _, treatments = tables(
        diary(
            session(1, started_utc=LATE),
            treatments=(Treatment(number=1, date=date(2024, 2, 29), kind="surgery"),),
        ),
        tmp_path / "out",
    )
    assert sessions[0]["date"] == "2026-03-29"
    assert sessions[0]["started_utc"] == "2026-03-28T23:30:00+00:00"
    assert treatments[0]["date"] == "2024-02-29"


def test_without_valid_time_there_is_no_rate(tmp_path):
    _, counts, _ = tables(diary(session(1, segments=(segment(valid_s=0.0),))), tmp_path / "out")
    assert {row["rate_per_min"] for row in counts} == {""}


def test_without_names_none_is_told_and_days_count_from_the_first_session(tmp_path):
    told = dict.fromkeys(("device", "protocol", "note", "result"), f"{CANARY} {DATE}")
    hashes = {"sha256": "9" * 64, "result_sha256": "8" * 64}
    edited = dict.fromkeys(("landmarker", "hfs_vision", "settings_sha256", "model_sha256"), CANARY)
    given = diary(
        session(1, started_utc=LATE, labels=(f"{CANARY} talks", "rest"), **told, **hashes),
        session(2, started_utc=datetime(2026, 4, 5, 9, tzinfo=timezone.utc), **edited),
        session(3, warnings=(f"{CANARY} was seen",), labels=("rest",)),
        treatments=(
            Treatment(number=1, date=date(2026, 3, 1), kind="note", text=f"{CANARY} {DATE}"),
            Treatment(
                number=2,
                date=date(2026, 3, 30),
                kind="botulinum_toxin",
                product=CANARY,
                units=CANARY,
                sites=CANARY,
            ),
        ),
        person=CANARY,
    )
    sessions, counts, treatments = tables(given, tmp_path / "out", deidentify=True)
    text = "".join((tmp_path / "out" / name).read_text() for name in EXPORTED_FILES)
    for word in (CANARY, "2026", "2031", "999", "888", "Vienna", "08:30", ".results"):
        assert word not in text
    assert [row["day"] for row in sessions][:2] == ["0", "7"]
    assert [row["day"] for row in treatments] == ["-28", "1"]
    assert {row["segment"] for row in counts} == {"", "rest", "task-01"}
    assert sessions[0]["landmarker"] == "facemesh"
    assert sessions[0]["settings_sha256"] == "a" * 64
    assert sessions[1]["landmarker"] == sessions[1]["settings_sha256"] == ""
    assert [row["kind"] for row in treatments] == ["note", "botulinum_toxin"]

    text = "".join(map(str, tables(given, tmp_path / "whole")))
    assert f"{CANARY} talks" in text
    assert f"{CANARY} {DATE}" in text


def test_treatments_alone_count_from_the_first_of_them(tmp_path):
    marks = tuple(Treatment(date=date(2026, 1, day), kind="note") for day in (3, 13))
    *_, treatments = tables(diary(treatments=marks), tmp_path / "out", deidentify=True)
    assert [row["day"] for row in treatments] == ["0", "10"]


def test_a_formula_of_a_spreadsheet_is_defused(tmp_path):
    sessions, _, _ = tables(diary(session(1, note="=1+1")), tmp_path / "out")
    assert sessions[0]["note"] == "'=1+1"


def test_tables_that_are_there_are_kept_unless_forced_and_are_private(tmp_path):
    out = tmp_path / "out"
    tables(diary(session(1)), out)
    with pytest.raises(UsageError, match="--force"):
        export_diary(diary(), out)
    sessions, _, _ = tables(diary(), out, force=True)
    assert sessions == []
    if sys.platform != "win32":
        assert stat.S_IMODE(out.stat().st_mode) == 0o700
