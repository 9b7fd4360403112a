"""`summary.json` as it is read: of known types, or refused by its key."""

import dataclasses
import json
import math
import shutil
from datetime import datetime, timezone

import pytest

from hfs_vision.cli import cli
from hfs_vision.core.settings import Settings
from hfs_vision.errors import HfsVisionError, TableError
from hfs_vision.results import read_folder, read_summary
from hfs_vision.results.summary_file import settings_told
from tests.diary_support import result_folder

SAID = {
    "partial": True,
    "warnings": ["short"],
    "source_warnings": [],
    "frames": 900,
    "blinks": 3.0,
    "start_s": 0.5,
    "end_s": 30.5,
    "valid_s": 29,
    "settings": {"tonic_s": 2, "of_another_version": "x"},
    "subject": [0.25, 1],
    "source": {"kind": "file", "width": 640, "recorded_utc": "2026-03-01T09:30:00+01:00"},
    "live": {"started_utc": "2026-03-01T08:30:00Z", "frames_dropped": 2},
    "unknown": {"to": ["us"]},
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "summary.json"


def written(path, values):
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def test_what_is_said_has_its_type_and_what_is_not_said_is_missing(path):
    found = read_summary(written(path, SAID))
    assert found.partial
    assert (found.warnings, found.source_warnings) == (("short",), ())
    assert (found.frames, found.blinks, found.valid_s) == (900, 3, 29.0)
    assert found.subject == (0.25, 1.0)
    moment = datetime(2026, 3, 1, 8, 30, tzinfo=timezone.utc)
    assert found.source.recorded_utc == found.live.started_utc == moment
    assert (found.source.width, found.source.height, found.source.sha256) == (640, None, None)
    assert math.isnan(found.fps)
    assert found.model.landmarker == found.versions.hfs_vision == ""
    assert found.settings == Settings(tonic_s=2)
    assert settings_told(found) == {"tonic_s": 2}
    assert found.values == SAID
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.partial = False


@pytest.mark.parametrize("values", [{}, dict.fromkeys(SAID)])
def test_nothing_and_null_are_the_same(path, values):
    found = read_summary(written(path, values))
    assert not found.partial
    assert found.live is None
    assert found.subject is None
    assert found.settings == Settings()
    assert not found.given_settings


def test_no_file_is_no_summary(path):
    assert read_summary(path) is None


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"warnings": 5}, "warnings is 5; it must be a list of texts"),
        ({"source_warnings": 5}, "source_warnings is 5; it must be a list of texts"),
        ({"warnings": ["a", 5]}, "it must be a list of texts"),
        ({"partial": "no"}, "partial is 'no'; it must be true or false"),
        ({"fps": "fast"}, "fps is 'fast'; it must be a number of 0 or more"),
        ({"fps": True}, "fps is True"),
        ({"valid_s": -1}, "valid_s is -1"),
        ({"valid_s": 1e300}, "valid_s is 1e\\+300; .* below 1e\\+12"),
        ({"end_s": math.inf}, "end_s is inf"),
        ({"frames": 1.5}, "frames is 1.5; it must be a whole number"),
        ({"source": []}, r"source is \[\]; it must be an object"),
        ({"source": {"width": "640"}}, r"source\.width is '640'"),
        ({"source": {"sha256": 7}}, r"source\.sha256 is 7; it must be a text"),
        ({"source": {"recorded_utc": "0001-01-01T00:00:00+00:00"}}, "in the years 1900 to 2200"),
        ({"source": {"recorded_utc": "2026-03-01T08:30:00"}}, r"source\.recorded_utc"),
        ({"live": {"started_utc": "soon"}}, r"live\.started_utc is 'soon'; it must be a moment"),
        ({"settings": {"tonic_s": "1"}}, r"settings\.tonic_s is '1'"),
        ({"settings": {"tonic_s": 1e9}}, "tonic_s must be a number from 0.1 to 10"),
        ({"subject": [0.5]}, r"subject is \[0.5\]; it must be two numbers"),
        ({"decoding": 5}, "decoding is 5; it must be an object"),
        ([1], "it must be a JSON object"),
    ],
)
def test_a_wrong_type_is_told_by_file_key_value_and_what_is_expected(path, values, told):
    with pytest.raises(TableError, match=rf"summary\.json cannot be read as a summary: .*{told}"):
        read_summary(written(path, values))


def test_half_a_character_is_spelt_out_wherever_it_stands(path):
    found = read_summary(written(path, {"warnings": ["\ud800"], "x": {"\udfff": ["\ud800"]}}))
    assert found.warnings == ("\\ud800",)
    assert found.values["x"] == {"\\udfff": ["\\ud800"]}


def test_a_file_that_ends_early_is_told(path):
    path.write_text('{"partial": tr')
    with pytest.raises(TableError, match=r"summary\.json cannot be read"):
        read_summary(path)


@pytest.mark.parametrize("key", ["warnings", "source_warnings"])
@pytest.mark.parametrize("command", ["report", "detect", "evaluate", "export", "diary add"])
def test_every_command_refuses_what_is_no_list_of_warnings(tmp_path, key, command):
    folder = result_folder(tmp_path / "a.results", **{key: 5})
    diary, out = tmp_path / "p.diary", tmp_path / "out"
    human = shutil.copy(folder / "events.csv", tmp_path / "human.csv")
    asked = {
        "report": ["report", folder],
        "detect": ["detect", folder / "signals.csv", "--out", out],
        "evaluate": ["evaluate", human, folder],
        "export": ["export", folder, "--to", "mne", "--out", out],
        "diary add": ["diary", "add", diary, folder],
    }[command]
    if command == "diary add":  # which tells what is wrong with each folder, and goes on
        made = ["diary", "init", diary, "--person", "P", "--affected", "left"]
        cli([str(part) for part in made], standalone_mode=False)
        assert cli([str(part) for part in asked], standalone_mode=False) == 1
        return
    with pytest.raises(HfsVisionError, match=f"{key} is 5"):
        cli([str(part) for part in asked], standalone_mode=False)


def test_the_length_from_which_an_event_is_tonic_is_that_of_the_result(tmp_path):
    rows = "onset_s,offset_s,side,region,verdict\n12,13.5,left,eye,added\n20,24,left,eye,added\n"
    for tonic_s, components in ((1.0, ["tonic", "tonic"]), (3.0, ["clonic", "tonic"])):
        folder = result_folder(
            tmp_path / f"{tonic_s}.results", settings={**Settings(tonic_s=tonic_s).as_dict()}
        )
        (folder / "events.reviewed.csv").write_text(rows)
        assert [row.event.component for row in read_folder(folder).reviewed] == components
