"""What the tests of batches share: a batch in a process of its own, and what it must leave."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hfs_vision.analysis.pipeline import analyze
from hfs_vision.analysis.result import RESULT_FILES
from tests.cli.support import files_in, remux
from tests.paths import SAMPLES

NAMES = ("healthy_blinks_smiles_turns", "left_eyelid_twitches", "right_hemifacial_spasms")


def make_clips(folder: Path, until_s: float = 4.0) -> Path:
    """Three recordings of a few seconds and one that is none."""
    folder.mkdir(parents=True)
    for name in NAMES:
        remux(SAMPLES / f"{name}.mp4", folder / f"{name}.mp4", until_s=until_s)
    (folder / "broken.mp4").write_bytes(b"this is no video" * 100)
    return folder


def expected_results(clips: Path, folder: Path) -> Path:
    """What `analyze` makes of the three."""
    for name in NAMES:
        analyze(clips / f"{name}.mp4").save(folder / f"{name}.results")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """The files of a result, by name, without what a batch adds."""
    found = {name: (folder / name).read_bytes() for name in RESULT_FILES}
    summary = json.loads(found["summary.json"])
    summary.pop("speed")  # how long it took is never the same
    return {**found, "summary.json": json.dumps(summary).encode()}


def written(out: Path) -> dict[str, tuple[int, bytes]]:
    """Everything in the folder of a batch but its locks."""
    return {name: at for name, at in files_in(out).items() if not name.endswith("lock")}


def cohort(out: Path) -> dict[str, dict[str, str]]:
    """Rows of the table by name, in order."""
    with (out / "cohort.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def half_written(out: Path) -> list[Path]:
    """Temporary files, and result folders that are neither empty of results nor complete."""
    odd = [path for path in out.rglob("*") if ".writing-" in path.name or ".copy" in path.name]
    for folder in out.glob("*.results"):
        held = {path.name for path in folder.iterdir()}
        if held not in ({"batch.json"}, {"batch.json", *RESULT_FILES}):
            odd.append(folder)
    return odd


def wait_until(condition: Callable[[], object], timeout_s: float = 90.0) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Batch:
    """`hfs-vision batch` in a process group of its own."""

    def __init__(self, log: Path, *arguments: object) -> None:
        self._log = log
        command = [sys.executable, "-m", "hfs_vision", "batch", *map(str, arguments)]
        with log.open("w") as file:
            self.process = subprocess.Popen(
                command,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def workers(self) -> list[int]:
        """Processes of the pool."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        found = []
        for child in map(int, children):
            if alive(child) and b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
        return found

    def wait_for(self, text: str) -> None:
        def there() -> bool:
            ended = self.process.poll() is not None
            found = text in self.said
            assert found or not ended, self.said
            return found

        wait_until(there)

    def end(self, timeout_s: float = 120.0) -> int:
        code = self.process.wait(timeout=timeout_s)
        assert "Traceback" not in self.said, self.said
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
