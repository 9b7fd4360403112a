"""The picture of a live session: what is where in it, and that nothing breaks it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hfs_vision.core.landmarks import COMMISSURE, OUTER_CANTHUS
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Count
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.live.frame_view import draw
from hfs_vision.live.view import TRACE_S, View
from hfs_vision.render import text_drawing
from hfs_vision.schema import KINDS, SIDES, Event
from hfs_vision.video import open_source
from tests.paths import SAMPLES

SAMPLE = SAMPLES / "right_hemifacial_spasms.mp4"
STAGE = slice(0, 480), slice(0, 640)
"""Where the picture is shown of a camera that gives 640 by 480."""

PANEL = slice(0, 480), slice(640, 960)
HINTS = slice(480, 516), slice(0, 960)
TRACE = slice(516, 696), slice(0, 960)
KEYS = slice(696, 724), slice(0, 960)
NOW_S = 100.0


def black(height: int = 480, width: int = 640) -> View:
    """Nothing to be seen and nothing counted."""
    return View(
        rgb=np.zeros((height, width, 3), dtype=np.uint8),
        landmarks=np.full((478, 3), np.nan),
        time_s=NOW_S,
        elapsed_s=0.0,
        valid_s=0.0,
        fps=float("nan"),
        counts=(),
        ongoing=frozenset(),
        trace=Signals.empty(),
        events=(),
    )


def event(side: str, region: str, onset_s: float, offset_s: float) -> Event:
    return Event(
        onset_s=onset_s, offset_s=offset_s, side=side, region=region, component="clonic",
        peak_s=onset_s, score=2.0, confidence=0.9, closure=1.0, excursion=0.1, rise_s=0.1,
        closure_velocity=1.0, excursion_velocity=1.0, eye_mouth_lag_s=None, valid_fraction=1.0,
        truncated=False,
    )  # fmt: skip


def signals(rate: float = 30.0) -> Signals:
    """Ten seconds: the left lid half shut, the right corner half pulled, all else at rest."""
    time_s = np.arange(NOW_S - TRACE_S, NOW_S, 1 / rate)
    closure, excursion = np.zeros((len(time_s), 2)), np.zeros((len(time_s), 2))
    closure[:, 0], excursion[:, 1] = 0.5, 0.06
    return Signals(time_s, closure, excursion, closure, excursion)


def counts(number: int) -> list[Count]:
    rows = [(side, kind) for side in SIDES for kind in (*KINDS, "all")] + [("all", "all")]
    return [Count(side, kind, number, float(number), 1.0, 0.1) for side, kind in rows]


def busy(view: View) -> View:
    """The same with everything that can be shown."""
    return replace(
        view,
        counts=counts(123456),
        ongoing=frozenset((side, part) for side in SIDES for part in ("eye", "mouth")),
        trace=signals(),
        events=[event("left", "eye+mouth", 80.0, 95.0), event("right", "eye", 99.0, 101.0)],
        learning_s=3.0,
        hints=["Too dark: more light on the face"] * 5 + ["x" * 1000],
        segment="Sprechen mit geöffnetem Mund " * 5,
        prompt="Schließen Sie beide Augen, 静かに目を閉じて… " * 20,
        prompt_left_s=12345.6,
        step=12,
        steps=7,
        dropped=1234567,
        elapsed_s=1e6,
        valid_s=1e6,
        recording=True,
    )


def place_of(
    canvas: NDArray[np.uint8],
    text: str,
    size: int,
    colour: text_drawing.Colour,
    ground: text_drawing.Colour,
    *,
    bold: bool = True,
) -> tuple[int, int] | None:
    """Middle of a text in a picture, in pixels; ``None`` if it is not there as it should be."""
    width = text_drawing.width_of(text, size, bold=bold)
    look = np.full((size + 2, width + 2, 3), ground, dtype=np.uint8)
    text_drawing.write(look, text, (1, size + 1), size, colour, bold=bold)
    match = cv2.matchTemplate(canvas, look, cv2.TM_CCOEFF_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(match)
    return (x + width // 2, y + size // 2) if best > 0.95 else None


def is_colour(canvas: NDArray[np.uint8], colour: text_drawing.Colour) -> NDArray[np.bool_]:
    return np.asarray((canvas == colour).all(axis=2))


def differing(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.asarray((a != b).any(axis=2))


@pytest.fixture(scope="module")
def face() -> View:
    """The first picture of a real face, with its landmarks."""
    finder = open_landmarker("auto")
    try:
        with open_source(SAMPLE) as source:
            frame = next(iter(source))
        landmarks = finder(frame)
    finally:
        finder.close()
    # Put into the middle of a picture of the shape that the places above are for.
    rgb = np.zeros((480, 640, 3), dtype=np.uint8)
    rgb[:, 80:560] = frame.rgb
    return replace(black(), rgb=rgb, landmarks=landmarks + np.array([80.0, 0.0, 0.0]))


class TestMirror:
    def test_what_the_camera_sees_at_its_left_is_shown_at_the_right(self) -> None:
        view = black()
        view.rgb[200:240, 100:140] = (250, 10, 20)
        stage = draw(view)[STAGE]
        rows, columns = np.nonzero(is_colour(stage, (20, 10, 250)))
        assert (rows.min(), rows.max() + 1) == (200, 240)
        assert (columns.min(), columns.max() + 1) == (500, 540)

    def test_a_larger_picture_is_made_smaller_and_mirrored_too(self) -> None:
        view = black(2160, 3840)
        view.rgb[:, :960] = (250, 10, 20)
        canvas = draw(view)
        red = is_colour(canvas[200:400], (20, 10, 250)).mean(axis=0) > 0.9
        assert (np.flatnonzero(red)[[0, -1]] / 853).round(2).tolist() == [0.75, 1.0]

    def test_the_view_is_left_as_it_was(self) -> None:
        view = black()
        first = draw(view)
        kept = first.copy()
        first[:] = 77
        assert not view.rgb.any()
        assert np.array_equal(draw(view), kept)

    def test_the_sides_are_named_as_in_a_mirror_and_can_be_read(self) -> None:
        stage = draw(black())[STAGE]
        for side, at_left in (("left", True), ("right", False)):
            found = place_of(stage, side.upper(), 12, text_drawing.SIDE_COLOURS[side], (0, 0, 0))
            assert found is not None
            assert (found[0] < 160) == at_left
            assert (found[0] > 480) != at_left

    def test_the_columns_of_the_counts_stand_in_the_same_order(self) -> None:
        panel = draw(black())[PANEL]
        places = [
            place_of(panel, side.upper(), 11, text_drawing.SIDE_COLOURS[side], text_drawing.PANEL)
            for side in SIDES
        ]
        assert places[0] is not None
        assert places[1] is not None
        assert places[0][0] < places[1][0]


class TestOverlay:
    def test_eyes_and_corners_are_marked_where_they_are(self, face: View) -> None:
        changed = differing(draw(face), draw(face, overlay=False))
        rows, columns = np.nonzero(changed)
        points = face.landmarks[[*OUTER_CANTHUS, *COMMISSURE]]
        assert abs(columns.min() - (640 - points[:, 0]).min()) < 8
        assert abs(columns.max() - (640 - points[:, 0]).max()) < 8
        assert abs(rows.max() - points[:, 1].max()) < 8
        assert points[:2, 1].min() - 20 < rows.min() < points[:2, 1].max()

    def test_the_outline_runs_around_the_open_eye(self, face: View) -> None:
        changed = differing(draw(face), draw(face, overlay=False))
        for pupil in (473, 468):
            x, y = 640 - face.landmarks[pupil, 0], face.landmarks[pupil, 1]
            near = changed[round(y) - 14 : round(y) + 14, round(x) - 2 : round(x) + 3].any(axis=1)
            rows = np.flatnonzero(near) - 14
            assert (rows < -1).any(), "the upper lid is above the pupil"
            assert (rows > 1).any(), "the lower lid is below it"
            assert not near[13:15].any(), "and nothing across it"

    @pytest.mark.parametrize("side", SIDES)
    @pytest.mark.parametrize("part", ["eye", "mouth"])
    def test_what_moves_is_lit_and_nothing_else(self, face: View, side: str, part: str) -> None:
        still = draw(face)
        lit = draw(replace(face, ongoing=frozenset({(side, part)})))
        changed = differing(still, lit)
        assert not changed[480:].any()
        assert not changed[PANEL].any()
        columns = np.nonzero(changed)[1]
        assert (columns < 320).all() if side == "left" else (columns >= 320).all()
        assert is_colour(lit[changed][None], text_drawing.SIDE_COLOURS[side]).sum() > 1000
        # Within the face, away from the bar and the name at the side.
        at = OUTER_CANTHUS if part == "eye" else COMMISSURE
        y = face.landmarks[at[SIDES.index(side)], 1]
        within = changed[:400, 120:520].any(axis=1)
        assert within.any()
        assert (abs(np.flatnonzero(within) - y) < 25).all()

    def test_without_overlay_the_side_is_lit_all_the_same(self, face: View) -> None:
        moving = replace(face, ongoing=frozenset({("right", "eye")}))
        changed = differing(draw(face, overlay=False), draw(moving, overlay=False))
        assert changed[:, 630:640].any()
        assert not changed[:400, :600].any()

    def test_without_a_face_there_is_no_overlay(self) -> None:
        assert np.array_equal(draw(black()), draw(black(), overlay=False))

    def test_a_mesh_far_outside_of_the_picture_does_no_harm(self) -> None:
        view = replace(black(), landmarks=np.full((478, 3), 1e12))
        assert draw(view).shape == draw(black()).shape


class TestTexts:
    def test_hints_are_shown_most_urgent_first(self) -> None:
        first, second = "Turned away: face the camera", "Too dark: more light on the face"
        strip = draw(replace(black(), hints=(first, second)))[HINTS]
        places = [
            place_of(strip, hint, 11, text_drawing.BLACK, text_drawing.YELLOW)
            for hint in (first, second)
        ]
        assert places[0] is not None
        assert places[1] is not None
        assert places[0][0] < places[1][0]
        assert not is_colour(draw(black())[HINTS], text_drawing.YELLOW).any()

    def test_a_long_hint_takes_two_lines_and_ends_within_the_margins(self) -> None:
        words = "cannot write to /home/somebody/recordings: choose another folder with "
        strip = draw(replace(black(), hints=(words * 2 + "--out",)))[HINTS]
        assert place_of(strip, "--out", 8, text_drawing.BLACK, text_drawing.YELLOW) is not None
        strip = draw(replace(black(), hints=(words * 20,)))[HINTS]
        inked = ~is_colour(strip, text_drawing.YELLOW)
        for line in (inked[:18], inked[18:]):
            assert 850 < np.flatnonzero(line.any(axis=0)).max() < 948
        assert is_colour(strip[[0, 1, -2, -1]], text_drawing.YELLOW).all()

    def test_the_prompt_is_large_with_its_time_and_step(self) -> None:
        view = replace(black(), prompt="Close both eyes", prompt_left_s=2.3, step=2, steps=7)
        stage = draw(view)[STAGE]
        assert place_of(stage, "Close both eyes", 18, text_drawing.WHITE, (0, 0, 0)) is not None
        assert place_of(stage, "3 s", 22, text_drawing.WHITE, (0, 0, 0)) is not None
        assert (
            place_of(stage, "step 2 of 7", 9, text_drawing.GREY, (0, 0, 0), bold=False) is not None
        )

    @pytest.mark.parametrize("width", [270, 640, 853])
    def test_a_prompt_as_long_as_they_may_be_is_shown_whole(self, width: int) -> None:
        text = "Read the text aloud that is held beside the camera, and do not turn your head. "
        text = (text * 3)[:190] + " the end."
        canvas = draw(replace(black(480, width), prompt=text, prompt_left_s=7200.0))
        words = text.split()
        ends = [" ".join(words[-n:]) for n in range(2, 20)]  # one of them is the whole last line
        assert any(
            place_of(canvas, end, size, text_drawing.WHITE, (0, 0, 0))
            for size in (18, 15, 12, 10)
            for end in ends
            if text_drawing.width_of(end, size, bold=True) < width - 2
        )

    def test_nothing_runs_across_the_prompt(self) -> None:
        ongoing = frozenset({("left", "eye"), ("right", "mouth")})
        view = replace(black(640, 360), prompt="Close both eyes", ongoing=ongoing)
        stage = draw(view)[STAGE]
        prompt = place_of(stage, "Close both eyes", 18, text_drawing.WHITE, (0, 0, 0))
        assert prompt is not None
        for side in SIDES:
            rows = np.nonzero(is_colour(stage, text_drawing.SIDE_COLOURS[side]))[0]
            assert prompt[1] + 12 < rows.min() < 200

    def test_texts_stay_in_their_parts(self) -> None:
        long = draw(busy(black()))
        view = replace(busy(black()), prompt="", learning_s=0.0)
        assert not differing(long[PANEL], draw(view)[PANEL]).any()
        assert is_colour(long[:110, 940:960], text_drawing.PANEL).all()

    def test_numbers_with_many_digits_stay_in_their_columns(self) -> None:
        few, many = (
            draw(replace(black(), counts=counts(1))),
            draw(replace(black(), counts=counts(10**7))),
        )
        columns = np.flatnonzero(differing(few[PANEL], many[PANEL])[190:410].any(axis=0))
        assert columns.min() > 145
        assert columns.max() < 300
        between = abs(columns - SIDES_MIDDLE) <= 3
        assert not between.any()

    def test_counts_of_a_side_are_below_its_name(self) -> None:
        rows = [Count("left", kind, 0, 0.0, 0.0, 0.0) for kind in KINDS]
        rows += [
            Count("right", kind, number, 0.0, 0.0, 0.0) for number, kind in enumerate(KINDS, 3)
        ]
        panel = draw(replace(black(), counts=rows))[PANEL]
        name = place_of(panel, "RIGHT", 11, text_drawing.SIDE_COLOURS["right"], text_drawing.PANEL)
        assert name is not None
        places = [
            place_of(
                panel[270:], str(number), 12, text_drawing.WHITE, text_drawing.PANEL, bold=False
            )
            for number in range(3, 3 + len(KINDS))
        ]
        assert all(place is not None and abs(place[0] - name[0]) < 6 for place in places)
        total = [Count("left", "all", 4, 8.5, 0.0, 0.0), Count("right", "all", 25, 7.5, 0.0, 0.0)]
        panel = draw(replace(black(), counts=total))[PANEL]
        for text, size, bold in (("25", 26, True), ("7.5", 12, False)):
            place = place_of(panel, text, size, text_drawing.WHITE, text_drawing.PANEL, bold=bold)
            assert place is not None
            assert abs(place[0] - name[0]) < 6
        heights = [place[1] for place in places if place]
        assert heights == sorted(heights)

    @pytest.mark.parametrize(
        ("view", "text", "size", "ground"),
        [
            (replace(black(), lost=True), "CAMERA LOST", 36, text_drawing.RED),
            (replace(black(), paused=True), "PAUSED", 36, text_drawing.BLACK),
            (replace(black(), lost=True, paused=True), "CAMERA LOST", 36, text_drawing.RED),
            (replace(black(), recording=True), "REC", 10, text_drawing.RED),
            (replace(black(), learning_s=6.2), "learning your resting face: 7 s", 13, (0, 0, 0)),
            (replace(black(), elapsed_s=754.9), "12:34", 22, text_drawing.PANEL),
            (replace(black(), segment="gentle_closure"), "gentle closure", 11, text_drawing.PANEL),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_the_state_is_written_out(
        self, view: View, text: str, size: int, ground: text_drawing.Colour
    ) -> None:
        assert place_of(draw(view), text, size, text_drawing.WHITE, ground) is not None
        assert place_of(draw(black()), text, size, text_drawing.WHITE, ground) is None

    def test_rate_and_losses_are_told(self) -> None:
        panel = draw(replace(black(), fps=29.97, valid_s=65.0, dropped=12))[PANEL]
        measured = "1:05 measured, 30.0 frames/s"
        assert (
            place_of(panel, measured, 9, text_drawing.GREY, text_drawing.PANEL, bold=False)
            is not None
        )
        dropped = place_of(
            panel, "12 frames dropped", 9, text_drawing.YELLOW, text_drawing.PANEL, bold=False
        )
        assert dropped is not None
        assert not is_colour(draw(black())[PANEL], text_drawing.YELLOW).any()

    def test_the_keys_are_shown_or_the_one_that_shows_them(self) -> None:
        for meaning in ("pause", "mark", "rest", "reading", "talking", "pursing", "next step",
                        "overlay", "help", "quit"):  # fmt: skip
            found = place_of(
                draw(black())[KEYS], meaning, 8, text_drawing.GREY, text_drawing.GROUND, bold=False
            )
            assert found is not None, meaning
        short = draw(black(), help=False)
        assert (
            place_of(short[KEYS], "help", 8, text_drawing.GREY, text_drawing.GROUND, bold=False)
            is not None
        )
        assert (
            place_of(short[KEYS], "mark", 8, text_drawing.GREY, text_drawing.GROUND, bold=False)
            is None
        )
        assert not differing(draw(black()), short)[: KEYS[0].start].any()

    @pytest.mark.parametrize(
        ("text", "ascii_text"),
        [
            ("Öffnen Sie die Augen", "Offnen Sie die Augen"),
            ("„Größe“ \u2013 fünf", "'Grosse' - funf"),
            ("a\tb\nc", "a b c"),
            ("目を閉じて", "?"),
            ("(ok) - done?", "(ok) - done?"),
            ("", ""),
        ],
    )
    def test_other_characters_are_spelled_out(self, text: str, ascii_text: str) -> None:
        assert text_drawing.plain(text) == ascii_text

    def test_a_word_that_is_wider_than_its_line_is_shortened(self) -> None:
        size, lines = text_drawing.wrap("x" * 300, (18, 10), 200, 40)
        assert size == 18
        assert len(lines) == 1
        assert lines[0].endswith("...")
        assert text_drawing.width_of(lines[0], size, bold=True) <= 200

    @pytest.mark.parametrize("at", [(-30, 10), (40, 3), (95, 30), (50, 49), (500, 500), (-500, 9)])
    def test_text_over_the_edge_is_cut_off(self, at: tuple[int, int]) -> None:
        canvas: NDArray[np.uint8] = np.zeros((50, 100, 3), dtype=np.uint8)
        wide: NDArray[np.uint8] = np.zeros((1050, 1100, 3), dtype=np.uint8)
        text_drawing.write(canvas, "text", at, 12)
        text_drawing.write(wide, "text", (at[0] + 500, at[1] + 500), 12)
        assert np.array_equal(canvas, wide[500:550, 500:600])


SIDES_MIDDLE = 223
"""Column of the panel halfway between the two sides' numbers."""


