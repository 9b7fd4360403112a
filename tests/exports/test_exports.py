"""Exports, each read back with the library of those who will read it."""

import json
import shutil
import subprocess
from datetime import datetime, timezone
from xml.etree import ElementTree as ET

import mne
import pandas as pd
import pyarrow.parquet as pq
import pympi
import pytest
from bids_validator import BIDSValidator

from hfs_vision.errors import TableError, UsageError
from hfs_vision.exports import ExportRequest, export, read_content
from hfs_vision.live.protocol import open_protocol
from hfs_vision.results import KNOWN_LABELS, read_folder
from tests.export_support import FORMATS, STARTED, analysis, save, session

LEFT, RIGHT = ("left", "eyelid_twitch"), ("right", "mouth_pull")


@pytest.fixture
def folder(tmp_path):
    return session(tmp_path / "visit.results")


@pytest.fixture
def reviewed(tmp_path):
    return session(tmp_path / "seen.results", comment="a clear one")


def run(*folders, to, **options):
    return export(ExportRequest(folders=folders, to=to, **options))


def table(path):
    return pd.read_csv(path, sep="\t", na_values="n/a", keep_default_na=False)


class TestContent:
    def test_what_is_not_measured_is_all_that_is_no_valid_time(self, folder):
        content, _ = read_content(folder)
        gaps = content.of_kind("not_measured")
        # A measured frame stands for at most 0.25 s: the gap without frames begins after that.
        last_s = (24 * 30 - 1) / 30
        assert [(g.start_s, g.end_s) for g in gaps] == [
            (pytest.approx(20.0), pytest.approx(21.0)),
            (pytest.approx(last_s + 0.25), pytest.approx(26.0)),
        ]
        lost_s = sum(g.end_s - g.start_s for g in gaps)
        assert content.duration_s - lost_s == pytest.approx(content.valid_s, abs=1e-4)

    def test_events_carry_the_segment_in_which_they_begin(self, folder):
        content, _ = read_content(folder)
        assert [content.segment_at(e.event.onset_s) for e in content.events] == ["rest", "reading"]
        assert [(s.label, s.start_s) for s in content.of_kind("segment")] == [
            ("rest", 0.0),
            ("reading", 14.0),
        ]
        assert content.of_kind("segment")[1].end_s == pytest.approx(content.end_s)

    def test_corrected_events_come_first_and_the_program_s_own_if_asked(self, reviewed):
        corrected, _ = read_content(reviewed)
        own, _ = read_content(reviewed, machine=True)
        assert [e.verdict for e in corrected.events] == ["accepted", "added"]
        assert [e.event for e in own.events] == list(read_folder(reviewed).machine_events)
        assert (corrected.reviewed, own.reviewed) == (True, False)

    def test_an_event_that_kept_its_times_keeps_its_twitches(self, reviewed):
        content, _ = read_content(reviewed)
        assert [len(e.event.twitches) for e in content.events] == [1, 0]

    def test_a_word_that_is_none_of_ours_is_refused_in_twitches(self, folder):
        path = folder / "twitches.csv"
        path.write_text(path.read_text().replace(",eye,", ",anna,", 1))
        with pytest.raises(TableError, match="region is 'anna'"):
            read_content(folder)

    def test_labels_that_stay_are_those_of_the_built_in_tasks(self):
        steps = {step.label for step in open_protocol("clinical").steps}
        assert steps == KNOWN_LABELS

    def test_deidentified_times_count_from_the_first_frame(self, tmp_path):
        # A folder of images may be timed by the calendar.
        began_s = datetime(2031, 7, 19, tzinfo=timezone.utc).timestamp()
        path = save(tmp_path / "x", start_s=began_s)
        content, _ = read_content(path, deidentify=True)
        (first, _), expected = content.events, analysis().events[0]
        assert first.event.onset_s == pytest.approx(expected.onset_s, abs=1e-3)
        assert first.event.twitches[0].peak_s == pytest.approx(expected.peak_s, abs=1e-3)
        assert content.signals.time_s[0] == content.measurements.time_s[0] == content.start_s == 0
        assert content.of_kind("not_measured")[0].start_s == pytest.approx(20.0, abs=1e-3)


