"""``hfs-vision diary trend``: its files, what it prints, what it refuses."""

from __future__ import annotations

import csv
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sqlalchemy")

from hfs_vision.diary import init_diary, open_diary
from tests.cli.support import files_in
from tests.trend_support import Course, session, simulated_year, treatment

FILES = ["treatments.csv", "trend.csv", "trend.html", "trend.png"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> bytes:
    """A diary of twenty weeks."""
    file = tmp_path_factory.mktemp("filled") / "ann.diary"
    init_diary(file, person="Ann", affected_side="left", timezone="Europe/Vienna")
    made = simulated_year(np.random.default_rng(5), Course().rate, sessions=20, injected=(28,))
    with open_diary(file) as store:
        for record in made.sessions:
            store.add(record)
        store.add_treatment(treatment(0, 28, product="=X", units="25"))
    return file.read_bytes()


@pytest.fixture
def diary(filled, tmp_path) -> Path:
    file = tmp_path / "ann.diary"
    file.write_bytes(filled)
    return file


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_it_writes_page_picture_and_tables_and_prints_them(hfs, diary):
    done = hfs("diary", "trend", diary)
    assert done.code == 0, done.err
    folder = diary.with_suffix(".trend")
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert folder.stat().st_mode & 0o777 == 0o700
    assert "2025-02-03" in done.out
    assert "Before and after treatments" in done.out
    assert "segment: rest; 20 sessions" in done.out
    assert (folder / "trend.png").read_bytes().startswith(b"\x89PNG")
    counted = rows(folder / "trend.csv")
    assert len(counted) == 20
    assert {row["side"] for row in counted} == {"left"}
    effect = rows(folder / "treatments.csv")[0]
    assert float(effect["ratio_high"]) < 1
    assert effect["kind"] == "botulinum_toxin"


def test_it_replaces_its_own_files_and_no_others(hfs, diary):
    assert hfs("diary", "trend", diary).code == 0
    folder = diary.with_suffix(".trend")
    before = files_in(folder)
    (folder / "mine.txt").write_text("mine")
    assert hfs("diary", "trend", diary, "--side", "both").code == 0
    assert len(rows(folder / "trend.csv")) == 40
    assert (folder / "mine.txt").read_text() == "mine"
    assert files_in(folder)["trend.html"] != before["trend.html"]


def test_files_of_those_names_that_are_not_its_own_stay(hfs, diary):
    Path("other").mkdir()
    Path("other/trend.csv").write_text("mine")
    done = hfs("diary", "trend", diary, "--out", "other")
    assert done.code == 2
    assert "no trend of this program" in done.message
    assert [path.name for path in Path("other").iterdir()] == ["trend.csv"]


def test_a_study_folder_keeps_the_trend_beside_its_diary(hfs, diary):
    Path("study").mkdir()
    diary.rename("study/diary.sqlite")
    assert hfs("diary", "trend", "study", "--since-treatment", "botulinum_toxin").code == 0
    assert "days since" in Path("study/diary.trend/trend.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--segment", "singing"], "no session has a segment 'singing'"),
        (["--since-treatment", "surgery"], "no treatment 'surgery'"),
        (["--web", "--out", "x"], "--web writes nothing"),
    ],
)
def test_a_wrong_call_is_told_and_writes_nothing(hfs, diary, arguments, told):
    done = hfs("diary", "trend", diary, *arguments)
    assert done.code == 2
    assert told in done.message
    assert not diary.with_suffix(".trend").exists()


def test_a_diary_without_sessions_is_told(hfs, tmp_path):
    file = init_diary(tmp_path / "new.diary", person="B", affected_side="left", timezone="UTC")
    done = hfs("diary", "trend", file)
    assert done.code == 2
    assert "hfs-vision diary add" in done.message


def test_sessions_that_differ_are_warned_of(hfs, diary):
    with open_diary(diary) as store:
        store.add(session(0, 150, {}, label="rest", fps=15.0))
        store.add(session(0, 151, {}, label="reading"))
    done = hfs("diary", "trend", diary)
    assert "warning: sessions differ in frame rate" in done.err
    assert "warning: 1 session has no segment rest" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal of POSIX")
def test_the_page_is_served_until_ctrl_c(diary):
    httpx, _ = pytest.importorskip("httpx"), pytest.importorskip("fastapi")
    command = [sys.executable, "-m", "hfs_vision", "diary", "trend", str(diary), "--web"]
    with subprocess.Popen(
        [*command, "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            process.stdout.readline()
            url = process.stdout.readline().strip()
            with httpx.Client(follow_redirects=True) as client:
                page = client.get(url)
                home = str(page.url).partition("?")[0]
                right = client.get(f"{home}?side=right&kind=mouth_pull&segment=whole&since=")
                wrong = client.get(f"{home}?side=upper")
            stranger = httpx.get(home)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
    assert process.returncode == 0
    assert page.status_code == 200
    assert "mouth pull, whole session" in right.text
    assert (wrong.status_code, "no side 'upper'" in wrong.text) == (422, True)
    assert stranger.status_code == 403
    assert not diary.with_suffix(".trend").exists()


def test_in_80_columns_no_interval_is_cut(hfs, diary, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with open_diary(diary) as store:
        store.edit(affected_side="both")
    shown = hfs("diary", "trend", diary).out
    assert "…" not in shown
    assert len(re.findall(r"\d\.\d to \d+\.\d\b", shown)) >= 2 * 12
