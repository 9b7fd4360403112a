"""Files of the user, and of a command's own input, stay as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hfs_vision.results import held, read_folder
from tests.cli.support import posix_only
from tests.footage_support import annotated

MINE = "something of my own"


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MINE)


def test_an_input_with_the_name_of_a_result_stays(hfs, results):
    annotated(Path("annotated.mp4"))
    before = Path("annotated.mp4").read_bytes()
    for options in ((), ("--force",), ("--annotated", "--force")):
        done = hfs("analyze", "annotated.mp4", "--out", ".", *options)
        assert done.code == 2
        assert "annotated.mp4 would be replaced, and is what this command reads" in done.message
        assert [path.name for path in Path().glob("*.mp4")] == ["annotated.mp4"]
        assert Path("annotated.mp4").read_bytes() == before
        assert not Path("events.csv").exists()


@posix_only
@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_an_input_stays_under_its_other_names_too(hfs, results, link):
    annotated(Path("recording-of-today.mp4"))
    Path("out").mkdir()
    getattr(Path("out/annotated.mp4"), link)(Path("recording-of-today.mp4").absolute())
    done = hfs("analyze", "recording-of-today.mp4", "--out", "out", "--annotated", "--force")
    assert done.code == 2
    assert "is what this command reads" in done.message


def test_settings_that_are_read_from_a_result_stay(hfs, results):
    shutil.copytree(results, "out")
    before = Path("out/summary.json").read_bytes()
    done = hfs(
        "detect",
        results / "signals.csv",
        "--settings",
        "out/summary.json",
        "--out",
        "out",
        "--force",
    )
    assert done.code == 2
    assert "out/summary.json would be replaced, and is what this command reads" in done.message
    assert Path("out/summary.json").read_bytes() == before


def test_tables_of_others_are_no_input_that_detect_may_write_anew(hfs, results):
    # Of measurements that somebody wrote himself detect would leave out his own columns.
    Path("out").mkdir()
    shutil.copy(results / "signals.csv", "out/signals.csv")
    Path("mine.csv").hardlink_to("out/signals.csv")
    done = hfs("detect", "mine.csv", "--out", "out", "--force")
    assert done.code == 2
    assert "out/signals.csv would be replaced, and is what this command reads" in done.message


def test_a_video_and_a_page_of_others_stay_and_only_a_page_that_is_wanted_is_in_the_way(
    hfs, results
):
    put(Path("out/annotated.mp4"), Path("out/report.html"))
    done = hfs("detect", results / "signals.csv", "--out", "out")
    assert done.code == 2
    assert "out/report.html is there and was not written by this program" in done.message
    assert not Path("out/events.csv").exists()
    assert hfs("detect", results / "signals.csv", "--out", "out", "--no-report").code == 0
    for name in ("annotated.mp4", "report.html"):
        assert Path("out", name).read_text() == MINE
    assert hfs("detect", results / "signals.csv", "--out", "out", "--force").code == 0
    assert Path("out/annotated.mp4").read_text() == MINE
    assert "hfs-vision" in Path("out/report.html").read_text(encoding="utf-8")


def test_a_video_of_ours_makes_way_for_another_result(hfs, results):
    Path("out").mkdir()
    annotated(Path("out/annotated.mp4"))
    assert hfs("detect", results / "signals.csv", "--out", "out").code == 0
    assert not Path("out/annotated.mp4").exists()


@posix_only
def test_a_link_that_leads_nowhere_is_a_file_that_is_there(hfs, results):
    Path("out").mkdir()
    Path("out/counts.csv").symlink_to(Path("elsewhere.csv").absolute())
    assert hfs("detect", results / "signals.csv", "--out", "out").code == 2
    assert hfs("detect", results / "signals.csv", "--out", "out", "--force").code == 0
    assert not Path("elsewhere.csv").exists()
    assert not Path("out/counts.csv").is_symlink()


def test_a_batch_takes_no_table_of_others(hfs, results, clip):
    put(Path("out/cohort.csv"))
    done = hfs("batch", clip, "--out", "out")
    assert done.code == 2
    assert "out/cohort.csv is no table of a batch" in done.message
    Path("out/cohort.csv").unlink()
    put(Path("out") / f"{Path(clip).stem}.results" / "events.csv")
    done = hfs("batch", clip, "--out", "out")
    assert done.code == 2
    assert "events.csv is there and was not written by this program" in done.message
    assert (Path("out") / f"{Path(clip).stem}.results" / "events.csv").read_text() == MINE


def test_a_folder_that_a_session_writes_is_left_to_it(hfs, results):
    shutil.copytree(results, "out")
    before = {path.name: path.read_bytes() for path in Path("out").iterdir()}
    with held(Path("out")):
        for command in (
            ("detect", results / "signals.csv", "--out", "out", "--force"),
            ("report", "out"),
        ):
            done = hfs(*command)
            assert done.code == 1, command
            assert "is being written by a running session" in done.message
        assert hfs("report", "out", "--out", "page.html").code == 0
    assert {path.name: path.read_bytes() for path in Path("out").iterdir()} == before
    assert read_folder(Path("out")).machine_events


def test_scores_and_simulations_never_take_what_they_read(hfs, results):
    shutil.copy(results / "events.csv", "truth.csv")
    before = Path("truth.csv").read_bytes()
    done = hfs("evaluate", "truth.csv", results / "events.csv", "--csv", "truth.csv", "--force")
    assert done.code == 2
    assert "is what this command reads" in done.message
    assert Path("truth.csv").read_bytes() == before


def test_a_diary_in_place_of_an_empty_file_is_private(hfs, results):
    file = Path("diary.sqlite")
    file.touch()
    file.chmod(0o644)
    done = hfs("diary", "init", file, "--person", "P", "--affected", "left")
    assert done.code == 0, done.err
    assert file.stat().st_mode & 0o077 == 0
