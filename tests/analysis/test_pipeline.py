"""From a real video to events, with the real models: the truth of the samples, and what a caller
of `hfs_vision.analyze` may rely on. `tests.test_golden` asks more of what is seen in the samples.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import weakref
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import hfs_vision
from hfs_vision import Analysis, Settings
from hfs_vision.analysis import parallel
from hfs_vision.core import geometry
from hfs_vision.errors import NoFaceError, SourceError, UsageError
from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.results import read_events
from hfs_vision.schema import Frame, ModelIdentity, SourceInfo
from hfs_vision.simulate import write_video
from hfs_vision.video import FrameSource, open_source
from tests import clips
from tests.golden.data import LANDMARKERS, event_file, match, read_golden, sample_truth, task_file
from tests.models_here import needs_face_mesh, needs_model, needs_task
from tests.paths import ROOT, SAMPLES
from tests.synthetic import Recording

SPASMS, HEALTHY, UNEVEN = (
    "right_hemifacial_spasms",
    "healthy_blinks_smiles_turns",
    "variable_frame_rate",
)

every_model = pytest.mark.parametrize(
    "landmarker",
    [
        pytest.param(name, marks=needs_task if name == "facelandmarker" else needs_face_mesh)
        for name in LANDMARKERS
    ],
)


def video(sample: str) -> Path:
    return SAMPLES / f"{sample}.mp4"


def run(path: Path, landmarker: str = "auto", **options: object) -> Analysis:
    """`analyze` with the bundle wherever it is, so that the tests run where Face Mesh is not."""
    wants_task = landmarker == "facelandmarker" or not carries_face_mesh()
    model = task_file() if wants_task else None
    return hfs_vision.analyze(path, landmarker=landmarker, model=model, **options)  # type: ignore[arg-type]


@cache
def whole(sample: str, landmarker: str) -> Analysis:
    return run(video(sample), landmarker)


def frames_of(sample: str, until_s: float = 1e9) -> Iterator[Frame]:
    with open_source(video(sample)) as source:
        yield from (frame for frame in source if frame.time_s < until_s)


class StandIn:
    """A landmarker that finds the same face in every picture, at no cost."""

    identity = ModelIdentity("stand-in", "none", "0" * 64, "none")
    warnings: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.face = Recording(1.0).landmarks()[0]
        self.closed = False

    def __call__(self, frame: Frame) -> np.ndarray:
        return self.face

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn()
    monkeypatch.setattr(parallel, "open_landmarker", lambda *_, **__: made)
    return made


# Real videos, real models


@every_model
def test_the_spasms_of_a_real_video_are_all_found_and_none_is_false(landmarker):
    truth = sample_truth(SPASMS).one_sided
    pairs, missed, false = match(truth, whole(SPASMS, landmarker).events)
    assert (len(pairs), missed, false) == (len(truth), [], [])


@every_model
def test_a_healthy_face_in_a_real_video_has_no_event(landmarker):
    # The slow model sees the first part only; the golden file holds all that it saw.
    until_s = 1e9 if landmarker == "facemesh" else 14.0
    reached: list[float] = []
    result = run(
        video(HEALTHY),
        landmarker,
        progress=lambda info, n, time_s: reached.append(time_s),
        stop=lambda: bool(reached) and reached[-1] > until_s,
    )
    assert result.events == []
    blinks = [row for row in sample_truth(HEALTHY).blinks if row["onset_s"] < until_s]
    assert abs(result.summary.blinks - len(blinks)) <= 1
    assert result.summary.coverage == pytest.approx(1.0)


@every_model
def test_events_equal_the_golden_ones(landmarker):
    found, stored = whole(SPASMS, landmarker).events, read_events(event_file(SPASMS, landmarker))
    # Rounding of what is stored, or another processor, may move a border by a frame.
    assert [(e.side, e.kind) for e in found] == [(e.side, e.kind) for e in stored]
    for name, tolerance in (("onset_s", 0.07), ("offset_s", 0.07), ("closure", 0.1)):
        assert [getattr(e, name) for e in found] == pytest.approx(
            [getattr(e, name) for e in stored], abs=tolerance
        )


@every_model
def test_measurements_equal_the_golden_ones(landmarker):
    found, stored = whole(SPASMS, landmarker).measurements, read_golden(SPASMS, landmarker)
    expected = stored.measured()
    np.testing.assert_allclose(found.time_s, expected.time_s, atol=1e-6)
    for name, tolerance in (
        ("aperture", 0.002),
        ("commissure", 0.003),
        ("yaw_deg", 0.3),
        ("visibility", 0.02),
    ):
        difference = np.abs(getattr(found, name) - getattr(expected, name))
        assert np.median(difference) < tolerance, name


@every_model
def test_a_good_recording_is_warned_of_for_its_length_only(landmarker):
    (warning,) = whole(SPASMS, landmarker).warnings
    assert warning.startswith("short recording (30 s")


@every_model
def test_the_summary_names_the_model_and_its_hash(landmarker):
    made = whole(SPASMS, landmarker).as_dict()["model"]
    expected = read_golden(SPASMS, landmarker).model
    assert made["landmarker"] == landmarker
    assert (made["file"], made["sha256"]) == (expected.file, expected.sha256)
    assert made["appearance_sha256"] == expected.appearance_sha256
    assert re.fullmatch(r"\d+\.\d+\.\d+", made["mediapipe"])


def test_the_summary_names_the_weights_that_read_the_patches(stand_in, tmp_path):
    hfs_vision.analyze(video(SPASMS), stop=after(64)).save(tmp_path)
    model = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))["model"]
    assert model["landmarker"] == "stand-in"
    assert model["appearance_sha256"] == PatchNetworks().sha256
    assert re.fullmatch(r"[0-9a-f]{64}", model["appearance_sha256"])


@needs_face_mesh
def test_the_summary_describes_source_settings_and_versions(tmp_path):
    made = whole(SPASMS, "facemesh").as_dict()
    assert made["source"]["codec"] == "h264"
    assert (made["source"]["width"], made["source"]["height"]) == (480, 480)
    assert made["decoding"]["frames"] == made["frames"] == 900
    assert made["settings"] == Settings().as_dict()
    assert made["versions"]["hfs_vision"]
    assert made["partial"] is False
    assert not re.search(r"right_hemifacial|/work|/home", repr(made))  # no name, no path


@needs_face_mesh
def test_a_second_run_measures_the_same_to_the_last_digit():
    first = whole(SPASMS, "facemesh").measurements
    again = run(video(SPASMS), "facemesh", stop=after(256)).measurements
    assert len(again) == 256
    for name in ("time_s", "aperture", "commissure", "yaw_deg", "fit_error"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name)[:256])


@needs_model
def test_the_readme_example_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- api example -->\n```python\n(.*?)```", text, re.DOTALL)
    assert block is not None
    code = block.group(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 6
    (tmp_path / "sample_videos").symlink_to(SAMPLES, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    if not carries_face_mesh():
        monkeypatch.setenv("HFS_VISION_MODELS", str(task_file().parent))
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    assert "left   eyelid_twitch" in capsys.readouterr().out
    made = {path.name for path in tmp_path.rglob("*.csv") if "sample_videos" not in path.parts}
    assert made >= {"events.csv", "counts.csv", "signals.csv"}


@needs_model
def test_a_face_that_comes_in_the_second_half_is_analysed_from_there(tmp_path):
    late_s, size = 6.0, (320, 320)
    grey = np.full((*size, 3), 120, np.uint8)
    empty = (Frame(i, i / 30, grey) for i in range(round(late_s * 30)))
    seen = (
        Frame(f.index, f.time_s + late_s, cv2.resize(f.rgb, size))
        for f in frames_of(SPASMS, until_s=7.2)
    )
    write_video(tmp_path / "late.mp4", (frame for part in (empty, seen) for frame in part))
    result = run(tmp_path / "late.mp4")
    truth = [
        {**row, "onset_s": row["onset_s"] + late_s, "offset_s": row["offset_s"] + late_s}
        for row in sample_truth(SPASMS).one_sided
        if row["offset_s"] < 7.0
    ]
    pairs, missed, false = match(truth, result.events)
    assert (len(pairs), missed, false) == (3, [], [])
    assert result.summary.valid_s == pytest.approx(7.2, abs=0.2)
    assert not result.signals.valid[: round(late_s * 30)].any()
    assert any("no usable face in 180 of 396 frames" in line for line in result.warnings)


@needs_model
def test_a_folder_of_pictures_gives_what_the_video_gives(tmp_path):
    frames = list(frames_of(SPASMS, until_s=6.4))
    assert len(frames) == 192
    for frame in frames:
        bgr = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(tmp_path / f"{frame.index}.png"), bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    times = "".join(f"{frame.time_s!r}\n" for frame in frames)
    (tmp_path / "timestamps.csv").write_text("time_s\n" + times)
    from_pictures = run(tmp_path)
    done: list[int] = []
    from_video = run(
        video(SPASMS),
        progress=lambda info, n, time_s: done.append(n),
        stop=lambda: bool(done) and done[-1] >= 192,
    )
    assert from_pictures.events == from_video.events
    assert len(from_pictures.events) >= 2
    np.testing.assert_array_equal(
        from_pictures.measurements.aperture, from_video.measurements.aperture
    )
    assert from_pictures.source.kind == "images"


@needs_model
def test_a_low_frame_rate_is_warned_of(tmp_path):
    every_fifth = (f for f in frames_of("left_eyelid_twitches", until_s=4.0) if f.index % 5 == 0)
    write_video(tmp_path / "slow.mp4", every_fifth)
    result = run(tmp_path / "slow.mp4")
    assert result.summary.fps == pytest.approx(12.0, abs=0.1)
    assert any("low frame rate (12.0 frames/s)" in line for line in result.warnings)
    assert result.as_dict()["warnings"] == result.warnings


@needs_model
def test_a_small_face_is_warned_of(tmp_path):
    small = (
        replace(frame, rgb=cv2.resize(frame.rgb, (192, 192), interpolation=cv2.INTER_AREA))
        for frame in frames_of(SPASMS, until_s=2.0)
    )
    write_video(tmp_path / "small.mp4", small)
    result = run(tmp_path / "small.mp4")
    assert 30 < result.summary.face_px < 64
    assert any("small face" in line for line in result.warnings)


@needs_face_mesh
def test_face_mesh_opens_no_socket(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was used")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    before, seen = open_sockets(), []
    done: list[int] = []

    def watch(info: SourceInfo, frames: int, time_s: float) -> None:
        done.append(frames)
        seen.append(open_sockets())

    result = run(video(SPASMS), "facemesh", progress=watch, stop=lambda: len(done) >= 5)
    assert len(result.measurements) == 160
    assert all(sockets <= before for sockets in seen)  # native code needs no socket module
    assert len(seen) == 5


def open_sockets() -> set[str]:
    """This process's sockets, also those of native code; empty where the system does not tell."""
    found = set()
    with contextlib.suppress(OSError):
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(entry.readlink())
                found |= {target} if target.startswith("socket:") else set()
    return found


