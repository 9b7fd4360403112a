"""The recording as a browser can play it: which is played as it is, and what a copy holds."""

import tempfile
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from hfs_vision.video import VideoFile
from hfs_vision.web.video import Player, byte_range, playable
from tests.clips import read_grey, set_display_matrix, write_clip, write_images


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (0, 10)),
        ("bytes=0-", (0, 10)),
        ("bytes=3-5", (3, 6)),
        ("bytes=3-99", (3, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=10-", None),
        ("bytes=5-3", None),
        ("bytes=-0", None),
        ("bytes=1-2,4-5", (0, 10)),
        ("bytes=-", (0, 10)),
        ("bytes=a-b", (0, 10)),
        ("bytes=²-", (0, 10)),
        ("bytes=" + "9" * 5000 + "-", (0, 10)),
        ("lines=1-2", (0, 10)),
    ],
)
def test_a_range_of_bytes_is_what_was_asked_for(header, expected):
    assert byte_range(header, 10) == expected


class TestWhatABrowserPlays:
    def test_h264_in_mp4_and_vp8_in_webm(self, tmp_path):
        write_clip(tmp_path / "a.mp4")
        write_clip(tmp_path / "a.mov")
        write_clip(tmp_path / "a.webm", codec="libvpx")
        set_display_matrix(tmp_path / "a.mp4", 0, 1, -1, 0)
        found = [playable(tmp_path / name) for name in ("a.mp4", "a.mov", "a.webm")]
        assert found == ["mov", "mov", "webm"]

    def test_nothing_else(self, tmp_path):
        write_clip(tmp_path / "a.mkv")
        write_clip(tmp_path / "b.mp4", pix_fmt="yuv444p")
        write_clip(tmp_path / "c.avi", codec="mjpeg", pix_fmt="yuvj420p")
        write_clip(tmp_path / "d.mp4", codec="mpeg4")
        (tmp_path / "e.mp4").write_bytes(b"no video")
        write_images(tmp_path / "f", ["1.png", "2.png"])
        assert {playable(path) for path in tmp_path.iterdir()} == {None}


def finished(player: Player) -> Player:
    until = time.monotonic() + 20
    while player.video.state == "making" and time.monotonic() < until:
        time.sleep(0.01)
    return player


class TestThePlayer:
    def test_gives_a_playable_file_as_it_is(self, tmp_path):
        write_clip(tmp_path / "a.mp4")
        player = Player(tmp_path / "a.mp4")
        assert (player.video.state, player.video.first_s) == ("direct", 0.0)
        content = b"".join(player.media.read(0, player.media.size))
        assert content == (tmp_path / "a.mp4").read_bytes()
        assert b"".join(player.media.read(5, 9)) == content[5:9]
        player.close()

    @pytest.mark.parametrize(
        ("name", "codec", "options"),
        [("a.mp4", "libx264", {"bf": "2"}), ("a.mov", "libx264", {}), ("a.webm", "libvpx", {})],
    )
    def test_begins_at_0_what_begins_late_with_the_same_pictures(
        self, tmp_path, name, codec, options
    ):
        ticks = [5000, 5040, 5050, 5200, 5400, 5440]
        write_clip(tmp_path / name, ticks=ticks, codec=codec, options=options)
        player = finished(Player(tmp_path / name))
        assert (player.video.state, player.video.first_s) == ("shifted", 5.0)
        copy = tmp_path / f"copy{name[1:]}"
        copy.write_bytes(b"".join(player.media.read(0, player.media.size)))
        player.close()
        frames, before = list(VideoFile(copy)), list(VideoFile(tmp_path / name))
        np.testing.assert_allclose(
            [5 + f.time_s for f in frames], np.array(ticks) / 1000, atol=1e-3
        )
        for frame, same in zip(frames, before, strict=True):
            np.testing.assert_array_equal(frame.rgb, same.rgb)

    def test_makes_a_copy_whose_pictures_keep_their_times_and_that_leaves_no_file(
        self, tmp_path, monkeypatch
    ):
        place = tmp_path / "temporary"
        place.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        ticks = [3000, 3040, 3050, 3200, 3210, 3500]
        write_clip(tmp_path / "a.mkv", ticks=ticks, size=(1600, 900))
        player = finished(Player(tmp_path / "a.mkv"))
        assert (player.video.state, player.video.first_s) == ("proxy", 3.0)
        assert list(place.iterdir()) == []
        (tmp_path / "copy.mp4").write_bytes(b"".join(player.media.read(0, player.media.size)))
        player.close()
        assert playable(tmp_path / "copy.mp4") == "mov"
        frames = list(VideoFile(tmp_path / "copy.mp4"))
        np.testing.assert_allclose(
            [3 + f.time_s for f in frames], np.array(ticks) / 1000, atol=1e-4
        )
        assert [read_grey(f.rgb) for f in frames] == list(range(6))
        assert frames[0].rgb.shape == (720, 1280, 3)

    def test_makes_a_copy_of_images_at_their_rate(self, tmp_path):
        write_images(tmp_path / "f", [f"{n}.png" for n in range(5)])
        player = finished(Player(tmp_path / "f", fps=10.0))
        assert player.video.state == "proxy"
        (tmp_path / "copy.mp4").write_bytes(b"".join(player.media.read(0, player.media.size)))
        player.close()
        with av.open(str(tmp_path / "copy.mp4")) as container:
            stream = container.streams.video[0]
            times = [frame.pts * stream.time_base for frame in container.decode(stream)]
        assert times == [Fraction(n, 10) for n in range(5)]

    def test_makes_a_copy_of_a_file_that_the_browser_could_not_play_after_all(self, tmp_path):
        write_clip(tmp_path / "a.mp4")
        player = Player(tmp_path / "a.mp4")
        player.make_copy()
        assert finished(player).video.state == "proxy"
        player.make_copy()
        assert player.video.state == "proxy"
        player.close()

    def test_says_why_there_is_no_video(self, tmp_path):
        (tmp_path / "a.mp4").write_bytes(b"no video")
        broken = Player(tmp_path / "a.mp4")
        assert broken.video.state == "failed"
        assert "cannot be opened as a video" in broken.video.message
        assert Player(None, missing="not found").video.message == "not found"

    def test_that_is_closed_ends_a_copy_at_once(self, tmp_path):
        ticks = range(0, 12_000, 20)
        write_clip(
            tmp_path / "a.mkv", ticks=ticks, size=(640, 480), options={"preset": "ultrafast"}
        )
        player = Player(tmp_path / "a.mkv")
        begun = time.monotonic()
        player.close()
        assert time.monotonic() - begun < 2
        assert player.media is None

    def test_says_that_the_disk_is_full(self, tmp_path, monkeypatch):
        write_clip(tmp_path / "a.mkv")

        class Full:
            def __init__(self) -> None:
                self.closed = False

            def write(self, _: bytes) -> int:
                raise OSError(28, "No space left on device")

            def seek(self, offset: int, _: int = 0) -> int:
                return offset

            def tell(self) -> int:
                return 0

            def close(self) -> None:
                self.closed = True

        handle = Full()
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: handle)
        player = finished(Player(tmp_path / "a.mkv"))
        assert player.video.state == "failed"
        assert "No space left" in player.video.message
        assert handle.closed
