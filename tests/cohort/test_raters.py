"""How far two counts of the same recordings agree, and the pages of a cohort."""

import csv
import math
from pathlib import Path

import pytest

from hfs_vision.cohort import interpretation
from hfs_vision.cohort.paired import compare
from hfs_vision.cohort.periods import BeforeAfter, Question, pair_of
from hfs_vision.cohort.persons import Person
from hfs_vision.cohort.raters import Rated, Raters, read_raters
from hfs_vision.cohort.write_cohort import (
    AGREEMENT_FILES,
    COMPARISON_FILES,
    write_agreement,
    write_comparison,
)
from hfs_vision.errors import UsageError
from hfs_vision.evaluation.agreement import agreement
from hfs_vision.schema import NOT_A_DEVICE
from tests.cohort_support import TOXIN, diary, group, rated
from tests.report_support import Page, part, points, scale

L, R = "left", "right"


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """Four recordings; of the last nobody has corrected anything."""
    folder = tmp_path_factory.mktemp("results")
    rated(folder, "a", [L, L, R, R, R], keep=4, second=2)
    rated(folder, "b", [L, L, L], keep=3, second=3)
    rated(folder, "c", [R], keep=0, second=1)
    rated(folder, "d", [L], keep=1)
    (folder / "d.results" / "events.reviewed.csv").unlink()
    return folder


class TestReading:
    def test_the_program_and_the_person_who_corrected_it(self, results):
        found = read_raters([str(results)])
        assert (found.first, found.second) == ("program", "reviewed")
        assert [r.name for r in found.recordings] == ["a", "b", "c"]
        assert found.recordings[0].first == {"all": 5, L: 2, R: 3}
        assert found.recordings[0].second == {"all": 4, L: 2, R: 2}
        assert found.left_out == {"d": "holds no events.reviewed.csv"}
        counts = found.agreement("all", "count")
        assert counts == agreement([5, 3, 1], [4, 3, 0])

    def test_two_persons(self, results):
        found = read_raters([str(results / "*.results")], second="second.csv")
        assert (found.first, found.second) == ("reviewed", "second")
        assert [(r.first["all"], r.second["all"]) for r in found.recordings] == [
            (4, 2),
            (3, 3),
            (0, 1),
        ]

    def test_rates_refer_to_valid_time(self, results):
        (found,) = read_raters([str(results / "b.results")]).recordings
        assert found.value("first", L, "rate_per_min") == pytest.approx(60 * 3 / found.valid_s)
        assert found.value("first", L, "count") == 3

    def test_events_that_nobody_looked_at_are_told(self, results, tmp_path):
        path = rated(tmp_path, "open", [L, L], keep=2) / "events.reviewed.csv"
        path.write_text(path.read_text().replace("accepted", "", 1))
        found = read_raters([str(tmp_path)])
        assert found.recordings[0].unseen == 1
        (told,) = interpretation.unseen(found)
        assert told.endswith(": open")

    def test_what_is_to_be_known_of_a_result_is_told(self, tmp_path):
        path = rated(tmp_path, "edited", [L, L], keep=2) / "events.csv"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
        told = interpretation.doubts_of_results(read_raters([str(tmp_path)]))
        assert any("edited: summary.json counts 2 events and events.csv holds 1" in t for t in told)

    @pytest.mark.parametrize(
        ("given", "second", "told"),
        [
            ("nowhere", None, "names no result folder"),
            ("d.results", None, "no recording was counted twice: d holds no events"),
            ("", "other.csv", r"a holds no other\.csv; b holds"),
            ("", "../second.csv", "give the name that"),
            ("", "events.reviewed.csv", "give the name that"),
        ],
    )
    def test_what_cannot_be_compared_is_refused(self, results, given, second, told):
        with pytest.raises(UsageError, match=told):
            read_raters([str(results / given)], second=second)

    def test_names_can_be_left_out(self, results):
        found = read_raters([str(results)], deidentify=True)
        assert [r.name for r in found.recordings] == ["rec-01", "rec-02", "rec-03"]
        assert list(found.left_out) == ["rec-04"]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


