"""The file of a diary: made, of another version, damaged, copied and put back."""

import re
import shutil
import signal
import sqlite3
import stat
import sys
import time
from contextlib import closing
from datetime import date

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hfs_vision.diary import Treatment, init_diary, migrating, open_diary, read_diary, tables
from hfs_vision.diary.backups import back_up, restore
from hfs_vision.diary.database import Database
from hfs_vision.diary.paths import newest_backup, relative
from hfs_vision.errors import DiaryError, OutputError, UsageError
from tests.diary_support import LABELS, comparable, new_diary, session, writer

NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.add_column("person", sa.Column("colour", sa.String, server_default="blue"))
    op.execute(sa.text("UPDATE person SET colour = 'green'"))
    {more}
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    made = new_diary(tmp_path_factory.mktemp("diary") / "ann.diary")
    with open_diary(made) as store:
        for day in range(20):
            store.add(session(day, labels=LABELS))
    return made


@pytest.fixture
def path(original, tmp_path):
    return shutil.copy2(original, tmp_path / "ann.diary")


def all_of(path):
    return [comparable(s) for s in read_diary(path).sessions]


def rows(path, query):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def a_newer_program(monkeypatch, folder, more="pass"):
    """A program whose layout is one step ahead of this one's."""
    steps = shutil.copytree(migrating.MIGRATIONS, folder / "migrations")
    (steps / "versions" / "v0002_next.py").write_text(NEXT.format(more=more))
    monkeypatch.setattr(migrating, "MIGRATIONS", steps)
    monkeypatch.setattr(tables, "HEAD", "0002")


class TestMaking:
    def test_a_folder_gets_a_diary_of_its_own_and_is_one(self, tmp_path):
        assert new_diary(tmp_path) == tmp_path / "diary.sqlite"
        assert read_diary(tmp_path).person == "Ann"

    def test_it_is_private_to_the_user(self, path):
        if sys.platform != "win32":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_what_is_there_is_kept(self, tmp_path, path):
        (tmp_path / "other.txt").write_text("not a diary")
        rival = sqlite3.connect(tmp_path / "other.sqlite")
        rival.execute("CREATE TABLE mine (x)")
        rival.close()
        for taken in (path, tmp_path / "other.txt", tmp_path / "other.sqlite"):
            before = taken.read_bytes()
            with pytest.raises(UsageError, match="exists: choose another name"):
                new_diary(taken)
            assert taken.read_bytes() == before

    def test_what_a_killed_call_has_left_is_made_a_diary(self, tmp_path):
        (tmp_path / "ann.diary").touch()
        with pytest.raises(DiaryError, match="never finished"):
            read_diary(tmp_path / "ann.diary")
        assert read_diary(new_diary(tmp_path / "ann.diary")).sessions == ()

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"affected_side": "top"}, "affected side is 'top'"),
            ({"timezone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ],
    )
    def test_a_wrong_value_makes_no_file(self, tmp_path, values, told):
        given = {"person": "Ann", "affected_side": "left", "timezone": "UTC", **values}
        with pytest.raises(UsageError, match=told):
            init_diary(tmp_path / "ann.diary", **given)
        assert not list(tmp_path.iterdir())

    def test_a_place_that_cannot_be_written_is_told(self, tmp_path):
        with pytest.raises(OutputError, match="choose another place"):
            new_diary(tmp_path / "nowhere" / "ann.diary")

    def test_what_does_not_exist_is_not_made_by_reading(self, tmp_path):
        with pytest.raises(UsageError, match="hfs-vision diary init"):
            read_diary(tmp_path / "ann.diary")
        assert not list(tmp_path.iterdir())


class TestVersions:
    def test_the_steps_lead_to_the_layout_that_the_program_reads(self, path):
        assert ScriptDirectory(str(migrating.MIGRATIONS)).get_current_head() == tables.HEAD
        with Database(path).reading() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, tables.metadata) == []

    def test_an_older_diary_is_backed_up_and_brought_up_to_date(self, path, tmp_path, monkeypatch):
        before = all_of(path)
        a_newer_program(monkeypatch, tmp_path)
        assert all_of(path) == before
        assert rows(path, "SELECT colour FROM person") == [("green",)]
        assert rows(path, "SELECT version_num FROM alembic_version") == [("0002",)]
        backup = newest_backup(path)
        assert rows(backup, "SELECT version_num FROM alembic_version") == [("0001",)]
        all_of(path)
        assert len(list(tmp_path.glob("*.backup"))) == 1  # once up to date there is no other

    def test_a_step_that_fails_changes_nothing(self, path, tmp_path, monkeypatch):
        a_newer_program(monkeypatch, tmp_path, more="raise RuntimeError('no')")
        before = path.read_bytes()
        with pytest.raises(RuntimeError):
            read_diary(path)
        assert path.read_bytes() == before

    def test_a_diary_of_a_newer_program_is_told_and_left(self, path, tmp_path, monkeypatch):
        with monkeypatch.context() as newer:
            a_newer_program(newer, tmp_path)
            read_diary(path)
        before = path.read_bytes()
        with pytest.raises(DiaryError, match=r"newer hfs-vision \(layout 0002, this one .* 0001\)"):
            read_diary(path)
        assert path.read_bytes() == before


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without_header(path):
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


