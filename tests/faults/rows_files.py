"""Files of the user, inputs, folders of a session and results that were half replaced."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hfs_vision.results import held
from hfs_vision.results.atomic import COMMITTED, LOCK_FILE
from tests.faults.material import write_piece
from tests.faults.rows import Expect, Place, Row, Seen
from tests.faults.rows_detector import write_results
from tests.faults.rows_writer import (
    FIRST_EVENT,
    Arguments,
    batch_to,
    detect_to,
    into,
    live_to,
    told_events_are_kept,
)
from tests.faults.watching import Watched


def _input_named_annotated(place: Place) -> list[Any]:
    write_piece(place.folder, "left").rename(place.folder / "annotated.mp4")
    given = ["analyze", place.folder / "annotated.mp4", "--annotated", "--force"]
    return [*given, "--out", place.folder]


def _still_there(name: str, content: str = "") -> Callable[[Seen], str]:
    """A file of the user is as it was."""

    def check(seen: Seen) -> str:
        path = next(
            (p for p in (seen.place.folder / name, seen.place.out / name) if p.exists()), None
        )
        if path is None:
            return f"{name} is gone"
        return f"{name} was written" if content and path.read_text() != content else ""

    return check


def _kept(name: str, says: str) -> Expect:
    return Expect(2, says, check=_still_there(name, _MINE))


_MINE = "something of my own"


def _foreign(name: str, command: Arguments, *options: Any) -> Arguments:
    """A file of the user stands in the folder under the name of a result."""

    def arguments(place: Place) -> list[Any]:
        place.out.mkdir()
        (place.out / name).write_text(_MINE)
        return [*command(place), *options]

    return arguments


def _detect_in_session(place: Place) -> list[Any]:
    shutil.copytree(write_results(place.file("earlier")), place.out)
    return [*detect_to(into)(place), "--force"]


@contextmanager
def _session_open(place: Place) -> Iterator[None]:
    place.out.mkdir(exist_ok=True)
    with held(place.out):
        yield


def _replace_after_first_event(place: Place, running: Watched) -> None:
    running.wait_for(FIRST_EVENT)
    theirs = place.folder / "theirs"
    theirs.write_text(_MINE)
    theirs.replace(place.out / "signals.csv")


def _rows_kept_beside(seen: Seen) -> str:
    lost = told_events_are_kept(seen)
    if (seen.place.out / "signals.csv").read_text() != _MINE:
        return "what another program wrote was replaced"
    rows = (seen.place.out / "signals.continued-2.csv").read_text().splitlines()
    return lost or ("" if rows[0].startswith("time_s,valid,") and len(rows) > 100 else "rows lost")


def _torn(place: Place) -> list[Any]:
    """A result whose replacement was broken off after the step from which on it counts."""
    folder = shutil.copytree(write_results(place.file("earlier")), place.out)
    (folder / COMMITTED).mkdir()
    for name in ("events.csv", "summary.json"):
        (folder / name).rename(folder / COMMITTED / name)
    return ["report", folder]


def _mixed(place: Place) -> list[Any]:
    """Events of one result beside the summary of another."""
    folder = shutil.copytree(write_results(place.file("earlier")), place.out)
    rows = (folder / "events.csv").read_text().splitlines(keepends=True)
    (folder / "events.csv").write_text("".join(rows[:-1]))
    return ["report", folder, "--out", place.folder / "page.html"]


def _link_for_marks(place: Place) -> list[Any]:
    place.out.mkdir()
    (place.out / "marks.csv").symlink_to(place.folder / "elsewhere.csv")
    return live_to(into)(place)


def _link_for_lock(place: Place) -> list[Any]:
    place.out.mkdir()
    (place.folder / "mine.txt").write_text(_MINE)
    (place.out / LOCK_FILE).symlink_to(place.folder / "mine.txt")
    return detect_to(into)(place)


ROWS = [
    Row(
        "writer",
        "analyze: the recording has the name of a result",
        _input_named_annotated,
        Expect(2, "is what this command reads", check=_still_there("annotated.mp4")),
        quick=True,
    ),
    Row(
        "writer",
        "detect: a table of somebody else is in the folder",
        _foreign("counts.csv", detect_to(into)),
        _kept("counts.csv", "already holds counts.csv"),
        quick=True,
    ),
    Row(
        "writer",
        "detect: a page of somebody else is in the folder",
        _foreign("report.html", detect_to(into)),
        Expect(2, "was not written by this program", check=_still_there("report.html", _MINE)),
    ),
    Row(
        "writer",
        "detect: a video of somebody else is in the folder",
        _foreign("annotated.mp4", detect_to(into), "--force"),
        Expect(0, check=_still_there("annotated.mp4", _MINE)),
    ),
    Row(
        "writer",
        "batch: a cohort.csv of somebody else is in the folder",
        _foreign("cohort.csv", batch_to(into)),
        _kept("cohort.csv", "is no table of a batch"),
    ),
    Row(
        "writer",
        "detect: a session is writing into the folder",
        _detect_in_session,
        Expect(1, "is being written by a running session"),
        around=_session_open,
        quick=True,
    ),
    Row(
        "writer",
        "live: another program replaces its log",
        live_to(into),
        Expect(1, "was replaced by another program", check=_rows_kept_beside),
        during=_replace_after_first_event,
    ),
    Row(
        "writer",
        "live: a link that leads nowhere stands for a log",
        _link_for_marks,
        Expect(2, "already holds marks.csv"),
    ),
    Row(
        "writer",
        "detect: a link stands for the lock",
        _link_for_lock,
        Expect(1, "is a link", check=_still_there("mine.txt", _MINE)),
    ),
    Row(
        "writer",
        "report: the replacement of the result was broken off",
        _torn,
        Expect(0, "report.html"),
        quick=True,
    ),
    Row(
        "writer",
        "report: events of one result beside the summary of another",
        _mixed,
        Expect(0),
    ),
]
