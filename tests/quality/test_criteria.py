"""Checks: measures of constructed pictures and times, verdicts on them, and the guide."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from hfs_vision.live import open_protocol
from hfs_vision.quality import FIX, OK, TOPICS, YOURS, Check, guide_text
from hfs_vision.quality.criteria import judge
from hfs_vision.quality.earlier_checks import history_of, read_history
from hfs_vision.quality.picture_measures import Changes, blockiness, edge_px, noise, sample
from hfs_vision.quality.run_check import places
from hfs_vision.quality.sampling import Observed
from hfs_vision.quality.timing import Timing, cut_places, timing
from hfs_vision.schema import ModelIdentity, SourceInfo
from hfs_vision.video import RepeatCounts
from tests.paths import ROOT
from tests.synthetic import Recording

RNG = np.random.default_rng(5)
NO_FACE = np.full((478, 3), np.nan)


# ------------------------------------------------------------------------------ single pictures


@pytest.mark.parametrize("level", [2.0, 8.0, 20.0])
def test_noise_is_measured_on_a_slope_of_light(level):
    slope = np.linspace(80, 160, 64)[None, :] + RNG.normal(0, level, (64, 64))
    assert noise(slope.round().astype(np.uint8)) == pytest.approx(level, rel=0.1)


def test_a_smooth_slope_has_no_noise():
    assert noise(np.tile(np.arange(0, 128, 2, np.uint8), (64, 1))) == pytest.approx(0.0, abs=1e-6)


def test_noise_of_too_small_a_piece_is_unknown():
    assert np.isnan(noise(np.zeros((2, 9), np.uint8)))


def test_edges_grow_as_wide_as_the_blur_and_ignore_light():
    step = np.repeat(np.where(np.arange(64) < 32, 60, 180)[None, :], 48, axis=0)
    sharp = np.dstack([step.astype(np.uint8)] * 3)
    widths = [edge_px(cv2.GaussianBlur(sharp, (0, 0), s)) for s in (1.0, 2.0, 4.0)]
    # The steepest slope of a step blurred by s is height / (s * sqrt(2 pi)).
    assert widths[2] == pytest.approx(4.0 * np.sqrt(2 * np.pi), rel=0.1)
    assert widths[0] < widths[1] < widths[2]
    dim = edge_px((0.5 * cv2.GaussianBlur(sharp, (0, 0), 4.0)).astype(np.uint8))
    assert dim == pytest.approx(widths[2], rel=0.1)


def test_a_patch_of_one_colour_has_no_edge():
    assert np.isnan(edge_px(np.full((48, 64, 3), 90, np.uint8)))


def test_blocks_show_wherever_the_box_begins():
    texture = cv2.GaussianBlur(RNG.normal(120, 40, (160, 160)), (0, 0), 3.0)
    tiles = RNG.normal(0, 12, (20, 20)).repeat(8, axis=0).repeat(8, axis=1)
    low, high = np.array([13, 21]), np.array([150, 149])
    smooth = blockiness(np.clip(texture, 0, 255).astype(np.uint8), low, high)
    blocky = blockiness(np.clip(texture + tiles, 0, 255).astype(np.uint8), low, high)
    assert smooth == pytest.approx(1.0, abs=0.15)
    assert blocky > 3.0
    assert np.isnan(blockiness(texture.astype(np.uint8), low, low + 20))


def test_light_of_each_cheek_is_the_subjects_own():
    landmarks = Recording(1.0).landmarks()[0]
    (left, top), (right, bottom) = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    middle = round((left + right) / 2)
    # The synthetic face has only the points that are measured: cheeks are put where they belong.
    landmarks[280] = (0.25 * middle + 0.75 * right, (top + bottom) / 2, 0.0)
    landmarks[50] = (0.25 * middle + 0.75 * left, (top + bottom) / 2, 0.0)
    rgb = np.full((1080, 1920, 3), 200, np.uint8)
    rgb[:, middle:] = 50  # the picture's right is the subject's left
    rgb[:40] = 255
    found = sample(rgb, landmarks)
    assert found is not None
    assert found.cheeks == pytest.approx((50.0, 200.0))
    assert found.burnt == 0.0
    assert found.brightness == pytest.approx(125.0, abs=20.0)


def test_no_face_gives_no_sample():
    assert sample(np.zeros((64, 64, 3), np.uint8), NO_FACE) is None


# ---------------------------------------------------------------------------- times and changes


def test_the_rate_of_even_frames():
    found = timing([np.arange(91) / 30])
    assert (found.rate, found.gaps, found.longest_gap_s) == (pytest.approx(30.0), 0, 0.0)
    assert found.slowest == pytest.approx(30.0)


def test_a_second_that_is_slower_is_told_and_a_gap_is_no_slow_second():
    slow = np.concatenate([np.arange(60) / 30, 2.0 + np.arange(15) / 10, 3.5 + np.arange(60) / 30])
    assert timing([slow]).slowest == pytest.approx(10.0)
    holed = np.concatenate([np.arange(60) / 30, 5.0 + np.arange(60) / 30])
    found = timing([holed])
    assert (found.gaps, found.longest_gap_s) == (1, pytest.approx(5.0 - 59 / 30))
    assert found.slowest == pytest.approx(30.0)
    assert found.rate == pytest.approx(30.0)


def test_between_stretches_nothing_is_missing():
    assert timing([np.arange(31) / 30, 100.0 + np.arange(31) / 30]).gaps == 0


def test_of_one_frame_no_rate_is_known():
    assert np.isnan(timing([np.zeros(1)]).rate)


def test_a_cut_is_one_change_and_a_turned_camera_is_none():
    changed = np.full(100, 0.02)
    changed[40] = 0.8
    changed[70:90] = 0.7
    assert cut_places(changed) == [40]


def test_changes_do_not_reach_over_a_break():
    changes, rgb = Changes(), np.zeros((64, 64, 3), np.uint8)
    assert np.isnan(changes(rgb))
    assert changes(rgb + 100) == 1.0
    changes.break_off()
    assert np.isnan(changes(rgb))


def test_where_a_long_recording_is_looked_at():
    times = np.arange(0, 3600, 0.04)
    found = places(times, 9.0)
    assert [(b - a) for a, b in found] == [pytest.approx(3.0)] * 3
    assert [a for a, _ in found] == [pytest.approx(t - 1.5, abs=0.1) for t in (600, 1800, 3000)]
    assert len(places(times[:300], 10.0)) == 1
    assert places(np.empty(0), 10.0) == [(-np.inf, np.inf)]


# --------------------------------------------------------------------------------------- history


def test_programs_and_cameras_are_read_off_the_tags():
    assert history_of({"encoder": "HandBrake 1.8.1 2024062200"}).programs == ("HandBrake",)
    phone = history_of({"com.android.manufacturer": "Maker", "video.handler_name": "VideoHandle"})
    assert (phone.programs, phone.camera) == ((), True)
    assert history_of({"title": "FFmpeg, WhatsApp and Adobe"}).programs == ()


def test_a_file_that_cannot_be_read_has_no_history(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    assert read_history(tmp_path / "broken.mp4") is None


# -------------------------------------------------------------------------------------- verdicts

GOOD = {
    "brightness": 140.0,
    "burnt": 0.0,
    "cheek_left": 120.0,
    "cheek_right": 140.0,
    "noise": 1.0,
    "edge_mm": 3.5,
    "blocks": 1.0,
}


def observed(**changes: object) -> Observed:
    """A faultless recording of a minute, but for what is given."""
    recording = Recording(4.0)
    columns = {name: np.full(20, changes.pop(name, value)) for name, value in GOOD.items()}
    seen = Observed(
        source=SourceInfo("file", "mp4", "h264", 1280, 720, 30.0, 1800, 60.0, 0),
        model=ModelIdentity("stand-in", "none", "0" * 64, "none"),
        measured=recording.measured(),
        samples=columns,
        repeats=RepeatCounts(pictures=600, judged=600),
        cuts=(),
        timing=Timing(60.0, 60.0, 0, 0.0),
        others=False,
        length_s=60.0,
        history=history_of({"make": "Maker"}),
    )
    return replace(seen, **changes)


def verdicts(seen: Observed) -> dict[str, str]:
    """What is not in order, but for what can never be told."""
    return {f.topic: f.verdict for f in judge(seen) if f.verdict != OK and f.topic != "mirror"}


def test_a_faultless_recording_has_nothing_to_mend():
    found = judge(observed())
    assert verdicts(observed()) == {}
    assert [f.topic for f in found] == list(TOPICS)
    assert all(f.advice == "" for f in found if f.verdict == OK)


def measured_where(**columns: float) -> Observed:
    recording = observed().measured
    filled = {name: np.full(len(recording), value) for name, value in columns.items()}
    return observed(measured=replace(recording, **filled))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (observed(brightness=30.0), {"brightness": FIX}),
        (observed(brightness=55.0), {"brightness": YOURS}),
        (observed(burnt=0.5), {"burnt": FIX}),
        (observed(cheek_left=40.0), {"sides": YOURS}),
        (observed(cheek_left=10.0), {"sides": FIX}),
        (observed(noise=60.0), {"noise": FIX}),
        (observed(edge_mm=12.0), {"sharpness": FIX}),
        (observed(blocks=20.0), {"compression": FIX}),
        (observed(timing=Timing(15.0, 15.0, 0, 0.0)), {"rate": FIX}),
        (observed(timing=Timing(30.0, 12.0, 0, 0.0)), {"rate": YOURS}),
        (observed(timing=Timing(60.0, 60.0, 2, 1.5)), {"gaps": YOURS}),
        (observed(repeats=RepeatCounts(600, 600, 300)), {"repeats": YOURS}),
        (observed(repeats=RepeatCounts(600, 600, 420)), {"rate": FIX, "repeats": YOURS}),
        (observed(repeats=RepeatCounts(600, 0, 0, 10, 1, 0.6)), {"gaps": YOURS}),
        (observed(repeats=RepeatCounts(600, 300, 0, 300, 1, 5)), {"gaps": FIX, "repeats": YOURS}),
        (observed(dropped=0.2, length_s=None), {"gaps": FIX}),
        (observed(losses=1, length_s=None), {"gaps": FIX}),
        (observed(damaged=3), {"gaps": YOURS}),
        (observed(cut_short_s=20.0), {"gaps": YOURS}),
        (observed(length_s=20.0), {"length": YOURS}),
        (observed(cuts=(3.0,)), {"cuts": YOURS}),
        (observed(size_changes=1), {"cuts": YOURS}),
        (observed(others=True), {"others": YOURS}),
        (observed(history=history_of({"encoder": "Lavf60"})), {"history": YOURS}),
        (measured_where(face_px=40.0), {"size": FIX}),
        (measured_where(yaw_deg=45.0), {"head": FIX}),
        (measured_where(pitch_deg=-25.0), {"head": YOURS}),
        (measured_where(visibility=0.01), {"cover": FIX}),
    ],
)
def test_one_fault_gives_its_finding_and_no_other(seen, expected):
    assert verdicts(seen) == expected


def test_the_sample_rates_that_are_called_24_need_no_mending():
    assert verdicts(observed(timing=Timing(24000 / 1001, 24.0, 0, 0.0)))["rate"] == YOURS


def test_without_a_face_only_what_needs_none_is_judged():
    measured = observed().measured
    seen = observed(measured=measured.where(np.zeros(len(measured), bool)))
    assert verdicts(seen) == {"face": FIX}
    assert {f.topic for f in judge(seen)}.isdisjoint({"size", "brightness", "sharpness"})


def test_the_words_name_what_to_mend_first():
    seen = observed(brightness=30.0, timing=Timing(15.0, 15.0, 0, 0.0))
    check = Check(judge(seen), 120, 4.0, seen.source, seen.model)
    assert not check.good
    assert check.words.startswith("Fix first: light on the face.")
    assert check.words.endswith("Then: frame rate.")
    assert json.loads(json.dumps(check.as_dict(), allow_nan=True))["good"] is False


# ------------------------------------------------------------------------------------- the guide


def test_the_page_leads_to_the_guide_that_is_printed():
    page = ROOT / "docs" / "recording.md"
    (link,) = re.findall(r"\]\(([^)]*guide\.md)\)", page.read_text(encoding="utf-8"))
    assert (page.parent / link).read_text(encoding="utf-8") == guide_text()


def test_the_guide_names_the_tasks_of_the_protocol():
    text = " ".join(guide_text().split())
    words = {
        "rest": "rest,",
        "gentle_closure": "close the eyes gently",
        "forced_closure": "squeeze them shut",
        "smile": "smile",
        "pursing": "purse the lips",
        "reading": "read aloud",
        "talking": "talk",
    }
    steps = open_protocol("clinical").steps
    assert [step.label for step in steps] == list(words)
    assert all(word in text for word in words.values())