# What a caller may rely on


@needs_model
def test_stopping_gives_the_events_up_to_then_marked_as_partial():
    reached: list[float] = []
    result = run(
        video(SPASMS),
        progress=lambda info, n, time_s: reached.append(time_s),
        stop=lambda: bool(reached) and reached[-1] > 12.0,
    )
    assert result.partial
    assert result.as_dict()["partial"] is True
    end_s = result.summary.end_s
    assert 12.0 < end_s < 14.0
    truth = [row for row in sample_truth(SPASMS).one_sided if row["onset_s"] < end_s]
    pairs, missed, false = match(truth, result.events)
    assert (len(pairs), missed, false) == (4, [], [])


def test_progress_is_called_with_growing_numbers_up_to_all_frames(stand_in):
    calls: list[tuple[SourceInfo, int, float]] = []
    result = hfs_vision.analyze(video(SPASMS), progress=lambda *call: calls.append(call))
    frames, times = [call[1] for call in calls], [call[2] for call in calls]
    assert len(calls) > 10
    assert (np.diff(frames) > 0).all()
    assert (np.diff(times) > 0).all()
    assert frames[-1] == calls[0][0].frame_count == len(result.measurements) == 900
    assert times[-1] == pytest.approx(result.measurements.time_s[-1], abs=1e-6)


