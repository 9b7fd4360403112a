"""Faults of a recording's clock, dates and numbers, and a recording that is not the one it was."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from hfs_vision.analysis.result import RESULT_FILES
from tests.clips import set_edit_list
from tests.faults.material import FPS, pictures, write_video
from tests.faults.recordings import (
    FRAMES_DONE,
    drawn,
    images,
    long,
    mjpeg,
    ms,
    of,
    same,
    stating,
)
from tests.faults.rows import Expect, Place, Row, Seen, answered, refused
from tests.faults.watching import Watched

LEFT = (("left", 2.13, 2.4), ("left", 2.87, 3.27))


def _two(place: Place) -> Path:
    write_video(place.file("other.mkv"), [rgb for _ in range(5) for rgb in pictures("right")])
    return long(place)


def _replaced(place: Place, running: Watched) -> None:
    running.wait_for(FRAMES_DONE)
    place.file("other.mkv").replace(place.file("long.mkv"))


def _grows(place: Place, running: Watched) -> None:
    running.wait_for(FRAMES_DONE)
    with place.file("long.mkv").open("ab") as file:
        file.write(os.urandom(5000))


def _leaping(place: Place) -> Path:
    return mjpeg("x.mkv", lambda i: ms(i) + 10**12 * (i > 80))(place)


def _slowed(place: Place) -> Path:
    """An edit list that plays the first second and the last at their speed, and the rest slowly."""
    path = write_video(place.file("x.mov"), pictures("left"))
    set_edit_list(path, [(1, 0, 1), (2, 1, 1 / 8), (1, 3, 1)])
    return path


def _numbered(number: Callable[[int], int], kept: Sequence[int]) -> Callable[[Place], Path]:
    """A folder of the pictures that are kept, named by their number."""

    def make(place: Place) -> Path:
        folder = images(".jpg", lambda b: b)(place)
        for index in range(len(pictures("left"))):
            path = folder / f"{index:04}.jpg"
            if index in kept:
                path.rename(folder / f"f_{number(index):09}.jpg")
            else:
                path.unlink()
        return folder

    return make


def _with_times(text: Callable[[int], str]) -> Callable[[Place], Path]:
    def make(place: Place) -> Path:
        folder = images(".jpg", lambda b: b)(place)
        rows = "\n".join(map(text, range(len(pictures("left")))))
        (folder / "timestamps.csv").write_text(f"time_s\n{rows}\n")
        return folder

    return make


def _twice(place: Place) -> Path:
    folder = images(".jpg", lambda b: b)(place)
    (folder / "0001.jpg").rename(folder / "02.jpg")
    return folder


def _undated(seen: Seen) -> str:
    source = json.loads((seen.place.out / "summary.json").read_text())["source"]
    return "it has a hash of another recording" if source["sha256"] else ""


_ALL = range(120)

ROWS = [
    Row(
        "source",
        "file replaced by another while it is read",
        of(_two),
        refused("was replaced by another recording while it was read"),
        during=_replaced,
    ),
    Row(
        "source",
        "file grows while it is read",
        of(long),
        Expect(0, "was changed while it was read", leaves=frozenset(RESULT_FILES), check=_undated),
        during=_grows,
    ),
    Row(
        "source",
        "H.264 with B-frames in AVI",
        of(drawn("x.avi", same, encoder="libx264", pix_fmt="yuv420p")),
        answered(*LEFT, quiet=True),
        quick=True,
    ),
    Row(
        "source",
        "an edit list that plays a part in slow motion",
        of(_slowed),
        answered(*LEFT, says="its edit list changes the speed (0.125 to 1 times"),
    ),
    Row(
        "source",
        "times jump ahead by 30 years",
        lambda p: ["analyze", _leaping(p), "--out", p.out],
        Expect(0, "1 times no frame came for more than 0.25 s"),
    ),
    Row(
        "source",
        "header states a frame in 68 years",
        of(stating(1, 2**31 - 1)),
        Expect(0, "low frame rate"),
    ),
    Row(
        "source",
        "folder, a second is missing by the numbers",
        of(_numbered(lambda i: i, [*range(25), *range(55, 120)]), "--fps", FPS),
        answered(*LEFT, says="30 images are missing by their numbers, at most 30 in a row"),
        quick=True,
    ),
    Row(
        "source",
        "folder, numbers step by 10",
        of(_numbered(lambda i: 10 * i, _ALL), "--fps", FPS),
        answered(*LEFT, says="step by 10 throughout"),
    ),
    Row(
        "source",
        "folder, numbers are milliseconds",
        of(_numbered(lambda i: round(1000 * i / FPS), _ALL), "--fps", FPS),
        answered(*LEFT, says="as times in ms do at 30 images/s"),
    ),
    Row(
        "source",
        "folder, the last number is 999,999,999",
        of(_numbered(lambda i: i if i < 119 else 999_999_999, _ALL), "--fps", FPS),
        refused("120 images over"),
    ),
    Row(
        "source",
        "folder, two images of one number",
        of(_twice, "--fps", FPS),
        refused("have the same number"),
    ),
    Row(
        "source",
        "times of images with decimal commas",
        of(_with_times(lambda i: f"{i / FPS:.4f}".replace(".", ","))),
        answered(*LEFT),
    ),
    Row(
        "source",
        "times of images end in 1e11",
        of(_with_times(lambda i: f"{i / FPS:.4f}" if i < 119 else "1e11")),
        refused("120 images over 1e+11 s"),
    ),
    Row(
        "source",
        "times of images end in 1e18",
        of(_with_times(lambda i: f"{i / FPS:.4f}" if i < 119 else "1e18")),
        refused("time_s is '1e18'; write a number below"),
    ),
    *(
        Row(
            "source",
            f"folder, --fps {fps}",
            of(images(".jpg", lambda b: b), "--fps", fps),
            refused(says, 2),
        )
        for fps, says in (
            ("1e-9", "is not in the range"),
            ("1e9", "is not in the range"),
            ("nan", "nan is not a number that can be used"),
        )
    ),
]
