"""Files of a session that grow line by line and are readable whenever the session ends.

Each row is handed to the system as soon as it is final, by one write, so that a killed session
loses at most what is not yet decided; once a second everything is brought to the disk, for when
the power fails. Where the disk refuses a row it waits in memory and is tried again.

While rest is learned nothing is final for ten seconds. Rows then come with what was measured, all
that ``hfs-vision detect`` needs, and are replaced by complete ones when those are known.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

from hfs_vision.core.detector import Step
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.signals import Signals
from hfs_vision.errors import OutputError
from hfs_vision.tables import (
    EVENT_COLUMNS,
    MARK_COLUMNS,
    MARKS_FILE,
    SIGNAL_COLUMNS,
    TWITCH_COLUMNS,
    event_line,
    line,
    retire,
    signal_lines,
    twitch_lines,
    write_result,
)

GROWING_FILES = ("events.csv", "twitches.csv", "signals.csv", MARKS_FILE)

_HOLD_S = 0.5
"""A row that is not final for longer than this is written as far as it is known."""

Writers = Mapping[str, Callable[[TextIO], None]]


class SessionLog:
    """The growing files of one session.

    Args:
        folder: Made if it is missing; files of `GROWING_FILES` in it are replaced.

    Attributes:
        set_aside: The new name of corrections of an earlier result; see `hfs_vision.tables.retire`.

    Raises:
        OutputError: If the folder or a file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.error: str | None = None
        """Why something could not be written; ``None`` again once it could."""
        columns = (EVENT_COLUMNS, TWITCH_COLUMNS, SIGNAL_COLUMNS, MARK_COLUMNS)
        write_result(folder, {})
        try:
            self.set_aside = retire(folder)
            self._events, self._twitches, self._signals, self._marks = (
                _Table(folder / name, line(header))
                for name, header in zip(GROWING_FILES, columns, strict=True)
            )
        except OSError as error:
            raise OutputError(
                f"cannot write to {folder}: {error.strerror or error}; choose another folder with "
                "--out"
            ) from error
        self._tables = (self._signals, self._events, self._twitches, self._marks)
        self._n_events = 0
        self._pending: list[Measurements] = []
        self._provisional_rows = 0
        self._background = ThreadPoolExecutor(max_workers=1)
        self._busy: Future[str | None] | None = None

    def add(self, measured: Measurements, found: Step) -> None:
        """Takes the next frames, and what the detector gave back for them."""
        if len(measured):
            self._pending.append(measured)
        if len(found.signals):
            self._add_final(found.signals)
        elif len(measured) and measured.time_s[-1] - self._pending[0].time_s[0] > _HOLD_S:
            self._add_provisional()
        for event in found.events:
            self._n_events += 1
            self._events.append(event_line(event))
            self._twitches.append(twitch_lines(self._n_events, event))

    def mark(self, time_s: float, kind: str, label: str = "") -> None:
        """Notes that something happened: a mark of the user, a segment, a lost camera."""
        self._marks.append(line([time_s, kind, label]))

    def settle(self, replaced: Writers | None = None) -> None:
        """Once a second: tries again what was refused and brings everything to the disk.

        This happens in a thread of its own, so that a slow disk holds up no frame.

        Args:
            replaced: Writers of files that are replaced as a whole, by name.
        """
        if self._busy is not None and not self._busy.done():
            return
        refused = [table.write() or table.missing() for table in self._tables]
        if self._busy is not None:
            refused.append(self._busy.result())
        self.error = next((reason for reason in refused if reason), None)
        self._busy = self._background.submit(self._to_disk, replaced or {})

    def close(self, replaced: Writers) -> None:
        """Ends the session's files.

        Args:
            replaced: Writers of the final files, by name.

        Raises:
            OutputError: If a row or a file could not be written.
        """
        self._background.shutdown(wait=True)
        if self._pending:
            self._add_provisional()
        refused = [table.write() or table.missing() for table in self._tables]
        for table in self._tables:
            table.close()
        write_result(self.folder, replaced)
        if any(refused):
            raise OutputError(
                f"{self.folder} is incomplete: {next(filter(None, refused))}; free the disk and "
                "keep what is there: hfs-vision detect reads it"
            )

    def _add_final(self, signals: Signals) -> None:
        rows = Measurements.concatenate(self._pending)
        final, waiting = rows[slice(len(signals))], rows[slice(len(signals), None)]
        self._pending = [waiting] if len(waiting) else []
        known = min(self._provisional_rows, len(final))
        if known and self._replace_provisional(signal_lines(final, signals)):
            return
        # Where that failed, what was measured is there already.
        self._provisional_rows -= known
        rest = slice(known, None)
        self._signals.append("".join(signal_lines(final[rest], signals[rest])))

    def _add_provisional(self) -> None:
        rows = Measurements.concatenate(self._pending)
        if not self._provisional_rows:
            self._signals.remember_end()
        fresh = rows[slice(self._provisional_rows, None)]
        self._signals.append("".join(signal_lines(fresh, None)))
        self._provisional_rows = len(rows)
        self._pending = [rows]

    def _replace_provisional(self, lines: Iterable[str]) -> bool:
        if self._busy is not None:
            self._busy.result()  # it may be about to bring the old file to the disk
        try:
            self._signals.replace_from_remembered("".join(lines))
        except OSError as error:
            self.error = error.strerror or str(error)
            return False
        self._provisional_rows = 0
        return True

    def _to_disk(self, replaced: Writers) -> str | None:
        try:
            for table in self._tables:
                table.sync()
            if replaced:
                write_result(self.folder, replaced)
        except (OSError, OutputError) as error:
            return str(getattr(error, "strerror", None) or error)
        return None


class _Table:
    """A file that only grows; what the disk refuses waits."""

    def __init__(self, path: Path, header: str) -> None:
        self._path = path
        self._flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.open(path, self._flags | os.O_TRUNC, 0o600)
        self._waiting = bytearray()
        self._remembered = 0
        self.append(header)

    def append(self, text: str) -> None:
        self._waiting += text.encode()
        self.write()

    def write(self) -> str | None:
        """Writes what is waiting; the reason if that fails."""
        try:
            while self._waiting:
                del self._waiting[: os.write(self._file, self._waiting)]
        except OSError as error:
            return error.strerror or str(error)
        return None

    def missing(self) -> str | None:
        """That the file is not where it was made any more, if so: what is written goes nowhere."""
        if self._path.exists():
            return None
        return f"{self._path.name} was removed while the session ran"

    def remember_end(self) -> None:
        self._remembered = os.fstat(self._file).st_size + len(self._waiting)

    def replace_from_remembered(self, text: str) -> None:
        """Replaces what was appended since `remember_end`, in one step.

        Raises:
            OSError: If that fails; the file is then as it was.
        """
        if reason := self.write():
            raise OSError(reason)
        handle, name = tempfile.mkstemp(prefix=".writing-", dir=self._path.parent)
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(self._path.read_bytes()[: self._remembered] + text.encode())
                new.flush()
                os.fsync(new.fileno())
            os.close(self._file)  # Windows replaces no open file
            try:
                Path(name).replace(self._path)
            finally:
                self._file = os.open(self._path, self._flags, 0o600)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def sync(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)