class TestBids:
    def test_every_name_is_one_that_bids_knows(self, folder, reviewed, tmp_path):
        done = run(folder, reviewed, to="bids", out=tmp_path / "d", sessions=("pre",))
        validator = BIDSValidator()
        assert {str(f) for f in done.files if not validator.is_bids(f"/{f}")} == set()
        assert "sub-02/ses-pre/beh/sub-02_ses-pre_task-face_events.tsv" in map(str, done.files)

    @pytest.mark.skipif(
        shutil.which("bids-validator-deno") is None, reason="bids-validator-deno is not installed"
    )
    def test_the_whole_validator_finds_no_error(self, folder, reviewed, tmp_path):
        run(folder, reviewed, to="bids", out=tmp_path / "d", subjects=("A1",))
        command = ["bids-validator-deno", "--json", str(tmp_path / "d")]
        found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
        errors = [i for i in found["issues"]["issues"] if i.get("severity") == "error"]
        assert errors == []
        assert found["summary"]["subjects"] == ["A1"]

    def test_events_read_back(self, reviewed):
        out = run(reviewed, to="bids").out
        rows = table(out / "sub-01/beh/sub-01_task-face_events.tsv")
        assert list(rows.columns[:3]) == ["onset", "duration", "trial_type"]
        assert rows.onset.is_monotonic_increasing
        first = rows[rows.trial_type == "eyelid_twitch"].iloc[0]
        expected = analysis().events[0]
        assert (first.side, first.segment, first.comment) == ("left", "rest", "a clear one")
        assert first.onset == pytest.approx(expected.onset_s, abs=1e-6)
        assert first.duration == pytest.approx(expected.duration_s, abs=1e-6)
        counts = rows.trial_type.value_counts().to_dict()
        assert counts == {"segment": 2, "not_measured": 2, "mark": 1, "eyelid_twitch": 2}

    def test_the_sidecars_describe_every_column_and_every_word(self, reviewed):
        out = run(reviewed, to="bids").out / "sub-01/beh"
        for kind in ("events", "beh"):
            rows = table(out / f"sub-01_task-face_{kind}.tsv")
            about = json.loads((out / f"sub-01_task-face_{kind}.json").read_text())
            assert [c for c in rows.columns if "Description" not in about[c]] == []
            for column in rows.columns:
                if levels := about[column].get("Levels"):
                    words = {f"{v:g}" if isinstance(v, float) else str(v) for v in rows[column]}
                    assert words - {"nan"} <= set(levels)
            assert about["TaskName"] == "face"

    def test_each_row_of_the_signals_has_its_frame_s_own_time(self, folder):
        rows = table(run(folder, to="bids").out / "sub-01/beh/sub-01_task-face_beh.tsv")
        made = read_folder(folder)
        assert rows.time_s.tolist() == made.signals.time_s.tolist()
        assert rows.valid.sum() == made.signals.valid.sum()
        assert rows[rows.valid == 0].closure_left.isna().all()
        assert rows.closure_left.max() == pytest.approx(0.9, abs=0.1)

    def test_a_later_session_joins_the_dataset_and_what_is_there_stays(self, folder, tmp_path):
        out = tmp_path / "d"
        run(folder, to="bids", out=out, subjects=("A",), sessions=("1",))
        (out / "participants.tsv").write_text("participant_id\tage\nsub-A\t61\n")
        (out / "README").write_text("ours")
        run(folder, to="bids", out=out, subjects=("A",), sessions=("2",))
        run(folder, to="bids", out=out, subjects=("B",), sessions=("1",))
        text = (out / "participants.tsv").read_text()
        assert text == "participant_id\tage\nsub-A\t61\nsub-B\tn/a\n"
        assert (out / "README").read_text() == "ours"
        assert len(list(out.rglob("*_events.tsv"))) == 3

    def test_one_subject_of_several_recordings_has_sessions(self, folder, reviewed, tmp_path):
        out = run(folder, reviewed, to="bids", out=tmp_path / "d", subjects=("A",)).out
        assert sorted(p.name for p in (out / "sub-A").iterdir()) == ["ses-01", "ses-02"]

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ({"subjects": ("a_b",)}, "letters and digits"),
            ({"subjects": ("../x",)}, "letters and digits"),
            ({"task": ""}, "letters and digits"),
            ({"subjects": ("a", "b", "c")}, "given 3 times for 2 results"),
            ({"subjects": ("a",), "sessions": ("1", "1")}, "give each its own"),
        ],
    )
    def test_labels_that_do_not_do_are_told(self, folder, reviewed, tmp_path, options, told):
        with pytest.raises(UsageError, match=told):
            run(folder, reviewed, to="bids", out=tmp_path / "d", **options)
        assert not (tmp_path / "d").exists()

    def test_another_folder_is_not_made_a_dataset(self, folder):
        with pytest.raises(UsageError, match="is no BIDS dataset"):
            run(folder, to="bids", out=folder, force=True)


