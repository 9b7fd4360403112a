"""The report: its words, its tables and its file, read back out of the page."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.analysis.result import Analysis
from hfs_vision.errors import OutputError, TableError, UsageError
from hfs_vision.report import write_report
from hfs_vision.schema import NOT_A_DEVICE
from tests.report_support import (
    SVG,
    Page,
    made,
    page_of,
    part,
    review,
    saved,
    seconds,
    span,
)
from tests.synthetic import Recording


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return made()


@pytest.fixture
def folder(analysis, tmp_path) -> Path:
    analysis.save(tmp_path / "secret name.results")
    return tmp_path / "secret name.results"


@pytest.fixture(scope="module")
def page(analysis, tmp_path_factory) -> Page:
    folder = tmp_path_factory.mktemp("report") / "secret name.results"
    analysis.save(folder)
    return page_of(folder)


class TestWhatItSays:
    def test_the_counts_are_those_of_the_tables(self, page, analysis):
        rows = {row[0]: row[1:] for row in page.table("counts")[2:]}
        for count in analysis.summary.counts:
            if count.side == "all":
                continue
            cells = rows[count.kind.replace("_", " ")][3 * (count.side == "right") :][:3]
            assert int(cells[0]) == count.count
            assert float(cells[1].split()[0]) == round(count.rate_per_min, 1)
            assert float(cells[2]) == round(100 * count.time_share, 1)
        assert "45 s of 50 s" in page.said

    def test_each_event_is_in_the_table(self, page, analysis):
        head, *rows = page.table("event-table")
        assert head[:5] == ["no.", "onset", "duration, s", "side", "kind"]
        for row, event in zip(rows, analysis.events, strict=True):
            assert seconds(row[1]) == pytest.approx(event.onset_s, abs=0.006)
            assert (row[3], row[4]) == (event.side, event.kind.replace("_", " "))

    def test_settings_versions_warnings_and_limits_are_told(self, page, analysis):
        assert ["tonic_s", "1"] in [row[:2] for row in page.table("settings")]
        assert "hfs_vision" in [row[0] for row in page.table("versions")]
        assert all(" ".join(warning.split()) in page.said for warning in analysis.warnings)
        assert analysis.warnings
        assert page.said.count(NOT_A_DEVICE) == 2

    def test_a_setting_that_was_changed_is_seen(self, folder):
        summary = json.loads((folder / "summary.json").read_text())
        summary["settings"]["tonic_s"] = 2.0
        (folder / "summary.json").write_text(json.dumps(summary))
        assert ["tonic_s", "2 (default 1)"] in [r[:2] for r in page_of(folder).table("settings")]

    def test_corrected_counts_stand_beside_the_program_s(self, folder, analysis):
        review(folder, analysis)
        page = page_of(folder)
        assert "2 of the 3 events that the program found were looked at; 1 rejected, 1 added" in (
            page.said
        )
        rows = {row[0]: row[1:] for row in page.table("counts")[2:]}
        assert rows["all"][0:2] == ["2", "1"]  # left: now, and by the program
        assert rows["all"][4:6] == ["1", "2"]
        assert rows["mouth pull"][4:6] == ["0", "1"]
        verdicts = {row[0]: row[9] for row in page.table("event-table")[1:]}
        assert verdicts == {"1": "accepted", "2": "rejected", "3": "", "4": "added"}

    def test_a_rejected_event_is_hollow(self, folder, analysis):
        review(folder, analysis)
        figure = page_of(folder).figure("timeline")
        styles = {
            number: next(part(figure, f"timeline-event-{number}-{rest}").iter(f"{SVG}path")).get(
                "style"
            )
            for number, rest in ((1, "left-eyelid_twitch"), (2, "right-mouth_pull"))
        }
        assert "fill: var(--left)" in styles[1]
        assert "fill: none" in styles[2]
        part(figure, "timeline-signs-right-mouth_pull-rejected")


class TestAFolderThatIsNotWhole:
    def test_without_events_it_says_so(self, tmp_path):
        page = page_of(saved(Recording(30.0), tmp_path / "r")[1])
        assert "No event was found." in page.said
        assert "event-table" not in page.tables
        assert page.table("counts")[-1][1] == "0"

    def test_without_a_face_nothing_is_counted_and_no_rate_is_made_up(self, tmp_path):
        page = page_of(saved(Recording(70.0).without_face(0, 99), tmp_path / "r")[1])
        assert page.table("counts")[-1][1:4] == ["0", "\N{EN DASH}", "\N{EN DASH}"]
        assert "The recording is too short to show change over time" in page.said
        drawn = page.figure("timeline")
        first, last = span(part(drawn, "timeline-row-0"), "timeline-without-face")
        assert (first, last) == pytest.approx((0.0, 70.0), abs=0.05)

    @pytest.mark.parametrize(
        ("missing", "said"),
        [
            ("signals.csv", "No traces can be shown, because the signals are missing"),
            ("summary.json", "rates and settings are not known"),
        ],
    )
    def test_what_is_missing_is_told_and_the_rest_is_shown(self, folder, missing, said):
        (folder / missing).unlink()
        page = page_of(folder)
        assert said in page.said
        assert len(page.table("event-table")) == 4
        page.figure("timeline")

    def test_valid_time_comes_from_the_signals_where_no_summary_tells_it(self, folder, analysis):
        known = page_of(folder).table("counts")
        (folder / "summary.json").unlink()
        assert page_of(folder).table("counts") == known

    @pytest.mark.parametrize("frames", [0, 1])
    def test_hardly_a_frame_is_no_error(self, tmp_path, frames):
        detect(Recording(1.0).measured()[slice(frames)]).save(tmp_path / "r")
        assert "No event was found." in page_of(tmp_path / "r").said

    def test_a_partial_result_says_so(self, folder):
        summary = json.loads((folder / "summary.json").read_text())
        (folder / "summary.json").write_text(json.dumps({**summary, "partial": True}))
        assert "Partial: this was stopped before the end" in page_of(folder).said

    def test_another_version_is_told(self, folder):
        summary = json.loads((folder / "summary.json").read_text())
        summary["versions"] = {"hfs_vision": "0.0.1"}
        (folder / "summary.json").write_text(json.dumps(summary))
        assert "was written by hfs-vision 0.0.1" in page_of(folder).said

    def test_a_summary_of_odd_values_is_refused(self, folder):
        (folder / "summary.json").write_text(json.dumps({"blinks": 3, "fps": "fast"}))
        with pytest.raises(
            TableError, match=r"summary\.json .*: fps is 'fast'; it must be a number"
        ):
            page_of(folder)

    def test_a_broken_table_is_told_by_its_row(self, folder):
        with (folder / "events.csv").open("a") as handle:
            handle.write("x,y\n")
        with pytest.raises(TableError, match=r"events\.csv, row"):
            write_report(folder)
        assert not (folder / "report.html").exists()


HOSTILE = "</svg><script>alert(1)</script> \" ' & $\\frac{ <img src=x onerror=alert(2)>"


class TestSafety:
    def test_the_page_runs_nothing_and_loads_nothing(self, page):
        names = {tag for tag, _ in page.tags}
        assert not names & {"script", "img", "link", "iframe", "object", "embed", "form", "base"}
        for tag, attributes in page.tags:
            assert not [name for name in attributes if name.startswith("on")], tag
            for name in ("src", "href", "xlink:href"):
                assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
        policy = [a["content"] for t, a in page.tags if a.get("http-equiv")]
        assert policy[0].startswith("default-src 'none'; style-src 'unsafe-inline'")
        assert not re.search(r"url\((?!#)|@import", page.text)
        assert not set(re.findall(r"https?://[^\"' ]+", page.text)) - {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }

    def test_what_people_wrote_stays_text(self, folder, analysis):
        review(folder, analysis, comment=HOSTILE, reviewer=HOSTILE)
        quoted = HOSTILE.replace('"', '""')
        (folder / "marks.csv").write_text(
            f'time_s,kind,label\n0,segment,"{quoted}"\n3,mark,"{quoted}"\n9,segment,"\x01笑顔\n"\n',
            encoding="utf-8",
        )
        summary = json.loads((folder / "summary.json").read_text())
        summary["warnings"] = [HOSTILE]
        summary["model"] = {"landmarker": HOSTILE}
        (folder / "summary.json").write_text(json.dumps(summary))
        page = page_of(folder)
        assert not {tag for tag, _ in page.tags} & {"script", "img"}
        assert page.said.count("<script>alert(1)</script>") >= 5
        assert any(HOSTILE in cell for row in page.table("event-table") for cell in row)
        for name in ("timeline", "trace-1"):
            page.figure(name)  # is well formed

    def test_it_names_no_file_and_no_folder(self, folder):
        write_report(folder)
        text = (folder / "report.html").read_text()
        assert "secret" not in text
        assert str(folder.parent) not in text

    def test_ids_are_unique(self, page):
        ids = [a["id"] for _, a in page.tags if "id" in a]
        assert len(ids) == len(set(ids))
        used = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', page.text)
        assert {a or b for a, b in used} <= set(ids)

    def test_every_colour_comes_from_the_style_sheet(self, page):
        figures = re.findall(r"<svg .*?</svg>", page.text, re.DOTALL)
        colours = {c for figure in figures for c in re.findall(r"#[0-9a-f]{6}\b", figure)}
        assert not colours


class TestTheFile:
    def test_the_same_folder_gives_the_same_bytes(self, folder, analysis, tmp_path):
        first = write_report(folder).read_bytes()
        assert write_report(folder).read_bytes() == first
        analysis.save(tmp_path / "other")
        assert write_report(tmp_path / "other").read_bytes() == first

    def test_stands_alone_beside_the_tables(self, folder):
        before = {path.name for path in folder.iterdir()}
        assert write_report(folder) == folder / "report.html"
        assert {path.name for path in folder.iterdir()} - before == {"report.html"}

    def test_replaces_a_report_and_nothing_else(self, folder, tmp_path):
        target = tmp_path / "page.html"
        write_report(folder, target)
        write_report(folder, target)
        (tmp_path / "mine.html").write_text("<p>my own page</p>")
        with pytest.raises(UsageError, match="no report of this program"):
            write_report(folder, tmp_path / "mine.html")
        assert (tmp_path / "mine.html").read_text() == "<p>my own page</p>"
        with pytest.raises(UsageError, match="is a folder"):
            write_report(folder, tmp_path)

    def test_a_place_that_cannot_be_written_is_told(self, folder, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputError, match="cannot write"):
            write_report(folder, tmp_path / "file" / "page.html")

    @pytest.mark.parametrize("name", ["page.html", "page.css"])
    def test_its_parts_come_with_the_package(self, name):
        assert files("hfs_vision.report").joinpath(name).read_text(encoding="utf-8").strip()
