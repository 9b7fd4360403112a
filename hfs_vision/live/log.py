"""Files of a session that grow line by line and are readable whenever the session ends.

Each row is handed to the system as soon as it is final, by one write, so that a killed session
loses at most what is not yet decided; once a second everything is brought to the disk, for when
the power fails. Where the disk refuses a row it waits in memory and is tried again.

While rest is learned nothing is final for ten seconds. Rows then come with what was measured, all
that ``hfs-vision detect`` needs, and are replaced by complete ones when those are known.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TextIO

from hfs_vision.core.detector import DetectorUpdate
from hfs_vision.core.geometry import Measurements
from hfs_vision.core.signals import Signals
from hfs_vision.errors import OutputError, UsageError
from hfs_vision.results import (
    COUNTS_FILE,
    EVENT_COLUMNS,
    MARK_COLUMNS,
    MARKS_FILE,
    SEGMENTS_FILE,
    SIGNAL_COLUMNS,
    SUMMARY_FILE,
    TWITCH_COLUMNS,
    event_line,
    line,
    signal_lines,
    twitch_lines,
    write_result,
)

GROWING_FILES = ("events.csv", "twitches.csv", "signals.csv", MARKS_FILE)

_OPENED = os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_REMOVED = (COUNTS_FILE, SEGMENTS_FILE, SUMMARY_FILE)
"""What is written as a whole; those of an earlier result go when a session begins."""

_HOLD_S = 0.5
"""A row that is not final for longer than this is written as far as it is known."""

Writers = Mapping[str, Callable[[TextIO], None]]


class SessionLog:
    """The growing files of one session.

    Args:
        folder: Made if it is missing; a result of this program in it is replaced.
        force: Whether files of `GROWING_FILES` that this program did not write may be replaced.
        alone: Whether the caller has the folder held; see `hfs_vision.results.held`.
        notice: Told once where a file has to go on under another name.

    Attributes:
        set_aside: The new name of corrections of an earlier result; see `retire`.

    Raises:
        UsageError: If a file in the folder must not be replaced.
        OutputError: If the folder or a file cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        *,
        force: bool = False,
        alone: bool = False,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.folder = folder
        self._alone, self._notice = alone, notice
        self.error: str | None = None
        """Why something could not be written; ``None`` again once it could."""
        columns = (EVENT_COLUMNS, TWITCH_COLUMNS, SIGNAL_COLUMNS, MARK_COLUMNS)
        headers = {
            name: partial(_write_row, values=header)
            for name, header in zip(GROWING_FILES, columns, strict=True)
        }
        self.set_aside = write_result(
            folder, headers, force=force, remove=_REMOVED, retiring=True, alone=alone
        )
        try:
            self._events, self._twitches, self._signals, self._marks = (
                _LogTable(folder / name) for name in GROWING_FILES
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
        self._noticed: set[str] = set()

    def add(self, measured: Measurements, found: DetectorUpdate) -> None:
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
        refused = self._look()
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
        refused = self._look()
        for table in self._tables:
            table.close()
        self._write(replaced)
        if any(refused):
            raise OutputError(
                f"{self.folder} is incomplete: {next(filter(None, refused))}; free the disk and "
                "keep what is there: hfs-vision detect reads it"
            )
        if told := [table.told for table in self._tables if table.told]:
            raise OutputError(f"{self.folder}: {'; '.join(told)}")

    def _look(self) -> list[str | None]:
        """Writes what waits; why that fails, for each table."""
        refused = []
        for table in self._tables:
            refused.append(table.write() or table.look())
            if table.told and table.told not in self._noticed:  # wherever it was found out
                self._noticed.add(table.told)
                self._notice(table.told)
        return refused

    def _write(self, files: Writers) -> None:
        """Replaces files as a whole, each where its table is now."""
        tables = (self._events, self._twitches, self._signals, self._marks)
        names = {name: table.path.name for name, table in zip(GROWING_FILES, tables, strict=True)}
        try:
            write_result(
                self.folder,
                {names.get(name, name): write for name, write in files.items()},
                alone=self._alone,
            )
        except UsageError as error:  # somebody put a file of his own there while the session ran
            raise OutputError(f"{self.folder} is incomplete: {error}") from error

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
                self._write(replaced)
        except (OSError, OutputError) as error:
            return str(getattr(error, "strerror", None) or error)
        return None


def _write_row(handle: TextIO, values: Iterable[str]) -> None:
    handle.write(line(values))


class _LogTable:
    """A file that only grows; what the disk refuses waits.

    Should its name come to be of another file while it grows, it goes on beside that, whole.

    Args:
        path: The file, with its header.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: str | None = None
        """That it had to go on under another name, or was made anew."""
        self._first_path = path
        self._file = os.open(path, _OPENED)
        self._waiting = bytearray()
        self._remembered = 0

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

    def look(self) -> str | None:
        """Whether the file is where it was made; else goes on beside what is there now.

        Returns:
            Why that fails: what is written goes nowhere then. ``None`` if nothing is lost.
        """
        try:
            there = os.lstat(self.path)
        except OSError:
            there = None
        if there is not None and os.path.samestat(there, os.fstat(self._file)):
            return None
        what = "was removed" if there is None else "was replaced by another program"
        what = f"{self.path.name} {what} while the session ran"
        try:
            self._go_on_in(self.path if there is None else self._free_path())
        except OSError:
            return what
        self.told = f"{what}: the session's rows, earlier ones too, are in {self.path.name}"
        return None

    def remember_end(self) -> None:
        self._remembered = os.fstat(self._file).st_size + len(self._waiting)

    def replace_from_remembered(self, text: str) -> None:
        """Replaces what was appended since `remember_end`, in one step.

        Raises:
            OSError: If that fails; the file is then as it was.
        """
        if reason := self.write() or self.look():
            raise OSError(reason)
        handle, name = tempfile.mkstemp(prefix=".writing-", dir=self.path.parent)
        try:
            with os.fdopen(handle, "wb") as new:
                new.write(self._content()[: self._remembered] + text.encode())
                new.flush()
                os.fsync(new.fileno())
            os.close(self._file)  # Windows replaces no open file
            try:
                Path(name).replace(self.path)
            finally:
                self._file = os.open(self.path, _OPENED)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def sync(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def _content(self) -> bytes:
        """All that the file holds, whatever its name is of now."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            return file.read()

    def _free_path(self) -> Path:
        first = self._first_path
        names = (f"{first.stem}.continued-{n}{first.suffix}" for n in itertools.count(2))
        return next(p for p in map(first.with_name, names) if not os.path.lexists(p))

    def _go_on_in(self, path: Path) -> None:
        handle = os.open(path, _OPENED | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            left = memoryview(self._content())
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        except OSError:
            os.close(handle)
            path.unlink(missing_ok=True)
            raise
        os.close(self._file)
        self._file, self.path = handle, path
