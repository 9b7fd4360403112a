"""Repeated and frozen pictures, drawn and encoded; and what is made of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hfs_vision.analysis.pipeline import analyze
from hfs_vision.schema import Frame
from hfs_vision.video import RepeatCounts, Repeats, open_source
from tests import clips
from tests.models_here import needs_model
from tests.paths import SAMPLES

RNG = np.random.default_rng(0)
TEXTURE = RNG.integers(60, 190, (30, 40)).repeat(8, axis=0).repeat(8, axis=1)
FACE = np.zeros((478, 3))
FACE[0, :2], FACE[1:, :2] = (40, 40), (200, 200)
NO_FACE = np.full((478, 3), np.nan)
SAMPLE = SAMPLES / "right_hemifacial_spasms.mp4"

Picture = np.ndarray


def picture(moved: int = 0, noise: float = 0.0) -> Picture:
    """A textured face that has moved by so many pixels, as a camera of so much noise sees it."""
    grey = np.roll(TEXTURE, moved, axis=1) + (RNG.normal(0, noise, TEXTURE.shape) if noise else 0)
    return np.clip(np.round(grey), 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


def frames(pictures: Iterable[Picture], fps: float = 30.0) -> list[Frame]:
    return [Frame(i, i / fps, rgb) for i, rgb in enumerate(pictures)]


def look(shown: list[Frame], repeats: Repeats | None = None) -> tuple[list[bool], RepeatCounts]:
    """Which frames are not measured, and the counts."""
    repeats = repeats or Repeats()
    blank = [bool(np.isnan(repeats.moving(frame, FACE)).all()) for frame in shown]
    return blank, repeats.counts


def held(number: int, new: Callable[[int], bool]) -> list[Frame]:
    """A face that moves, of which some pictures repeat the one before."""
    place, found = 0, []
    for i in range(number):
        place += new(i)
        found.append(picture(place))
    return frames(found)


def test_a_picture_that_freezes_is_not_measured_after_a_quarter_of_a_second():
    moving = [picture(i) for i in range(30)]
    blank, counts = look(frames([*moving, *[moving[-1]] * 60, *moving]))
    # 7 repeats at 30 a second last 0.233 s; and one new picture does not end a freeze.
    assert blank == [False] * 37 + [True] * 54 + [False] * 29
    assert (counts.frozen, counts.freezes) == (54, 1)
    assert counts.frozen_s == pytest.approx(62 / 30)


@pytest.mark.parametrize("noise", [0.4, 1.0, 3.0])
def test_a_still_face_before_a_camera_is_not_frozen(noise):
    blank, counts = look(frames(picture(0, noise) for _ in range(90)))
    assert not any(blank)
    assert counts.freezes == 0


def test_a_key_frame_ends_no_freeze():
    still = picture()
    key = np.clip(still + RNG.integers(-4, 5, still.shape), 0, 255).astype(np.uint8)
    blank, counts = look(frames([still] * 40 + [key] * 40))
    assert blank == [False] * 8 + [True] * 72
    assert counts.freezes == 1


def test_a_small_movement_is_seen_in_a_still_picture():
    # A seventh of an eye that is 40 pixels wide and 12 high.
    twitch = picture()
    twitch[80:82, 60:100] -= 50
    blank, _ = look(frames([picture()] * 4 + [twitch] * 4 + [picture()] * 4 + [twitch] * 4))
    assert not any(blank)


def test_pictures_without_a_face_are_no_repeats():
    repeats = Repeats()
    for frame in frames([picture()] * 60):
        assert repeats.moving(frame, NO_FACE) is NO_FACE
    assert repeats.counts == RepeatCounts(pictures=60)


def test_a_picture_of_another_size_is_new():
    blank, _ = look(frames([picture()] * 5 + [picture()[:200]] * 5 + [picture()] * 5))
    assert not any(blank)


@pytest.mark.parametrize("fps", [2.0, 3.0, 5.0])
def test_a_slow_recording_is_measured_again_after_a_freeze(fps):
    moving = [picture(i) for i in range(12)]
    blank, _ = look(frames([*moving, *[moving[-1]] * 6, *moving], fps))
    assert not any(blank[:12])
    assert all(blank[14:18])
    assert not any(blank[20:])


@pytest.mark.parametrize(
    ("new", "share"),
    [
        (lambda i: True, 0.0),
        (lambda i: i % 6 != 0, 1 / 6),
        (lambda i: i % 2 == 0, 1 / 2),
        (lambda i: i % 3 == 0, 2 / 3),
        (lambda i: i % 4 == 0, 3 / 4),
    ],
    ids=["none", "25 as 30", "30 as 60", "20 as 60", "15 as 60"],
)
def test_the_share_of_repeats(new, share):
    blank, counts = look(held(300, new))
    assert not any(blank)
    assert counts.share == pytest.approx(share, abs=0.01)
    told = counts.warnings(60.0)
    assert len(told) == (share > 0)
    if share:
        assert f"{60 * (1 - share):.0f}." in told[0]


def test_where_nothing_moves_the_share_is_not_known():
    assert np.isnan(look(frames(picture(0, 1.0) for _ in range(60)))[1].share)


def test_parts_add_up_to_the_whole():
    moving = [picture(i) for i in range(60)]
    shown = frames([*moving, *[moving[-1]] * 60, *moving])
    whole, counts = look(shown)
    for cut_s in (1.5, 2.1, 2.5, 3.5, 4.2):
        first = [f for f in shown if f.time_s < cut_s]
        second = [f for f in shown if f.time_s >= cut_s - 0.5]
        parts = [look(first), look(second, Repeats(cut_s))]
        lead = len(first) + len(second) - len(shown)
        assert parts[0][0] + parts[1][0][lead:] == whole
        total = RepeatCounts.total(part for _, part in parts)
        assert (total.pictures, total.frozen, total.freezes) == (180, counts.frozen, 1)
        assert total.frozen_s == pytest.approx(counts.frozen_s)


def encoded(path: Path, shown: Iterable[Picture], **options: str) -> Path:
    pictures = list(shown)
    clips.write_clip(
        path,
        ticks=range(0, 1000 * len(pictures), 1000),
        time_base=Fraction(1, 30_000),
        size=pictures[0].shape[1::-1],
        draw=lambda index, width, height: pictures[index],
        options=options,
    )
    return path


@needs_model
def test_a_twitch_in_a_picture_that_freezes_stays_short_and_the_others_are_found(tmp_path):
    with open_source(SAMPLE) as source:
        before = list(itertools.takewhile(lambda f: f.time_s < 13, source))
    last = max(i for i, frame in enumerate(before) if frame.time_s < 5.28)
    shown = [before[last if 5.28 <= f.time_s <= 9.3 else f.index].rgb for f in before]
    path = encoded(tmp_path / "frozen.mp4", shown, crf="23", preset="veryfast")
    found = analyze(path)
    events = [(e.onset_s, e.offset_s, e.side, e.component) for e in found.events]
    (twitch,) = [e for e in events if e[0] < 5.39 and e[1] > 5.17]
    assert twitch[2:] == ("right", "clonic")
    assert twitch[1] - twitch[0] < 0.5
    assert not [e for e in events if 5.6 < e[0] < 9.3]
    assert any(e[0] < 2 for e in events)
    assert any(9.3 < e[0] < 9.5 for e in events)
    assert found.summary.valid_s == pytest.approx(9.25, abs=0.1)
    assert any("the picture froze 1 times, 4.1 s in all" in line for line in found.warnings)
    assert found.repeats is not None
    assert found.as_dict()["repeats"]["freezes"] == 1


@needs_model
def test_nothing_of_the_samples_is_frozen_or_told_as_repeats():
    found = analyze(SAMPLE)
    assert found.repeats is not None
    assert found.repeats.frozen == 0
    assert found.repeats.warnings(30.0) == []
