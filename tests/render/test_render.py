"""Videos and pictures of what was found: right frames at right times, and nothing that was to be
hidden.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

from hfs_vision.errors import OutputError, UsageError
from hfs_vision.render import (
    ReplayPass,
    Style,
    annotate,
    cut_clip,
    make_sheet,
    plan_cuts,
    text_drawing,
    video_writer,
)
from hfs_vision.schema import Frame
from hfs_vision.video import Stopped, open_source
from tests import clips
from tests.cli.support import remux
from tests.footage_support import TICK_S, Finder, Picture, course, event, near, read, video
from tests.paths import SAMPLES


@pytest.fixture
def finder() -> Finder:
    return Finder()


@pytest.fixture(scope="module")
def four_seconds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 frames, 0.05 s apart."""
    return video(tmp_path_factory.mktemp("v") / "v.mp4", [i * 0.05 for i in range(80)])


class TestTheAnnotatedVideo:
    def test_keeps_every_frame_and_its_time_where_they_are_uneven(self, tmp_path, finder):
        remux(SAMPLES / "variable_frame_rate.mp4", tmp_path / "v.mp4", until_s=8.0)
        with open_source(tmp_path / "v.mp4") as source:
            given = [frame.time_s for frame in source]
            found = annotate(ReplayPass(source, course(), finder.open), tmp_path / "a.mp4")
        assert len(set(np.round(np.diff(given), 4))) > 2
        times = [frame.time_s for frame in read(tmp_path / "a.mp4")]
        assert found == len(given)
        assert times == pytest.approx(given, abs=TICK_S)
        assert (finder.opened, finder.closed) == ([None], 1)

    def test_keeps_a_first_time_above_zero(self, tmp_path, finder):
        times = [3.217283 + i * 0.04 for i in range(12)]
        with open_source(video(tmp_path / "v.mp4", times)) as source:
            annotate(ReplayPass(source, course(), finder.open), tmp_path / "a.mp4")
        assert [f.time_s for f in read(tmp_path / "a.mp4")] == pytest.approx(times, abs=2 * TICK_S)

    def test_marks_a_side_in_the_frames_of_its_events_and_in_no_other(
        self, tmp_path, finder, four_seconds
    ):
        known = course(event("right", "eye", 1.0, 1.5), event("left", "mouth", 2.0, 3.1))
        with open_source(four_seconds) as source:
            annotate(ReplayPass(source, known, finder.open), tmp_path / "a.mp4")
        lit: dict[str, list[float]] = {"left": [], "right": []}
        for frame in read(tmp_path / "a.mp4"):
            # Not mirrored: the subject's right is at the left edge. A bar is 10 wide, else 3.
            for side, columns in (("right", slice(5, 8)), ("left", slice(-8, -5))):
                if near(frame.rgb[140:300, columns], text_drawing.SIDE_COLOURS[side]).mean() > 0.9:
                    lit[side].append(round(frame.time_s, 3))
        assert lit["right"] == pytest.approx([1.0 + i * 0.05 for i in range(10)])
        assert lit["left"] == pytest.approx([2.0 + i * 0.05 for i in range(22)])

    def test_has_neither_sound_nor_the_name_of_the_recording(self, tmp_path, finder):
        clips.write_clip(tmp_path / "secret.mp4", audio=True)
        with open_source(tmp_path / "secret.mp4") as source:
            annotate(ReplayPass(source, course(), finder.open), tmp_path / "a.mp4")
        with av.open(str(tmp_path / "secret.mp4")) as given:
            assert len(given.streams) == 2
        with av.open(str(tmp_path / "a.mp4")) as made:
            assert [s.type for s in made.streams] == ["video"]
        assert b"secret" not in (tmp_path / "a.mp4").read_bytes()

    def test_is_mpeg4_where_h264_cannot_be_written(
        self, tmp_path, finder, four_seconds, monkeypatch
    ):
        monkeypatch.setattr(video_writer.av, "codecs_available", {"mpeg4"})
        with open_source(four_seconds) as source:
            annotate(ReplayPass(source, course(), finder.open), tmp_path / "a.mp4")
        with open_source(tmp_path / "a.mp4") as source:
            assert source.info.codec == "mpeg4"
            times = [frame.time_s for frame in source]
        assert times == pytest.approx([i * 0.05 for i in range(80)], abs=1 / 60_000)


