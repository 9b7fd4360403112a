"""A result that is replaced is the old one or the new one, whenever the program is killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.analysis.result import RESULT_FILES
from hfs_vision.core.settings import Settings
from hfs_vision.errors import OutputError, UsageError
from hfs_vision.exports.content import read_content
from hfs_vision.report import write_report
from hfs_vision.results import (
    REVIEWED_FILE,
    EventRecord,
    check_folder,
    held,
    read_folder,
    read_signals,
    write_result,
    write_reviewed,
)
from hfs_vision.results.atomic import COMMITTED, LOCK_FILE
from tests.cli.support import posix_only
from tests.footage_support import annotated
from tests.paths import ROOT
from tests.synthetic import Recording

DETECT = """
import os, shutil, signal, sys
import hfs_vision.cli.analyze
from hfs_vision.cli import main

base, place = sys.argv[1:]
seen = limit = 0

def look(name, arguments):
    global seen
    if name in ("os.rename", "os.remove", "os.rmdir", "os.mkdir"):
        seen += 1
        if seen == limit:
            os.kill(os.getpid(), signal.SIGKILL)

status = -1
while status in (-1, signal.SIGKILL):
    limit += 1
    folder = f"{place}/{limit}"
    shutil.copytree(base, folder)
    process = os.fork()
    if not process:
        sys.addaudithook(look)
        os.dup2(2, 1)
        sys.argv[1:] = ["detect", f"{folder}/signals.csv", "--closure-threshold", "1"]
        sys.argv += ["--no-report", "--out", folder, "--force"]
        try:
            main()
        except SystemExit as end:
            os._exit(end.code or 0)
        os._exit(0)
    status = os.waitpid(process, 0)[1]
    print(limit, status, flush=True)
"""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result of three events that somebody has corrected and made a video of."""
    folder = tmp_path_factory.mktemp("results") / "old"
    recording = Recording(40.0).lid(0, 14, 0.4).lid(1, 20, 0.3).pull(0, 30, 0.5)
    analysis = detect(recording.measured())
    analysis.save(folder)
    with (folder / REVIEWED_FILE).open("w", encoding="utf-8") as file:
        write_reviewed(file, [EventRecord(1, analysis.events[0])])
    annotated(folder / "annotated.mp4")
    write_report(folder)
    return folder