class TestTrace:
    LEFT, RIGHT = (text_drawing.SIDE_COLOURS[side] for side in SIDES)

    @staticmethod
    def line(picture: NDArray[np.uint8], colour: text_drawing.Colour) -> NDArray[np.bool_]:
        """Where a side's line is; its pixels between two rows have only a part of the colour."""
        return np.asarray((abs(picture.astype(int) - colour) < 90).all(axis=2))

    def drawn(self, trace: Signals) -> NDArray[np.uint8]:
        return draw(replace(black(), trace=trace))[TRACE]

    def test_both_sides_run_through_both_rows(self) -> None:
        picture = self.drawn(signals())
        for colour in (self.LEFT, self.RIGHT):
            for rows in (slice(24, 84), slice(94, 154)):
                columns = np.flatnonzero(self.line(picture[rows], colour).any(axis=0))
                assert columns.min() < 190
                assert columns.max() > 920

    def test_what_is_larger_lies_higher(self) -> None:
        picture = self.drawn(signals())

        def height(rows: slice, colour: text_drawing.Colour) -> float:
            return float(np.nonzero(self.line(picture[rows], colour))[0].mean())

        lids, corners = slice(24, 84), slice(94, 154)
        assert height(lids, self.LEFT) < height(lids, self.RIGHT) - 10
        assert height(corners, self.RIGHT) < height(corners, self.LEFT) - 10

    def test_gaps_are_left_open(self) -> None:
        trace = signals()
        gap = (trace.time_s > NOW_S - 6) & (trace.time_s < NOW_S - 4)
        closure, excursion = trace.closure.copy(), trace.excursion.copy()
        closure[gap], excursion[gap] = np.nan, np.nan
        for holed in (
            replace(trace, closure=closure, excursion=excursion),
            Signals(*(getattr(trace, name)[~gap] for name in trace.__dataclass_fields__)),
        ):
            picture = self.drawn(holed)[24:154, 170:936]
            line = self.line(picture, self.LEFT) | self.line(picture, self.RIGHT)
            columns = np.flatnonzero(line.any(axis=0)) / picture.shape[1] * TRACE_S - TRACE_S
            assert not ((columns > -5.9) & (columns < -4.1)).any()
            assert ((columns > -6.5) & (columns < -6)).any()
            assert ((columns > -4) & (columns < -3.5)).any()

    def test_nothing_is_drawn_over_the_edge(self) -> None:
        trace = signals()
        wild = replace(trace, closure=trace.closure * 1e6 - 3, excursion=trace.excursion * -1e6)
        late = replace(wild, time_s=wild.time_s - 4)
        changed = differing(self.drawn(late), draw(black())[TRACE])
        rows, columns = np.nonzero(changed)
        assert rows.min() >= 24
        assert rows.max() < 154
        assert columns.min() >= 170
        assert columns.max() < 936

    @pytest.mark.parametrize(
        ("region", "lids", "corners"),
        [("eye", True, False), ("mouth", False, True), ("eye+mouth", True, True)],
    )
    def test_events_are_shaded_where_they_were_with_the_letter_of_their_side(
        self, region: str, lids: bool, corners: bool
    ) -> None:
        ground = draw(black())[TRACE]
        for side in SIDES:
            view = replace(black(), events=[event(side, region, NOW_S - 5, NOW_S - 2.5)])
            picture = draw(view)[TRACE]
            changed = differing(picture, ground)
            assert changed[30:34, 560:740].all() == lids
            assert changed[100:104, 560:740].all() == corners
            assert not changed[24:, :550].any()
            assert not changed[24:, 750:].any()
            letter = side[0].upper()
            found = place_of(
                picture, letter, 9, text_drawing.SIDE_COLOURS[side], text_drawing.PANEL
            )
            assert found is not None
            assert abs(found[0] - (170 + 766 * 0.625)) < 5

    def test_events_that_are_over_or_to_come_are_left_out(self) -> None:
        far = [event("left", "eye", 0.0, 5.0), event("right", "mouth", 200.0, 201.0)]
        assert np.array_equal(draw(replace(black(), events=far)), draw(black()))

    def test_until_there_is_a_trace_it_says_why(self) -> None:
        text = "begins when your rest is known"
        picture = draw(replace(black(), learning_s=5.0))
        assert (
            place_of(picture, text, 10, text_drawing.GREY, text_drawing.BLACK, bold=False)
            is not None
        )
        picture = draw(replace(black(), learning_s=5.0, trace=signals()))
        assert (
            place_of(picture, text, 10, text_drawing.GREY, text_drawing.BLACK, bold=False) is None
        )


SHAPES = [
    (480, 640), (1, 1), (720, 1280), (1920, 1080), (2160, 3840), (640, 480), (2, 3000),
    (3000, 2), (97, 131),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_any_picture_and_any_state_is_drawn_in_one_size(shape: tuple[int, int]) -> None:
    empty = black(*shape)
    full = busy(empty)
    views = [
        empty,
        full,
        replace(full, lost=True),
        replace(full, paused=True, learning_s=0.0, prompt_left_s=float("nan")),
        replace(full, trace=signals()[slice(0, 1)], landmarks=np.zeros((478, 3))),
        replace(full, trace=replace(signals(), closure=np.full((300, 2), np.nan))),
        replace(full, fps=0.0, elapsed_s=float("nan"), counts=counts(0), hints=("", "")),
    ]
    pictures = [draw(v, overlay=o, help=o) for v in views for o in (True, False)]
    assert len({picture.shape for picture in pictures}) == 1
    assert all(picture.dtype == np.uint8 for picture in pictures)
    height, width, _ = pictures[0].shape
    assert 960 <= width <= 1280
    assert height <= 900
    assert len({picture.tobytes() for picture in pictures}) > 6
