"""Which way up faces are found to be: ``PORTRAITS`` and ``CLIPS`` are folders.

Every portrait and its mirror image, one picture each, and the first seconds of every clip are given
to `hfs_vision.analysis.first_look` in all four turns:
`python -m tests.benchmarks.first_look PORTRAITS CLIPS`
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from hfs_vision.analysis.first_look import TURNS, Looking
from hfs_vision.errors import SourceError
from hfs_vision.landmarks.face_identity import Picture
from hfs_vision.schema import Frame
from hfs_vision.video import open_source, read_picture, turned_picture
from tests.benchmarks.common import steps

SECONDS = 4.0
OUTCOMES = ("right", "not turned", "turned wrongly")


def portraits(folder: Path, every: int) -> Iterator[list[Frame]]:
    """A recording of one picture for each portrait, and for its mirror image."""
    for path in sorted(folder.glob("*.jpg"))[::every]:
        rgb = read_picture(path)
        for picture in (rgb, np.ascontiguousarray(rgb[:, ::-1])):
            yield [Frame(0, 0.0, picture)]


def clips(folder: Path) -> Iterator[list[Frame]]:
    """The first seconds of each clip."""
    for path in sorted(folder.iterdir()):
        try:
            with open_source(path) as source:
                yield list(islice(source, round(SECONDS * (source.info.nominal_fps or 30))))
        except SourceError:
            continue


def outcome(looking: Looking, frames: Iterable[Frame], turn: int) -> str | None:
    """What is found of a recording turned by so many degrees; ``None`` where no face is."""
    looking._sights.clear()
    looking._begun_s = looking._looked_s = math.nan
    looking.done = False
    for frame in frames:
        looking.add(Frame(frame.index, frame.time_s, _turned(frame.rgb, turn)))
        if looking.done:
            break
    if not looking._sights:
        return None
    found = looking.found().turned_deg
    if found == (360 - turn) % 360:
        return "right"
    return "not turned" if found == 0 else "turned wrongly"


def _turned(rgb: Picture, turn: int) -> Picture:
    return np.ascontiguousarray(turned_picture(rgb, turn))


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portraits", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--every", type=int, default=1, help="of the portraits, every so many")
    parser.add_argument("--landmarker", default="facemesh")
    given = parser.parse_args()
    with closing(Looking(given.landmarker)) as looking:
        for name, recordings in (
            ("portraits", portraits(given.portraits, given.every)),
            ("clips", clips(given.clips)),
        ):
            counted: dict[int, Counter[str | None]] = {turn: Counter() for turn in TURNS}
            for frames in steps(list(recordings), name):
                for turn in TURNS:
                    counted[turn][outcome(looking, frames, turn)] += 1
            print(f"| {name}, {given.landmarker}, turned by | {' | '.join(OUTCOMES)} | no face |")
            print("|---|---|---|---|---|")
            for turn, found in counted.items():
                cells = [str(found[each]) for each in (*OUTCOMES, None)]
                print(f"| {turn} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
