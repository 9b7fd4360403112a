import csv
import io
import json
import math
import stat
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.analysis.pipeline import detect
from hfs_vision.analysis.result import RESULT_FILES
from hfs_vision.errors import OutputError, TableError, UsageError
from hfs_vision.results import (
    EVENT_COLUMNS,
    SIGNAL_COLUMNS,
    TWITCH_COLUMNS,
    check_folder,
    read_events,
    read_header,
    read_signals,
    read_tables,
    write_events,
    write_signals,
    write_twitches,
)
from hfs_vision.schema import COMPONENTS, REGIONS, SIDES, Event, Twitch
from tests.synthetic import Recording

MICRO = st.integers(-(10**9), 10**9).map(lambda n: n / 1e6)
AMOUNT = st.integers(0, 10**7).map(lambda n: n / 1e6)

SHARE = st.integers(0, 10**6).map(lambda n: n / 1e6)

EVENTS = st.builds(
    lambda onset, length, peak, **rest: Event(
        onset_s=onset,
        offset_s=(round(onset * 1e6) + length) / 1e6,
        peak_s=(round(onset * 1e6) + min(peak, length)) / 1e6,
        **rest,
    ),
    onset=MICRO,
    length=st.integers(1, 10**8),
    side=st.sampled_from(SIDES),
    region=st.sampled_from(REGIONS),
    component=st.sampled_from(COMPONENTS),
    peak=st.integers(0, 10**8),
    score=AMOUNT,
    confidence=SHARE,
    closure=AMOUNT,
    excursion=MICRO,
    rise_s=AMOUNT,
    closure_velocity=AMOUNT,
    excursion_velocity=AMOUNT,
    eye_mouth_lag_s=st.none() | MICRO,
    valid_fraction=SHARE,
    truncated=st.booleans(),
)


def recording():
    return Recording(30).jitter(2).lid(0, 12, 0.3).pull(1, 20, 1.5).without_face(25, 1)


@given(st.lists(EVENTS, max_size=5))
def test_events_round_trip_through_csv(tmp_path_factory, events):
    path = tmp_path_factory.mktemp("events") / "events.csv"
    with path.open("w", newline="") as handle:
        write_events(handle, events)
    assert read_events(path) == events


TWITCHES = st.builds(
    Twitch,
    onset_s=MICRO,
    offset_s=MICRO,
    region=st.sampled_from(REGIONS),
    peak_s=MICRO,
    score=AMOUNT,
)


@given(st.lists(st.tuples(EVENTS, st.lists(TWITCHES, max_size=4)), max_size=4))
def test_each_twitch_has_a_row_that_names_the_row_and_side_of_its_event(drawn):
    events = [replace(event, twitches=tuple(twitches)) for event, twitches in drawn]
    texts = io.StringIO(), io.StringIO()
    write_events(texts[0], events)
    write_twitches(texts[1], events)
    event_rows, rows = (list(csv.DictReader(io.StringIO(text.getvalue()))) for text in texts)
    assert [int(row["twitches"] or 0) for row in event_rows] == [len(e.twitches) for e in events]
    pairs = [(event, twitch) for event in events for twitch in event.twitches]
    for row, (event, twitch) in zip(rows, pairs, strict=True):
        assert tuple(row) == TWITCH_COLUMNS
        assert events[int(row["event"]) - 1] is event
        assert event_rows[int(row["event"]) - 1]["side"] == row["side"] == event.side
        assert row["region"] == twitch.region
        assert float(row["onset_s"]) == twitch.onset_s
        assert float(row["duration_s"]) == pytest.approx(twitch.duration_s, abs=1e-6)
        assert (float(row["peak_s"]), float(row["score"])) == (twitch.peak_s, twitch.score)


