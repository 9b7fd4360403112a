"""Confidence of an event: a number between 0 and 1 that rises with the score."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.core.confidence import confidence
from hfs_vision.results import read_events
from hfs_vision.schema import REGIONS
from tests.synthetic import Recording

SCORES = st.floats(0.0, 100.0)
DURATIONS = st.floats(1e-6, 1e4)


@given(st.sampled_from(REGIONS), SCORES, SCORES, DURATIONS)
def test_confidence_lies_between_0_and_1_and_rises_with_the_score(region, a, b, duration_s):
    low, high = (confidence(region, score, duration_s) for score in sorted((a, b)))
    assert 0.0 <= low <= high <= 1.0


@pytest.mark.parametrize("region", REGIONS)
def test_an_event_far_above_the_threshold_is_surer_than_one_just_counted(region):
    assert confidence(region, 6.0, 0.4) > confidence(region, 1.0, 0.4) + 0.01


def test_every_event_of_the_detector_carries_its_confidence():
    (event,) = Recording(30).jitter(2).lid(0, 12, 0.3).events()
    assert event.confidence == confidence(event.region, event.score, event.duration_s)


def test_a_table_without_the_column_gives_nan(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("onset_s,duration_s,side,region\n1,0.5,left,eye\n")
    (event,) = read_events(path)
    assert math.isnan(event.confidence)
