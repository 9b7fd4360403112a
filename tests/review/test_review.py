"""The review of a result: changes, their way back, and what is refused."""

from __future__ import annotations

import math
import re
import shutil
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hfs_vision.errors import OutputError, TableError, UsageError
from hfs_vision.results import read_folder, read_reviewed, reviewed_line
from hfs_vision.review.edit_log import parse
from tests.review_support import MACHINE, opened, save_result, texts


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    return save_result(tmp_path_factory.mktemp("original") / "a.results")


@pytest.fixture
def path(original, tmp_path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "a.results"))


class TestOpening:
    def test_begins_with_the_machines_events_and_writes_nothing(self, path):
        with opened(path) as review:
            assert [row.event for row in review.rows] == list(read_folder(path).machine_events)
            assert [row.number for row in review.rows] == [1, 2, 3, 4]
            assert (review.progress(), review.revision, review.warnings) == ((0, 4), 0, ())
            assert not review.file.exists()

    def test_two_reviews_of_one_file_are_refused_and_of_two_files_are_not(self, path):
        with opened(path):
            with pytest.raises(UsageError, match="--file"):
                opened(path, "CD")
            with opened(path, "CD", file=path / "other.csv") as other:
                other.change(1, verdict="accepted")
        with opened(path, "CD") as again:
            assert again.progress() == (0, 4)

    @pytest.mark.parametrize("name", MACHINE)
    def test_never_writes_over_what_the_program_wrote(self, path, name):
        with pytest.raises(UsageError, match="stays as it is"):
            opened(path, file=path / ".." / "a.results" / name)

    @pytest.mark.parametrize("reviewer", ["", " \n ", "x" * 61])
    def test_wants_to_know_who_it_is(self, path, reviewer):
        with pytest.raises(UsageError, match="give initials"):
            opened(path, reviewer)

    def test_a_file_that_is_no_table_is_refused_and_let_go(self, path):
        (path / "events.reviewed.csv").write_text("nothing\n")
        for _ in range(2):
            with pytest.raises(TableError, match="column 'onset_s' is missing"):
                opened(path)

    def test_a_folder_that_cannot_be_written_is_told(self, path):
        with pytest.raises(OutputError, match="--file"):
            opened(path, file=path / "events.csv" / "x.csv")

    def test_tells_when_the_events_were_decided_anew(self, path):
        with opened(path) as review:
            review.change(1, onset_s=11.9, side="right")
            review.change(2, verdict="accepted")
            review.add(onset_s=5, offset_s=6, side="left", region="eye")
        with opened(path) as again:
            assert again.warnings == ()
        lines = (path / "events.csv").read_text().splitlines(keepends=True)
        (path / "events.csv").write_text("".join([lines[0], *lines[2:]]))
        with opened(path) as again:
            (warning,) = again.warnings
        assert "4 event(s) differ (number 1, 2, 3, 4)" in warning


