"""Checks of whole recordings: samples that are spoilt in one way tell that and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from hfs_vision.quality import FIX, OK, YOURS, Check, check_recording
from hfs_vision.schema import Frame
from hfs_vision.simulate.video_file import write_video
from hfs_vision.video import open_source
from tests import clips
from tests.benchmarks import check as spoil
from tests.cli.support import VIDEO
from tests.models_here import needs_model


def spoilt(path: Path, change: spoil.Spoil, *, seconds: float = 3.0, crf: int = 18) -> Check:
    """The check of the sample's first seconds, spoilt."""
    with open_source(VIDEO) as source:
        frames: Iterable[Frame] = islice(source, round(30 * seconds))
        write_video(path, change(frames), crf=crf)
    return check_recording(path)


def not_in_order(check: Check) -> dict[str, str]:
    return {
        f.topic: f.verdict
        for f in check.findings
        if f.verdict != OK and f.topic not in ("length", "history", "mirror")
    }


@needs_model
@pytest.mark.parametrize(
    ("change", "seconds", "expected"),
    [
        (spoil.same, 3, {}),
        (spoil.lit(0.2), 3, {"brightness": FIX}),
        (spoil.thinned(1, 2, filled=False), 3, {"rate": FIX}),
        # Repeats show while something moves, which takes longer.
        (spoil.thinned(1, 2, filled=True), 10, {"rate": FIX, "repeats": YOURS}),
        (spoil.scaled(160), 3, {"size": FIX}),
    ],
    ids=["as it is", "dark", "15 a second", "15 as 30", "small"],
)
def test_a_sample_that_is_spoilt_tells_how(tmp_path, change, seconds, expected):
    assert not_in_order(spoilt(tmp_path / "clip.mp4", change, seconds=seconds)) == expected


@needs_model
def test_a_blur_is_told_as_a_blur(tmp_path):
    assert not_in_order(spoilt(tmp_path / "clip.mp4", spoil.blurred(6.0))) == {"sharpness": FIX}


@needs_model
def test_jpeg_blocks_are_told_as_compression(tmp_path):
    found = not_in_order(spoilt(tmp_path / "clip.mp4", spoil.jpeg(8), crf=10))
    assert found.get("compression") == FIX
    assert set(found) <= {"compression", "repeats", "rate"}


@needs_model
def test_a_cut_and_a_second_face_are_told(tmp_path):
    def two(frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            rgb = np.hstack([frame.rgb, frame.rgb[:, ::-1]])
            yield replace(frame, rgb=rgb if frame.index < 45 else 255 - rgb // 2)

    found = not_in_order(spoilt(tmp_path / "clip.mp4", two))
    assert found["others"] == YOURS
    assert found["cuts"] == YOURS


@needs_model
def test_a_video_without_a_face_must_be_mended(tmp_path):
    clips.write_clip(tmp_path / "clip.mp4", ticks=range(0, 4000, 40))
    found = check_recording(tmp_path / "clip.mp4")
    assert [f.topic for f in found.to_fix] == ["face"]
    assert found.to_fix[0].value == 0.0


@needs_model
def test_a_file_that_asks_to_be_mirrored_says_so(tmp_path):
    path = tmp_path / "clip.mp4"
    clips.write_clip(path, ticks=range(0, 400, 40), time_base=Fraction(1, 1000))
    clips.set_display_matrix(path, -1, 0, 0, 1)
    (mirror,) = [f for f in check_recording(path).findings if f.topic == "mirror"]
    assert "asks to be shown mirrored" in mirror.found


@needs_model
def test_stopped_at_once_it_gives_nothing_and_later_what_was_seen():
    with pytest.raises(KeyboardInterrupt):
        check_recording(VIDEO, stop=lambda: True)
    done: list[float] = []
    found = check_recording(VIDEO, progress=done.append, stop=lambda: len(done) > 40)
    assert found.partial
    assert found.frames == 41
