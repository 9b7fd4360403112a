"""Faults of the recording."""

from __future__ import annotations

from typing import Any

import numpy as np

from hfs_vision.analysis.result import RESULT_FILES
from tests.faults.cameras import live_at, odd_camera
from tests.faults.material import FPS
from tests.faults.recordings import (
    analyze,
    beside_a_larger_photograph,
    crossing,
    cut,
    cut_while_read,
    dark_every_second,
    drawn,
    frozen,
    half,
    head_down,
    huge,
    images,
    larger_from_2_s,
    link_to_itself,
    long,
    mirrored,
    mjpeg,
    ms,
    named_pipe,
    noise,
    of,
    on_its_side,
    photograph,
    photograph_held_up,
    piece,
    pixels,
    raw,
    removed_while_read,
    same,
    sound_only,
    stating,
    strange_name,
    turned_over_from_2_s,
    two_streams,
    with_alpha,
)
from tests.faults.rows import Expect, Row, answered, refused

LEFT = (("left", 2.13, 2.4), ("left", 2.87, 3.27))
RIGHT = (("right", 1.6, 2.97),)
"""What the sound pieces hold."""


def _says_damage(says: str, *events: Any) -> Expect:
    return answered(*events, says=says, lacking=True)


_TWIN = "only a hash of another copy could tell"

