"""What must not be in an export, what must not be lost, and what must not do harm."""

import csv
import json
import re
import stat
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pyarrow.parquet as pq
import pytest

from hfs_vision.errors import OutputError, TableError, UsageError
from hfs_vision.exports import ExportRequest, export
from tests.export_support import FORMATS, STARTED, save, session

CANARY, DATE = "Zaphod", "2031-07-19"
HOSTILE = '=HYPERLINK("http://x","y")\n<b>&\x00\t]]>'


def run(*folders, to, **options):
    return export(ExportRequest(folders=folders, to=to, **options))


def everything(out: Path) -> str:
    """Names, bytes and, of what is packed, contents of all files of an export."""
    seen = [str(out)]
    for path in out.rglob("*"):
        seen.append(path.name)
        if path.is_file():
            seen.append(path.read_bytes().decode("utf-8", "replace"))
        if path.suffix == ".parquet":
            schema = pq.read_schema(path)
            seen += [str(schema.metadata), *(str(field.metadata) for field in schema)]
            seen.append(pd.read_parquet(path).to_csv())
    return "\n".join(seen)


@pytest.fixture
def telling(tmp_path):
    """A folder with a name and a date in every place that can hold them."""
    place = tmp_path / "place"
    place.mkdir()
    return save(
        place / f"{CANARY}_{DATE}.results",
        marks=(
            (0.0, "segment", f"{CANARY} talks"),
            (5.0, "segment", "rest"),
            (16.0, "mark", f"{CANARY} laughed {DATE}"),
            (17.0, f"{CANARY}", f"{CANARY}"),
        ),
        comment=f"{CANARY} says {DATE}",
        reviewer=CANARY,
        summary={
            "notice": CANARY,
            "live": {"started_utc": STARTED, "camera": CANARY},
            "warnings": [CANARY],
            "source": {
                "container": CANARY,
                "sha256": CANARY,
                "file": CANARY,
                "recorded_utc": STARTED,
                "recorded_local": STARTED,
            },
            "model": {"file": CANARY, "landmarker": CANARY, "mediapipe": f"0.1 {CANARY}"},
            "versions": {"hfs_vision": f"{CANARY} {DATE}", "python": CANARY},
            "settings": {"closure_threshold": 0.15, "max_gap_s": 0.25, CANARY: CANARY},
        },
    )


@pytest.mark.parametrize("to", FORMATS)
class TestDeidentified:
    def test_no_name_and_no_date_is_anywhere(self, telling, to):
        done = run(telling, to=to, deidentify=True)
        text = everything(done.out)
        assert "eyelid_twitch" in text
        for word in (CANARY, CANARY.lower(), DATE, "2031", "08:30", "place/"):
            assert word not in text.replace(str(done.out), done.out.name)

    def test_without_it_comments_come_along(self, telling, tmp_path, to):
        text = everything(run(telling, to=to, out=tmp_path / "out").out)
        assert f"{CANARY} says {DATE}" in text
        assert f"{CANARY} talks" in text

    def test_labels_of_known_tasks_stay_and_others_are_numbered(self, telling, to):
        text = everything(run(telling, to=to, deidentify=True).out)
        assert "rest" in text
        assert "task-01" in text