class TestTheFilesOfAnAgreement:
    @pytest.fixture
    def raters(self) -> Raters:
        counts = [(4, 2, 4, 1), (9, 0, 7, 0), (3, 5, 5, 5), (0, 1, 0, 1)]
        return Raters(
            "program",
            "<b>second",
            [
                Rated(f"r{i}", 60.0, {"all": a + b, L: a, R: b}, {"all": c + d, L: c, R: d}, 0)
                for i, (a, b, c, d) in enumerate(counts)
            ],
            {"r9": "holds no second.csv"},
        )

    def test_hold_what_was_found(self, raters, tmp_path):
        write_agreement(tmp_path, raters)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(AGREEMENT_FILES)
        left = next(r for r in rows(tmp_path / "agreement.csv") if r["side"] == L)
        found = agreement([4, 9, 3, 0], [4, 7, 5, 0])
        for name in ("bias", "low", "high", "icc", "icc_low", "icc_high"):
            assert float(left[name]) == pytest.approx(getattr(found, name), abs=1e-6), name
        assert [(r["first"], r["second"]) for r in rows(tmp_path / "raters.csv")][2:4] == [
            ("9", "7"),
            ("0", "0"),
        ]
        page = Page((tmp_path / "agreement.html").read_text())
        assert NOT_A_DEVICE in page.said
        assert "<b>second" not in page.text
        assert page.table("counts")[3] == ["r1", "1.0", "9", "0", "7", "0", "0"]
        assert page.table("left-out")[1] == ["r9", "holds no second.csv"]

    def test_the_plot_shows_each_recording_bias_and_limits_at_their_place(self, raters, tmp_path):
        write_agreement(tmp_path, raters)
        figure = Page((tmp_path / "agreement.html").read_text()).figure("agreement")
        panel = part(figure, "agreement-axes_2")  # left
        across, up = scale(panel), scale(panel, "y")
        found = raters.agreement(L, "rate_per_min")
        for name in ("bias", "low", "high"):
            drawn = set(points(part(panel, f"agreement-{L}-{name}"))[:, 1])
            assert len(drawn) == 1
            assert up @ [drawn.pop(), 1] == pytest.approx(getattr(found, name), abs=0.03), name
        place = next(part(panel, f"agreement-{L}-1").iter("{http://www.w3.org/2000/svg}use"))
        assert across @ [float(place.get("x")), 1] == pytest.approx(8.0, abs=0.05)
        assert up @ [float(place.get("y")), 1] == pytest.approx(-2.0, abs=0.05)

    def test_a_single_recording_has_no_limits_and_a_page(self, raters, tmp_path):
        one = Raters("program", "reviewed", raters.recordings[:1], {})
        write_agreement(tmp_path, one)
        page = Page((tmp_path / "agreement.html").read_text())
        assert "limits and ICC need at least two" in page.table("agreement")[1][-1]


class TestTheFilesOfAComparison:
    @pytest.fixture(scope="class")
    @staticmethod
    def pairs() -> list[BeforeAfter]:
        people = [*group(7, 0.5), diary(person="<i>No", treatments=())]
        asked = Question(treatment=TOXIN)
        return [pair_of(Person(d.person, d), asked) for d in people]

    def written(self, folder: Path, pairs: list[BeforeAfter], **more: bool) -> Page:
        question = Question(treatment=TOXIN)
        write_comparison(folder, pairs, compare(pairs), question, **more)
        return Page((folder / "comparison.html").read_text())

    def test_hold_what_was_found(self, pairs, tmp_path):
        page = self.written(tmp_path, pairs)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(COMPARISON_FILES)
        table = rows(tmp_path / "comparison.csv")
        assert [row["person"] for row in table] == [pair.person for pair in pairs]
        for row, pair in zip(table[:-1], pairs, strict=False):
            assert float(row["after_rate_per_min"]) == pytest.approx(
                pair.after.rate.per_min, abs=1e-6
            )
            assert row["treated"] == "2026-03-01"
        assert (table[-1]["left_out"], table[-1]["ratio"]) == ("no botulinum toxin is marked", "")
        assert len(page.table("pairs")) == 2 + 7
        assert page.table("left-out")[1] == ["<i>No", "no botulinum toxin is marked"]
        assert "regression to the mean" in page.said
        assert NOT_A_DEVICE in page.said

    def test_each_person_is_a_line_from_before_to_after(self, pairs, tmp_path):
        figure = self.written(tmp_path, pairs).figure("pairs")
        up = scale(part(figure, "pairs-axes_1"), "y")
        for number, pair in enumerate(pairs[:-1]):
            drawn = part(figure, f"pairs-person-{number}")
            line = points(drawn)[:2]
            ends = [up @ [y, 1] for _, y in line]
            expected = [pair.before.rate.per_min, pair.after.rate.per_min]
            assert ends == pytest.approx(expected, abs=0.05)
            assert pair.person in "".join(drawn.itertext())

    def test_needs_no_network_and_runs_no_script(self, pairs, tmp_path):
        page = self.written(tmp_path, pairs)
        named = {tag for tag, _ in page.tags}
        assert not named & {"script", "link", "iframe", "img", "object"}
        assert "default-src 'none'" in page.text

    def test_the_day_can_be_left_out(self, pairs, tmp_path):
        page = self.written(tmp_path, pairs, deidentify=True)
        assert "treated" not in rows(tmp_path / "comparison.csv")[0]
        assert "2026-03" not in page.text

    def test_of_nobody_is_a_page_without_a_figure(self, pairs, tmp_path):
        page = self.written(tmp_path, pairs[-1:])
        assert "Nobody could be compared." in page.said
        assert "<svg" not in page.text
        assert math.isnan(compare(pairs[-1:]).difference.value)
