"""``hfs-vision cohort``: what it leaves and what it says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hfs_vision.cohort import counts
from tests.cli.support import files_in, nothing_written, posix_only
from tests.cohort_support import diary, group, rated, save, segment, session, treatment


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight diaries, each in a folder of its own; one person was not treated."""
    folder = tmp_path_factory.mktemp("people")
    untreated = diary(session(-5, segment(1, 1)), person="Zoe", treatments=[treatment(0, "note")])
    for number, each in enumerate([*group(7, 0.3), untreated]):
        save(each, folder / f"{number}" / "diary.sqlite")
    return folder


@posix_only
def test_the_table_of_all_persons_is_written_for_the_user_alone(hfs, people):
    before = files_in(people)
    umask = os.umask(0o022)
    try:
        done = hfs("cohort", "table", people, "--out", "out")
    finally:
        os.umask(umask)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("8 person(s), 43 session(s): cohort_counts.csv")
    assert Path("out").stat().st_mode & 0o077 == 0
    assert len(Path("out/cohort_counts.csv").read_text().splitlines()) == 1 + 43 * 10
    assert {n: content for n, (_, content) in files_in(people).items() if n.endswith("sqlite")} == {
        n: content for n, (_, content) in before.items()
    }
    again = hfs("cohort", "table", people, "--out", "out")
    assert again.code == 2
    assert "--force" in again.message


def test_without_pyarrow_it_is_said_and_no_old_parquet_stays(hfs, people, monkeypatch):
    assert hfs("cohort", "table", people, "--out", "out").code == 0
    monkeypatch.setattr(counts, "_has_pyarrow", lambda: False)
    done = hfs("cohort", "table", people, "--out", "out", "--force", "--deidentify")
    assert done.code == 0
    assert "hfs-vision[export]" in done.err
    assert not Path("out/cohort_counts.parquet").exists()
    assert "Person" not in Path("out/cohort_counts.csv").read_text()


def test_a_comparison_is_shown_and_written(hfs, people):
    done = hfs("cohort", "compare", people, "--treatment", "botulinum_toxin", "--out", "out")
    assert (done.code, done.err) == (0, "")
    assert "persons compared: 7; lower after: 7, higher: 0, the same: 0" in done.out
    assert "p: 0.016 (Wilcoxon signed-rank, exact)" in done.out  # 2 of 2**7
    assert "left out: Zoe: no botulinum toxin is marked" in done.out
    assert "regression to the mean" in done.out
    assert sorted(files_in(Path("out"))) == ["comparison.csv", "comparison.html"]


def test_a_comparison_without_out_writes_nothing(hfs, people):
    options = ("--side", "right", "--kind", "hemifacial_spasm", "--before", 30, "--after", 30, 70)
    done = hfs("cohort", "compare", people, "--treatment", "botulinum_toxin", *options)
    assert done.code == 0
    assert "the 30 days before" in done.out
    assert "the right side" in done.out
    assert nothing_written()


def test_names_are_left_out_where_asked(hfs, people):
    options = ("--treatment", "botulinum_toxin", "--deidentify", "--out", "out")
    done = hfs("cohort", "compare", people, *options)
    assert done.code == 0
    told = done.out + "".join(path.read_text() for path in Path("out").iterdir())
    assert not re.search("Person [A-G]|Zoe|2026-03-01", told)
    assert "person-08" in told


def test_raters_are_compared(hfs, tmp_path):
    for number, keep in enumerate((5, 3, 1, 0)):
        rated(tmp_path, f"v{number}", ["left"] * 5, keep)
    done = hfs("cohort", "raters", tmp_path, "--out", "out")
    assert (done.code, done.err) == (0, "")
    assert "recordings counted by both: 4" in done.out
    assert re.search(r"count +│ both +│ -2\.75 │", done.out)
    assert sorted(files_in(Path("out"))) == ["agreement.csv", "agreement.html", "raters.csv"]
    assert hfs("cohort", "raters", tmp_path, "--out", "out").code == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("table", "nowhere", "--out", "out"), "nowhere names no diary"),
        (("compare", "nowhere", "--treatment", "surgery"), "nowhere names no diary"),
        (("compare", "nowhere", "--treatment", "surgery", "--after", 9, 5), "--after is 9 5"),
        (("raters", "nowhere"), "nowhere names no result folder"),
        (("compare", "nowhere"), "--treatment"),
    ],
)
def test_a_wrong_call_is_one_line_and_ends_with_2(hfs, arguments, told):
    done = hfs("cohort", *arguments)
    assert done.code == 2
    assert told in done.err
    assert nothing_written()
