"""Event files and folders of them: what is read as an event, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.errors import TableError, UsageError
from hfs_vision.evaluation.evaluate import compare
from hfs_vision.evaluation.pair_files import LAST_ROW, FilePair, find_pairs, read_pair
from hfs_vision.evaluation.read_references import read_event_file
from hfs_vision.evaluation.scores import evaluate
from hfs_vision.results import read_events
from hfs_vision.simulate import PRESETS, write_truth
from tests.synthetic import Recording

LABELS = "onset_s,duration_s,side,kind,confidence\n"


def written(folder: Path, text: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def spans(marks):
    return [(m.onset_s, round(m.offset_s, 6), m.side, m.kind) for m in marks]


# --- event files --------------------------------------------------------------------------------


def test_a_log_of_this_package_is_read_whole(tmp_path):
    recording = Recording(30).jitter(2).lid(0, 12, 0.3).pull(1, 20, 1.5)
    detect(recording.measured()).save(tmp_path)
    events = read_events(tmp_path / "events.csv")
    found = read_event_file(tmp_path / "events.csv")
    assert len(events) == 2
    assert spans(found.events) == spans(events)
    assert [m.region for m in found.events] == [e.region for e in events]
    assert (found.unsure, found.situations) == ((), ())


def test_of_a_truth_the_one_sided_movements_are_events_and_the_others_situations(tmp_path):
    script = PRESETS["right_hemifacial_spasms"].script()
    write_truth(tmp_path / "a.truth.csv", script)
    found = read_event_file(tmp_path / "a.truth.csv", may_overlap=False)
    ordered = sorted(script, key=lambda m: m.onset_s)
    assert [m.kind for m in found.events] == [m.kind for m in ordered if m.one_sided]
    assert [m.region for m in found.events] == [m.region for m in ordered if m.one_sided]
    assert [m.kind for m in found.situations] == [m.kind for m in ordered if not m.one_sided]


def test_labels_name_winks_and_pulls_and_those_that_overlap_are_one_movement(tmp_path):
    path = written(
        tmp_path,
        LABELS
        + "8.000,0.400,left,mouth_pull,high\n"
        + "1.333,0.267,right,wink,low\n"
        + "1.333,0.500,right,mouth_pull,high\n"
        + "1.400,0.300,left,wink,high\n"
        + "1.700,0.300,left,mouth_pull,high\n"  # touches the wink
        + "4.000,1.200,left,wink,medium\n"
        + "4.700,1.000,left,mouth_pull,low\n"
        + "6.000,0.200,both,blink,high\n"
        + "6.000,1.000,both,forced_closure,high\n"
        + "9.000,1.000,right,other,low\n"
        + "9.500,0.200,right,wink,low\n",
    )
    found = read_event_file(path, min_confidence="medium", may_overlap=False)
    assert spans(found.events) == [
        (1.333, 1.833, "right", "hemifacial_spasm"),
        (1.4, 1.7, "left", "eyelid_twitch"),
        (1.7, 2.0, "left", "lower_face_spasm"),
        (4.0, 5.7, "left", "hemifacial_spasm"),
        (8.0, 8.4, "left", "lower_face_spasm"),
    ]
    assert [m.region for m in found.events] == ["eye+mouth", "eye", "mouth", "eye+mouth", "mouth"]
    assert spans(found.unsure) == [(9.5, 9.7, "right", "eyelid_twitch")]
    assert [m.kind for m in found.situations] == ["blink", "forced_closure", "other"]
    assert len(read_event_file(path).events) == 6
    assert len(read_event_file(path, min_confidence="high").events) == 4


def test_a_file_of_a_header_alone_means_that_nothing_was_seen(tmp_path):
    found = read_event_file(written(tmp_path, LABELS))
    assert (found.events, found.end_s) == ((), 0)


def test_a_table_from_a_spreadsheet_is_read(tmp_path):
    text = b"\xef\xbb\xbfside,offset_s,onset_s,kind,confidence\r\n left ,2.5,1.5,wink,0.83\r\n\r\n"
    assert spans(read_event_file(written(tmp_path, text)).events) == [
        (1.5, 2.5, "left", "forced_closure")
    ]


OWN = "onset_s,duration_s,offset_s,side,region,kind,component\n"

MALFORMED = [
    ("", "row 1: column 'onset_s' is missing"),
    ("side,kind\n", "row 1: column 'onset_s' is missing"),
    ("onset_s,side,kind\n", "row 1: column 'duration_s' or 'offset_s' is missing"),
    ("onset_s,duration_s,kind\n", "row 1: column 'side' is missing"),
    ("onset_s,duration_s,side\n", "row 1: column 'region' or 'kind' is missing"),
    (b"\xff\xfe\x00o\x00n", "cannot be read as a CSV table"),
    (LABELS.encode() + b"1,1,left,wi\xe9nk,high\n", "cannot be read as a CSV table"),
    (LABELS + "1,0.2,left,wink\n", "row 2: the number of cells"),
    (LABELS + "1,0.2,left,wink,high,x\n", "row 2: the number of cells"),
    (LABELS + "1,0.2,Links,wink,high\n", "row 2: side is 'Links'; write one of left, right, both"),
    (LABELS + "1,0.2,,wink,high\n", "row 2: side is ''"),
    (LABELS + "1,0.2,both,wink,high\n", "row 2: side is 'both', but wink is of one side"),
    (LABELS + "1,0.2,left,winkk,high\n", "row 2: kind is 'winkk'"),
    (LABELS + "1,0.2,left,,high\n", "row 2: kind is ''"),
    (LABELS + "1,0.2,left,wink,sure\n", "row 2: confidence is 'sure'"),
    (LABELS + "1,0.2,left,wink,high\n2,-0.1,left,wink,high\n", "row 3: duration_s is -0.1"),
    (LABELS + "2,-0.1,both,blink,high\n", "row 2: duration_s is -0.1"),
    (LABELS + "1,0,left,wink,high\n", "row 2: duration_s is 0"),
    (LABELS + "1,0.0000001,left,wink,high\n", "row 2: .* must be positive"),
    (LABELS + "nan,0.2,left,wink,high\n", "row 2: onset_s is 'nan'"),
    (LABELS + ",0.2,left,wink,high\n", "row 2: onset_s is ''"),
    (LABELS + "1,nan,left,wink,high\n", "row 2: neither duration_s nor offset_s"),
    (LABELS + "inf,0.2,left,wink,high\n", "row 2: onset_s is 'inf'"),
    (LABELS + "1e300,1e299,left,wink,high\n", "row 2: onset_s is '1e300'"),
    (LABELS + "one,0.2,left,wink,high\n", "row 2: onset_s is 'one'"),
    (LABELS + "0:01,0.2,left,wink,high\n", "row 2: onset_s is '0:01'"),
    (LABELS + "30,0.2,both,blink,high\n40.2,0.2,left,wink,high\n", "row 3: .* ends at 40 s"),
    (LABELS + "41,0.2,both,blink,high\n", "row 2: .* the recording ends at 40 s"),
    (
        LABELS + "1,0.5,left,wink,high\n3,1,left,wink,high\n1.4,0.2,left,wink,high\n",
        "row 4: the left event from 1.4 s overlaps the one from 1 s to 1.5 s",
    ),
    (LABELS + "2,1,left,wink,low\n1,5,left,wink,high\n", "row 2: the left event from 2 s overlaps"),
    (OWN + "1,0.5,1.5,left,eye,,\n1.2,,2,left,mouth,,\n", "row 3: the left event from 1.2 s"),
    (OWN + "1,0.5,1.6,left,eye,,\n", "row 2: offset_s is 1.6, but onset_s .* is 1.5"),
    (OWN + "1,,0.5,left,eye,,\n", "row 2: .* its duration must be positive"),
    (OWN + "1,0.5,,left,brow,,\n", "row 2: region is 'brow'"),
    (OWN + "1,0.5,,left,eye,mouth_pull,\n", "row 2: region is 'eye', but mouth_pull is of mouth"),
    (OWN + "1,0.5,,left,eye,,short\n", "row 2: component is 'short'"),
]


@pytest.mark.parametrize(("text", "what"), MALFORMED)
def test_a_malformed_reference_is_refused_with_file_and_row(tmp_path, text, what):
    path = written(tmp_path, text)
    with pytest.raises(TableError, match=what) as error:
        read_event_file(path, may_overlap=False, end_s=40.0)
    assert str(path) in str(error.value)


def test_an_estimate_may_overlap_itself(tmp_path):
    path = written(tmp_path, LABELS + "1,0.5,left,wink,\n1.2,0.5,left,wink,\n1,0.5,left,wink,\n")
    assert len(read_event_file(path).events) == 3


# --- pairs --------------------------------------------------------------------------------------


def two_folders(tmp_path, references, estimates):
    for name in references:
        written(tmp_path / "human", LABELS, name)
    for name in estimates:
        written(tmp_path / "machine", LABELS, name)
    (tmp_path / "human").mkdir(exist_ok=True)
    (tmp_path / "machine").mkdir(exist_ok=True)
    return tmp_path / "human", tmp_path / "machine"


def test_folders_are_paired_by_name(tmp_path):
    human, machine = two_folders(
        tmp_path,
        ["a.csv", "b.truth.csv", "c.d.csv", "notes.txt"],
        ["a.results/events.csv", "b.csv", "c.d.results/events.csv", "a.csv", "x.truth.csv"],
    )
    pairs, left_out = find_pairs(human, machine)
    assert pairs == [
        FilePair("a", human / "a.csv", machine / "a.results" / "events.csv"),
        FilePair("b", human / "b.truth.csv", machine / "b.csv"),
        FilePair("c.d", human / "c.d.csv", machine / "c.d.results" / "events.csv"),
    ]
    assert left_out == []


def test_the_table_of_a_batch_is_no_recording(tmp_path):
    names = ["a.results/events.csv", "cohort.csv"]
    pairs, left_out = find_pairs(*two_folders(tmp_path, ["a.csv"], names))
    assert [pair.name for pair in pairs] == ["a"]
    assert left_out == []


def test_one_folder_can_hold_both_and_a_reference_is_never_compared_with_itself(tmp_path):
    names = ["a.csv", "a.results/events.csv", "b.truth.csv", "b.results/events.csv"]
    folder, _ = two_folders(tmp_path, names, [])
    assert [pair.name for pair in find_pairs(folder, folder)[0]] == ["a", "b"]
    (folder / "a.results" / "events.csv").unlink()
    with pytest.raises(TableError, match="has nothing for a"):
        find_pairs(folder, folder)


def test_names_without_a_partner_are_listed_or_left_out(tmp_path):
    human, machine = two_folders(
        tmp_path, ["a.csv", "b.csv", "c.csv"], ["b.csv", "d.csv", "c.results/counts.csv"]
    )
    with pytest.raises(TableError, match=r"machine has nothing for a, c; .*human has .* for d: "):
        find_pairs(human, machine)
    pairs, left_out = find_pairs(human, machine, only_common=True)
    assert ([pair.name for pair in pairs], left_out) == (["b"], ["a", "c", "d"])


@pytest.mark.parametrize("only_common", [True, False])
@pytest.mark.parametrize(("references", "estimates"), [([], []), (["a.csv"], ["b.csv"])])
def test_folders_without_a_common_name_are_refused(tmp_path, references, estimates, only_common):
    with pytest.raises(TableError, match=r"no recording in common|has nothing for a"):
        find_pairs(*two_folders(tmp_path, references, estimates), only_common=only_common)


def test_two_references_of_one_name_are_refused(tmp_path):
    folders = two_folders(tmp_path, ["a.csv", "a.truth.csv"], ["a.csv"])
    with pytest.raises(TableError, match="both references of a"):
        find_pairs(*folders)


def test_a_file_and_a_folder_of_several_do_not_fit(tmp_path):
    human, machine = two_folders(tmp_path, ["a.csv"], ["a.csv"])
    for given in ((human / "a.csv", machine), (human, machine / "a.csv")):
        with pytest.raises(UsageError, match=r"a folder without events\.csv"):
            find_pairs(*given)
    with pytest.raises(UsageError, match="nowhere does not exist"):
        find_pairs(human, tmp_path / "nowhere")


def test_files_and_result_folders_are_one_recording_named_by_the_reference(tmp_path):
    human, machine = two_folders(tmp_path, ["a.truth.csv"], ["b.results/events.csv"])
    results = machine / "b.results"
    for estimated in (results, results / "events.csv"):
        assert find_pairs(human / "a.truth.csv", estimated)[0] == [
            FilePair("a", human / "a.truth.csv", results / "events.csv")
        ]
    assert find_pairs(results, human / "a.truth.csv")[0][0].name == "b"


# --- time ---------------------------------------------------------------------------------------


def pair_of(tmp_path, summary=None):
    results = tmp_path / "a.results"
    written(results, LABELS + "3,0.5,left,wink,\n9,0.5,left,wink,\n", "events.csv")
    if summary is not None:
        written(results, summary, "summary.json")
    reference = written(tmp_path, LABELS + "3,0.5,left,wink,\n29.5,0.5,both,blink,\n")
    return FilePair("a", reference, results / "events.csv")


def test_time_is_that_of_the_summary_or_given_or_until_the_last_row(tmp_path):
    recording, notes = read_pair(pair_of(tmp_path))
    assert (recording.valid_s, recording.valid_from, notes) == (30.0, LAST_ROW, [])
    recording, _ = read_pair(pair_of(tmp_path), duration_s=45.0)
    assert (recording.valid_s, recording.valid_from) == (45.0, "--duration")
    summary = json.dumps({"valid_s": 20.0, "end_s": 30.0, "partial": True})
    recording, notes = read_pair(pair_of(tmp_path, summary), duration_s=45.0)
    assert (recording.valid_s, recording.valid_from) == (20.0, "valid time in summary.json")
    assert evaluate([recording]).tally().false_per_min == 3.0
    assert "stopped early" in notes[0]


def test_the_summary_of_an_analysis_is_understood(tmp_path):
    analysis = detect(Recording(40).lid(0, 20, 0.3).without_face(30, 5).measured())
    analysis.save(tmp_path / "a.results")
    reference = written(tmp_path, LABELS + "20,0.3,left,wink,high\n")
    recording, notes = read_pair(FilePair("a", reference, tmp_path / "a.results" / "events.csv"))
    assert recording.valid_s == pytest.approx(analysis.summary.valid_s)
    assert (evaluate([recording]).tally().matched, notes) == (1, [])


def test_without_any_row_and_length_there_is_no_rate(tmp_path):
    recording, _ = read_pair(
        FilePair("a", written(tmp_path, LABELS), written(tmp_path, LABELS, "b"))
    )
    assert recording.valid_s == 0
    assert math.isnan(evaluate([recording]).tally().false_per_min)


@pytest.mark.parametrize(
    "summary",
    ["", "[]", "{}", '{"valid_s": 1}', '{"valid_s": "x", "end_s": 1}', b"\xff",
     '{"valid_s": NaN, "end_s": 1}', '{"valid_s": -1, "end_s": 1}',
     '{"valid_s": null, "end_s": 1}'],
)  # fmt: skip
def test_a_damaged_summary_is_refused_by_its_name(tmp_path, summary):
    with pytest.raises(TableError, match=r"summary\.json cannot be read"):
        read_pair(pair_of(tmp_path, summary))


@pytest.mark.parametrize(("end_s", "row"), [(20.0, 3), (29.8, 3), (3.0, 2)])
def test_a_reference_beyond_the_end_of_the_recording_is_refused(tmp_path, end_s, row):
    summary = json.dumps({"valid_s": 20.0, "end_s": end_s})
    for pair, length in ((pair_of(tmp_path), end_s), (pair_of(tmp_path, summary), None)):
        with pytest.raises(TableError, match=rf"a\.csv, row {row}: .* ends at {end_s:g} s"):
            read_pair(pair, duration_s=length)


def test_the_length_of_the_last_frame_is_granted(tmp_path):
    assert read_pair(pair_of(tmp_path), duration_s=29.95)[0].valid_s == 29.95


def test_an_estimate_beyond_the_end_of_the_recording_is_refused(tmp_path):
    reference = written(tmp_path, LABELS)
    pair = FilePair("a", reference, pair_of(tmp_path / "b").estimated)
    with pytest.raises(TableError, match=r"events\.csv, row 3: .* ends at 8 s"):
        read_pair(pair, duration_s=8.0)


TRUTH = (1.6, 4.9, 5.7, 9.2, 13.1, 18.4)


def marks(path, onsets_s):
    rows = "".join(f"{t:.6f},0.3,left,wink\n" for t in onsets_s)
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"onset_s,duration_s,side,kind\n{rows}")
    return path


def result_at(folder, start_s, onsets_s=TRUTH, **source):
    file = marks(folder / "events.csv", [start_s + t for t in onsets_s])
    values = {"valid_s": 20.0, "start_s": start_s, "end_s": start_s + 20.0, "source": source}
    (folder / "summary.json").write_text(json.dumps(values))
    return file


@pytest.mark.parametrize("start_s", [1.466667, 36001.4, -9.317689])
def test_labels_of_a_player_meet_the_clock_of_the_file(tmp_path, start_s):
    labels, events = marks(tmp_path / "a.csv", TRUTH), result_at(tmp_path / "a.results", start_s)
    for pair in (FilePair("a", labels, events), FilePair("a", events, labels)):
        recording, notes = read_pair(pair)
        assert len(compare(recording).matched) == len(TRUTH)
        sign = 1 if pair.estimated == events else -1
        assert recording.clock_offset_s == pytest.approx(sign * start_s)
        assert len(notes) == 1
        assert f"{sign * start_s:+.3f} s" in notes[0]
        assert "6 of 6 events fit with it" in notes[0]


def test_a_single_label_is_enough_where_the_clock_is_known(tmp_path):
    labels = marks(tmp_path / "a.csv", TRUTH[:1])
    recording, notes = read_pair(FilePair("a", labels, result_at(tmp_path / "a.results", 1.4)))
    assert len(compare(recording).matched) == 1
    assert len(notes) == 1


def test_two_tables_alone_are_brought_onto_one_clock_and_that_is_told(tmp_path):
    one, other = marks(tmp_path / "a.csv", TRUTH), marks(tmp_path / "b.csv", np.add(TRUTH, 36001.4))
    for pair in (FilePair("a", one, other), FilePair("a", other, one)):
        recording, notes = read_pair(pair, duration_s=20.0)
        assert len(compare(recording).matched) == len(TRUTH)
        assert "found from the events alone" in notes[0]


def test_labels_on_the_clock_of_the_file_stay(tmp_path):
    events = result_at(tmp_path / "a.results", 1.4)
    labels = marks(tmp_path / "a.csv", np.add(TRUTH, 1.45))
    recording, notes = read_pair(FilePair("a", labels, events))
    assert (recording.clock_offset_s, notes) == (0.0, [])
    assert len(compare(recording).matched) == len(TRUTH)


def test_where_the_events_do_not_tell_the_clock_nothing_is_moved_but_it_is_told(tmp_path):
    events = result_at(tmp_path / "a.results", 3.0, [2.0, 8.0, 15.5])
    labels = marks(tmp_path / "a.csv", [4.0, 6.5, 12.0])
    recording, notes = read_pair(FilePair("a", labels, events))
    assert recording.clock_offset_s == 0.0
    assert "begins at 3.000 s" in notes[0]
    assert "nothing was moved" in notes[0]


def test_an_event_beyond_the_end_is_still_refused(tmp_path):
    events = result_at(tmp_path / "a.results", -9.3)
    labels = marks(tmp_path / "a.csv", [*TRUTH, 25.0])
    with pytest.raises(TableError, match=r"row 8: .*25 s .*ends at"):
        read_pair(FilePair("a", labels, events))
