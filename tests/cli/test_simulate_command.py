"""``hfs-vision simulate``."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from hfs_vision.cli import terminal
from hfs_vision.simulate import read_script
from hfs_vision.video import open_source
from tests.cli.support import SAMPLE, VIDEO, Command, Outcome, files_in, nothing_written, remux
from tests.models_here import needs_model

# Simulating


def simulated(hfs: Command, *options: object, out: str = "out.mp4") -> Outcome:
    return hfs("simulate", out, "--fps", 15, "--size", 192, *options)


@needs_model
def test_simulate_writes_a_video_and_its_truth(hfs):
    outcome = simulated(hfs, "--duration", 4, "--preset", SAMPLE, "--seed", 7)
    assert outcome.code == 0
    assert files_in(Path()).keys() == {"out.mp4", "out.truth.csv"}
    with open_source("out.mp4") as source:
        times = [frame.time_s for frame in source]
        assert (source.info.width, source.info.height) == (192, 192)
    assert times == pytest.approx(np.arange(60) / 15, abs=1e-4)
    with Path("out.truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["side"] for row in rows} <= {"right", "both"}
    assert all(0 <= float(row["onset_s"]) < float(row["offset_s"]) <= 4 for row in rows)


@needs_model
def test_simulate_repeats_a_truth_as_a_script(hfs):
    text = (
        "onset_s,duration_s,side,kind,closure,excursion\n"
        "0.5,0.4,left,eyelid_twitch,0.9,\n"
        "1.5,1.2,right,hemifacial_spasm,0.8,0.1\n"
    )
    Path("mine.csv").write_text(text)
    assert simulated(hfs, "--script", "mine.csv", out="a.mp4").code == 0
    assert simulated(hfs, "--script", "a.truth.csv", out="b.mp4").code == 0
    assert Path("a.truth.csv").read_bytes() == Path("b.truth.csv").read_bytes()
    assert Path("a.mp4").read_bytes() == Path("b.mp4").read_bytes()
    assert "right,eye+mouth,hemifacial_spasm,tonic" in Path("a.truth.csv").read_text()


@needs_model
def test_simulate_injects_movements_into_a_clip(hfs, tmp_path):
    remux(VIDEO, tmp_path / "short.mp4", until_s=1.5)
    Path("mine.csv").write_text(
        "onset_s,duration_s,side,kind,closure\n0.5,0.6,left,eyelid_twitch,1.0\n"
    )
    short = tmp_path / "short.mp4"
    outcome = hfs("simulate", "out.mp4", "--inject", short, "--script", "mine.csv")
    assert outcome.code == 0
    with open_source(short) as before, open_source("out.mp4") as after:
        pairs = [
            (a.time_s, b.time_s, np.abs(a.rgb.astype(int) - b.rgb).mean(axis=2))
            for a, b in zip(before, after, strict=True)
        ]
    assert [a for a, _, _ in pairs] == pytest.approx([b for _, b, _ in pairs], abs=1e-4)
    quiet = np.mean([change.mean() for time_s, _, change in pairs if time_s < 0.4])
    during = np.mean([change.mean() for time_s, _, change in pairs if 0.6 < time_s < 0.9], axis=0)
    assert during > 1.1 * quiet
    with Path("out.truth.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["side"], row["kind"], row["onset_s"]) == ("left", "eyelid_twitch", "0.5000")


@pytest.mark.parametrize("name", ["out.mp4", "out.truth.csv"])
def test_simulate_keeps_what_is_there_unless_forced(hfs, name):
    Path(name).write_text("mine")
    outcome = simulated(hfs, "--duration", 4)
    assert outcome.code == 2
    assert f"{name} is already there: replace it with --force" in outcome.message
    assert files_in(Path()).keys() == {name}
    assert Path(name).read_text() == "mine"


@needs_model
def test_simulate_replaces_when_forced(hfs):
    Path("out.mp4").write_text("mine")
    assert simulated(hfs, "--duration", 1, "--force").code == 0
    assert Path("out.mp4").read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("options", "code", "what"),
    [
        (("--preset", SAMPLE, "--script", VIDEO), 2, "--preset and --script exclude each other"),
        (("--portrait", VIDEO, "--inject", VIDEO), 2, "--portrait does not go with --inject"),
        (("--inject", VIDEO), 2, "--fps does not go with --inject"),
        (("--samples",), 2, "--fps does not go with --samples"),
        (("--portrait", "me.jpg"), 2, "me.jpg does not exist"),
        (("--inject", "me.mp4"), 2, "me.mp4 does not exist"),
        (("--script", "mine.csv"), 2, "mine.csv does not exist"),
        (("--portrait", VIDEO), 1, f"{VIDEO} cannot be read as a picture"),
        (("--script", VIDEO), 1, f"{VIDEO}"),
        (("--preset", "spasms"), 2, "'spasms'"),
        (("--duration", "0"), 2, "'--duration': 0"),
    ],
)
def test_simulate_refuses_a_wrong_call(hfs, options, code, what):
    outcome = simulated(hfs, *options)
    assert outcome.code == code
    assert what in outcome.message
    assert nothing_written()


def test_simulate_names_the_row_of_a_malformed_script(hfs, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("onset_s,duration_s,side,kind,closure\n1,0.4,both,eyelid_twitch,0.9\n")
    outcome = simulated(hfs, "--script", path)
    assert outcome.code == 1
    assert f"{path}, row 2" in outcome.message
    assert "side of eyelid_twitch is 'both'" in outcome.message
    assert nothing_written()


@needs_model
def test_simulate_refuses_a_picture_without_a_face(hfs, tmp_path):
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((200, 200, 3), 90, np.uint8))
    outcome = simulated(hfs, "--portrait", tmp_path / "wall.png")
    assert outcome.code in (1, 2)
    assert "face" in outcome.message
    assert nothing_written()


@needs_model
def test_simulate_into_a_missing_folder_says_so(hfs):
    outcome = simulated(hfs, "--duration", 1, out="no/such/folder/out.mp4")
    assert outcome.code == 1
    assert "cannot write no/such/folder/out.mp4" in outcome.message
    assert nothing_written()


@needs_model
def test_simulate_knows_how_long_it_will_take(hfs, monkeypatch):
    told, expect = [], terminal.FrameProgress.expect

    def kept(progress: terminal.FrameProgress, frames: int) -> None:
        told.append(frames)
        expect(progress, frames)

    monkeypatch.setattr(terminal.FrameProgress, "expect", kept)
    assert simulated(hfs, "--duration", 4).code == 0
    assert told == [60]


def test_a_script_is_read_with_names_in_any_case(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("Onset_s,DURATION_S, Side ,Kind,Closure\n1,0.3,left,eyelid_twitch,0.5\n")
    assert [m.onset_s for m in read_script(path)] == [1.0]
