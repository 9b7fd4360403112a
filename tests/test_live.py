"""Sessions with the real models: files and streams give what `analyze` gives, whatever happens."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hfs_vision import analyze
from hfs_vision.facemesh import carries_face_mesh
from hfs_vision.live import Action, View, open_protocol, run_live, session_clock
from hfs_vision.pipeline import Analysis
from hfs_vision.schema import Event
from hfs_vision.tables import read_events, read_rows, read_segments, read_signals
from hfs_vision.video import Replay
from tests.golden.data import SAMPLE_NAMES, SAMPLES, task_file
from tests.live_support import (
    TOLD_S,
    after_a_kill,
    differences,
    first_time_s,
    rows_in,
    start_live,
    wait_for,
)
from tests.mjpeg_server import MjpegServer

pytestmark = pytest.mark.skipif(
    not carries_face_mesh() and task_file() is None, reason="no landmark model is here"
)
SPASMS = SAMPLES / "right_hemifacial_spasms.mp4"


@cache
def analysed(name: str) -> Analysis:
    return analyze(SAMPLES / f"{name}.mp4")


@dataclass
class Script:
    """A display that asks for things at given times, and keeps what it was shown."""

    actions: list[tuple[float, Action]] = field(default_factory=list)
    views: list[View] = field(default_factory=list)

    def show(self, view: View) -> Sequence[Action]:
        self.views.append(view)
        due = [action for at_s, action in self.actions if at_s <= view.time_s]
        self.actions = [item for item in self.actions if item[0] > view.time_s]
        return due


def session(folder: Path, video: Path = SPASMS, **options):
    """A file as fast as it can be counted."""
    return run_live(
        Replay(video, realtime=False), folder, clock=session_clock(), lossless=True, **options
    )


def rows(path: Path, *columns: str) -> list[dict[str, str]]:
    return [record for _, record in read_rows(path, columns)]


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_a_session_of_a_file_gives_the_tables_of_its_analysis(tmp_path, name):
    told: list[Event] = []
    found = session(tmp_path / "live", SAMPLES / f"{name}.mp4", tell=told.append)
    expected = analysed(name)
    expected.save(tmp_path / "file")
    assert list(found.events) == expected.events
    assert sorted(told, key=lambda e: (e.onset_s, e.side)) == expected.events
    for file in ("events.csv", "twitches.csv", "counts.csv", "signals.csv"):
        assert (tmp_path / "live" / file).read_text() == (tmp_path / "file" / file).read_text()
    live, file = (json.loads((tmp_path / f / "summary.json").read_text()) for f in ("live", "file"))
    assert live["live"]["frames_dropped"] == 0
    assert not live["partial"]
    assert file["source"].pop("sha256")  # a session reads its source once, as it comes
    shared = file.keys() - {"decoding", "speed"}
    assert {key: live[key] for key in shared} == {key: file[key] for key in shared}


def test_what_is_shown_follows_what_happens(tmp_path):
    display = Script()
    session(tmp_path / "live", display=display)
    views = display.views
    learning = [v for v in views if v.learning_s > 0]
    assert learning
    assert max(v.time_s for v in learning) < 10.1
    assert not any(v.ongoing for v in learning)
    sides = {side for v in views for side, _ in v.ongoing}
    assert sides == {"right"}
    assert {part for v in views for _, part in v.ongoing} == {"eye", "mouth"}
    last = views[-1]
    assert last.trace.time_s[0] > last.time_s - 10.2
    assert last.valid_s == pytest.approx(last.elapsed_s, abs=0.3)
    totals = {c.side: c.count for c in last.counts if c.kind == "all"}
    assert totals["right"] >= 9
    assert totals["left"] == 0


def test_marks_segments_and_pauses(tmp_path):
    display = Script(
        [
            (2.0, Action("segment", "rest")),
            (12.0, Action("mark")),
            (14.0, Action("segment", "talking")),
            (20.0, Action("pause")),
            (24.0, Action("pause")),
            (28.0, Action("quit")),
        ]
    )
    found = session(tmp_path, display=display)
    marks = rows(tmp_path / "marks.csv", "time_s", "kind", "label")
    assert [(m["kind"], m["label"]) for m in marks] == [
        ("segment", "rest"),
        ("mark", ""),
        ("segment", "talking"),
        ("pause", ""),
        ("resume", ""),
    ]
    times = [float(m["time_s"]) for m in marks]
    assert times[:4] == pytest.approx([2, 12, 14, 20], abs=1.0)
    assert times[4] > 23.9  # a file that is not counted passes quickly
    rest, talking = found.segments
    assert (rest.label, talking.label) == ("rest", "talking")
    assert rest.start_s == times[0]
    assert rest.end_s == talking.start_s == times[2]
    assert rest.valid_s == pytest.approx(times[2] - times[0], abs=0.2)
    paused_s, end_s = times[4] - times[3], found.summary.end_s
    assert talking.valid_s == pytest.approx(end_s - times[2] - paused_s, abs=0.3)

    inside = [e for e in analysed("right_hemifacial_spasms").events if e.offset_s < 19]
    assert [e for e in found.events if e.offset_s < 19] == inside
    assert not any(times[3] + 0.1 < e.onset_s < times[4] for e in found.events)
    table = rows(tmp_path / "segments.csv", "segment", "label", "count")
    assert {r["label"] for r in table} == {"rest", "talking"}
    assert display.views[-1].elapsed_s == pytest.approx(end_s - paused_s, abs=1.0)
    assert read_segments(tmp_path / "marks.csv") == [("rest", times[0]), ("talking", times[2])]


def test_a_protocol_leads_through_segments_and_ends_the_session(tmp_path):
    protocol = tmp_path / "short.csv"
    protocol.write_text(
        "label,prompt,seconds,repeat,pause_s\n"
        "rest,Look at the camera,13,1,0\n"
        "smile,Smile,1,2,0.5\n"
        "talking,Talk,60,1,0\n"
        "reading,Read,5,1,0\n"
    )
    display = Script([(18.0, Action("next_step"))])
    found = session(tmp_path / "live", tasks=open_protocol(str(protocol)), display=display)
    assert [s.label for s in found.segments] == ["rest", "smile", "talking", "reading"]
    assert [s.start_s for s in found.segments] == pytest.approx([0, 13, 16, 18], abs=0.4)
    assert found.summary.end_s == pytest.approx(23, abs=0.5)
    assert {(v.step, v.steps) for v in display.views} == {(n, 4) for n in (1, 2, 3, 4)}
    assert "Smile (2 of 2)" in {v.prompt for v in display.views}


def lasting(name: str) -> float:
    """Almost to the end: then the camera closes the connection."""
    return analysed(name).summary.duration_s - 0.2


def camera(name: str, **options) -> MjpegServer:
    return MjpegServer(SAMPLES / f"{name}.mp4", **options)


@pytest.mark.parametrize("pair", [SAMPLE_NAMES[:2], SAMPLE_NAMES[2:]], ids="+".join)
def test_a_stream_gives_the_events_of_its_file(tmp_path, pair):
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
    assert any("camera was lost" in warning for warning in summary["warnings"])
    assert "camera is lost" in err
    assert "camera is back" in err


@pytest.mark.parametrize("rows_before", [40, 290, 480, 700])
def test_a_session_that_is_killed_has_lost_no_event(tmp_path, rows_before):
    folder = tmp_path / "live"
    process = start_live(folder, "--file", SPASMS)
    wait_for(lambda: rows_in(folder) >= rows_before, 60)
    process.kill()
    process.communicate()
    left, faults = after_a_kill(folder)
    assert faults == []
    assert len(read_signals(folder / "signals.csv")) >= rows_before
    assert (left > 0) == (rows_before > 290)


def test_sigterm_ends_a_session_in_good_order(tmp_path):
    process = start_live(tmp_path / "live", "--file", SPASMS)
    wait_for(lambda: rows_in(tmp_path / "live") > 350, 60)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "One-sided movements" in out
    assert not json.loads((tmp_path / "live/summary.json").read_text())["partial"]


def test_a_recording_of_a_session_gives_its_events(tmp_path):
    found = session(tmp_path, record=True)
    again = analyze(tmp_path / "recording.mp4")
    assert differences(again.events, found.events, 0.0) == []
    assert again.summary.frames == found.summary.frames
