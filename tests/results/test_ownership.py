"""Files of the program are known by what is in them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.errors import UsageError
from hfs_vision.render.video_writer import new_video
from hfs_vision.results import (
    ANNOTATED,
    CLIP,
    RECORDING,
    REVIEWED_FILE,
    check_replaceable,
    is_ours,
    video_kind,
    video_tag,
    write_reviewed,
)
from hfs_vision.schema import Frame
from hfs_vision.video import Recorder
from tests.synthetic import Recording

EVENT = Recording(16.0).lid(0, 12.0, 0.4)
PICTURE = np.full((48, 64, 3), 90, np.uint8)


def foreign_video(path: Path, **tags: str) -> Path:
    with av.open(str(path), "w", format="mp4") as made:
        made.metadata.update(tags)
        stream = made.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(PICTURE, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
    return path


class TestVideos:
    @pytest.mark.parametrize("kind", [ANNOTATED, CLIP])
    def test_made_of_a_recording_say_what_they_are(self, tmp_path: Path, kind: str) -> None:
        with new_video(tmp_path / "x.mp4", PICTURE.shape, kind) as video:
            video.write(PICTURE, 0.0)
        assert video_kind(tmp_path / "x.mp4") == kind
        assert is_ours(tmp_path / "x.mp4")

    def test_recorded_in_a_session_are_known_as_that(self, tmp_path: Path) -> None:
        recorder = Recorder(tmp_path / "r.mp4", lossless=True, tags=video_tag(RECORDING))
        for index in range(3):
            recorder.put(Frame(index, index / 30, PICTURE))
        recorder.close()
        assert recorder.error == ""
        assert video_kind(tmp_path / "r.mp4") == RECORDING

    @pytest.mark.parametrize(
        "tags", [{}, {"comment": "of a holiday"}, {"title": "hfs-vision clip"}]
    )
    def test_of_others_are_not_ours_whatever_they_are_called(
        self, tmp_path: Path, tags: dict[str, str]
    ) -> None:
        video = foreign_video(tmp_path / "annotated.mp4", **tags)
        assert video_kind(video) is None
        assert not is_ours(video)

    def test_that_are_cut_off_or_nonsense_are_not_ours(self, tmp_path: Path) -> None:
        with new_video(tmp_path / "x.mp4", PICTURE.shape, CLIP) as video:
            video.write(PICTURE, 0.0)
        whole = (tmp_path / "x.mp4").read_bytes()
        for end in range(0, len(whole), 7):
            (tmp_path / "cut.mp4").write_bytes(whole[:end])
            assert video_kind(tmp_path / "cut.mp4") in (None, CLIP)
        at = whole.index(b"moov")
        (tmp_path / "odd.mp4").write_bytes(whole[: at - 4] + b"\0\0\0\1moov" + b"\xff" * 20)
        assert video_kind(tmp_path / "odd.mp4") is None


class TestTables:
    def test_of_a_result_are_ours_also_as_a_spreadsheet_saves_them(self, tmp_path: Path) -> None:
        detect(EVENT.measured(), segments=[("rest", 0.0)]).save(tmp_path / "r")
        with (tmp_path / "r" / REVIEWED_FILE).open("w") as file:
            write_reviewed(file, [])
        written = sorted((tmp_path / "r").iterdir())
        assert {path.name for path in written} >= {"summary.json", "segments.csv", "twitches.csv"}
        for path in written:
            assert is_ours(path), path
            if path.suffix == ".csv":
                path.write_text("\ufeff" + path.read_text().replace(",", ";"), encoding="utf-8")
                assert is_ours(path), path

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("events.csv", "what,when\nbirthday,June\n"),
            ("cohort.csv", "name,age\nann,50\n"),
            ("summary.json", '{"title": "holiday"}'),
            ("summary.json", '{"versions": [1]'),
            ("summary.json", "[" * 5000),
            ("report.html", "<html><body>mine</body></html>"),
            ("marks.csv", ""),
            ("counts.csv", "\0\0\0"),
        ],
    )
    def test_of_others_are_not_ours(self, tmp_path: Path, name: str, content: str) -> None:
        (tmp_path / name).write_text(content)
        assert not is_ours(tmp_path / name)

    def test_are_not_ours_through_a_link_and_a_folder_is_not(self, tmp_path: Path) -> None:
        detect(EVENT.measured()).save(tmp_path / "r")
        (tmp_path / "events.csv").symlink_to(tmp_path / "r" / "events.csv")
        assert not is_ours(tmp_path / "events.csv")
        assert not is_ours(tmp_path / "r")
        assert not is_ours(tmp_path / "missing.csv")


class TestCheckReplaceable:
    def test_lets_nothing_of_others_go_without_force(self, tmp_path: Path) -> None:
        mine = tmp_path / "events.csv"
        check_replaceable(mine, force=False)
        mine.write_text("what,when\n")
        with pytest.raises(UsageError, match=r"events\.csv is there and was not written by"):
            check_replaceable(mine, force=False)
        check_replaceable(mine, force=True)

    def test_takes_a_dangling_link_for_a_file_of_others(self, tmp_path: Path) -> None:
        (tmp_path / "marks.csv").symlink_to(tmp_path / "nowhere")
        with pytest.raises(UsageError, match="was not written by this program"):
            check_replaceable(tmp_path / "marks.csv", force=False)

    def test_never_lets_an_input_go(self, tmp_path: Path) -> None:
        given = tmp_path / "given.mp4"
        given.write_bytes(b"a face")
        (tmp_path / "hard.mp4").hardlink_to(given)
        (tmp_path / "soft.mp4").symlink_to(given)
        for name in ("given.mp4", "hard.mp4", "soft.mp4"):
            for force in (False, True):
                with pytest.raises(UsageError, match="is what this command reads"):
                    check_replaceable(tmp_path / name, force=force, inputs=[given])
        assert given.read_bytes() == b"a face"
