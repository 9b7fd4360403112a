"""Sessions, diaries and result folders that the tests of the diary share."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np

from hfs_vision.analysis.pipeline import detect
from hfs_vision.diary import WHOLE, SegmentCounts, SessionRecord, init_diary, open_diary
from hfs_vision.diary.records import KEYS
from hfs_vision.results import MARK_COLUMNS, line
from tests.synthetic import Recording

START = datetime(2026, 1, 5, 9, 30, tzinfo=timezone.utc)
LABELS = ("rest", "reading", "talking")
LEFT_TWITCH, RIGHT_PULL = ("left", "eyelid_twitch"), ("right", "mouth_pull")


def new_diary(path: Path, timezone: str = "Europe/Vienna") -> Path:
    return init_diary(path, person="Ann", affected_side="left", timezone=timezone)


def segment(label: str = WHOLE, valid_s: float = 60.0, seed: int = 0) -> SegmentCounts:
    random = np.random.default_rng(seed)
    counts = dict(zip(KEYS, random.poisson(3.0, len(KEYS)).tolist(), strict=True))
    return SegmentCounts(
        label=label,
        valid_s=valid_s,
        counts=counts,
        time_s={key: 0.25 * count for key, count in counts.items()},
    )


def session(day: int = 0, *, labels: Iterable[str] = (), **fields: object) -> SessionRecord:
    """A session of a recording of its own, so many days after the first."""
    parts = [segment(label, 60.0, 10 * day + i) for i, label in enumerate((WHOLE, *labels))]
    values: dict[str, object] = {
        "started_utc": START + timedelta(days=day),
        "sha256": f"{day:064x}",
        "result": f"{day}.results",
        "result_sha256": f"{day + 1:064x}",
        "device": "file",
        "settings_sha256": "a" * 64,
        "model_sha256": "b" * 64,
        "landmarker": "facemesh",
        "hfs_vision": "0.1.0",
        "fps": 30.0,
        "face_px": 150.5,
        "width": 1280,
        "height": 720,
        "duration_s": 62.5,
        "segments": tuple(parts),
    }
    return SessionRecord(**{**values, **fields})


def comparable(record: SessionRecord) -> object:
    """The record without its number, equal to another also where both have NaN."""
    parts = [
        (s.label, repr(s.valid_s), dict(s.counts), {k: repr(v) for k, v in s.time_s.items()})
        for s in record.segments
    ]
    values = {k: v for k, v in vars(record).items() if k not in ("number", "segments")}
    numbers = {k: repr(float(v)) for k, v in values.items() if isinstance(v, float)}
    return {**values, **numbers}, parts


def result_folder(
    path: Path,
    *,
    sha256: str | None = "c" * 64,
    recorded_utc: str | None = "2026-03-01T08:30:00+00:00",
    segments: Iterable[tuple[float, str]] = (),
    onsets: Iterable[float] = (12.0, 20.0),
    **summary: object,
) -> Path:
    """A result of 30 s with a twitch of the left lid at each onset, and a pull of the right
    corner at 15 s, as a recording of a file would leave it.
    """
    recording = Recording(30.0).pull(1, 15.0, 1.5)
    for onset_s in onsets:
        recording.lid(0, onset_s, 0.4)
    segments = list(segments)
    source = {
        "kind": "file",
        "width": 640,
        "height": 480,
        "sha256": sha256,
        "recorded_utc": recorded_utc,
    }
    model = {"landmarker": "facemesh", "sha256": "d" * 64}
    made = detect(
        recording.measured(),
        segments=[(label, start_s) for start_s, label in segments],
        inherited={"source": source, "model": model},
    )
    made.save(path, force=True)
    if segments:
        rows = (MARK_COLUMNS, *((start_s, "segment", label) for start_s, label in segments))
        (path / "marks.csv").write_text("".join(map(line, rows)), encoding="utf-8")
    if summary:
        file = path / "summary.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **summary}))
    return path


def writer(path: Path, first: int, stop: int) -> tuple[BaseProcess, Connection]:
    """A process that adds the sessions of some days, and a pipe that tells when it has begun.

    It is forked from one that has imported all it needs, so that many of them cost no minute.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.diary_support", "hfs_vision.diary.store"])
    begun, tell = context.Pipe(duplex=False)
    process = context.Process(target=_add, args=(path, first, stop, tell))
    process.start()
    tell.close()
    return process, begun


def _add(path: Path, first: int, stop: int, tell: Connection) -> None:
    with open_diary(path) as store:
        for day in range(first, stop):
            store.add(session(day, labels=LABELS))
            if day == first:
                tell.send("begun")


def without_times(record: SessionRecord) -> SessionRecord:
    """The same as a table of a batch tells it, which holds no durations."""
    nothing = dict.fromkeys(KEYS, math.nan)
    return replace(record, segments=tuple(replace(s, time_s=nothing) for s in record.segments))