@needs_model
def test_no_more_than_a_few_frames_are_held_at_a_time(monkeypatch):
    most, seen = 0, 0
    original = FrameSource._in_order
    refs: list[weakref.ref[np.ndarray]] = []

    def watched(self: object, pictures: Iterator[tuple[float, np.ndarray]], stats: object):
        def counted() -> Iterator[tuple[float, np.ndarray]]:
            nonlocal most, seen
            for time_s, rgb in pictures:
                refs.append(weakref.ref(rgb))
                most = max(most, sum(ref() is not None for ref in refs))
                seen += 1
                yield time_s, rgb
                del rgb

        return original(self, counted(), stats)

    monkeypatch.setattr(FrameSource, "_in_order", watched)
    done: list[int] = []
    run(
        video(SPASMS),
        progress=lambda info, n, time_s: done.append(n),
        stop=lambda: bool(done) and done[-1] >= 128,
    )
    assert seen >= 128
    assert most <= 10  # four that are decoded ahead, four of which patches are cut, and two in hand


def test_times_are_those_of_the_container(stand_in):
    result = hfs_vision.analyze(video(UNEVEN))
    with av.open(str(video(UNEVEN))) as container:
        stream = container.streams.video[0]
        packets = [p for p in container.demux(stream) if p.pts is not None]
        times = sorted(float(packet.pts * packet.time_base) for packet in packets)
    assert result.measurements.time_s == pytest.approx(times, abs=1e-6)
    assert result.signals.time_s == pytest.approx(times, abs=1e-6)
    steps = np.diff(times)
    assert steps.max() > 1.5 * steps.min()  # it does vary


