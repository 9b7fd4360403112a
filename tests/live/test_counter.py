"""What a session does where frames stop coming: a landmarker that is given its faces."""

from __future__ import annotations

import numpy as np
import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.core.settings import Settings
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.live.counter import Counting
from hfs_vision.live.log import SessionLog
from hfs_vision.results import read_events, read_signals
from hfs_vision.schema import Frame
from tests.cli.support import StandIn
from tests.synthetic import Recording

BLANK = np.zeros((8, 8, 3), np.uint8)


@pytest.fixture
def counting(tmp_path, monkeypatch):
    monkeypatch.setattr(PatchNetworks, "__call__", lambda self, frame, face: np.full(7, np.nan))
    monkeypatch.setattr("hfs_vision.analysis.measure_frames.readings", lambda rows: None)
    finder = StandIn()
    made = Counting(finder, PatchNetworks(), Settings(), SessionLog(tmp_path))
    recording = Recording(20).lid(0, 14.5, 3.0)
    faces = recording.landmarks()

    def play(first: int, stop: int) -> list:
        told = []
        for row in range(first, stop):
            finder.face = faces[row]
            told += made.take(Frame(row, row / 30, BLANK))
        return told

    return made, play


def test_what_moves_when_the_camera_is_lost_is_told_and_logged_while_it_is_gone(counting, tmp_path):
    made, play = counting
    assert play(0, 30 * 15) == []
    assert made.ongoing == {("left", "eye")}
    told = [event for now in np.arange(15.5, 60, 0.05) for event in made.break_off(now)]
    assert [(e.side, e.region, e.truncated) for e in told] == [("left", "eye", True)]
    assert told[0].offset_s == pytest.approx(15, abs=0.05)
    assert made.ongoing == set()
    assert len(read_events(tmp_path / "events.csv")) == 1  # also if it is killed now
    rows = read_signals(tmp_path / "signals.csv")
    assert len(rows) <= 30 * 15 + 10  # and no more of them, however long it is gone
    assert detect(rows).events == told


def test_after_a_break_counting_goes_on_and_a_late_frame_is_left_out(counting):
    made, play = counting
    play(0, 30 * 12)
    for now in np.arange(12.5, 15, 0.05):
        made.break_off(now)
    last_s = made.last_s
    assert play(30 * 13, 30 * 13 + 1) == []
    assert made.last_s == last_s
    play(30 * 16, 30 * 17)
    assert made.last_s == pytest.approx(17 - 1 / 30)
    assert [event.truncated for event in made.finish()] == [True]