class TestChanging:
    def test_says_who_when_and_what_and_saves_at_once(self, path):
        with opened(path, "A. B; C") as review:
            review.change(1, verdict="rejected", comment='a "wink", no; spasm')
            (row, *_) = read_reviewed(review.file)
            assert review.unsaved == ""
        assert (row.verdict, row.comment) == ("rejected", 'a "wink", no; spasm')
        assert row.reviewer == "A. B; C"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row.reviewed_utc)
        assert row.history == (
            f'#1 {row.reviewed_utc} "A. B; C" verdict "" -> rejected, '
            'comment "" -> "a \\"wink\\", no; spasm"'
        )
        assert stat.S_IMODE((path / "events.reviewed.csv").stat().st_mode) == 0o600

    def test_a_corrected_event_is_accepted_and_measured_anew(self, path):
        with opened(path) as review:
            before = review.rows[1]
            row = review.change(2, onset_s=18.5, offset_s=19.25)
            assert row.verdict == "accepted"
            assert (row.event.onset_s, row.event.offset_s) == (18.5, 19.25)
            assert before.event.twitches
            assert row.event.twitches == ()
            assert row.event.confidence == before.event.confidence
            # Within the flat part of the closure nothing rises.
            assert row.event.closure == pytest.approx(before.event.closure, abs=0.01)
            assert row.event.closure_velocity == pytest.approx(0, abs=0.05)
            assert 18.5 <= row.event.peak_s < 19.25
            assert row.event.rise_s == pytest.approx(row.event.peak_s - 18.5)

    def test_the_other_side_has_its_own_closure(self, path):
        with opened(path) as review:
            row = review.change(1, side="right")
        assert row.event.closure == pytest.approx(0, abs=0.01)
        assert row.event.score < 1

    def test_where_nothing_was_measured_there_are_no_numbers(self, path):
        with opened(path) as review:
            row = review.add(onset_s=35.2, offset_s=35.6, side="left", region="eye")
        assert math.isnan(row.event.closure)
        assert math.isnan(row.event.peak_s)

    def test_a_folder_without_signals_can_be_corrected(self, path):
        (path / "signals.csv").unlink()
        with opened(path) as review:
            row = review.change(2, onset_s=18.5)
            assert math.isnan(row.event.closure)
            assert review.undo().number == row.number
            assert review.rows[1].event == read_folder(path).machine_events[1]

    def test_the_component_follows_the_duration_of_one_movement(self, path):
        with opened(path) as review:
            assert review.rows[1].event.kind == "forced_closure"
            assert review.change(2, offset_s=18.6).event.kind == "eyelid_twitch"
            assert review.change(2, offset_s=19.5).event.kind == "forced_closure"

    def test_a_train_stays_clonic_and_what_a_reviewer_set_stays_set(self, path):
        with opened(path) as review:
            train = review.rows[2]
            assert (train.event.component, train.event.duration_s > 1) == ("clonic", True)
            assert review.change(3, offset_s=train.event.offset_s + 0.1).event.component == "clonic"
            review.change(2, component="clonic")
            assert review.change(2, offset_s=18.4).event.component == "clonic"
            assert review.change(2, offset_s=19.6).event.component == "clonic"

    def test_a_kind_stands_for_region_and_component(self, path):
        with opened(path) as review:
            event = review.change(1, kind="mouth_pull").event
            assert (event.region, event.component) == ("mouth", "tonic")
            event = review.change(1, kind="hemifacial_spasm").event
            assert (event.region, event.component) == ("eye+mouth", "tonic")
            with pytest.raises(UsageError, match="contradicts"):
                review.change(1, kind="mouth_pull", region="eye")

    def test_a_comment_alone_accepts_nothing_and_nothing_changes_nothing(self, path):
        with opened(path) as review:
            assert review.change(1, comment=" look \x00again\r\n").verdict == ""
            assert review.rows[0].comment == "look  again"
            before = review.revision
            review.change(1, comment="look  again", side="left")
            assert review.revision == before

    def test_what_a_person_found_is_never_the_machines(self, path):
        with opened(path) as review:
            number = review.add(onset_s=5, offset_s=5.5, side="left", region="eye").number
            assert number == 5
            assert review.change(number, verdict="rejected").verdict == "rejected"
            assert review.change(number, verdict="accepted").verdict == "added"
            with pytest.raises(UsageError, match="found by the program"):
                review.change(1, verdict="added")

    @pytest.mark.parametrize(
        ("wanted", "told"),
        [
            ({"side": "both"}, "side is 'both': give one of left, right"),
            ({"kind": "wink"}, "kind is 'wink'"),
            ({"verdict": "good"}, "give one of \\(nothing\\), accepted"),
            ({"onset_s": "soon"}, "onset_s is 'soon': give a time"),
            ({"onset_s": math.nan}, "give a time"),
            ({"onset_s": 12.9}, "its offset must come after its onset"),
            ({"onset_s": -1.0}, "keep within it"),
            ({"offset_s": 41.0}, "keep within it"),
            ({"offset_s": 22.5}, "would overlap event 3"),
            ({"score": 2}, "has no 'score' to change"),
            ({"comment": "x" * 1001}, "shorten it to 1000"),
            ({"comment": None}, "give a text"),
        ],
    )
    def test_what_is_none_is_refused_and_nothing_is_changed(self, path, wanted, told):
        with opened(path) as review:
            before = texts(review)
            with pytest.raises(UsageError, match=told):
                review.change(1, **wanted)
            assert (texts(review), review.revision) == (before, 0)
            assert not review.file.exists()

    def test_a_number_that_is_none_is_told(self, path):
        with opened(path) as review, pytest.raises(UsageError, match="no event 9"):
            review.change(9, verdict="accepted")

    def test_a_rejected_event_is_in_nobodys_way(self, path):
        with opened(path) as review:
            review.change(3, verdict="rejected")
            review.change(1, offset_s=23.0)
            with pytest.raises(UsageError, match="would overlap event 1"):
                review.change(3, verdict="accepted")

    def test_counts_follow(self, path):
        with opened(path) as review:
            review.change(1, verdict="rejected")
            review.add(onset_s=5, offset_s=6.5, side="right", region="mouth")
            counts = {(c.side, c.kind): c for c in review.counts()}
            assert review.progress() == (2, 5)
        assert counts["left", "all"].count == 1
        assert counts["right", "mouth_pull"].count == 1
        assert counts["all", "all"].rate_per_min == pytest.approx(4 * 60 / 39, rel=0.01)

    def test_threads_lose_no_change(self, path):
        with opened(path) as review:

            def comment(number: int) -> None:
                for step in range(10):
                    review.change(number, comment=f"{number} {step}")

            threads = [threading.Thread(target=comment, args=(n,)) for n in (1, 2, 3, 4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert review.revision == 40
            numbers = [e.number for row in review.rows for e in parse(row.history).entries]
            assert sorted(numbers) == list(range(1, 41))
            assert [row.comment for row in read_reviewed(review.file)] == [
                f"{n} 9" for n in (1, 2, 3, 4)
            ]


class TestUndo:
    def test_takes_back_the_last_change_of_anyone_also_after_opening_again(self, path):
        with opened(path, "AB") as review:
            start = texts(review)
            review.change(1, onset_s=11.9)
            review.change(2, verdict="rejected")
        with opened(path, "C D") as review:
            assert review.undo().number == 2
            assert review.rows[1].verdict == ""
            assert re.search(r'rejected \(undone \S+ "C D"\)$', review.rows[1].history)
            assert review.undo().number == 1
            assert review.undo() is None
            plain = [replace(row, history="") for row in review.rows]
        assert [reviewed_line(row) for row in plain] == start

    def test_an_added_event_disappears(self, path):
        with opened(path) as review:
            row = review.add(onset_s=5, offset_s=6, side="left", region="eye", comment="here")
            review.change(5, comment="there")
            assert review.undo().comment == "here"
            gone = review.undo()
            # As text: to Python 3.13 records with NaN are never equal.
            assert (gone.number, repr(gone.event)) == (row.number, repr(row.event))
            assert [row.number for row in review.rows] == [1, 2, 3, 4]

    def test_a_history_of_another_hand_is_kept(self, path):
        with opened(path) as review:
            review.change(1, verdict="rejected")
        file = path / "events.reviewed.csv"
        file.write_text(file.read_text().replace("#1 ", "seen twice; #1 ", 1))
        with opened(path) as review:
            review.change(1, verdict="accepted")
            assert review.rows[0].history.startswith("seen twice; #1 ")
            review.undo()
            assert review.undo().verdict == ""
            assert review.undo() is None

    def test_a_history_that_no_event_can_be_is_told(self, path):
        with opened(path) as review:
            review.change(1, side="right")
        file = path / "events.reviewed.csv"
        file.write_text(file.read_text().replace("side left ->", "side links ->"))
        with opened(path) as review:
            assert "1 event(s) differ (number 1)" in review.warnings[0]
            with pytest.raises(UsageError, match="side is 'links'"):
                review.undo()
            assert review.rows[0].event.side == "right"
