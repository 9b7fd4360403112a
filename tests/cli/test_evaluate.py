"""``hfs-vision evaluate``: what it prints, writes and refuses."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pytest

from hfs_vision.evaluation.write_scores import SCORE_COLUMNS
from tests.cli.support import files_in
from tests.evaluation.test_read_and_pair import LABELS, MALFORMED, written
from tests.paths import ROOT, SAMPLES

HUMAN = (
    LABELS
    + "2.0,0.3,left,wink,high\n"
    + "5.0,0.3,right,wink,high\n"
    + "8.0,3.0,right,mouth_pull,high\n"
    + "14.0,0.3,left,wink,high\n"
    + "15.0,0.3,left,wink,low\n"
    + "17.0,0.3,both,blink,high\n"
)
MACHINE = (
    LABELS
    + "2.12,0.3,left,wink,\n"  # right
    + "5.02,0.3,left,wink,\n"  # of the wrong side
    + "8.05,1.0,right,mouth_pull,\n"  # right
    + "9.5,1.0,right,mouth_pull,\n"  # split
    + "15.0,0.3,left,wink,\n"  # unsure
    + "17.0,0.3,left,wink,\n"  # false, in a blink
)


@pytest.fixture
def files(tmp_path):
    return written(tmp_path, HUMAN, "human.csv"), written(tmp_path, MACHINE, "machine.csv")


def words(text):
    return [line.split() for line in text.splitlines()]


def test_the_table_shows_what_was_found_missed_and_false(hfs, files):
    outcome = hfs("evaluate", *files, "--duration", 60)
    assert outcome.code == 0
    rows = {row[0]: row[1:] for row in words(outcome.out) if row}
    found = [row for row in words(outcome.out) if row[:1] == ["within"]]
    assert [row[1] for row in found] == ["0.1", "0.15", "0.25"]
    assert found[0][3:] == ["4", "1", "3", "0", "3", "1", "0.25", "0.25", "0.25", "3.00"]
    assert found[1][3:] == ["4", "2", "2", "0", "2", "1", "0.50", "0.50", "0.50", "2.00"]
    assert rows["right"][:6] == ["2", "1", "1", "0", "0", "1"]
    assert rows["mouth_pull"][:3] == ["1", "1", "0"]
    assert "wrong side: 1 of 3" in outcome.out
    assert "false events by situation: blink 1 (in 1, 0.3 s), elsewhere 1" in outcome.out
    assert "time: 1.00 min (--duration)" in outcome.out
    assert "onset     +85 ms in the median" in outcome.out
    assert "split ones as false: recall 0.50, precision 0.40" in outcome.out
    assert "1 reference event(s) below the confidence" in outcome.err
    assert "last row" not in outcome.err
    assert not files_in(Path.cwd())


def test_options_change_what_counts(hfs, files):
    sure = hfs("evaluate", *files, "--min-confidence", "low", "--tolerance", "0.1")
    assert "By side, region and kind, onset within 0.1 s" in sure.out
    assert "below the confidence" not in sure.err
    assert "too high" in sure.err
    found = [row for row in words(sure.out) if row[:2] == ["within", "0.1"]]
    assert found[0][3:6] == ["5", "2", "3"]
    wide = hfs("evaluate", *files, "--tolerance", "0.5")
    labels = [row[1] for row in words(wide.out) if row[:1] == ["within"]]
    assert labels == ["0.1", "0.15", "0.25", "0.5"]


def test_json_holds_everything_and_the_fate_of_each_event(hfs, files, tmp_path):
    out = tmp_path / "scores.json"
    assert hfs("evaluate", *files, "--duration", 60, "--json", out).code == 0
    values = json.loads(out.read_text(), parse_constant=lambda c: pytest.fail(c))
    overall = values["overall"]
    assert (overall["matched"], overall["split"], overall["unsure"], overall["false"]) == (
        2,
        1,
        1,
        2,
    )
    assert overall["false_per_min"] == 2.0
    assert list(values["by_criterion"]) == ["0.1", "0.15", "0.25", "overlap"]
    assert values["by_criterion"]["0.1"]["matched"] == 1
    assert values["by_kind"]["mouth_pull"]["recall"] == 1
    assert values["by_side"]["left"]["wrong_side"] == 1
    assert values["onset_error_s"]["mean_abs"] == 0.085
    assert values["agreement"]["all"]["icc"] is None
    assert "1 recording" in values["agreement"]["all"]["note"]
    assert values["situations"][0] == {"kind": "blink", "rows": 1, "time_s": 0.3, "false": 1}
    (recording,) = values["recordings"]
    assert recording["name"] == "human"
    fates = [event["outcome"] for event in recording["events"]]
    assert fates == ["matched"] * 2 + ["missed"] * 2 + ["split", "unsure", "false", "false"]
    assert recording["events"][2]["reference"]["onset_s"] == 5.0
    assert recording["events"][2]["estimated"] is None


def test_csv_has_one_row_for_each_recording_criterion_side_and_kind(hfs, files, tmp_path):
    out = tmp_path / "scores.csv"
    assert hfs("evaluate", *files, "--csv", out).code == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert tuple(rows[0]) == SCORE_COLUMNS
    assert len(rows) == 4 * 3 * 6
    keys = {(r["recording"], r["criterion"], r["side"], r["kind"]) for r in rows}
    assert len(keys) == len(rows)
    at = {(r["criterion"], r["side"], r["kind"]): r for r in rows}
    assert at["0.15", "right", "mouth_pull"]["region"] == "mouth"
    assert at["0.15", "right", "mouth_pull"]["recall"] == "1.000000"
    assert at["0.15", "right", "hemifacial_spasm"]["recall"] == ""
    kinds = sum(
        int(r["false"]) for (c, s, k), r in at.items() if (c, s) == ("0.15", "left") and k != "all"
    )
    assert kinds == int(at["0.15", "left", "all"]["false"]) == 2


def test_a_folder_of_pairs_gives_agreement_of_counts(hfs, tmp_path):
    for number in range(4):
        rows = [f"{t},0.3,left,eye\n" for t in range(2, 2 + 5 * number, 5)]
        head = "onset_s,duration_s,side,region\n"
        written(tmp_path / "human", head + "".join(rows), f"clip {number}.csv")
        extra = "90,0.3,right,eye\n" if number == 3 else ""
        machine = written(
            tmp_path / "machine", head + "".join(rows) + extra, f"clip {number}.results/events.csv"
        )
        summary = {"valid_s": 60.0, "end_s": 100.0}
        machine.with_name("summary.json").write_text(json.dumps(summary))
    outcome = hfs("evaluate", tmp_path / "human", tmp_path / "machine")
    assert outcome.code == 0
    assert outcome.err == ""
    assert "time: 4.00 min (valid time in summary.json)" in outcome.out
    assert "recordings without a reference event: 1, 1.00 min, 0 false, 0.00 per min" in outcome.out
    assert "counts, all: bias +0.25, 95 % limits -0.73 to +1.23, ICC(2,1) 0.95" in outcome.out
    assert "counts, left: bias +0.00, 95 % limits +0.00 to +0.00, ICC(2,1) 1.00" in outcome.out
    assert "counts, right: bias +0.25" in outcome.out
    assert len([row for row in words(outcome.out) if row[:1] == ["clip"]]) == 4
    (tmp_path / "human" / "clip 9.csv").write_text(LABELS)
    failed = hfs("evaluate", tmp_path / "human", tmp_path / "machine")
    assert failed.code == 1
    assert "has nothing for clip 9" in failed.message
    common = hfs("evaluate", tmp_path / "human", tmp_path / "machine", "--only-common")
    assert common.code == 0
    assert "left out, being in one folder only: clip 9" in common.err


def test_a_truth_against_itself_is_perfect(hfs, tmp_path):
    truth = shutil.copy(SAMPLES / "right_hemifacial_spasms.truth.csv", tmp_path / "a.truth.csv")
    outcome = hfs("evaluate", truth, truth)
    assert outcome.code == 0
    found = [row for row in words(outcome.out) if row[:2] == ["within", "0.15"]]
    assert found[0][3:9] == ["10", "10", "0", "0", "0", "0"]
    assert "blink 0 (in 6" in outcome.out


def test_nothing_against_nothing_is_no_error(hfs, tmp_path):
    empty = written(tmp_path, LABELS)
    outcome = hfs("evaluate", empty, empty, "--json", tmp_path / "out.json")
    assert outcome.code == 0
    assert json.loads((tmp_path / "out.json").read_text())["overall"]["recall"] is None


@pytest.mark.parametrize(("text", "what"), [m for m in MALFORMED if "40 s" not in m[1]][::3])
def test_malformed_files_are_one_line_and_exit_1(hfs, tmp_path, text, what):
    good, bad = written(tmp_path, LABELS, "good.csv"), written(tmp_path, text, "bad.csv")
    outcome = hfs("evaluate", bad, good, "--json", tmp_path / "out.json")
    assert outcome.code == 1
    assert "bad.csv" in outcome.message
    assert not (tmp_path / "out.json").exists()
    if "overlaps" not in what:
        assert hfs("evaluate", good, bad).code == 1


def test_a_reference_beyond_the_end_is_one_line_and_exit_1(hfs, files):
    outcome = hfs("evaluate", *files, "--duration", 14.1)
    assert outcome.code == 1
    assert "human.csv, row 5: the event runs from 14 s to 14.3 s, but" in outcome.message


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--tolerance", "-1"), "-1"),
        (("--tolerance", "nan"), "'--tolerance': nan is not a number"),
        (("--duration", "0"), "0"),
        (("--duration", "inf"), "'--duration': inf is not a number"),
        (("--min-confidence", "sure"), "sure"),
        (("--json", "x", "--csv", "./x"), "give two files"),
        (("--csv", "."), "already there"),
        (("extra",), "extra"),
    ],
)
def test_a_wrong_call_is_refused_with_exit_2(hfs, files, options, what):
    outcome = hfs("evaluate", *files, *options)
    assert outcome.code == 2
    assert what in outcome.message
    assert not files_in(Path.cwd())


def test_paths_that_do_not_exist_are_refused(hfs, files, tmp_path):
    outcome = hfs("evaluate", files[0], "nowhere")
    assert outcome.code == 2
    assert "nowhere does not exist" in outcome.message
    outcome = hfs("evaluate", *files, "--json", tmp_path / "no" / "folder.json")
    assert outcome.code == 1
    assert "its folder does not exist" in outcome.message


def test_files_that_are_there_are_kept_unless_forced(hfs, files, tmp_path):
    out = written(tmp_path, "mine", "out.csv")
    outcome = hfs("evaluate", *files, "--csv", out)
    assert outcome.code == 2
    assert "--force" in outcome.message
    assert out.read_text() == "mine"
    assert hfs("evaluate", *files, "--csv", out, "--force").code == 0
    assert out.read_text().startswith("recording,")


def test_a_disk_that_fails_leaves_the_old_file_and_nothing_else(hfs, files, tmp_path, monkeypatch):
    out = written(tmp_path, "mine", "out.csv")

    def fail(handle, **_):
        handle.write("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hfs_vision.cli.evaluate.write_scores", fail)
    outcome = hfs("evaluate", *files, "--csv", out, "--force")
    assert outcome.code == 1
    assert "No space left on device" in outcome.message
    assert out.read_text() == "mine"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".writing")]


def test_the_example_of_the_documentation_prints_what_it_says(hfs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    page = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"<!-- ([\w.]+) -->\n```\w*\n(.*?)```", page, re.DOTALL))
    for name in ("human.csv", "machine.csv"):
        Path(name).write_text(blocks[name])
    outcome = hfs("evaluate", "human.csv", "machine.csv", "--duration", 60)
    shown = [line.rstrip() for line in (outcome.out + outcome.err).splitlines()]
    assert shown == blocks["output"].splitlines()
