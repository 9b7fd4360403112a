"""What was made of a result must not stand beside another one and speak of it."""

from __future__ import annotations

import itertools
import os
from datetime import datetime, timezone
from pathlib import Path

from hfs_vision.results.columns import (
    ANNOTATED_FILE,
    EVENTS_FILE,
    REPORT_FILE,
    REVIEWED_FILE,
)
from hfs_vision.results.ownership import is_ours

RETIRED_FILES = (ANNOTATED_FILE, REPORT_FILE)
"""What is made of a result and goes with it."""


def retire(folder: Path, events: Path | None = None) -> str | None:
    """Makes way for another result in a folder.

    The annotated video and the report are removed where this program made them: they can be made
    anew. Corrections are a person's work: where the events that they are of change, their file is
    only given another name.

    Args:
        folder: Of the result that is replaced; need not exist.
        events: The new table of events; ``None`` where there is none yet.

    Returns:
        The new name of the file of corrections, such as
        ``events.reviewed.before-20261125T101112Z.csv``; ``None`` where there was none, or where it
        stays because the new table is the old one to the last byte.

    Raises:
        OSError: If a file cannot be removed or renamed.
    """
    for name in RETIRED_FILES:
        if is_ours(folder / name):
            (folder / name).unlink()
    reviewed = folder / REVIEWED_FILE
    if not os.path.lexists(reviewed):
        return None
    if events is not None and _same(events, folder / EVENTS_FILE):
        return None
    aside = free_name(reviewed)
    reviewed.rename(aside)
    return aside.name


def _same(new: Path, old: Path) -> bool:
    return old.exists() and new.read_bytes() == old.read_bytes()


def free_name(path: Path) -> Path:
    """A name beside a file that says that it was there before: `NAME.before-TIME.ENDING`."""
    now = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
    names = (f"{path.stem}.before-{now}{end}{path.suffix}" for end in _endings())
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())


def _endings() -> itertools.chain[str]:
    return itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
