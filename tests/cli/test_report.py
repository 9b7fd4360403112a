"""``hfs-vision report``, and the report that the other commands leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfs_vision.cli import report as cli_report
from hfs_vision.errors import OutputError
from tests.cli.support import VIDEO, files_in, remux
from tests.models_here import needs_model


def test_report_makes_the_page_anew_and_says_where_it_is(hfs, results):
    before = files_in(results)
    outcome = hfs("report", results)
    assert (outcome.code, outcome.out.strip()) == (0, str(results / "report.html"))
    page = (results / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    (results / "events.csv").write_text("onset_s,duration_s,side,region\n3,0.5,left,eye\n")
    assert hfs("report", results).code == 0
    assert "left 1, right 0" in (results / "report.html").read_text(encoding="utf-8")
    after = files_in(results)
    assert {n for n in after if after[n] != before.get(n)} == {"report.html", "events.csv"}


def test_it_goes_where_it_is_asked_to(hfs, results):
    assert hfs("report", results, "--out", "sub/page.html").code == 0
    assert Path("sub/page.html").is_file()
    assert Path("sub").stat().st_mode & 0o777 == 0o700
    assert not (results / "report.html").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["missing.results"], "missing.results is not a folder"),
        (["."], "holds no events.csv"),
        (["{results}", "{results}", "--out", "a.html"], "2 folders are given"),
        (["{results}", "--out", "notes.txt"], "no report of this program"),
    ],
)
def test_a_wrong_call_is_told_and_changes_nothing(hfs, results, arguments, told):
    Path("notes.txt").write_text("mine")
    before = files_in(results)
    outcome = hfs("report", *(text.format(results=results) for text in arguments))
    assert outcome.code == 2
    assert told in outcome.message
    assert files_in(results) == before
    assert Path("notes.txt").read_text() == "mine"


def test_one_wrong_folder_does_not_keep_the_others_from_their_reports(hfs, results):
    outcome = hfs("report", "missing.results", results)
    assert outcome.code == 2
    assert "missing.results" in outcome.message
    assert (results / "report.html").exists()


def test_detect_writes_one_unless_told_not_to(hfs, results):
    signals = results / "signals.csv"
    outcome = hfs("detect", signals, "--out", "again")
    assert outcome.code == 0
    assert "report.html is in again" in outcome.out
    assert "left 1, right 1" in Path("again/report.html").read_text(encoding="utf-8")
    assert not (results / "report.html").exists()
    # One that is there must not speak of other tables than those beside it.
    assert hfs("detect", signals, "--out", "again", "--force", "--no-report").code == 0
    assert not Path("again/report.html").exists()
    assert Path("again/events.csv").exists()


def test_a_report_alone_is_no_result_that_is_in_the_way(hfs, results):
    assert hfs("report", results, "--out", "again/report.html").code == 0
    page = Path("again/report.html")
    page.write_text(page.read_text(encoding="utf-8").replace("left 1, right 1", "old"), "utf-8")
    assert hfs("detect", results / "signals.csv", "--out", "again").code == 0
    assert "left 1, right 1" in Path("again/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("error", [OutputError("the disk is full"), ZeroDivisionError("oh")])
def test_a_report_that_fails_leaves_the_tables_and_says_so(hfs, results, monkeypatch, error):
    def fail(path: Path, **_: object) -> Path:
        raise error

    monkeypatch.setattr(cli_report, "write_report", fail)
    outcome = hfs("detect", results / "signals.csv", "--out", "again")
    assert outcome.code == 1
    assert str(error) in outcome.err
    assert "the tables are complete" in outcome.err
    assert "Traceback" not in outcome.err
    assert "events.csv" in outcome.out
    for name in ("events.csv", "signals.csv", "summary.json"):
        assert Path("again", name).exists()


@needs_model
def test_analyze_and_live_write_one(hfs, clip):
    assert hfs("analyze", clip, "--out", "a").code == 0
    live = hfs("live", "--file", clip, "--no-display", "--out", "b")
    assert live.code == 0
    for folder in ("a", "b"):
        page = Path(folder, "report.html").read_text(encoding="utf-8")
        assert "left 0, right 1" in page
        assert "clip" not in page.replace("clip-path", "").replace("clipPath", "")
    assert "report.html is in b" in live.out


@needs_model
def test_batch_writes_them_where_asked_also_for_what_was_done_before(hfs, clip):
    clips = Path("clips")
    clips.mkdir()
    remux(VIDEO, clips / "one.mp4", until_s=3.0)
    remux(VIDEO, clips / "two.mp4", until_s=4.0)
    (clips / "broken.mp4").write_bytes(b"this is no video" * 100)
    batch = ("batch", clips, "--out", "out", "--jobs", 2)
    made = [Path("out", f"{name}.results/report.html") for name in ("one", "two")]
    assert hfs(*batch).code == 1
    assert not any(path.exists() for path in made)
    assert hfs(*batch, "--report").code == 1  # of the broken one
    assert all(path.exists() for path in made)
    assert not Path("out/broken.results/report.html").exists()
    assert hfs(*batch, "--force").code == 1
    assert not any(path.exists() for path in made)


def test_a_batch_says_how_many_reports_it_wrote_also_of_finished_results(results, capfd):
    reports = cli_report.BatchReports(wanted=True, force=False)
    (results / "report.html").unlink(missing_ok=True)
    reports.after(results, "skipped")
    assert reports.finish(stopped=False)
    assert (results / "report.html").exists()
    assert "1 report.html written" in capfd.readouterr().out
    reports = cli_report.BatchReports(wanted=True, force=False)
    reports.after(results, "skipped")  # which has one
    assert reports.finish(stopped=False)
    assert capfd.readouterr().out == ""