def test_an_event_of_which_the_twitches_are_not_known_has_an_empty_number_of_them(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(GOOD + "1,0.5,left,eye\n")
    events = read_events(path)
    assert events[0].twitches == ()
    text = io.StringIO()
    write_events(text, events)
    assert text.getvalue().splitlines()[1].endswith(",0,")


def test_stored_signals_give_exactly_the_same_events_again(tmp_path):
    first = detect(recording().measured())
    assert first.events
    first.save(tmp_path)
    stored = read_signals(tmp_path / "signals.csv")
    np.testing.assert_array_equal(stored.commissure, first.measurements.commissure)
    again = detect(stored)
    again.save(tmp_path / "again")
    for name in ("events.csv", "counts.csv", "signals.csv"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_columns_stand_as_documented_and_missing_cells_are_empty(tmp_path):
    detect(recording().measured()).save(tmp_path)
    events = list(csv.reader(io.StringIO((tmp_path / "events.csv").read_text())))
    assert tuple(events[0]) == EVENT_COLUMNS
    assert events[0][:6] == ["onset_s", "duration_s", "offset_s", "side", "region", "kind"]
    signals = list(csv.DictReader(io.StringIO((tmp_path / "signals.csv").read_text())))
    assert tuple(signals[0]) == SIGNAL_COLUMNS
    assert len(signals) == 900
    hidden = signals[760]
    assert hidden["valid"] == "0"
    assert {hidden[c] for c in SIGNAL_COLUMNS[2:]} == {""}
    assert signals[100]["valid"] == "1"
    assert "nan" not in (tmp_path / "signals.csv").read_text()


def test_summary_is_strict_json_with_settings_and_versions(tmp_path):
    detect(Recording(20).without_face(0, 30).measured()).save(tmp_path)
    summary = json.loads(
        (tmp_path / "summary.json").read_text(), parse_constant=lambda c: pytest.fail(c)
    )
    assert summary["settings"]["tonic_s"] == 1.0
    assert summary["versions"]["hfs_vision"]
    assert summary["face_px"] is None


def test_results_are_private_to_the_user(tmp_path):
    detect(recording().measured()).save(tmp_path / "deep" / "result")
    assert stat.S_IMODE((tmp_path / "deep" / "result").stat().st_mode) == 0o700
    assert sorted(p.name for p in (tmp_path / "deep" / "result").iterdir()) == sorted(RESULT_FILES)


def test_a_folder_that_cannot_be_made_is_refused_before_and_while_writing(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--out"):
        check_folder(tmp_path / "file" / "result", RESULT_FILES, force=True)
    with pytest.raises(OutputError, match="--out"):
        detect(recording().measured()).save(tmp_path / "file" / "result")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_existing_results_are_kept_unless_forced(tmp_path):
    (tmp_path / "events.csv").write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        check_folder(tmp_path, RESULT_FILES, force=False)
    check_folder(tmp_path, RESULT_FILES, force=True)
    check_folder(tmp_path / "new", RESULT_FILES, force=False)
    assert not (tmp_path / "new").exists()


def test_a_failing_writer_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "events.csv").write_text("mine")

    def fail(handle: io.TextIOBase, counts: object) -> None:
        handle.write("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hfs_vision.analysis.result.write_counts", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        detect(recording().measured()).save(tmp_path, force=True)
    assert [p.name for p in tmp_path.iterdir()] == ["events.csv"]
    assert (tmp_path / "events.csv").read_text() == "mine"


GOOD = "onset_s,duration_s,side,region\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("onset_s,side\n1,left\n", "column 'region' is missing"),
        ("", "column 'onset_s' is missing"),
        (GOOD + "1,0.5,Both,eye\n", "row 2: side is 'Both'"),
        (GOOD + "1,0.5,left,brow\n", "row 2: region is 'brow'"),
        (GOOD + "1,0.5,left,eye\n2,-1,left,eye\n", "row 3: duration_s is -1; it must be positive"),
        (GOOD + "1,,left,eye\n", "row 2: neither duration_s nor offset_s"),
        (GOOD + "1,0.5,left\n", "row 2: the number of cells"),
        (GOOD + "1,0.5,left,eye,extra\n", "row 2: the number of cells"),
        (GOOD + "one,0.5,left,eye\n", "row 2: onset_s is 'one'"),
        (GOOD + "inf,0.5,left,eye\n", "row 2: onset_s is 'inf'"),
        (b"\xff\xfe\x00", "cannot be read as a CSV table"),
    ],
)
def test_a_malformed_event_table_is_refused_with_file_and_row(tmp_path, text, what):
    path = tmp_path / "events.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TableError, match=what) as error:
        read_events(path)
    assert str(path) in str(error.value)


def test_an_event_table_from_a_spreadsheet_loads(tmp_path):
    path = tmp_path / "events.csv"
    path.write_bytes(
        b"\xef\xbb\xbfside,onset_s,duration_s,region,comment\r\nleft,1.5,1.25,eye,seen\r\n"
    )
    (event,) = read_events(path)
    assert (event.kind, event.offset_s, event.truncated) == ("forced_closure", 2.75, False)
    assert math.isnan(event.closure)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda lines: [*lines[:1], lines[2], lines[1]], "row 3: time_s is"),
        (
            lambda lines: [lines[0].replace("aperture_left", "x"), *lines[1:]],
            "'aperture_left' is missing",
        ),
        (lambda lines: [*lines[:2], lines[2].replace(",", ",x", 2)], "row 3"),
        (lambda lines: [*lines[:2], lines[2][:20]], "row 3: the number of cells"),
    ],
)
def test_a_malformed_signals_file_is_refused_with_file_and_row(tmp_path, change, what):
    detect(recording().measured()).save(tmp_path)
    path = tmp_path / "signals.csv"
    path.write_text("\n".join(change(path.read_text().splitlines()[:5])) + "\n")
    with pytest.raises(TableError, match=what):
        read_signals(path)


def long_line(path):
    path.write_text(GOOD + "1,0.5,left,eye\n" * 3 + "1" * 2_000_000 + "\n")
    return "line 5 has more than 1000000 characters"


def long_header(path):
    path.write_text("onset_s," * 250_000)
    return "line 1 has more than 1000000 characters"


def many_rows(path):
    path.write_text(GOOD + "x\n" * 600_000)
    return "it has 600001 lines, and such a table 500000 at most"


@pytest.mark.parametrize("make", [long_line, long_header, many_rows])
def test_what_is_too_large_for_a_table_is_refused_before_it_is_read(tmp_path, make):
    path = tmp_path / "events.csv"
    told = make(path)
    with pytest.raises(TableError, match=told):
        read_events(path)
    if make is long_header:
        assert read_header(path) == []


def test_signals_of_a_long_recording_are_no_such_table(tmp_path, monkeypatch):
    monkeypatch.setattr(read_tables, "MOST_ROWS", 3)
    path = tmp_path / "signals.csv"
    measured = Recording(0.5).measured()
    with path.open("w") as handle:
        write_signals(handle, measured, detect(measured).signals)
    path.write_text(path.read_text().replace(",", ";"))  # not by the fast way
    assert len(read_signals(path)) == len(measured)
