"""A corpus of damaged videos: seeded mutations of small recordings, each analysed for real."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from hfs_vision.schema import Event
from tests.faults.material import CODECS, PIECES, alike, events_in, supported, write_piece
from tests.faults.watching import LIMIT_S, SILENCE_S, waited_s

COUNT = 500
KINDS = (
    "truncation",
    "bit flips",
    "zeroed block",
    "removed block",
    "duplicated block",
    "damaged header",
)


@dataclass(frozen=True)
class Mutation:
    """One damaged file; everything follows from its number, which is the seed."""

    number: int

    @property
    def codec(self) -> str:
        return list(CODECS)[self.number % 4]

    @property
    def side(self) -> str:
        return list(PIECES)[self.number // 4 % 2]

    @property
    def kind(self) -> str:
        return KINDS[self.number // 8 % len(KINDS)]

    def of(self, data: bytes) -> bytes:
        """The damaged file of a sound one."""
        rng = np.random.default_rng(self.number)
        if self.kind == "truncation":
            return data[: rng.integers(1, len(data))]
        if self.kind == "bit flips":
            return _flipped(data, rng, int(rng.integers(1, 201)), 0, len(data))
        if self.kind == "damaged header":
            return _flipped(data, rng, int(rng.integers(1, 17)), *header(data))
        length = int(rng.integers(16, 4096))
        start = int(rng.integers(0, len(data) - length))
        before, block, after = data[:start], data[start : start + length], data[start + length :]
        inserted = {
            "zeroed block": bytes(length),
            "removed block": b"",
            "duplicated block": 2 * block,
        }
        return before + inserted[self.kind] + after


def header(data: bytes) -> tuple[int, int]:
    """Where a file says what it holds: in an MP4 ``moov``, else all before the pictures."""
    if data[4:8] == b"ftyp":
        start = data.index(b"moov") - 4
        return start, start + int.from_bytes(data[start : start + 4], "big")
    pictures = b"movi" if data[:4] == b"RIFF" else b"\x1f\x43\xb6\x75"
    return 0, data.index(pictures)


def _flipped(data: bytes, rng: np.random.Generator, count: int, start: int, stop: int) -> bytes:
    changed = bytearray(data)
    for bit in rng.integers(8 * start, 8 * stop, count).tolist():
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@dataclass(frozen=True)
class Verdict:
    """What became of one mutation.

    Attributes:
        kind: ``refused``; ``right``: the events of the sound file, all of them, and no warning;
            ``warned``: a warning tells of damage or of time without a face, and every event lies
            in one of the sound file; or ``wrong``.
        reason: Of what is wrong.
        shown: What the user saw last.
        seconds: It took so long, waiting for a processor left out.
    """

    mutation: Mutation
    kind: str
    reason: str
    shown: str
    seconds: float


class _DiedError(Exception):
    """The process that ran the command is gone, or was ended because it hung."""


class _Runner:
    """A process that runs the command line again and again, so that libraries load once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, folder), daemon=True)
        self._process.start()
        theirs.close()
        if not self._ours.poll(LIMIT_S):
            raise RuntimeError("the process that runs the mutations does not start")
        self._ours.recv()

    def run(self, arguments: list[str]) -> tuple[int, str, float]:
        """Exit code, what was shown, and the seconds that it took."""
        began, waited = time.monotonic(), waited_s(self._process.pid)
        self._ours.send(arguments)
        while not self._ours.poll(0.2):
            took = time.monotonic() - began - (waited_s(self._process.pid) - waited)
            if took > SILENCE_S:
                self.close()
                raise _DiedError(f"no end and no message within {SILENCE_S:.0f} s")
        took = time.monotonic() - began - (waited_s(self._process.pid) - waited)
        try:
            code, shown = self._ours.recv()
        except EOFError:
            self._process.join()
            raise _DiedError(f"the process died with code {self._process.exitcode}") from None
        return code, shown, took

    def close(self) -> None:
        self._process.kill()
        self._process.join()
        self._ours.close()


