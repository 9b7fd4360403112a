"""``hfs-vision protocol``."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfs_vision.cli import terminal
from hfs_vision.live.protocol import open_protocol, protocol_file
from tests.cli.support import nothing_written

HEADER = "label,prompt,seconds,repeat,pause_s\n"


def rows(text: str) -> list[list[str]]:
    """Cells of the table's rows, without those that only go on with a long prompt."""
    cells = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in text.splitlines()
        if line.startswith("│")
    ]
    return [row for row in cells if row[0]]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.out, "_width", None)  # or COLUMNS would not count
    monkeypatch.setenv("COLUMNS", "300")


@pytest.mark.parametrize("arguments", [(), ("clinical",)])
def test_the_built_in_protocol_is_shown_with_starts_and_total(hfs, arguments):
    outcome = hfs("protocol", *arguments)
    assert (outcome.code, outcome.err) == (0, "")
    steps = open_protocol("clinical").steps
    shown = rows(outcome.out)
    assert [row[4:] for row in shown] == [[step.label, step.prompt] for step in steps]
    assert [row[1] for row in shown] == ["0:00", "2:00", "2:45", "3:30", "4:05", "4:38", "5:38"]
    assert shown[1][2:4] == ["5 x 4 s", "5 s"]
    assert shown[0][2:4] == ["120 s", ""]
    assert outcome.out.splitlines()[-1] == "7 steps, 6:38 in all"
    assert nothing_written()


def test_csv_prints_the_file_itself_which_then_is_a_protocol(hfs):
    outcome = hfs("protocol", "clinical", "--csv")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == protocol_file("clinical").read_text(encoding="utf-8")
    Path("mine.csv").write_text(outcome.out, encoding="utf-8")
    assert open_protocol("mine.csv").steps == open_protocol("clinical").steps
    assert hfs("protocol", "mine.csv", "--csv").out == outcome.out


def test_a_file_is_shown_as_it_stands_whatever_its_texts(hfs):
    Path("own.csv").write_text(
        HEADER + "[bold]a,:smile: Lächeln [/],0.5,2,1.5\nb,B,59.6,,\n", encoding="utf-8"
    )
    outcome = hfs("protocol", "own.csv")
    assert outcome.code == 0
    assert "Protocol own" in outcome.out
    assert rows(outcome.out) == [
        ["1", "0:00", "2 x 0.5 s", "1.5 s", "[bold]a", ":smile: Lächeln [/]"],
        ["2", "0:04", "59.6 s", "", "b", "B"],
    ]
    assert outcome.out.splitlines()[-1] == "2 steps, 1:03 in all"


def test_long_texts_are_wrapped_and_nothing_is_left_out(hfs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    label, prompt = "l" * 40, "p" * 200
    Path("own.csv").write_text(HEADER + f"{label},{prompt},1,1,0\n", encoding="utf-8")
    outcome = hfs("protocol", "own.csv")
    table = "".join(line for line in outcome.out.splitlines() if line.startswith("│"))
    assert (table.count("l"), table.count("p")) == (40, 200)
    assert max(map(len, outcome.out.splitlines())) <= 80


@pytest.mark.parametrize("option", [(), ("--csv",)], ids=["table", "csv"])
@pytest.mark.parametrize(
    ("text", "what"),
    [
        (HEADER + "rest,Rest,0,1,0\n", "own.csv, row 2: seconds is '0'; write a number above 0"),
        ("label,prompt\nrest,Rest\n", "own.csv, row 1: column 'seconds' is missing"),
        (HEADER, "own.csv holds no step"),
    ],
)
def test_a_broken_file_is_one_line_and_exit_code_1(hfs, option, text, what):
    Path("own.csv").write_text(text, encoding="utf-8")
    outcome = hfs("protocol", "own.csv", *option)
    assert (outcome.code, outcome.out) == (1, "")
    assert what in outcome.message


def test_what_is_no_protocol_is_one_line_and_exit_code_2(hfs):
    outcome = hfs("protocol", "clincal")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no protocol 'clincal'; name a CSV file, or a built-in one: clinical" in outcome.message
