"""Tables as data frames and the figure of the signals: of a result in memory and of a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hfs_vision import Analysis, ResultFolder, errors
from hfs_vision.analysis.pipeline import detect
from hfs_vision.errors import UsageError
from hfs_vision.results import read_folder
from tests.synthetic import Recording

TABLES = ("events", "twitches", "counts", "signals")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Analysis, ResultFolder, Path]:
    folder = tmp_path_factory.mktemp("plot") / "a.results"
    recording = Recording(40.0).lid(0, 14, 0.4).lid(1, 20, 0.3).pull(0, 30, 0.5)
    made = detect(recording.without_face(24, 2).measured())
    made.save(folder)
    return made, read_folder(folder), folder


@pytest.mark.parametrize("table", TABLES)
def test_a_frame_holds_what_the_csv_file_holds(results, table):
    pandas = pytest.importorskip("pandas")
    made, folder, path = results
    stored = pandas.read_csv(path / f"{table}.csv")
    for result in (made, folder):
        frame = result.to_frame(table)
        assert list(frame.columns) == list(stored.columns)
        assert len(frame) > 2
        pandas.testing.assert_frame_equal(frame, stored, check_dtype=False, atol=1e-6)


def test_columns_have_types_also_without_rows(results):
    pytest.importorskip("pandas")
    made = results[0]
    quiet = detect(Recording(12.0).measured())
    assert len(quiet.to_frame()) == 0
    for table in TABLES:
        assert (quiet.to_frame(table).dtypes == made.to_frame(table).dtypes).all(), table
    events = made.to_frame()
    assert events.truncated.dtype == bool
    assert events.onset_s.dtype == np.float64
    assert list(events.groupby("side").size().items()) == [("left", 2), ("right", 1)]
    assert made.to_frame("signals").valid.sum() == made.signals.valid.sum()


def test_a_table_that_is_none_and_a_missing_pandas_are_told(results, monkeypatch):
    made, folder, _ = results
    for result in (made, folder):
        with pytest.raises(UsageError, match="no table 'event': ask for one of events, twitches"):
            result.to_frame("event")
    monkeypatch.setattr(errors, "find_spec", lambda name: None)
    for result in (made, folder):
        with pytest.raises(
            UsageError,
            match=r'to_frame needs pandas, which is not here: pip install "hfs-vision\[export\]"',
        ):
            result.to_frame()


def test_the_figure_shows_both_signals_of_both_sides_and_every_event(results, tmp_path):
    made, folder, _ = results
    for result in (made, folder):
        figure = result.plot()
        closure, excursion = figure.axes
        for axes, name in ((closure, "closure"), (excursion, "excursion")):
            assert [line.get_label() for line in axes.lines] == ["left", "right"]
            highest = [np.nanmax(line.get_ydata()) for line in axes.lines]
            assert highest == pytest.approx(np.nanmax(getattr(made.signals, name), axis=0))
            shaded = [patch for patch in axes.patches if patch.get_gid()]
            spans = [(p.get_x(), p.get_x() + p.get_width()) for p in shaded]
            assert spans == [pytest.approx((e.onset_s, e.offset_s)) for e in made.events]
            assert [p.get_gid().split("-")[1] for p in shaded] == ["left", "right", "left"]
            (hatched,) = (patch for patch in axes.patches if patch.get_hatch())
            assert hatched.get_x() == pytest.approx(24.0, abs=0.05)
        assert closure.get_xlim() == pytest.approx((0.0, made.signals.time_s[-1]))
        figure.savefig(tmp_path / "a.png")
        assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_a_stretch_of_it_can_be_drawn(results):
    (closure, _) = results[0].plot(19.0, 21.0).axes
    assert closure.get_xlim() == (19.0, 21.0)
    assert [patch.get_gid() for patch in closure.patches] == ["closure-right-20.033333"]
    (later, _) = results[0].plot(start_s=29.0).axes
    assert later.get_xlim()[1] == pytest.approx(results[0].signals.time_s[-1])


@pytest.mark.parametrize("ends", [(5.0, 5.0), (9.0, 5.0), (float("nan"), 5.0), (99.0, None)])
def test_a_stretch_that_is_none_is_refused(results, ends):
    with pytest.raises(UsageError, match="the end must be after the start"):
        results[0].plot(*ends)


def test_a_result_without_frames_has_no_figure_and_one_of_one_frame_has(results):
    measured = Recording(1.0).measured()
    with pytest.raises(UsageError, match="no signals to plot"):
        detect(measured[slice(0)]).plot()
    assert len(detect(measured[slice(1)]).plot().axes) == 2
