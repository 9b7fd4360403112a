"""``report.html``: a result folder as one page that reads without a network, on screen and paper.

The page is derived: everything in it comes from the tables beside it, and ``hfs-vision report``
makes it anew. The same tables give the same bytes. It names no file and no folder.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TextIO

from hfs_vision.errors import OutputError, UsageError
from hfs_vision.results import REPORT_FILE, ResultFolder, is_ours, read_folder, write_result
from hfs_vision.schema import StrPath


def make_report(folder: ResultFolder) -> str:
    """The report of a result as one HTML page.

    Args:
        folder: As read by `hfs_vision.results.read_folder`.
    """
    from hfs_vision.report.report_page import render_page  # brings matplotlib

    return render_page(folder)


def write_report(path: StrPath, target: StrPath | None = None, *, force: bool = False) -> Path:
    """Writes the report of a result folder, and replaces the one that is there.

    Args:
        path: A result folder.
        target: File to write; `REPORT_FILE` in the folder if ``None``.
        force: Whether a file of another kind may be replaced.

    Returns:
        Where the report is.

    Raises:
        UsageError: If ``path`` is no result folder, or ``target`` is a file of another kind.
        TableError: If a table is not as documented.
        OutputError: If the report cannot be written.
    """
    path = Path(path)
    target = Path(target) if target is not None else None
    target = path / REPORT_FILE if target is None else target
    _check_target(target, force)
    text = make_report(read_folder(path))
    write_result(target.parent, {target.name: partial(_write, text=text)}, force=force)
    return target


def _write(handle: TextIO, text: str) -> None:
    handle.write(text)


def _check_target(target: Path, force: bool) -> None:
    try:
        if target.is_dir():
            raise UsageError(f"{target} is a folder: give a file, such as {target / REPORT_FILE}")
        if os.path.lexists(target) and not (force or is_ours(target)):
            raise UsageError(
                f"{target} is there and no report of this program: choose another file, or move "
                "it away"
            )
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
