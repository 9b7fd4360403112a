"""Recordings measured part by part, in one process and in several."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

import hfs_vision
from hfs_vision.analysis import parallel
from hfs_vision.analysis.result import Analysis
from hfs_vision.errors import SourceError, UsageError
from tests.cli.support import remux
from tests.models_here import needs_model
from tests.paths import SAMPLES

pytestmark = needs_model
SPASMS = SAMPLES / "right_hemifacial_spasms.mp4"
TABLES = ("events.csv", "twitches.csv", "counts.csv", "signals.csv")


@pytest.fixture(autouse=True)
def _short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of some seconds, so that the clips have several; workers are told what to measure."""
    monkeypatch.setattr(parallel, "PART_S", 5.0)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The first 18 s of two samples: four parts, with events in the last of them."""
    folder = tmp_path_factory.mktemp("clips")
    found = {}
    for name in ("right_hemifacial_spasms", "variable_frame_rate"):
        found[name] = folder / f"{name}.mp4"
        remux(SAMPLES / f"{name}.mp4", found[name], until_s=18.0)
    return found


@pytest.fixture
def spasms(clips: dict[str, Path]) -> Path:
    return clips["right_hemifacial_spasms"]


@pytest.fixture(scope="module")
def whole(clips: dict[str, Path]) -> Analysis:
    """What one process makes of it, in the same parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel, "PART_S", 5.0)
        return hfs_vision.analyze(clips["right_hemifacial_spasms"])


def tables(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in TABLES]


@pytest.mark.parametrize("name", ["right_hemifacial_spasms", "variable_frame_rate"])
def test_one_two_and_three_workers_give_the_same_bytes(tmp_path, clips, name):
    for number in (1, 2, 3):
        result = hfs_vision.analyze(clips[name], workers=number)
        result.save(tmp_path / str(number))
        assert result.speed is not None
        assert result.speed["workers"] == number
    first = tables(tmp_path / "1")
    assert tables(tmp_path / "2") == first
    assert tables(tmp_path / "3") == first
    assert result.events
    assert result.decoding is not None
    assert result.decoding.frames == len(result.measurements)


def test_parts_change_little_and_no_event(monkeypatch, spasms, whole):
    monkeypatch.setattr(parallel, "PART_S", 60.0)
    uncut = hfs_vision.analyze(spasms)
    assert [(e.side, e.kind) for e in whole.events] == [(e.side, e.kind) for e in uncut.events]
    for a, b in zip(whole.events, uncut.events, strict=True):
        assert a.onset_s == pytest.approx(b.onset_s, abs=0.034)
    a, b = whole.measurements, uncut.measurements
    np.testing.assert_array_equal(a.time_s, b.time_s)
    jitter = np.nanstd(np.diff(b.aperture, axis=0), axis=0).max()
    assert np.nanmedian(np.abs(a.aperture - b.aperture)) < jitter
    assert np.nanmax(np.abs(a.commissure - b.commissure)) < 0.02


def test_progress_and_speed_are_those_of_all_workers(spasms):
    seen: list[tuple[int, float]] = []
    result = hfs_vision.analyze(
        spasms, workers=2, progress=lambda info, n, time_s: seen.append((n, time_s))
    )
    counts = [count for count, _ in seen]
    assert counts == sorted(counts)
    assert counts[-1] >= len(result.measurements)  # with what leads in to each part
    assert seen[-1][1] == pytest.approx(result.measurements.time_s[-1], abs=0.1)
    assert result.speed is not None
    spent = result.speed["cpu_ms_a_frame"]
    assert set(spent) == {"decode", "landmarks", "patches", "measure", "detect"}
    assert all(ms > 0 for ms in spent.values())
    assert spent["measure"] + spent["detect"] < 0.1 * sum(spent.values())
    assert result.as_dict()["speed"] == result.speed


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_stopped_ends_with_a_part_of_what_the_whole_has(spasms, whole, number):
    seen: list[int] = []
    result = hfs_vision.analyze(
        spasms,
        workers=number,
        progress=lambda info, n, time_s: seen.append(n),
        stop=lambda: bool(seen) and seen[-1] > 300,
    )
    assert result.partial
    rows = len(result.measurements)
    assert 0 < rows < len(whole.measurements)
    np.testing.assert_array_equal(result.measurements.time_s, whole.measurements.time_s[:rows])
    np.testing.assert_array_equal(result.measurements.aperture, whole.measurements.aperture[:rows])


@pytest.mark.skipif(os.name == "nt", reason="Windows kills otherwise")
def test_what_a_killed_worker_had_is_measured_by_this_process_and_that_is_told(spasms, whole):
    def kill() -> None:
        deadline = time.monotonic() + 60
        while not (children := active_children()) and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(1.0)
        os.kill(children[0].pid or 0, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    shown: list[int] = []
    result = hfs_vision.analyze(
        spasms, workers=2, progress=lambda info, frames, time_s: shown.append(frames)
    )
    killer.join()
    assert not active_children()
    assert any("killed" in text for text in result.warnings)
    assert result.events == whole.events
    np.testing.assert_array_equal(result.measurements.aperture, whole.measurements.aperture)
    assert 0 < shown[-1] < 1.05 * len(whole.measurements)  # a little is read twice


def test_no_process_is_started_for_a_short_recording(tmp_path, monkeypatch):
    short = tmp_path / "short.mp4"
    remux(SPASMS, short, until_s=4.0)
    monkeypatch.setattr(parallel, "_in_processes", None)
    assert len(hfs_vision.analyze(short, workers=8).measurements) > 100


def test_errors_of_a_worker_are_those_of_the_program(tmp_path, spasms):
    clip = tmp_path / "clip.mp4"
    shutil.copy(spasms, clip)
    source = hfs_vision.video.open_source(clip)
    parts = parallel.measure_recording(
        source,
        parallel.LandmarkerChoice(),
        workers=2,
        progress=lambda n, time_s: clip.unlink(missing_ok=True),
        stop=lambda: False,
    )
    with pytest.raises(SourceError, match=r"clip\.mp4"):
        list(parts)


def test_a_number_of_workers_that_cannot_be_is_refused():
    with pytest.raises(UsageError, match="workers must be 1 or more, not 0"):
        hfs_vision.analyze(SPASMS, workers=0)
