"""Folders for what is not complete yet: gone when the work ends, however it ends."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hfs_vision.results.locks import BusyError, Lock

_LOCK_FILE = ".lock"


@contextmanager
def working_folder(folder: Path, prefix: str) -> Iterator[Path]:
    """A folder inside another, private to the user, that is removed when the block ends.

    A process that is killed cannot remove its own: the next call for the same folder and prefix
    does. Those of processes that are at work stay, because each holds a lock in its own; where
    there are no locks, all stay.

    Args:
        folder: Must be there.
        prefix: How its name begins; by another name nothing is removed.

    Raises:
        OSError: If it cannot be made.
    """
    remove_abandoned(folder, prefix)
    with (
        tempfile.TemporaryDirectory(prefix=prefix, dir=folder) as made,
        contextlib.ExitStack() as held,
    ):
        lock = Path(made) / _LOCK_FILE
        try:
            held.enter_context(Lock(lock))
        except OSError:  # no locks in this file system
            lock.unlink(missing_ok=True)  # so that nobody takes the folder for an abandoned one
        yield Path(made)


def remove_abandoned(folder: Path, prefix: str) -> None:
    """Removes working folders whose process has ended; what cannot be removed is left."""
    for left in folder.glob(f"{prefix}*"):
        lock = left / _LOCK_FILE
        if not lock.exists():  # just being made and empty, or where there are no locks
            continue
        with contextlib.suppress(BusyError, OSError), Lock(lock):
            shutil.rmtree(left)
