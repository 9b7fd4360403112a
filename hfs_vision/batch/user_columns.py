"""What a person entered in the table of a batch, which is written anew by every batch.

Columns of their own, such as ``date``, and rows of their own stay. What the program measured is
not theirs to change: its values stand again, and that is told.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfs_vision.errors import TableError, UsageError
from hfs_vision.results import format_cell
from hfs_vision.results.read_tables import column_names, dotted, plain_text, separator_of
from hfs_vision.results.write_tables import line_of_cells
from hfs_vision.video import VIDEO_SUFFIXES

_OURS = ({"name", "sha256"}, {"name", "status"})
"""Columns of which one pair is in the table of every batch, whatever a person took out of it."""

_MADE_BY = ("sha256", "settings_sha256", "model_sha256", "hfs_vision")
"""Rows that are alike in these hold the same measurements."""


@dataclass(frozen=True)
class UserRow:
    """A row as it was found: the cells of our columns by name, and those of the others in order.

    The latter are the person's own, formulas too, and stay to the last blank.
    """

    own: Mapping[str, str]
    added: Sequence[str]


@dataclass(frozen=True)
class Entered:
    """A table as a person left it: the names of the columns that are not ours, and all rows."""

    columns: Sequence[str] = ()
    rows: Sequence[UserRow] = ()


def read_entered(path: Path, columns: Sequence[str]) -> Entered:
    """Reads a table back, as it was written or as a spreadsheet saved it.

    Args:
        path: The table; nothing where there is none or an empty one.
        columns: Ours.

    Raises:
        UsageError: If it is no table of a batch.
        TableError: If it cannot be read.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\0", "")
        separator = separator_of(text.partition("\n")[0])
        rows = list(csv.reader(io.StringIO(text, ""), delimiter=separator))
    except FileNotFoundError:
        return Entered()
    except (OSError, ValueError, csv.Error) as error:
        raise TableError(
            f"{path} cannot be read, and what was entered in it would be lost ({error}): save it "
            "as CSV in UTF-8, or set it aside with --force"
        ) from error
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        return Entered()
    header = column_names(rows[0])
    if not any(known <= set(header) for known in _OURS):
        raise UsageError(
            f"{path} is no table of a batch: choose another folder with --out, or set it aside "
            "with --force"
        )
    width = max(map(len, rows))
    names, *rows = ([*row, *[""] * (width - len(row))] for row in rows)
    place = {name: header.index(name) for name in columns if name in header}
    others = [i for i in range(width) if i not in place.values()]
    others = [i for i in others if names[i].strip() or any(row[i].strip() for row in rows)]

    def ours(name: str, cell: str) -> str:
        return plain_text(dotted(name, cell.strip()) if separator != "," else cell.strip())

    return Entered(
        [names[i] for i in others],
        [
            UserRow(
                {name: ours(name, row[i]) for name, i in place.items()}, [row[i] for i in others]
            )
            for row in rows
        ],
    )


def merged(
    columns: Sequence[str], rows: Sequence[Mapping[str, str]], entered: Entered
) -> tuple[str, list[str]]:
    """The table anew, with what a person entered, and what they must know of it.

    A row is of a recording by its content, else by its name.

    Args:
        columns: Ours.
        rows: Cells of each recording, by column.
        entered: The table as it was.
    """
    notes: list[str] = []
    by_content = {row["sha256"]: i for i, row in enumerate(rows) if row["sha256"]}
    by_name = {row["name"].casefold(): i for i, row in enumerate(rows)}
    added = [[""] * len(entered.columns) for _ in rows]
    alone: list[UserRow] = []
    for row in entered.rows:
        sha256 = row.own.get("sha256", "").lower()
        index = by_content.get(sha256)
        if index is None:
            index = by_name.get(_name(row.own.get("name", "")))
        if index is None:
            if _filled_in(row) or not _measured(row):
                alone.append(row)
            continue
        name = rows[index]["name"]
        if _filled_in(row) and sha256 and sha256 != rows[index]["sha256"]:
            notes.append(
                f"{name} is not the recording any more of which {_shown(entered, row)} was entered "
                "in the table: look whether it still holds"
            )
        notes += _filled(added[index], row, entered, name)
        notes += _changed(rows[index], row)
    notes += [
        f"the table's row {row.own.get('name') or '?'} has no result any more: it stays for what "
        "was entered in it"
        for row in alone
        if _measured(row)
    ]
    found: list[tuple[Mapping[str, str], Sequence[str]]] = [*zip(rows, added, strict=True)]
    found += [(row.own, row.added) for row in alone]
    cells = [[*columns, *entered.columns]]
    cells += [[*(format_cell(own.get(n, "")) for n in columns), *a] for own, a in found]
    return "".join(map(line_of_cells, cells)), notes


def _name(text: str) -> str:
    """A name as the table has it, also where a person wrote that of the file."""
    suffix = Path(text).suffix
    stem = text.removesuffix(suffix) if suffix.lower() in VIDEO_SUFFIXES else text
    return stem.casefold()


def _filled_in(row: UserRow) -> bool:
    """Whether a person entered something in it."""
    return any(cell.strip() for cell in row.added)


def _measured(row: UserRow) -> bool:
    """Whether a batch wrote the row, and not a person."""
    return all(row.own.get(name) for name in ("sha256", "settings_sha256"))


def _filled(cells: list[str], row: UserRow, entered: Entered, name: str) -> Iterator[str]:
    """Takes the cells over; says where two rows of one recording differ."""
    for i, text in enumerate(row.added):
        if text and cells[i] and cells[i] != text:
            column = entered.columns[i] or f"the {i + 1}. column without a name"
            yield f"two rows of {name} say {cells[i]!r} and {text!r} in {column}: the first stays"
        cells[i] = cells[i] or text


def _changed(ours: Mapping[str, str], row: UserRow) -> Iterator[str]:
    """Says what a person changed of our columns; a row of other measurements says nothing."""
    if any(row.own.get(name) != ours[name] for name in _MADE_BY):
        return
    moved = row.own.get("result") != ours["result"]  # then it has another name in the folder now
    for column, text in row.own.items():
        if moved and column in ("name", "result"):
            continue
        if not _same(text, ours[column]):
            yield (
                f"{column} of {ours['name']} was {text!r} in the table and is {ours[column]!r} "
                "again: enter what you know in a column of your own"
            )


def _same(text: str, ours: str) -> bool:
    """Whether a spreadsheet may have made one text of the other."""
    if text == ours:
        return True
    try:
        value, measured = float(text), float(ours)
    except ValueError:
        return " ".join(text.split()) == " ".join(ours.split())
    # Spreadsheets save what they show: of a number with decimals fewer digits.
    return value == measured or ("." in ours and math.isclose(value, measured, rel_tol=1e-3))


def _shown(entered: Entered, row: UserRow) -> str:
    pairs = zip(entered.columns, row.added, strict=True)
    return ", ".join(f"{name or 'a note'} {text!r}" for name, text in pairs if text)
