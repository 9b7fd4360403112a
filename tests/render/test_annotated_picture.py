"""What is drawn of a moment, what is hidden of it, and what a result says of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hfs_vision.analysis.pipeline import detect
from hfs_vision.render import (
    EventLookup,
    ReplayPass,
    Style,
    annotate,
    masking,
    text_drawing,
    video_writer,
)
from hfs_vision.render.annotated_picture import Painter
from hfs_vision.render.face_overlay import Fit
from hfs_vision.results import EventRecord, read_folder, write_reviewed
from hfs_vision.schema import Frame
from hfs_vision.video import open_source
from tests.footage_support import Finder, Picture, course, event, holds_text, near, read
from tests.synthetic import Recording


@pytest.fixture
def finder() -> Finder:
    return Finder()


class TestBlur:
    FACE = Recording(1.0).landmarks()[0]

    def paint(self, rgb: Picture, landmarks: NDArray[np.float64], time_s: float = 1.0) -> Picture:
        painter = Painter(course(), Style(overlay=False, blur=True), rgb.shape)
        return painter(Frame(0, time_s, rgb), landmarks)

    @staticmethod
    def noise(seed: int, shape: tuple[int, int] = (480, 640)) -> Picture:
        return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)

    def cover(self) -> NDArray[np.uint8]:
        found = masking.region_cover((480, 640), self.FACE, Fit())
        assert found is not None
        return found

    def test_what_is_hidden_tells_nothing_of_the_original(self):
        hidden = self.cover() == 0
        first, second = (self.paint(self.noise(seed), self.FACE) for seed in (1, 2))
        assert (first[hidden] == masking.HIDDEN[::-1]).all()
        assert np.array_equal(first[hidden], second[hidden])
        assert hidden.mean() > 0.9

    def test_what_is_measured_is_untouched(self):
        shown = self.cover() == 255
        rgb = self.noise(1)
        assert np.array_equal(self.paint(rgb, self.FACE)[shown], rgb[shown])
        points = self.FACE[[386, 374, 159, 145, 291, 61], :2].round().astype(int)
        assert shown[points[:, 1], points[:, 0]].all()

    def test_without_a_face_all_is_hidden(self):
        picture = self.paint(self.noise(1), np.full((478, 3), np.nan))
        assert (picture == masking.HIDDEN[::-1]).all()

    def test_where_nothing_was_measured_all_is_hidden_though_a_mesh_lies_on_something(self):
        picture = self.paint(self.noise(1), self.FACE, time_s=11.0)  # the signals end at 10 s
        assert (picture == masking.HIDDEN[::-1]).all()

    def test_a_face_at_the_edge_or_far_outside_of_the_picture_does_no_harm(self):
        for shift in (-320.0, 320.0, 1e6):
            picture = self.paint(self.noise(1), self.FACE + np.array([shift, 0.0, 0.0]))
            assert (picture[:20] == masking.HIDDEN[::-1]).all()

    def test_in_the_video_a_face_that_is_lost_is_hidden_while_it_is(self, tmp_path, finder):
        rgb = self.noise(3)
        with video_writer.new_video(tmp_path / "v.mp4", rgb.shape, "clip") as out:
            for i in range(30):
                out.write(rgb, i * 0.05)
        finder.lost = (0.5, 1.0)
        known = course(event("left", "eye", 0.6, 0.8))
        style = Style(overlay=False, blur=True)
        with open_source(tmp_path / "v.mp4") as source:
            annotate(ReplayPass(source, known, finder.open, style), tmp_path / "a.mp4")
        flat = np.array(masking.HIDDEN[::-1])
        # The codec works in blocks of 16: what is further from what is shown is none of it.
        far = cv2.dilate(self.cover(), np.ones((65, 65))) == 0
        for frame in read(tmp_path / "a.mp4"):
            off = abs(frame.rgb.astype(int) - flat).max(axis=2)
            lost = 0.499 <= frame.time_s < 0.999
            assert off[far].max() <= 6
            assert (off.max() <= 12) == lost, frame.time_s


class TestTheResult:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        recording = Recording(30.0).lid(0, 10.0, 0.3).lid(1, 20.0, 1.5)
        detect(recording.without_face(25.0, 2.0).measured()).save(tmp_path / "a.results")
        return tmp_path / "a.results"

    def test_counts_what_has_begun_and_lights_what_lasts(self, folder):
        found = EventLookup.of(read_folder(folder))
        first, second = (each.event for each in found.events)
        assert [found.count("left", t) for t in (0, first.onset_s, 29)] == [0, 1, 1]
        assert found.lit(first.onset_s) == {("left", "eye")}
        assert found.lit(first.offset_s) == frozenset()
        assert found.lit((second.onset_s + second.offset_s) / 2) == {("right", "eye")}

    def test_an_event_begins_with_its_frame_though_the_table_rounds(self):
        known = course(event("left", "eye", 5.266667, 5.433333))
        assert known.lit(79 * 2 / 30)
        assert not known.lit(5.433333333)

    def test_tells_where_nothing_was_measured(self, folder):
        found = EventLookup.of(read_folder(folder))
        times = (24.9, 26.0, 27.5, 29.96, 30.5, -1.0)
        assert [found.measured(t) for t in times] == [True, False, True, True, False, False]

    def test_corrected_events_count_and_keep_their_numbers(self, folder):
        events = [replace(e, twitches=()) for e in read_folder(folder).machine_events]
        rows = [
            EventRecord(1, events[0], "rejected"),
            EventRecord(2, events[1], "accepted"),
            EventRecord(3, replace(events[1], onset_s=5.0, offset_s=6.0), "added"),
        ]
        with (folder / "events.reviewed.csv").open("w", newline="") as handle:
            write_reviewed(handle, rows)
        found = EventLookup.of(read_folder(folder))
        assert [(e.number, round(e.event.onset_s)) for e in found.events] == [(3, 5), (2, 20)]


class TestThePicture:
    def paint(
        self, known: EventLookup, time_s: float, shape: tuple[int, int] = (480, 640)
    ) -> Picture:
        rgb = np.zeros((*shape, 3), np.uint8)
        return Painter(known, Style(), rgb.shape)(Frame(0, time_s, rgb), np.full((478, 3), np.nan))

    def test_tells_the_time_and_the_counts_below_their_sides(self):
        known = course(*(event("right", "eye", 1.0 + i, 1.2 + i) for i in range(3)))
        strip = self.paint(known, 2.5)[480:530]
        assert holds_text(strip, "0:02.50", 15, bold=True)
        assert holds_text(strip[:, :320], "2 so far", 11)
        assert holds_text(strip[:, 320:], "0 so far", 11)
        assert not holds_text(self.paint(known, 0.5)[480:530, :320], "2 so far", 11)

    def test_shows_what_comes_right_of_the_moment_and_what_was_left_of_it(self):
        known = course(event("left", "eye+mouth", 6.0, 7.0))
        for now_s, columns in ((5.0, (1, 2)), (8.0, (-2, -1))):
            trace = self.paint(known, now_s)[530:]
            bar = near(trace[20:23, 170:616], text_drawing.SIDE_COLOURS["left"]).any(axis=0)
            across = (np.flatnonzero(bar)[[0, -1]] / 446 - 0.5) * 6
            assert across.tolist() == pytest.approx(columns, abs=0.03)

    def test_names_the_kind_while_it_lasts(self):
        known = course(event("left", "eye+mouth", 6.0, 7.0))
        during, after = self.paint(known, 6.5), self.paint(known, 7.0)
        blue = text_drawing.SIDE_COLOURS["left"]
        assert near(during[434:480, 560:], blue, 2).mean() > 0.5
        assert near(after[434:480, 560:], blue, 2).mean() < 0.25

    @pytest.mark.parametrize(
        "shape", [(1, 1), (97, 131), (1920, 1080), (2160, 3840), (2, 3000), (3000, 2)], ids=str
    )
    def test_has_even_sides_and_no_more_than_the_width_that_was_asked_for(self, shape):
        for style in (Style(), Style(overlay=False), Style(blur=True, width=700)):
            rgb = np.full((*shape, 3), 200, np.uint8)
            painter = Painter(course(), style, rgb.shape)
            height, width, _ = painter(Frame(0, 1.0, rgb), np.full((478, 3), np.nan)).shape
            assert height % 2 == width % 2 == 0
            assert width <= style.width
            assert width >= 640 or not style.overlay
