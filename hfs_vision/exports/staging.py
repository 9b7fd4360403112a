"""Trees of files that appear when all of them are complete, or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from hfs_vision.errors import OutputError
from hfs_vision.results import check_replaceable, format_cell, replace_files

PRIVATE_FOLDER = 0o700


def write_tree(
    folder: Path,
    write: Callable[[Path], None],
    *,
    force: bool = False,
    renewed: Sequence[str] = (),
    inputs: Sequence[Path] = (),
) -> list[Path]:
    """Lets ``write`` fill an empty folder, then moves its files to the same places in another.

    Args:
        folder: Made if it is missing, private to the user.
        write: Gets the folder to fill.
        force: Whether files that are there may be replaced.
        renewed: Files that may be replaced in any case: what they held is in the new ones.
        inputs: What the running command reads: never replaced.

    Returns:
        The files, relative to the folder, sorted.

    Raises:
        UsageError: If a file must not be replaced; nothing has changed.
        OutputError: If a folder or file cannot be written; nothing is left behind.
    """
    files: list[Path] = []

    def write_all(complete: Path) -> None:
        write(complete)
        files.extend(sorted(p.relative_to(complete) for p in complete.rglob("*") if p.is_file()))
        for name in files:
            check_replaceable(folder / name, force=force or name.as_posix() in renewed)

    try:
        made = not folder.exists()
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        try:
            replace_files(folder, write_all, force=True, inputs=inputs)
            return files
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
