"""The page and the picture of a trend: they show what the numbers say, and load nothing."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from hfs_vision.schema import NOT_A_DEVICE
from hfs_vision.trend import TrendOptions, build_trend
from hfs_vision.trend.figures import course_figure, kinds_figure, picture
from hfs_vision.trend.trend_page import trend_page
from tests.report_support import Page, part, points
from tests.trend_support import Course, diary_of, session, simulated_year, treatment


@pytest.fixture(scope="module")
def diary():
    made = simulated_year(np.random.default_rng(5), Course().rate)
    first = replace(made.treatments[0], product="<b>X</b>", units="25")
    note = treatment(5, 150, "note", text="=a cold & <i>fever</i>")
    treatments = sorted((first, *made.treatments[1:], note), key=lambda t: t.date)
    return replace(made, person="Ann <script>", treatments=tuple(treatments))


@pytest.fixture(scope="module")
def shown(diary):
    trend = build_trend(diary, TrendOptions(side="both"))
    return trend, Page(trend_page(trend))


def test_the_page_loads_nothing_and_runs_nothing(shown):
    _, page = shown
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "iframe", "form")]
    assert not [a for _, a in page.tags if "src" in a or a.get("href", "#")[0] != "#"]
    policy = [a for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy[0]["content"]


def test_texts_of_the_user_are_texts(shown):
    _, page = shown
    assert "Ann <script>" in page.said
    assert "<b>X</b>, 25" in page.said
    assert page.table("notes") == [["2025-06-05", "=a cold & <i>fever</i>"]]


def test_the_tables_hold_the_numbers(shown):
    trend, page = shown
    rows = page.table("points")[2:]
    assert len(rows) == 52
    assert rows[0][:3] == ["2025-01-06", "1", "3.0"]
    assert rows[9][3] == str(int(trend.points["left"].count[9]))
    effects = page.table("effects")[1:]
    assert len(effects) == 8
    assert effects[0][0] == "2025-02-03 botulinum toxin"
    left = trend.effects[0]
    assert effects[0][7].startswith(f"{left.ratio.value:.2f} ({left.ratio.low:.2f} to ")
    assert page.table("moments")[1][2] == left.onset_said


def test_the_points_of_the_figure_are_where_their_values_are(shown):
    trend, page = shown
    figure = page.figure("course")
    for name in ("rate", "share"):
        marks = [
            float(use.get("y"))
            for use in part(figure, f"course-{name}-left").iter("{http://www.w3.org/2000/svg}use")
        ]
        values = getattr(trend.points["left"], name)[0]
        assert len(marks) == 52
        assert np.corrcoef(marks, values)[0, 1] == pytest.approx(-1.0)
    line = points(part(figure, "course-rate-line-left"))
    assert len(line) == 52
    bars = points(part(figure, "course-rate-bars-left"))
    assert len(bars) == 104


def test_every_treatment_is_a_line_and_notes_are_others(shown):
    _, page = shown
    figure = page.figure("course")
    for gid, number in (("course-treatments", 4), ("course-notes", 1)):
        panels = [group for group in figure.iter() if group.get("id") == gid]
        drawn = [len(points(group)) // 2 for group in panels]
        assert drawn == [number, number]  # of rate and share


def test_choices_are_links_only_where_they_can_be_answered(diary, shown):
    _, page = shown
    assert not [tag for tag, _ in page.tags if tag == "a"]
    served = Page(trend_page(build_trend(diary), served=True))
    links = [a for tag, a in served.tags if tag == "a"]
    assert "?side=right&kind=all&segment=rest&since=" in [a["href"] for a in links]
    current = [a["href"] for a in links if a.get("aria-current")]
    assert current == ["?side=left&kind=all&segment=rest&since="] * 4


def test_the_page_is_the_same_for_the_same_diary(diary):
    choice = TrendOptions(kind="mouth_pull")
    pages = {trend_page(build_trend(diary, choice)) for _ in range(2)}
    assert len(pages) == 1
    assert NOT_A_DEVICE in pages.pop()


@pytest.mark.parametrize(
    "choice",
    [
        TrendOptions(since="botulinum_toxin"),
        TrendOptions(kind="mouth_pull"),
        TrendOptions(segment="whole"),
    ],
)
def test_other_views_are_drawn(diary, choice):
    page = Page(trend_page(build_trend(diary, choice)))
    assert ("kinds" in page.text) or choice.kind != "all"
    assert "days since" in page.said if choice.since else "2025-01-06" in page.said


@pytest.mark.parametrize("days", [(0,), (0, 0), (0, 4000)])
def test_diaries_of_one_session_one_day_or_many_years_are_drawn(days):
    made = [session(k + 1, day + k / 48, {}) for k, day in enumerate(days)]
    trend = build_trend(diary_of(made, [treatment(1, 0, "surgery")]))
    assert len(Page(trend_page(trend)).table("points")) == 2 + len(days)
    assert Image.open(io.BytesIO(picture(trend))).width > 1000


def test_the_picture_is_on_white_and_has_both_colours(diary):
    image = Image.open(io.BytesIO(picture(build_trend(diary, TrendOptions(side="both")))))
    assert image.format == "PNG"
    colours = {c for _, c in image.convert("RGB").getcolors(1 << 20)}
    assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert {(0x56, 0xB4, 0xE9), (0xE6, 0x9F, 0x00)} <= colours


def test_the_axis_holds_the_intervals_of_every_kind():
    rare = [session(k + 1, k, {("left", "mouth_pull"): int(k == 3)}) for k in range(8)]
    trend = build_trend(diary_of(rare))
    assert len(kinds_figure(trend).axes) == len(trend.by_kind)
    for axes in (*kinds_figure(trend).axes, *course_figure(trend).axes):
        bars = [line for line in axes.lines if "-bars-" in str(line.get_gid())]
        assert bars
        assert axes.get_ylim()[1] > max(np.nanmax(line.get_ydata()) for line in bars)
