"""A result with four movements, and reviews of it."""

from __future__ import annotations

from pathlib import Path

from hfs_vision.analysis.pipeline import detect
from hfs_vision.results import read_folder, reviewed_line
from hfs_vision.review import Review
from tests.synthetic import Recording

LEFT, RIGHT = 0, 1
MACHINE = ("events.csv", "twitches.csv", "counts.csv", "signals.csv", "summary.json")


def save_result(path: Path) -> Path:
    """40 s: a twitch, a closure, a train of twitches, a jerk of the mouth, and no face for 1 s."""
    recording = Recording(40).lid(LEFT, 12, 0.4).lid(RIGHT, 18, 1.5).without_face(35, 1)
    recording.train(LEFT, 22, 5, gap_s=0.15).pull(RIGHT, 30, 0.4)
    detect(recording.measured()).save(path)
    return path


def opened(path: Path, reviewer: str = "AB", **more: Path) -> Review:
    return Review.open(read_folder(path), reviewer=reviewer, **more)


def texts(review: Review) -> list[str]:
    return [reviewed_line(row) for row in review.rows]


def contents(path: Path) -> dict[str, bytes]:
    return {name: (path / name).read_bytes() for name in MACHINE}