class TestMne:
    def test_annotations_read_back(self, reviewed):
        out = run(reviewed, to="mne").out
        found = mne.read_annotations(out / "seen_annot.txt")
        assert found.orig_time == datetime.fromisoformat(STARTED)
        by_text = {text: (on, d) for on, d, text in zip(*_annotations(found), strict=True)}
        expected = analysis().events[0]
        assert by_text["eyelid_twitch/left"] == pytest.approx(
            (expected.onset_s, expected.duration_s), abs=1e-5
        )
        assert by_text["BAD_no_face"][1] > 1
        assert by_text["segment/reading"][0] == 14
        assert by_text["mark"] == (16, 0)
        assert "comment/a clear one" in by_text

    def test_a_recording_without_events_reads_back_as_none(self, folder):
        (folder / "events.csv").write_text((folder / "events.csv").read_text().split("\n")[0])
        for name in ("marks.csv", "signals.csv", "twitches.csv"):
            (folder / name).unlink()
        assert len(mne.read_annotations(run(folder, to="mne").out / "visit_annot.txt")) == 0

    def test_a_comment_in_any_script_breaks_no_row(self, tmp_path):
        path = save(tmp_path / "x", comment='müde, 50 % #2 "日"\n=1')
        found = mne.read_annotations(run(path, to="mne").out / "x_annot.txt")
        assert 'comment/mude; 50 % no.2 "?" =1' in set(found.description)


class TestBoris:
    def test_the_aggregated_table_reads_back(self, reviewed):
        out = run(reviewed, to="boris", subjects=("P1",)).out
        rows = pd.read_csv(out / "seen_aggregated.tsv", sep="\t")
        first = rows[rows["Modifier #1"] == "left"].iloc[0]
        expected = analysis().events[0]
        assert first["Behavior"] == "eyelid_twitch"
        assert (first["Behavior type"], first["Subject"]) == ("STATE", "P1")
        assert first["Start (s)"] == pytest.approx(expected.onset_s, abs=1e-6)
        assert first["Duration (s)"] == pytest.approx(expected.duration_s, abs=1e-6)
        assert first["Comment start"] == "a clear one"
        assert first["Observation date"] == "2031-07-19 08:30:15"
        assert rows["Observation id"].unique().tolist() == ["seen"]
        assert rows[rows["Behavior type"] == "POINT"]["Behavior"].tolist() == ["mark"]

    def test_pasted_states_begin_and_end_in_pairs(self, folder):
        cells = pasted(folder)
        times = [float(row[0]) for row in cells]
        assert times == sorted(times)
        for side, what in (LEFT, RIGHT):
            assert sum(row[2:4] == [what, side] for row in cells) == 2
        assert sum(row[2] == "mark" for row in cells) == 1
        # The first segment ends before the second begins.
        assert [r[3] for r in cells if r[2] == "segment"] == ["rest", "rest", "reading", "reading"]

    def test_a_state_that_begins_where_the_same_ends_is_no_line_that_is_there_already(
        self, tmp_path
    ):
        marks = ((0.0, "segment", "rest"), (14.0, "segment", "rest"))
        cells = pasted(save(tmp_path / "visit", marks=marks))
        times = [row[0] for row in cells if row[2] == "segment"]
        assert times == ["0.000", "13.999", "14.000", "30.000"]

    def test_each_recording_has_its_subject(self, folder, reviewed, tmp_path):
        out = run(folder, reviewed, to="boris", out=tmp_path / "b", subjects=("P1", "P2")).out
        tables = (pd.read_csv(path, sep="\t") for path in sorted(out.glob("*_aggregated.tsv")))
        assert [set(rows["Subject"]) for rows in tables] == [{"P2"}, {"P1"}]


