"""Sessions of files with the real models give what `analyze` gives, whatever happens."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from hfs_vision.live import Action, View, open_protocol
from hfs_vision.results import read_segments, read_signals
from hfs_vision.schema import Event
from tests.live_support import (
    SPASMS,
    after_a_kill,
    analysed,
    rows,
    rows_in,
    session,
    start_live,
    wait_for,
)
from tests.models_here import needs_model
from tests.paths import SAMPLES

pytestmark = needs_model


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


# All four: `python -m tests.benchmarks.live samples`.
@pytest.mark.parametrize("name", ["right_hemifacial_spasms", "variable_frame_rate"])
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
