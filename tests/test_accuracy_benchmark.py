"""The accuracy benchmark's own logic, on constructed measurements, events and scores."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest

from hfs_vision.core.detector import Detector
from hfs_vision.core.geometry import Measurements, PatchMeasurements
from hfs_vision.core.settings import Settings
from hfs_vision.evaluation.evaluate import LabelledEvent
from hfs_vision.schema import Event
from hfs_vision.simulate import Movement
from tests.benchmarks.accuracy import (
    calibrate,
    causes,
    material,
    peers,
    reliability,
    rules,
    scoring,
    still,
)
from tests.benchmarks.accuracy.gather import absent_spans, choose_portraits
from tests.benchmarks.accuracy.material import Plan, Recipe
from tests.benchmarks.accuracy.variants import ALONE, NO_MOUTH, variants
from tests.benchmarks.common import split_of
from tests.synthetic import Recording, bump


def recording(*, seconds: float = 20.0, fps: float = 60.0, jitter: float = 0.0005) -> Measurements:
    """An eye that twitches at 8 s (left, alone) and blinks at 12 s (both)."""
    time_s = np.arange(round(seconds * fps)) / fps
    rng = np.random.default_rng(0)
    closure = np.zeros((len(time_s), 2))
    closure[:, 0] = 0.8 * bump(time_s, 8.0, 0.3)
    closure += bump(time_s, 12.0, 0.3)[:, None]
    n = len(time_s)
    zeros = np.zeros(n)
    corner = np.broadcast_to([[0.36, -0.73], [0.36, -0.73]], (n, 2, 2))
    return Measurements(
        time_s,
        0.11 * (1 - closure) + jitter * rng.standard_normal((n, 2)),
        corner + jitter * rng.standard_normal((n, 2, 2)),
        zeros, zeros, zeros, np.full(n, 100.0), np.full(n, 0.03), np.ones(n),
    )  # fmt: skip


def mirrored(measured: Measurements) -> Measurements:
    return Measurements(
        measured.time_s, measured.aperture[:, ::-1], measured.commissure[:, ::-1],
        -measured.yaw_deg, measured.pitch_deg, measured.roll_deg, measured.face_px,
        measured.fit_error, measured.visibility,
    )  # fmt: skip


# ------------------------------------------------------------------------------------- material


def test_cells_cover_every_region_amplitude_and_duration_once():
    cells = material.movement_cells()
    assert len(cells) == len(set(cells)) == 3 * 4 * 4
    for region in material.REGIONS:
        pairs = {(closure, duration) for r, closure, _, duration in cells if r == region}
        assert len(pairs) == 16


def test_a_deck_deals_every_card_before_any_again_and_follows_its_seed():
    dealt = list(islice(material.deck("abc", (1,)), 9))
    assert Counter(dealt) == {"a": 3, "b": 3, "c": 3}
    assert all(sorted(dealt[k : k + 3]) == ["a", "b", "c"] for k in (0, 3, 6))
    assert dealt == list(islice(material.deck("abc", (1,)), 9))


def test_movements_keep_clear_of_what_is_busy_and_of_each_other():
    cells = material.deck(material.movement_cells(), (2,))
    busy = [material.Label(3.0, 6.0, "both", "blink", "high")]
    script = material.lay_out(cells, 30.0, np.random.default_rng(0), blinks=False, busy=busy)
    assert len(script) > 8
    assert len({m.side for m in script}) == 1
    ordered = sorted(script, key=lambda m: m.onset_s)
    assert all(b.onset_s - a.offset_s > 0.5 for a, b in pairwise(ordered))
    assert all(m.offset_s <= 3.0 or m.onset_s >= 6.0 for m in script)
    assert ordered[-1].offset_s <= 30.0


def test_nothing_is_added_while_the_face_is_away(tmp_path):
    measured = recording(seconds=20.0)
    away = (measured.time_s >= 5.0) & (measured.time_s < 15.0)
    spans = absent_spans(measured.where(~away))
    assert spans == (pytest.approx((5.0, 15.1), abs=0.02),)
    path = tmp_path / "face_then_gone.mp4"
    path.write_bytes(b"")
    clip = material.Clip(path, (), (), (), 20.0)
    with_gap = material.Clip(path, (), (), (), 20.0, spans)
    scripts = [
        next(p.recipe.script for p in material.of_clips([c], items=1) if p.kind == "injected")
        for c in (clip, with_gap)
    ]
    kept = [m for m in scripts[0] if m.offset_s <= spans[0][0] or m.onset_s >= spans[0][1]]
    assert 0 < len(kept) < len(scripts[0])
    assert list(scripts[1]) == kept


def test_plans_hold_one_negative_for_each_portrait_and_change_with_nothing_but_the_seed():
    people = [("default", ""), ("p", "")]
    plans = material.of_portraits(people, items=2, length_s=12.0)
    assert Counter(plan.kind for plan in plans) == {"injected": 4, "healthy": 2}
    assert len({plan.recipe.key() for plan in plans}) == 6
    again = material.of_portraits(people, items=2, length_s=12.0)
    other = material.of_portraits(people, items=2, length_s=12.0, seed=1)
    assert [p.recipe.key() for p in plans] == [p.recipe.key() for p in again]
    assert [p.recipe.key() for p in plans] != [p.recipe.key() for p in other]


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("still_1080p", ("still face", "eye+mouth", True)),
        ("talk_glasses_fast_head", ("speech with head turns", "eye+mouth", True)),
        ("stress_grimaces", ("grimaces", "eye", False)),
        ("my own clip", ("other", "eye+mouth", True)),
    ],
)
def test_situation_of_a_clip_by_its_name(stem, expected):
    assert material.situation_of(stem) == expected


# ---------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_the_factor_is_the_settings_thresholds_multiplied(factor):
    measured = recording(seconds=30.0)
    default = Settings()
    settings = Settings(
        closure_threshold=factor * default.closure_threshold,
        excursion_threshold=factor * default.excursion_threshold,
        closure_noise_factor=factor * default.closure_noise_factor,
        excursion_noise_factor=factor * default.excursion_noise_factor,
        max_closure_threshold=factor * default.max_closure_threshold,
        max_excursion_threshold=factor * default.max_excursion_threshold,
    )
    detector = Detector(settings)
    expected = [*detector.update(measured).events, *detector.finish().events]
    assert rules.events_of(measured, factor) == expected
    assert expected or factor > 1


def test_a_factor_beyond_what_a_user_may_set_still_multiplies():
    assert rules.scaled(6.5).max_closure_threshold == 6.5 * Settings().max_closure_threshold > 1.0
    assert rules.scaled(6.5).merge_gap_s == Settings().merge_gap_s


def test_every_score_falls_as_the_factor_rises():
    measured = recording(seconds=30.0)
    scores = [max(e.score for e in rules.events_of(measured, f)) for f in (0.5, 1.0, 1.6)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(2.0 * scores[1], rel=0.01)


def test_variants_leave_out_what_their_names_say():
    faces = Recording(1.0).landmarks()
    n = len(faces)
    looks = PatchMeasurements(np.full((n, 2), 0.05), np.full((n, 2, 2), 0.01), np.full(n, 0.5))
    made = variants("m", np.arange(n) / 30, faces, looks, 0.0)
    whole, no_mouth, alone = made["m"], made[NO_MOUTH.format("m")], made[ALONE.format("m")]
    assert len(made) == 3
    np.testing.assert_array_equal(whole.aperture, no_mouth.aperture)
    np.testing.assert_allclose(whole.commissure - no_mouth.commissure, 0.01, atol=2e-6)
    np.testing.assert_array_equal(no_mouth.commissure, alone.commissure)
    assert (whole.aperture < alone.aperture).all()
    assert (alone.visibility == 1.0).all()


def test_rules_are_the_three_models_parts_of_them_and_peers():
    names = {role: [r.name for r in rules.RULES if r.role == role] for role in ("model", "part")}
    assert names["model"] == ["facemesh", "facelandmarker", "fused"]
    assert ALONE.format("facemesh") in names["part"]
    assert [r.needs for r in rules.RULES if r.role == "peer"] == [ALONE.format("facemesh")] * 2


@pytest.mark.parametrize("rule", [peers.relative_difference, peers.unmatched_peaks])
def test_peers_find_the_twitch_on_its_side_and_no_event_in_the_blink(rule):
    measured = recording()
    for given, side in ((measured, "left"), (mirrored(measured), "right")):
        near = [m for m in rule(given, 4.0) if abs(m.onset_s - 8.0) < 0.15]
        assert [m.side for m in near] == [side]
        assert not [m for m in rule(given, 4.0) if m.onset_s < 12.3 and m.offset_s > 12.0]


def test_the_relative_difference_rule_fires_on_a_still_noisy_face():
    measured = recording(jitter=0.002)[slice(0, 7 * 60)]
    slow = np.cumsum(np.random.default_rng(1).standard_normal((len(measured), 2)), axis=0)
    measured.aperture[:] += 0.0005 * slow
    assert len(peers.relative_difference(measured)) > 0


@pytest.mark.parametrize("rule", [peers.relative_difference, peers.unmatched_peaks])
def test_peers_say_nothing_without_a_face(rule):
    measured = recording(seconds=3.0)
    assert rule(measured.where(np.zeros(len(measured), dtype=bool))) == []


# ---------------------------------------------------------------------------------- still noise


def test_still_face_has_the_jitter_it_was_given():
    covariance = np.diag(np.square(still.DEFAULT_NOISE))
    rest = np.array([0.11, 0.11, 0.36, -0.73, 0.36, -0.73, 0.0])
    made = still.still_face((rest, covariance, 0.05), fps=60.0, minutes=1.0, seed=0)
    _, found, memory_s = still.jitter_of([made])
    assert len(made) == 3600
    np.testing.assert_allclose(np.sqrt(np.diag(found)), still.DEFAULT_NOISE, rtol=0.15)
    assert memory_s == pytest.approx(0.05, rel=0.2)


# ------------------------------------------------------------------------------------ portraits


def test_a_portrait_is_drawn_from_its_own_split_only(tmp_path, monkeypatch):
    for number in range(32):
        (tmp_path / f"{number:02}.jpg").write_bytes(b"")
    monkeypatch.setattr("tests.benchmarks.accuracy.gather._looks_ahead", lambda *_: True)
    drawn = {
        split: [path[-6:-4] for _, path in choose_portraits(tmp_path, 4, None, split)[1:]]
        for split in ("tune", "test")
    }
    assert drawn == {"tune": ["03", "11", "19", "27"], "test": ["07", "15", "23", "31"]}
    assert {split_of(int(number)) for number in drawn["test"]} == {"test"}


# -------------------------------------------------------------------------------------- scoring


def plan(person: str, kind: str, *movements: Movement) -> Plan:
    return Plan(
        recipe=Recipe(person=person, source="portrait", path="", script=movements), kind=kind
    )


def twitch(onset_s: float, side: str = "left") -> Movement:
    return Movement("eyelid_twitch", side, onset_s, 0.2, 0.5)


def mark(onset_s: float, side: str = "left") -> LabelledEvent:
    return LabelledEvent(onset_s, onset_s + 0.2, side, "eye", "eyelid_twitch")


def test_judge_counts_hits_false_and_wrong_side():
    injected = plan("a", "injected", twitch(1.0), twitch(3.0), twitch(5.0))
    found = scoring.judge(injected, [mark(1.1), mark(3.3), mark(5.0, "right")], 60.0)
    assert found.hits == (True, False, False)
    assert found.false == 2
    assert found.evaluation.tally().wrong_side == 1


def test_events_of_the_mouth_are_dropped_where_only_the_eye_is_scored():
    only_eye = Plan(recipe=Recipe(person="a", source="clip", path=""), kind="clip", regions="eye")
    mouth = LabelledEvent(1.0, 1.2, "left", "mouth", "lower_face_spasm")
    assert scoring.judge(only_eye, [mouth, mark(2.0)], 60.0).false == 1


def results() -> dict[float, list[scoring.Found]]:
    """Two persons; at factor 1 all is found and `a` has 2 false events a minute, at 2 half, 0."""
    made: dict[float, list[scoring.Found]] = {1.0: [], 2.0: []}
    for person, false in (("a", 2), ("b", 0)):
        injected = plan(person, "injected", twitch(1.0), twitch(3.0))
        negative = plan(person, "healthy", Movement("blink", "both", 1.0, 0.3, 1.0))
        made[1.0] += [
            scoring.judge(injected, [mark(1.0), mark(3.0)], 60.0),
            scoring.judge(negative, [mark(10.0 + k) for k in range(false)], 60.0),
        ]
        made[2.0] += [
            scoring.judge(injected, [mark(1.0)], 60.0),
            scoring.judge(negative, [], 60.0),
        ]
    return made


def test_roc_points_and_recall_at_a_fixed_rate():
    counts = scoring.count(results(), lambda p, m: True)
    recall, false = counts.rates()
    assert recall.tolist() == [1.0, 0.5]
    assert false.tolist() == [1.0, 0.0]
    assert scoring.recall_at(counts, 0.5) == 0.5
    assert scoring.recall_at(counts, 1.0) == 1.0


def test_no_factor_within_the_rate_is_not_a_recall():
    counts = scoring.count({1.0: results()[1.0]}, lambda p, m: True)
    assert np.isnan(scoring.recall_at(counts, 0.5))
    assert scoring.choose(counts, 0.5) is None


def test_leaving_one_out_tests_a_person_at_the_factor_of_the_others():
    counts = scoring.count(results(), lambda p, m: True)
    # For `a` the factor comes from `b`, who allows 1; for `b` from `a`, whose false events ask 2.
    recall, false = scoring.leave_one_out(counts, 0.5)
    assert recall == pytest.approx((2 + 1) / 4)
    assert false == pytest.approx((2 + 0) / 2)


def test_the_bootstrap_draws_persons_and_is_repeatable():
    counts = scoring.count(results(), lambda p, m: True)
    interval = scoring.bootstrap(counts, lambda w: float(counts.rates(w)[1][0]), draws=200)
    assert interval == (0.0, 2.0)
    assert interval == scoring.bootstrap(counts, lambda w: float(counts.rates(w)[1][0]), draws=200)


def test_false_events_go_to_the_situation_of_the_moment():
    negative = plan("a", "healthy", Movement("blink", "both", 1.0, 0.3, 1.0))
    found = scoring.judge(negative, [mark(1.05), mark(9.0)], 60.0)
    table = {name: (false, minutes) for name, false, minutes in scoring.by_situation([found])}
    assert table["rendered: blink"] == (1, pytest.approx(0.005))
    assert table["rendered: elsewhere"] == (1, pytest.approx(59.7 / 60))


def test_floors_speak_of_good_conditions_only():
    good, small = twitch(1.0), Recipe(person="a", source="portrait", path="", height=360)
    assert scoring.strong(plan("a", "injected", good), good)
    assert not scoring.strong(Plan(recipe=small, kind="injected"), good)
    faint = Movement("eyelid_twitch", "left", 1.0, 0.12, 0.35)
    assert scoring.faint(plan("a", "injected"), faint)
    assert not scoring.faint(plan("a", "injected"), good)


def test_a_miss_is_put_down_to_what_the_signals_show():
    measured = recording()
    signals = rules.signals_of(measured)
    seen, unseen = twitch(8.0), twitch(4.0)
    found = scoring.judge(plan("a", "injected", seen, unseen), [], 20.0)
    assert causes.why_missed(found, 1, signals) == causes.CAUSES[5]
    assert causes.why_missed(found, 0, signals) == causes.CAUSES[4]
    late = scoring.judge(plan("a", "injected", seen), [mark(8.18)], 20.0)
    assert causes.why_missed(late, 0, signals) == causes.CAUSES[0]


# ----------------------------------------------------------------------------------- confidence


def event(onset_s: float, *, score: float = 2.0, confidence: float = 0.5, **other: Any) -> Event:
    return Event(
        **{
            "onset_s": onset_s,
            "offset_s": onset_s + 0.2,
            "side": "left",
            "region": "eye",
            "component": "clonic",
            "peak_s": onset_s + 0.1,
            "score": score,
            "confidence": confidence,
            "closure": 0.5,
            "excursion": 0.0,
            "rise_s": 0.1,
            "closure_velocity": 5.0,
            "excursion_velocity": 0.0,
            "eye_mouth_lag_s": None,
            "valid_fraction": 1.0,
            "truncated": False,
            **other,
        }
    )


def test_an_event_is_right_where_it_overlaps_a_movement_of_its_side():
    injected = plan("a", "injected", twitch(1.0), Movement("mouth_pull", "left", 5.0, 2.0, 0, 0.1))
    late, whole, piece = event(1.19), event(5.0, offset_s=6.0), event(6.5, offset_s=6.9)
    false = [event(3.0), event(1.0, side="right")]
    told = reliability.tell(injected, [late, whole, piece, *false], 20.0)
    assert {t.event.onset_s: t.right for t in told if t.event.side == "left"} == {
        1.19: True, 5.0: True, 6.5: True, 3.0: False,
    }  # fmt: skip
    assert [t.right for t in told if t.event.side == "right"] == [False]


def test_events_on_labels_that_nobody_is_sure_of_are_left_out():
    unsure = (material.Label(1.0, 2.0, "left", "wink", "low"),)
    clip = Plan(recipe=Recipe(person="a", source="clip", path=""), kind="clip", unsure=unsure)
    assert [t.event.onset_s for t in reliability.tell(clip, [event(1.2), event(4.0)], 9.0)] == [4.0]


def told(*rows: tuple[float, bool]) -> list[reliability.Told]:
    return [reliability.Told(event(1.0, confidence=c), right, "a") for c, right in rows]


def test_bins_hold_each_event_once_at_its_confidence():
    made = reliability.bins(told((0.0, False), (0.85, True), (0.89, False), (1.0, True)))
    assert sum(b.events for b in made) == 4
    row = next(b for b in made if b.low == 0.8)
    assert (row.events, row.predicted, row.observed) == (2, pytest.approx(0.87), 0.5)
    assert made[-1].events == 1


def test_the_brier_score_is_0_for_the_sure_and_right_and_1_for_the_sure_and_wrong():
    assert reliability.brier(told((1.0, True), (0.0, False))) == (0.0, 0.25)
    assert reliability.brier(told((0.0, True), (1.0, False))) == (1.0, 0.25)


def drawn(n: int, weights: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    region = np.eye(3)[rng.integers(3, size=n)]
    x = np.column_stack([region, rng.uniform(-0.5, 2.0, (n, 1)), rng.uniform(-3.0, 0.5, (n, 1))])
    return x, (rng.random(n) < calibrate.predict(x, np.array(weights))).astype(float)


def test_the_fit_finds_the_weights_that_events_were_drawn_with():
    weights = (0.5, -0.5, 1.0, 2.0, 0.3)
    x, right = drawn(20_000, weights)
    np.testing.assert_allclose(calibrate.fit(x, right), weights, atol=0.15)


def test_the_fit_never_lets_confidence_fall_with_the_score():
    x, right = drawn(2_000, (0.5, -0.5, 1.0, -2.0, 0.3))
    fitted = calibrate.fit(x, right)
    assert fitted[3] == 0.0
    assert np.abs(fitted).max() > 0.1


def test_a_person_is_predicted_by_a_fit_to_the_others():
    x, right = drawn(400, (0.0, 0.0, 0.0, 2.0, 0.0))
    persons = ["a"] * 200 + ["b"] * 200
    predicted = calibrate.leaving_out(x, right, persons)
    flipped = np.concatenate([1 - right[:200], right[200:]])
    again = calibrate.leaving_out(x, flipped, persons)
    np.testing.assert_array_equal(again[:200], predicted[:200])
    assert np.abs(again[200:] - predicted[200:]).max() > 0.1


def test_what_lower_thresholds_find_is_added_once_in_units_of_the_default():
    measured = recording(seconds=30.0)
    faint = bump(measured.time_s, 20.0, 0.3)
    measured.aperture[:, 1] -= 0.11 * 0.12 * faint
    strong = rules.events_of(measured)
    events = calibrate.found_at_any(measured)
    assert len(strong) >= 1
    assert events[: len(strong)] == strong
    assert all(e.score < 1.0 for e in events[len(strong) :])
    (found,) = [e for e in events if abs(e.onset_s - 20.0) < 0.3]
    assert 0.5 <= found.score < 1.0
    assert found.side == "right"
