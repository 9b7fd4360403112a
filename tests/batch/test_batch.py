"""What a batch takes for a recording, how it names it, and the same work on a Dask cluster."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from hfs_vision.batch import LeftOut, find_recordings
from hfs_vision.batch.cohort import COHORT_COLUMNS, read_record
from hfs_vision.batch.duplicates import find_copies
from hfs_vision.batch.names import name_by_number, name_by_source, unique_names
from hfs_vision.batch.own_output import MADE_HERE
from hfs_vision.batch.sources import BatchRecording, local_copy
from hfs_vision.errors import OutputError, UsageError
from hfs_vision.results import EVENT_COLUMNS
from hfs_vision.video import digest
from tests.batch_support import (
    NAMES,
    Batch,
    cohort,
    content,
    expected_results,
    half_written,
    make_clips,
    wait_until,
)
from tests.cli.support import VIDEO, posix_only, remux
from tests.models_here import needs_model


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode())


def sources(*inputs: object, fps: float | None = None) -> list[str]:
    return [r.source for r in find_recordings([str(each) for each in inputs], fps=fps)]


# What is a recording


def test_a_folder_is_searched_for_videos_and_for_timed_images(tmp_path):
    touch(
        tmp_path / "b.MP4",
        tmp_path / "notes.txt",
        tmp_path / "._b.mp4",
        tmp_path / ".batch" / "c.mp4",
        tmp_path / "a" / "d.mov",
        tmp_path / "images" / "1.png",
        tmp_path / "images" / "timestamps.csv",
        tmp_path / "images" / "e.mp4",
        tmp_path / "untimed" / "1.jpg",
    )
    timed = [tmp_path / "b.MP4", tmp_path / "a" / "d.mov", tmp_path / "images"]
    assert sources(tmp_path) == list(map(str, timed))
    assert sources(tmp_path, fps=30) == [*map(str, timed), str(tmp_path / "untimed")]


def test_globs_lists_and_paths_name_each_recording_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    touch(Path("1.mp4"), Path("2.mp4"), Path("2.csv"), Path("[x].mp4"), Path("odd.dat"))
    Path("link.mp4").symlink_to("1.mp4")
    Path("list.txt").write_text("# mine\n\n[x].mp4\n./2.mp4\ns3://bucket/far.mp4\n")
    found = sources("@list.txt", "?.*", "odd.dat", "link.mp4", "1.mp4")
    names = ["[x].mp4", "2.mp4", "s3://bucket/far.mp4", "1.mp4", "odd.dat"]
    assert [name.removeprefix(f"{tmp_path}/") for name in found] == names
    Path("empty").write_text("# none")
    with pytest.raises(UsageError, match="no recording was found in @empty"):
        sources("@empty")


def left_out(*inputs: object) -> tuple[list[str], list[LeftOut]]:
    told: list[LeftOut] = []
    found = find_recordings([str(each) for each in inputs], tell=told.append)
    return [r.source for r in found], told


def result(folder: Path) -> Path:
    touch(folder / "events.csv")
    (folder / "events.csv").write_text(",".join(EVENT_COLUMNS) + "\n")
    return folder


def test_what_was_made_of_a_recording_is_none_and_told(tmp_path):
    made = result(tmp_path / "visit.results")
    touch(tmp_path / "visit.mp4", made / "annotated.mp4", made / "clips" / "event_001.mp4")
    touch(tmp_path / "mine" / "annotated.mp4", tmp_path / "clips" / "a.mp4")
    touch(result(tmp_path / "live.results") / "recording.mp4")
    found, told = left_out(tmp_path)
    names = ["clips/a.mp4", "live.results/recording.mp4", "mine/annotated.mp4", "visit.mp4"]
    assert sorted(name.removeprefix(f"{tmp_path}/") for name in found) == names
    assert {each.path for each in told} == {str(made / "annotated.mp4"), str(made / "clips")}
    assert {each.reason for each in told} == {MADE_HERE}
    # Also where a shell wrote them out; an analysis may lie beside its recording.
    touch(made / "visit2.mp4")
    found, told = left_out(made / "annotated.mp4", made / "visit2.mp4", made / "clips")
    assert (found, len(told)) == ([str(made / "visit2.mp4")], 2)


def test_the_video_of_a_session_is_named_after_it(tmp_path):
    touch(result(tmp_path / "ann.results") / "recording.mp4")
    (one,) = find_recordings([str(tmp_path)])
    assert one.stem == "ann_recording"  # and its result is not put in the place of the session's


def test_videos_of_old_cameras_are_taken_and_other_kinds_told(tmp_path):
    taken = [tmp_path / f"a{ending}" for ending in (".3g2", ".dv", ".mod", ".tod", ".vob")]
    told = [tmp_path / f"b{ending}" for ending in (".gif", ".movie", ".rm")]
    touch(*taken, *told, tmp_path / "c.txt", tmp_path / "c.wav", tmp_path / "c.jpg")
    found, left = left_out(tmp_path)
    assert (found, [each.path for each in left]) == (
        sorted(map(str, taken)),
        sorted(map(str, told)),
    )
    assert not any(each.asked for each in left)


@posix_only
def test_linked_folders_are_searched_once_and_dangling_links_told(tmp_path):
    touch(tmp_path / "far" / "a.mp4", tmp_path / "here" / "b.mp4")
    (tmp_path / "here" / "far").symlink_to(tmp_path / "far")
    (tmp_path / "here" / "loop").symlink_to(tmp_path / "here")
    (tmp_path / "here" / "again").symlink_to(tmp_path / "far")
    (tmp_path / "here" / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    found, told = left_out(tmp_path / "here", tmp_path / "here" / "gone.mp4")
    assert len(found) == 2
    assert [Path(name).name for name in found] == ["b.mp4", "a.mp4"]
    assert [each.path for each in told] == [str(tmp_path / "here" / "gone.mp4")] * 2
    assert told[0].reason == "a link that leads nowhere"


def test_a_wrong_line_of_a_list_does_not_stop_the_rest(tmp_path):
    touch(tmp_path / "a.mp4", tmp_path / "b.mp4")
    wrong = [str(tmp_path / "gone.mp4"), "x" * 5000, "nul\0l.mp4"]
    lines = [str(tmp_path / "a.mp4"), *wrong, str(tmp_path / "b.mp4")]
    (tmp_path / "list.txt").write_text("\n".join(lines))
    found, told = left_out(f"@{tmp_path / 'list.txt'}")
    assert found == [str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4")]
    assert [each.path for each in told] == wrong
    assert all(each.asked for each in told)
    with pytest.raises(UsageError, match="does not exist"):  # what was typed is typed anew
        left_out(tmp_path / "a.mp4", tmp_path / "gone.mp4")


def a_record(**values: object) -> dict[str, object]:
    numbers = {n: 1 for n in COHORT_COLUMNS if n.endswith("_count")}
    numbers |= dict.fromkeys(("duration_s", "valid_s", "coverage", "frames", "blinks"), 1)
    texts = {"identity": "i", "name": "a", "result": "a.results", "sha256": "s", "status": "done"}
    return {**texts, **numbers, **values}


@pytest.mark.parametrize(
    "values",
    [
        {"status": "wrong"},
        {"status": ["done"]},
        {"status": "failed"},
        {"sha256": None},
        {"sha256": ["a"]},
        {"bytes": []},
        {"all_all_count": None},
        {"all_all_count": "4"},
        {"duration_s": {}},
        {"fps": ["30"]},
    ],
)
def test_a_record_that_somebody_damaged_is_none(tmp_path, values):
    touch(tmp_path / "batch.json")
    (tmp_path / "batch.json").write_text(json.dumps(a_record(**values)))
    assert read_record(tmp_path) is None
    (tmp_path / "batch.json").write_text(json.dumps(a_record()))
    assert read_record(tmp_path) == a_record()
    (tmp_path / "batch.json").write_text(json.dumps(list(values)))
    assert read_record(tmp_path) is None


def test_one_content_is_counted_once_wherever_it_lies(tmp_path):
    out = tmp_path / "out"
    for name, text in {"a": "one", "b": "one", "c": "two", "d": "oNe"}.items():
        (tmp_path / f"{name}.mp4").write_text(text)

    def copies(*names: str) -> dict[str, str]:
        found = find_recordings([str(tmp_path / f"{name}.mp4") for name in names])
        made = find_copies(found, out, lambda wanted: [digest(Path(r.source)) for r in wanted])
        return {Path(a).stem: Path(b).stem for a, b in (made or {}).items()}

    assert copies("a", "b", "c", "d") == {"b": "a"}
    name_by_source(out, find_recordings([str(tmp_path / "a.mp4")]))
    known = a_record(sha256=digest(tmp_path / "a.mp4"), bytes=3)
    touch(out / "a.results" / "batch.json")
    (out / "a.results" / "batch.json").write_text(json.dumps(known))
    assert copies("b", "c") == {"b": "a"}  # in a later batch, as where it was renamed
    assert copies("b", "a") == {"b": "a"}
    (tmp_path / "a.mp4").write_text("new")
    assert copies("a", "b") == {}  # the camera gave an old name to a new recording


def test_a_url_is_known_without_what_is_secret_in_it():
    (one,) = find_recordings(["https://me:secret@host/day/face.mp4?signature=secret"])
    assert (one.key, one.folders[-1], one.stem) == ("https://host/day/face.mp4", "day", "face")


def test_the_digest_of_images_covers_names_order_and_bytes(tmp_path):
    def of(**files: str) -> str:
        folder = tmp_path / "images"
        shutil.rmtree(folder, ignore_errors=True)
        for name, text in files.items():
            touch(folder / f"{name}.png")
            (folder / f"{name}.png").write_text(text)
        (folder / "timestamps.csv").write_text("time_s\n0\n1\n")
        (folder / ".hidden").write_text("not looked at")
        return digest(folder, lambda: False)

    kinds = [of(a="1", b="2"), of(a="2", b="1"), of(a="1", c="2"), of(a="12", b=""), of(a="1")]
    assert len(set(kinds)) == len(kinds)
    assert of(a="1", b="2") == kinds[0]


def test_a_copy_of_a_url_is_gone_after_an_error_and_after_a_kill(tmp_path):
    pytest.importorskip("fsspec")
    touch(tmp_path / "a.mp4")
    scratch = tmp_path / "scratch"
    left = scratch / ".copy-of-a-killed-process"
    touch(left / "recording.mp4")
    touch(left / ".lock")

    def copy() -> AbstractContextManager[Path]:
        return local_copy((tmp_path / "a.mp4").as_uri(), scratch, lambda: False)

    def fail() -> None:
        with copy() as path:
            assert path.read_bytes() == b"a.mp4"
            assert not left.exists()
            with copy():  # another process at work
                assert path.exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not list(scratch.iterdir())


# Names


def at(*parts: str, suffix: str = ".mp4") -> BatchRecording:
    place = "/".join(parts)
    return BatchRecording(
        f"/{place}{suffix}", f"/{place}{suffix}", parts[:-1], parts[-1], suffix, 0
    )


def test_names_that_collide_get_their_folders_then_their_ending_then_a_number():
    recordings = [
        at("x", "day1", "face"),
        at("x", "day2", "Face"),
        at("y", "day2", "face"),
        at("x", "alone"),
        at("x", "twice"),
        at("x", "twice", suffix=".mov"),
        at("z", "a_b"),
        at("q", "a", "b"),
        at("q", "c", "b"),
        at("taken"),
    ]
    names = unique_names(recordings, {"TAKEN"})
    assert names == [
        "day1_face",
        "x_day2_Face",
        "y_day2_face",
        "alone",
        "twice.mp4",
        "twice.mov",
        "z_a_b",
        "q_a_b",
        "c_b",
        "taken-2",
    ]


def test_a_recording_keeps_its_name_whatever_comes_later(tmp_path):
    first, later = at("a", "face"), at("b", "face")
    assert name_by_source(tmp_path, [first]) == {first.key: "face"}
    both = name_by_source(tmp_path, [later, first])
    assert both == {first.key: "face", later.key: "b_face"}
    assert name_by_source(tmp_path, [later]) == both
    (tmp_path / ".batch" / "names.json").write_text("{")
    with pytest.raises(OutputError, match="remove it"):
        name_by_source(tmp_path, [first])


def test_numbers_go_by_content(tmp_path):
    assert name_by_number(tmp_path, ["x", "y"]) == {"x": "rec-0001", "y": "rec-0002"}
    again = name_by_number(tmp_path, ["z", "y", "z"])
    assert again == {"x": "rec-0001", "y": "rec-0002", "z": "rec-0003"}


# Dask


class DaskCluster:
    """A scheduler and workers, each a process, on loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self.scheduler = self._dask(
            "scheduler", "--host", "127.0.0.1", "--port", 0, "--scheduler-file", file
        )
        wait_until(lambda: file.exists() and file.read_text().endswith("}"))
        self.address = json.loads(file.read_text())["address"]
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_worker(self, **environment: str) -> None:
        arguments = ("--nthreads", 1, "--no-nanny", "--host", "127.0.0.1")
        self.workers.append(self._dask("worker", self.address, *arguments, **environment))

    def _dask(self, *arguments: object, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *map(str, arguments), "--no-dashboard"]
        with (self._folder / "log").open("a") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    env={**os.environ, **environment},
                )
            )
        return self._processes[-1]

    def close(self) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskCluster]:
    pytest.importorskip("distributed")
    folder = tmp_path / "dask"
    folder.mkdir()
    cluster = DaskCluster(folder)
    yield cluster
    cluster.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Batch]]:
    begun: list[Batch] = []

    def begin(*arguments: object) -> Batch:
        begun.append(Batch(tmp_path / f"{len(begun)}.log", *arguments))
        return begun[-1]

    yield begin
    for batch in begun:
        batch.close()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of a web server and the folder that it serves."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    folder = tmp_path / "web"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()
    thread.join()


