"""Parts of a recording against the whole, frame by frame, and decoding ahead."""

from __future__ import annotations

import hashlib
import itertools
import math
import pickle
import random
import shutil
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfs_vision.errors import UsageError
from hfs_vision.schema import Frame
from hfs_vision.video import DecodeStats, FrameSource, open_source
from hfs_vision.video.original import Original
from hfs_vision.video.source import ahead, even_cuts
from tests import clips

Seen = tuple[float, tuple[int, ...], str]
GRID = {"ticks": range(130), "time_base": Fraction(1, 25)}
X265 = "log-level=none:keyint=30:bframes=4:rc-lookahead=10:scenecut=0"
OPEN = "open-gop=1:bframes=4:b-pyramid=normal:ref=5:scenecut=0:keyint=30"
CLOSED = "bframes=3:scenecut=0:keyint=30"


def x264(params: str) -> dict[str, Any]:
    return {"options": {"x264-params": params}}


def uneven() -> list[int]:
    rng = random.Random(0)
    return np.cumsum([rng.choice([17, 33, 34, 50, 101]) for _ in range(110)]).tolist()


CUT = {
    "closed.mp4": x264(CLOSED),
    "closed.ts": {"container": "mpegts", **x264(CLOSED)},
    "uneven.mp4": {"ticks": uneven(), **x264(CLOSED)},
    "late.mp4": {"ticks": range(1500, 6500, 40), **x264(CLOSED)},
    "fragments.mp4": {
        "container_options": {"movflags": "frag_keyframe+empty_moov"},
        **x264(CLOSED),
    },
    "no_b_frames.mp4": x264("bframes=0:keyint=30"),
    "refresh.mp4": x264("intra-refresh=1:bframes=0:keyint=30"),
    "open.mp4": x264(OPEN),
    "open.mkv": x264(OPEN),
    "open.ts": {"container": "mpegts", **x264(OPEN)},
    "hevc.mkv": {"codec": "libx265", "options": {"x265-params": X265}},
    "vp8.webm": {
        "codec": "libvpx",
        "options": {"g": "30", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"},
    },
    "vp9.webm": {
        "codec": "libvpx-vp9",
        "options": {"g": "30", "deadline": "realtime", "cpu-used": "8"},
    },
    "mpeg4.mp4": {
        "codec": "mpeg4",
        "options": {"g": "30", "bf": "2", "sc_threshold": "1000000000"},
    },
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "30"}, **GRID},
    "mpeg2.ts": {
        "codec": "mpeg2video",
        "container": "mpegts",
        "options": {"g": "20", "bf": "2"},
        **GRID,
    },
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p", **GRID},
}


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory):
    """Writes each of the clips once, and gives a copy's path."""
    folder = tmp_path_factory.mktemp("parts")

    def made(name: str, to: Path | None = None) -> Path:
        path = folder / name
        if not path.exists():
            recipe = {"ticks": range(0, 5200, 40), "draw": clips.noisy_picture, **CUT[name]}
            clips.write_clip(path, **recipe)
        return Path(shutil.copy(path, to)) if to else path

    return made


def look(frames: Sequence[Frame] | FrameSource) -> list[Seen]:
    return [(f.time_s, f.rgb.shape, hashlib.md5(f.rgb.tobytes()).hexdigest()) for f in frames]


def sent(part: FrameSource) -> FrameSource:
    """The part as another process receives it."""
    return pickle.loads(pickle.dumps(part))


def check(source: FrameSource, cuts: list[float], lead_s: float = 0.0) -> DecodeStats:
    """All parts between the cuts give what the whole gives; returns the whole's stats."""
    whole, stats = look(source), source.stats
    edges = [-math.inf, *cuts, math.inf]
    parts = []
    for start_s, stop_s in itertools.pairwise(edges):
        part = sent(source.part(start_s, stop_s, lead_s))
        frames = list(part)
        assert look(frames) == [f for f in whole if start_s - lead_s <= f[0] < stop_s]
        assert [f.index for f in frames] == list(range(len(frames)))
        assert part.stats.frames == sum(start_s <= f[0] < stop_s for f in whole)
        parts.append(part.stats)
    assert DecodeStats.total(parts) == stats
    return stats