class TestWhatBreaksOff:
    @pytest.fixture
    def target(self, tmp_path: Path) -> Path:
        folder = tmp_path / "out"
        folder.mkdir()
        (folder / "a.mp4").write_bytes(b"an earlier one")
        return folder / "a.mp4"

    @staticmethod
    def untouched(target: Path) -> bool:
        return [p.name for p in target.parent.rglob("*")] == ["a.mp4"] and (
            target.read_bytes() == b"an earlier one"
        )

    def test_a_stop_leaves_no_half_video(self, target, finder, four_seconds):
        with open_source(four_seconds) as source:
            second = ReplayPass(source, course(), finder.open, stop=lambda: len(finder.times) >= 40)
            with pytest.raises(Stopped):
                annotate(second, target)
        assert self.untouched(target)
        assert finder.closed == 1

    @pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
    def test_a_full_disk_is_told_and_leaves_nothing(self, target, finder, four_seconds):
        import resource

        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        with open_source(four_seconds) as source:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
            try:
                with pytest.raises(OutputError, match=r"cannot write .*a\.mp4"):
                    annotate(ReplayPass(source, course(), finder.open), target)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert self.untouched(target)


class TestClips:
    def test_hold_the_frames_of_the_event_and_of_the_pads_and_no_other(
        self, tmp_path, finder, four_seconds
    ):
        known = course(event("left", "eye", 2.0, 2.2))
        (cut,) = plan_cuts(known, pad_s=0.5)
        style = Style(overlay=False)
        with open_source(four_seconds) as source:
            count = cut_clip(ReplayPass(source, known, finder.open, style), cut, tmp_path / "c.mp4")
        frames = read(tmp_path / "c.mp4")
        wanted = list(range(30, 55))  # from 1.5 s to 2.7 s
        assert count == len(frames) == len(wanted)
        assert [clips.read_grey(f.rgb) for f in frames] == [i % clips.N_GREYS for i in wanted]
        assert [f.time_s for f in frames] == pytest.approx(
            [i * 0.05 for i in range(len(wanted))], abs=TICK_S
        )
        assert finder.opened == [], "what is shown as it is needs no landmarks"

    def test_a_model_starts_early_and_is_told_whom_to_follow(self, tmp_path, finder, four_seconds):
        known = course(event("left", "eye", 2.0, 2.2))
        (cut,) = plan_cuts(known, pad_s=0.5)
        with open_source(four_seconds) as source:
            cut_clip(ReplayPass(source, known, finder.open), cut, tmp_path / "c.mp4")
        first, again = finder.opened
        assert first is None
        assert isinstance(again, np.ndarray)
        assert finder.times[1:] == pytest.approx([1.0 + i * 0.05 for i in range(35)], abs=1e-4)
        assert finder.closed == 2

    def test_beyond_the_recording_there_is_none(self, tmp_path, finder, four_seconds):
        known = course(event("left", "eye", 60.0, 60.2))
        (cut,) = plan_cuts(known, pad_s=0.5)
        with open_source(four_seconds) as source:
            second = ReplayPass(source, known, finder.open)
            assert cut_clip(second, cut, tmp_path / "c.mp4") == 0
            assert make_sheet(second, cut, tmp_path / "c.png") == 0
        assert not list(tmp_path.iterdir())

    def test_are_named_so_that_they_sort(self):
        known = course(event("left", "eye", 2.0, 2.2), event("right", "eye+mouth", 12.44, 13))
        names = [cut.name(".mp4") for cut in plan_cuts(known, pad_s=1.0)]
        assert names == [
            "event_001_left_eyelid_twitch_00002.0s.mp4",
            "event_002_right_hemifacial_spasm_00012.4s.mp4",
        ]

    def test_of_some_events_only(self):
        known = course(*(event("left", "eye", float(i), i + 0.2) for i in range(5)))
        assert [c.number for c in plan_cuts(known, (4, 2, 2), pad_s=1.0)] == [2, 4]
        with pytest.raises(UsageError, match="there is no event 7: there are 1 to 5"):
            plan_cuts(known, (7,), pad_s=1.0)


