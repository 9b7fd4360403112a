"""Frames, their times and what is said of damage, for files and folders made on the fly."""

from __future__ import annotations

import gc
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import weakref
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from hfs_vision.errors import SourceError, TableError, UsageError
from hfs_vision.schema import Frame
from hfs_vision.video import DecodeStats, FrameSource, open_source
from tests import clips
from tests.cli.support import remux
from tests.paths import ROOT

BENCH = ROOT.parent / "shared" / "bench" / "clips"
UNEVEN = [0, 33, 70, 101, 160, 400, 433, 470, 500, 533]
EVEN = list(range(0, 4000, 40))


def read(path: Path, fps: float | None = None) -> tuple[list[Frame], FrameSource]:
    with open_source(path, fps=fps) as source:
        return list(source), source


def times(frames: list[Frame]) -> list[float]:
    return [frame.time_s for frame in frames]


def ffprobe_times(path: Path) -> list[float]:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed")
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_frames"]
    command += ["-show_entries", "frame=pts_time", "-of", "json", str(path)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(frame["pts_time"]) for frame in json.loads(answer)["frames"]]


CONTAINERS = [
    pytest.param("a.mp4", "libx264", id="MP4 with B-frames, so with an edit list"),
    pytest.param("a.mov", "libx264", id="MOV"),
    pytest.param("a.mkv", "libx264", id="Matroska"),
    pytest.param("h.mkv", "libx265", id="HEVC in Matroska"),
    pytest.param("a.webm", "libvpx-vp9", id="WebM, VP9"),
    pytest.param("b.webm", "libvpx", id="WebM, VP8"),
    pytest.param("m.mkv", "mpeg4", id="MPEG-4 part 2"),
]


