"""Warnings: stored by code and values, shown as text."""

from __future__ import annotations

import copy
import io
import json
import pickle
import re
import string

import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.core.messages import TEXTS, Message, read_messages
from hfs_vision.errors import TableError
from hfs_vision.results import read_summary, write_json
from tests.paths import ROOT
from tests.synthetic import Recording

SLOW = Message("low_frame_rate", fps=12.5, shortest_ms=120.0)


def test_a_message_is_its_text_and_knows_what_it_is_made_of():
    assert str(SLOW) == SLOW
    assert SLOW.startswith("low frame rate (12.5 frames/s): movements under about 120 ms")
    assert (SLOW.code, SLOW.values) == ("low_frame_rate", {"fps": 12.5, "shortest_ms": 120.0})


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_message_goes_to_another_process_whole(again):
    found = again(SLOW)
    assert (found, found.code, found.values) == (SLOW, SLOW.code, SLOW.values)


def test_what_is_stored_can_be_read_again():
    stored = io.StringIO()
    write_json(stored, {"warnings": [SLOW]})
    (found,) = json.loads(stored.getvalue())["warnings"]
    assert found == {"code": "low_frame_rate", "values": {"fps": 12.5, "shortest_ms": 120.0}}
    (again,) = read_messages([found])
    assert (again, again.values) == (SLOW, SLOW.values)


def test_texts_of_an_early_version_stay_texts():
    assert read_messages(["short recording"]) == ["short recording"]


def test_a_message_of_a_later_version_is_shown_by_its_code():
    (found,) = read_messages([{"code": "too_bright", "values": {"share": 0.5}}])
    assert found == "too bright (share 0.5)"
    (found,) = read_messages([{"code": "low_frame_rate", "values": {"fps": "fast"}}])
    assert found == "low frame rate (fps fast)"


@pytest.mark.parametrize(
    "wrong",
    [1, None, [], {}, {"code": 5}, {"code": "a", "values": []}, {"code": "a", "values": {"b": []}}],
)
def test_what_is_no_message_is_refused(wrong, tmp_path):
    with pytest.raises(ValueError, match="is no message"):
        read_messages([wrong])
    (tmp_path / "summary.json").write_text(json.dumps({"warnings": [wrong]}))
    with pytest.raises(TableError, match="warnings"):
        read_summary(tmp_path / "summary.json")


def test_a_result_keeps_its_messages_through_another_detection(tmp_path):
    first = detect(Recording(20.0).measured(), inherited={"source_warnings": [SLOW.as_dict()]})
    first.save(tmp_path)
    told = read_summary(tmp_path / "summary.json")
    assert [w.code for w in told.warnings] == ["short_recording", "low_frame_rate"]
    again = detect(Recording(20.0).measured(), inherited=told.values)
    assert again.warnings == list(told.warnings)
    assert again.source_warnings == [SLOW]


def test_every_code_that_is_used_has_a_text_with_these_values():
    used = set()
    for path in (ROOT / "hfs_vision").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for code, rest in re.findall(r'\bMessage\(\s*"(\w+)"((?:[^()]|\([^()]*\))*)\)', text):
            used.add(code)
            names = {name for _, name, *_ in string.Formatter().parse(TEXTS[code]) if name}
            if "**" not in rest:
                assert set(re.findall(r"(\w+)=", rest)) == names, code
    by_variable = {"frames_not_decoded", "frames_after_damage", "frames_out_of_order"}
    by_variable |= {"frames_without_time", "turned_upside_down", "turned_on_side"}
    by_variable |= {"found_elsewhere", "found_unlike"}
    assert used | by_variable == set(TEXTS)