class TestSheets:
    @pytest.fixture
    def sheet(self, tmp_path, finder, four_seconds) -> Picture:
        known = course(event("left", "eye", 2.0, 2.5))
        (cut,) = plan_cuts(known, pad_s=0.5)
        finder.lost = (-math.inf, math.inf)  # so that whole pictures are shown
        with open_source(four_seconds) as source:
            count = make_sheet(ReplayPass(source, known, finder.open), cut, tmp_path / "s.png")
        assert count == 10
        assert [p.name for p in tmp_path.iterdir()] == ["s.png"]
        return np.asarray(cv2.imread(str(tmp_path / "s.png")), np.uint8)

    @staticmethod
    def tile(sheet: Picture, number: int) -> tuple[Picture, Picture]:
        """A picture and its caption."""
        row, column = divmod(number, 5)
        x, y = 8 + column * 268, 46 + row * (195 + 24 + 8)
        return sheet[y : y + 195, x : x + 260], sheet[y + 195 : y + 219, x : x + 260]

    def test_show_the_frames_around_the_event_in_order_with_the_peak(self, sheet):
        shown = [clips.read_grey(self.tile(sheet, i)[0]) for i in range(10)]
        numbers = [i for i in range(80) if i % clips.N_GREYS in shown and 36 <= i <= 53]
        assert shown == [i % clips.N_GREYS for i in numbers]
        assert numbers[0] == 37, "0.15 s before the onset"
        assert numbers[-1] == 53, "0.15 s after the offset"
        assert 45 in numbers, "the peak at 2.25 s"

    def test_tell_what_lies_within_the_event(self, sheet):
        blue = text_drawing.SIDE_COLOURS["left"]
        lit = [
            bool((self.tile(sheet, i)[1][2:22, 100:110] == blue).all(axis=2).any())
            for i in range(10)
        ]
        assert lit == [False] * 2 + [True] * 6 + [False] * 2

    def test_name_the_peak_once(self, sheet):
        blue = text_drawing.SIDE_COLOURS["left"]
        look = np.full((14, text_drawing.width_of("PEAK", 10, bold=True) + 2, 3), blue, np.uint8)
        text_drawing.write(look, "PEAK", (1, 12), 10, text_drawing.BLACK, bold=True)
        hits = [
            i
            for i in range(10)
            if cv2.matchTemplate(self.tile(sheet, i)[1], look, cv2.TM_CCOEFF_NORMED).max() > 0.95
        ]
        assert [clips.read_grey(self.tile(sheet, i)[0]) for i in hits] == [45 % clips.N_GREYS]


class Constructed:
    """A source of frames that are made up: sizes and times."""

    def __init__(self, sizes: list[tuple[int, int]], start_s: float = 0.0) -> None:
        self.info = SimpleNamespace(width=sizes[0][0], height=sizes[0][1])
        self._sizes, self._start_s = sizes, start_s

    def part(self, *_: float) -> Iterator[Frame]:
        for i, size in enumerate(self._sizes):
            yield Frame(i, self._start_s + i * 0.1, clips.picture(i, *size))


def test_frames_that_change_their_size_are_shown_in_that_of_the_first(tmp_path, finder):
    source = Constructed([(96, 64), (48, 32), (96, 64)])
    second = ReplayPass(source, course(), finder.open)
    assert [frame.rgb.shape for frame, _ in second.seen()] == [(64, 96, 3)] * 3
    assert annotate(second, tmp_path / "a.mp4") == 3


@pytest.mark.parametrize(("start_s", "shown_s"), [(-0.25, 0.0), (0.5, 0.5), (36001.4, 0.0)])
def test_a_clock_that_begins_below_zero_or_late_is_moved_to_zero(
    tmp_path, finder, start_s, shown_s
):
    source = Constructed([(96, 64)] * 5, start_s=start_s)
    annotate(ReplayPass(source, course(), finder.open), tmp_path / "a.mp4")
    times = [frame.time_s for frame in read(tmp_path / "a.mp4")]
    assert times == pytest.approx([shown_s + i * 0.1 for i in range(5)], abs=TICK_S)