ROWS = [
    Row("source", "empty file", of(raw("x.mp4", b"")), refused("is empty (0 bytes)"), quick=True),
    Row(
        "source",
        "text under the name of a video",
        of(raw("x.mp4", b"Dear Sir,\n" * 99)),
        refused("cannot be opened as a video"),
    ),
    Row(
        "source",
        "random bytes",
        of(raw("x.mkv", np.random.default_rng(0).bytes(99_999))),
        refused("cannot be opened as a video"),
    ),
    Row(
        "source",
        "no such file",
        lambda p: analyze(p.file("gone.mp4")),
        refused("does not exist: check the path", 2),
    ),
    Row("source", "sound without a picture", of(sound_only), refused("holds no video stream")),
    Row("source", "a named pipe", of(named_pipe), refused("neither a file nor a folder")),
    Row("source", "a link to itself", of(link_to_itself), refused("", (1, 2))),
    Row(
        "source",
        "a name with a formula, a newline and no UTF-8",
        of(strange_name),
        answered(*LEFT),
    ),
    Row(
        "source",
        "MP4 cut off before its index",
        of(cut("h264", 0.5)),
        refused("cannot be opened as a video"),
        quick=True,
    ),
    Row(
        "source",
        "Matroska cut off",
        of(cut("hevc", 0.7)),
        _says_damage("the file ends early", *LEFT),
        quick=True,
    ),
    Row("source", "WebM cut off", of(cut("vp9", 0.7)), _says_damage("the file ends early", *LEFT)),
    Row("source", "AVI cut off", of(cut("mjpeg", 0.7)), _says_damage("the file ends early", *LEFT)),
    Row(
        "source",
        "file removed while it is read",
        of(long),
        Expect(0, leaves=frozenset(RESULT_FILES)),
        during=removed_while_read,
    ),
    Row(
        "source",
        "file cut short while it is read",
        of(long),
        Expect(0, "the file ends early"),
        during=cut_while_read,
    ),
    Row(
        "source",
        "the size of the picture changes in mid-stream",
        of(mjpeg("x.mkv", ms, larger_from_2_s)),
        answered(*LEFT, says="size of the picture changes 1 times"),
    ),
    Row(
        "source",
        "times repeat",
        of(mjpeg("x.mkv", lambda i: ms(i - (i % 10 == 5)))),
        answered(*LEFT, says="had a time that repeats"),
        quick=True,
    ),
    Row(
        "source",
        "times jump back by a second",
        of(two_streams),
        Expect(0, "had a time that repeats"),
    ),
    Row(
        "source",
        "times jump ahead by an hour",
        of(mjpeg("x.mkv", lambda i: ms(i) + 3_600_000 * (i > 80))),
        answered(
            LEFT[0],
            ("left", 3602.7, 3603.3),
            ("left", 2.6, 2.95),
            lacking=True,
            says="1 times no frame came for more than 0.25 s",
        ),
    ),
    Row("source", "header states 0 frames/s", of(stating(0, 1)), Expect((0, 1))),
    Row("source", "header states 0 / 0 frames/s", of(stating(0, 0)), Expect((0, 1))),
    Row("source", "header states 1,000,000 frames/s", of(stating(1_000_000, 1)), Expect((0, 1))),
    Row("source", "header states 4,000,000,000 frames/s", of(stating(4_000_000_000, 1)), Expect(1)),
    Row(
        "source",
        "header states a frame in 10 minutes",
        of(stating(1, 600)),
        Expect(0, "low frame rate"),
    ),
    Row(
        "source",
        "header states 15 frames/s instead of 30 in one of two places",
        of(stating(15, 1)),
        Expect(0, "15.0 frames/s in one place and 30.0 in another"),
    ),
    Row(
        "source",
        "header states 15 frames/s instead of 30",
        of(stating(15, 1, everywhere=True)),
        Expect(0),
        weak="nothing in the file contradicts it: events come out twice as long; " + _TWIN,
    ),
    Row("source", "pictures of 1 x 1", of(pixels(1, 1)), refused("no face was found")),
    Row("source", "pictures of 2 x 4000", of(pixels(2, 4000)), refused("no face was found")),
    Row("source", "pictures of 7680 x 4320", of(huge), Expect(0, "low frame rate")),
    Row("source", "one picture", of(mjpeg("x.mkv", lambda i: 0)), refused("usable frame")),
    Row(
        "source",
        "grey pictures",
        of(drawn("x.avi", same, encoder="ffv1", pix_fmt="gray")),
        answered(*LEFT),
    ),
    Row(
        "source",
        "grey pictures of 16 bits",
        of(drawn("x.avi", same, encoder="ffv1", pix_fmt="gray16le")),
        answered(*LEFT),
    ),
    Row(
        "source",
        "RGB of 16 bits",
        of(drawn("x.avi", same, encoder="ffv1", pix_fmt="gbrp16le")),
        answered(*LEFT),
    ),
    Row(
        "source",
        "pictures with alpha",
        of(drawn("x.avi", same, encoder="ffv1", pix_fmt="bgra")),
        answered(*LEFT),
    ),
    Row(
        "source",
        "VP9 with alpha",
        of(drawn("x.webm", same, pix_fmt="yuva420p")),
        answered(*LEFT),
    ),
    Row(
        "source",
        "folder of grey PNG",
        of(images(".png", lambda b: b[..., 1]), "--fps", FPS),
        answered(*LEFT),
    ),
    Row(
        "source",
        "folder of PNG of 16 bits",
        of(images(".png", lambda b: b.astype(np.uint16) * 257), "--fps", FPS),
        answered(*LEFT),
    ),
    Row(
        "source",
        "folder of PNG with alpha",
        of(images(".png", with_alpha), "--fps", FPS),
        answered(*LEFT),
    ),
    Row(
        "source",
        "folder, every tenth JPEG cut off",
        of(images(".jpg", lambda b: b, half), "--fps", FPS),
        Expect(0),
    ),
    Row("source", "noise, no face", of(drawn("x.mp4", noise)), refused("no face was found")),
    Row(
        "source",
        "every second picture is black",
        of(drawn("x.mp4", dark_every_second)),
        answered(*LEFT, lacking=True, says="no usable face in"),
    ),
    Row(
        "source",
        "the picture is mirrored",
        of(drawn("x.mp4", mirrored)),
        answered(*(("right", on, off) for _, on, off in LEFT)),
        weak="the sides are swapped, and nothing in the file tells",
    ),
    Row(
        "source",
        "the picture freezes in the middle of a movement",
        of(drawn("x.mp4", frozen)),
        answered(("left", 2.13, 2.5), LEFT[1], says="the picture froze 1 times, 0.5 s in all"),
    ),
    Row(
        "source",
        "the camera is mounted head down",
        of(drawn("x.mp4", head_down)),
        answered(*LEFT, says="the picture is upside down"),
    ),
    Row(
        "source",
        "the picture lies on its side",
        of(drawn("x.mp4", on_its_side)),
        answered(*LEFT, says="the picture lies on its side"),
    ),
    Row(
        "source",
        "the picture turns over in mid-course",
        of(drawn("x.mp4", turned_over_from_2_s)),
        Expect(0, "the picture is turned by 180 degrees against its start"),
    ),
    Row(
        "source",
        "a photograph larger than the subject is in view",
        of(drawn("x.mp4", beside_a_larger_photograph)),
        answered(*LEFT, says="2 faces are in view"),
    ),
    Row(
        "source",
        "a photograph instead of a face, for a minute",
        of(drawn("x.mp4", photograph, times=16)),
        answered(says="the picture froze 1 times", lacking=True),
    ),
    Row(
        "source",
        "a photograph instead of a face, for 4 s",
        of(drawn("x.mp4", photograph)),
        answered(says="the picture froze 1 times", lacking=True),
    ),
    Row(
        "source",
        "a photograph is held up beside the face",
        of(drawn("x.mp4", photograph_held_up)),
        answered(*LEFT),
    ),
    Row(
        "source",
        "somebody passes before the face",
        of(drawn("x.mp4", crossing)),
        answered(*LEFT, lacking=True),
    ),
    Row(
        "source",
        "a name that writes the clipboard of a terminal",
        lambda p: analyze(p.file("\x1b]52;c;ZXZpbA==\x07\u202e.mp4")),
        refused(r"\x1b]52;c;ZXZpbA==\x07\u202e.mp4 does not exist", 2),
    ),
    Row(
        "source",
        "the address of a camera is random bytes",
        lambda p: ["live", "--no-display", "--url", "http://[::1\x9b\udcff"],
        refused("the URL holds a space, or a sign that no address has", 2),
    ),
    Row(
        "source",
        "the address of a mirror has half a bracket",
        lambda p: ["model", "fetch", "--url", "http://[::1", "--dest", "d"],
        refused("impossible host or port", 2),
    ),
    Row(
        "source",
        "the address of a scheduler is random bytes",
        lambda p: ["batch", piece(p), "--out", "o", "--scheduler", "\udcff\x01\x1b[2J"],
        refused("no address of a scheduler", 2),
    ),
    Row(
        "source",
        "a camera's parts lack types, lengths and their first boundary",
        lambda p: live_at(p, "/bare"),
        Expect(0),
        around=odd_camera,
    ),
    Row(
        "source",
        "a camera leads to another host",
        lambda p: live_at(p, "/away"),
        refused("leads to another address, http://localhost:1/video"),
        around=odd_camera,
    ),
]
