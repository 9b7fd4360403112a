"""``hfs-vision diary`` as its user meets it."""

import csv
import re
import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from hfs_vision.diary import open_diary, read_diary
from tests.cli.support import files_in, posix_only
from tests.diary_support import result_folder, session

DIARY = "ann.diary"
NEW = ("diary", "init", DIARY, "--person", "Ann", "--affected", "left")


@pytest.fixture
def visits():
    """Results of three recordings, of which the last does not say when it was made."""
    days = ("2026-01-05T09:30:00+00:00", "2026-03-29T00:59:00+00:00", None)
    return [
        result_folder(Path(f"visit{i}.results"), sha256=str(i) * 64, recorded_utc=day)
        for i, day in enumerate(days, start=1)
    ]


@pytest.fixture
def diary(hfs, visits):
    assert hfs(*NEW, "--timezone", "Europe/Vienna").code == 0
    assert hfs("diary", "add", DIARY, *visits[:2]).code == 0
    return Path(DIARY)


def test_what_is_to_be_known_of_a_result_is_told_when_it_is_added(hfs, diary, visits):
    path = visits[0] / "summary.json"
    path.write_text(re.sub(r'"coverage": [^,]*', '"coverage": 0.5', path.read_text()))
    outcome = hfs("diary", "add", DIARY, visits[0], "--update")
    assert outcome.code == 0
    assert f"warning: {visits[0]}: summary.json says valid_s" in outcome.err
    outcome = hfs("diary", "recompute", DIARY)
    assert "warning: session 1: summary.json says valid_s" in outcome.err


class TestInit:
    def test_it_says_where_it_is_and_whose_days_it_counts(self, hfs):
        outcome = hfs(*NEW, "--timezone", "Europe/Vienna")
        assert outcome.code == 0, outcome.err
        assert outcome.out == "Created ann.diary (time zone Europe/Vienna)\n"
        found = read_diary(DIARY)
        assert (found.person, found.affected_side) == ("Ann", "left")

    def test_by_default_days_are_the_machine_s(self, hfs, monkeypatch):
        monkeypatch.setenv("TZ", "Asia/Kolkata")
        hfs(*NEW)
        assert read_diary(DIARY).timezone == "Asia/Kolkata"

    def test_where_the_machine_does_not_tell_its_zone_that_is_said(self, hfs, monkeypatch):
        monkeypatch.setenv("TZ", "IST-5:30")
        outcome = hfs(*NEW)
        assert outcome.code == 0
        assert "diary edit --timezone" in outcome.err
        assert read_diary(DIARY).timezone == "UTC"

    def test_one_that_is_there_is_kept(self, hfs, diary):
        before = diary.read_bytes()
        outcome = hfs(*NEW)
        assert outcome.code == 2
        assert "ann.diary exists" in outcome.message
        assert diary.read_bytes() == before

    def test_a_study_s_folder_will_do(self, hfs, visits):
        Path("study").mkdir()
        hfs("diary", "init", "study", "--person", "Ann", "--affected", "left")
        assert hfs("diary", "add", "study", visits[0]).code == 0
        assert "session 1" in hfs("diary", "list", "study").out
        assert [p.name for p in Path("study").iterdir()] == ["diary.sqlite"]


