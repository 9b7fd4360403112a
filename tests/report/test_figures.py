"""The report's figures, by where their marks stand on the axes."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from hfs_vision.analysis.result import Analysis
from tests.report_support import (
    SVG,
    Page,
    made,
    page_of,
    part,
    points,
    saved,
    scale,
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


class TestTheTimeline:
    def test_has_each_event_where_it_was(self, page, analysis):
        row = part(page.figure("timeline"), "timeline-row-0")
        assert len(analysis.events) == 3
        for number, event in enumerate(analysis.events, start=1):
            drawn = span(row, f"timeline-event-{number}-{event.side}-{event.kind}")
            assert drawn == pytest.approx((event.onset_s, event.offset_s), abs=0.005)

    def test_has_a_lane_for_each_side(self, page):
        row = part(page.figure("timeline"), "timeline-row-0")
        names = {"".join(text.itertext()): text for text in row.iter(f"{SVG}text")}
        for number, side, kind in ((1, "left", "eyelid_twitch"), (2, "right", "mouth_pull")):
            y = points(part(row, f"timeline-event-{number}-{side}-{kind}"))[:, 1].mean()
            near = {name: abs(float(names[name].get("y")) - y) for name in ("left", "right")}
            assert min(near, key=near.get) == side

    def test_signs_tell_the_kind_above_the_event(self, page, analysis):
        row = part(page.figure("timeline"), "timeline-row-0")
        shapes = set()
        for event in analysis.events[:2]:
            signs = part(row, f"timeline-signs-{event.side}-{event.kind}")
            places = [float(use.get("x")) for use in signs.iter(f"{SVG}use")]
            middle = (event.onset_s + event.offset_s) / 2
            assert np.abs(np.polyval(scale(row), places) - middle).min() < 0.005
            shapes.add(next(signs.iter(f"{SVG}path")).get("d"))
        assert len(shapes) == 2

    def test_shades_what_was_not_measured(self, page):
        row = part(page.figure("timeline"), "timeline-row-0")
        # The last frame before the gap still stands until the longest gap is over.
        assert span(row, "timeline-without-face") == pytest.approx((25.0, 30.0), abs=0.05)

    def test_of_a_long_recording_has_several_rows(self, tmp_path):
        analysis, folder = saved(Recording(1000.0, 24).lid(1, 700.0, 0.5), tmp_path / "r")
        figure = page_of(folder).figure("timeline")
        rows = [g for g in figure.iter() if re.search(r"-row-\d+$", g.get("id", ""))]
        assert len(rows) == 9  # of two minutes each
        event = analysis.events[0]
        gid = f"timeline-event-1-right-{event.kind}"
        assert [any(g.get("id") == gid for g in row.iter()) for row in rows].index(True) == 5
        assert span(rows[5], gid) == pytest.approx((event.onset_s, event.offset_s), abs=0.05)

    def test_labels_segments_and_marks_where_they_began(self, folder):
        (folder / "marks.csv").write_text(
            "time_s,kind,label\n0.0,segment,rest\n15.0,segment,reading\n30.0,mark,\n"
        )
        page = page_of(folder)
        row = part(page.figure("timeline"), "timeline-row-0")
        assert {"rest", "reading", "mark"} <= {
            "".join(t.itertext()) for t in row.iter(f"{SVG}text")
        }
        assert span(row, "timeline-mark-2") == pytest.approx((15.0, 15.0), abs=0.005)
        rest, reading = page.table("segments")[1:]
        assert [rest[0], rest[4], rest[6]] == ["rest", "1", "0"]
        assert [reading[0], reading[4], reading[6]] == ["reading", "0", "2"]
        assert float(reading[3]) == pytest.approx(30.0, abs=0.3)  # 35 s, of them 5 without a face
        assert page.table("marks")[1:] == [["0:30.0", "mark"]]


class TestTheTraces:
    def test_show_both_sides_around_the_event(self, page, analysis):
        event = analysis.events[0]
        figure = page.figure("trace-1")
        upper = part(figure, "trace-1-axes_1")
        drawn = span(figure_x(figure), f"trace-1-event-1-left-{event.kind}-closure")
        assert drawn == pytest.approx((0.0, event.duration_s), abs=0.005)
        for side, peak in (("left", event.closure), ("right", 0.0)):
            y = np.polyval(scale(upper, "y"), points(part(upper, f"trace-1-closure-{side}"))[:, 1])
            assert y.max() == pytest.approx(peak, abs=0.02), side

    def test_differ_without_colours(self, page):
        figure = page.figure("trace-1")
        left, right = (
            next(part(figure, f"trace-1-closure-{side}").iter(f"{SVG}path")).get("style")
            for side in ("left", "right")
        )
        assert "stroke-dasharray" not in left
        assert "stroke-dasharray" in right

    def test_of_many_events_are_those_with_the_highest_and_lowest_scores(self, tmp_path):
        recording = Recording(300.0)
        for number in range(70):
            recording.lid(number % 2, 12.0 + 4 * number, 0.3, 0.5 + 0.005 * number)
        analysis, folder = saved(recording, tmp_path / "r")
        assert len(analysis.events) == 70
        page = page_of(folder)
        drawn = {int(n) for n in re.findall(r'"trace-(\d+)-title ', page.text)}
        ranked = sorted(range(1, 71), key=lambda n: analysis.events[n - 1].score)
        assert drawn == {*ranked[:30], *ranked[40:]}
        assert "60 of 70 events are drawn" in page.said
        assert len(page.table("event-table")) == 71


def figure_x(figure: ElementTree.Element) -> ElementTree.Element:
    """A figure of two panels that share the x axis, whose labels only the lower one has."""
    upper, lower = (part(figure, f"trace-1-axes_{number}") for number in (1, 2))
    for tick in [g for g in upper.iter() if "-xtick_" in g.get("id", "")]:
        tick.set("id", "")
    whole = ElementTree.Element("g")
    whole.extend([upper, lower])
    return whole


class TestTheOtherFigures:
    def test_histograms_count_the_events(self, page, analysis):
        figure = page.figure("distributions")
        axes = part(figure, "distributions-axes_1")
        tops = {}
        for side in ("left", "right"):
            bars = [
                g
                for g in axes.iter()
                if (g.get("id") or "").startswith(f"distributions-duration-{side}-")
            ]
            heights = [np.polyval(scale(axes, "y"), points(bar)[:, 1]).max() for bar in bars]
            tops[side] = round(sum(heights), 2)
        assert tops == {"left": 1.0, "right": 2.0}

    def test_rates_stand_over_their_stretches(self, tmp_path):
        recording = Recording(180.0).without_face(60.0, 30.0)
        for onset_s in (12.0, 20.0, 100.0):
            recording.lid(1, onset_s, 0.3)
        page = page_of(saved(recording, tmp_path / "r")[1])
        axes = part(page.figure("rate"), "rate-axes_1")
        signs = list(part(axes, "rate-rate-right").iter(f"{SVG}use"))
        rates = np.polyval(scale(axes, "y"), [float(use.get("y")) for use in signs])
        np.testing.assert_allclose(rates, [4, 0, 2, 0, 0], atol=0.02)  # none from 60 to 90 s
        at = np.polyval(scale(axes), [float(use.get("x")) for use in signs])
        np.testing.assert_allclose(at // 30, [0, 1, 3, 4, 5])
        first = page.table("rate-table")[1]
        assert first == ["0:00", "0:30", "30.0", "0", "0.0 (0.0 to 6.0)", "2", "4.0 (0.7 to 13.2)"]

    def test_the_quality_strip_shows_the_gap_and_the_face(self, page):
        figure = page.figure("quality")
        lowest = part(figure, "quality-axes_4")
        gap = np.polyval(scale(lowest), points(part(figure, "quality-without-face"))[:, 0])
        assert (gap.min(), gap.max()) == pytest.approx((25.0, 30.0), abs=0.05)
        size = part(figure, "quality-axes_2")
        y = np.polyval(scale(size, "y"), points(part(size, "quality-face_px"))[:, 1])
        np.testing.assert_allclose(y, 150.0, atol=1.0)
