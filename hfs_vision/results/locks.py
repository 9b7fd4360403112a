"""Locks between processes: a file that one process at a time holds, and that goes with it.

The system ends a lock with its process, however that ends. The file of a lock is opened without
following a link and never emptied, so that nothing can be done to another file through it; it is
removed when the lock is released.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from pathlib import Path
from types import TracebackType

_POLL_S = 0.05
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class BusyError(Exception):
    """Somebody else holds the lock."""


class Lock:
    """A lock that may be taken in one thread and released in another.

    Args:
        path: Its file, made in a folder that must be there.
        wait_s: How long to wait for somebody else; ``None`` for as long as it takes.
    """

    def __init__(self, path: Path, wait_s: float | None = 0.0) -> None:
        self.path = path
        self._wait_s = wait_s
        self._handle: int | None = None

    def acquire(self) -> None:
        """Takes the lock.

        Raises:
            BusyError: If somebody else holds it for longer than the time to wait.
            OSError: If its file cannot be opened, is a link or no file, or cannot be locked there.
        """
        until = time.monotonic() + (float("inf") if self._wait_s is None else self._wait_s)
        while not self._try():
            if time.monotonic() >= until:
                raise BusyError(f"{self.path} is locked")
            time.sleep(_POLL_S)

    def release(self) -> None:
        """Lets others take it; does nothing where it is not held."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        seen = os.fstat(handle)
        if sys.platform == "win32":  # which removes no file that is open
            os.close(handle)
        if seen.st_size == 0 and seen.st_nlink == 1:  # else it is more than a lock to somebody
            with contextlib.suppress(OSError):
                self.path.unlink()
        if sys.platform != "win32":
            os.close(handle)

    def _try(self) -> bool:
        if self.path.is_symlink():  # which not every system tells from its target when it opens it
            raise OSError(errno.ELOOP, f"{self.path} is a link, not the file of a lock")
        handle = os.open(self.path, _FLAGS, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(errno.EINVAL, f"{self.path} is not a file")
            # Whoever held it may have removed the file since it was opened.
            if _lock(handle) and _is_at(handle, self.path):
                self._handle, handle = handle, -1
                return True
            return False
        finally:
            if handle >= 0:
                os.close(handle)

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except OSError:
        return False


def _lock(handle: int) -> bool:
    """Whether the lock on an open file could be had; closing the file gives it back."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise
    return True