class TestAdd:
    def test_each_is_told_with_its_local_date(self, hfs, visits):
        hfs(*NEW, "--timezone", "Europe/Vienna")
        outcome = hfs("diary", "add", DIARY, *visits[:2])
        assert outcome.code == 0, outcome.err
        assert outcome.out.splitlines() == [
            "session 1 of 2026-01-05 10:30: added  visit1.results",
            "session 2 of 2026-03-29 01:59: added  visit2.results",
        ]

    def test_again_nothing_is_added_and_that_is_said(self, hfs, diary, visits):
        before = diary.read_bytes()
        outcome = hfs("diary", "add", DIARY, *visits[:2])
        assert outcome.code == 0
        assert outcome.out.count("already there") == 2
        assert diary.read_bytes() == before

    def test_other_counts_are_taken_with_update(self, hfs, diary):
        result_folder(Path("new.results"), sha256="1" * 64, onsets=(12.0,))
        outcome = hfs("diary", "add", DIARY, "new.results")
        assert outcome.code == 0
        assert "session 1 of 2026-01-05 10:30: already there with other counts" in outcome.out
        assert (
            "session 1 of 2026-01-05 10:30: updated"
            in hfs("diary", "add", DIARY, "new.results", "--update").out
        )
        assert sum(read_diary(DIARY).sessions[0].segments[0].counts.values()) == 2

    def test_one_that_cannot_be_added_keeps_out_no_other(self, hfs, diary, visits):
        fourth = result_folder(Path("visit4.results"), sha256="4" * 64)
        partial = result_folder(Path("visit5.results"), sha256="5" * 64, partial=True)
        outcome = hfs("diary", "add", DIARY, "nowhere", visits[2], partial, fourth)
        assert outcome.code == 1
        told = [line for line in outcome.err.splitlines() if line.startswith("error: ")]
        assert [line.split()[1] for line in told] == ["nowhere", "visit3.results", "visit5.results"]
        assert "--date" in told[1]
        assert "--allow-partial" in told[2]
        assert "visit4.results" in outcome.out
        assert len(read_diary(DIARY).sessions) == 3

    def test_a_date_is_by_the_diary_s_clock(self, hfs, diary, visits):
        hfs("diary", "add", DIARY, visits[2], "--date", "2026-07-01T08:00", "--note", "in bed")
        last = read_diary(DIARY).sessions[-1]
        assert last.started_utc == datetime(2026, 7, 1, 6, tzinfo=timezone.utc)
        assert last.note == "in bed"

    def test_an_hour_that_came_twice_is_told(self, hfs, diary, visits):
        outcome = hfs("diary", "add", DIARY, visits[2], "--date", "2025-10-26T02:30")
        assert outcome.code == 0
        assert "came twice in Europe/Vienna" in outcome.err

    @pytest.mark.parametrize(
        ("date", "told"),
        [
            ("2026-03-29T02:30", "does not exist in Europe/Vienna"),
            ("2025-02-29", "is no date"),
            (f"{datetime.now() + timedelta(days=3):%Y-%m-%d}", "in the future"),
        ],
    )
    def test_a_date_that_cannot_be_adds_nothing(self, hfs, diary, visits, date, told):
        before = diary.read_bytes()
        outcome = hfs("diary", "add", DIARY, visits[2], "--date", date)
        assert outcome.code in (1, 2)
        assert told in outcome.err
        assert diary.read_bytes() == before

    @posix_only
    def test_ctrl_c_keeps_what_was_added_and_the_rest_comes_next_time(self, hfs, diary):
        folders = [
            result_folder(Path(f"more{i}.results"), sha256=f"{i:064d}") for i in range(20, 50)
        ]
        command = [sys.executable, "-m", "hfs_vision", "diary", "add", DIARY, *map(str, folders)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        added = len(read_diary(DIARY).sessions) - 2
        assert process.returncode == 130, said
        assert "run it again to go on" in said
        assert 1 <= added < 30
        again = hfs("diary", "add", DIARY, *folders)
        assert again.out.count("already there") == added
        assert len(read_diary(DIARY).sessions) == 32


class TestListAndShow:
    def test_sessions_and_treatments_are_in_order_of_local_time(self, hfs, diary):
        hfs("diary", "treatment", DIARY, "--date", "2026-02-01", "--kind", "botulinum_toxin",
            "--product", "P", "--units", "25", "--sites", "lid")  # fmt: skip
        hfs("diary", "note", DIARY, "--date", "2026-04-01", "slept badly")
        out = hfs("diary", "list", DIARY).out
        found = re.findall(r"(2026-\S+(?: \d\d:\d\d)?) +│ (\w+ \d+)", out)
        assert found == [
            ("2026-01-05 10:30", "session 1"),
            ("2026-02-01", "treatment 1"),
            ("2026-03-29 01:59", "session 2"),
            ("2026-04-01", "note 2"),
        ]
        assert "slept badly" in out
        assert "Ann, affected side: left" in out
        rate = 60 * 2 / read_diary(DIARY).sessions[0].segments[0].valid_s
        assert f"{rate:.1f}" in out

    def test_a_session_is_shown_whole(self, hfs, diary):
        out = hfs("diary", "show", DIARY, 2).out
        assert "session 2, 2026-03-29 01:59 (Europe/Vienna)" in out
        assert re.search(r"eyelid_twitch +│ +2 │", out)
        assert "facemesh" in out
        assert "(as it was added)" in out

    def test_a_result_that_changed_or_is_gone_is_told(self, hfs, diary, visits):
        (visits[0] / "events.csv").write_text((visits[0] / "events.csv").read_text() + "\n")
        assert "changed since it was added" in hfs("diary", "show", DIARY, 1).out
        visits[0].rename("elsewhere")
        assert "(missing)" in hfs("diary", "show", DIARY, 1).out
        outcome = hfs("diary", "show", DIARY, 9)
        assert outcome.code == 2
        assert "holds no session 9" in outcome.message

    def test_control_characters_of_a_note_do_not_reach_the_terminal(self, hfs, diary):
        hfs("diary", "note", DIARY, "--date", "2026-04-01", "red \x1b[31m[bold]")
        out = hfs("diary", "list", DIARY).out
        assert "\x1b" not in out
        assert "[bold]" in out


class TestTreatment:
    def test_before_the_first_session_it_is_kept_with_a_warning(self, hfs, diary):
        outcome = hfs("diary", "treatment", DIARY, "--date", "2025-12-31", "--kind", "surgery")
        assert outcome.code == 0
        assert "first session is of 2026-01-05" in outcome.err
        assert [t.kind for t in read_diary(DIARY).treatments] == ["surgery"]

    def test_of_a_later_day_there_is_no_warning(self, hfs, diary):
        outcome = hfs("diary", "treatment", DIARY, "--date", "2026-01-05", "--kind", "surgery")
        assert (outcome.code, outcome.err) == (0, "")

    def test_in_the_future_it_is_refused(self, hfs, diary):
        ahead = f"{datetime.now() + timedelta(days=3):%Y-%m-%d}"
        outcome = hfs("diary", "treatment", DIARY, "--date", ahead, "--kind", "surgery")
        assert outcome.code == 2
        assert "in the future" in outcome.message
        assert read_diary(DIARY).treatments == ()


class TestRemoveAndEdit:
    def test_it_removes_only_when_that_is_sure(self, hfs, diary):
        hfs("diary", "note", DIARY, "--date", "2026-04-01", "x")
        outcome = hfs("diary", "remove", DIARY, "session", 1)
        assert outcome.code == 2
        assert "--yes" in outcome.message
        assert len(read_diary(DIARY).sessions) == 2
        assert hfs("diary", "remove", DIARY, "session", 1, "--yes").code == 0
        assert hfs("diary", "remove", DIARY, "note", 1, "--yes").code == 0
        left = read_diary(DIARY)
        assert ([s.number for s in left.sessions], left.treatments) == ([2], ())

    def test_another_zone_shows_the_same_moments_by_its_clock(self, hfs, diary):
        before = [s.started_utc for s in read_diary(DIARY).sessions]
        outcome = hfs("diary", "edit", DIARY, "--timezone", "Asia/Kolkata", "--affected", "right")
        assert outcome.code == 0
        assert [s.started_utc for s in read_diary(DIARY).sessions] == before
        out = hfs("diary", "list", DIARY).out
        assert "2026-01-05 15:00" in out
        assert "affected side: right" in out

    def test_a_wrong_edit_changes_nothing(self, hfs, diary):
        before = diary.read_bytes()
        assert hfs("diary", "edit", DIARY).code == 2
        assert hfs("diary", "edit", DIARY, "--timezone", "Mars/Olympus").code == 2
        assert diary.read_bytes() == before


def test_what_is_exported_and_where_is_told(hfs, diary):
    outcome = hfs("diary", "export", DIARY, "--out", "out", "--deidentify")
    assert outcome.code == 0
    assert "sessions.csv, counts.csv, treatments.csv are in out" in outcome.out
    with Path("out/sessions.csv").open() as handle:
        assert [row["day"] for row in csv.DictReader(handle)] == ["0", "83"]
    assert "visit" not in "".join(p.read_text() for p in Path("out").iterdir())


def test_a_damaged_diary_is_restored_by_the_command_that_is_told(hfs, diary):
    out = hfs("diary", "backup", DIARY).out
    backup = out.split()[0]
    before, content = hfs("diary", "list", DIARY).out, bytearray(diary.read_bytes())
    content[:100] = bytes(100)
    diary.write_bytes(content)
    outcome = hfs("diary", "add", DIARY, "visit3.results", "--date", "2026-05-01")
    assert outcome.code == 1
    assert "is damaged" in outcome.message
    command = re.search(r"hfs-vision (diary restore) \"([^\"]+)\" \"([^\"]+)\"", outcome.message)
    assert command is not None
    restored = hfs(*command[1].split(), *command.groups()[1:])
    assert restored.code == 0, restored.err
    assert backup in restored.out
    assert hfs("diary", "list", DIARY).out == before
    assert [p.read_bytes() for p in Path.cwd().glob("*.damaged")] == [content]


def test_counting_anew_is_one_settings_version_and_leaves_a_backup(hfs, diary):
    with open_diary(diary) as store:
        store.add(session(3, result=None))
    folders = {p: files_in(p) for p in Path.cwd().glob("*.results")}
    before = read_diary(DIARY)
    outcome = hfs("diary", "recompute", DIARY, "--excursion-threshold", "1",
                  "--max-excursion-threshold", "1")  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "2 sessions counted again" in outcome.out
    assert "session 3 is left as it is: it came from a table" in outcome.err
    now = {s.number: s for s in read_diary(DIARY).sessions}
    pulls = [now[i].segments[0].counts["right", "mouth_pull"] for i in (1, 2)]
    assert pulls == [0, 0]
    assert now[1].settings_sha256 == now[2].settings_sha256 != now[3].settings_sha256
    assert {p: files_in(p) for p in folders} == folders
    (backup,) = Path.cwd().glob("*.backup")
    assert read_diary(backup) == before


@pytest.mark.parametrize("library", ["sqlalchemy", "alembic"])
def test_a_missing_library_is_told_with_what_to_install(hfs, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    outcome = hfs(*NEW)
    assert outcome.code == 2
    assert f"a diary needs {library}" in outcome.message
    assert 'pip install "hfs-vision[diary]"' in outcome.message
    assert not Path(DIARY).exists()


def test_help_teaches_without_loading_the_libraries():
    code = (
        "import sys; from hfs_vision.cli import cli\n"
        "cli(['diary', '--help'], standalone_mode=False)\n"
        "print(sorted({'sqlalchemy', 'alembic'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")
    assert "hfs-vision diary init ann.diary" in done.stdout


def test_no_socket_is_opened(hfs, diary, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr("socket.socket", refuse)
    assert hfs("diary", "list", DIARY).code == 0
    assert hfs("diary", "add", DIARY, "visit3.results", "--date", "2026-05-01").code == 0
