"""``python -m tests.fuzz.results``: seeded mutations of a whole result folder and of a diary.

Each case changes one file of a result of a live session (or a cell of its diary) as a hand, a
spreadsheet, a disk or another program would, and lets every reader and command have it, in this
process. Each must succeed or refuse with an error of ours, and soon; all else is a finding, which
the number of the case makes again: ``--case 17``.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import signal
import sqlite3
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from hfs_vision.cli import main
from hfs_vision.errors import HfsVisionError
from hfs_vision.results import (
    EVENTS_FILE,
    MARKS_FILE,
    REVIEWED_FILE,
    SEGMENTS_FILE,
    SIGNALS_FILE,
    SUMMARY_FILE,
    TWITCHES_FILE,
    read_folder,
    write_reviewed,
)
from hfs_vision.results.reviewed import EventRecord
from hfs_vision.web.session import ReviewSession
from hfs_vision.web.traces import decimated
from tests.diary_support import new_diary, result_folder

DIARY_FILE, RESULT, COPIES = "p.diary", "a.results", 3
LIMIT_S = 60.0
"""Of processor time for one command on one damaged folder; none takes three."""

TABLES = (EVENTS_FILE, REVIEWED_FILE, TWITCHES_FILE, SIGNALS_FILE, MARKS_FILE, SEGMENTS_FILE)
FILES = (SUMMARY_FILE, *TABLES, DIARY_FILE)

_ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 5, 1e7, 1e11, 1e300, -0.0, 0.5, 2**40, "", "abc", "1,5", "\ud800", "é"),
    *([], [1], ["x", 5], {}, {"a": 1}, float("nan"), float("inf"), "0001-01-01T00:00:00+00:00"),
    *("left", "2026-03-01", "9999-12-31", "=1+1", "a" * 2000),
)
_CELLS = (
    *("", "nan", "inf", "-1", "0", "1", "5", "abc", "1e7", "1e11", "1e300", "0.5", "1,5", "1.633"),
    *("left", "both", "eye", "tonic", "segment", "mark", "TRUE", "'", '"', "é", "-0.0000001"),
    *("added", "rejected", "2026", "=1+1", "a" * 2000),
)
_CODES, _SIGNALLED = (0, 1, 2), (130, 143)
_DRAWN = 8
"""Every so many cases draw a report or a trend, which takes longer than all else."""


@dataclass(frozen=True)
class Finding:
    """What a case brought to light."""

    number: int
    file: str
    command: str
    told: str


def sound(folder: Path) -> Path:
    """A result folder with all that it may hold, and a diary that holds it."""
    result = result_folder(
        folder / RESULT,
        segments=[(0.0, "rest"), (14.0, "reading")],
        onsets=(12.0,),
        live={"started_utc": "2026-03-01T08:30:00+00:00", "protocol": "clinical"},
    )
    marks = result / MARKS_FILE
    marks.write_text(marks.read_text() + "16.000000,mark,\n20.000000,pause,\n", encoding="utf-8")
    events = read_folder(result).machine_events
    rows = [EventRecord(n, event, "accepted", "seen") for n, event in enumerate(events, 1)]
    with (result / REVIEWED_FILE).open("w", encoding="utf-8", newline="") as handle:
        write_reviewed(handle, rows)
    _command("diary", "add", new_diary(folder / DIARY_FILE), result)
    for day in range(1, COPIES):
        name = f"{day}.results"
        result_folder(folder / name, sha256=f"{day:064x}", recorded_utc=f"2026-03-1{day}T08:30:00Z")
        _command("diary", "add", folder / DIARY_FILE, folder / name)
        shutil.rmtree(folder / name)
    added = ["--date", "2026-03-05", "--kind", "botulinum_toxin"]
    _command("diary", "treatment", folder / DIARY_FILE, *added)
    return folder


def mutated(number: int, original: Path, folder: Path, seed: int = 0) -> str:
    """Copies the folder and damages one file of it; gives the file's name.

    All follows from seed and number: which file, and what is done to it.
    """
    shutil.copytree(original, folder)
    rng = np.random.default_rng([seed, number])
    name = FILES[number % len(FILES)]
    path = folder / name if name == DIARY_FILE else folder / RESULT / name
    if name == DIARY_FILE:
        _damage_diary(path, rng)
    elif rng.random() < 0.25:
        path.write_bytes(_damaged(path.read_bytes(), rng))
    elif name == SUMMARY_FILE:
        values = json.loads(path.read_text(encoding="utf-8"))
        for _ in range(int(rng.integers(1, 4))):
            _damage_values(values, rng)
        path.write_text(json.dumps(values), encoding="utf-8")
    else:
        text = path.read_text(encoding="utf-8")
        path.write_text(_damaged_table(text, rng), encoding="utf-8", newline="")
    return name


def findings(number: int, original: Path, place: Path, seed: int = 0) -> Iterator[Finding]:
    """What goes wrong with one case."""
    folder = place / f"case-{number}"
    try:
        name = mutated(number, original, folder, seed)
        for told, command in _commands(folder, name, number):
            wrong = _wrong(command)
            if wrong:
                yield Finding(number, name, told, wrong)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _commands(
    folder: Path, damaged: str, number: int
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every command that reads what was damaged."""
    diary = folder / DIARY_FILE
    asked = (
        _of_diary(folder, diary, number) if damaged == DIARY_FILE else _of_result(folder, number)
    )
    for arguments in asked:
        told = " ".join(map(str, arguments)).replace(f"{folder}/", "")
        yield told, partial(_command, *arguments)
    if damaged != DIARY_FILE:
        yield "review", partial(_review, folder / RESULT)