def state(folder: Path) -> dict[str, object]:
    """The tables, and what is the same in each summary of the same result."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    tables = {name: (folder / name).read_bytes() for name in RESULT_FILES[:-1]}
    return {**tables, "counts": summary["counts"], "settings": summary["settings"]}


@posix_only
def test_a_killed_detect_leaves_the_old_result_or_the_new_one(old: Path, tmp_path: Path) -> None:
    new = detect(read_signals(old / "signals.csv"), settings=Settings(closure_threshold=1.0))
    new.save(tmp_path / "new")
    states = {"old": state(old), "new": state(tmp_path / "new")}
    assert len(new.events) == 1
    place = tmp_path / "killed"
    place.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", DETECT, old, place],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    runs = [line.split() for line in done.stdout.splitlines() if line[0].isdigit()]
    assert runs[-1][1] == "0"
    assert len(runs) > 12
    found = []
    for number, _ in runs:
        folder = place / number
        interrupted = (folder / COMMITTED).exists()
        result = read_folder(folder)
        which = next((name for name, known in states.items() if state(folder) == known), "mixed")
        found.append(which)
        assert which != "mixed", number
        assert result.warnings == [], number
        # What was made of the old result is there with it, and only then.
        assert (folder / "annotated.mp4").exists() == (which == "old"), number
        assert (folder / "report.html").exists() == (which == "old"), number
        assert (result.reviewed is not None) == (which == "old"), number
        kept = [*folder.glob("events.reviewed*.csv")]
        assert len(kept) == 1, number
        content, _ = read_content(folder, number=1, deidentify=False, machine=True)
        assert len(content.events) == len(result.machine_events) == {"old": 3, "new": 1}[which]
        assert not (interrupted and which == "old"), number
    assert found == sorted(found, reverse=True)  # old ones first, then new ones
    assert set(found) == {"old", "new"}
    assert found.count("new") > 6

    # The next command that writes takes all away that was left.
    for number, _ in runs:
        new.save(place / number, force=True)
        left = [path for path in (place / number).iterdir() if path.name.startswith(".")]
        assert not any(path.is_file() or any(path.iterdir()) for path in left), number


def committed(folder: Path) -> Path:
    """The folder of a result, killed right after the step from which on the new one counts."""
    (folder / COMMITTED).mkdir()
    for name in RESULT_FILES:
        (folder / name).rename(folder / COMMITTED / name)
    return folder


class TestAnInterruptedReplacement:
    @pytest.fixture
    def folder(self, old: Path, tmp_path: Path) -> Path:
        shutil.copytree(old, tmp_path / "r")
        return committed(tmp_path / "r")

    @pytest.mark.parametrize("command", ["read", "check", "write"])
    def test_is_ended_by_whatever_opens_the_folder(
        self, folder: Path, old: Path, command: str
    ) -> None:
        if command == "read":
            read_folder(folder)
        elif command == "check":
            with pytest.raises(UsageError, match="already holds"):
                check_folder(folder, RESULT_FILES, force=False)
        else:
            write_result(folder, {"other.txt": lambda handle: None})
        assert state(folder) == state(old)
        assert not (folder / COMMITTED).exists()

    def test_waits_for_whoever_is_ending_it(self, folder: Path, old: Path) -> None:
        with held(folder):
            with pytest.raises(OutputError, match="is being written by a running session"):
                read_folder(folder)
            assert (folder / COMMITTED).exists()
        read_folder(folder)
        assert state(folder) == state(old)

    def test_that_cannot_be_ended_is_told(self, folder: Path) -> None:
        (folder / "events.csv").mkdir()
        with pytest.raises(OutputError, match=r"was interrupted and cannot be ended .*directory"):
            read_folder(folder)
        (folder / "events.csv").rmdir()
        assert len(read_folder(folder).machine_events) == 3

    def test_removes_nothing_elsewhere_and_nothing_of_others(
        self, folder: Path, tmp_path: Path, old: Path
    ) -> None:
        shutil.copy(old / "events.csv", tmp_path / "outside.csv")
        (folder / "mine.csv").write_text("a,b\n")
        plan = {"retire": "", "remove": ["../outside.csv", "mine.csv", 3, ".."]}
        (folder / COMMITTED / ".plan.json").write_text(json.dumps(plan))
        read_folder(folder)
        assert (tmp_path / "outside.csv").exists()
        assert (folder / "mine.csv").exists()


class TestWriting:
    def test_takes_no_file_of_others_without_force(self, old: Path, tmp_path: Path) -> None:
        analysis = detect(read_signals(old / "signals.csv"))
        (tmp_path / "counts.csv").write_text("what,number\napples,3\n")
        with pytest.raises(UsageError, match=r"counts\.csv is there and was not written by"):
            analysis.replace(tmp_path)
        with pytest.raises(UsageError, match=r"already holds counts\.csv"):
            analysis.save(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["counts.csv"]
        analysis.save(tmp_path, force=True)
        assert read_folder(tmp_path).machine_events

    def test_lets_a_video_and_a_report_of_others_stand(self, old: Path, tmp_path: Path) -> None:
        analysis = detect(read_signals(old / "signals.csv"))
        for name in ("annotated.mp4", "report.html"):
            (tmp_path / name).write_text("mine")
        analysis.save(tmp_path, force=True)
        assert (tmp_path / "annotated.mp4").read_text() == "mine"
        assert (tmp_path / "report.html").read_text() == "mine"

    def test_keeps_a_result_without_force(self, old: Path, tmp_path: Path) -> None:
        other = detect(read_signals(old / "signals.csv"), settings=Settings(closure_threshold=1.0))
        shutil.copytree(old, tmp_path / "r")
        with pytest.raises(UsageError, match=r"r already holds events\.csv: .*force=True"):
            other.save(str(tmp_path / "r"))
        assert state(tmp_path / "r") == state(old)
        assert other.save(str(tmp_path / "r"), force=True) is not None  # corrections of the old one
        assert state(tmp_path / "r") != state(old)

    def test_keeps_a_result_that_is_still_taking_its_place(self, old: Path, tmp_path: Path) -> None:
        other = detect(read_signals(old / "signals.csv"), settings=Settings(closure_threshold=1.0))
        shutil.copytree(old, tmp_path / "r")
        committed(tmp_path / "r")
        with pytest.raises(UsageError, match="already holds"):
            other.save(tmp_path / "r")
        assert state(tmp_path / "r") == state(old)

    @posix_only
    def test_never_writes_through_a_link(self, old: Path, tmp_path: Path) -> None:
        analysis = detect(read_signals(old / "signals.csv"))
        shutil.copy(old / "events.csv", tmp_path / "kept.csv")
        before = (tmp_path / "kept.csv").read_bytes()
        folder = tmp_path / "r"
        folder.mkdir()
        (folder / "events.csv").symlink_to(tmp_path / "kept.csv")
        (folder / "signals.csv").hardlink_to(tmp_path / "kept.csv")
        (folder / "counts.csv").symlink_to(tmp_path / "nowhere.csv")
        with pytest.raises(UsageError, match="was not written by this program"):
            analysis.replace(folder)
        with pytest.raises(UsageError, match=r"already holds events\.csv"):
            analysis.save(folder)
        analysis.save(folder, force=True)
        assert (tmp_path / "kept.csv").read_bytes() == before
        assert not (tmp_path / "nowhere.csv").exists()
        assert not any(path.is_symlink() for path in folder.iterdir())

    def test_never_takes_an_input_away(self, old: Path, tmp_path: Path) -> None:
        analysis = detect(read_signals(old / "signals.csv"))
        given = annotated(tmp_path / "annotated.mp4")
        with pytest.raises(UsageError, match="is what this command reads"):
            analysis.save(tmp_path, force=True, inputs=[given])
        assert [path.name for path in tmp_path.iterdir()] == ["annotated.mp4"]

    @posix_only
    def test_is_private(self, old: Path, tmp_path: Path) -> None:
        detect(read_signals(old / "signals.csv")).save(tmp_path / "new")
        for path in (tmp_path / "new").iterdir():
            assert path.stat().st_mode & 0o077 == 0, path

    def test_is_refused_while_a_session_has_the_folder(self, old: Path, tmp_path: Path) -> None:
        analysis = detect(read_signals(old / "signals.csv"))
        with held(tmp_path):
            with pytest.raises(OutputError, match="running session or another command"):
                analysis.save(tmp_path)
            with pytest.raises(OutputError, match="running session or another command"):
                check_folder(tmp_path, RESULT_FILES, force=True)
        assert list(tmp_path.iterdir()) == []

    @posix_only
    def test_is_refused_where_the_lock_is_a_link(self, old: Path, tmp_path: Path) -> None:
        (tmp_path / "r").mkdir()
        (tmp_path / "mine").write_text("kept")
        (tmp_path / "r" / LOCK_FILE).symlink_to(tmp_path / "mine")
        with pytest.raises(OutputError, match="is a link"):
            detect(read_signals(old / "signals.csv")).save(tmp_path / "r")
        assert (tmp_path / "mine").read_text() == "kept"


def test_a_reader_never_sees_two_results_at_once(old: Path, tmp_path: Path) -> None:
    measured = read_signals(old / "signals.csv")
    results = [detect(measured), detect(measured, settings=Settings(closure_threshold=1.0))]
    counts = {len(result.events) for result in results}
    assert len(counts) == 2
    results[0].save(tmp_path)
    done = threading.Event()

    def write() -> None:
        for number in range(40):
            results[number % 2].save(tmp_path, force=True)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    read = 0
    while not done.is_set():
        found = read_folder(tmp_path)
        read += 1
        assert len(found.machine_events) in counts
        assert found.warnings == []
    writer.join()
    assert read > 3


def test_tables_of_two_results_are_told(old: Path, tmp_path: Path) -> None:
    shutil.copytree(old, tmp_path / "r")
    events = tmp_path / "r" / "events.csv"
    events.write_text("".join(events.read_text().splitlines(keepends=True)[:-1]))
    (warning,) = read_folder(tmp_path / "r").warnings
    assert warning.startswith("summary.json counts 3 events and events.csv holds 2")
