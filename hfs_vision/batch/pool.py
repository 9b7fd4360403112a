"""Processes of this machine, each working on one recording at a time."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from hfs_vision.batch.job import WorkerContext
from hfs_vision.batch.names import STATE
from hfs_vision.batch.sources import COPY
from hfs_vision.results.temp_folder import remove_abandoned

T = TypeVar("T")

_RUN, _STOP, _END = range(3)
_LOOK_S = 0.2
_ENDING_S = 5.0
"""How long a process whose first one has ended may take to give up what it does."""


class Pool:
    """One executor of a single process for each job at a time.

    With one executor of many processes, the end of one process (out of memory) would end the
    others' work too, and nobody could tell whose recording it was.

    What the processes share is plain memory without locks: a process that is killed while it holds
    the lock of a queue would halt the others.
    """

    def __init__(self, jobs: int, recordings: int, out: Path) -> None:
        """Starts nothing yet.

        Args:
            jobs: Processes.
            recordings: How many recordings there are.
            out: The batch's folder, for temporary files.
        """
        self.capacity = jobs
        self._context = get_context("spawn")
        self._flag = self._context.RawValue("b", _RUN)
        self._frames = self._context.RawArray("q", 2 * recordings)
        self._scratch = out / STATE / "scratch"
        self._executors: list[ProcessPoolExecutor] = []
        self._latest: list[Future[Any] | None] = []

    def __enter__(self) -> Pool:
        remove_abandoned(self._scratch, COPY)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._flag.value = _END
        for executor in self._executors:
            executor.shutdown()

    def submit(self, task: Callable[[WorkerContext], T], index: int) -> Future[T]:
        """Begins a task in a process that is free; not more than `capacity` at once.

        The future raises `BrokenExecutor` if the process ends before the task.
        """
        free = (i for i, latest in enumerate(self._latest) if latest is None or latest.done())
        place = next(free, len(self._executors))
        if place == len(self._executors):
            self._executors.append(self._start())
            self._latest.append(None)
        try:
            future = self._executors[place].submit(_work, task, index)
        except BrokenExecutor:  # its process ended, in the last task or while it waited
            self._executors[place] = self._start()
            future = self._executors[place].submit(_work, task, index)
        self._latest[place] = future
        return future

    def program(self, request: Callable[[WorkerContext], T]) -> T:
        """Which program runs in these processes."""
        return self.submit(request, 0).result()

    def progress(self, indices: Iterable[int]) -> dict[int, tuple[int, int | None]]:
        """Frames done, and of how many, of the recordings of which some are done."""
        return {
            i: (self._frames[2 * i], self._frames[2 * i + 1] or None)
            for i in indices
            if self._frames[2 * i]
        }

    def stop(self) -> None:
        """Asks all tasks to end."""
        self._flag.value = _STOP

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1, self._context, _begin, (self._flag, self._frames, self._scratch)
        )


_shared: tuple[Any, Any, Path] | None = None
"""In a process of the pool: what `Pool` shares with it."""

_idle = threading.Event()
"""In a process of the pool: set while it works on nothing."""


def _begin(flag: Any, frames: Any, scratch: Path) -> None:
    global _shared
    _shared = flag, frames, scratch
    # Ctrl-C reaches the whole group; when to stop is the first process's to say.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows knows no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    _idle.set()
    threading.Thread(target=_end_with_parent, args=(flag,), daemon=True).start()


def _end_with_parent(flag: Any) -> None:
    """Ends this process with the first one, even if that was killed.

    The work is given up in good order, so that no copy of a recording is left.
    """
    parent = parent_process()
    while parent and parent.is_alive() and flag.value != _END:
        with contextlib.suppress(OSError):
            parent.join(_LOOK_S)
    if flag.value == _RUN:
        flag.value = _STOP
    _idle.wait(_ENDING_S)
    os._exit(1)


def _work(task: Callable[[WorkerContext], T], index: int) -> T:
    assert _shared is not None
    flag, frames, scratch = _shared

    def report(done: int, total: int | None) -> None:
        frames[2 * index + 1] = total or 0
        frames[2 * index] = done

    _idle.clear()
    try:
        return task(WorkerContext(scratch, report, lambda: flag.value != _RUN))
    finally:
        _idle.set()
