"""A trend is what its diary says: sessions, intervals, warnings, effects of treatments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timezone

import numpy as np
import pytest

from hfs_vision.diary import SegmentCounts
from hfs_vision.errors import UsageError
from hfs_vision.rates import rate
from hfs_vision.schema import KINDS
from hfs_vision.trend import TrendOptions, build_trend
from hfs_vision.trend.series import MOST_POINTS, day_number, read_sessions
from hfs_vision.trend.tables import (
    SESSION_COLUMNS,
    TREATMENT_COLUMNS,
    session_rows,
    treatment_rows,
)
from tests.trend_support import (
    INJECTED,
    START,
    Course,
    diary_of,
    session,
    simulated_year,
    treatment,
)

TWITCH = {("left", "eyelid_twitch"): 6, ("right", "mouth_pull"): 2}


def year(seed: int = 5, **options):
    course = options.pop("course", Course())
    return simulated_year(np.random.default_rng(seed), course.rate, **options)


class TestWhatIsShown:
    def test_the_side_is_the_one_that_the_diary_states_not_the_busier_one(self):
        diary = diary_of([session(1, 0, TWITCH)], affected_side="right")
        assert build_trend(diary).shown.sides == ("right",)
        for side in ("both", "unknown"):
            assert build_trend(replace(diary, affected_side=side)).shown.sides == ("left", "right")
        assert build_trend(diary, TrendOptions(side="left")).shown.sides == ("left",)

    @pytest.mark.parametrize(("rested", "segment"), [(0, ""), (1, ""), (2, "rest"), (4, "rest")])
    def test_rest_is_compared_with_rest_where_half_of_the_sessions_have_it(self, rested, segment):
        sessions = [
            session(k + 1, k, TWITCH, label="rest" if k < rested else "reading") for k in range(4)
        ]
        trend = build_trend(diary_of(sessions))
        assert trend.shown.segment == segment
        assert len(trend.sessions.records) == (rested if segment else 4)
        missing = 4 - len(trend.sessions.records)
        assert any(w.startswith(f"{missing} session") for w in trend.warnings) == bool(missing)

    @pytest.mark.parametrize(
        ("choice", "told"),
        [
            (TrendOptions(side="upper"), "no side 'upper'"),
            (TrendOptions(kind="blink"), "no kind 'blink'"),
            (TrendOptions(segment="singing"), "give one of whole, rest"),
            (TrendOptions(since="surgery"), "it has none"),
        ],
    )
    def test_what_the_diary_does_not_have_is_told(self, choice, told):
        with pytest.raises(UsageError, match=told):
            build_trend(diary_of([session(1, 0, TWITCH, label="rest")]), choice)

    def test_a_diary_without_sessions_or_valid_time_is_told(self):
        with pytest.raises(UsageError, match="no session;"):
            build_trend(diary_of([]))
        with pytest.raises(UsageError, match="no session has valid time"):
            build_trend(diary_of([session(1, 0, {}, minutes=0.0)]))

    def test_a_session_without_valid_time_has_no_point(self):
        sessions = [session(1, 0, TWITCH), session(2, 7, TWITCH, minutes=0.0)]
        assert len(build_trend(diary_of(sessions)).points["left"].place) == 1


class TestPoints:
    def test_rates_and_shares_are_those_of_the_counts(self):
        points = build_trend(diary_of([session(1, 0, TWITCH, minutes=2.0)])).points["left"]
        expected = rate(6, 120.0)
        assert points.rate[:, 0] == pytest.approx([expected.per_min, expected.low, expected.high])
        assert points.share[0, 0] == pytest.approx(6 * 0.5 / 120)
        assert points.share[1, 0] < points.share[0, 0] < points.share[2, 0]

    def test_kinds_add_up_to_all(self):
        trend = build_trend(year())
        total = sum(points["left"].count for points in trend.by_kind.values())
        assert total.tolist() == trend.points["left"].count.tolist()
        assert tuple(trend.by_kind) == KINDS
        assert not build_trend(year(), TrendOptions(kind="mouth_pull")).by_kind

    def test_counts_without_durations_have_rates_and_no_share(self):
        plain = session(1, 0, TWITCH)
        untimed = [replace(s, time_s=dict.fromkeys(s.time_s, float("nan"))) for s in plain.segments]
        points = build_trend(diary_of([replace(plain, segments=tuple(untimed))])).points["left"]
        assert np.isfinite(points.rate).all()
        assert np.isnan(points.share).all()

    def test_more_than_can_be_told_apart_are_pooled_and_none_is_lost(self):
        diary = year(sessions=1000, every=1.0, injected=())
        trend = build_trend(diary)
        points = trend.points["left"]
        assert trend.step == 7
        assert len(points.place) <= MOST_POINTS
        assert points.sessions.sum() == 1000
        assert points.count.sum() == trend.sessions.of("left", "all")[0].sum()
        assert build_trend(year()).step == 0

    def test_days_since_a_treatment_start_anew_with_each(self):
        sessions = [session(k + 1, day, TWITCH) for k, day in enumerate((-3, 0, 5, 30, 40, 70))]
        treated = [treatment(1, 0), treatment(2, 40), treatment(3, 50, "note", text="x")]
        trend = build_trend(diary_of(sessions, treated), TrendOptions(since="botulinum_toxin"))
        points = trend.points["left"]
        assert points.place.tolist() == [-3, 0, 5, 30, 40, 30]
        assert points.group.tolist() == [-1, -1, 0, 0, 0, 1]


class TestDays:
    def test_days_are_those_of_the_diarys_clock(self):
        late = datetime(2025, 6, 1, 22, 30, tzinfo=timezone.utc)
        diary = diary_of([replace(session(1, 0, TWITCH), started_utc=late)])
        assert read_sessions(diary, "").day.tolist() == [day_number(date(2025, 6, 1))]
        there = replace(diary, timezone="Europe/Vienna")
        assert read_sessions(there, "").day.tolist() == [day_number(date(2025, 6, 2))]

    @pytest.mark.parametrize(
        ("moments", "days"),
        [
            # Clocks go forward, then back; a leap day. Noon to noon by the clock is whole days.
            (((2025, 3, 29, 11), (2025, 3, 30, 10), (2025, 3, 31, 10)), 2),
            (((2025, 10, 25, 10), (2025, 10, 26, 11), (2025, 10, 27, 11)), 2),
            (((2024, 2, 28, 11), (2024, 2, 29, 11), (2024, 3, 1, 11)), 2),
        ],
    )
    def test_clock_changes_and_leap_days_shift_no_day(self, moments, days):
        made = [
            replace(session(k, 0, TWITCH), started_utc=datetime(*m, tzinfo=timezone.utc))
            for k, m in enumerate(moments, start=1)
        ]
        found = read_sessions(diary_of(made, zone="Europe/Vienna"), "")
        assert np.diff(found.day).tolist() == [1, 1]
        assert found.moment[-1] - found.moment[0] == pytest.approx(days)

    def test_a_treatment_late_on_the_same_day_counts_the_session_as_before_it(self):
        diary = diary_of([session(1, 0, TWITCH), session(2, 20, {})], [treatment(1, 0)])
        effect = build_trend(diary).effects[0]
        assert (effect.before.sessions, effect.after.sessions) == (1, 1)


class TestEffects:
    def test_known_rates_are_found(self):
        effects = build_trend(year(minutes=10.0)).effects
        assert [e.treatment.number for e in effects] == [1, 2, 3, 4]
        for effect in effects:
            assert effect.before.rate.per_min == pytest.approx(8.0, rel=0.15)
            assert effect.after.rate.per_min == pytest.approx(2.4, rel=0.2)
            assert effect.ratio.low < 0.3 < effect.ratio.high
            assert effect.difference.low < -5.6 < effect.difference.high
            assert effect.onset.low <= 5 <= effect.onset.high
        for effect in effects[:3]:
            assert effect.wearing_off.day == pytest.approx(70, abs=7)

    def test_what_has_not_happened_yet_is_not_seen_yet(self):
        last = build_trend(year(minutes=10.0)).effects[-1]
        assert last.onset_said.startswith("day ")
        assert last.wearing_off_said == "not seen yet"  # nine weeks of it are in the year
        short = year(minutes=10.0, sessions=6)
        effect = build_trend(short).effects[0]
        assert (effect.onset_said, effect.after.sessions) == ("not seen yet", 0)
        assert np.isnan(effect.ratio.value)

    def test_a_treatment_before_the_first_session_has_nothing_to_be_compared_with(self):
        sessions = [session(k + 1, 7 * k, TWITCH) for k in range(8)]
        effect = build_trend(diary_of(sessions, [treatment(1, -2)])).effects[0]
        assert effect.before.sessions == 0
        assert effect.onset_said == "no session before it"
        assert np.isnan(effect.difference.value)

    def test_one_that_changes_nothing_is_not_seen_to_act(self):
        effects = build_trend(year(course=Course(low=8.0), minutes=5.0)).effects
        assert [e.onset_said for e in effects] == ["not seen"] * 3 + ["not seen yet"]
        assert all(e.ratio.low < 1 < e.ratio.high for e in effects)

    def test_a_slow_return_is_told_by_half_of_its_way(self):
        course = Course(ramp=28.0, lasts=(65.0,) * 4)
        effects = build_trend(year(course=course, minutes=20.0)).effects
        assert [e.wearing_off.day for e in effects[:3]] == pytest.approx([65] * 3, abs=5)

    def test_after_surgery_the_old_level_is_no_measure(self):
        counts = [27] * 10 + [3, 2, 4] * 10
        sessions = [session(k, 7 * k, {("left", KINDS[0]): n}) for k, n in enumerate(counts)]
        treated = [treatment(1, 66, "surgery"), treatment(2, 200, "botulinum_toxin")]
        operated, injected = build_trend(diary_of(sessions, treated)).effects
        assert operated.ratio.high < 0.2
        assert operated.wearing_off_said == "not seen before the next"
        assert injected.before.rate.per_min == pytest.approx(1.0, abs=0.1)
        assert injected.onset is None

    def test_no_fall_is_looked_for_when_a_drug_is_stopped(self):
        diary = diary_of(year().sessions, [treatment(1, 28, "drug_stop")])
        effect = build_trend(diary).effects[0]
        assert (effect.onset_said, effect.wearing_off_said) == ("not looked for",) * 2
        assert effect.after.sessions == 7

    def test_days_that_vary_widen_what_is_compared(self):
        calm, wild = (build_trend(year(variation=v, minutes=10.0)) for v in (0.0, 0.25))
        assert calm.variation["left"] < 0.05
        assert wild.variation["left"] == pytest.approx(0.25, abs=0.15)
        widths = [
            np.mean([np.log(e.ratio.high / e.ratio.low) for e in trend.effects])
            for trend in (calm, wild)
        ]
        assert widths[1] > 1.5 * widths[0]

    def test_two_treatments_of_one_day_cannot_be_told_apart(self):
        diary = diary_of(year().sessions, [treatment(1, 28), treatment(2, 28, product="B")])
        first, second = build_trend(diary).effects
        assert (first.ratio, first.onset) == (second.ratio, second.onset)


class TestWarnings:
    def told(self, **later):
        sessions = [session(k + 1, 7 * k, TWITCH) for k in range(4)]
        return build_trend(diary_of([*sessions, session(5, 40, TWITCH, **later)])).warnings

    def test_sessions_that_are_alike_are_not_warned_of(self):
        assert self.told() == []
        assert self.told(fps=33.0, face_px=260.0) == []

    @pytest.mark.parametrize(
        ("later", "text"),
        [
            ({"settings_sha256": "ab" * 32}, "in settings: 5e5e5e5e (sessions 1-4), abababab"),
            ({"settings_sha256": None}, "unknown (session 5)"),
            ({"model_sha256": "ab" * 32}, "in landmark model: facemesh 30303030 (sessions 1-4)"),
            ({"hfs_vision": "0.2.0"}, "in version of the program: 0.1.0 (sessions 1-4), 0.2.0"),
            ({"device": "webcam"}, "in device: phone (sessions 1-4), webcam (session 5)"),
            ({"reviewed": True}, "corrected by a person (session 5)"),
            ({"protocol": "clinical"}, "in protocol: none (sessions 1-4), clinical (session 5)"),
            ({"fps": 60.0}, "in frame rate: 30 frames/s in most sessions, 60 in session 5"),
            ({"fps": 24.0}, "24 in session 5"),
            ({"face_px": 90.0}, "in size of the face: 200 px in most sessions, 90 in session 5"),
            ({"minutes": 0.9}, "less than a minute of valid time in session 5"),
            ({"partial": True}, "not analysed to the end: session 5"),
        ],
    )
    def test_what_differs_is_told_once_with_its_sessions(self, later, text):
        told = self.told(**later)
        assert len(told) == 1
        assert text in told[0]

    def test_protocols_do_not_matter_where_one_segment_is_compared(self):
        sessions = [
            session(k, 7 * k, TWITCH, label="rest", protocol="clinical" * (k > 2))
            for k in range(1, 5)
        ]
        assert build_trend(diary_of(sessions)).warnings == []

    def test_a_treatment_tells_what_is_not_alike_before_and_after_it(self):
        sessions = [
            replace(s, fps=15.0) if s.started_utc.date() > date(2025, 2, 3) else s
            for s in year().sessions
        ]
        effects = build_trend(diary_of(sessions, [treatment(1, 28)])).effects
        assert effects[0].differing == ["frame rate"]


class TestTables:
    def test_every_session_has_its_row_also_where_points_are_pooled(self):
        trend = build_trend(year(sessions=500, every=1.0), TrendOptions(side="both"))
        rows = [dict(zip(SESSION_COLUMNS, r, strict=True)) for r in session_rows(trend)]
        assert trend.step
        assert len(rows) == 1000
        assert sum(r["count"] for r in rows) == sum(p.count.sum() for p in trend.points.values())
        row = rows[35]
        assert (row["date"], row["treatment"]) == ("2025-02-10", 1)
        assert row["days_since_treatment"] == 35 - INJECTED[0]
        assert rows[0]["treatment"] is None

    def test_every_treatment_has_its_row(self):
        trend = build_trend(year())
        rows = [dict(zip(TREATMENT_COLUMNS, r, strict=True)) for r in treatment_rows(trend)]
        for row, effect in zip(rows, trend.effects, strict=True):
            assert row["ratio_high"] == effect.ratio.high
            assert row["rate_before"] == effect.before.rate.per_min
            assert row["wearing_off_day"] == getattr(effect.wearing_off, "day", None)
        assert rows[0]["date"] == START.replace(month=2, day=3).isoformat()


def test_a_segment_named_like_the_whole_is_the_segment():
    made = session(1, 0, TWITCH, label="whole")
    none = dict.fromkeys(made.segments[0].counts, 0)
    small = SegmentCounts(label="whole", valid_s=60.0, counts=none, time_s=none)
    diary = diary_of([replace(made, segments=(made.segments[0], small))])
    assert build_trend(diary, TrendOptions(segment="whole")).points["left"].count.tolist() == [0.0]
    assert build_trend(diary).points["left"].count.tolist() == [6.0]
