"""``hfs-vision clips``, ``hfs-vision annotate`` and ``hfs-vision analyze --annotated``."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from hfs_vision.analysis import pipeline
from hfs_vision.cli import clips
from hfs_vision.results import read_folder
from hfs_vision.video import digest, open_source
from tests.cli.support import StandIn, files_in, remux
from tests.models_here import needs_model
from tests.paths import SAMPLES
from tests.synthetic import Recording

SAMPLE = SAMPLES / "left_eyelid_twitches.mp4"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn()
    monkeypatch.setattr(clips, "open_landmarker", lambda *_, **__: made)
    return made


@pytest.fixture
def folder(clip: Path, stand_in: StandIn) -> Path:
    """A result with two events, in the current folder, beside its recording of four seconds."""
    shutil.copy(clip, "a.mp4")
    recording = Recording(4.0).lid(0, 1.0, 0.4).pull(1, 2.5, 0.5)
    source = {"sha256": digest(clip)}
    pipeline.detect(recording.measured(), inherited={"source": source}).save("a.results")
    assert len(read_folder(Path("a.results")).events) == 2
    return Path("a.results")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_clip_of_each_event_is_written(hfs, folder):
    done = hfs("clips", folder)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"2 clips written to {folder / 'clips'}\n"
    first, second = names(folder / "clips")
    assert first.startswith("event_001_left_eyelid_twitch_00001.")
    assert second.startswith("event_002_right_lower_face_spasm_00002.")
    with open_source(folder / "clips" / first) as source:
        times = [frame.time_s for frame in source]
    assert times[0] == 0.0
    assert 2.2 < times[-1] < 2.6, "0.4 s and a second on either side"
    assert (folder / "clips").stat().st_mode & 0o077 == 0


def test_a_sheet_of_one_event_only(hfs, folder):
    done = hfs("clips", folder, "--sheet", "--event", 2, "--out", "sheets", "--blur")
    assert (done.code, done.out) == (0, "1 contact sheet written to sheets\n")
    (name,) = names(Path("sheets"))
    assert name.startswith("event_002_right")
    assert name.endswith(".png")


def test_the_whole_recording_is_annotated_again_with_what_was_corrected(hfs, folder):
    done = hfs("annotate", folder)
    assert (done.code, done.out) == (0, f"the annotated video is {folder / 'annotated.mp4'}\n")
    with open_source("a.mp4") as given, open_source(folder / "annotated.mp4") as made:
        times = [frame.time_s for frame in given]
        assert [frame.time_s for frame in made] == pytest.approx(times, abs=1 / 90_000)


def test_the_face_is_followed_that_the_analysis_followed(hfs, folder, stand_in, monkeypatch):
    asked = []

    def opened(*_, subject, **__):
        asked.append(subject)
        return stand_in

    monkeypatch.setattr(clips, "open_landmarker", opened)
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps({**summary, "subject": [0.75, 0.5]}))
    assert hfs("annotate", folder, "--blur").code == 0
    assert set(asked) == {(0.75, 0.5)}
    asked.clear()
    assert hfs("clips", folder, "--event", 1, "--subject", 0.25, 0.4).code == 0
    assert set(asked) == {(0.25, 0.4)}


def test_what_is_there_is_kept_unless_forced(hfs, folder):
    for command in ("clips", "annotate"):
        assert hfs(command, folder).code == 0
        before = files_in(folder)
        again = hfs(command, folder)
        assert again.code == 2
        assert "--force" in again.message
        assert files_in(folder) == before
        assert hfs(command, folder, "--force").code == 0


def test_without_events_there_is_nothing_to_cut(hfs, stand_in):
    pipeline.detect(Recording(4.0).measured()).save("quiet.results")
    done = hfs("clips", "quiet.results")
    assert (done.code, done.err) == (0, "")
    assert done.out == "quiet.results holds no events: there is nothing to cut\n"


@pytest.mark.parametrize("command", ["clips", "annotate"])
class TestTheRecording:
    def test_that_is_not_found_is_asked_for(self, hfs, folder, command):
        Path("a.mp4").unlink()
        done = hfs(command, folder)
        assert done.code == 2
        assert "name it by --video" in done.message

    def test_may_be_named(self, hfs, folder, command):
        Path("a.mp4").rename("elsewhere.mp4")
        done = hfs(command, folder, "--video", "elsewhere.mp4")
        assert (done.code, done.err) == (0, "")

    def test_that_is_another_one_is_told(self, hfs, folder, command):
        remux(SAMPLE, Path("a.mp4"), until_s=3.9)
        done = hfs(command, folder)
        assert done.code == 0
        assert "a.mp4 is not the recording that was analysed" in done.err

    def test_with_a_result_that_has_no_signals_is_shown_but_not_blurred(self, hfs, folder, command):
        (folder / "signals.csv").unlink()
        done = hfs(command, folder, "--blur")
        assert done.code == 2
        assert "holds no signals.csv, which tells --blur" in done.err
        assert hfs(command, folder).code == 0


def test_events_beyond_a_shorter_recording_are_told(hfs, folder):
    remux(SAMPLE, Path("a.mp4"), until_s=1.2)
    done = hfs("clips", folder, "--pad", 0.1)
    assert done.code == 0
    assert "event 2 at 2.5 s lies beyond the recording" in done.err
    assert done.out.startswith("1 clip written")
    assert len(names(folder / "clips")) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("clips", "a.results", "--event", 7), "there is no event 7: there are 1 to 2"),
        (("clips", "nowhere"), "nowhere is not a folder"),
        (("annotate", "a.results", "--out", "film.avi"), "film.avi is no MP4"),
        (("clips", "a.results", "--pad", -1), "-1"),
    ],
)
def test_what_cannot_be_is_refused(hfs, folder, arguments, told):
    before = files_in(Path.cwd())
    done = hfs(*arguments)
    assert done.code == 2
    assert told in done.err
    assert files_in(Path.cwd()) == before


def stop_after(stand_in: StandIn, time_s: float) -> None:
    def stop(frame: object) -> None:
        if getattr(frame, "time_s", 0.0) >= time_s and not stopped:
            stopped.append(True)
            signal.raise_signal(signal.SIGINT)

    stopped: list[bool] = []
    stand_in.before = stop


def test_ctrl_c_keeps_the_clips_that_are_complete(hfs, folder, stand_in):
    stop_after(stand_in, 2.7)  # the first event ends at 1.4 s, with its pad at 2.4 s
    done = hfs("clips", folder)
    assert done.code == 130
    assert done.out.startswith("1 clip written")
    (name,) = names(folder / "clips")
    with open_source(folder / "clips" / name) as source:
        assert len(list(source)) > 60


def test_ctrl_c_leaves_no_half_video_and_all_results(hfs, folder, stand_in):
    before = files_in(folder)
    stop_after(stand_in, 2.0)
    done = hfs("annotate", folder)
    assert done.code == 130
    assert f"hfs-vision annotate {folder} makes it" in done.err
    assert files_in(folder) == before


@needs_model
def test_an_analysis_leaves_an_annotated_video_where_it_is_asked_for(hfs, clip):
    done = hfs("analyze", clip, "--out", "out", "--annotated")
    assert done.code == 0
    assert done.out.rstrip().endswith(f"the annotated video is {Path('out', 'annotated.mp4')}")
    with open_source(Path("out/annotated.mp4")) as source:
        frames = list(source)
    signals = read_folder(Path("out")).signals
    assert [f.time_s for f in frames] == pytest.approx(signals.time_s, abs=2e-5)
    # The marks lie on the face: an outline is drawn on the lids, nothing beside the head.
    with open_source(clip) as source:
        plain = next(iter(source)).rgb
    drawn = frames[0].rgb[:480, 80:560]
    changed = (abs(drawn.astype(int) - plain) > 70).any(axis=2)
    changed[:, :20] = changed[:, -20:] = changed[430:] = False
    rows, columns = np.nonzero(changed)
    assert len(rows) > 30
    assert rows.min() > 150
    assert rows.max() < 350
    assert columns.min() > 150
    assert columns.max() < 400
    again = hfs("analyze", clip, "--out", "out", "--annotated")
    assert again.code == 2
