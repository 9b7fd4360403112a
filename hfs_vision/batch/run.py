"""The course of a batch: longest first, each once, and nothing lost but what is running."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from pathlib import Path
from typing import Protocol, TypeVar

from hfs_vision.batch.cohort import Cohort
from hfs_vision.batch.duplicates import find_copies
from hfs_vision.batch.job import AnalysisRequest, Digest, Job, Outcome, Program, WorkerContext
from hfs_vision.batch.names import name_by_number, name_by_source
from hfs_vision.batch.sources import BatchRecording, LeftOut, Tell
from hfs_vision.errors import HfsVisionError, OutputError
from hfs_vision.schema import StrPath

T = TypeVar("T")

_TICK_S = 0.2
_BUSY_S = 1.0
"""Before a recording that another batch works on is looked at again."""


class Backend(Protocol):
    """Where jobs run."""

    @property
    def capacity(self) -> int:
        """How many tasks may be submitted at once."""
        ...

    def submit(self, task: Callable[[WorkerContext], T], index: int) -> Future[T]:
        """Begins a task of the recording with this index."""
        ...

    def program(self, request: AnalysisRequest) -> Program:
        """Which program runs there."""
        ...

    def progress(self, indices: Iterable[int]) -> Mapping[int, tuple[int, int | None]]:
        """Frames done, and of how many, of the recordings of which some are done."""
        ...

    def stop(self) -> None:
        """Asks all tasks to end."""
        ...


class ProgressListener(Protocol):
    """Who is told how a batch goes on."""

    def planned(self, jobs: Sequence[Job]) -> None:
        """Before the first recording."""
        ...

    def running(self, jobs: Mapping[Job, tuple[int, int | None]]) -> None:
        """Every now and then: frames done of each recording, and of how many."""
        ...

    def ended(self, job: Job, outcome: Outcome) -> None:
        """After each recording."""
        ...


def run_batch(
    recordings: Sequence[BatchRecording],
    out: StrPath,
    request: AnalysisRequest,
    backend: Backend,
    watch: ProgressListener,
    *,
    deidentify: bool = False,
    force: bool = False,
    retry_failed: bool = False,
    stop: Callable[[], bool] = lambda: False,
    tell: Tell = lambda left_out: None,
) -> list[str]:
    """Analyses recordings into a folder, and brings its ``cohort.csv`` up to date.

    Args:
        recordings: As found by `find_recordings`.
        out: The batch's folder, which may hold results already and be shared with other batches.
        request: How they are analysed.
        backend: Where they are analysed.
        watch: Who is told what becomes of them.
        deidentify: Number the recordings, and keep paths and file names out of the folder.
        force: Analyse also what is done.
        retry_failed: Try again what failed.
        stop: Asked a few times a second; once it says true, running recordings are given up.
        tell: Called with each recording that is left out, being a copy of another one.

    Returns:
        What is to be known of the table of all recordings, in sentences.

    Raises:
        UsageError, ModelError: If an option or a model is wrong, or the table is not ours; nothing
            was analysed.
        TableError: If the table cannot be read, so that what was entered in it would be lost.
        OutputError: If the folder cannot be written; what is done stays.
        HfsVisionError: If the scheduler is lost.
    """
    out = Path(out)
    cohort = Cohort(out)
    cohort.check(force=force)
    program = backend.program(request)
    names = _names(recordings, out, backend, stop, tell, deidentify)
    if names is None:
        return []
    jobs: dict[str, Job] = {}
    for index, (recording, name) in enumerate(zip(recordings, names, strict=True)):
        if name in jobs:  # the same content has one name
            continue
        jobs[name] = Job(
            index=index,
            source=recording.source,
            size=recording.size,
            name=name,
            out=out,
            request=request,
            program=program,
            deidentified=deidentify,
            force=force,
            retry_failed=retry_failed,
        )
    for job in jobs.values():
        job.check_place()
    watch.planned(list(jobs.values()))
    try:
        _Scheduler(jobs.values(), backend, watch, cohort, stop).run()
    finally:
        cohort.update(at_once=True)
    return cohort.notes


def _names(
    recordings: Sequence[BatchRecording],
    out: Path,
    backend: Backend,
    stop: Callable[[], bool],
    tell: Tell,
    deidentify: bool,
) -> list[str] | None:
    """Name of each recording, one for copies; ``None`` if the batch was stopped meanwhile."""

    def digests(wanted: Sequence[BatchRecording]) -> list[str] | None:
        return _digests(wanted, backend, stop)

    if deidentify:
        found = digests(recordings)
        if found is None:
            return None
        # Those that cannot be read keep a number of their own.
        keys = [sha256 or uuid.uuid4().hex for sha256 in found]
        known = name_by_number(out, keys)
        copied = [key in keys[:index] for index, key in enumerate(keys)]
    else:
        copies = find_copies(recordings, out, digests)
        if copies is None:
            return None
        known = name_by_source(out, [each for each in recordings if each.key not in copies])
        keys = [copies.get(recording.key, recording.key) for recording in recordings]
        copied = [recording.key in copies for recording in recordings]
    names = [known[key] for key in keys]
    for recording, name, copy in zip(recordings, names, copied, strict=True):
        if copy:
            tell(LeftOut(recording.source, f"a copy of {name}: counted once"))
    return names


def _digests(
    recordings: Sequence[BatchRecording], backend: Backend, stop: Callable[[], bool]
) -> list[str] | None:
    """SHA-256 of each, empty where it cannot be read; ``None`` if the batch was stopped."""
    found = [""] * len(recordings)
    waiting = deque(range(len(recordings)))
    running: dict[Future[str], int] = {}
    while waiting or running:
        if stop():
            backend.stop()
            wait(running)
            return None
        while waiting and len(running) < backend.capacity:
            index = waiting.popleft()
            running[backend.submit(Digest(recordings[index].source), index)] = index
        for future in wait(running, _TICK_S, FIRST_COMPLETED).done:
            index = running.pop(future)
            if not future.cancelled() and future.exception() is None:
                found[index] = future.result()
    return found


class _Scheduler:
    """Which job is where."""

    def __init__(
        self,
        jobs: Iterable[Job],
        backend: Backend,
        watch: ProgressListener,
        cohort: Cohort,
        stop: Callable[[], bool],
    ) -> None:
        self._backend, self._watch, self._cohort, self._stop = backend, watch, cohort, stop
        # What begins last is short, so that no process works long after the others.
        self._waiting = deque(sorted(jobs, key=lambda job: -job.size))
        self._running: dict[Future[Outcome], Job] = {}
        self._busy: list[tuple[float, Job]] = []
        self._lost: deque[Job] = deque()
        self._alone: Job | None = None

    def run(self) -> None:
        try:
            while self._waiting or self._running or self._busy or self._lost:
                if self._stop():
                    return
                self._submit()
                self._wait()
        except KeyboardInterrupt:
            self._running.clear()  # whoever interrupts twice does not want to wait for them
            raise
        finally:
            if self._running:
                self._give_up()

    def _submit(self) -> None:
        now = time.monotonic()
        self._waiting += [job for due, job in self._busy if due <= now]
        self._busy = [(due, job) for due, job in self._busy if due > now]
        if self._alone:
            return
        while self._waiting and len(self._running) < self._backend.capacity:
            self._begin(self._waiting.popleft())
        if self._lost and not self._running:
            self._alone = self._lost.popleft()
            self._begin(self._alone)

    def _begin(self, job: Job) -> None:
        self._running[self._backend.submit(job, job.index)] = job

    def _wait(self) -> None:
        if not self._running:
            time.sleep(_TICK_S)
        for future in wait(self._running, _TICK_S, FIRST_COMPLETED).done:
            job = self._running.pop(future)
            outcome = self._outcome(job, future)
            if self._alone is job:
                self._alone = None
            if outcome is None:
                continue
            if outcome.status == "busy":
                self._busy.append((time.monotonic() + _BUSY_S, job))
                continue
            self._watch.ended(job, outcome)
            if outcome.status == "done" or (outcome.status == "failed" and not outcome.again):
                self._cohort.update()
        by_index = {job.index: job for job in self._running.values()}
        progress = self._backend.progress(by_index)
        self._watch.running({by_index[index]: done for index, done in progress.items()})

    def _outcome(self, job: Job, future: Future[Outcome]) -> Outcome | None:
        """What became of a job; ``None`` if its process ended and it is tried once more."""
        if future.cancelled():
            raise HfsVisionError(
                "the connection to the scheduler was lost: what is done stays; start the scheduler "
                "and run the same command again"
            )
        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, OutputError):
            raise error
        if isinstance(error, BrokenExecutor):
            if self._alone is not job:
                self._lost.append(job)
                return None
            return job.fail("its process ended twice, as it does when memory runs out")
        return job.fail(str(error) if isinstance(error, HfsVisionError) else repr(error))

    def _give_up(self) -> None:
        """Ends what runs; what was done in the meantime counts."""
        self._backend.stop()
        wait(self._running)
        for future, job in self._running.items():
            if not future.cancelled() and future.exception() is None:
                outcome = future.result()
                if outcome.status not in ("stopped", "busy"):
                    self._watch.ended(job, outcome)
