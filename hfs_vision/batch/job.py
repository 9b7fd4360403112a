"""One recording of a batch, as work that any process can do which sees its folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hfs_vision.analysis.pipeline import analyze
from hfs_vision.analysis.result import RESULT_FILES, Analysis
from hfs_vision.batch.cohort import RECORD_FILE, measured, read_record, result_folder, write_record
from hfs_vision.batch.names import STATE
from hfs_vision.batch.sources import is_url, local_copy
from hfs_vision.core.settings import Settings, settings_sha256
from hfs_vision.errors import HfsVisionError, ModelError, OutputError, SourceError
from hfs_vision.landmarks.mediapipe_models import open_landmarker
from hfs_vision.landmarks.patch_networks import PatchNetworks
from hfs_vision.results import check_folder, finish_replacing
from hfs_vision.results.locks import BusyError, Lock
from hfs_vision.schema import ModelIdentity, SourceInfo
from hfs_vision.video import TIMESTAMPS_NAME, Stopped, digest, stamp


@dataclass(frozen=True)
class WorkerContext:
    """What the process that works on a job gives it.

    Attributes:
        scratch: Folder for temporary files of this process.
        report: Called with the frames done, and of how many if that is known.
        stop: Whether the work must end.
    """

    scratch: Path
    report: Callable[[int, int | None], None]
    stop: Callable[[], bool]


@dataclass(frozen=True)
class Program:
    """What decides: results of the same program, settings and content are the same."""

    hfs_vision: str
    model: ModelIdentity


@dataclass(frozen=True)
class AnalysisRequest:
    """How all recordings of a batch are analysed; see `hfs_vision.analysis.pipeline.analyze`."""

    settings: Settings
    landmarker: str = "auto"
    model: str | None = None
    subject: tuple[float, float] | None = None
    fps: float | None = None

    def __call__(self, here: WorkerContext) -> Program:
        """Which program runs here.

        Raises:
            UsageError: If an option is wrong.
            ModelError: If a model is missing or damaged.
        """
        model = Path(self.model) if self.model else None
        finder = open_landmarker(self.landmarker, model=model, subject=self.subject)
        finder.close()
        identity = replace(finder.identity, appearance_sha256=PatchNetworks().sha256)
        return Program(version("hfs-vision"), identity)


@dataclass(frozen=True)
class Digest:
    """The SHA-256 of a recording, by itself."""

    source: str

    def __call__(self, here: WorkerContext) -> str:
        """Hexadecimal; see `hfs_vision.video.digest`."""
        with local_copy(self.source, here.scratch, here.stop) as path:
            return digest(path, here.stop)


@dataclass(frozen=True)
class Outcome:
    """What became of a recording.

    Attributes:
        status: ``done``, ``skipped`` (it was done before), ``failed``, ``stopped``, or ``busy``:
            another batch is at it.
        reason: Why it failed.
        again: Whether it failed before and was not tried again.
        events: One-sided events.
        duration_s: Length of the recording in seconds.
        set_aside: The new name of corrections that are of other events; see
            `hfs_vision.results.retire`.
    """

    status: str
    reason: str = ""
    again: bool = False
    events: int = 0
    duration_s: float = 0.0
    set_aside: str | None = None


@dataclass(frozen=True)
class Job:
    """One recording, where its result goes, and what to do if there is one.

    Attributes:
        index: Place among the inputs.
        source: Absolute path or URL.
        size: Bytes; 0 if that is not known.
        name: Of the recording in the batch's folder.
        out: The batch's folder.
        request, program: How it is analysed.
        deidentified: Whether its path, file name and date are kept out of the result.
        force: Whether it is analysed even if it was done before.
        retry_failed: Whether it is tried again if it failed before.
    """

    index: int
    source: str
    size: int
    name: str
    out: Path
    request: AnalysisRequest
    program: Program
    deidentified: bool = False
    force: bool = False
    retry_failed: bool = False

    def __call__(self, here: WorkerContext) -> Outcome:
        """Analyses the recording and writes its folder, unless that is done.

        Raises:
            OutputError: If the folder cannot be written.
            OSError: If the source cannot be reached; what a file holds raises nothing but is
                recorded as a failure.
        """
        if here.stop():
            return Outcome("stopped")
        try:
            with (
                self._lock(),
                local_copy(self.source, here.scratch, here.stop) as path,
            ):
                return self._work(path, here)
        except BusyError:
            return Outcome("busy")
        except Stopped:
            return Outcome("stopped")

    def fail(self, reason: str) -> Outcome:
        """Records a failure that the job itself could not, such as the end of its process.

        What a URL leads to is not asked again, so that such a failure is tried again next time.
        """
        sha256 = ""
        if not is_url(self.source):
            with contextlib.suppress(OSError):
                sha256 = digest(Path(self.source))
        try:
            with self._lock():
                return self._failed(sha256, self._told(reason), "unexpected")
        except BusyError:
            return Outcome("busy")

    def check_place(self) -> None:
        """Refuses a folder for the result that holds files of others, unless it has been at work.

        Raises:
            UsageError: If a file is there that must not be replaced.
        """
        if read_record(self._folder) is None:
            self._check_files()

    def _check_files(self) -> None:
        renewed = (*RESULT_FILES, RECORD_FILE)
        check_folder(self._folder, (), force=self.force, renewed=renewed, inputs=self._inputs)

    @property
    def _inputs(self) -> list[Path]:
        return [] if is_url(self.source) else [Path(self.source)]

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        file = self.out / STATE / "locks" / f"{self.name}.lock"
        lock = Lock(file)
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock.acquire()
        except BusyError:
            raise
        except OSError as error:
            raise OutputError(
                f"{file} cannot be locked ({error}): choose another folder with --out"
            ) from error
        try:
            yield
        finally:
            lock.release()

    @property
    def _folder(self) -> Path:
        return result_folder(self.out, self.name)

    def _work(self, path: Path, here: WorkerContext) -> Outcome:
        before = stamp(path)
        sha256 = digest(path, here.stop)
        finish_replacing(self._folder)
        known = read_record(self._folder)
        if known and known.get("identity") == self._identity(sha256) and not self.force:
            if known["status"] == "done":
                return Outcome("skipped", **_told_of(known))
            if not self.retry_failed:
                return Outcome("failed", known["reason"], again=True)
        try:
            self._check_files()
            result = self._analyze(path, sha256, here)
            if stamp(path) != before:
                raise SourceError(
                    f"{path} changed while it was read: run again once it is complete"
                )
        except Stopped:
            raise
        except Exception as error:  # one recording, whatever is in it, does not end the others
            told = str(error) if isinstance(error, HfsVisionError) else repr(error)
            code = error.code if isinstance(error, HfsVisionError) else "unexpected"
            return self._failed(sha256, self._told(told.replace(str(path), self.source)), code)
        if self.deidentified and result.source is not None:
            undated = replace(result.source, recorded_utc=None, recorded_local=None)
            result = replace(result, source=undated)
        record = self._record(sha256, "done", **measured(result))
        aside = write_record(self._folder, record, result, force=self.force, inputs=self._inputs)
        return Outcome("done", **_told_of(record), set_aside=aside)

    def _analyze(self, path: Path, sha256: str, here: WorkerContext) -> Analysis:
        asked = self.request
        rate_wanted = path.is_dir() and not (path / TIMESTAMPS_NAME).exists()

        def progress(info: SourceInfo, frames: int, time_s: float) -> None:
            total = info.frame_count
            if not total and info.duration_s and info.nominal_fps:
                total = round(info.duration_s * info.nominal_fps)
            here.report(frames, total)

        result = analyze(
            path,
            settings=asked.settings,
            landmarker=asked.landmarker,
            model=asked.model,
            subject=asked.subject,
            fps=asked.fps if rate_wanted else None,
            sha256=sha256,
            progress=progress,
            stop=here.stop,
        )
        if result.partial:
            raise Stopped
        if result.model != self.program.model:
            raise ModelError(
                f"the landmark model is not that of the rest of the batch, {self.program.model}, "
                f"but {result.model}: give all workers the same"
            )
        return result

    def _failed(self, sha256: str, reason: str, code: str) -> Outcome:
        record = self._record(sha256, "failed", reason=reason, reason_code=code)
        aside = write_record(self._folder, record, None, force=self.force, inputs=self._inputs)
        return Outcome("failed", reason, set_aside=aside)

    def _record(self, sha256: str, status: str, **values: Any) -> dict[str, Any]:
        return {
            "identity": self._identity(sha256),
            "name": self.name,
            "result": self._folder.name,
            "sha256": sha256,
            "bytes": self.size,
            "status": status,
            **values,
            "settings_sha256": settings_sha256(self.request.settings.as_dict()),
            "model_sha256": self.program.model.sha256,
            "hfs_vision": self.program.hfs_vision,
        }

    def _identity(self, sha256: str) -> str:
        asked = self.request
        return _hash(
            [sha256, asked.settings.as_dict(), asked.subject, asked.fps, asdict(self.program)]
        )

    def _told(self, reason: str) -> str:
        """The reason in one line, without what must not be told."""
        shown = self.name if self.deidentified else self.source.partition("?")[0]
        reason = " ".join(reason.split()).replace(self.source, shown)
        return reason.replace(Path(self.source).name, shown) if self.deidentified else reason


def _hash(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _told_of(record: dict[str, Any]) -> dict[str, Any]:
    return {"events": record["all_all_count"], "duration_s": record["duration_s"]}
