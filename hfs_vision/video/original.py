"""Whether a file is still the one that was opened, while a recording is read more than once."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from hfs_vision.core.messages import Message
from hfs_vision.errors import SourceError

_SAMPLES, _SAMPLE_BYTES = 16, 4096
Key = tuple[int, int, int, int]


class Original:
    """A file as it was when it was first opened: what the system says of it, and some of its bytes.

    The system's words alone would not do: a file that is still being recorded grows, a tool that
    synchronises folders sets times, and some network drives number files anew. So where they have
    changed the bytes decide. They are not of the very beginning, since a recorder writes the header
    again when it ends.
    """

    def __init__(self, path: Path) -> None:
        """Reads the file's properties and samples.

        Raises:
            OSError: It cannot be read.
        """
        self.path = path
        with path.open("rb") as file:
            self._key = key_of(os.fstat(file.fileno()))
            self._size = os.fstat(file.fileno()).st_size
            self._samples = self._read(file)

    def check(self) -> Message | None:
        """What was added to the file or cut off it; nothing if it is gone.

        What is open can be read on after the file was removed.

        Raises:
            SourceError: Another file is in its place, or it was written over.
        """
        try:
            now = self.path.stat()
            if key_of(now) == self._key:
                return None
            replaced = not stat.S_ISREG(now.st_mode)
            if not replaced:
                with self.path.open("rb") as file:
                    pairs = zip(self._samples, self._read(file), strict=True)
                    replaced = any(then[: len(found)] != found for then, found in pairs)
        except OSError:
            return None
        if replaced:
            raise SourceError(
                f"{self.path} was replaced by another recording while it was read, so nothing of "
                "it is kept: run again"
            )
        if now.st_size == self._size:
            return None
        return Message("file_changed", before=self._size, after=now.st_size)

    def _read(self, file: BinaryIO) -> list[bytes]:
        found = []
        for number in range(1, _SAMPLES + 1):
            file.seek(max(self._size * number // _SAMPLES - _SAMPLE_BYTES, 0))
            found.append(file.read(min(_SAMPLE_BYTES, self._size)))
        return found


def key_of(found: os.stat_result) -> Key:
    """What tells one file from another, and whether it was written to since."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
