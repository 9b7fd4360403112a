"""Frames in order and in time from sources that do not wait, are lost, hang, or fail."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from hfs_vision.errors import HfsVisionError, SourceError, UsageError
from hfs_vision.schema import Frame, SourceInfo
from hfs_vision.video import Camera, Capture, LiveSource, Replay, list_cameras, open_source
from hfs_vision.video.camera import CameraName, find_camera
from tests import clips

DEADLINE_S = 20.0
PICTURE = clips.picture(0)
INFO = SourceInfo("camera", None, None, 96, 64, None, None, None, 0)


def clock() -> Callable[[], float]:
    start = time.monotonic()
    return lambda: time.monotonic() - start


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


class Scripted:
    """A source that plays a list for each opening: times, errors, or events to wait for."""

    def __init__(self, *openings: list[float | Exception | threading.Event]) -> None:
        self.info, self.warnings = INFO, []
        self._openings = iter(openings)
        self.closed = threading.Event()

    def pictures(self) -> Iterator[tuple[float, np.ndarray]]:
        for step in next(self._openings):
            if isinstance(step, Exception):
                raise step
            if isinstance(step, threading.Event):
                step.wait(DEADLINE_S)
            else:
                yield step, PICTURE

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def capture() -> Iterator[Callable[..., Capture]]:
    """Makes captures that are closed at the end."""
    made: list[Capture] = []

    def make(source: LiveSource, **options: object) -> Capture:
        made.append(Capture(source, **{"clock": clock(), **options}))
        return made[-1]

    yield make
    for one in made:
        one.close()
        assert not one._thread.is_alive()


def rest(capture: Capture) -> list[Frame]:
    """All frames up to the end."""
    frames = []
    while capture.state != "ended":
        frame = capture.get(DEADLINE_S)
        if frame is not None:
            frames.append(frame)
    return frames


class TestFrames:
    def test_the_oldest_waiting_frames_are_dropped_and_counted(self, capture) -> None:
        seen: list[int] = []
        source = Scripted([i / 10 for i in range(20)])
        reading = capture(source, waiting=4, on_frame=lambda frame: seen.append(frame.index))
        reading.start()
        wait_for(lambda: reading.stats.captured == 20)
        assert reading.state == "running"  # four frames wait
        assert reading.backlog == 4
        assert [f.index for f in rest(reading)] == [16, 17, 18, 19]
        assert (reading.stats.captured, reading.stats.dropped) == (20, 16)
        assert seen == list(range(20))

    def test_a_slow_taker_gets_the_newest_of_a_file_at_its_own_pace(
        self, capture, tmp_path: Path
    ) -> None:
        clips.write_clip(tmp_path / "a.mp4", ticks=range(0, 1500, 30))
        reading = capture(Replay(tmp_path / "a.mp4", realtime=True), waiting=2)
        reading.start()
        wait_for(lambda: reading.stats.captured == 50)
        frames = rest(reading)
        assert [f.index for f in frames] == [48, 49]
        assert [f.time_s for f in frames] == [1.44, 1.47]
        assert reading.stats.dropped == 48

    def test_lossless_loses_none(self, capture, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4", ticks=range(0, 4000, 40))
        reading = capture(Replay(tmp_path / "a.mp4", realtime=False), lossless=True, waiting=2)
        reading.start()
        frames = []
        while reading.state != "ended":
            frame = reading.get(DEADLINE_S)
            if frame is not None:
                frames.append(frame)
            assert reading.backlog <= 2
        assert [f.index for f in frames] == list(range(100))
        assert [clips.read_grey(f.rgb) for f in frames] == [i % 16 for i in range(100)]
        assert reading.stats.dropped == 0

    def test_times_that_do_not_increase_are_dropped_and_counted_apart(self, capture) -> None:
        reading = capture(Scripted([0.1, 0.2, 0.2, 0.15, 0.2000001, 1 / 3]))
        reading.start()
        frames = rest(reading)
        assert [(f.index, f.time_s) for f in frames] == [(0, 0.1), (1, 0.2), (2, 0.333333)]
        assert (reading.stats.captured, reading.stats.dropped_times) == (3, 3)
        assert reading.stats.dropped == 0

    def test_arrival_is_told_of_the_frame_that_was_given(self, capture) -> None:
        reading = capture(Scripted([5.0, 6.0]), clock=lambda: 42.0)
        reading.start()
        first, second = reading.get(DEADLINE_S), reading.get(DEADLINE_S)
        assert reading.arrived_s(second) == 42.0
        assert math.isnan(reading.arrived_s(first))

    def test_nothing_in_time_is_none(self, capture) -> None:
        release = threading.Event()
        reading = capture(Scripted([0.0, release]))
        reading.start()
        assert reading.get(DEADLINE_S).time_s == 0.0
        assert reading.get(0.01) is None
        assert reading.state == "running"
        release.set()

    def test_frames_per_second_of_the_last_two_seconds(self, capture) -> None:
        now = [0.0]

        class Paced(Scripted):
            def pictures(self) -> Iterator[tuple[float, np.ndarray]]:
                for i in range(121):
                    now[0] = i / 40
                    yield now[0], PICTURE

        early = capture(Scripted([0.0]), clock=lambda: 7.0)
        early.start()
        assert math.isnan(early.fps)
        reading = capture(Paced(), clock=lambda: now[0])
        reading.start()
        wait_for(lambda: reading.stats.captured == 121)
        assert reading.fps == pytest.approx(40)
        now[0] = 4.0
        assert reading.fps == pytest.approx(20)


class TestLoss:
    def test_a_lost_source_is_opened_again_and_the_gap_noted(self, capture) -> None:
        hold = threading.Event()
        source = Scripted([0.0, 0.1, SourceError("gone")], [hold, 0.05, 2.0, 2.1])
        reading = capture(source)
        reading.start()
        wait_for(lambda: reading.reason == "gone")
        assert reading.state == "running"  # what came before is given first
        assert [reading.get(DEADLINE_S).time_s for _ in range(2)] == [0.0, 0.1]
        assert reading.state == "lost"
        assert reading.reason == "gone"
        assert reading.stats.interruptions[0].back_s is None
        hold.set()
        frames = rest(reading)
        assert [f.time_s for f in frames] == [2.0, 2.1]
        assert [f.index for f in frames] == [2, 3]
        (gap,) = reading.stats.interruptions
        assert (gap.lost_s, gap.back_s, gap.reason) == (0.1, 2.0, "gone")

    def test_the_waits_between_attempts_grow_and_close_ends_them(self, capture) -> None:
        source = Scripted([0.0, SourceError("a")], [SourceError("b")], [SourceError("c")], [1.0])
        began = time.monotonic()
        reading = capture(source)
        reading.start()
        announced: set[float] = set()

        def third_wait() -> bool:
            announced.add(reading.next_attempt_s or 0.0)
            return reading.reason == "c"

        wait_for(third_wait)
        assert time.monotonic() - began >= 1.5  # 0.5 and 1.0
        assert len(announced - {0.0}) >= 2
        assert len(reading.stats.interruptions) == 1
        closing = time.monotonic()
        reading.close()
        assert not reading._thread.is_alive()
        assert time.monotonic() - closing < 0.9  # the wait would have taken 2.0
        assert source.closed.is_set()

    def test_a_source_that_hangs_counts_as_lost_until_it_goes_on(self, capture) -> None:
        now, release = [0.0], threading.Event()
        reading = capture(Scripted([0.0, release, 9.0]), clock=lambda: now[0])
        reading.start()
        assert reading.get(DEADLINE_S) is not None
        now[0] = 4.9
        assert reading.state == "running"
        now[0] = 5.1
        assert reading.state == "lost"
        assert "5 s" in reading.reason
        release.set()
        assert reading.get(DEADLINE_S).time_s == 9.0
        (gap,) = reading.stats.interruptions
        assert (gap.lost_s, gap.back_s) == (0.0, 9.0)

    @pytest.mark.parametrize("error", [SourceError("busy"), UsageError("no such camera")])
    def test_a_first_attempt_that_fails_is_raised_and_not_repeated(
        self, capture, error: HfsVisionError
    ) -> None:
        reading = capture(Scripted([error], [0.0]))
        with pytest.raises(type(error), match=str(error)):
            reading.start()
        assert reading.stats.captured == 0

    def test_a_source_that_ends_without_a_picture(self, capture) -> None:
        with pytest.raises(SourceError, match="without a picture"):
            capture(Scripted([])).start()

    def test_a_source_that_never_gives_a_picture(self, capture) -> None:
        release, now = threading.Event(), iter(range(0, 1000, 20))
        reading = capture(Scripted([release]), clock=lambda: float(next(now)))
        with pytest.raises(SourceError, match="no picture came within 30 s"):
            reading.start()
        release.set()

    def test_other_errors_come_out_of_get_after_the_frames(self, capture) -> None:
        reading = capture(Scripted([0.0, ZeroDivisionError("of the source")]))
        reading.start()
        assert reading.get(DEADLINE_S).time_s == 0.0
        with pytest.raises(ZeroDivisionError, match="of the source"):
            reading.get(DEADLINE_S)

    def test_errors_of_on_frame_come_out_too(self, capture) -> None:
        def fail(frame: Frame) -> None:
            raise RuntimeError(f"frame {frame.index}")

        with pytest.raises(RuntimeError, match="frame 0"):
            capture(Scripted([0.0]), on_frame=fail).start()


class TestReplay:
    def test_realtime_takes_as_long_as_the_file_and_has_its_times(self, tmp_path: Path) -> None:
        ticks = [2000 + t for t in (0, 33, 70, 101, 160, 400, 433, 470, 500, 1033)]
        written = clips.write_clip(tmp_path / "a.mp4", ticks=ticks)
        source = Replay(tmp_path / "a.mp4", realtime=True)
        assert (source.info.kind, source.info.width) == ("file", 96)
        came = [(time.monotonic(), time_s) for time_s, _ in source.pictures()]
        assert [time_s for _, time_s in came] == pytest.approx(written, abs=1e-9)
        late = [at - came[0][0] - (time_s - written[0]) for at, time_s in came]
        assert min(late) > -0.02  # none before its time
        assert np.median(late) < 0.1

    def test_what_is_late_comes_at_once(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4", ticks=range(0, 1000, 100))
        pictures = Replay(tmp_path / "a.mp4", realtime=True).pictures()
        began = time.monotonic()
        next(pictures)
        time.sleep(1.0)
        assert len(list(pictures)) == 9
        assert time.monotonic() - began < 1.8  # counted from a late one it would be 1.9

    def test_close_ends_the_wait_for_the_next(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4", ticks=[0, 60_000])
        source = Replay(tmp_path / "a.mp4", realtime=True)
        pictures = source.pictures()
        next(pictures)
        threading.Timer(0.1, source.close).start()
        assert list(pictures) == []

    def test_damage_is_told(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mkv", ticks=range(0, 4000, 40), draw=clips.noisy_picture)
        clips.truncate(tmp_path / "a.mkv", 0.6)
        source = Replay(tmp_path / "a.mkv", realtime=False)
        assert len(list(source.pictures())) > 10
        assert any("ends early" in warning for warning in source.warnings)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="does not exist"):
            Replay(tmp_path / "a.mp4", realtime=True)


WEBCAMS = [
    CameraName(0, "Integrated Camera", "/dev/video0", 200),
    CameraName(2, "HD Pro Webcam C920", "/dev/video2", 200),
    CameraName(4, "USB Webcam", "/dev/video4", 200),
]


class TestCamera:
    @pytest.mark.parametrize(
        ("device", "index"),
        [(0, 0), ("2", 2), ("hd pro", 2), ("Integrated", 0), ("/dev/video4", 4), (" 4 ", 4)],
    )
    def test_is_found_by_index_name_or_path(self, device: int | str, index: int) -> None:
        assert find_camera(device, WEBCAMS).index == index

    @pytest.mark.parametrize(
        ("device", "message"),
        [
            (1, r"no camera '1': there are 0 \(Integrated Camera\), 2 \(HD Pro Webcam C920\)"),
            ("Kinect", "no camera 'Kinect': there are 0 "),
            ("webcam", r"several cameras: 2 \(HD Pro Webcam C920\), 4 \(USB Webcam\); give"),
            ("", "empty"),
        ],
    )
    def test_that_is_not_there(self, device: int | str, message: str) -> None:
        with pytest.raises(UsageError, match=message):
            find_camera(device, WEBCAMS)

    def test_that_this_machine_does_not_have(self, capfd) -> None:
        taken = {camera.index for camera in list_cameras()}
        free = next(i for i in range(100) if i not in taken)
        with pytest.raises(UsageError, match=f"there is no camera '{free}'"):
            next(Camera(free, clock=clock()).pictures())
        assert capfd.readouterr() == ("", "")

    def open_clip(self, path: Path) -> Camera:
        """A camera whose device is a video file."""
        return Camera(
            "hd pro",
            clock=clock(),
            size=(96, 48),
            cameras=lambda: WEBCAMS,
            open_device=lambda index, backend: cv2.VideoCapture(str(path)),
        )

    def test_pictures_are_rgb_and_timed_by_the_clock_until_it_is_lost(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4")
        camera = self.open_clip(tmp_path / "a.mp4")
        began = time.monotonic()
        pictures = camera.pictures()
        received = list(itertools.islice(pictures, 10))
        with pytest.raises(SourceError, match=r"camera 2 \(HD Pro Webcam C920\) was disconnected"):
            next(pictures)
        assert [clips.read_grey(rgb) for _, rgb in received] == list(range(10))
        assert clips.read_corners(received[0][1]) == {name: name for name in clips.CORNERS}
        times = [time_s for time_s, _ in received]
        assert np.all(np.diff(times) > 0)
        assert 0 <= times[0] <= times[-1] <= time.monotonic() - began + 1
        assert (camera.info.kind, camera.info.width, camera.info.height) == ("camera", 96, 64)
        assert camera.warnings == ["the camera gives 96x64 where 96x48 was asked for"]

    def test_that_cannot_be_read(self, tmp_path: Path, capfd) -> None:
        (tmp_path / "a.mp4").write_bytes(b"in use")
        with pytest.raises(SourceError, match=r"camera 2 .* gives no picture: close other"):
            next(self.open_clip(tmp_path / "a.mp4").pictures())
        assert capfd.readouterr().out == ""

    def test_that_is_plugged_in_again_under_another_index(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4", ticks=[0, 40])
        opened, present = [], list(WEBCAMS)

        def open_device(index: int, backend: int) -> cv2.VideoCapture:
            opened.append(index)
            return cv2.VideoCapture(str(tmp_path / "a.mp4"))

        camera = Camera(2, clock=clock(), cameras=lambda: present, open_device=open_device)
        with pytest.raises(SourceError, match="disconnected"):
            list(camera.pictures())
        del present[1]
        with pytest.raises(SourceError, match="HD Pro Webcam C920 is not connected"):
            list(camera.pictures())
        present.append(CameraName(5, "HD Pro Webcam C920", "/dev/video5", 200))
        with pytest.raises(SourceError, match="disconnected"):
            list(camera.pictures())
        assert opened == [2, 5]

    def test_close_ends_it(self, tmp_path: Path) -> None:
        clips.write_clip(tmp_path / "a.mp4")
        camera = self.open_clip(tmp_path / "a.mp4")
        pictures = camera.pictures()
        next(pictures)
        camera.close()
        assert list(pictures) == []


def test_a_capture_of_a_file_gives_what_reading_the_file_gives(capture, tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "a.mp4", ticks=[7, 33, 70, 101, 160, 400])
    reading = capture(Replay(tmp_path / "a.mp4", realtime=False), lossless=True)
    reading.start()
    for live, read in zip(rest(reading), open_source(tmp_path / "a.mp4"), strict=True):
        assert (live.index, live.time_s) == (read.index, read.time_s)
        assert np.array_equal(live.rgb, read.rgb)
