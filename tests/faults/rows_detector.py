"""Numbers that no face gives: in landmarks, and in tables that are decided on again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hfs_vision.analysis import pipeline
from tests.faults.material import write_piece
from tests.faults.rows import Expect, Place, Row, answered, refused
from tests.faults.rows_source import LEFT
from tests.synthetic import Recording

EVENTS = (("left", 12.0, 12.5), ("right", 14.9, 16.6))
"""What the table holds before it is spoilt."""


def _analysis(place: Place) -> list[Any]:
    video = write_piece(place.file("x").parent, "left")
    return ["analyze", video, "--out", place.out, "--no-report"]


def _live(place: Place) -> list[Any]:
    video = write_piece(place.file("x").parent, "left")
    return ["live", "--file", video, "--no-display", "--out", place.out, "--no-report"]


def write_results(folder: Path) -> Path:
    """Results of a constructed recording of 20 s with two events."""
    recording = Recording(20.0).lid(0, 12.0, 0.4).pull(1, 15.0, 1.5).both_lids(17.5)
    pipeline.detect(recording.jitter().measured()).save(folder)
    return folder


def _table(spoil: Callable[[list[list[str]]], None]) -> Callable[[Place], list[Any]]:
    """Decides on the cells of a table after they were spoilt; the first row is the header."""

    def command(place: Place) -> list[Any]:
        path = write_results(place.file("results")) / "signals.csv"
        rows = [row.split(",") for row in path.read_text().splitlines()]
        spoil(rows)
        path.write_text("".join(f"{','.join(row)}\n" for row in rows))
        return ["detect", path, "--out", place.out, "--no-report"]

    return command


def _raw(spoil: Callable[[bytes], bytes]) -> Callable[[Place], list[Any]]:
    def command(place: Place) -> list[Any]:
        path = write_results(place.file("results")) / "signals.csv"
        path.write_bytes(spoil(path.read_bytes()))
        return ["detect", path, "--out", place.out, "--no-report"]

    return command


def _cells(value: str, every: int = 7) -> Callable[[list[list[str]]], None]:
    def spoil(rows: list[list[str]]) -> None:
        column = rows[0].index("aperture_left")
        for row in rows[1::every]:
            row[column] = value

    return spoil


def _time(row: int, value: str) -> Callable[[list[list[str]]], None]:
    def spoil(rows: list[list[str]]) -> None:
        rows[row][0] = value

    return spoil


def _without(name: str) -> Callable[[list[list[str]]], None]:
    def spoil(rows: list[list[str]]) -> None:
        column = rows[0].index(name)
        for row in rows:
            del row[column]

    return spoil


def _settings(text: str) -> Callable[[Place], list[Any]]:
    def command(place: Place) -> list[Any]:
        results = write_results(place.file("results"))
        place.file("s.json").write_text(text)
        return ["detect", results / "signals.csv", "--settings", place.file("s.json")]

    return command


_LACKING = answered(*LEFT, lacking=True)
_REFUSED = refused("row")


ROWS = [
    Row(
        "detector",
        "one point of a lid is NaN in every 7th frame",
        _analysis,
        _LACKING,
        injected="nan-lid",
    ),
    Row(
        "detector",
        "all landmarks are NaN in every 3rd frame",
        _analysis,
        _LACKING,
        injected="nan-face",
    ),
    Row(
        "detector",
        "all landmarks are NaN in every frame",
        _analysis,
        refused("no face was found"),
        injected="nan-always",
    ),
    Row(
        "detector",
        "a corner of the mouth is infinite in every 5th frame",
        _analysis,
        _LACKING,
        injected="inf-corner",
    ),
    Row(
        "detector",
        "all landmarks are infinite in every 4th frame",
        _analysis,
        _LACKING,
        injected="inf-face",
        quick=True,
    ),
    Row("detector", "landmarks of 1e300 in every 6th frame", _analysis, _LACKING, injected="huge"),
    Row(
        "detector",
        "all landmarks in one point in every 6th frame",
        _analysis,
        _LACKING,
        injected="one-point",
    ),
    Row(
        "detector",
        "a face that flickers: none in every 2nd frame",
        _analysis,
        _LACKING,
        injected="flicker",
    ),
    Row(
        "detector",
        "a mesh that jumps three pictures away in every 10th frame",
        _analysis,
        _LACKING,
        injected="jump",
    ),
    Row("detector", "a table with NaN in it", _table(_cells("nan")), Expect((0, 1))),
    Row("detector", "a table with inf in it", _table(_cells("inf")), refused("row"), quick=True),
    Row("detector", "a table with 1e999 in it", _table(_cells("1e999")), refused("row")),
    Row("detector", "a table with 1e300 in it", _table(_cells("1e300")), Expect((0, 1))),
    Row("detector", "a table with words in it", _table(_cells("open")), refused("row")),
    Row("detector", "a table whose time repeats", _table(_time(50, "1.600000")), Expect(1)),
    Row("detector", "a table whose time goes back", _table(_time(50, "0.500000")), Expect(1)),
    Row("detector", "a table without a time in a row", _table(_time(50, "")), Expect(1)),
    Row(
        "detector",
        "a table whose last time is an hour later",
        _table(_time(-1, "3620.0")),
        answered(*EVENTS),
    ),
    Row(
        "detector", "a table without a column", _table(_without("pitch_deg")), refused("pitch_deg")
    ),
    Row("detector", "an empty table", _raw(lambda data: b""), Expect(1, leaves=frozenset())),
    Row(
        "detector",
        "a table without rows",
        _raw(lambda data: data[: data.index(b"\n") + 1]),
        Expect((0, 1)),
    ),
    Row(
        "detector",
        "a table that ends in mid-row",
        _raw(lambda data: data[: len(data) * 2 // 3 - 7]),
        answered(*EVENTS, lacking=True, says="are missing from the table of signals"),
    ),
    Row(
        "detector",
        "a table of zeros",
        _raw(lambda data: bytes(len(data))),
        Expect(1, leaves=frozenset()),
    ),
    Row(
        "detector",
        "a table with a block of zeros",
        _raw(lambda d: d[:5000] + bytes(512) + d[5512:]),
        Expect(1, leaves=frozenset()),
    ),
    Row(
        "detector",
        "a table that is no UTF-8",
        _raw(lambda d: d.replace(b"0", b"\xff")),
        Expect(1, leaves=frozenset()),
    ),
    Row(
        "detector",
        "settings with NaN",
        _settings('{"closure_threshold": NaN}'),
        refused("closure_threshold", 2),
    ),
    Row(
        "detector",
        "settings with a word",
        _settings(json.dumps({"tonic_s": "long"})),
        refused("tonic_s", 2),
    ),
    Row(
        "detector",
        "settings that are a list",
        _settings("[1, 2]"),
        refused("not a settings file", 2),
    ),
    Row(
        "detector",
        "settings cut off",
        _settings('{"tonic_s": 1.'),
        refused("not a settings file", 2),
    ),
    Row(
        "detector",
        "settings in settings",
        _settings("[" * 99_999),
        refused("not a settings file", 2),
    ),
]
