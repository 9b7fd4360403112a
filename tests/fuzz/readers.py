"""What must hold of each reader, whatever its file holds.

It gives a value, or refuses the file with an error of ours; any other error escapes and is a
finding, and so is a warning of NumPy. What was read can be written, and reads the same then.
"""

from __future__ import annotations

import io
import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import TextIO, TypeVar

import cv2
import numpy as np

from hfs_vision.analysis.pipeline import detect
from hfs_vision.analysis.result import RESULT_FILES
from hfs_vision.batch.cohort import COHORT_COLUMNS, RECORD_FILE, Cohort, result_folder
from hfs_vision.batch.names import STATE, read_names
from hfs_vision.cli.options import read_settings
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.settings import Settings
from hfs_vision.errors import HfsVisionError, UsageError
from hfs_vision.evaluation.read_references import CONFIDENCES, read_event_file
from hfs_vision.live.protocol import COLUMNS, open_protocol
from hfs_vision.report import numbers
from hfs_vision.results import (
    COHORT_FILE,
    EVENT_COLUMNS,
    EVENTS_FILE,
    MARK_COLUMNS,
    MARKS_FILE,
    MEASURED_COLUMNS,
    REVIEWED_COLUMNS,
    REVIEWED_FILE,
    SIGNAL_COLUMNS,
    SIGNALS_FILE,
    SUMMARY_FILE,
    TWITCH_COLUMNS,
    TWITCHES_FILE,
    VERDICTS,
    line,
    parse_number,
    read_events,
    read_folder,
    read_marks,
    read_reviewed,
    read_rows,
    read_segments,
    read_signals,
    write_events,
    write_json,
    write_reviewed,
    write_signals,
    write_twitches,
)
from hfs_vision.results.read_tables import as_measurements
from hfs_vision.review import Review
from hfs_vision.review.fields import clean_comment
from hfs_vision.schema import COMPONENTS, KINDS, REGIONS, SIDES
from hfs_vision.simulate.truth import read_script, write_truth
from hfs_vision.video import TIMESTAMPS_NAME
from hfs_vision.video.images import ImageFolder
from tests.fuzz.diary import COHORT_WORDS, LIVE_WORDS, added, diary_beside
from tests.synthetic import Recording

_MOST_ROWS = 200  # of signals that are also decided on
_PART_S = 60.0

_T = TypeVar("_T")


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Attributes:
        file: Where it is in the folder of its own that it gets, with what belongs beside it.
        check: Reads it, and all that must hold; given its path.
        words: What stands in such files.
        beside: Writes what belongs beside it into the folder.
    """

    file: str
    check: Callable[[Path], None]
    words: Sequence[str] = ()
    beside: Callable[[Path], None] = lambda folder: None


def accepts(reader: Reader, folder: Path, content: bytes) -> bool:
    """Whether the reader took the content; all but its own refusal is raised."""
    path = folder / reader.file
    path.write_bytes(content)
    try:
        reader.check(path)
    except HfsVisionError:
        return False
    return True


def prepared(reader: Reader, folder: Path) -> Path:
    """The folder, with what belongs beside the reader's file."""
    (folder / reader.file).parent.mkdir(parents=True, exist_ok=True)
    reader.beside(folder)
    return folder


# What a reader reads


def _events(path: Path) -> None:
    read, again = _written(path, read_events, write_events)
    assert len(read) == len(again)
    for before, after in zip(read, again, strict=True):
        assert (before.side, before.kind) == (after.side, after.kind)
        assert math.isclose(before.onset_s, after.onset_s, abs_tol=1e-6)
        assert math.isclose(before.offset_s, after.offset_s, abs_tol=1e-6)


def _reviewed(path: Path) -> None:
    read, again = _written(path, read_reviewed, write_reviewed)
    assert [_said(row) for row in read] == [_said(row) for row in again]
    with Review.open(read_folder(path.parent), reviewer="Ann") as review:
        for row in review.rows[:2]:
            _taken_back(review, row.number)
        before = review.rows
    with Review.open(read_folder(path.parent), reviewer="Bob") as review:
        assert [_said(row) for row in review.rows] == [_said(row) for row in before]


def _taken_back(review: Review, number: int) -> None:
    """A change that is allowed can be taken back, and nothing is left of it but the history.

    Control characters in a comment do not come back.
    """

    def words(comment: str) -> list[str]:
        return clean_comment(comment, math.inf).split()

    def said() -> list[object]:
        return [(r.number, r.verdict, words(r.comment), r.event.kind) for r in review.rows]

    before = said()
    try:
        review.change(number, comment="no; yes", verdict="rejected")
    except UsageError:
        return
    with _no_refusal():
        review.undo()
    assert not review.unsaved
    assert said() == before


def _said(row: object) -> list[str]:
    names = ("number", "verdict", "comment", "reviewer", "reviewed_utc", "history")
    return [str(getattr(row, name)) for name in names]