def _of_result(folder: Path, number: int) -> list[tuple[object, ...]]:
    result, out, new = folder / RESULT, folder / "out", folder / "new.diary"
    turn = number // len(FILES)
    to = ("mne", "bids", "elan", "boris")[turn % 4]
    return [
        *([("report", result)] if turn % _DRAWN == 0 else []),
        ("detect", result / SIGNALS_FILE, "--out", out / "detected", "--no-report"),
        ("evaluate", result / EVENTS_FILE, result / REVIEWED_FILE),
        ("export", result, "--to", to, "--out", out / to),
        ("cohort", "raters", result),
        ("diary", "init", new, "--person", "N", "--affected", "left", "--timezone", "UTC"),
        ("diary", "add", new, result, "--allow-partial"),
        ("diary", "add", new, result, "--allow-partial", "--update", "--date", "2026-04-01"),
        ("diary", "list", new),
        ("diary", "show", new, 1),
        ("diary", "recompute", new),
    ]


def _of_diary(folder: Path, diary: Path, number: int) -> list[tuple[object, ...]]:
    out, drawn = folder / "out", number // len(FILES) % _DRAWN == 0
    return [
        ("diary", "list", diary),
        ("diary", "show", diary, 1),
        ("diary", "add", diary, folder / RESULT, "--update", "--date", "2026-04-01"),
        *([("diary", "trend", diary, "--out", out / "trend")] if drawn else []),
        ("diary", "export", diary, "--out", out / "exported"),
        ("diary", "export", diary, "--out", out / "safe", "--deidentify"),
        ("diary", "recompute", diary),
        ("cohort", "table", diary, "--out", out / "cohort"),
        ("cohort", "compare", diary, "--treatment", "botulinum_toxin"),
    ]


def _command(*arguments: object) -> str:
    """Runs the command line in this process; what it showed."""
    shown = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    asked = ["hfs-vision", *map(str, arguments)]
    code: object = 0
    with patch.object(sys, "argv", asked), redirect_stdout(shown), redirect_stderr(shown):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    told = shown.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]
    if code in _SIGNALLED:
        raise KeyboardInterrupt  # which ends the run, and is no finding
    if code not in _CODES or (code and "error: " not in told.lower()):
        raise AssertionError(f"exit code {code}: {told}")
    return str(told)


def _review(result: Path) -> None:
    """What the page of a review asks for when it opens."""
    try:
        folder = read_folder(result)
        opened = ReviewSession(folder, video=None, file=None, reviewer="R", report=False)
    except HfsVisionError:
        return
    with opened as session:
        facts = session.facts()
        json.dumps(facts, allow_nan=False).encode()
        decimated(folder.signals, facts["start_s"], facts["end_s"], 1200)
        numbers = [row.number for row in session.review.rows]
        with suppress(HfsVisionError):  # of a row that cannot be changed
            session.apply(
                -1, lambda review: review.change(next(iter(numbers), 1), verdict="rejected")
            )


def _wrong(command: Callable[[], object]) -> str:
    """The last lines of a traceback, or that it took too long; empty where all is well."""
    try:
        with _limited(), warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            command()
    except Exception:
        return "".join(traceback.format_exc().splitlines(keepends=True)[-8:])
    return ""


