"""`hfs-vision batch` as a process: what it leaves, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hfs_vision.batch import COHORT_COLUMNS
from hfs_vision.results import read_events
from hfs_vision.schema import KINDS
from tests.batch_support import (
    NAMES,
    Batch,
    alive,
    cohort,
    content,
    expected_results,
    half_written,
    make_clips,
    wait_until,
    written,
)
from tests.cli.support import VIDEO, nothing_written, remux
from tests.footage_support import annotated
from tests.models_here import needs_model

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="processes are seen in /proc")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(tmp_path_factory.mktemp("batch") / "clips")


@pytest.fixture(scope="module")
def expected(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return expected_results(clips, tmp_path_factory.mktemp("expected"))


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes: a sample twenty times."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    remux(VIDEO, path, times=20)
    return path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Batch]]:
    begun: list[Batch] = []

    def begin(*arguments: object) -> Batch:
        begun.append(Batch(tmp_path / f"{len(begun)}.log", *arguments))
        return begun[-1]

    yield begin
    for batch in begun:
        batch.close()


@needs_model
def test_each_result_is_that_of_analyze_and_a_broken_file_costs_only_its_row(
    start, clips, expected
):
    out = Path("out")
    batch = start(clips, "--out", out)
    assert batch.end() == 1
    assert "3 done, 0 skipped, 1 failed of 4" in batch.said
    for name in NAMES:
        assert content(out / f"{name}.results") == content(expected / f"{name}.results")
    assert not half_written(out)
    assert not (out / "broken.results" / "events.csv").exists()

    rows = cohort(out)
    assert list(rows) == ["broken", *NAMES]
    assert {name: row["status"] for name, row in rows.items()} == {
        "broken": "failed",
        **dict.fromkeys(NAMES, "done"),
    }
    assert "cannot be opened as a video" in rows["broken"]["reason"]
    assert rows["broken"]["all_all_count"] == ""
    row = rows["left_eyelid_twitches"]
    assert tuple(row) == COHORT_COLUMNS
    events = read_events(expected / "left_eyelid_twitches.results" / "events.csv")
    assert events
    for side in ("left", "right"):
        for kind in KINDS:
            count = sum((e.side, e.kind) == (side, kind) for e in events)
            assert int(row[f"{side}_{kind}_count"]) == count
    assert int(row["all_all_count"]) == len(events)
    assert float(row["all_all_rate_per_min"]) == pytest.approx(
        60 * len(events) / float(row["valid_s"]), abs=1e-4
    )
    assert (row["frames"], row["result"]) == ("240", "left_eyelid_twitches.results")
    assert "short recording" in row["warnings"]

    # Again: nothing is done, nothing is written, and the failure still shows in the exit code.
    before = written(out)
    batch = start(clips, "--out", out)
    assert batch.end() == 1
    assert "0 done, 3 skipped, 1 failed of 4" in batch.said
    assert "--retry-failed" in batch.said
    assert written(out) == before

    # The failed one alone.
    batch = start(clips, "--out", out, "--retry-failed")
    assert batch.end() == 1
    assert "0 done, 3 skipped, 1 failed of 4" in batch.said
    after = written(out)
    assert {n for n in after if after[n] != before[n]} == {"broken.results/batch.json"}

    # Other settings: all anew. What a person made of the earlier events stays, under another name.
    corrected = [out / f"{name}.results" for name in ("left_eyelid_twitches", "broken")]
    for folder in corrected:
        (folder / "events.reviewed.csv").write_text(folder.name)
        annotated(folder / "annotated.mp4")
    batch = start(clips, "--out", out, "--closure-threshold", 1)
    assert batch.end() == 1
    for folder in corrected:
        (aside,) = folder.glob("events.reviewed.before-*.csv")
        assert aside.read_text() == folder.name
        assert f"warning: {folder.stem}: the events are not those" in batch.said
        assert not (folder / "annotated.mp4").exists()
    assert "3 done, 0 skipped, 1 failed of 4" in batch.said
    changed = written(out)
    assert all(changed[name] != after[name] for name in after if name.endswith("batch.json"))
    settings = {row["settings_sha256"] for row in cohort(out).values()}
    assert len(settings) == 1
    assert settings != {row["settings_sha256"]}


@needs_model
@linux_only
def test_a_batch_that_was_killed_goes_on_where_it_was(start, clips, long_video, expected):
    out = Path("out")
    batch = start(*(clips / f"{n}.mp4" for n in NAMES), long_video, "--out", out, "--jobs", 2)
    batch.wait_for("done right_hemifacial_spasms")
    workers = batch.workers()
    assert workers
    batch.process.kill()
    batch.process.wait()
    wait_until(lambda: not any(map(alive, workers)))
    assert not (out / "long.results" / "batch.json").exists()
    (out / "long.results" / ".writing-left").mkdir(parents=True)  # as if killed while it wrote
    done = {name: at for name, at in written(out).items() if name.endswith("batch.json")}

    batch = start(*(clips / f"{n}.mp4" for n in NAMES), "--out", out)
    assert batch.end() == 0
    assert f"{len(NAMES) - len(done)} done, {len(done)} skipped, 0 failed of 3" in batch.said
    after = written(out)
    assert {name: after[name] for name in done} == done
    assert list(cohort(out)) == list(NAMES)
    for name in NAMES:
        assert content(out / f"{name}.results") == content(expected / f"{name}.results")


@needs_model
@linux_only
def test_a_process_that_is_killed_costs_its_recording_after_a_second_try(start, clips, long_video):
    out = Path("out")
    short = clips / f"{NAMES[0]}.mp4"
    batch = start(short, long_video, "--out", out, "--jobs", 1)
    wait_until(batch.workers)  # the longest is first
    wait_until(lambda: (out / ".batch" / "locks" / "long.lock").exists())
    first = batch.workers()
    os.kill(first[0], signal.SIGKILL)
    batch.wait_for(f"done {NAMES[0]}")
    wait_until(lambda: _sleepless(batch.workers()))
    os.kill(batch.workers()[0], signal.SIGKILL)
    assert batch.end() == 1
    assert "1 done, 0 skipped, 1 failed of 2" in batch.said
    rows = cohort(out)
    assert "process ended twice" in rows["long"]["reason"]
    assert rows[NAMES[0]]["status"] == "done"
    assert not half_written(out)

    batch = start(long_video, "--out", out)  # not tried again
    assert batch.end() == 1
    assert "failed long" in batch.said


def _sleepless(pids: list[int]) -> bool:
    """Whether a process has worked for a second: it is past its imports."""
    if not pids:
        return False
    ticks = Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()[11]
    return int(ticks) / os.sysconf("SC_CLK_TCK") > 2.0


@needs_model
@linux_only
def test_ctrl_c_leaves_what_is_done_and_nothing_half_written(start, clips, long_video):
    out = Path("out")
    batch = start(clips / f"{NAMES[0]}.mp4", long_video, "--out", out, "--jobs", 2)
    batch.wait_for(f"done {NAMES[0]}")
    workers = batch.workers()
    os.killpg(batch.process.pid, signal.SIGINT)  # as a terminal does
    assert batch.end(timeout_s=60) == 130
    assert "stopped before the end" in batch.said
    assert "failed" not in batch.said.replace("0 failed", "")
    assert not any(map(alive, workers))
    assert not half_written(out)
    assert list(cohort(out)) == [NAMES[0]]


@needs_model
@linux_only
def test_a_second_ctrl_c_ends_at_once(start, clips, long_video):
    batch = start(clips / f"{NAMES[0]}.mp4", long_video, "--out", "out", "--jobs", 2)
    batch.wait_for(f"done {NAMES[0]}")
    workers = batch.workers()
    for pid in workers:  # so that they cannot end in good order
        os.kill(pid, signal.SIGSTOP)
    os.kill(batch.process.pid, signal.SIGINT)
    with pytest.raises(AssertionError):
        wait_until(lambda: batch.process.poll() is not None, timeout_s=1.0)
    os.kill(batch.process.pid, signal.SIGINT)
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    assert batch.end(timeout_s=60) == 130
    assert "error: interrupted" in batch.said
    wait_until(lambda: not any(map(alive, workers)))
    assert not (Path("out") / "long.results").exists()


@needs_model
def test_two_batches_at_once_share_the_work(start, clips, expected):
    out = Path("out")
    videos = [clips / f"{name}.mp4" for name in NAMES]
    both = [start(*videos, "--out", out, "--jobs", 1) for _ in range(2)]
    assert [batch.end() for batch in both] == [0, 0]
    said = "".join(batch.said for batch in both)
    for name in NAMES:
        assert said.count(f"done {name} ") == 1
        assert said.count(f"skipped {name} ") == 1
        assert content(out / f"{name}.results") == content(expected / f"{name}.results")
    assert [row["status"] for row in cohort(out).values()] == ["done"] * 3


@needs_model
def test_without_names_nothing_tells_whose_recordings_they_are(start, clips):
    videos = Path("smith")
    videos.mkdir()
    when = "2031-07-19T08:30:15Z"
    remux(clips / f"{NAMES[1]}.mp4", videos / "smith_anna.mp4", recorded=when)
    (videos / "smith_bob.mp4").write_bytes((clips / "broken.mp4").read_bytes())
    out = Path("out")
    batch = start(videos, "--out", out, "--deidentify")
    assert batch.end() == 1
    assert {path.name for path in out.glob("*.results")} == {"rec-0001.results", "rec-0002.results"}
    for path in out.rglob("*"):
        assert "smith" not in path.name
        held = b"" if path.is_dir() else path.read_bytes()
        assert b"smith" not in held
        assert b"2031-07-19" not in held
    assert "smith" not in batch.said
    assert "cannot be opened as a video" in cohort(out)["rec-0002"]["reason"]

    # One more before the others: numbers stay.
    (videos / "a.mp4").write_bytes((clips / f"{NAMES[0]}.mp4").read_bytes())
    batch = start(videos, "--out", out, "--deidentify")
    assert batch.end() == 1
    assert "1 done, 1 skipped, 1 failed of 3" in batch.said
    assert [row["status"] for row in cohort(out).values()] == ["done", "failed", "done"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["empty", "--out", "out"], "no recording was found in empty"),
        (["missing.mp4", "--out", "out"], "missing.mp4 does not exist"),
        (["*.mov", "--out", "out"], "*.mov does not exist"),
        (["@list.txt", "--out", "out"], "list.txt cannot be read as a list"),
        (["a.mp4", "--out", "out", "--jobs", "0"], "--jobs"),
        (["a.mp4"], "--out"),
        (["a.mp4", "--out", "out", "--subject", "2", "0"], "subject must be fractions"),
        (["a.mp4", "--out", "out", "--scheduler", "there"], "'there' is no address of a scheduler"),
        (
            ["a.mp4", "--out", "out", "--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"],
            "does not go with --scheduler",
        ),
    ],
)
def test_a_wrong_call_is_one_line_and_ends_with_2(hfs, arguments, message):
    if "there" in arguments:
        pytest.importorskip("distributed")
    Path("empty").mkdir()
    Path("a.mp4").write_bytes(b"x")
    outcome = hfs("batch", *arguments)
    assert outcome.code == 2
    assert message in outcome.message
    assert not list(Path("out").glob("*.results"))


def test_a_scheduler_without_dask_says_what_to_install(hfs, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    Path("a.mp4").write_bytes(b"x")
    outcome = hfs("batch", "a.mp4", "--out", "out", "--scheduler", "tcp://127.0.0.1:8786")
    assert outcome.code == 2
    assert 'pip install "hfs-vision[cluster]"' in outcome.message
    Path("a.mp4").unlink()
    assert nothing_written()


@needs_model
def test_entries_stay_copies_count_once_and_foreign_tables_are_not_replaced(start, clips, tmp_path):
    out, name = tmp_path / "out", NAMES[1]
    visits = tmp_path / "visits"
    visits.mkdir()
    for target in ("ann", "copy"):
        shutil.copy(clips / f"{name}.mp4", visits / f"{target}.mp4")
    batch = start(visits, "--out", out)
    assert batch.end() == 0
    assert "a copy of ann: counted once" in batch.said
    assert list(cohort(out)) == ["ann"]

    header, row = (out / "cohort.csv").read_text().splitlines()
    (out / "cohort.csv").write_text(
        f"\ufeff{header};date\n{row};2026-03-01\n".replace(",", ";"), encoding="utf-8"
    )
    (visits / "ann.mp4").rename(visits / "new name.mp4")
    (visits / "list.txt").write_text(f"{visits / 'gone.mp4'}\n{visits / 'new name.mp4'}\n")
    batch = start(f"@{visits / 'list.txt'}", "--out", out)
    assert batch.end() == 1  # one was named and is not there
    assert "left out, not there: check the path: " in batch.said
    assert "0 done, 1 skipped, 0 failed of 1" in batch.said
    assert [(r["name"], r["date"]) for r in cohort(out).values()] == [("ann", "2026-03-01")]

    mine = "patient,date\nann,2026-03-01\n"
    (out / "cohort.csv").write_text(mine)
    batch = start(visits, "--out", out)
    assert batch.end() == 2
    assert (out / "cohort.csv").read_text() == mine
    batch = start(visits, "--out", out, "--force")
    assert batch.end() == 0
    assert list(cohort(out)) == ["ann"]
    (aside,) = out.glob("cohort.before-*.csv")
    assert aside.read_text() == mine
    assert aside.name in batch.said
