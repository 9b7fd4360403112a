"""``hfs-vision evaluate`` on corrected events: as a reference, and of two reviewers."""

from __future__ import annotations

import csv
import io
import json
import shutil

import pytest

from hfs_vision.errors import UsageError
from hfs_vision.evaluation.pair_files import FilePair, find_pairs
from tests.evaluation.test_read_and_pair import LABELS, written
from tests.review_support import opened, save_result


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """AB rejects the first of four events and adds one; CD rejects the second, and adds none."""
    path = save_result(tmp_path_factory.mktemp("original") / "a.results")
    with opened(path, "AB") as review:
        review.change(1, verdict="rejected")
        review.add(onset_s=5, offset_s=5.5, side="right", region="mouth")
    with opened(path, "CD", file=path / "cd.csv") as review:
        review.change(2, verdict="rejected")
    return path


@pytest.fixture
def path(original, tmp_path):
    return shutil.copytree(original, tmp_path / "a.results")


def within(outcome) -> list[str]:
    """Events, found, missed, merged, false and split at 0.15 s."""
    rows = [line.split() for line in outcome.out.splitlines()]
    (row,) = [row for row in rows if row[:2] == ["within", "0.15"]]
    return row[3:9]


@pytest.mark.parametrize("reference", ["events.reviewed.csv", ""])
def test_corrected_events_are_the_reference_of_the_machines(hfs, path, reference):
    outcome = hfs("evaluate", path / reference, path)
    assert outcome.code == 0
    # The rejected event is false, the added one was missed.
    assert within(outcome) == ["4", "3", "1", "0", "1", "0"]
    assert "valid time in summary.json" in outcome.out
    assert "two reviewers" not in outcome.out
    told = "3 of 5 events of events.reviewed.csv were not looked at, and count as agreed"
    assert outcome.err == f"warning: a: {told}: end the review first\n"


def test_a_review_that_is_ended_needs_no_word(hfs, path):
    with opened(path, "AB") as review:
        for number in (2, 3, 4):
            review.change(number, verdict="accepted")
    assert hfs("evaluate", path, path).err == ""


def test_the_program_is_not_compared_with_itself(hfs, path, tmp_path):
    (path / "events.reviewed.csv").unlink()
    for reference in (path, path / "events.csv"):
        outcome = hfs("evaluate", reference, path)
        assert outcome.code == 2
        assert "are the same events, which always agree" in outcome.message
        assert "hfs-vision review" in outcome.message
    outcome = hfs("evaluate", tmp_path, tmp_path, "--only-common")
    assert outcome.code == 1
    assert "holds no reference: " in outcome.message
    assert "no result folder with events.reviewed.csv" in outcome.message


def test_result_folders_of_any_name_are_taken(hfs, path, tmp_path):
    path.rename(tmp_path / "monday")
    save_result(tmp_path / "tuesday")
    outcome = hfs("evaluate", tmp_path, tmp_path, "--only-common")
    assert outcome.code == 0
    assert within(outcome) == ["4", "3", "1", "0", "1", "0"]
    save_result(tmp_path / "monday.results")
    outcome = hfs("evaluate", tmp_path, tmp_path, "--only-common")
    assert "are both of monday: keep one" in outcome.message


def test_a_summary_that_contradicts_its_events_is_told(hfs, path):
    rows = (path / "events.csv").read_text().splitlines(keepends=True)
    (path / "events.csv").write_text("".join(rows[:-1]))
    told = hfs("evaluate", path, path).err
    assert "a: summary.json counts 4 events and events.csv holds 3" in " ".join(told.split())


def test_f1_of_a_region_can_be_recomputed_from_its_row(hfs, path, tmp_path):
    head = "onset_s,duration_s,side,region\n"
    human = written(tmp_path, head + "1,0.3,left,eye\n3,0.3,left,mouth\n5,0.3,left,eye\n")
    rows = "1,0.3,left,eye\n3,0.3,left,eye\n5,0.3,left,eye+mouth\n7,0.3,left,mouth\n"
    machine = written(tmp_path, head + rows, "m.csv")
    out = hfs("evaluate", human, machine).out
    cells = {row.split()[0]: row.split()[1:] for row in out.splitlines() if row.strip()}
    assert "found a/b: a by what the reference says (recall), b by what the estimate" in out
    assert [cells[name][1] for name in ("left", "eye", "mouth", "eye+mouth")] == [
        "3",
        "2",
        "1/0",
        "0/1",
    ]
    # mouth: found once by the reference, never by the estimate, and once false.
    assert cells["mouth"][-4:-1] == ["1.00", "0.00", "0.50"]


