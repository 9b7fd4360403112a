"""Results and diaries that a hand, a spreadsheet or another program has changed."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.faults.results import diary, empty_diary
from tests.faults.rows import Expect, Place, Row, Seen, refused
from tests.faults.rows_detector import write_results

_FAR_S = 1e7
_MANY = 100_000
_ENDLESS = (
    "CREATE VIEW segment AS WITH RECURSIVE endless(session) AS "
    "(SELECT 1 UNION ALL SELECT session + 1 FROM endless) SELECT * FROM endless"
)

Arguments = Callable[[Place], list[Any]]
Spoil = Callable[[Path], object]


def _results(spoil: Spoil, *command: str) -> Arguments:
    """A command on a result folder that was spoilt."""

    def arguments(place: Place) -> list[Any]:
        folder = write_results(place.file("a.results"))
        shutil.copy(folder / "events.csv", folder / "events.reviewed.csv")
        spoil(folder)
        return {
            "report": ["report", folder, "--out", place.out / "report.html"],
            "export": ["export", folder, "--to", "mne", "--out", place.out],
            "detect": ["detect", folder / "signals.csv", "--out", place.out, "--no-report"],
            "evaluate": ["evaluate", folder, folder],
            "diary add": ["diary", "add", empty_diary(place), folder, "--date", "2026-03-01"],
            "review": ["review", folder, "--no-browser"],
        }[" ".join(command)]

    return arguments


def _column(file: str, name: str, change: Callable[[str], str], rows: slice = slice(None)) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / file
        table = [row.split(",") for row in path.read_text().splitlines()]
        at = table[0].index(name)
        for row in table[1:][rows]:
            row[at] = change(row[at])
        path.write_text("".join(",".join(row) + "\n" for row in table))

    return spoil


def _thousandfold(cell: str) -> str:
    return f"{1000 * float(cell):.0f}"


def _milliseconds(file: str) -> Spoil:
    names = ("time_s",) if file in ("signals.csv", "marks.csv") else ("onset_s", "duration_s")

    def spoil(folder: Path) -> None:
        if file == "marks.csv":
            (folder / file).write_text("time_s,kind,label\n12,segment,rest\n")
        for name in names:
            _column(file, name, _thousandfold)(folder)
        if file.startswith("events"):
            _column(file, "offset_s", _thousandfold)(folder)

    return spoil


def _summary(**values: object) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "summary.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    return spoil


def _mark_without_time(folder: Path) -> None:
    (folder / "marks.csv").write_text("time_s,kind,label\n,mark,\n")


def _far_row(folder: Path) -> None:
    (folder / "summary.json").unlink()
    _column("signals.csv", "time_s", lambda cell: f"{_FAR_S:.6f}", slice(-1, None))(folder)


def _many_columns(folder: Path) -> None:
    path = folder / "signals.csv"
    head, rest = path.read_text().split("\n", 1)
    path.write_text(f"{head},{','.join(f'more{i}' for i in range(_MANY))}\n{rest}")


def _diary(statement: str, *command: object) -> Arguments:
    """A command on a diary in which another program has written."""

    def arguments(place: Place) -> list[Any]:
        path = diary(place)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(statement)
            connection.commit()
        out = ["--out", place.out] if command[0] in ("trend", "export") else []
        return ["diary", command[0], path, *command[1:], *out]

    return arguments


_YEAR_1 = "UPDATE session SET started_utc = '0001-01-01 00:00:00.000000' WHERE number = 3"
_NO_NUMBER = "UPDATE segment SET valid_s = 'abc' WHERE session = 3"
_BAD = "session 3 cannot be read"


def _told_as_bad(seen: Seen) -> str:
    return "" if _BAD in " ".join(seen.shown.split()) else f"it does not say {_BAD!r}"


ROWS = [
    *(
        Row(
            "tables",
            f"{command}: events in milliseconds, corrected in a spreadsheet",
            _results(_milliseconds("events.reviewed.csv"), *command.split(" ", 1)),
            Expect(1, "it may be in milliseconds"),
            quick=command == "report",
        )
        for command in ("report", "export", "diary add", "review")
    ),
    Row(
        "tables",
        "evaluate: events in milliseconds, corrected in a spreadsheet",
        _results(_milliseconds("events.reviewed.csv"), "evaluate"),
        Expect(1, "but the recording ends at"),
    ),
    *(
        Row(
            "tables",
            f"report: {file} in milliseconds",
            _results(_milliseconds(file), "report"),
            refused("but the recording runs from"),
        )
        for file in ("events.csv", "twitches.csv", "signals.csv", "marks.csv")
    ),
    *(
        Row(
            "tables",
            f"{command}: {key} in summary.json is a number",
            _results(_summary(**{key: 5}), *command.split(" ", 1)),
            Expect(1, f"{key} is 5; it must be a list of texts"),
        )
        for command, key in (
            ("report", "warnings"),
            ("diary add", "warnings"),
            ("detect", "source_warnings"),
            ("export", "source_warnings"),
        )
    ),
    Row(
        "tables",
        "report: half a character in summary.json",
        _results(_summary(warnings=["\ud800"]), "report"),
        Expect(0),
    ),
    Row(
        "tables",
        "diary add: a recording of the year 1",
        _results(
            _summary(source={"kind": "file", "recorded_utc": "0001-01-01T00:00:00+00:00"}),
            "diary add",
        ),
        Expect(1, "in the years 1900 to 2200"),
    ),
    Row(
        "tables",
        "review: a mark without a time",
        _results(_mark_without_time, "review"),
        Expect(1, "marks.csv, row 2: time_s is ''"),
    ),
    Row(
        "tables",
        "report: a row of signals four months later",
        _results(_far_row, "report"),
        Expect(0),
    ),
    Row(
        "tables",
        "report: a hundred thousand columns",
        _results(_many_columns, "report"),
        refused("columns; a table has 1000 at most"),
    ),
    *(
        Row(
            "tables",
            f"diary {command[0]}: {name}",
            _diary(statement, *command),
            Expect(0, check=_told_as_bad),
            quick=command[0] == "list",
        )
        for name, statement in (
            ("a session of the year 1", _YEAR_1),
            ("a word for a number", _NO_NUMBER),
        )
        for command in (("list",), ("trend",), ("export",))
    ),
    Row("tables", "diary show: a session of the year 1", _diary(_YEAR_1, "show", 3), refused(_BAD)),
    Row(
        "tables",
        "diary note: a slip in the year",
        lambda place: ["diary", "note", diary(place), "--date", "0026-03-01", "felt well"],
        Expect(2, "is no date of the years 1900 to 2200"),
    ),
    Row(
        "tables",
        "diary trend: a view without end in the place of a table",
        _diary(f"ALTER TABLE segment RENAME TO old; {_ENDLESS}", "trend"),
        refused("it holds the view 'segment', and a diary has tables alone"),
    ),
]
