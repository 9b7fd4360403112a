"""Sessions of cameras give what `analyze` gives, whatever happens to the network."""

from __future__ import annotations

import json
import signal
import time

import numpy as np

from hfs_vision import analyze
from hfs_vision.results import read_events, read_signals
from tests.live_support import (
    TOLD_S,
    analysed,
    differences,
    first_time_s,
    rows,
    rows_in,
    session,
    start_live,
    wait_for,
)
from tests.mjpeg_server import MjpegServer
from tests.models_here import needs_model
from tests.paths import SAMPLES

pytestmark = needs_model


def lasting(name: str) -> float:
    """Almost to the end: then the camera closes the connection."""
    return analysed(name).summary.duration_s - 0.2


def camera(name: str, **options) -> MjpegServer:
    return MjpegServer(SAMPLES / f"{name}.mp4", **options)


def test_a_stream_gives_the_events_of_its_file(tmp_path):
    pair = ("right_hemifacial_spasms", "variable_frame_rate")  # all: tests.benchmarks.live samples
    for name in pair:
        analysed(name)  # before, since it would take the cores away
    servers = [camera(name) for name in pair]
    try:
        for server in servers:
            server.start()
        running = [
            start_live(tmp_path / name, "--url", server.url, "--duration", lasting(name))
            for name, server in zip(pair, servers, strict=True)
        ]
        said = [process.communicate(timeout=120) for process in running]
    finally:
        for server in servers:
            server.stop()
    for name, process, (out, err) in zip(pair, running, said, strict=True):
        assert process.returncode == 0, err
        folder = tmp_path / name
        events = read_events(folder / "events.csv")
        assert differences(events, analysed(name).events, first_time_s(folder)) == []
        assert out.count(" s  right") + out.count(" s  left") == len(events)
        live = json.loads((folder / "summary.json").read_text())["live"]
        if live["event_told_after_ms"]["median"] is not None:
            assert live["event_told_after_ms"]["median"] < 1000 * TOLD_S


def test_a_camera_that_is_lost_and_comes_back_leaves_a_gap_and_no_event(tmp_path):
    server = camera("healthy_blinks_smiles_turns", loop=True)
    server.start()
    process = start_live(tmp_path / "live", "--url", server.url)
    try:
        wait_for(lambda: rows_in(tmp_path / "live") > 400, 60)
        server.stop()
        wait_for(lambda: "camera_lost" in (tmp_path / "live/marks.csv").read_text(), 20)
        time.sleep(1.0)
        before = rows_in(tmp_path / "live")
        server.start()
        wait_for(lambda: rows_in(tmp_path / "live") > before + 150, 60)
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        server.stop()
    assert process.returncode == 0, err
    assert read_events(tmp_path / "live/events.csv") == []
    kinds = [m["kind"] for m in rows(tmp_path / "live/marks.csv", "kind")]
    assert kinds == ["camera_lost", "camera_back"]
    measured = read_signals(tmp_path / "live/signals.csv")
    empty = np.flatnonzero(np.isnan(measured.yaw_deg))
    assert 1 <= len(empty) < 15  # the gap begins with some empty rows
    assert (np.diff(empty) == 1).all()
    gap_s = measured.time_s[empty[-1] + 1] - measured.time_s[empty[0] - 1]
    assert gap_s > 1.0
    summary = json.loads((tmp_path / "live/summary.json").read_text())
    assert not summary["partial"]
    (gap,) = summary["live"]["interruptions"]
    assert gap["back_s"] > gap["lost_s"] > 10
    assert summary["valid_s"] < summary["duration_s"] - 1.0
    assert {"code": "camera_lost", "values": {"count": 1}} in summary["warnings"]
    assert "camera is lost" in err
    assert "camera is back" in err


def test_a_recording_of_a_session_gives_its_events(tmp_path):
    found = session(tmp_path, record=True)
    again = analyze(tmp_path / "recording.mp4")
    assert differences(again.events, found.events, 0.0) == []
    assert again.summary.frames == found.summary.frames