@pytest.mark.parametrize("to", FORMATS)
class TestNothingIsLost:
    def test_what_is_there_is_refused_and_replaced_with_force(self, tmp_path, to):
        folder = session(tmp_path / "a.results")
        out = run(folder, to=to).out
        before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
        last = max(before, key=lambda p: p.name)
        with pytest.raises(UsageError, match="--force"):
            run(folder, to=to)
        assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
        if to == "bids":
            last = next(p for p in before if p.name.endswith("events.tsv"))
        last.write_bytes(b"old")
        run(folder, to=to, force=True)
        assert last.read_bytes() != b"old"

    def test_of_two_results_of_which_one_is_damaged_nothing_is_written(self, tmp_path, to):
        good, bad = session(tmp_path / "a.results"), session(tmp_path / "b.results")
        (bad / "signals.csv").write_text("time_s\nx\n")
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(TableError, match=r"signals\.csv"):
            run(good, bad, to=to, out=tmp_path / "out")
        assert sorted(tmp_path.rglob("*")) == before

    def test_a_folder_without_events_is_told(self, tmp_path, to):
        (tmp_path / "a").mkdir()
        with pytest.raises(UsageError, match=r"holds no events\.csv"):
            run(tmp_path / "a", to=to)
        assert sorted(tmp_path.rglob("*")) == [tmp_path / "a"]

    def test_what_is_missing_or_of_another_version_is_told(self, tmp_path, to):
        folder = session(tmp_path / "a.results")
        (folder / "signals.csv").unlink()
        summary = json.loads((folder / "summary.json").read_text())
        summary["versions"]["hfs_vision"] = "0.0.1"
        (folder / "summary.json").write_text(json.dumps(summary))
        done = run(folder, to=to)
        told = " ".join(done.warnings)
        assert "signals.csv is missing" in told
        assert "0.0.1" in told
        assert not [f for f in done.files if "_beh" in f.name]

    def test_events_alone_will_do(self, tmp_path, to):
        folder = session(tmp_path / "a.results")
        for path in folder.iterdir():
            if path.name != "events.csv":
                path.unlink()
        assert "eyelid_twitch" in everything(run(folder, to=to).out)

    def test_folders_are_the_user_s_alone(self, tmp_path, to):
        out = run(session(tmp_path / "a.results"), to=to).out
        folders = [out, *(p for p in out.rglob("*") if p.is_dir())]
        assert {stat.S_IMODE(p.stat().st_mode) for p in folders} == {0o700}

    def test_a_place_that_cannot_be_written_is_told(self, tmp_path, to):
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputError, match="choose another folder"):
            run(session(tmp_path / "a"), to=to, out=tmp_path / "file" / "out")

    def test_recordings_of_one_name_stay_two(self, tmp_path, to):
        folders = [session(tmp_path / visit / "a.results") for visit in ("1", "2")]
        done = run(*folders, to=to, out=tmp_path / "out")
        text = everything(done.out)
        if to == "bids":
            assert "sub-02" in text
        else:
            assert "a-2" in text


@pytest.mark.parametrize("to", FORMATS)
def test_a_hostile_comment_does_no_harm(tmp_path, to):
    folder = save(
        tmp_path / "=1+1 <b>.results",
        marks=((0.0, "segment", "@SUM(A1)"), (16.0, "mark", "+1\t2")),
        comment=HOSTILE,
    )
    out = run(folder, to=to, out=tmp_path / "out").out
    for path in out.rglob("*"):
        if path.suffix == ".tsv":
            quoting = csv.QUOTE_NONE if "paste" in path.name else csv.QUOTE_MINIMAL
            with path.open(encoding="utf-8", newline="") as handle:
                rows = list(csv.reader(handle, delimiter="\t", quoting=quoting))
            assert len({len(row) for row in rows}) == 1
            cells = [cell for row in rows for cell in row]
            assert not [c for c in cells if re.match(r"[=+@\t\r]|-[^\d]", c)]
        if path.suffix == ".eaf":
            texts = [e.text for e in ET.parse(path).iter("ANNOTATION_VALUE")]
            assert '=HYPERLINK("http://x","y") <b>& ]]>' in texts
        assert re.fullmatch(r"[\w.+-]+", path.name)
        assert path.name[0] not in "=+-@."


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"to": "mne", "media": Path("a.mp4")}, "does not go with --to mne"),
        ({"to": "elan", "media": Path("a.mp4"), "deidentify": True}, "--deidentify"),
        ({"to": "elan", "media": Path("nowhere.mp4")}, "does not exist"),
        ({"to": "elan", "sessions": ("1",)}, "--session does not go"),
        ({"to": "parquet", "subjects": ("1",)}, "--subject does not go"),
    ],
)
def test_options_that_do_not_go_together_are_told(tmp_path, options, told):
    with pytest.raises(UsageError, match=told):
        run(session(tmp_path / "a"), **options)


def test_several_results_need_a_place_and_none_is_given_twice(tmp_path):
    one, two = session(tmp_path / "1"), session(tmp_path / "2")
    with pytest.raises(UsageError, match="--out is missing"):
        run(one, two, to="mne")
    with pytest.raises(UsageError, match="given twice"):
        run(one, one, to="mne", out=tmp_path / "out")