class TestTimes:
    @pytest.mark.parametrize(("name", "codec"), CONTAINERS)
    def test_variable_rate_is_delivered_as_the_container_states_it(
        self, tmp_path: Path, name: str, codec: str
    ) -> None:
        path = tmp_path / name
        options = {"x265-params": "log-level=none"} if codec == "libx265" else None
        written = clips.write_clip(path, ticks=UNEVEN, codec=codec, options=options)
        frames, source = read(path)
        assert times(frames) == pytest.approx(written, abs=1e-9)
        assert [clips.read_grey(f.rgb) for f in frames] == list(range(10))
        assert [f.index for f in frames] == list(range(10))
        assert source.stats == DecodeStats(frames=10)

    @pytest.mark.parametrize(("name", "codec"), CONTAINERS)
    def test_times_equal_ffprobe(self, tmp_path: Path, name: str, codec: str) -> None:
        path = tmp_path / name
        options = {"x265-params": "log-level=none"} if codec == "libx265" else None
        clips.write_clip(path, ticks=UNEVEN, codec=codec, options=options)
        assert times(read(path)[0]) == pytest.approx(ffprobe_times(path), abs=1e-6)

    @pytest.mark.parametrize("name", ["talk_vfr.mp4", "no_face.mp4", "face_then_gone.mov"])
    def test_times_of_real_clips_equal_ffprobe(self, name: str) -> None:
        if not (BENCH / name).exists():
            pytest.skip("the shared clips are not here")
        assert times(read(BENCH / name)[0]) == pytest.approx(ffprobe_times(BENCH / name), abs=1e-6)

    def test_avi_has_times_on_its_own_grid(self, tmp_path: Path) -> None:
        written = clips.write_clip(
            tmp_path / "a.avi", codec="mpeg4", ticks=range(10), time_base=Fraction(1, 25)
        )
        assert times(read(tmp_path / "a.avi")[0]) == pytest.approx(written, abs=1e-9)

    def test_a_late_start_stays_late(self, tmp_path: Path) -> None:
        written = clips.write_clip(tmp_path / "a.mp4", ticks=[t + 1500 for t in UNEVEN])
        frames, source = read(tmp_path / "a.mp4")
        assert times(frames) == pytest.approx(written, abs=1e-9)
        assert written[0] == 1.5
        assert not source.stats.truncated

    def test_a_negative_start_stays_negative(self, tmp_path: Path) -> None:
        pictures = [clips.picture(i) for i in range(10)]
        written = clips.write_mjpeg(tmp_path / "a.mkv", pictures, range(-200, 200, 40))
        assert times(read(tmp_path / "a.mkv")[0]) == pytest.approx(written, abs=1e-9)

    def test_frames_before_the_edit_list_are_not_delivered(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mp4"
        written = clips.write_clip(path, options={"g": "100"})
        clips.cut_start_by_edit_list(path, 3 * 640)  # three frames of 40 ms at 16 000 a second
        frames, source = read(path)
        assert [clips.read_grey(f.rgb) for f in frames] == list(range(3, 10))
        assert times(frames) == pytest.approx(written[:7], abs=1e-9)
        assert source.stats == DecodeStats(frames=7)

    def test_repeated_times_are_dropped_and_counted(self, tmp_path: Path) -> None:
        ticks = [0, 40, 80, 80, 120, 120, 160, 200, 240, 280]
        pictures = [clips.picture(i) for i in range(10)]
        clips.write_mjpeg(tmp_path / "a.mkv", pictures, ticks)
        frames, source = read(tmp_path / "a.mkv")
        assert [clips.read_grey(f.rgb) for f in frames] == [0, 1, 2, 4, 6, 7, 8, 9]
        assert np.all(np.diff(times(frames)) > 0)
        assert source.stats.dropped_times == 2
        assert source.stats.warnings()[0].startswith("2 frames (20.0%) had a time that repeats")

    @pytest.mark.parametrize("bframes", [0, 1, 3])
    def test_an_avi_that_reorders_frames_gives_each_its_time(
        self, tmp_path: Path, bframes: int
    ) -> None:
        path = tmp_path / "a.avi"
        options = {"x264-params": f"bframes={bframes}:keyint=30:scenecut=0:b-adapt=0"}
        clips.write_clip(path, ticks=range(100), time_base=Fraction(1, 25), options=options)
        frames, source = read(path)
        assert [clips.read_grey(f.rgb) for f in frames] == [i % clips.N_GREYS for i in range(100)]
        assert np.diff(times(frames)) == pytest.approx(np.full(99, 1 / 25))
        assert source.stats == DecodeStats(frames=100)
        with source.part(1.2, 2.4) as part:
            assert times(list(part)) == [t for t in times(frames) if 1.2 <= t < 2.4]

    def test_a_damaged_avi_that_reorders_frames_goes_on_at_its_times(self, tmp_path: Path) -> None:
        path = tmp_path / "a.avi"
        options = {"x264-params": "bframes=3:keyint=25:scenecut=0:b-adapt=0"}
        clips.write_clip(
            path,
            ticks=range(200),
            time_base=Fraction(1, 25),
            draw=clips.noisy_picture,
            options=options,
        )
        sound = {f.time_s: clips.read_grey(f.rgb) for f in read(path)[0]}
        with av.open(str(path)) as container:
            packet = next(islice(container.demux(video=0), 100, None))
            at, size = packet.pos, packet.size - 16
        data = bytearray(path.read_bytes())
        data[at + size // 3 : at + size] = np.random.default_rng(0).bytes(size - size // 3)
        path.write_bytes(data)
        frames, source = read(path)
        assert source.stats.decode_errors >= 1
        assert source.stats.dropped_times == 0
        assert 120 <= len(frames) < 200
        later = [f for f in frames if f.time_s > 6]
        assert len(later) > 40
        assert all(sound[f.time_s] == clips.read_grey(f.rgb) for f in later)

    @pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "2"}], ids=["P", "B"])
    @pytest.mark.parametrize(
        ("segments", "kept", "says"),
        [
            pytest.param(
                [(2, 0, 1), (4, 2, 1 / 8), (1.8, 6, 1)], (0, 7.8), "0.125 to 1 times", id="slow"
            ),
            pytest.param([(1, 1, 2), (3, 2, 0.5)], (1, 5), "0.5 to 2 times", id="cut and slow"),
            pytest.param([(4, 1, 1), (4, 2, 1)], (1, 6), "repeats parts", id="twice"),
        ],
    )
    def test_an_edit_list_that_changes_the_clock_gives_each_picture_once(
        self,
        tmp_path: Path,
        options: dict[str, str],
        segments: list[tuple[float, float, float]],
        kept: tuple[float, float],
        says: str,
    ) -> None:
        path = tmp_path / "a.mov"
        written = clips.write_clip(path, ticks=EVEN + list(range(4000, 8000, 40)), options=options)
        delay_s = 0.0 if options["bf"] == "0" else 0.08  # what a file with B-frames begins late by
        clips.set_edit_list(path, segments)
        frames, source = read(path)
        own = [t + delay_s for t in written]
        right = [(t, i % clips.N_GREYS) for i, t in enumerate(own) if kept[0] <= t < kept[1]]
        assert times(frames) == pytest.approx([t for t, _ in right])
        assert [clips.read_grey(f.rgb) for f in frames] == [grey for _, grey in right]
        assert source.stats == DecodeStats(frames=len(right))
        (doubt,) = source.info.time_doubts
        assert says in doubt
        with source.part(2.4, 4.4) as part:
            assert times(list(part)) == [t for t in times(frames) if 2.4 <= t < 4.4]

    def test_an_edit_list_that_cuts_is_followed(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mov"
        clips.write_clip(path, ticks=EVEN, options={"bf": "0", "g": "25"})
        clips.set_edit_list(path, [(1, 1, 1), (1, 3, 1)])
        frames, source = read(path)
        greys = [i % clips.N_GREYS for i in [*range(25, 50), *range(75, 100)]]
        assert [clips.read_grey(f.rgb) for f in frames] == greys
        assert times(frames) == pytest.approx([i / 25 for i in range(50)])
        assert source.info.time_doubts == ()

    def test_a_raw_stream_without_times_is_timed_by_its_rate_and_flagged(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.h264"
        written = clips.write_clip(
            path, container="h264", ticks=range(20), time_base=Fraction(1, 20), rate=20
        )
        frames, source = read(path)
        assert times(frames) == pytest.approx(written)
        assert source.stats.estimated_times == 20

    def test_times_that_tables_cannot_tell_apart_are_left_out(self, tmp_path: Path) -> None:
        path = tmp_path / "a.avi"
        clips.write_clip(path, codec="mpeg4", ticks=range(10), time_base=Fraction(1, 25))
        data = bytearray(path.read_bytes())
        struct.pack_into("<II", data, data.index(b"strh") + 28, 1, 4_000_000_000)
        path.write_bytes(data)
        frames, source = read(path)
        assert len(frames) == 1
        assert source.stats.dropped_times == 9


class TestWhenItWasRecorded:
    @pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
    @pytest.mark.parametrize(
        ("stated", "read_back"),
        [
            ("2026-03-01T08:30:15Z", "2026-03-01T08:30:15+00:00"),
            ("2024-02-29T23:59:59.500000Z", "2024-02-29T23:59:59+00:00"),
            ("1970-01-01T00:00:00Z", None),
            (None, None),
        ],
    )
    def test_it_is_what_the_header_says(
        self, tmp_path: Path, name: str, stated: str | None, read_back: str | None
    ) -> None:
        clips.write_clip(tmp_path / "whole.mp4")
        remux(tmp_path / "whole.mp4", tmp_path / name, recorded=stated)
        with open_source(tmp_path / name) as source:
            assert source.info.recorded_utc == read_back


class TestPicture:
    @pytest.mark.parametrize(
        ("matrix", "degrees", "top_left"),
        [
            pytest.param((1, 0, 0, 1), 0, "top_left", id="no rotation"),
            pytest.param((0, 1, -1, 0), 90, "bottom_left", id="90 degrees clockwise"),
            pytest.param((-1, 0, 0, -1), 180, "bottom_right", id="180 degrees"),
            pytest.param((0, -1, 1, 0), 270, "top_right", id="270 degrees clockwise"),
            pytest.param((-1, 0, 0, 1), 0, "top_right", id="mirrored"),
            pytest.param((0, 1, 1, 0), 270, "top_left", id="mirrored and turned"),
        ],
    )
    def test_the_display_matrix_is_applied(
        self, tmp_path: Path, matrix: tuple[int, int, int, int], degrees: int, top_left: str
    ) -> None:
        path = tmp_path / "a.mp4"
        clips.write_clip(path)
        clips.set_display_matrix(path, *matrix)
        frames, source = read(path)
        turned = matrix[0] == 0
        assert frames[0].rgb.shape == ((96, 64, 3) if turned else (64, 96, 3))
        assert (source.info.height, source.info.width) == frames[0].rgb.shape[:2]
        assert source.info.rotation_deg == degrees
        assert clips.read_corners(frames[0].rgb)["top_left"] == top_left
        assert frames[0].rgb.flags.c_contiguous
        if shutil.which("ffmpeg"):
            command = ["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", tmp_path / "r.png"]
            subprocess.run(command, check=True)
            reference = cv2.imread(str(tmp_path / "r.png"))[..., ::-1]
            assert np.abs(reference.astype(int) - frames[0].rgb).max() <= 2

    @pytest.mark.parametrize(
        ("name", "codec", "pix_fmt", "size"),
        [
            pytest.param("a.mp4", "libx264", "yuv444p", (641, 479), id="odd size, 4:4:4"),
            pytest.param("a.mkv", "ffv1", "yuv420p", (641, 479), id="odd size, 4:2:0"),
            pytest.param("a.mkv", "libx264", "yuv420p10le", (96, 64), id="10 bits"),
            pytest.param("a.mkv", "ffv1", "yuva420p", (96, 64), id="alpha"),
            pytest.param("a.mkv", "ffv1", "gbrp16le", (96, 64), id="16-bit planar RGB"),
            pytest.param("a.mov", "qtrle", "argb", (96, 64), id="packed RGB with alpha"),
            pytest.param("a.avi", "mjpeg", "yuvj420p", (96, 64), id="Motion JPEG, full range"),
        ],
    )
    def test_colours_survive(
        self, tmp_path: Path, name: str, codec: str, pix_fmt: str, size: tuple[int, int]
    ) -> None:
        path = tmp_path / name
        clips.write_clip(
            path, codec=codec, pix_fmt=pix_fmt, size=size, ticks=range(4), time_base=Fraction(1, 25)
        )
        frames, source = read(path)
        assert (source.info.width, source.info.height) == size
        for frame in frames:
            assert (frame.rgb.shape, frame.rgb.dtype) == ((size[1], size[0], 3), np.uint8)
            assert frame.rgb.flags.c_contiguous
            assert np.abs(frame.rgb[2, 2].astype(int) - clips.CORNERS["top_left"]).max() < 10
            assert clips.read_grey(frame.rgb) == frame.index

    def test_grey_video_becomes_rgb(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mkv", codec="ffv1", pix_fmt="gray")
        frames, _ = read(tmp_path / "a.mkv")
        assert [clips.read_grey(f.rgb) for f in frames] == list(range(10))
        assert all(np.array_equal(f.rgb[..., 0], f.rgb[..., 2]) for f in frames)

    @pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
    def test_the_stated_colour_matrix_is_used(self, tmp_path: Path, matrix: str) -> None:
        # The builder writes BT.601 values: a BT.709 label must change what is read from them.
        options = {"x264-params": f"colormatrix={matrix}"}
        clips.write_clip(tmp_path / "a.mp4", options=options)
        green = int(read(tmp_path / "a.mp4")[0][0].rgb[2, 2, 1])
        assert green == pytest.approx({"bt709": 39, "smpte170m": 20}[matrix], abs=4)

    def test_the_stated_colour_range_is_used(self, tmp_path: Path) -> None:
        # The builder writes limited range: read as full range, its white is 213 instead of 230.
        clips.write_clip(tmp_path / "a.mp4", options={"x264-params": "fullrange=on"})
        white = int(read(tmp_path / "a.mp4")[0][0].rgb[-3, -3, 1])
        assert white == pytest.approx(16 + 230 * 219 / 255, abs=3)

    def test_an_unknown_colour_matrix_still_gives_pictures(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4", options={"x264-params": "colormatrix=YCgCo"})
        assert len(read(tmp_path / "a.mp4")[0]) == 10

    @pytest.mark.parametrize(
        ("aspect", "size"),
        [
            pytest.param(Fraction(4, 3), (128, 64), id="wide pixels: the picture gets wider"),
            pytest.param(Fraction(1, 2), (96, 128), id="tall pixels: the picture gets taller"),
            pytest.param(Fraction(400, 401), (96, 64), id="rounding is left alone"),
        ],
    )
    def test_pixels_become_square(
        self, tmp_path: Path, aspect: Fraction, size: tuple[int, int]
    ) -> None:
        clips.write_clip(tmp_path / "a.mp4", sample_aspect_ratio=aspect)
        frames, source = read(tmp_path / "a.mp4")
        assert (source.info.width, source.info.height) == size
        assert frames[0].rgb.shape == (size[1], size[0], 3)
        assert clips.read_corners(frames[0].rgb) == {name: name for name in clips.CORNERS}

    def test_a_change_of_size_in_mid_stream_is_delivered_and_counted(self, tmp_path: Path) -> None:
        pictures = [clips.picture(i, 96 if i < 6 else 128, 64) for i in range(10)]
        written = clips.write_mjpeg(tmp_path / "a.mkv", pictures, range(0, 400, 40))
        frames, source = read(tmp_path / "a.mkv")
        assert [f.rgb.shape[1] for f in frames] == [96] * 6 + [128] * 4
        assert times(frames) == pytest.approx(written)
        assert source.stats.size_changes == 1

    def test_the_header_is_reported(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4", audio=True)
        _, source = read(tmp_path / "a.mp4")
        info = source.info
        assert (info.kind, info.codec, info.frame_count) == ("file", "h264", 10)
        assert "mp4" in str(info.container)
        assert (info.nominal_fps, info.duration_s) == (pytest.approx(25), pytest.approx(0.4))


class TestDamage:
    def test_nothing_smeared_is_delivered_and_reading_goes_on(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mp4"
        draw, options = clips.noisy_picture, {"g": "25"}
        clips.write_clip(path, ticks=EVEN, size=(192, 128), draw=draw, options=options)
        whole = {f.time_s: f.rgb for f in read(path)[0]}
        clips.damage(path, n_bytes=40)
        frames, source = read(path)
        assert source.stats.decode_errors >= 1
        assert source.stats.withheld > 0
        assert not source.stats.truncated
        assert 75 <= len(frames) < 100
        assert frames[-1].time_s == pytest.approx(3.96)
        assert all(np.array_equal(f.rgb, whole[f.time_s]) for f in frames)

    @pytest.mark.parametrize("codec", ["libx264", "libx265"])
    def test_a_block_that_reads_as_zeros_is_damage(self, tmp_path: Path, codec: str) -> None:
        path = tmp_path / "a.mp4"
        options = {"g": "25", "x265-params": "log-level=none:keyint=25"}
        options = {k: v for k, v in options.items() if (k == "g") == (codec == "libx264")}
        clips.write_clip(
            path,
            ticks=EVEN,
            size=(192, 128),
            codec=codec,
            draw=clips.noisy_picture,
            options=options,
        )
        whole = {f.time_s: f.rgb for f in read(path)[0]}
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 64] = bytes(64)
        path.write_bytes(data)
        frames, source = read(path)
        assert source.stats.decode_errors >= 1
        assert 70 <= len(frames) < 100
        assert all(np.array_equal(f.rgb, whole[f.time_s]) for f in frames)

    def test_frames_that_a_container_lost_are_told(self, tmp_path: Path) -> None:
        ticks = [*range(0, 1000, 40), *range(1800, 3000, 40)]
        clips.write_clip(tmp_path / "a.mkv", ticks=ticks)
        stats = read(tmp_path / "a.mkv")[1].stats
        assert (stats.gaps, stats.gap_s) == (1, pytest.approx(0.84))
        (warning,) = stats.warnings()
        assert warning.startswith("1 times no frame came for more than 0.25 s, 0.8 s in all")

    def test_the_last_half_second_is_missed_too(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mkv"
        clips.write_clip(path, ticks=EVEN, draw=clips.noisy_picture, options={"g": "10"})
        clips.truncate(path, 0.85)
        frames, source = read(path)
        assert 3.0 < frames[-1].time_s < 3.7
        assert source.stats.truncated

    def test_a_recording_without_later_key_frames_is_not_lost(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mp4"
        ticks = range(0, 30_000, 100)
        clips.write_clip(path, ticks=ticks, rate=10, draw=clips.noisy_picture, options={"g": "999"})
        clips.damage(path, at=0.2, n_bytes=2000)
        frames, source = read(path)
        assert source.stats.decode_errors >= 1
        assert 90 <= source.stats.withheld <= 110
        assert frames[-1].time_s == pytest.approx(29.9)

    @pytest.mark.parametrize(
        ("name", "movflags"),
        [
            pytest.param("a.mp4", "faststart", id="MP4 whose header promises more"),
            pytest.param("a.mp4", "frag_keyframe+empty_moov", id="fragmented MP4"),
            pytest.param("a.mkv", "", id="Matroska"),
        ],
    )
    def test_a_file_that_is_cut_off_gives_what_there_is(
        self, tmp_path: Path, name: str, movflags: str
    ) -> None:
        path = tmp_path / name
        container_options = {"movflags": movflags} if movflags else None
        clips.write_clip(
            path, ticks=EVEN, draw=clips.noisy_picture, container_options=container_options
        )
        assert not read(path)[1].stats.truncated
        clips.truncate(path, 0.6)
        frames, source = read(path)
        assert 50 <= len(frames) <= 65
        assert source.stats.truncated

    def test_a_second_iteration_starts_anew(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4")
        with open_source(tmp_path / "a.mp4") as source:
            first = times(list(source))
            assert times(list(source)) == first
            assert source.stats == DecodeStats(frames=10)

    def test_no_line_of_ffmpeg_reaches_the_user(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "a.mp4"
        clips.write_clip(path, ticks=EVEN, draw=clips.noisy_picture)
        clips.damage(path)
        capfd.readouterr()
        _, source = read(path)
        assert source.stats.decode_errors > 0
        assert capfd.readouterr() == ("", "")


def test_frames_are_streamed_not_gathered(tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "a.mp4", ticks=EVEN)
    seen: list[weakref.ref[np.ndarray]] = []  # type: ignore[type-arg]
    most = 0
    for frame in open_source(tmp_path / "a.mp4"):
        seen.append(weakref.ref(frame.rgb))
        most = max(most, sum(ref() is not None for ref in seen))
    assert len(seen) == 100
    assert most <= 3


def test_leaving_early_closes_the_file(tmp_path: Path) -> None:
    fds = Path("/proc/self/fd")
    if not fds.exists():
        pytest.skip("needs /proc")
    clips.write_clip(tmp_path / "a.mp4")
    before = len(list(fds.iterdir()))
    for _ in range(20):
        frames = iter(open_source(tmp_path / "a.mp4"))
        next(frames)
        del frames
    gc.collect()
    assert len(list(fds.iterdir())) <= before + 1


class TestRefusals:
    def test_a_missing_path(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"none\.mp4 does not exist"):
            open_source(tmp_path / "none.mp4")

    @pytest.mark.parametrize("url", ["http://localhost/a.mp4", "rtsp://localhost/1"])
    @pytest.mark.parametrize("kind", [str, Path])
    def test_a_url(self, url: str, kind: type) -> None:
        with pytest.raises(UsageError, match="is a URL"):
            open_source(kind(url))

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param(b"", "is empty", id="empty file"),
            pytest.param(b"not a video\n" * 99, "cannot be opened as a video", id="renamed text"),
            pytest.param(os.urandom(5000), "cannot be opened|no video stream|no frame", id="noise"),
        ],
    )
    def test_what_is_no_video(self, tmp_path: Path, content: bytes, message: str) -> None:
        (tmp_path / "a.mp4").write_bytes(content)
        with pytest.raises(SourceError, match=message):
            open_source(tmp_path / "a.mp4")

    def test_sound_alone(self, tmp_path: Path) -> None:
        clips.write_audio_only(tmp_path / "a.m4a")
        with pytest.raises(SourceError, match="no video stream"):
            open_source(tmp_path / "a.m4a")

    def test_no_frame_that_can_be_decoded(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mp4"
        clips.write_clip(path, container_options={"movflags": "faststart"})
        data = path.read_bytes()
        start = data.index(b"mdat") + 4
        path.write_bytes(data[:start] + b"\xff" * (len(data) - start))
        with pytest.raises(SourceError, match="no frame can be decoded"):
            open_source(path)

    def test_a_header_without_a_size(self, tmp_path: Path) -> None:
        path = tmp_path / "a.avi"
        clips.write_clip(
            path, codec="rawvideo", pix_fmt="bgr24", ticks=range(3), time_base=Fraction(1, 25)
        )
        data = bytearray(path.read_bytes())
        for box, offset in ((b"avih", 40), (b"strf", 12)):
            at = data.index(box) + offset
            assert data[at : at + 4] == (96).to_bytes(4, "little")
            data[at : at + 8] = bytes(8)  # width and height
        path.write_bytes(data)
        with pytest.raises(SourceError):
            open_source(path)

    def test_a_header_that_was_never_written(self, tmp_path: Path) -> None:
        path = tmp_path / "a.mov"
        clips.write_clip(path, ticks=EVEN)
        clips.truncate(path, 0.6)
        with pytest.raises(SourceError, match="recording broke off"):
            open_source(path)

    def test_a_file_without_permission(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "a.mp4"
        clips.write_clip(path)
        path.chmod(0)
        if os.access(path, os.R_OK):  # root reads it all the same

            def refuse(self: Path, *_: object, **__: object) -> None:
                raise PermissionError(13, "Permission denied", str(self))

            monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(SourceError, match="Permission denied"):
            open_source(path)

    def test_fps_for_a_video(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4")
        with pytest.raises(UsageError, match="its own times"):
            open_source(tmp_path / "a.mp4", fps=30)

    @pytest.mark.parametrize("fps", [0, -1.0, 1e-9, 0.999, 1001, 1e9, float("nan"), float("inf")])
    def test_a_useless_fps(self, tmp_path: Path, fps: float) -> None:
        with pytest.raises(UsageError, match="from 1 to 1000"):
            open_source(tmp_path, fps=fps)


class TestNetwork:
    @pytest.fixture
    def server(self) -> Iterator[tuple[str, list[bytes]]]:
        """Address of a local server and the requests that it received."""
        requests: list[bytes] = []
        with socket.create_server(("127.0.0.1", 0)) as listener:

            def serve() -> None:
                while True:
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    with connection:
                        requests.append(connection.recv(100))

            threading.Thread(target=serve, daemon=True).start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.ts", requests
            listener.shutdown(socket.SHUT_RDWR)

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            pytest.param(
                "a.m3u8",
                "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n",
                id="HLS playlist",
            ),
            pytest.param("a.mp4", "ffconcat version 1.0\nfile '{}'\n", id="concat list renamed"),
        ],
    )
    def test_a_list_of_addresses_opens_no_socket(
        self, tmp_path: Path, server: tuple[str, list[bytes]], name: str, text: str
    ) -> None:
        address, requests = server
        (tmp_path / name).write_text(text.format(address))
        with pytest.raises(SourceError):
            open_source(tmp_path / name)
        assert requests == []


def test_paths_may_hold_spaces_colons_and_any_script(tmp_path: Path) -> None:
    folder = tmp_path / "visit 3: días" / "顔 http%3d"
    folder.mkdir(parents=True)
    clips.write_clip(folder / "Ünter Lid 01.mp4")
    frames, _ = read(folder / "Ünter Lid 01.mp4")
    assert len(frames) == 10
    clips.write_images(folder, ["1.png", "2.png"])
    assert len(read(folder, fps=10)[0]) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no colon in names")
def test_a_name_that_looks_like_a_protocol_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips.write_clip(tmp_path / "a.mp4")
    (tmp_path / "a.mp4").rename(tmp_path / "concat:a.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(read(Path("concat:a.mp4"))[0]) == 10


class TestImageFolder:
    def test_natural_order_and_constant_rate(self, tmp_path: Path) -> None:
        names = ["frame1.png", "frame2.jpg", "frame10.bmp", "frame11.tif", "frame100.webp"]
        clips.write_images(tmp_path, names)
        (tmp_path / "notes.txt").write_text("no image")
        (tmp_path / "._frame3.png").write_bytes(b"left by macOS")
        frames, source = read(tmp_path, fps=20)
        assert [clips.read_grey(f.rgb) for f in frames] == [0, 1, 2, 3, 4]
        assert times(frames) == pytest.approx([0, 0.05, 0.45, 0.5, 4.95])
        assert clips.read_corners(frames[0].rgb) == {name: name for name in clips.CORNERS}
        assert (source.info.kind, source.info.width, source.info.height) == ("images", 96, 64)
        assert (source.info.frame_count, source.info.nominal_fps) == (5, 20)
        assert source.info.duration_s == pytest.approx(5)

    def test_times_from_a_table(self, tmp_path: Path) -> None:
        clips.write_images(tmp_path, ["1.png", "2.png", "10.png"])
        (tmp_path / "timestamps.csv").write_text("time_s\n-0.5\n0.25\n7\n")
        frames, _ = read(tmp_path)
        assert times(frames) == [-0.5, 0.25, 7]
        assert [clips.read_grey(f.rgb) for f in frames] == [0, 1, 2]

    def test_times_from_a_table_that_names_the_files(self, tmp_path: Path) -> None:
        clips.write_images(tmp_path, ["a.png", "b.png", "c.png"])
        text = "\ufefffile,time_s\nc.png,1\na.png,1.5\n"
        (tmp_path / "timestamps.csv").write_text(text, encoding="utf-8")
        frames, _ = read(tmp_path)
        assert times(frames) == [1, 1.5]
        assert [clips.read_grey(f.rgb) for f in frames] == [2, 0]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            pytest.param("t\n0\n1\n2\n", "row 1: .*'time_s' is missing", id="column missing"),
            pytest.param("time_s\n0\n2\n1\n", "row 4: time_s 1 after 2", id="goes back"),
            pytest.param("time_s\n0\n0\n1\n", "row 3: time_s 0 after 0", id="repeats"),
            pytest.param("time_s\n0\nx\n1\n", "row 3: time_s is 'x'", id="no number"),
            pytest.param("time_s\n0\nnan\n1\n", "row 3: time_s is 'nan'", id="NaN"),
            pytest.param("time_s\n0\n1\n", "2 rows for 3 images", id="too few rows"),
            pytest.param("time_s\n0\n1\n2\n3\n", "row 5 belongs to no image", id="too many rows"),
            pytest.param("time_s\n", "0 rows", id="no rows"),
            pytest.param("", "'time_s' is missing", id="empty table"),
            pytest.param("time_s,file\n0,z.png\n", "row 2 .*'z.png'", id="unknown file"),
            pytest.param(
                "file,time_s\na.png\n", "row 2: the number of cells differs", id="short row"
            ),
        ],
    )
    def test_a_wrong_table(self, tmp_path: Path, text: str, message: str) -> None:
        clips.write_images(tmp_path, ["a.png", "b.png", "c.png"])
        (tmp_path / "timestamps.csv").write_text(text)
        with pytest.raises(TableError, match=message) as caught:
            open_source(tmp_path)
        assert "timestamps.csv" in str(caught.value)

    def test_a_table_that_is_no_text(self, tmp_path: Path) -> None:
        clips.write_images(tmp_path, ["a.png"])
        (tmp_path / "timestamps.csv").write_bytes(b"\xff\xfe\x00time_s")
        with pytest.raises(TableError, match="UTF-8"):
            open_source(tmp_path)

    def test_neither_fps_nor_table(self, tmp_path: Path) -> None:
        clips.write_images(tmp_path, ["a.png"])
        with pytest.raises(UsageError, match=r"give fps, or put a timestamps\.csv"):
            open_source(tmp_path)

    def test_both_fps_and_table(self, tmp_path: Path) -> None:
        clips.write_images(tmp_path, ["a.png"])
        (tmp_path / "timestamps.csv").write_text("time_s\n0\n")
        with pytest.raises(UsageError, match="leave fps out"):
            open_source(tmp_path, fps=10)

    def test_a_folder_without_images(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="holds no image"):
            open_source(tmp_path, fps=10)

    def test_a_damaged_image_keeps_its_time_to_itself(self, tmp_path: Path) -> None:
        clips.write_images(tmp_path, ["1.png", "2.jpg", "3.png", "4.png"])
        clips.truncate(tmp_path / "2.jpg", 0.5)
        (tmp_path / "3.png").write_bytes(b"")
        frames, source = read(tmp_path, fps=10)
        assert times(frames) == pytest.approx([0, 0.3])
        assert [f.index for f in frames] == [0, 1]
        gap_s = pytest.approx(0.3)
        assert source.stats == DecodeStats(frames=2, decode_errors=2, gaps=1, gap_s=gap_s)

    def test_only_damaged_images(self, tmp_path: Path) -> None:
        (tmp_path / "1.png").write_bytes(b"nothing")
        with pytest.raises(SourceError, match="none of its 1 images"):
            open_source(tmp_path, fps=10)

    def test_deep_grey_and_alpha_images_become_rgb(self, tmp_path: Path) -> None:
        bgr = clips.picture(3)[..., ::-1]
        deep = bgr.astype(np.uint16) * 257
        alpha = np.dstack([bgr, np.full(bgr.shape[:2], 128, np.uint8)])
        for name, image in (("1.png", deep), ("2.png", alpha), ("3.png", bgr[..., 1])):
            assert cv2.imwrite(str(tmp_path / name), image)
        frames, _ = read(tmp_path, fps=10)
        assert all(f.rgb.shape == (64, 96, 3) and f.rgb.dtype == np.uint8 for f in frames)
        assert np.array_equal(frames[0].rgb, clips.picture(3))
        assert np.array_equal(frames[1].rgb, clips.picture(3))
        assert np.array_equal(frames[2].rgb[..., 0], bgr[..., 1])


@pytest.mark.parametrize("container", ["mpegts", "vob"])
@pytest.mark.parametrize("before_s", [3, 70])  # FFmpeg looks back, or ahead, by a minute
def test_a_clock_of_33_bits_that_starts_anew_goes_on(tmp_path, container, before_s):
    wrap_s = 2**33 / 90000
    path = tmp_path / "wrap.video"
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.time_base = Fraction(1, 25)
        picture = np.zeros((64, 64, 3), np.uint8)
        begin = round((wrap_s - before_s) * 25)
        for index in range((before_s + 4) * 25):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = begin + index, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with open_source(path) as source:
        times_s = [frame.time_s for frame in source]
        info = source.info
    # A program stream does not time each of several small frames in a packet.
    assert np.diff(times_s).max() < 0.1
    assert times_s[-1] - times_s[0] == pytest.approx(before_s + 4 - 0.04, abs=0.001)
    assert info.zero_s == pytest.approx(times_s[0], abs=1e-4)
