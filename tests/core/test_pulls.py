"""Pulls of the mouth corners: quick, against the other corner, and held."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.core.pulls import ATTACK_S, LAG_S, OTHER_WEIGHT, ExcursionHold, attacks, running_max
from hfs_vision.core.settings import Settings

FPS = 30
MAX_GAP_S = 0.25


def clock(seconds):
    return np.arange(round(seconds * FPS)) / FPS


def at_rest(seconds=4.0):
    time_s = clock(seconds)
    return time_s, np.zeros((len(time_s), 2))


def pull_of(time_s, place):
    return attacks(time_s, place, MAX_GAP_S)[0]


def test_a_corner_that_jumps_is_pulled_by_its_jump_for_as_long_as_an_attack_lasts():
    time_s, place = at_rest()
    place[60:, 0] = 0.05
    pull = pull_of(time_s, place)
    np.testing.assert_allclose(pull[:60, 0], 0.0)
    np.testing.assert_allclose(pull[60 : 60 + int(ATTACK_S * FPS), 0], 0.05)
    np.testing.assert_allclose(pull[60 + int(ATTACK_S * FPS) + 2 :, 0], 0.0)
    assert (pull[:, 1] <= 0.0).all()


def test_a_drift_is_pulled_only_by_what_it_moves_within_an_attack():
    time_s, place = at_rest()
    place[:, 1] = 0.02 * time_s
    assert pull_of(time_s, place).max() <= 0.02 * ATTACK_S + 1e-9


@pytest.mark.parametrize("share", [1.0, 0.8, 1 / OTHER_WEIGHT])
@pytest.mark.parametrize("later", [0, 1])
def test_corners_that_rise_together_are_not_pulled_even_a_frame_apart(share, later):
    time_s, place = at_rest()
    lag_s = np.where(np.arange(2) == later, 1 / FPS, 0.0)
    place[:] = 0.1 * np.clip((time_s[:, None] - 2.0 - lag_s) / 0.25, 0.0, 1.0)
    place[:, 1] *= share
    assert 1 / FPS < LAG_S
    assert pull_of(time_s, place).max() < Settings().excursion_threshold


def test_a_corner_that_stays_while_the_other_drops_is_not_pulled():
    time_s, place = at_rest()
    place[60:, 1] = -0.1
    assert pull_of(time_s, place)[:, 0].max() == 0.0


def test_one_stray_sample_starts_no_pull_after_it():
    time_s, place = at_rest()
    place[60, 0] = -0.1
    assert pull_of(time_s, place)[:, 0].max() <= 1e-9


@pytest.mark.parametrize("lost", ["no frames", "no face"])
def test_no_pull_reaches_across_a_gap(lost):
    time_s, place = at_rest()
    place[60:, 0] = 0.1
    gone = slice(56, 66)  # 0.33 s, less than an attack lasts
    if lost == "no frames":
        time_s, place = np.delete(time_s, gone), np.delete(place, gone, axis=0)
    else:
        place[gone] = np.nan
    assert np.nanmax(pull_of(time_s, place)) == 0.0


def test_what_cannot_be_measured_has_no_pull():
    time_s, place = at_rest()
    place[30:33] = np.nan
    pull = pull_of(time_s, place)
    assert np.isnan(pull[30:33]).all()
    assert np.isfinite(np.delete(pull, slice(30, 33), axis=0)).all()


def held_pull(place, threshold=0.02, pieces=()):
    time_s = np.arange(len(place)) / FPS
    pulled = attacks(time_s, place, MAX_GAP_S)
    hold, edges = ExcursionHold(0.5), [0, *pieces, len(place)]
    parts = [
        hold.update(place[a:b], tuple(part[a:b] for part in pulled), np.full(b - a, threshold))
        for a, b in pairwise(edges)
    ]
    return np.concatenate(parts)


def test_a_pull_that_is_held_keeps_its_size_until_the_corner_comes_back():
    _, place = at_rest(10.0)
    place[60:200, 0] = 0.05
    held = held_pull(place)
    np.testing.assert_allclose(held[60:200, 0], 0.05)
    assert held[201:, 0].max() <= 1e-9


def test_a_rise_that_never_reaches_the_threshold_is_not_followed():
    _, place = at_rest(10.0)
    place[60:, 0] = 0.019
    place[100:, 0] = np.linspace(0.019, 0.1, 200)  # 0.004 within an attack
    assert held_pull(place)[80:, 0].max() < 0.02


@given(st.lists(st.integers(1, 299), max_size=6, unique=True).map(sorted), st.integers(0, 99))
def test_pieces_of_any_size_give_the_same_pulls(pieces, seed):
    rng = np.random.default_rng(seed)
    place = np.cumsum(rng.normal(0, 0.01, (300, 2)), axis=0)
    place[rng.integers(0, 300, 10)] = np.nan
    np.testing.assert_array_equal(held_pull(place, pieces=pieces), held_pull(place))


def test_running_max_looks_both_ways_and_counts_nan_as_nothing():
    time_s = np.array([0.0, 0.1, 0.2, 0.3])
    values = np.array([[1.0], [5.0], [np.nan], [2.0]])
    assert running_max(time_s, values, 0.1).ravel().tolist() == [5.0, 5.0, 5.0, 2.0]
