"""What the report's figures and rates are made from: no peak is lost, no interval is guessed."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.analysis.pipeline import detect
from hfs_vision.core.plot_points import broken, decimate, window
from hfs_vision.core.signals import Signals
from hfs_vision.report.rates import MOST_BINS, rates_over_time
from hfs_vision.report.timeline import MOST_ROWS, rows_of, shown
from tests.synthetic import Recording


@pytest.mark.parametrize("fps", [24.0, 59.94])
def test_valid_time_is_that_of_the_summary(fps):
    recording = Recording(40.0, fps).without_face(5.0, 3.0).without_face(38.0, 5.0)
    analysis = detect(recording.measured())
    frames = analysis.signals.frame_times(0.25)
    whole = frames.valid_between((0.0, 100.0))
    assert whole[0] == pytest.approx(analysis.summary.valid_s)
    parts = frames.valid_between((0.0, 6.0, 12.0, 100.0))
    assert parts.sum() == pytest.approx(whole[0])
    assert parts[0] == pytest.approx(5.0, abs=2 / fps)


@pytest.mark.parametrize(
    ("duration_s", "bins"), [(30.0, 0), (59.0, 2), (600.0, 20), (3600.0, 12), (36000.0, 20)]
)
def test_the_course_has_at_most_two_dozen_stretches(duration_s, bins):
    time_s = np.arange(0.0, duration_s, 0.2)
    pair = np.zeros((len(time_s), 2))
    signals = Signals(time_s, pair, pair, pair, pair)
    found = rates_over_time([], signals.frame_times(0.25), 0.0, duration_s)
    assert len(found) == bins
    assert sum(b.valid_s for b in found) == pytest.approx(duration_s * bool(bins), abs=0.01)


@pytest.mark.parametrize("end_s", [1e6, 1e9, 9e11])
def test_a_clock_that_leaps_makes_no_more_rows(end_s):
    rows = rows_of(0.5, end_s)
    assert len(rows) <= MOST_ROWS
    assert rows[-1][1] >= end_s
    signals = Signals(np.array([0.0, 0.1, end_s]), *[np.zeros((3, 2))] * 4)
    assert len(rates_over_time([], signals.frame_times(0.25), 0.0, end_s)) <= MOST_BINS


_VALUES = st.lists(
    st.one_of(st.floats(-1e3, 1e3), st.just(math.nan)), min_size=1, max_size=400
).map(np.array)


@given(_VALUES, st.integers(2, 60))
def test_decimation_keeps_the_extremes_and_the_gaps(values, points):
    kept = decimate(values, points)
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= max(points, 3 * (points // 2), 1)
    if np.isfinite(values).any():
        assert np.nanmax(values[kept]) == np.nanmax(values)
        assert np.nanmin(values[kept]) == np.nanmin(values)
    assert np.isnan(values[kept]).any() == np.isnan(values).any()


def test_a_peak_of_one_frame_in_an_hour_is_drawn():
    values = np.zeros(216_000)
    values[123_456] = 1.0
    assert 123_456 in decimate(values, 800)


def test_no_line_crosses_a_stretch_without_frames():
    time_s = np.array([0.0, 0.1, 0.2, 5.0, 5.1])
    times, values = broken(time_s, np.zeros((5, 2)), 0.25)
    assert times.tolist() == pytest.approx([0.0, 0.1, 0.2, 2.6, 5.0, 5.1])
    assert np.isnan(values[3]).all()
    assert np.isfinite(np.delete(values, 3, axis=0)).all()


def test_gaps_are_missing_faces_and_missing_frames():
    time_s = np.concatenate([np.arange(0.0, 10.0, 0.1), np.arange(20.0, 30.0, 0.1)])
    closure = np.zeros((200, 2))
    closure[50:60] = math.nan  # from 5 to 6 s
    closure[150] = math.nan  # one frame
    pair = np.zeros((200, 2))
    signals = Signals(time_s, closure, pair, pair, pair)
    found = signals.frame_times(0.25).gaps(0.2)
    assert np.array(found) == pytest.approx(np.array([(5.0, 6.0), (10.15, 20.0)]), abs=0.001)


def test_a_window_reaches_over_its_edges():
    time_s = np.arange(0.0, 10.0, 0.5)
    pair = np.zeros((20, 2))
    rows = window(Signals(time_s, pair, pair, pair, pair), 2.2, 3.3)
    assert rows.time_s.tolist() == [2.0, 2.5, 3.0, 3.5]
    assert len(window(Signals.empty(), 2.0, 3.0)) == 0


@given(st.floats(0.0, 1e5), st.floats(0.01, 1e5))
def test_rows_cover_the_recording(start_s, duration_s):
    rows = rows_of(start_s, start_s + duration_s)
    assert len(rows) <= 12
    assert rows[0][0] <= start_s
    assert rows[-1][1] >= start_s + duration_s
    assert all(a[1] == b[0] for a, b in pairwise(rows))


def test_a_label_is_what_can_be_printed_of_it():
    assert shown("a\x00b\nc") == "a b c"
    assert len(shown("x" * 100)) == 24
