"""Damaged files: how many give wrong pictures, and do parts of them give what the whole gives?

Each codec's clip of 130 pictures is damaged again and again, 1 to 2,000 bytes at a place of its own
each time, and decoded as the program does (strict) and as FFmpeg does by itself (tolerant). A
picture is wrong where it differs from the sound clip's of the same time.
"""

from __future__ import annotations

import itertools
import math
import random
import shutil
import tempfile
from pathlib import Path

from hfs_vision.errors import SourceError
from hfs_vision.video.file import VideoFile
from tests import clips
from tests.benchmarks.common import Report, parser, steps
from tests.video.test_parts import CUT, look

_CLIPS = ("closed.mp4", "open.mkv", "hevc.mkv", "mpeg4.mp4")
_LENGTHS = (1, 2, 4, 40, 200, 600, 2000)
_CUTS_S = (-math.inf, 0.96, 1.7, 1.9461, 1.9498, 2.4, 3.64, math.inf)


def judged(path: Path, sound: dict[float, object], *, strict: bool) -> tuple[int, bool, bool]:
    """Wrong pictures, whether a warning tells of damage, and whether parts differ from the whole.

    Raises:
        SourceError: The file cannot be opened.
    """
    with VideoFile(path) as source:
        source.strict = strict
        whole, told = look(source), bool(source.stats.warnings())
        wrong = sum(seen != sound.get(seen[0], seen) for seen in whole)
        apart = any(
            look(source.part(a, b)) != [seen for seen in whole if a <= seen[0] < b]
            for a, b in itertools.pairwise(_CUTS_S)
        )
    return wrong, told, apart


def main() -> None:
    """Damages each clip as often as is asked for."""
    arguments = parser(__doc__)
    arguments.add_argument("--files", type=int, default=100, help="of each [default: 100]")
    given = arguments.parse_args()
    report, rows = Report("damaged files"), []
    with tempfile.TemporaryDirectory() as folder:
        for name in _CLIPS:
            base, path = Path(folder) / name, Path(folder) / f"damaged_{name}"
            recipe = {"ticks": range(0, 5200, 40), "draw": clips.noisy_picture, **CUT[name]}
            clips.write_clip(base, **recipe)
            with VideoFile(base) as source:
                sound: dict[float, object] = {seen[0]: seen for seen in look(source)}
            counts = {True: [0, 0, 0], False: [0, 0, 0]}
            for seed in steps(range(given.files), name):
                rng = random.Random(seed)
                shutil.copy(base, path)
                at, length = rng.uniform(0.02, 0.98), rng.choice(_LENGTHS)
                clips.damage(path, at=at, n_bytes=length, seed=seed)
                for strict, found in counts.items():
                    try:
                        wrong, told, apart = judged(path, sound, strict=strict)
                    except SourceError:
                        continue
                    found[0] += wrong > 0
                    found[1] += wrong > 0 and not told
                    found[2] += apart
            for strict, found in counts.items():
                rows.append([name, "strict" if strict else "tolerant", *found])
    report.table(
        f"files of {given.files}",
        ["clip", "decoder", "wrong pictures", "of these without a warning", "parts differ"],
        rows,
    )
    report.keep(files=given.files, rows=rows)
    report.write(given.json)


if __name__ == "__main__":
    main()