@contextmanager
def _limited() -> Iterator[None]:
    """At most `LIMIT_S` of processor time, however busy the machine is."""

    def end(number: int, frame: object) -> None:
        raise TimeoutError(f"no end within {LIMIT_S:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


# How things are damaged


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Bytes that a disk, a wrong encoding or an end too soon leaves."""
    size = max(len(content), 2)
    at = int(rng.integers(1, size))
    kind = int(rng.integers(5))
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + bytes(64) + content[at + 64 :]
    if kind == 2:
        return content.decode("utf-8").encode("utf-16")
    changed = bytearray(content)
    for bit in rng.integers(0, 8 * len(changed), int(rng.integers(1, 20))).tolist():
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _damage_values(values: dict[str, Any], rng: np.random.Generator) -> None:
    """Changes one value, at any depth, takes it out, or adds one."""
    name = list(values)[int(rng.integers(len(values)))] if values else "x"
    inner = values.get(name)
    if isinstance(inner, dict) and inner and rng.random() < 0.7:
        _damage_values(inner, rng)
    elif rng.random() < 0.1:
        del values[name]
    elif isinstance(inner, (int, float)) and rng.random() < 0.3:
        values[name] = inner * float(rng.choice([1000, -1, 1e-3, 1e6]))
    else:
        values[name] = _ODD[int(rng.integers(len(_ODD)))]


def _damaged_table(text: str, rng: np.random.Generator) -> str:
    """Changes cells, rows and columns, or the whole, as a spreadsheet may."""
    rows = [line.split(",") for line in text.splitlines()]
    kind = int(rng.integers(10))
    if kind == 0:
        rows = [rows[0], *(row for row in rows[1:] for _ in range(int(rng.integers(3))))]
    elif kind == 1:
        order = rng.permutation(len(rows) - 1) + 1
        rows = [rows[0], *(rows[i] for i in order.tolist())]
    elif kind == 2:
        return text.replace(",", ";").replace(".", ",")
    elif kind == 3:
        column = int(rng.integers(len(rows[0])))
        rows = [row[:column] + row[column + 1 :] for row in rows]
    elif kind == 4:
        column, scale = int(rng.integers(len(rows[0]))), float(rng.choice([1000, 1e6, -1, 1e-6]))
        for row in rows[1:]:
            row[column] = _scaled(row[column], scale)
    elif kind == 5:
        rows = [
            row + [f"more{i}" if not n else "" for i in range(3000)] for n, row in enumerate(rows)
        ]
    else:
        for _ in range(int(rng.integers(1, 4))):
            row = rows[int(rng.integers(len(rows)))]
            row[int(rng.integers(len(row)))] = _CELLS[int(rng.integers(len(_CELLS)))]
    return "".join(",".join(row) + "\n" for row in rows)


def _scaled(cell: str, scale: float) -> str:
    try:
        return f"{float(cell) * scale:.6f}"
    except ValueError:
        return cell


def _damage_diary(path: Path, rng: np.random.Generator) -> None:
    """Changes cells as another program can, or the bytes of the file."""
    if rng.random() < 0.2:
        path.write_bytes(_damaged_pages(path.read_bytes(), rng))
        return
    with closing(sqlite3.connect(path)) as connection:
        for _ in range(int(rng.integers(1, 3))):
            table = str(rng.choice(["session", "segment", "treatment", "person"]))
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            name = str(rng.choice(names))
            value = _ODD[int(rng.integers(len(_ODD)))]
            if isinstance(value, (list, dict)) or value == "\ud800":
                value = json.dumps(value)
            try:
                connection.execute(f"UPDATE {table} SET {name} = ?", [value])
            except sqlite3.Error:  # what the layout itself refuses
                connection.rollback()
            else:
                connection.commit()


def _damaged_pages(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for at in rng.integers(0, len(changed), int(rng.integers(1, 50))).tolist():
        changed[at] = int(rng.integers(256))
    return bytes(changed)


def run(numbers: Sequence[int], place: Path, seed: int = 0) -> Iterator[Finding]:
    """All findings of these cases."""
    original = sound(place / "sound")
    for number in numbers:
        yield from findings(number, original, place, seed)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.results", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--case", type=int, help="only this one")
    asked = parser.parse_args()
    first = asked.first
    numbers = [asked.case] if asked.case is not None else range(first, first + asked.count)
    found = 0
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "sound").mkdir()
        for finding in run(numbers, Path(scratch), asked.seed):
            found += 1
            print(f"== case {finding.number}, {finding.file}: {finding.command}\n{finding.told}")
    print(f"{len(numbers)} cases of seed {asked.seed}: {found} finding(s)")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(_main())