class TestExact:
    @pytest.mark.parametrize("name", CUT)
    def test_parts_hold_what_the_whole_holds(self, make, name: str) -> None:
        with open_source(make(name)) as source:
            cuts = source.cuts(1.0)
            first_s = next(iter(source)).time_s
            assert len(cuts) >= 2
            steps = (np.array(cuts) - first_s) / 1.0
            assert steps == pytest.approx(np.round(steps))
            assert check(source, cuts) == DecodeStats(frames=source.stats.frames)
            check(source, cuts, lead_s=0.7)

    @pytest.mark.parametrize("name", ["uneven.mp4", "open.ts", "hevc.mkv", "mpeg4.mp4"])
    def test_wherever_it_is_cut(self, make, name: str) -> None:
        with open_source(make(name)) as source:
            times = [f.time_s for f in source]
        places = st.one_of(st.floats(-0.5, times[-1] + 0.5), st.sampled_from(times))

        @settings(
            max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        @given(cuts=st.sets(places, max_size=3), lead_s=st.sampled_from([0.0, 0.04, 0.3, 3.0]))
        def cut(cuts: set[float], lead_s: float) -> None:
            check(source, sorted(cuts), lead_s)

        cut()

    def test_a_part_is_decoded_from_a_key_frame_near_it(
        self, make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = make("closed.mp4", tmp_path / "a.mp4")
        with open_source(path) as source:
            whole = look(source)
            part = source.part(4.0, math.inf)
            clips.damage(path, at=0.1, n_bytes=20_000)
            monkeypatch.setattr(Original, "check", lambda self: "")  # it is another file now
            assert look(part) == [f for f in whole if f[0] >= 4.0]

    @pytest.mark.parametrize(("units", "kept"), [(3 * 640, 127), (40 * 640, 90)])
    def test_an_edit_list_hides_frames(self, make, tmp_path: Path, units: int, kept: int) -> None:
        path = make("closed.mp4", tmp_path / "a.mp4")
        clips.cut_start_by_edit_list(path, units)
        with open_source(path) as source:
            assert check(source, [0.0, 0.04, 1.0, 2.0]).frames == kept

    def test_times_below_zero(self, tmp_path: Path) -> None:
        pictures = [clips.picture(i) for i in range(60)]
        clips.write_mjpeg(tmp_path / "a.mkv", pictures, range(-1000, 1400, 40))
        with open_source(tmp_path / "a.mkv") as source:
            assert source.cuts(1.0) == [0.0]
            check(source, [-0.5, 0.0, 0.5])

    def test_a_turned_picture(self, make, tmp_path: Path) -> None:
        path = make("closed.mp4", tmp_path / "a.mp4")
        clips.set_display_matrix(path, 0, 1, -1, 0)
        with open_source(path) as source:
            check(source, source.cuts(1.0))

    def test_a_change_of_size_is_counted_once_wherever_the_cut_is(self, tmp_path: Path) -> None:
        pictures = [clips.picture(i, 96 if i < 30 else 128, 64) for i in range(60)]
        clips.write_mjpeg(tmp_path / "a.mkv", pictures, range(0, 2400, 40))
        with open_source(tmp_path / "a.mkv") as source:
            for cut_s in (1.16, 1.2, 1.24):
                for lead_s in (0.0, 0.04):
                    assert check(source, [cut_s], lead_s).size_changes == 1

    def test_parts_without_frames(self, make) -> None:
        with open_source(make("closed.mp4")) as source:
            check(source, [-3.0, -2.0, 0.01, 0.02, 90.0, 91.0], lead_s=0.5)


class TestDamage:
    @pytest.mark.parametrize(
        "name",
        ["closed.mp4", "open.mp4", "open.mkv", "closed.ts", "hevc.mkv", "mpeg4.mp4", "mjpeg.avi"],
    )
    def test_comes_out_of_parts_as_out_of_the_whole(self, make, tmp_path: Path, name: str) -> None:
        hurt = 0
        for seed in range(4):
            path = make(name, tmp_path / f"{seed}_{name}")
            clips.damage(path, at=0.2 + 0.17 * seed, n_bytes=(1, 40, 600, 2000)[seed], seed=seed)
            with open_source(path) as source:
                cuts = [0.96, 1.7, 1.9461, 1.9498, 2.4, 3.64]
                hurt += check(source, cuts, lead_s=0.2 * (seed % 2)).frames < 130
        assert hurt  # how many differs with the bytes that the encoder's threads make

    @pytest.mark.parametrize("name", ["closed.mp4", "open.mp4", "hevc.mkv", "mpeg4.mp4"])
    def test_little_damage_comes_out_of_parts_as_out_of_the_whole(
        self, make, tmp_path: Path, name: str
    ) -> None:
        # FFmpeg makes up what it cannot decode from what it saw before, and mostly says nothing.
        for seed in range(12):
            path = make(name, tmp_path / f"{seed}_{name}")
            clips.damage(path, at=0.05 + 0.075 * seed, n_bytes=1 << seed % 3, seed=seed)
            with open_source(path) as source:
                check(source, [1.0, 2.4, 3.64])

    def test_what_is_odd_in_every_packet_is_read_all_the_same(self, make, tmp_path: Path) -> None:
        clips.with_odd_units(make("closed.mp4"), tmp_path / "odd.mp4")
        with open_source(make("closed.mp4")) as sound, open_source(tmp_path / "odd.mp4") as odd:
            assert look(odd) == look(sound)
            assert odd.stats == sound.stats
            check(odd, [1.0, 2.4])

    def test_a_key_frame_that_is_damaged(self, make, tmp_path: Path) -> None:
        path = make("closed.mp4", tmp_path / "a.mp4")
        with av.open(str(path)) as container:
            keys = [packet for packet in container.demux(video=0) if packet.is_keyframe]
        data = bytearray(path.read_bytes())
        middle = keys[2].pos + keys[2].size // 2
        data[middle : middle + 200] = bytes(200)
        path.write_bytes(data)
        with open_source(path) as source:
            stats = check(source, np.arange(0.5, 5.0, 0.5).tolist())
        assert stats.decode_errors
        assert stats.withheld

    @pytest.mark.parametrize("name", ["fragments.mp4", "open.mkv", "open.ts"])
    def test_a_file_that_is_cut_off(self, make, tmp_path: Path, name: str) -> None:
        path = make(name, tmp_path / name)
        clips.truncate(path, 0.7)
        with open_source(path) as source:
            cuts = source.cuts(1.0)
            assert cuts
            assert check(source, cuts).truncated
            first = source.part(-math.inf, cuts[0])
            assert list(first)
            assert not first.stats.truncated

    def test_a_damaged_file_gives_the_same_every_time(self, make, tmp_path: Path) -> None:
        path = make("hevc.mkv", tmp_path / "a.mp4")
        clips.damage(path, n_bytes=40)
        with open_source(path) as source:
            first = look(source)
            assert all(look(source) == first for _ in range(6))


class TestCuts:
    def test_none_where_times_are_missing(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.h264", container="h264", **GRID)
        with open_source(tmp_path / "a.h264") as source:
            assert source.cuts(1.0) == []
            assert check(source, [1.0, 2.02]).estimated_times == 130

    def test_none_where_times_repeat(self, tmp_path: Path) -> None:
        ticks = [40 * (i - (i == 51)) for i in range(100)]
        clips.write_mjpeg(tmp_path / "a.mkv", [clips.picture(i) for i in range(100)], ticks)
        with open_source(tmp_path / "a.mkv") as source:
            assert source.cuts(1.0) == []
            assert check(source, [1.0, 2.0, 2.04, 3.0], lead_s=0.1).dropped_times == 1

    def test_none_where_times_begin_again(self, make, tmp_path: Path) -> None:
        once = make("closed.ts").read_bytes()
        (tmp_path / "a.ts").write_bytes(once + once)
        with open_source(tmp_path / "a.ts") as source:
            assert source.cuts(1.0) == []
            assert check(source, [1.0, 4.0, 5.28, 6.0], lead_s=0.1).dropped_times > 100

    def test_none_where_key_frames_are_too_far_apart(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4", ticks=range(0, 6000, 40), **x264("keyint=100"))
        with open_source(tmp_path / "a.mp4") as source:
            assert source.cuts(1.5) == [1.5, 4.5]
            check(source, [1.0, 3.0])

    def test_none_where_nobody_knows_what_a_key_frame_leaves_behind(self, tmp_path: Path) -> None:
        clips.write_clip(
            tmp_path / "a.mkv", ticks=range(0, 4000, 40), codec="ffv1", options={"g": "25"}
        )
        with open_source(tmp_path / "a.mkv") as source:
            assert source.cuts(1.0) == []
            check(source, [1.0, 3.0])

    @pytest.mark.parametrize(
        ("every_s", "found"), [(3.5, []), (3.4, [3.4]), (2.1, [2.1]), (2.0, [2.0, 4.0])]
    )
    def test_pieces_are_no_shorter_than_half(self, make, every_s: float, found: list) -> None:
        with open_source(make("mjpeg.avi")) as source:  # its last frame is at 5.16 s
            assert source.cuts(every_s) == found

    def test_none_where_times_leap(self) -> None:
        times_s = np.append(np.arange(0.0, 200.0), [3e9, 3e9 + 1])
        assert even_cuts(times_s, 0.0, 3e9 + 1, 60.0) == [60.0, 120.0, 180.0, 240.0]

    @pytest.mark.parametrize("every_s", [0.0, -1.0, math.nan, math.inf])
    def test_a_length_that_cannot_be(self, make, every_s: float) -> None:
        with open_source(make("mjpeg.avi")) as source, pytest.raises(UsageError, match="above 0"):
            source.cuts(every_s)

    @pytest.mark.parametrize("span", [(1, 1), (2, 1), (math.nan, 1), (0, 1, -1), (0, 1, math.inf)])
    def test_a_part_that_cannot_be(self, make, span: tuple[float, ...]) -> None:
        with open_source(make("mjpeg.avi")) as source, pytest.raises(UsageError, match="cannot be"):
            source.part(*span)

    def test_of_a_part_are_those_within(self, make) -> None:
        with open_source(make("closed.mp4")) as source:
            assert source.part(1.0, 4.0).cuts(1.0) == [2.0, 3.0]
            assert look(source.part(1.0, 4.0).part(4.0, 4.1)) == look(source.part(4.0, 4.1))


class TestImages:
    def test_parts_hold_what_the_whole_holds(self, tmp_path: Path) -> None:
        clips.write_images(tmp_path, [f"{i}.png" for i in range(40)])
        for number in (0, 9, 10, 11, 39):
            (tmp_path / f"{number}.png").write_bytes(b"nothing")
        (tmp_path / "timestamps.csv").write_text(
            "time_s\n" + "".join(f"{0.1 * i - 1}\n" for i in range(40))
        )
        with open_source(tmp_path) as source:
            assert source.cuts(1.0) == [0.0, 1.0, 2.0]
            for lead_s in (0.0, 0.25):
                stats = check(source, [-0.1, 0.0, 0.1, 1.0, 2.0, 9.0], lead_s)
                assert (stats.frames, stats.decode_errors) == (35, 5)

    def test_a_change_of_size_behind_a_damaged_picture(self, tmp_path: Path) -> None:
        clips.write_images(tmp_path, ["0.png", "1.png"])
        (tmp_path / "2.png").write_bytes(b"nothing")
        small = tmp_path / "small"
        clips.write_images(small, ["3.bmp"])
        data = clips.cv2.imread(str(small / "3.bmp"))[:32]
        assert clips.cv2.imwrite(str(tmp_path / "3.png"), data)
        with open_source(tmp_path, fps=10) as source:
            assert check(source, [0.2, 0.3]).size_changes == 1


class Reader:
    """Frames whose reading can be watched; ends, or fails, after `count`."""

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.count, self.error = count, error
        self.read, self.ended_in = 0, ""
        self._seen: list[weakref.ref[np.ndarray]] = []

    @property
    def alive(self) -> int:
        """How many of the pictures somebody still holds."""
        return sum(ref() is not None for ref in self._seen)

    def __iter__(self) -> Iterator[Frame]:
        try:
            while self.read < self.count:
                frame = Frame(self.read, 0.1 * self.read, np.zeros((2, 2, 3), np.uint8))
                self._seen.append(weakref.ref(frame.rgb))
                self.read += 1
                yield frame
                del frame
            if self.error:
                raise self.error
        finally:
            self.ended_in = threading.current_thread().name


def wait_for(condition) -> None:
    stop = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < stop, "waited in vain"
        time.sleep(0.002)


class TestAhead:
    def test_gives_the_same_frames(self, make) -> None:
        with open_source(make("closed.mp4")) as source:
            whole = look(source)
            assert look(list(ahead(source))) == whole
            assert look(list(ahead(source.part(1.0, 2.0), waiting=1))) == [
                f for f in whole if 1.0 <= f[0] < 2.0
            ]

    def test_reads_on_while_nobody_takes_but_not_too_far(self) -> None:
        reader = Reader(50)
        frames = ahead(reader, waiting=5)
        assert reader.read == 0
        next(frames)
        wait_for(lambda: reader.read == 6)
        time.sleep(0.05)
        assert reader.read == 6
        frames.close()

    def test_keeps_no_frame(self) -> None:
        reader = Reader(50)
        frames = ahead(reader, waiting=3)
        for _ in range(50):
            next(frames)
            wait_for(lambda: reader.alive <= 3)
        assert next(frames, None) is None
        assert reader.alive == 0

    def test_passes_an_error_on_after_the_frames_before_it(self) -> None:
        frames = ahead(Reader(7, ValueError("lens cap")))
        assert [next(frames).index for _ in range(7)] == list(range(7))
        with pytest.raises(ValueError, match="lens cap"):
            next(frames)

    @pytest.mark.parametrize("taken", [0, 1, 3])
    def test_closing_ends_the_thread_and_the_reading(self, taken: int) -> None:
        reader = Reader(1 << 60)
        frames = ahead(reader, waiting=2)
        for _ in range(taken):
            next(frames)
        frames.close()
        assert "ahead" not in [thread.name for thread in threading.enumerate()]
        assert reader.read <= taken + 2
        assert reader.ended_in == ("ahead" if taken else "")
        assert reader.alive == 0
