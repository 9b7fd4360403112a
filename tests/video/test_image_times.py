"""Numbered images: what their numbers say of their times."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hfs_vision.errors import SourceError, TableError
from hfs_vision.video import open_source
from hfs_vision.video.image_times import natural_key, times_by_number
from tests import clips


def timed(*names: str, fps: float = 10.0) -> tuple[list[float], str]:
    images = sorted((Path(name) for name in names), key=natural_key)
    times_s, told = times_by_number(images, fps)
    return times_s, " ".join(told)


@pytest.mark.parametrize(
    "names",
    [
        ("f1.jpg", "f2.jpg", "f3.jpg"),
        ("f_0009.png", "f_0010.png", "f_0011.png"),
        ("1.png", "2.png", "3.png"),
        ("a.1.b.png", "a.2.b.png", "a.3.b.png"),
        ("take 2 of 3 - 07.png", "take 2 of 3 - 08.png", "take 2 of 3 - 09.png"),
        ("F1.JPG", "f2.jpg", "f03.png"),
    ],
)
def test_numbers_without_a_hole(names: tuple[str, ...]) -> None:
    times_s, told = timed(*names)
    assert times_s == pytest.approx([0, 0.1, 0.2])
    assert told == ""


def test_a_hole_in_the_numbers_is_a_hole_in_time() -> None:
    times_s, told = timed("f07.jpg", "f08.jpg", "f12.jpg", "f13.jpg", "f15.jpg")
    assert times_s == pytest.approx([0, 0.1, 0.5, 0.6, 0.8])
    assert "4 images are missing by their numbers, at most 3 in a row (0.30 s)" in told


def test_a_step_that_is_kept_throughout_is_the_step_of_the_rate_and_that_is_told() -> None:
    times_s, told = timed("f02.jpg", "f04.jpg", "f06.jpg", "f10.jpg")
    assert times_s == pytest.approx([0, 0.1, 0.2, 0.4])
    assert "step by 2 throughout" in told
    assert "give --fps 5" in told
    assert "1 images are missing" in told


@pytest.mark.parametrize("scale", [1, 1000, 1_000_000])
def test_numbers_that_step_like_a_clock_are_times(scale: int) -> None:
    ms = [0, 33, 67, 100, 300, 333]
    times_s, told = timed(*(f"f_{number * scale:012}.png" for number in ms), fps=30.0)
    assert times_s == pytest.approx([number / 1000 for number in ms])
    assert f"as times in {'ms' if scale == 1 else 'us' if scale == 1000 else 'ns'} do" in told


def test_of_several_numbers_the_last_that_goes_up_counts() -> None:
    times_s, told = timed(*(f"2026-03-01 cam2 {n:03} of 900.png" for n in (5, 6, 9)))
    assert times_s == pytest.approx([0, 0.1, 0.4])
    assert "2 images are missing" in told


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("a1.png", "a2.png", "b1.png", "b2.png"), id="numbers that begin again"),
        pytest.param(("1-8.png", "1-9.png", "2-1.png", "2-2.png"), id="seconds and frames"),
        pytest.param(("left.png", "mid.png", "right.png", "up.png"), id="no numbers"),
        pytest.param(("1.png", "2.png", "9.png", "cover.png"), id="one without"),
    ],
)
def test_what_is_no_numbering_is_timed_by_its_order_and_that_is_told(
    names: tuple[str, ...],
) -> None:
    times_s, told = timed(*names)
    assert times_s == pytest.approx([0, 0.1, 0.2, 0.3])
    assert "cannot be known whether some are missing" in told


def test_two_images_of_one_number_are_refused() -> None:
    with pytest.raises(SourceError, match=r"frame_1\.jpg and frame_01\.png have the same number"):
        timed("frame_1.jpg", "frame_01.png", "frame_2.jpg")


def test_one_image() -> None:
    assert timed("f7.png") == ([0.0], "")
    assert timed("face.png") == ([0.0], "")


def test_a_folder_with_a_hole(tmp_path: Path) -> None:
    clips.write_images(tmp_path, [f"{n:05}.png" for n in [*range(1, 31), *range(91, 121)]])
    with open_source(tmp_path, fps=30) as source:
        frames = list(source)
        assert frames[30].time_s == pytest.approx(3.0)
        assert (source.stats.gaps, source.stats.gap_s) == (1, pytest.approx(61 / 30))
        assert source.info.duration_s == pytest.approx(4.0)
        (told,) = source.info.time_doubts
    assert told.startswith("60 images are missing by their numbers")


def test_numbers_out_of_all_proportion_are_refused(tmp_path: Path) -> None:
    clips.write_images(tmp_path, ["1.png", "2.png", f"{10**17}.png"])
    with pytest.raises(SourceError, match="spreads 3 images over"):
        open_source(tmp_path, fps=30)


@pytest.mark.parametrize("last", ["1e11", "3600", "33.4"])
def test_times_out_of_all_proportion_are_refused(tmp_path: Path, last: str) -> None:
    clips.write_images(tmp_path, ["1.png", "2.png", "3.png"])
    (tmp_path / "timestamps.csv").write_text(f"time_s\n0\n0.033\n{last}\n")
    with pytest.raises(SourceError, match=r"timestamps\.csv spreads 3 images over .*not ms"):
        open_source(tmp_path)


def test_a_time_that_no_table_can_hold_is_refused(tmp_path: Path) -> None:
    clips.write_images(tmp_path, ["1.png", "2.png"])
    (tmp_path / "timestamps.csv").write_text("time_s\n0\n1e18\n")
    with pytest.raises(TableError, match="row 3: time_s is '1e18'; write a number below"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("file;time_s\n1.png;0,0\n2.png;0,0333\n3.png;0,0667\n", id="semicolons"),
        pytest.param("file\ttime_s\n1.png\t0,0\n2.png\t0,0333\n3.png\t0,0667\n", id="tabs"),
        pytest.param("time_s\n0,0\n0,0333\n0,0667\n", id="one column"),
        pytest.param("\ufefftime_s\r\n0,0\r\n0,0333\r\n0,0667\r\n\r\n", id="marked, empty row"),
        pytest.param('"time_s"\n"0,0"\n"0,0333"\n"0,0667"\n', id="quoted"),
        pytest.param("time_s,note\n0.0,\n0.0333,x\n0.0667,\n", id="commas"),
    ],
)
def test_times_that_a_spreadsheet_has_saved(tmp_path: Path, text: str) -> None:
    clips.write_images(tmp_path, ["1.png", "2.png", "3.png"])
    (tmp_path / "timestamps.csv").write_bytes(text.encode())
    with open_source(tmp_path) as source:
        assert [frame.time_s for frame in source] == [0.0, 0.0333, 0.0667]


def test_an_image_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    clips.write_images(tmp_path, ["1.png", "2.png"])
    (tmp_path / "timestamps.csv").write_text("file,time_s\n1.png,0\n2.png,1\n1.png,2\n")
    with pytest.raises(TableError, match=r"names '1\.png' twice"):
        open_source(tmp_path)


def test_a_pause_is_kept(tmp_path: Path) -> None:
    clips.write_images(tmp_path, [f"{n}.png" for n in range(20)])
    rows = [n / 30 + (150 if n > 9 else 0) for n in range(20)]
    (tmp_path / "timestamps.csv").write_text("time_s\n" + "".join(f"{t:.6f}\n" for t in rows))
    with open_source(tmp_path) as source:
        frames = list(source)
    assert math.isclose(frames[-1].time_s, rows[-1], abs_tol=1e-6)
