"""What `hfs-vision check` says of recordings that were spoilt on purpose, and what is then missed.

The sample with ten known movements is spoilt in one way at a time: smaller, darker, brighter, lit
from one side, noisy, out of focus, compressed, slowed down and filled up again. For each the
table shows what must be fixed and what is to be looked at, and how many of the movements an
analysis still finds. With a folder of real clips the verdicts on them are listed too.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from hfs_vision.analysis.pipeline import analyze
from hfs_vision.errors import NoFaceError
from hfs_vision.quality import FIX, YOURS, Check, check_recording
from hfs_vision.schema import SIDES, Frame
from hfs_vision.simulate.video_file import write_video
from hfs_vision.video import open_source
from tests.benchmarks.common import SAMPLE, Report, parser, steps

Spoil = Callable[[Iterable[Frame]], Iterator[Frame]]
_ALWAYS = ("length", "history", "mirror")
"""True of every sample, and of no interest here."""


def each(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Spoil:
    """Changes every picture by itself."""

    def spoil(frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            rgb = change(frame.rgb, np.random.default_rng(frame.index))
            yield replace(frame, rgb=np.clip(rgb, 0, 255).astype(np.uint8))

    return spoil


def scaled(width: int) -> Spoil:
    return each(
        lambda rgb, _: cv2.resize(
            rgb, (width, round(width * rgb.shape[0] / rgb.shape[1])), interpolation=cv2.INTER_AREA
        )
    )


def lit(gain: float) -> Spoil:
    return each(lambda rgb, _: rgb * gain)


def side_lit(least: float) -> Spoil:
    """Full light at the picture's right edge, less and less towards its left."""

    def change(rgb: np.ndarray, _: np.random.Generator) -> np.ndarray:
        across = np.linspace(-1.0, 1.0, rgb.shape[1])
        shade = least + (1.0 - least) / (1.0 + np.exp(-12.0 * across))
        return rgb * shade[None, :, None]

    return each(change)


def noisy(level: float) -> Spoil:
    return each(lambda rgb, rng: rgb + rng.normal(0.0, level, (*rgb.shape[:2], 1)))


def blurred(sigma: float) -> Spoil:
    return each(lambda rgb, _: cv2.GaussianBlur(rgb, (0, 0), sigma))


def moved(length: int) -> Spoil:
    """Blur of a movement to the side."""
    return each(lambda rgb, _: cv2.blur(rgb, (length, 1)))


def jpeg(quality: int) -> Spoil:
    def change(rgb: np.ndarray, _: np.random.Generator) -> np.ndarray:
        data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))

    return each(change)


def thinned(keep: int, of: int, *, filled: bool) -> Spoil:
    """Only the first frames of each group; those left out repeat the last one where filled."""

    def spoil(frames: Iterable[Frame]) -> Iterator[Frame]:
        last = None
        for frame in frames:
            if frame.index % of < keep:
                last = frame
                yield frame
            elif filled and last is not None:
                yield replace(frame, rgb=last.rgb)

    return spoil


def doubled(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Every picture twice, as 60 frames a second made of 30."""
    for frame in frames:
        yield frame
        yield replace(frame, time_s=frame.time_s + 1 / 60)


def same(frames: Iterable[Frame]) -> Iterator[Frame]:
    yield from frames


# Name, how the pictures are changed, and x264's constant rate factor.
SPOILT: tuple[tuple[str, Spoil, int], ...] = (
    ("as it is", same, 20),
    *((f"{w} pixels wide", scaled(w), 18) for w in (320, 240, 160, 120)),
    *((f"light x{g:g}", lit(g), 18) for g in (0.5, 0.35, 0.2, 0.1, 1.4, 1.8, 2.5)),
    *((f"one side x{g:g}", side_lit(g), 18) for g in (0.5, 0.25, 0.1, 0.03)),
    *((f"noise of {n}", noisy(n), 14) for n in (8, 16, 32, 48)),
    *((f"blur of {s:g} px", blurred(s), 18) for s in (1.5, 3, 4, 6)),
    *((f"movement of {n} px", moved(n), 18) for n in (9, 17)),
    *((f"crf {c}", same, c) for c in (28, 34, 40, 46)),
    *((f"jpeg {q}", jpeg(q), 14) for q in (50, 25, 10, 5)),
    ("15 frames/s", thinned(1, 2, filled=False), 20),
    ("15 as 30 frames/s", thinned(1, 2, filled=True), 20),
    ("25 as 30 frames/s", thinned(5, 6, filled=True), 20),
    ("30 as 60 frames/s", doubled, 20),
    ("30 as 60 frames/s, crf 32", doubled, 32),
)


def found_of(video: Path) -> tuple[int, int]:
    """How many of the sample's movements an analysis finds, and how many others it tells."""
    with SAMPLE.with_suffix(".truth.csv").open(encoding="utf-8", newline="") as handle:
        truth = [
            (row["side"], float(row["onset_s"]), float(row["offset_s"]))
            for row in csv.DictReader(handle)
            if row["side"] in SIDES
        ]
    try:
        events = [(e.side, e.onset_s, e.offset_s) for e in analyze(video).events]
    except NoFaceError:
        return 0, 0
    hits = sum(any(_meet(event, movement) for event in events) for movement in truth)
    extra = sum(not any(_meet(event, movement) for movement in truth) for event in events)
    return hits, extra


def _meet(a: tuple[str, float, float], b: tuple[str, float, float]) -> bool:
    """Whether two movements are of one side and overlap."""
    return a[0] == b[0] and a[1] < b[2] and b[1] < a[2]


def told(found: Check) -> dict[str, str]:
    """Topics of each verdict with their values, but for what is always true."""
    return {
        verdict: ", ".join(
            f"{f.topic} {f.value:.3g}"
            for f in found.findings
            if f.verdict == verdict and f.topic not in _ALWAYS
        )
        for verdict in (FIX, YOURS)
    }


def main() -> None:
    """One table of spoilt samples, and one of real clips."""
    arguments = parser(__doc__)
    arguments.add_argument("--clips", type=Path, help="folder of real clips to look at too")
    arguments.add_argument("--only", help="only what holds this text in its name")
    given = arguments.parse_args()
    report = Report(f"check: {SAMPLE.name}, spoilt on purpose")
    rows, kept = [], {}
    chosen = [s for s in SPOILT if given.only is None or given.only in s[0]]
    with tempfile.TemporaryDirectory() as folder:
        for name, spoil, crf in steps(chosen, "spoilt"):
            video = Path(folder) / "spoilt.mp4"
            with open_source(SAMPLE) as source:
                write_video(video, spoil(source), crf=crf)
            found = check_recording(video)
            hits, extra = found_of(video)
            words: dict[str, Any] = told(found)
            rows.append([name, words[FIX] or "-", words[YOURS] or "-", hits, extra])
            kept[name] = {**found.as_dict(), "hits": hits, "extra": extra}
    report.table(
        "spoilt in one way at a time", ["", "fix", "look", "found of 10", "invented"], rows
    )
    clips = {}
    if given.clips:
        for path in steps(sorted(given.clips.iterdir()), "clips"):
            clips[path.stem] = check_recording(path)
        table = [[name, *(told(c)[v] or "-" for v in (FIX, YOURS))] for name, c in clips.items()]
        report.table("real clips", ["clip", "fix", "look"], table)
    report.keep(spoilt=kept, clips={name: found.as_dict() for name, found in clips.items()})
    report.write(given.json)


if __name__ == "__main__":
    main()
