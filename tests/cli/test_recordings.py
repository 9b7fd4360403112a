"""What cannot be analysed, and what is unusual and right."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from hfs_vision.analysis.result import RESULT_FILES
from hfs_vision.results import read_events
from hfs_vision.video import open_source
from tests import clips
from tests.cli.support import VIDEO, nothing_written, remux
from tests.models_here import needs_model

# Recordings that cannot be analysed. Each maker puts one below a folder and returns it.


def _text(path: Path) -> None:
    path.write_text("This is not a video, it is a letter.\n" * 50)


def _no_moov(path: Path) -> None:
    path.write_bytes(VIDEO.read_bytes())
    assert path.read_bytes().index(b"moov") > path.stat().st_size // 2
    clips.truncate(path, 0.5)


def _undecodable(path: Path) -> None:
    """A header that says 0x0, and zeros for pictures."""
    clips.write_clip(path)
    data = bytearray(path.read_bytes())
    sizes = data.index(b"avc1") + 4 + 24
    data[sizes : sizes + 4] = bytes(4)
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    path.write_bytes(data)


def _empty_folder(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("no pictures here")


def _pictures(path: Path) -> None:
    clips.write_images(path, ["1.png", "2.png", "3.png"])


def _broken_pictures(path: Path) -> None:
    path.mkdir()
    (path / "1.png").write_bytes(b"not a picture")
    (path / "timestamps.csv").write_text("time_s\n0\n")


BAD = [
    ("missing.mp4", lambda path: None, 2, "does not exist: check the path"),
    ("folder", _empty_folder, 1, "holds no image: give a video file or a folder of"),
    ("pictures", _pictures, 2, "images without times: give fps, or put a timestamps.csv"),
    ("broken", _broken_pictures, 1, "none of its 1 images can be decoded"),
    ("empty.mp4", lambda path: path.touch(), 1, "is empty (0 bytes): record or copy it again"),
    ("text.mp4", _text, 1, "cannot be opened as a video"),
    ("sound.mp4", clips.write_audio_only, 1, "holds no video stream: give a file that shows"),
    ("cut.mp4", _no_moov, 1, "broke off before its header was written"),
    ("zero.mp4", _undecodable, 1, "no frame can be decoded"),
    ("one.mp4", lambda path: clips.write_clip(path, ticks=[0]), 1, "1 usable frame"),
]


@pytest.mark.parametrize(("name", "make", "code", "what"), BAD, ids=[name for name, *_ in BAD])
def test_a_recording_that_cannot_be_analysed_is_refused(
    hfs, stand_in, tmp_path, name, make, code, what
):
    path = tmp_path / name
    make(path)
    outcome = hfs("analyze", path)
    assert outcome.code == code
    assert str(path) in outcome.message
    assert what in outcome.message
    assert outcome.out == ""
    assert nothing_written()


@needs_model
def test_a_video_without_any_face_is_refused(hfs, tmp_path):
    path = tmp_path / "wall.mp4"
    clips.write_clip(path, size=(320, 240))
    outcome = hfs("analyze", path)
    assert outcome.code == 1
    assert f"no face was found in any of the 10 frames of {path}; the face must be" in (
        outcome.message
    )
    assert nothing_written()


@needs_model
def test_a_video_that_breaks_off_is_analysed_as_far_as_it_goes(hfs, tmp_path, clip):
    path = tmp_path / "broken_off.mp4"
    remux(clip, path, movflags="faststart")
    clips.truncate(path, 0.8)
    outcome = hfs("analyze", path, "--out", "results")
    assert outcome.code == 0
    assert "warning: the file ends early" in outcome.err
    summary = json.loads(Path("results/summary.json").read_text())
    assert summary["decoding"]["truncated"] is True
    assert 60 < summary["frames"] < 120
    assert [e.kind for e in read_events(Path("results/events.csv"))] == ["mouth_pull"]


def test_a_url_is_refused_before_anything_is_opened(hfs, stand_in):
    outcome = hfs("analyze", "https://example.org/clip.mp4")
    assert outcome.code == 2
    assert "only local files are read; save the video first" in outcome.message
    assert nothing_written()


@pytest.mark.parametrize("command", ["analyze", "detect", "simulate"])
def test_a_name_that_the_system_refuses_is_one_line_too(hfs, stand_in, command):
    name = 300 * "x" + ".mp4"
    given = [name, "--out", "out"] if command != "simulate" else ["out.mp4", "--inject", name]
    outcome = hfs(command, *given)
    assert outcome.code in (1, 2)
    assert name in outcome.message
    assert nothing_written()


@pytest.mark.parametrize("command", ["analyze", "detect"])
def test_a_folder_whose_name_the_system_refuses_is_one_line_too(hfs, stand_in, results, command):
    given = VIDEO if command == "analyze" else results / "signals.csv"
    outcome = hfs(command, given, "--out", 300 * "x")
    assert outcome.code == 1
    assert "choose another folder with --out" in outcome.message
    assert nothing_written()


# Recordings that are unusual and right


@needs_model
def test_odd_sizes_are_analysed(hfs, tmp_path):
    with open_source(VIDEO) as source:
        first = next(iter(source)).rgb
    sway = [np.float32([[1, 0, 2 * np.sin(i / 3)], [0, 1, 0]]) for i in range(40)]
    frames = [cv2.warpAffine(first, shift, first.shape[1::-1]) for shift in sway]

    def draw(index: int, width: int, height: int) -> np.ndarray:
        return np.ascontiguousarray(cv2.copyMakeBorder(frames[index], 0, 0, 0, 1, 1)[:height])

    clips.write_clip(
        tmp_path / "odd.mp4",
        ticks=range(0, 1320, 33),
        size=(481, 479),
        pix_fmt="yuv444p",
        draw=draw,
        options={"preset": "ultrafast"},
    )
    outcome = hfs("analyze", tmp_path / "odd.mp4", "--out", "odd")
    assert outcome.code == 0
    summary = json.loads(Path("odd/summary.json").read_text())
    assert (summary["source"]["width"], summary["source"]["height"]) == (481, 479)
    assert summary["valid_frames"] == summary["frames"] == 40


@needs_model
def test_a_path_with_spaces_and_unicode_is_analysed_and_names_the_results(hfs, tmp_path, clip):
    folder = tmp_path / "Frau Müller Лицо 顔 100% [a]"
    folder.mkdir()
    path = folder / "vor [b] der Spritze #1 'ß' :smile: ok.mp4"
    path.write_bytes(clip.read_bytes())
    outcome = hfs("analyze", path)
    assert outcome.code == 0
    made = Path("vor [b] der Spritze #1 'ß' :smile: ok.results")
    assert sorted(p.name for p in made.iterdir()) == sorted([*RESULT_FILES, "report.html"])
    assert made.name in outcome.out
    assert "mouth_pull" in (made / "events.csv").read_text()


@needs_model
def test_analyze_shows_counts_and_writes_four_files(hfs, clip):
    outcome = hfs("analyze", clip, "--out", "deep/er/results")
    assert outcome.code == 0
    assert {p.name for p in Path("deep/er/results").iterdir()} == {*RESULT_FILES, "report.html"}
    rows = [line.split("│")[1:-1] for line in outcome.out.splitlines() if "│" in line]
    table = {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in rows}
    assert table["mouth_pull"][0] == "0"
    assert table["mouth_pull"][3:5] == ["1", "15.0"]
    assert table["all"][3] == "1"
    assert "blinks 1 (15.0 per min); valid time 4.0 s of 4.0 s (100%)" in outcome.out
    assert "warning: short recording" in outcome.err
    with Path("deep/er/results/counts.csv").open() as file:
        (pulls,) = (
            row
            for row in csv.DictReader(file)
            if (row["side"], row["kind"]) == ("right", "mouth_pull")
        )
    assert pulls["count"] == "1"
    assert float(pulls["rate_per_min"]) == pytest.approx(15.0, abs=1e-4)


@needs_model
def test_profile_shows_the_stages_and_workers_are_given_on(hfs, clip):
    outcome = hfs("analyze", clip, "--out", "out", "--profile", "--workers", 3)
    assert outcome.code == 0
    for stage in ("decode", "landmarks", "patches", "measure", "detect"):
        assert re.search(rf"│ {stage} +│ +\d+\.\d\d │", outcome.out), stage
    assert "with 1 worker(s)" in outcome.out
    speed = json.loads(Path("out/summary.json").read_text())["speed"]
    assert speed["workers"] == 1  # one part needs no more
    assert hfs("analyze", clip, "--out", "no", "--workers", 0).code == 2
