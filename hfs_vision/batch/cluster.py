"""An existing Dask cluster as the place where recordings are analysed.

Dask queues, spreads and repeats the jobs; nothing of that is done again here. The only socket is
that to the scheduler, which passes on what workers report.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from hfs_vision.batch.job import AnalysisRequest, Program, WorkerContext
from hfs_vision.errors import HfsVisionError, UsageError
from hfs_vision.support.http_client import parse_address

T = TypeVar("T")

_ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://[^/\s]+:\d{1,5}/?")
_CONNECT_S = 10
_RETRIES = 2
_stopped: set[str] = set()
"""In a worker: batches that were asked to end."""


class Cluster:
    """The workers of a Dask scheduler; they must see the batch's folder under the same path."""

    capacity = sys.maxsize

    def __init__(self, address: str) -> None:
        """Connects.

        Raises:
            UsageError: If Dask is not installed, or no scheduler with a worker is at the address.
        """
        try:
            import distributed
        except ImportError as error:
            raise UsageError(
                f'--scheduler needs Dask ({error}): pip install "hfs-vision[cluster]"'
            ) from error
        if not _ADDRESS.fullmatch(address) or not parse_address(address).hostname:
            raise UsageError(f"{address!r} is no address of a scheduler: give tcp://host:port")
        # It prints a traceback where the scheduler is lost, which is told in one line.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        connect: Any = distributed.Client
        try:
            self._client = connect(
                address, timeout=_CONNECT_S, set_as_default=False, direct_to_workers=False
            )
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {address} ({error}): correct the address, or start "
                "one with `dask scheduler`"
            ) from error
        self._batch = uuid.uuid4().hex
        self._frames: dict[int, tuple[int, int | None]] = {}
        self._client.subscribe_topic(self._batch, self._reported)
        self._executor = self._client.get_executor(pure=False, retries=_RETRIES)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def submit(self, task: Callable[[WorkerContext], T], index: int) -> Future[T]:
        """Hands a task to the scheduler.

        The future is cancelled if the scheduler is lost, and raises ``KilledWorker`` if several
        workers in a row were lost with the task.
        """
        future: Future[T] = self._executor.submit(_work, task, index, self._batch)
        return future

    def program(self, request: AnalysisRequest) -> Program:
        """Which program runs at the workers.

        Raises:
            UsageError: If there is no worker, or they differ from one another or from this process.
        """
        try:
            self._client.wait_for_workers(1, timeout=_CONNECT_S)
        except TimeoutError as error:
            raise UsageError(
                f"{self._client.scheduler.address} has no worker: start some with `dask worker`"
            ) from error
        here = version("hfs-vision")
        try:
            found: dict[str, Program] = self._client.run(_identify, request)
        except HfsVisionError:
            raise
        except Exception as error:
            raise UsageError(
                f"the workers cannot run hfs-vision {here} ({error!r}): install it there"
            ) from error
        for worker, program in found.items():
            if program.hfs_vision != here:
                raise UsageError(
                    f"worker {worker} has hfs-vision {program.hfs_vision}, here is {here}: install "
                    "the same version everywhere"
                )
        programs = set(found.values())
        if len(programs) > 1:
            one, other, *_ = (program.model for program in programs)
            raise UsageError(
                f"the workers have different models, such as {one} and {other}: install the same "
                "MediaPipe and the same models everywhere"
            )
        return programs.pop()

    def progress(self, indices: Iterable[int]) -> dict[int, tuple[int, int | None]]:
        """Frames done, and of how many, of the recordings of which some are done."""
        return {i: self._frames[i] for i in indices if i in self._frames}

    def stop(self) -> None:
        """Asks all tasks to end, those that wait too; they end without a result."""
        with contextlib.suppress(OSError, ValueError):  # the scheduler is gone
            self._client.run(_end, self._batch)

    def _reported(self, event: tuple[float, tuple[int, int, int | None]]) -> None:
        index, done, total = event[1]
        self._frames[index] = done, total


def _here(report: Callable[[int, int | None], None], batch: str, folder: str) -> WorkerContext:
    return WorkerContext(Path(folder) / "hfs-vision", report, lambda: batch in _stopped)


def _identify(request: AnalysisRequest, dask_worker: Any) -> Program:
    """Dask passes the worker by the name of the argument."""
    return request(_here(lambda done, total: None, "", dask_worker.local_directory))


def _end(batch: str) -> None:
    _stopped.add(batch)


def _work(task: Callable[[WorkerContext], T], index: int, batch: str) -> T:
    from distributed import get_worker

    worker = get_worker()

    def report(done: int, total: int | None) -> None:
        worker.log_event(batch, (index, done, total))

    # Dask removes a worker's own folder, also that of one that was killed.
    return task(_here(report, batch, worker.local_directory))
