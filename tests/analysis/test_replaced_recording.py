"""A recording that is replaced, written over, added to or removed while it is read."""

from __future__ import annotations

import os
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import hfs_vision
from hfs_vision.analysis import parallel
from hfs_vision.analysis.parallel import LandmarkerChoice, measure_recording
from hfs_vision.errors import HfsVisionError, SourceError
from hfs_vision.video import Capture, Replay, digest, open_source
from tests import clips
from tests.paths import SAMPLES

NOISY = {"ticks": range(0, 8000, 40), "draw": clips.noisy_picture, "options": {"g": "25"}}
REPLACED = "was replaced by another recording"
Change = Callable[[Path, Path], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    clips.write_clip(tmp_path / "a.mkv", **NOISY)  # type: ignore[arg-type]
    return tmp_path / "a.mkv"


@pytest.fixture
def other(tmp_path: Path) -> Path:
    def draw(index: int, width: int, height: int) -> clips.Picture:
        return clips.noisy_picture(index + 7, width, height)

    clips.write_clip(tmp_path / "b.mkv", **{**NOISY, "draw": draw})  # type: ignore[arg-type]
    return tmp_path / "b.mkv"


def written_over(path: Path, other: Path) -> None:
    """With as many bytes, and a time of change that is set back."""
    before = path.stat()
    data = other.read_bytes()[: before.st_size].ljust(before.st_size, b"\0")
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


CHANGES: list[Change] = [
    lambda path, other: other.replace(path),
    lambda path, other: shutil.copyfile(other, path),
    lambda path, other: (path.unlink(), shutil.copyfile(other, path)),
    written_over,
]
IDS = ["moved", "copied", "removed and copied", "written over"]


@pytest.mark.parametrize("change", CHANGES, ids=IDS)
def test_before_the_first_frame_is_read(path: Path, other: Path, change: Change) -> None:
    with open_source(path) as source:
        change(path, other)
        with pytest.raises(SourceError, match=REPLACED):
            next(iter(source))


@pytest.mark.parametrize("change", CHANGES, ids=IDS)
def test_between_two_parts(path: Path, other: Path, change: Change) -> None:
    with open_source(path) as source:
        first, second = source.part(0.0, 4.0), source.part(4.0, 8.0)
        assert len(list(first)) == 100
        change(path, other)
        with pytest.raises(SourceError, match=REPLACED):
            next(iter(second))


@pytest.mark.parametrize("change", CHANGES[:1], ids=IDS[:1])
def test_in_mid_run(path: Path, other: Path, change: Change) -> None:
    with open_source(path) as source:
        frames = iter(source)
        for _ in range(10):
            next(frames)
        change(path, other)
        with pytest.raises(SourceError, match=REPLACED):
            list(frames)


def test_a_part_that_was_sent_to_another_process_knows_it_too(path: Path, other: Path) -> None:
    with open_source(path) as source:
        sent = pickle.loads(pickle.dumps(source.part(4.0, 8.0)))
        other.replace(path)
        with pytest.raises(SourceError, match=REPLACED):
            next(iter(sent))


def test_what_is_removed_is_read_on(path: Path) -> None:
    with open_source(path) as source:
        frames = iter(source)
        next(frames)
        path.unlink()
        assert len(list(frames)) == 199
        assert source.check_same() is None
        with pytest.raises(SourceError, match="was removed or moved while it was read"):
            list(source)


@pytest.mark.parametrize("change", ["touched", "copied anew"])
def test_the_same_bytes_are_the_same_recording(path: Path, change: str) -> None:
    with open_source(path) as source:
        frames = iter(source)
        next(frames)
        if change == "touched":
            os.utime(path, (1, 1))
        else:
            shutil.copyfile(path, path.with_name("copy"))
            path.with_name("copy").replace(path)
        assert len(list(frames)) == 199
        assert source.check_same() is None


@pytest.mark.parametrize("by", [5000, -5000])
def test_what_grows_or_is_cut_short_is_told(path: Path, by: int) -> None:
    with open_source(path) as source:
        frames = iter(source)
        next(frames)
        size = path.stat().st_size
        os.truncate(path, size + by)
        assert len(list(frames)) > 100
        assert f"({size} bytes before, {size + by} after)" in source.check_same()


def test_a_header_that_a_recorder_writes_when_it_ends_is_no_other_recording(path: Path) -> None:
    with open_source(path) as source:
        with path.open("r+b") as file:
            file.seek(0x30)
            file.write(b"\xec\x84\0\0\0\0")
        assert source.check_same() is None


def test_an_image_that_is_replaced(tmp_path: Path) -> None:
    clips.write_images(tmp_path, [f"{i}.png" for i in range(1, 6)])
    with open_source(tmp_path, fps=30) as source:
        frames = iter(source)
        next(frames)
        shutil.copyfile(tmp_path / "1.png", tmp_path / "5.png")
        with pytest.raises(SourceError, match=r"5\.png was replaced or written to"):
            list(frames)


def test_images_that_are_added_are_told_and_those_that_are_gone_are_counted(tmp_path: Path) -> None:
    clips.write_images(tmp_path, [f"{i}.png" for i in range(1, 6)])
    with open_source(tmp_path, fps=30) as source:
        frames = iter(source)
        next(frames)
        (tmp_path / "5.png").rename(tmp_path / "6.png")
        assert len(list(frames)) == 3
        assert source.stats.decode_errors == 1
        assert source.check_same().startswith("1 images were added to the folder")


def test_an_analysis_of_a_replaced_recording_keeps_nothing(tmp_path: Path) -> None:
    path, other = tmp_path / "a.mp4", tmp_path / "b.mp4"
    shutil.copyfile(SAMPLES / "left_eyelid_twitches.mp4", path)
    shutil.copyfile(SAMPLES / "right_hemifacial_spasms.mp4", other)

    def progress(info: object, frames: int, time_s: float) -> None:
        if other.exists():
            other.replace(path)

    with pytest.raises(SourceError, match=REPLACED):
        hfs_vision.analyze(path, progress=progress)
    assert digest(path) == digest(SAMPLES / "right_hemifacial_spasms.mp4")


def test_a_recording_that_grew_has_no_hash(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    shutil.copyfile(SAMPLES / "left_eyelid_twitches.mp4", path)

    def progress(info: object, frames: int, time_s: float) -> None:
        with path.open("ab") as file:
            file.write(b"\0\0\0\x08free")

    result = hfs_vision.analyze(path, progress=progress)
    assert result.sha256 is None
    assert result.warnings[-1:] != []
    assert any("was changed while it was read" in text for text in result.warnings)


def _drain(capture: Capture) -> None:
    for _ in range(1000):
        capture.get(10.0)


def test_a_session_of_a_file_ends_with_an_error(path: Path, other: Path) -> None:
    capture = Capture(Replay(path, realtime=False), clock=time.monotonic, lossless=True)
    capture.start()
    try:
        other.replace(path)
        with pytest.raises(HfsVisionError, match=REPLACED):
            _drain(capture)
    finally:
        capture.close()


def test_in_worker_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "PART_S", 5.0)
    path, other = tmp_path / "a.mp4", tmp_path / "b.mp4"
    shutil.copyfile(SAMPLES / "left_eyelid_twitches.mp4", path)
    shutil.copyfile(SAMPLES / "right_hemifacial_spasms.mp4", other)
    with open_source(path) as source:
        assert len(source.cuts(5.0)) >= 2
        other.replace(path)
        parts = measure_recording(
            source,
            LandmarkerChoice(),
            workers=2,
            progress=lambda frames, time_s: None,
            stop=lambda: False,
        )
        with pytest.raises(SourceError, match=REPLACED):
            list(parts)
