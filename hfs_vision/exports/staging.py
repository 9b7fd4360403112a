"""Trees of files that appear when all of them are complete, or not at all."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from hfs_vision.errors import OutputError
from hfs_vision.tables import format_cell

PRIVATE_FOLDER = 0o700


def write_tree(folder: Path, write: Callable[[Path], None]) -> list[Path]:
    """Lets ``write`` fill an empty folder, then moves its files to the same places in another.

    Args:
        folder: Made if it is missing, private to the user; files of the same names are replaced.
        write: Gets the folder to fill.

    Returns:
        The files, relative to the folder, sorted.

    Raises:
        OutputError: If a folder or file cannot be written; nothing is left behind.
    """
    try:
        made = not folder.exists()
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder) as temporary:
                write(Path(temporary))
                return _move(Path(temporary), folder)
        finally:
            if made and not any(folder.iterdir()):
                folder.rmdir()
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}; choose another folder with --out"
        ) from error


def tsv(rows: Iterable[Sequence[object]], missing: str) -> str:
    r"""Rows separated by tabs; formulas of spreadsheets are defused, see `format_cell`.

    >>> print(tsv([("a", "b"), (1.5, None), ("=1+1", "x")], "n/a").replace("\t", "|"))
    a|b
    1.500000|n/a
    '=1+1|x
    <BLANKLINE>
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    for row in rows:
        writer.writerow([format_cell(value) or missing for value in row])
    return text.getvalue()


def _move(source: Path, folder: Path) -> list[Path]:
    files = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file())
    for name in files:
        target = folder / name
        for parent in reversed(name.parents[:-1]):
            (folder / parent).mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        (source / name).replace(target)
    return files