@needs_model
def test_a_cluster_makes_the_same_results_also_of_what_a_url_leads_to(tmp_path, dask, start, web):
    for _ in range(2):
        dask.add_worker()
    clips = make_clips(tmp_path / "clips")
    expected = expected_results(clips, tmp_path / "expected")
    address, served = web
    shutil.move(clips / f"{NAMES[1]}.mp4", served)
    urls = [f"{address}/{NAMES[1]}.mp4", f"{address}/missing.mp4?key=secret"]
    out = tmp_path / "out"
    arguments = (clips, *urls, "--out", out, "--scheduler", dask.address)
    batch = start(*arguments)
    assert batch.end() == 1, batch.said
    assert "3 done, 0 skipped, 2 failed of 5" in batch.said
    for name in NAMES:
        assert content(out / f"{name}.results") == content(expected / f"{name}.results")
    assert not half_written(out)
    rows = cohort(out)
    assert list(rows) == ["broken", NAMES[0], NAMES[2], NAMES[1], "missing"]
    assert rows["missing"]["reason"]
    assert "secret" not in "".join(p.read_text() for p in out.rglob("*") if p.is_file())
    assert not list((tmp_path / "dask").rglob("*.mp4"))

    batch = start(*arguments)
    assert batch.end() == 1
    assert "0 done, 3 skipped, 2 failed of 5" in batch.said