def test_the_landmarker_is_closed_also_when_reading_fails(stand_in, tmp_path, monkeypatch):
    hfs_vision.analyze(video(SPASMS), stop=lambda: stand_in.closed)
    assert stand_in.closed
    stand_in.closed = False
    clips.write_clip(tmp_path / "one.mp4", ticks=[0])
    with pytest.raises(SourceError, match="1 usable frame"):
        hfs_vision.analyze(tmp_path / "one.mp4")
    assert stand_in.closed


def test_stopping_before_the_first_frame_gives_an_empty_partial_result(stand_in, tmp_path):
    result = hfs_vision.analyze(video(SPASMS), stop=lambda: True)
    assert result.partial
    assert len(result.measurements) == len(result.signals) == 0
    assert result.events == []
    assert result.summary.duration_s == 0.0
    result.save(tmp_path)
    assert read_events(tmp_path / "events.csv") == []


def test_a_video_without_a_face_is_an_error_that_says_what_a_face_must_be(
    stand_in, tmp_path, monkeypatch
):
    stand_in.face = np.full((478, 3), np.nan)
    clips.write_clip(tmp_path / "wall.mp4")
    with pytest.raises(NoFaceError, match=r"no face.*10 frames.*wall\.mp4.*50 pixels"):
        hfs_vision.analyze(tmp_path / "wall.mp4")


def test_the_landmark_models_leak_between_the_eyes_is_taken_out(stand_in, monkeypatch):
    monkeypatch.setattr(geometry, "EYE_PATCH_WEIGHT", 0.0)  # of the landmarks alone
    plain = hfs_vision.analyze(video(SPASMS), stop=after(64)).measurements
    stand_in.face = Recording(1.0).lid(0, 0.2, 0.5, depth=1.0).landmarks()[12]
    wink = hfs_vision.analyze(video(SPASMS), stop=after(64)).measurements
    stand_in.identity = replace(stand_in.identity, lid_leak=0.2)
    unmixed = hfs_vision.analyze(video(SPASMS), stop=after(64)).measurements
    assert wink.aperture[0, 0] < 0.1 * plain.aperture[0, 0]
    assert wink.aperture[0, 1] == pytest.approx(plain.aperture[0, 1], abs=1e-5)
    assert unmixed.aperture[0, 1] > 1.2 * wink.aperture[0, 1]


def after(frames: int) -> object:
    """A `stop` that lets about so many frames pass."""
    asked = iter(range(frames // 32))
    return lambda: next(asked, None) is None


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"fps": 30.0}, "fps=30 given"),
        ({"landmarker": "dlib"}, "unknown landmarker 'dlib'"),
        ({"subject": (1.5, 0.5)}, "subject must be fractions"),
        ({"landmarker": "facemesh", "model": "x.task"}, "takes no model file"),
    ],
)
def test_a_wrong_call_is_refused_with_the_value(options, what):
    with pytest.raises(UsageError, match=what):
        hfs_vision.analyze(video(SPASMS), **options)


def test_settings_reach_the_detector_and_the_result(stand_in):
    settings = Settings(tonic_s=2.5)
    result = hfs_vision.analyze(video(SPASMS), settings=settings, stop=after(64))
    assert result.settings == settings
    assert result.as_dict()["settings"]["tonic_s"] == 2.5


def test_the_names_of_the_package_exist_and_no_other():
    assert all(hasattr(hfs_vision, name) for name in hfs_vision.__all__)
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        _ = hfs_vision.analyse  # type: ignore[attr-defined]


# Real clips of people, where the shared folder is


@needs_model
def test_a_real_clip_without_a_face_is_refused(shared):
    path = shared / "bench" / "clips" / "no_face.mp4"
    if not path.exists():
        pytest.skip("no_face.mp4 is not among the shared clips")
    with pytest.raises(NoFaceError, match="no face was found in any"):
        run(path)