def _twitches(path: Path) -> None:
    def read(path: Path) -> list[object]:
        return list(read_folder(path.parent).machine_events)

    _written(path, read, write_twitches)


def _signals(path: Path) -> None:
    quick, careful = _outcome(partial(read_signals, path)), _outcome(partial(_by_cells, path))
    assert isinstance(quick, str) == isinstance(careful, str), (quick, careful)
    measured = read_signals(path)
    if len(measured) > _MOST_ROWS:
        return
    found = detect(measured)

    def write(handle: TextIO, _: object) -> None:
        write_signals(handle, found.measurements, found.signals)

    for one, other in (_written(path, read_signals, write), (careful, measured)):
        for f in fields(Measurements):
            np.testing.assert_allclose(getattr(one, f.name), getattr(other, f.name), atol=1e-6)
    found.save(path.parent / "decided", force=True)
    assert len(read_folder(path.parent / "decided").machine_events) == len(found.events)


def _by_cells(path: Path) -> Measurements:
    """Signals as they are read where a person may have edited them; numbers alone go faster."""
    names = ("time_s", *MEASURED_COLUMNS)
    rows = [
        [parse_number(path, number, name, cells[name]) for name in names]
        for number, cells in read_rows(path, names, grown=SIGNAL_COLUMNS)
    ]
    columns = np.array(rows).reshape(-1, len(names)).T
    return as_measurements(path, dict(zip(names, columns, strict=True)))


def _marks(path: Path) -> None:
    def write(handle: TextIO, marks: Sequence[object]) -> None:
        handle.write(line(MARK_COLUMNS))
        handle.writelines(line(asdict(mark).values()) for mark in marks)  # type: ignore[call-overload]

    segments = _outcome(lambda: read_segments(path))
    read, again = _written(path, read_marks, write)
    assert [(mark.kind, mark.label) for mark in read] == [(m.kind, m.label) for m in again]
    if not isinstance(segments, str):
        assert len(segments) == sum(mark.kind == "segment" for mark in read)
        detect(_recording().measured(), segments=segments)


def _settings(path: Path) -> None:
    def write(handle: TextIO, settings: Settings) -> None:
        write_json(handle, {"settings": settings.as_dict()})

    _written(path, partial(read_settings, options={}), write)


def _summary(path: Path) -> None:
    def read(path: Path) -> dict[str, object]:
        return dict(read_folder(path.parent).summary.values)

    _written(path, read, write_json)
    folder = read_folder(path.parent)
    assert folder.sha256 is None or isinstance(folder.sha256, str)
    assert isinstance(folder.valid_s, float)
    found = numbers.overview(folder)
    told = (numbers.count_rows, numbers.stretches, numbers.spreads, numbers.facts)
    for tell in (*told, numbers.versions, numbers.setting_rows):
        assert str(tell(found))


def _protocol(path: Path) -> None:
    protocol = open_protocol(str(path))
    assert 0 < protocol.duration_s < math.inf
    assert protocol.at(protocol.duration_s) is None
    for share in (0.0, 0.5, 0.999):
        cue = protocol.at(share * protocol.duration_s)
        assert cue is not None
        assert cue.left_s > 0
        assert cue.label == protocol.steps[cue.step].label


def _labels(path: Path) -> None:
    for may_overlap in (True, False):
        found = _outcome(partial(read_event_file, path, may_overlap=may_overlap))
        assert may_overlap or isinstance(found, str) or found == read_event_file(path)
    found = read_event_file(path)
    sure = read_event_file(path, min_confidence=CONFIDENCES[-1])
    marks = (*found.events, *found.unsure)
    assert sorted(map(str, marks)) == sorted(map(str, (*sure.events, *sure.unsure)))
    for mark in (*marks, *found.situations):
        assert mark.offset_s > mark.onset_s
    assert 0 <= found.end_s < math.inf


def _script(path: Path) -> None:
    script = read_script(path)
    with _no_refusal():
        write_truth(path, script)
        again = read_script(path)
    assert len(again) == len(script)


def _timestamps(path: Path) -> None:
    folder = ImageFolder(path.parent, None)
    times = [frame.time_s for frame in folder]
    assert times == sorted(set(times))
    cuts = folder.cuts(_PART_S)
    assert len(cuts) < 10_000
    parts = zip([-math.inf, *cuts], [*cuts, math.inf], strict=True)
    assert [f.time_s for part in parts for f in folder.part(*part)] == times


def _names(path: Path) -> None:
    def write(handle: TextIO, names: dict[str, object]) -> None:
        write_json(handle, names)

    out = path.parents[1]
    read, again = _written(path, lambda _: read_names(out), write)
    assert read == again
    for name in read.values():
        assert result_folder(out, name).parent == out, name
    Cohort(out).update(at_once=True)


def _record(path: Path) -> None:
    Cohort(path.parents[1]).update(at_once=True)


# What is beside it


