"""What the tests of the command line share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from hfs_vision.schema import Frame, ModelIdentity
from tests.paths import SAMPLES
from tests.synthetic import Recording

SAMPLE = "right_hemifacial_spasms"


VIDEO = SAMPLES / f"{SAMPLE}.mp4"


posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of POSIX")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """What a failed command says; only that, on standard error."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        found = [line for line in lines if line.lower().startswith("error: ")]
        assert len(found) == 1, self.err
        hints = [line for line in lines if line not in found]
        assert all(line.startswith(("Usage: ", "Try '", "note: ")) for line in hints), self.err
        assert "Traceback" not in self.err + self.out
        return found[0]


Command = Callable[..., Outcome]


class StandIn:
    """A landmarker that finds the same face in every picture, or none."""

    identity = ModelIdentity("stand-in", "none", "0" * 64, "none")
    warnings: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.face = Recording(1.0).landmarks()[0]
        self.before: Callable[[Frame], None] = lambda frame: None

    def __call__(self, frame: Frame) -> np.ndarray:
        self.before(frame)
        return self.face

    def close(self) -> None:
        pass


def remux(
    source: Path,
    target: Path,
    *,
    until_s: float = 1e9,
    times: int = 1,
    recorded: str | None = None,
    **options: str,
):
    """Copies the pictures of a video without encoding them again, several times in a row."""
    with av.open(str(source)) as given, av.open(str(target), "w", container_options=options) as out:
        if recorded is not None:
            out.metadata["creation_time"] = recorded
        stream = out.add_stream_from_template(given.streams.video[0])
        end = 0
        for _ in range(times):
            given.seek(0)
            start = end
            for packet in given.demux(given.streams.video[0]):
                if packet.pts is None or float(packet.pts * packet.time_base) >= until_s:
                    continue
                packet.pts, packet.dts = packet.pts + start, packet.dts + start
                end = max(end, packet.pts + packet.duration)
                packet.stream = stream
                out.mux(packet)


def files_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, hidden ones too, by name, with time of change and content."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def nothing_written() -> bool:
    return not list(Path.cwd().rglob("*"))
