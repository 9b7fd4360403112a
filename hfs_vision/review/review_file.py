"""The file of a review: one writer at a time, replaced as a whole, never over another's work."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hfs_vision.errors import OutputError, UsageError
from hfs_vision.results.locks import BusyError, Lock


class ReviewFile:
    """Holds the lock on a file, and knows what was last read from it or written to it.

    Args:
        path: The file; need not exist.

    Raises:
        UsageError: If another process has it open.
        OutputError: If its folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: bytes | None = None
        self._lock = Lock(path.with_name(f".{path.name}.lock"))
        try:
            self._lock.acquire()
        except BusyError:
            raise UsageError(
                f"{path} is open in another review: close that one, or write to a file of your "
                "own with --file other.csv"
            ) from None
        except OSError as error:
            raise OutputError(
                f"cannot write to the folder of {path}: {error}; choose a file elsewhere with "
                "--file"
            ) from error

    def close(self) -> None:
        """Lets others open the file."""
        self._lock.release()

    def mark(self) -> bytes | None:
        """What tells the present content from any other, to be taken before it is read.

        Raises:
            OutputError: If the file cannot be read.
        """
        try:
            return _hash(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutputError(f"cannot read {self.path}: {error.strerror or error}") from error

    def know(self, mark: bytes | None) -> None:
        """Takes the content of that mark, which was read, for what may be replaced."""
        self._known = mark

    @property
    def changed(self) -> bool:
        """Whether somebody else has written the file since; one that is gone is not changed."""
        now = self.mark()
        return now is not None and now != self._known

    def write(self, text: str) -> None:
        """Replaces the file, whole and on the disk, or leaves it as it was.

        Raises:
            OutputError: If somebody else has changed it, or it cannot be written.
        """
        if self.changed:
            raise OutputError(
                f"{self.path} was changed by somebody else and was left as it is: load it again, "
                "or save these corrections under another name"
            )
        try:
            _replace(self.path, text)
        except OSError as error:
            raise OutputError(
                f"cannot write {self.path}: {error.strerror or error}; nothing is lost while this "
                "runs: make room, then save again, or save under another name"
            ) from error
        self._known = _hash(text.encode("utf-8"))


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=".writing-", dir=path.parent)  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # not every system can flush a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
