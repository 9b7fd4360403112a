"""Disks, folders, locks and clocks that do not do what a writer wants."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hfs_vision.results.locks import Lock
from tests.faults.material import events_in, write_piece
from tests.faults.results import analysed
from tests.faults.rows import ANALYSIS, Expect, Place, Row, Seen, answered, refused
from tests.faults.rows_detector import write_results
from tests.faults.rows_source import LEFT
from tests.faults.watching import Watched, program
from tests.paths import SAMPLES

SAMPLE = SAMPLES / "right_hemifacial_spasms.mp4"
_FULL = "No space left on device"
_QUOTA = "File too large"


def _no_root() -> str:
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root of Linux can mount a small disk"
    return ""


def mounted(kilobytes: int = 0, *, read_only: bool = False) -> Callable[[Place], Any]:
    """A disk of its own in the place of the results: small, or not to be written."""

    @contextmanager
    def around(place: Place) -> Iterator[None]:
        disk = place.folder / "disk"
        disk.mkdir(exist_ok=True)
        options = f"size={kilobytes or 9999}k,mode=700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True)
        try:
            if read_only:
                subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
            yield
        finally:
            subprocess.run(["umount", "-l", disk], check=True)

    return around


Arguments = Callable[[Place], list[Any]]


def on_disk(place: Place) -> Path:
    """Where a command writes on that disk."""
    return place.folder / "disk" / "out"


def _analyze(where: Callable[[Place], Any], *options: Any) -> Arguments:
    def command(place: Place) -> list[Any]:
        video = write_piece(place.file("x").parent, "left")
        return ["analyze", video, "--out", where(place), *options]

    return command


def live_to(where: Callable[[Place], Any], *options: Any) -> Arguments:
    return lambda place: ["live", "--file", SAMPLE, "--no-display", "--out", where(place), *options]


def detect_to(where: Callable[[Place], Any]) -> Arguments:
    return lambda place: [
        "detect",
        write_results(place.file("results")) / "signals.csv",
        "--out",
        where(place),
    ]


def _of_results(command: str, where: Callable[[Place], Any], *options: Any) -> Arguments:
    return lambda place: [command, analysed(place), "--out", where(place), *options]


def batch_to(where: Callable[[Place], Any], *options: Any) -> Arguments:
    def command(place: Place) -> list[Any]:
        folder = place.file("x").parent
        write_piece(folder, "left")
        write_piece(folder, "right")
        return ["batch", folder, "--out", where(place), *options]

    return command


def _simulate(where: Callable[[Place], Any]) -> Arguments:
    return lambda place: ["simulate", where(place), "--duration", 5, "--fps", 30, "--size", 256]


def _video_on_disk(place: Place) -> Path:
    return on_disk(place).with_suffix(".mp4")


def into(place: Place) -> Path:
    return place.out


def _file_there(place: Place) -> Path:
    place.out.write_text("a file")
    return place.out


def _below_file(place: Place) -> Path:
    return _file_there(place) / "results"


def _folder_named_summary(place: Path | Place) -> Any:
    assert isinstance(place, Place)
    shutil.copytree(write_results(place.file("earlier")), place.out)
    (place.out / "summary.json").unlink()
    (place.out / "summary.json").mkdir()
    return place.out


def _unchanged(seen: Seen) -> str:
    """The earlier tables are as they were."""
    earlier = seen.place.file("earlier") / "events.csv"
    same = (seen.place.out / "events.csv").read_bytes() == earlier.read_bytes()
    return "" if same else "some tables are new and others are not"


_TOLD = re.compile(r"(\d+\.\d\d) s  (left|right) +\w+ +\d+\.\d\d s")
FIRST_EVENT = re.compile(r" s  (left|right) +\w+ +\d+\.\d\d s")


def told_events_are_kept(seen: Seen) -> str:
    """All that was told while a session ran is in its table."""
    folder = next((f for f in (seen.place.out, on_disk(seen.place)) if f.exists()), seen.place.out)
    told = {(float(onset_s), side) for onset_s, side in _TOLD.findall(seen.shown)}
    try:
        kept = {(round(e.onset_s, 2), e.side) for e in events_in(folder)}
    except Exception as error:
        return f"the table of events cannot be read: {error}"
    lost = [t for t in told if not any(t[1] == s and abs(t[0] - o) < 0.02 for o, s in kept)]
    return f"{len(lost)} of {len(told)} events that were told are lost" if lost else ""


def _remove_after_first_event(place: Place, running: Watched) -> None:
    running.wait_for(FIRST_EVENT)
    shutil.rmtree(place.out)


def _remove_out(place: Place, running: Watched) -> None:
    running.wait_for(re.compile("loading the landmark model"))
    shutil.rmtree(place.out)


def _empty_out(place: Place) -> Path:
    place.out.mkdir()
    return place.out


def _remove_here(place: Place, running: Watched) -> None:
    running.wait_for(re.compile("loading the landmark model"))
    shutil.rmtree(place.folder)


def _review(place: Place) -> list[Any]:
    return ["review", analysed(place), "--no-browser"]


@contextmanager
def _review_open(place: Place) -> Iterator[None]:
    with Lock(analysed(place) / ".events.reviewed.csv.lock"):
        yield


def _live_twice(place: Place) -> list[Any]:
    shutil.copytree(
        write_results(place.file("earlier")), place.folder / "live-20260101-120000.results"
    )
    return ["live", "--file", SAMPLE, "--no-display", "--duration", 2]


def _piped(place: Place) -> list[str]:
    """Its output goes to a program that ends at once."""
    return ["/bin/bash", "-o", "pipefail", "-c", '"$@" | true', "sh", *program()]


def _home(place: Place) -> dict[str, str]:
    return {
        "HOME": str(place.file("no-home")),
        "XDG_CACHE_HOME": str(place.file("no-cache")),
        "XDG_CONFIG_HOME": str(place.file("no-config")),
    }


_FULL_DISK = {"missing": _no_root, "around": mounted(24)}
_READ_ONLY = {"missing": _no_root, "around": mounted(read_only=True)}
_COMMANDS: dict[str, Arguments] = {
    "analyze": _analyze(on_disk),
    "detect": detect_to(on_disk),
    "live": live_to(on_disk),
    "report": _of_results("report", lambda p: on_disk(p).with_suffix(".html")),
    "clips": _of_results("clips", on_disk),
    "annotate": _of_results("annotate", _video_on_disk),
    "export": _of_results("export", on_disk, "--to", "bids"),
    "simulate": _simulate(_video_on_disk),
    "batch": batch_to(on_disk),
}

ROWS = [
    *(
        Row(
            "writer",
            f"{name}: the disk is full",
            command,
            Expect(1, _FULL, check=told_events_are_kept if name == "live" else lambda seen: ""),
            quick=name == "detect",
            **_FULL_DISK,
        )
        for name, command in _COMMANDS.items()
    ),
    *(
        Row(
            "writer",
            f"{name}: the disk cannot be written",
            command,
            Expect(1, "", frozenset()),
            **_READ_ONLY,
        )
        for name, command in _COMMANDS.items()
    ),
    Row("writer", "analyze: the quota is reached", _analyze(into), refused(_QUOTA), limits="-f 8"),
    Row(
        "writer",
        "detect: the quota is reached",
        detect_to(into),
        refused(_QUOTA),
        limits="-f 8",
        quick=True,
    ),
    Row(
        "writer",
        "live: the quota is reached",
        live_to(into),
        Expect(1, _QUOTA, check=told_events_are_kept),
        limits="-f 64",
    ),
    Row(
        "writer",
        "simulate: the quota is reached",
        _simulate(lambda p: p.folder / "x.mp4"),
        refused("cannot write"),
        limits="-f 8",
    ),
    Row(
        "writer",
        "analyze: a file has the name of the folder",
        _analyze(_file_there),
        Expect(1, "is not a folder that can be written"),
        quick=True,
    ),
    Row(
        "writer",
        "analyze: the folder would be below a file",
        _analyze(_below_file),
        Expect(1, "is not a folder that can be written"),
    ),
    Row(
        "writer",
        "detect: one of the files cannot be replaced",
        lambda p: [*detect_to(_folder_named_summary)(p), "--force"],
        Expect(1, "cannot write results", check=_unchanged),
    ),
    Row(
        "writer",
        "analyze: the folder is removed while it runs",
        _analyze(_empty_out),
        answered(*LEFT),
        during=_remove_out,
    ),
    Row(
        "writer",
        "analyze: the current folder is removed while it runs",
        _analyze(lambda p: "out"),
        refused("cannot write results"),
        during=_remove_here,
    ),
    Row(
        "writer",
        "live: the folder is removed while it runs",
        live_to(into),
        Expect(1, "was removed while the session ran", check=told_events_are_kept),
        during=_remove_after_first_event,
    ),
    Row(
        "writer",
        "detect: standard output is full",
        detect_to(into),
        Expect(1),
        stdout="/dev/full",
    ),
    Row(
        "writer",
        "guide: the reader of its output is gone",
        lambda p: ["guide"],
        Expect(1, silent=True),
        program=_piped,
    ),
    Row(
        "writer",
        "detect: the reader of its output is gone",
        detect_to(into),
        Expect(1, silent=True),
        program=_piped,
    ),
    Row(
        "writer",
        "review: somebody else has the review open",
        _review,
        refused("is open in another review", 2),
        around=_review_open,
    ),
    Row(
        "writer",
        "live: the clock was set back by a day",
        live_to(into, "--duration", 2),
        Expect(0),
        injected="clock-set-back",
    ),
    Row(
        "writer",
        "live: the clock says what it said in the last session",
        _live_twice,
        refused("already holds", 2),
        injected="clock-stopped",
    ),
    Row(
        "writer",
        "analyze: no home folder, no folder for caches",
        _analyze(into),
        Expect(0, leaves=ANALYSIS),
        environment=_home,
    ),
    Row("writer", "analyze: 30 open files at most", _analyze(into), Expect((0, 1)), limits="-n 30"),
    Row(
        "writer",
        "analyze: no more than 400 MB of memory",
        _analyze(into),
        Expect((0, 1)),
        limits="-v 400000",
    ),
    Row(
        "writer",
        "analyze: no more than 1 GB of memory",
        _analyze(into),
        Expect((0, 1)),
        limits="-v 1000000",
    ),
]