def one_page_of_noise(path):
    content = bytearray(path.read_bytes())
    last = len(content) // 4096 - 2
    content[4096 * last : 4096 * last + 2048] = bytes(range(256)) * 8
    path.write_bytes(content)


class TestDamage:
    @pytest.mark.parametrize("harm", [cut, without_header, one_page_of_noise])
    def test_it_is_told_with_the_way_back_which_leads_there(self, path, harm):
        before, backup = all_of(path), back_up(path)
        harm(path)
        broken = path.read_bytes()
        with pytest.raises(DiaryError, match="is damaged") as told:
            read_diary(path)
        assert f'hfs-vision diary restore "{path}" "{backup}"' in str(told.value)
        kept = restore(path, backup)
        assert kept.read_bytes() == broken
        assert all_of(path) == before

    def test_of_several_backups_the_newest_is_named(self, path):
        back_up(path, path.with_name("ann.diary.20200101-000000.backup"))
        newest = back_up(path)
        cut(path)
        with pytest.raises(DiaryError, match=re.escape(newest.name)):
            read_diary(path)

    def test_without_a_backup_that_is_told(self, path):
        cut(path)
        with pytest.raises(DiaryError, match="no backup is beside it"):
            read_diary(path)

    @pytest.mark.parametrize(
        ("table", "name", "value"),
        [
            ("session", "started_utc", "long ago"),
            ("session", "started_utc", "0001-01-01 00:00:00.000000"),
            ("session", "fps", "fast"),
            ("session", "warnings", "5"),
            ("session", "partial", 7),
            ("segment", "valid_s", "abc"),
            ("segment", "valid_s", -1.0),
            ("segment", "left_mouth_pull_count", 1.5),
            ("segment", "left_mouth_pull_time_s", "x"),
        ],
    )
    def test_a_session_with_a_value_that_cannot_be_is_put_apart(self, path, table, name, value):
        number = "number" if table == "session" else "session"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"UPDATE {table} SET {name} = ? WHERE {number} = 3", [value])
            connection.commit()
        held = read_diary(path)
        assert 3 not in {known.number for known in held.sessions}
        (bad,) = held.bad
        assert (bad.what, bad.number) == ("session", 3)
        assert "diary remove DIARY session 3" in bad.told
        with open_diary(path) as store:
            with pytest.raises(DiaryError, match="session 3 cannot be read"):
                store.session(3)
            store.remove_session(3)
            assert not store.load().bad

    @pytest.mark.parametrize("value", ["0026-03-01", "2026-02-30", "soon", 5])
    def test_a_treatment_with_a_date_that_cannot_be_is_put_apart(self, path, value):
        with open_diary(path) as store:
            number = store.add_treatment(Treatment(date=date(2026, 3, 1), kind="surgery"))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE treatment SET date = ?", [value])
            connection.commit()
        held = read_diary(path)
        assert not held.treatments
        assert [(bad.what, bad.number) for bad in held.bad] == [("treatment", number)]

    @pytest.mark.parametrize("name", ["session", "segment", "alembic_version"])
    def test_a_view_without_end_in_the_place_of_a_table_is_refused(self, path, tmp_path, name):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"ALTER TABLE {name} RENAME TO old_{name}")
            connection.execute(
                f"CREATE VIEW {name} AS WITH RECURSIVE endless(number) AS "
                "(SELECT 1 UNION ALL SELECT number + 1 FROM endless) SELECT * FROM endless"
            )
            connection.commit()
        with pytest.raises(DiaryError, match=rf"holds the view '{name}'"):
            read_diary(path)
        with pytest.raises(DiaryError, match=rf"holds the view '{name}'"):
            restore(tmp_path / "other.diary", path)

    @pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
    def test_a_signal_ends_a_query_without_end(self, path):
        def end(number, frame):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, end)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            with pytest.raises(KeyboardInterrupt), Database(path).driver() as connection:
                connection.execute(
                    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                    "SELECT max(x) FROM n"
                ).fetchall()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def test_a_damaged_diary_is_not_backed_up_over_sound_ones(self, path, tmp_path):
        one_page_of_noise(path)
        with pytest.raises(DiaryError, match="damaged"):
            back_up(path, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()
        assert [p.name for p in tmp_path.iterdir()] == [path.name]

    def test_another_database_is_no_diary(self, tmp_path):
        other = sqlite3.connect(tmp_path / "other.sqlite")
        other.execute("CREATE TABLE mine (x)")
        other.close()
        with pytest.raises(DiaryError, match="is no diary"):
            read_diary(tmp_path / "other.sqlite")


class TestBackup:
    def test_while_others_write_it_is_whole(self, path, tmp_path):
        process, begun = writer(path, 1000, 1015)
        assert begun.recv() == "begun"
        copies = []
        while process.is_alive():
            copies.append(back_up(path, tmp_path / f"copy{len(copies)}"))
            time.sleep(0.02)
        process.join()
        assert process.exitcode == 0
        assert len(copies) > 1
        for copy in copies:
            found = all_of(copy)
            assert len(found) > 20  # what the writer had told was in it
            assert found == all_of(path)[: len(found)]

    def test_it_is_private_and_no_file_is_replaced(self, path, tmp_path):
        copies = [back_up(path) for _ in range(3)]  # in one second
        assert len(set(copies)) == 3
        assert {stat.S_IMODE(copy.stat().st_mode) for copy in copies} == {0o600}
        with pytest.raises(UsageError, match="exists: name another file"):
            back_up(path, copies[0])
        with pytest.raises(OutputError, match="name another file"):
            back_up(path, tmp_path / "nowhere" / "copy")

    def test_what_a_killed_writer_left_does_not_touch_what_is_restored(self, path):
        backup = back_up(path)
        journal = path.with_name(f"{path.name}-journal")
        journal.write_bytes(b"left by a crash")
        path.write_bytes(b"damaged")
        kept = restore(path, backup)
        assert kept.with_name(f"{kept.name}-journal").read_bytes() == b"left by a crash"
        assert not journal.exists()
        assert len(all_of(path)) == 20

    def test_a_lost_diary_is_restored_too(self, path):
        backup = back_up(path)
        path.unlink()
        assert restore(path, backup) is None
        assert len(all_of(path)) == 20
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_what_is_no_backup_replaces_nothing(self, path, tmp_path):
        (tmp_path / "text").write_text("no database, but a text")
        other = sqlite3.connect(tmp_path / "other")
        other.execute("CREATE TABLE mine (x)")
        other.close()
        before = path.read_bytes()
        for wrong in ("text", "other"):
            with pytest.raises(DiaryError, match="no diary"):
                restore(path, tmp_path / wrong)
        for wrong in ("nowhere", path.name):
            with pytest.raises(UsageError, match="give a"):
                restore(path, tmp_path / wrong)
        assert path.read_bytes() == before


def test_who_writes_for_long_lets_others_say_so(path):
    with Database(path).writing():
        second, told = Database(path, wait_s=0.1), r"in use by another program for 0\.1 s"
        with pytest.raises(DiaryError, match=told), second.writing():
            pass
        assert len(all_of(path)) == 20  # readers need not wait


def test_paths_are_kept_from_the_diary_s_folder(tmp_path):
    assert relative(tmp_path / "a" / "b.results", tmp_path) == "a/b.results"
    assert relative(tmp_path / "b.results", tmp_path / "diaries") == "../b.results"