def test_corrected_events_can_be_the_estimate(hfs, path):
    outcome = hfs("evaluate", path / "events.csv", path / "events.reviewed.csv")
    assert within(outcome) == ["4", "3", "1", "0", "1", "0"]
    assert "valid time in summary.json" in outcome.out


def test_two_reviewers_are_told_how_far_they_agree(hfs, path, tmp_path):
    out, table = tmp_path / "out.json", tmp_path / "out.csv"
    files = path / "events.reviewed.csv", path / "cd.csv"
    outcome = hfs("evaluate", *files, "--json", out, "--csv", table)
    assert outcome.code == 0
    # AB has the closure (18 to 19.5 s) and the pull at 5 s, CD the twitch at 12 s; both have the
    # train (22 to 23.6 s) and the pull at 30 s. The second without a face does not count.
    assert within(outcome) == ["4", "2", "2", "0", "1", "0"]
    assert "two reviewers: F1 of events 0.57, onset within 0.15 s" in outcome.out
    lines = [line for line in outcome.out.splitlines() if line.startswith("kappa")]
    assert [line.split(":")[0].split(", ")[1] for line in lines] == ["all", "left", "right"]
    presence = json.loads(out.read_text())["presence"]
    left, right = presence["left"], presence["right"]
    assert (left["both"], left["first"], left["second"]) == (2, 0, 1)
    assert (right["both"], right["first"], right["second"]) == (1, 3, 0)
    assert left["seconds"] == right["seconds"] == 39
    observed, chance = 38 / 39, (2 * 3 + 37 * 36) / 39**2
    assert left["kappa"] == pytest.approx((observed - chance) / (1 - chance), abs=1e-6)
    assert f"left: {left['kappa']:.2f} (both saw one in 2 of 39 s" in outcome.out
    rows = list(csv.DictReader(io.StringIO(table.read_text())))
    kappas = {(row["side"], row["kind"]): row["kappa"] for row in rows}
    assert float(kappas["left", "all"]) == pytest.approx(left["kappa"], abs=1e-6)
    assert kappas["left", "eyelid_twitch"] == ""


def test_without_signals_the_whole_recording_is_judged(hfs, path, tmp_path):
    (path / "signals.csv").unlink()
    out = tmp_path / "out.json"
    hfs("evaluate", path / "events.reviewed.csv", path / "cd.csv", "--json", out)
    assert json.loads(out.read_text())["presence"]["all"]["seconds"] == 2 * 40


def test_reviewers_who_saw_nothing_have_no_kappa_and_a_word(hfs, path, tmp_path):
    for name in ("x.csv", "y.csv"):
        text = (path / "cd.csv").read_text().splitlines()[0]
        written(path, text + "\n", name)
    outcome = hfs("evaluate", path / "x.csv", path / "y.csv", "--json", tmp_path / "out.json")
    assert outcome.code == 0
    assert "left: neither saw a movement: there is no kappa (39 s)" in outcome.out
    values = json.loads((tmp_path / "out.json").read_text())
    assert values["presence"]["all"]["kappa"] is None


def test_a_folder_of_results_is_compared_with_its_own_reviews(hfs, path, tmp_path):
    save_result(tmp_path / "b.results")
    written(tmp_path, "recording\n", "cohort.csv")
    with pytest.raises(UsageError):
        find_pairs(path, tmp_path)
    pairs, left_out = find_pairs(tmp_path, tmp_path, only_common=True)
    assert pairs == [FilePair("a", path / "events.reviewed.csv", path / "events.csv")]
    assert left_out == ["b"]
    outcome = hfs("evaluate", tmp_path, tmp_path, "--only-common")
    assert within(outcome) == ["4", "3", "1", "0", "1", "0"]
    label = written(tmp_path, LABELS, "a.csv")
    assert find_pairs(tmp_path, tmp_path, only_common=True)[0][0].reference == label


def test_corrected_events_that_overlap_are_no_reference_and_are_named(hfs, path):
    file = path / "cd.csv"
    text = file.read_text().replace("\r\n", "\n").splitlines()
    text.append("9,,12.1,0.4,,left,eye" + "," * (text[0].count(",") - 6))
    file.write_text("\n".join(text) + "\n")
    outcome = hfs("evaluate", file, path)
    assert outcome.code == 1
    assert "cd.csv, event number 9: the left event from 12.1 s overlaps" in outcome.message