def _serve(connection: Connection, folder: Path) -> None:
    """Runs one command after the other in this process; standard output and error go to a file."""
    from hfs_vision.__main__ import main
    from hfs_vision.cli import terminal  # noqa: F401 (loads everything before the clock runs)

    shown = folder / "shown.txt"
    file = os.open(shown, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    connection.send(None)
    while True:
        sys.argv = ["hfs-vision", *connection.recv()]
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        code: Any = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        connection.send((code, shown.read_text(errors="replace")))


class Corpus:
    """The sound files, what is found in them, and processes that analyse damaged ones."""

    def __init__(self, folder: Path, jobs: int = 2) -> None:
        self._folder, self._jobs = folder, jobs
        self._sound: dict[tuple[str, str], tuple[bytes, str, Sound]] = {}
        self._idle: SimpleQueue[_Runner | None] = SimpleQueue()
        for _ in range(jobs):
            self._idle.put(None)

    def prepare(self, mutations: list[Mutation]) -> None:
        """Encodes and analyses the sound files."""
        for codec, side in sorted({(m.codec, m.side) for m in mutations}):
            folder = self._folder / f"sound-{codec}-{side}"
            folder.mkdir(parents=True)
            path = write_piece(folder, side, codec)
            code, shown, _ = self._analyze(path, folder / "out")
            summary = json.loads((folder / "out" / "summary.json").read_text())
            events = events_in(folder / "out")
            if code or len(summary["warnings"]) != 1 or {e.side for e in events} != {side}:
                raise RuntimeError(f"{path} is not sound: {shown}")
            sound = Sound(events, summary["frames"], summary["start_s"])
            self._sound[codec, side] = path.read_bytes(), path.suffix, sound

    def run(self, mutations: list[Mutation]) -> Iterator[Verdict]:
        """Analyses all of them; verdicts come as they are ready."""
        self.prepare(mutations)
        with ThreadPoolExecutor(self._jobs) as pool:
            for done in as_completed([pool.submit(self._judge, m) for m in mutations]):
                yield done.result()

    def close(self) -> None:
        for _ in range(self._jobs):
            runner = self._idle.get()
            if runner is not None:
                runner.close()

    def _analyze(self, path: Path, out: Path) -> tuple[int, str, float]:
        runner = self._idle.get()
        try:
            if runner is None:
                runner = _Runner(self._folder / f"runner-{time.monotonic_ns()}")
            return runner.run(["analyze", str(path), "--out", str(out), "--no-report"])
        except _DiedError:
            runner = None
            raise
        finally:
            self._idle.put(runner)

    def _judge(self, mutation: Mutation) -> Verdict:
        data, suffix, sound = self._sound[mutation.codec, mutation.side]
        folder = self._folder / f"mutation-{mutation.number}"
        folder.mkdir()
        path, out = folder / f"damaged{suffix}", folder / "out"
        path.write_bytes(mutation.of(data))
        try:
            code, shown, took = self._analyze(path, out)
        except _DiedError as reason:
            return Verdict(mutation, "wrong", str(reason), "", float("nan"))
        last = next(reversed(shown.strip().splitlines()), "").replace(str(path), "VIDEO")
        kind, reason = judge(code, shown, out, sound)
        return Verdict(mutation, kind, reason, last.replace(str(out), "OUT"), took)


@dataclass(frozen=True)
class Sound:
    """What is found in the sound file."""

    events: list[Event]
    frames: int
    start_s: float

    def at(self, start_s: float) -> list[Event]:
        """Its events if its first picture came then."""
        later_s = start_s - self.start_s
        return [
            replace(e, onset_s=e.onset_s + later_s, offset_s=e.offset_s + later_s)
            for e in self.events
        ]


def judge(code: int, shown: str, out: Path, sound: Sound) -> tuple[str, str]:
    """Kind of verdict, and why it is wrong.

    A header may say at what time the first picture comes; where none is missing, that is heeded.
    """
    if "Traceback" in shown:
        return "wrong", "a traceback"
    errors = [line for line in shown.splitlines() if line.startswith("error: ")]
    if code in (1, 2):
        if len(errors) != 1:
            return "wrong", f"{len(errors)} error messages"
        return ("wrong", "a refusal that leaves files") if out.exists() else ("refused", "")
    if code != 0 or errors:
        return "wrong", f"exit code {code} with {len(errors)} error messages"
    found, summary = events_in(out), json.loads((out / "summary.json").read_text())
    warnings = [each for each in summary["warnings"] if each["code"] != "short_recording"]
    true = sound.at(summary["start_s"]) if summary["frames"] == sound.frames else sound.events
    if not all(supported(event, true) for event in found):
        return "wrong", f"an event that the recording does not hold, {told(warnings)}"
    if warnings:
        return "warned", ""
    return ("right", "") if alike(found, true) else ("wrong", f"other events, {told(warnings)}")


def told(warnings: list[dict[str, object]]) -> str:
    """Whether the user was told that something is wrong with the file."""
    return "with a warning" if warnings else "without a warning"