class TestElan:
    def test_tiers_read_back(self, reviewed):
        path = run(reviewed, to="elan").out / "seen.eaf"
        eaf = pympi.Elan.Eaf(str(path))
        expected = analysis().events[0]
        begin, end, text = eaf.get_annotation_data_for_tier("left")[0]
        assert (begin, end) == (round(1000 * expected.onset_s), round(1000 * expected.offset_s))
        assert text == "eyelid_twitch"
        assert eaf.get_ref_annotation_data_for_tier("left comments")[0][2] == "a clear one"
        assert eaf.get_annotation_data_for_tier("right")[0][:2] == (27000, 27500)
        segments = sorted(eaf.get_annotation_data_for_tier("segment"))
        assert [s[2] for s in segments] == ["rest", "reading"]
        assert eaf.get_annotation_data_for_tier("mark") == [(16000, 16100, "mark")]
        assert eaf.get_linked_files() == []

    def test_elements_are_in_the_order_that_the_format_demands(self, reviewed):
        root = ET.parse(run(reviewed, to="elan").out / "seen.eaf").getroot()
        order = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "CONSTRAINT"]
        places = [order.index(child.tag) for child in root]
        assert places == sorted(places)
        slots = [int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")]
        assert slots == sorted(set(slots))
        ids = [a.get("ANNOTATION_ID") for a in root.iter() if a.get("ANNOTATION_ID")]
        assert len(ids) == len(set(ids))

    def test_events_that_overlap_get_a_tier_of_their_own(self, reviewed):
        path = reviewed / "events.reviewed.csv"
        lines = path.read_text().splitlines()
        head = lines[0].split(",")
        row = lines[1].split(",")
        row[head.index("number")] = ""
        path.write_text("\n".join([*lines, ",".join(row)]) + "\n")
        eaf = pympi.Elan.Eaf(str(run(reviewed, to="elan").out / "seen.eaf"))
        first, second = (eaf.get_annotation_data_for_tier(t) for t in ("left", "left 2"))
        assert len(first) == len(second) == 1
        assert eaf.get_ref_annotation_data_for_tier("left 2 comments")[0][2] == "a clear one"

    def test_the_recording_is_linked_where_it_is_asked_for(self, folder, tmp_path):
        media = tmp_path / "a b.mp4"
        media.write_bytes(b"")
        out = run(folder, to="elan", media=media, out=tmp_path).out
        (link,) = pympi.Elan.Eaf(str(out / "visit.eaf")).get_linked_files()
        assert link["MEDIA_URL"] == media.as_uri()
        assert link["RELATIVE_MEDIA_URL"] == "./a b.mp4"
        assert link["MIME_TYPE"] == "video/mp4"


class TestParquet:
    def test_tables_read_back_with_their_types(self, reviewed, folder, tmp_path):
        out = run(folder, reviewed, to="parquet", out=tmp_path / "p").out
        tables = {path.stem: pd.read_parquet(path) for path in out.iterdir()}
        events, made = tables["events"], read_folder(folder)
        assert events.recording.tolist() == ["visit", "visit", "seen", "seen"]
        first = events.iloc[0]
        assert (first.side, first.kind) == LEFT
        assert first.onset_s == made.events[0].onset_s
        assert events.truncated.dtype == bool
        assert events.comment.tolist()[2] == "a clear one"
        signals = tables["signals"][tables["signals"].recording == "visit"]
        assert signals.time_s.tolist() == made.signals.time_s.tolist()
        assert signals.excursion_right.max() == made.signals.excursion[:, 1][:600].max()
        assert signals.closure_left.isna().sum() == (~made.signals.valid).sum()
        joined = tables["twitches"].merge(
            events, left_on=["recording", "event"], right_on=["recording", "number"]
        )
        assert (joined.side_x == joined.side_y).all()
        assert len(joined) == 3
        assert tables["recordings"].valid_s.tolist() == pytest.approx([made.valid_s] * 2)
        assert json.loads(tables["recordings"].settings[0]) == made.summary.given_settings

    def test_columns_say_their_unit_and_files_their_version(self, folder):
        out = run(folder, to="parquet").out
        schema = pq.read_schema(out / "events.parquet")
        assert schema.field("onset_s").metadata[b"unit"] == b"s"
        assert b"mouth_pull" in schema.field("kind").metadata[b"levels"]
        assert schema.metadata[b"hfs_vision.schema_version"] == b"1"
        assert schema.metadata[b"hfs_vision.notice"].endswith(b"is not a medical device.")

    def test_signals_come_in_groups_of_rows(self, folder, monkeypatch):
        monkeypatch.setattr("hfs_vision.exports.formats.parquet.ROW_GROUP", 300)
        path = run(folder, to="parquet").out / "signals.parquet"
        groups = pq.ParquetFile(path).metadata
        assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [
            *[300, 300],
            240,
        ]


def pasted(folder):
    """Cells of the lines that BORIS pastes: it takes six in each, and no empty line."""
    text = (run(folder, to="boris").out / "visit_paste.tsv").read_text()
    cells = [part.split("\t") for part in text.split("\n")]
    assert {len(row) for row in cells} == {6}
    return cells


def _annotations(found):
    return found.onset, found.duration, found.description


class TestClock:
    """Files begin at 1.4 s, at hours, or before 0, where the clock of 33 bits started anew."""

    @pytest.fixture(params=[1.466667, 36001.4, -9.317689])
    def start_s(self, request):
        return request.param

    @pytest.fixture
    def late(self, tmp_path, start_s):
        return save(tmp_path / "late.results", start_s=start_s)

    @pytest.fixture
    def at_zero(self, tmp_path):
        return save(tmp_path / "zero.results")

    @pytest.mark.parametrize("to", ["elan", "boris", "mne"])
    def test_players_and_the_export_count_alike(self, late, at_zero, start_s, to):
        for made, plain in zip(run(late, to=to).files, run(at_zero, to=to).files, strict=True):
            here, there = (
                (folder.parent / f"{folder.stem}.{to}" / name)
                for folder, name in ((late, made), (at_zero, plain))
            )
            assert times(here, to) == pytest.approx(times(there, to), abs=0.0011)
            if not here.name.endswith("_paste.tsv"):  # which BORIS takes without a word beside
                assert f"{start_s:.6f} s on the recording" in here.read_text()

    def test_where_sound_begins_first_players_count_from_there(self, tmp_path, at_zero):
        summary = {"source": {"kind": "file", "zero_s": 1.2}}
        folder = save(tmp_path / "late.results", start_s=1.5, summary=summary)
        first, second = (read_content(f)[0].on_player_clock for f in (folder, at_zero))
        assert first.events[0].event.onset_s == pytest.approx(
            second.events[0].event.onset_s + 0.3, abs=1e-5
        )
        assert "0.300000 s before the first frame" in first.clock

    def test_bids_counts_from_the_first_frame_and_says_so(self, late, at_zero, start_s, tmp_path):
        run(late, to="bids", out=tmp_path / "a", subjects=["01"])
        run(at_zero, to="bids", out=tmp_path / "b", subjects=["01"])
        stem = "sub-01/beh/sub-01_task-face"
        for name, column in (("events", "onset"), ("beh", "time_s")):
            one, other = (table(tmp_path / x / f"{stem}_{name}.tsv")[column] for x in "ab")
            assert list(one) == pytest.approx(list(other), abs=1e-5)
        for name in ("events", "beh"):
            about = json.loads((tmp_path / "a" / f"{stem}_{name}.json").read_text())["HfsVision"]
            assert about["first_frame_on_own_clock_s"] == pytest.approx(start_s)
            assert "from the first frame" in about["clock"]

    def test_parquet_keeps_the_clock_of_the_tables_and_the_way_to_the_players(self, late, start_s):
        run(late, to="parquet", out=late.parent / "p")
        events = pq.read_table(late.parent / "p" / "events.parquet")
        recordings = pq.read_table(late.parent / "p" / "recordings.parquet").to_pandas()
        assert events.to_pandas().onset_s[0] == pytest.approx(start_s + 12.0, abs=0.1)
        assert recordings.zero_s[0] == pytest.approx(start_s)
        assert b"own clock" in events.schema.metadata[b"hfs_vision.clock"]

    @pytest.mark.parametrize("to", FORMATS)
    def test_deidentified_nothing_tells_where_the_clock_stood(self, tmp_path, to):
        folder = save(tmp_path / "late.results", start_s=1930118415.25)
        done = run(folder, to=to, deidentify=True)
        for path in done.out.rglob("*"):
            assert path.is_dir() or b"1930118" not in path.read_bytes()

    @pytest.mark.parametrize(
        ("name", "mime"),
        [
            ("a.MTS", "video/mp2t"),
            ("a.ts", "video/mp2t"),
            ("a.vob", "video/mpeg"),
            ("a.mov", "video/quicktime"),
            ("a.mkv", "video/x-matroska"),
            ("a.xyz", "video/mp4"),
        ],
    )
    def test_the_type_of_the_video_is_that_of_a_video(self, at_zero, name, mime):
        media = at_zero.parent / name
        media.touch()
        run(at_zero, to="elan", media=media)
        assert f'MIME_TYPE="{mime}"' in (at_zero.parent / "zero.elan" / "zero.eaf").read_text()


def times(path, to):
    """Times of an exported file, sorted."""
    if to == "elan":
        found = [float(t.get("TIME_VALUE")) / 1000 for t in ET.parse(path).iter("TIME_SLOT")]
    elif to == "mne":
        found = list(mne.read_annotations(path).onset)
    elif path.name.endswith("_paste.tsv"):
        found = [float(line.split("\t")[0]) for line in path.read_text().splitlines()]
    else:
        found = list(table(path)["Start (s)"])
    return sorted(found)


def test_every_format_has_a_test_here():
    assert {f"Test{name.title()}" for name in FORMATS} <= set(globals())
