"""Replaces files of a folder together: whoever looks finds all the old ones or all the new ones.

New files are completed in a folder of their own and brought to the disk. Then that folder gets the
name `COMMITTED`, in one step: from here on they count. They are moved to their places at last.
Where the program is killed before the step, the old files are whole; after it, whichever of our
commands opens the folder next moves the rest.

A lock keeps commands apart that write into one folder; a live session holds it while it runs.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfs_vision.errors import OutputError
from hfs_vision.results.columns import EVENTS_FILE
from hfs_vision.results.json_files import read_json
from hfs_vision.results.locks import BusyError, Lock
from hfs_vision.results.ownership import check_replaceable, is_ours
from hfs_vision.results.superseded import RETIRED_FILES, retire
from hfs_vision.results.temp_folder import working_folder

LOCK_FILE = ".hfs-vision.lock"
COMMITTED = ".hfs-vision.new"

PRIVATE_FOLDER = 0o700
_PLAN = ".plan.json"
_UNFINISHED = ".writing-"
_WAIT_S = 3.0
"""How long to wait for another command: to put files in their places takes less."""

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps other commands of ours from writing into a folder, which must be there.

    Where a file system has no locks nothing is kept from anybody.

    Raises:
        OutputError: If another command or a session writes there.
        OSError: If the folder cannot be written.
    """
    lock = Lock(folder / LOCK_FILE, _WAIT_S)
    try:
        lock.acquire()
    except BusyError as error:
        raise _busy(folder) from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()


def check_free(folder: Path) -> None:
    """Refuses a folder into which a session or another command is writing.

    Raises:
        OutputError: If somebody writes there.
        OSError: If the lock cannot be looked at.
    """
    if os.path.lexists(folder / LOCK_FILE):  # also left of one that was killed
        with held(folder):
            pass


def replace_files(
    folder: Path,
    write: Callable[[Path], None],
    *,
    force: bool = False,
    inputs: Sequence[Path] = (),
    remove: Sequence[str] = (),
    retiring: bool = False,
    alone: bool = False,
) -> str | None:
    """Lets ``write`` fill an empty folder, then has its files take their places in another.

    Args:
        folder: Where they go; must be there.
        write: Gets the folder to fill; there may be folders in it.
        force: Whether files that this program did not write may be replaced.
        inputs: What the running command reads: never replaced.
        remove: Names of files that go at the same time, where this program wrote them.
        retiring: Whether the files are another result: see `hfs_vision.results.retire`.
        alone: Whether the caller has the folder `held`.

    Returns:
        The new name of corrections of other events, as `hfs_vision.results.retire` gives it.

    Raises:
        UsageError: If a file must not be replaced; nothing has changed.
        OutputError: If another command is writing there, or an earlier replacement cannot be ended.
        OSError: If a file cannot be written.
    """
    for made in RETIRED_FILES if retiring else ():
        if is_ours(folder / made):
            check_replaceable(folder / made, force=force, inputs=inputs)
    with working_folder(folder, _UNFINISHED) as temporary:
        complete = temporary / "complete"
        complete.mkdir(mode=PRIVATE_FOLDER)
        write(complete)
        names = _files(complete)
        plan = {
            "retire": ("compare" if Path(EVENTS_FILE) in names else "always") if retiring else "",
            "remove": list(remove),
        }
        for name in names:
            flush(complete / name)
        with contextlib.nullcontext() if alone else held(folder):
            _finish_alone(folder)
            for name in names:
                if (folder / name).is_dir() and not (folder / name).is_symlink():
                    raise IsADirectoryError(errno.EISDIR, f"{name} is a folder there")
                check_replaceable(folder / name, force=force, inputs=inputs)
            if len(names) == 1 and not (retiring or remove):
                _move([names[0]], complete, folder)
                return None
            with (complete / _PLAN).open("x", encoding="utf-8") as file:
                json.dump(plan, file)
            flush(complete / _PLAN)
            flush(complete)
            complete.rename(folder / COMMITTED)
            flush(folder)
            return _finish_alone(folder)


def finish_replacing(folder: Path) -> None:
    """Puts those files in their places whose replacement was interrupted.

    Raises:
        OutputError: If they cannot be put there; the message says what to do.
    """
    until = time.monotonic() + _WAIT_S
    while _is_pending(folder):
        lock = Lock(folder / LOCK_FILE)
        try:
            with lock:
                _finish_alone(folder)
        except BusyError as error:  # whoever holds it is about to do it
            if time.monotonic() > until:
                raise _busy(folder) from error
            time.sleep(0.02)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                _finish_alone(folder)
            else:
                raise _stuck(folder, error) from error


def flush(path: Path) -> None:
    """Brings a file, or what a folder holds, to the disk; for when the power fails.

    Raises:
        OSError: If a file cannot be brought there.
    """
    if path.is_dir():
        with contextlib.suppress(OSError):  # not every system can flush a folder
            _flush(path, os.O_RDONLY)
    else:
        _flush(path, os.O_RDWR | getattr(os, "O_BINARY", 0))


def _flush(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _is_pending(folder: Path) -> bool:
    new = folder / COMMITTED
    return new.is_dir() and not new.is_symlink()


def _finish_alone(folder: Path) -> str | None:
    """Moves what is waiting, in a folder that is held; may be broken off and begun again."""
    if not _is_pending(folder):
        return None
    new = folder / COMMITTED
    try:
        plan, events = _read_plan(new / _PLAN), new / EVENTS_FILE
        aside = None
        # Where the events are in their place, all that they retire has made way before.
        if plan.get("retire") == "always" or (plan.get("retire") == "compare" and events.exists()):
            aside = retire(folder, events if events.exists() else None)
        for name in plan.get("remove") or ():
            if _is_plain(name) and is_ours(folder / name):
                (folder / name).unlink()
        _move([name for name in _files(new) if name != Path(_PLAN)], new, folder)
        (new / _PLAN).unlink(missing_ok=True)
        for left in sorted(new.rglob("*"), reverse=True):
            left.rmdir()
        new.rmdir()
    except OSError as error:
        raise _stuck(folder, error) from error
    return aside


def _move(names: Iterable[Path], source: Path, folder: Path) -> None:
    touched = {folder}
    for name in names:
        for parent in reversed(name.parents[:-1]):
            (folder / parent).mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            touched.add(folder / parent)
        (source / name).replace(folder / name)
    for each in touched:
        flush(each)


def _files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())


def _read_plan(path: Path) -> dict[str, Any]:
    try:
        plan = read_json(path)
    except FileNotFoundError:  # all is in its place
        return {}
    except ValueError as error:
        raise OSError(f"{path.name} is damaged: {error}") from error
    return plan if isinstance(plan, dict) else {}


def _is_plain(name: object) -> bool:
    """Whether it is the name of a file right here, not a path to somewhere else."""
    return isinstance(name, str) and Path(name).name == name


def _busy(folder: Path) -> OutputError:
    return OutputError(
        f"{folder} is being written by a running session or another command: wait until it has "
        "ended, or choose another folder with --out"
    )


def _stuck(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        f"the replacement of files in {folder} was interrupted and cannot be ended "
        f"({error.strerror or error}): the new ones wait in {COMMITTED}; let the folder be written "
        "and run any command on it again"
    )
