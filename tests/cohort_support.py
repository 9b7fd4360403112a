"""What the tests of cohorts share: diaries in memory, in files, and whole groups of persons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

import numpy as np

from hfs_vision.analysis.pipeline import detect
from hfs_vision.diary import (
    WHOLE,
    Diary,
    SegmentCounts,
    SessionRecord,
    Treatment,
    init_diary,
    open_diary,
)
from hfs_vision.results import EventRecord, write_reviewed
from hfs_vision.schema import KINDS, SIDES
from tests.synthetic import Recording

DAY_0 = date(2026, 3, 1)
TOXIN = "botulinum_toxin"
KIND = "hemifacial_spasm"


def segment(left: int, right: int, valid_s: float = 60.0, label: str = WHOLE) -> SegmentCounts:
    """So many events of one kind on either side, each of half a second."""
    seen = dict(zip(SIDES, (left, right), strict=True))
    counts = {(s, k): seen[s] if k == KIND else 0 for s in SIDES for k in KINDS}
    times = {key: 0.5 * count for key, count in counts.items()}
    return SegmentCounts(label=label, valid_s=valid_s, counts=counts, time_s=times)


def session(day: int, *segments: SegmentCounts, number: int = 0, **more: object) -> SessionRecord:
    """A session at 9:00 UTC, so many days after `DAY_0`."""
    started = datetime.combine(DAY_0 + timedelta(days=day), time(9), timezone.utc)
    values = {"settings_sha256": "a" * 64, "model_sha256": "b" * 64, "hfs_vision": "0.1.0"}
    return SessionRecord(
        number=number, started_utc=started, segments=segments, **{**values, **more}
    )


def treatment(day: int, kind: str = TOXIN) -> Treatment:
    return Treatment(date=DAY_0 + timedelta(days=day), kind=kind)


def diary(
    *sessions: SessionRecord,
    treatments: Sequence[Treatment] = (treatment(0),),
    person: str = "Ann",
    affected: str = "left",
    zone: str = "UTC",
) -> Diary:
    return Diary(
        person=person,
        affected_side=affected,
        timezone=zone,
        sessions=sessions,
        treatments=tuple(treatments),
    )


def group(n: int, effect: float, seed: int = 1, sessions: int = 3) -> list[Diary]:
    """Persons with rates of their own, which a treatment on day 0 multiplies by ``effect``."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(n):
        rate = rng.gamma(4.0, 2.0)
        records = []
        for day in [-40, -20, -3][:sessions] + [20, 40, 60][:sessions]:
            valid_s = float(rng.uniform(100, 300))
            mean = rate * valid_s / 60 * rng.gamma(10, 0.1) * (effect if day > 0 else 1.0)
            counts = segment(int(rng.poisson(mean)), int(rng.poisson(0.3)), valid_s)
            records.append(session(day, counts))
        made.append(diary(*records, person=f"Person {chr(65 + number)}"))
    return made


def save(given: Diary, path: Path) -> Path:
    """The same as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = init_diary(
        path, person=given.person, affected_side=given.affected_side, timezone=given.timezone
    )
    with open_diary(file) as store:
        for record in given.sessions:
            store.add(record)
        for each in given.treatments:
            store.add_treatment(each)
    return file


def rated(
    folder: Path, name: str, seen: Sequence[str], keep: int, second: int | None = None
) -> Path:
    """A result with an event of each side named, of which a person has kept the first ones.

    Args:
        folder: Where ``NAME.results`` is made.
        name: Of the recording.
        seen: Side of each event that the program has found.
        keep: How many a person accepted; the others are rejected.
        second: How many another person accepted, in ``second.csv``; no such file if ``None``.
    """
    path = folder / f"{name}.results"
    recording = Recording(20.0 + 3.0 * len(seen))
    for number, side in enumerate(seen):
        recording.lid(SIDES.index(side), 12.0 + 3.0 * number, 0.4)
    analysis = detect(recording.measured())
    assert [event.side for event in analysis.events] == list(seen)
    analysis.save(path, force=True)
    for file, kept in (("events.reviewed.csv", keep), ("second.csv", second)):
        if kept is None:
            continue
        rows = [
            EventRecord(i + 1, event, "accepted" if i < kept else "rejected")
            for i, event in enumerate(analysis.events)
        ]
        with (path / file).open("w", encoding="utf-8", newline="") as handle:
            write_reviewed(handle, rows)
    return path
