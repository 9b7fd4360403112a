"""For how long frames stand: one definition for counts, report, page and exports."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.core.detector import DetectorUpdate
from hfs_vision.core.frame_times import FrameTimes, frame_ends
from hfs_vision.core.geometry import measure
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Tally
from hfs_vision.schema import N_LANDMARKS

GAP_S = Settings().max_gap_s


def frames(time_s: list[float], valid: list[bool]) -> FrameTimes:
    return FrameTimes(np.array(time_s), np.array(valid, dtype=bool), GAP_S)


def test_a_frame_stands_until_the_next_one_and_the_last_as_long_as_the_one_before():
    assert frame_ends(np.array([0.0, 0.1, 0.3]), GAP_S) == pytest.approx([0.1, 0.3, 0.5])
    assert frame_ends(np.array([0.0, 5.0]), GAP_S) == pytest.approx([0.25, 5.25])
    assert frame_ends(np.array([2.0]), GAP_S).tolist() == [2.0]
    assert frame_ends(np.empty(0), GAP_S).tolist() == []


def test_gaps_are_what_no_measured_frame_stands_for():
    found = frames([0.0, 0.1, 0.2, 0.3, 2.0, 2.1], [True, True, False, True, True, False])
    assert found.gaps() == [pytest.approx(gap) for gap in [(0.2, 0.3), (0.55, 2.0), (2.1, 2.2)]]
    assert found.gaps(0.3) == [pytest.approx((0.2, 2.2))]
    assert frames([], []).gaps() == []
    assert frames([0.0, 0.1], [True, True]).gaps() == []
    assert frames([0.0, 0.1], [False, False]).gaps() == [pytest.approx((0.0, 0.2))]


def test_valid_time_between_edges_belongs_where_a_frame_begins():
    found = frames([0.0, 0.1, 0.2, 0.3], [True, False, True, True])
    assert found.valid_between((0.0, 0.2, 9.0)) == pytest.approx([0.1, 0.2])


@given(
    st.lists(st.tuples(st.floats(0.01, 1.0), st.booleans()), min_size=1, max_size=40),
    st.integers(1, 39),
)
def test_valid_time_and_gaps_fill_the_recording_and_agree_with_the_counts(steps, cut):
    time_s = np.round(np.cumsum([step for step, _ in steps]), 6)
    valid = np.array([is_valid for _, is_valid in steps])
    found = FrameTimes(time_s, valid, GAP_S)
    gaps_s = sum(stop - start for start, stop in found.gaps())
    assert found.valid_s.sum() + gaps_s == pytest.approx(found.ends_s[-1] - time_s[0])

    tally = Tally(GAP_S)
    columns = np.where(valid[:, None], 0.0, np.nan) * np.ones((1, 2))
    signals = Signals(time_s, *([columns] * 4))
    measured = measure(time_s, np.full((len(time_s), N_LANDMARKS, 3), np.nan))
    for part in (slice(0, cut), slice(cut, None)):
        tally.add(measured[part], DetectorUpdate(signals[part], [], []))
    assert tally.valid_s == pytest.approx(found.valid_s.sum())
    assert tally.summary().end_s == pytest.approx(found.ends_s[-1])