@needs_model
def test_a_lost_worker_of_a_cluster_costs_nothing_ctrl_c_and_a_lost_scheduler_end_it(
    tmp_path, dask, start
):
    for _ in range(2):
        dask.add_worker()
    clips = make_clips(tmp_path / "clips")
    (clips / "broken.mp4").unlink()
    remux(VIDEO, tmp_path / "long.mp4")
    out = tmp_path / "out"
    batch = start(clips, tmp_path / "long.mp4", "--out", out, "--scheduler", dask.address)
    locks = out / ".batch" / "locks"
    wait_until(lambda: locks.exists() and any(locks.iterdir()))
    os.kill(dask.workers[0].pid, signal.SIGKILL)
    assert batch.end() == 0, batch.said
    assert "4 done, 0 skipped, 0 failed of 4" in batch.said
    assert not half_written(out)

    remux(VIDEO, tmp_path / "longer.mp4", times=20)
    batch = start(tmp_path / "longer.mp4", "--out", out, "--scheduler", dask.address)
    wait_until((locks / "longer.lock").exists)
    os.kill(batch.process.pid, signal.SIGINT)
    assert batch.end() == 130, batch.said
    assert not (out / "longer.results").exists()
    assert list(cohort(out)) == [*NAMES, "long"]

    (tmp_path / "longer.mp4").rename(tmp_path / "other.mp4")
    batch = start(tmp_path / "other.mp4", "--out", out, "--scheduler", dask.address)
    wait_until((locks / "other.lock").exists)
    dask.scheduler.kill()
    assert batch.end() == 1, batch.said
    assert "error: the connection to the scheduler was lost" in batch.said


@needs_model
def test_workers_of_another_version_are_refused(tmp_path, dask, start):
    other = tmp_path / "other"
    touch(other / "hfs_vision-9.9.dist-info" / "METADATA")
    (other / "hfs_vision-9.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: hfs-vision\nVersion: 9.9\n"
    )
    path = os.pathsep.join([str(other), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    dask.add_worker(PYTHONPATH=path)
    batch = start(VIDEO, "--out", tmp_path / "out", "--scheduler", dask.address)
    assert batch.end() == 2, batch.said
    assert "has hfs-vision 9.9, here is" in batch.said
    assert not list((tmp_path / "out").glob("*.results"))