@cache
def _recording() -> Recording:
    return Recording(16.0, 20.0).jitter(3).lid(0, 12.0, 0.4).pull(1, 14.0, 0.5)


def _result(folder: Path) -> None:
    made = folder / "made"
    detect(_recording().measured()).save(made, force=True)
    for name in RESULT_FILES:
        if (made / name).exists():
            shutil.move(made / name, folder / name)


def _result_and_diary(folder: Path) -> None:
    _result(folder)
    diary_beside(folder)


def _images(folder: Path) -> None:
    for name in ("1.png", "2.png", "10.png"):
        cv2.imwrite(str(folder / name), np.zeros((4, 4, 3), np.uint8))


def _batch(folder: Path) -> None:
    (folder / STATE).mkdir(exist_ok=True)
    (folder / STATE / "names.json").write_text(json.dumps({"/a.mp4": "a"}), encoding="utf-8")
    (folder / "a.results").mkdir(exist_ok=True)
    numbers = {n: 2 for n in COHORT_COLUMNS if n.endswith("_count")}
    numbers |= dict.fromkeys(("duration_s", "valid_s", "coverage", "frames", "blinks"), 1)
    texts = {"identity": "i", "name": "a", "result": "a.results", "sha256": "s", "status": "done"}
    record = {**texts, **numbers}
    (folder / "a.results" / RECORD_FILE).write_text(json.dumps(record), encoding="utf-8")


# How it is checked


def _written(
    path: Path, read: Callable[[Path], _T], write: Callable[[TextIO, _T], None]
) -> tuple[_T, _T]:
    """What the file says and what it says once that was written in its place.

    Numbers are rounded the first time; from then on no byte may change.
    """
    values, texts = [read(path)], []
    with _no_refusal():
        for _ in range(3):
            text = io.StringIO()
            write(text, values[-1])
            texts.append(text.getvalue())
            path.write_bytes(texts[-1].encode("utf-8"))
            values.append(read(path))
    assert texts[1] == texts[2]
    return values[0], values[1]


@contextmanager
def _no_refusal() -> Iterator[None]:
    """What this program wrote itself it must take."""
    try:
        yield
    except HfsVisionError as error:
        raise AssertionError(f"what was read and written is refused: {error}") from error


def _outcome(read: Callable[[], _T]) -> _T | str:
    """What it gives, or why it refuses."""
    try:
        return read()
    except HfsVisionError as error:
        return str(error)


_CELLS = (*SIDES, *REGIONS, *COMPONENTS, *KINDS, "nan", "1e308", "-0.0000001", '"', "TRUE")
_LABELS = (*CONFIDENCES, "both", "blink", "smile", "wink", "talk", "confidence", "other")
_JSON = ("settings", "source", "sha256", "valid_s", "NaN", "Infinity", "null", "1e400", "\\ud800")
_SUMMARY = ("fps", "coverage", "warnings", "subject", "versions", "hfs_vision", "live", "model")
_KINDS = ("segment", "mark", "lost", "rest", "camera lost")

READERS = {
    "events": Reader(EVENTS_FILE, _events, (*EVENT_COLUMNS, *_CELLS)),
    "reviewed": Reader(
        REVIEWED_FILE,
        _reviewed,
        (*REVIEWED_COLUMNS, *_CELLS, *VERDICTS[1:], "#1 2026-01-01T00:00:00Z A ", " -> ", "added"),
        _result,
    ),
    "twitches": Reader(TWITCHES_FILE, _twitches, (*TWITCH_COLUMNS, *_CELLS), _result),
    "signals": Reader(SIGNALS_FILE, _signals, SIGNAL_COLUMNS),
    "marks": Reader(MARKS_FILE, _marks, (*MARK_COLUMNS, *_KINDS)),
    "settings": Reader("settings.json", _settings, (*(f.name for f in fields(Settings)), *_JSON)),
    "summary": Reader(SUMMARY_FILE, _summary, (*_SUMMARY, *_JSON), _result),
    "protocol": Reader("protocol.csv", _protocol, COLUMNS),
    "labels": Reader("labels.csv", _labels, (*EVENT_COLUMNS, *_CELLS, *_LABELS)),
    "script": Reader("script.csv", _script, (*EVENT_COLUMNS, *_CELLS, *_LABELS, "angle_deg")),
    "timestamps": Reader(TIMESTAMPS_NAME, _timestamps, ("time_s", "file", "2.png"), _images),
    "names": Reader(f"{STATE}/names.json", _names, ("../a", "/a.mp4", *_JSON), _batch),
    "diary_row": Reader(COHORT_FILE, added, COHORT_WORDS, diary_beside),
    "diary_result": Reader(
        SUMMARY_FILE, added, (*_SUMMARY, *_JSON, *LIVE_WORDS), _result_and_diary
    ),
    "record": Reader(f"a.results/{RECORD_FILE}", _record, ("status", "done", *_JSON), _batch),
}
