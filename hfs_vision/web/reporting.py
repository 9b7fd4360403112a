"""Keeps ``report.html`` up with the corrections, without being in their way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from hfs_vision.results import REPORT_FILE

_QUIET_S = 5.0


class Reporter:
    """Rebuilds the report when nothing was changed for some seconds, and at the end.

    In a process of its own: a report of an hour takes seconds of computing, and the page is to
    answer within a tenth of one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._changed = threading.Condition()
        self._pending = self._closed = False
        self._building = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="report", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """Where the report is, once there is one."""
        return self._folder / REPORT_FILE

    def note_change(self) -> None:
        """The report is out of date from now on."""
        with self._changed:
            self._pending = True
            self._changed.notify()

    def bring_up_to_date(self) -> str:
        """Builds the report if it is missing or out of date; why that failed, or empty."""
        with self._building:
            with self._changed:
                due = self._pending or not self.path.exists()
                self._pending = False
            return self._build() if due else ""

    def close(self) -> None:
        """Builds the report a last time if it is out of date."""
        with self._changed:
            self._closed = True
            pending = self._pending
            self._changed.notify()
        self._thread.join()
        if pending:
            self.bring_up_to_date()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closed)
                while not self._closed and self._changed.wait(_QUIET_S):
                    pass
                if self._closed:
                    return
            self.bring_up_to_date()

    def _build(self) -> str:
        # In a session of its own, so that a Ctrl-C that ends the review does not end it half way.
        process = subprocess.Popen(
            [sys.executable, "-m", "hfs_vision", "report", str(self._folder.absolute())],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process.pid, 10)
        said = process.communicate()[1].strip()
        if process.returncode == 0:
            return ""
        return said.splitlines()[-1] if said else f"it ended with {process.returncode}"
