"""Offsets between two clocks: found where they are sure, told where not, and never invented."""

from __future__ import annotations

import numpy as np
import pytest

from hfs_vision.evaluation.clock_offset import find_offset
from hfs_vision.evaluation.evaluate import LabelledEvent


def at(*onsets_s: float, side: str = "left") -> list[LabelledEvent]:
    return [LabelledEvent(t, t + 0.3, side, "eye", "eyelid_twitch") for t in onsets_s]


def irregular(count: int, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).uniform(0.8, 6.0, count))


@pytest.mark.parametrize("offset_s", [1.4, -9.3, 36001.4])
@pytest.mark.parametrize("seed", range(5))
def test_an_offset_is_found_from_events_with_jitter_misses_and_false_ones(offset_s, seed):
    random = np.random.default_rng(seed)
    true = irregular(20, seed)
    seen = np.delete(true, [3, 11]) + random.normal(0, 0.03, 18)
    false = random.uniform(0, true[-1], 4)
    found = find_offset(at(*true), at(*(np.append(seen, false) + offset_s)))
    assert found.offset_s == pytest.approx(offset_s, abs=0.05)
    assert found.fits >= 17
    assert found.doubtful_s is None


def test_where_most_fit_nothing_is_moved_however_well_another_offset_would_do():
    true = irregular(10)
    half = np.concatenate([true[:5], true[5:] + 2.0])
    found = find_offset(at(*true), at(*half), known_s=[2.0])
    assert (found.offset_s, found.doubtful_s) == (0.0, None)


def test_a_regular_train_is_not_moved_since_another_offset_fits_as_well():
    train = np.arange(0, 30, 3.0)
    found = find_offset(at(*train), at(*(train + 1.4)))
    assert found.offset_s == 0.0
    assert found.doubtful_s is not None


def test_events_without_a_common_pattern_have_no_offset():
    moved = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        first, second = (np.sort(random.uniform(0, 60, n)) for n in random.integers(5, 25, 2))
        moved += find_offset(at(*first), at(*second)).offset_s != 0
    assert moved <= 2


def test_few_events_tell_nothing_unless_the_offset_is_known():
    assert find_offset(at(1.6, 4.0), at(3.0, 5.4)).offset_s == 0.0
    assert find_offset(at(1.6, 4.0), at(3.0, 5.4), known_s=[1.4]).offset_s == 1.4
    assert find_offset(at(1.6), at(3.0), known_s=[1.4]).offset_s == 1.4


def test_sides_are_told_apart_and_nothing_has_no_offset():
    assert find_offset(at(1, 2, 4, 8, 9), at(11, 12, 14, 18, 19, side="right")).offset_s == 0.0
    assert find_offset([], at(1.0)).offset_s == 0.0
    assert find_offset([], [], known_s=[5.0]).offset_s == 0.0


def test_very_many_events_are_compared_in_little_time_and_memory():
    true = np.cumsum(np.random.default_rng(1).uniform(0.5, 3.0, 4000))
    found = find_offset(at(*true), at(*(true + 7.25)))
    assert found.offset_s == pytest.approx(7.25)
