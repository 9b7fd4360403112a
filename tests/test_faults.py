"""The quick share of the fault matrix; ``python -m tests.faults`` runs all of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hfs_vision.analysis import pipeline
from hfs_vision.landmarks.mediapipe_models import carries_face_mesh
from tests.faults.matrix import ROWS
from tests.faults.mutations import KINDS, Corpus, Mutation, Sound, header, judge
from tests.faults.page import page
from tests.faults.rows import Expect, Place, Row, Seen
from tests.faults.running import run_row
from tests.synthetic import Recording

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX"),
    pytest.mark.skipif(not carries_face_mesh(), reason="the rows name what Face Mesh finds"),
]

QUICK = [row for row in ROWS if row.quick]
MUTATIONS = (3, 16, 17, 27)
"""Cut off, zeroed twice, a block removed: each once gave a wrong result without a word."""


@pytest.mark.parametrize("row", QUICK, ids=lambda row: f"{row.group}: {row.name}")
def test_a_fault_is_met_as_the_table_says(row, tmp_path):
    result = run_row(row, tmp_path)
    if result.seen is None:
        pytest.skip(result.fault)
    assert result.kind != "failed", f"{result.fault}\n{result.seen.shown}"


def test_damaged_videos_give_no_wrong_result(tmp_path):
    corpus = Corpus(tmp_path, jobs=1)
    try:
        verdicts = list(corpus.run([Mutation(number) for number in MUTATIONS]))
    finally:
        corpus.close()
    assert {v.mutation.number: (v.kind, v.reason) for v in verdicts} == dict.fromkeys(
        MUTATIONS, ("warned", "")
    )


@pytest.mark.parametrize("number", range(0, 8 * len(KINDS), 8))
def test_a_mutation_is_that_of_its_number(number):
    data = b"\0\0\0\x14ftypisom" + np.random.default_rng(0).bytes(9000)
    data += (100).to_bytes(4, "big") + b"moov" + bytes(92)
    mutation = Mutation(number)
    damaged = mutation.of(data)
    assert damaged != data
    assert damaged == mutation.of(data)
    assert header(data) == (len(data) - 100, len(data))
    if mutation.kind == "damaged header":
        assert damaged[:-100] == data[:-100]


def seen(shown: str, code: int = 0, **changed: object) -> Seen:
    found = Seen(code, shown, 0.1, 1.0, (), Place(Path("here")))
    return replace(found, **changed)


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (seen("fine"), ""),
        (seen("Traceback (most recent call last):", 1), "a traceback"),
        (seen("bar", ended=True), "a hang"),
        (seen("error: x", 1), "exit code 1, not 0"),
        (seen("bad"), "it does not say 'fine'"),
        (seen("fine", files=("out/.writing-x/events.csv",)), "it leaves"),
    ],
)
def test_a_row_fails_where_it_should(outcome, fault):
    found = Expect(0, "fine", frozenset()).fault(outcome)
    assert found.startswith(fault)
    assert bool(found) == bool(fault)


def test_a_refusal_without_a_word_fails():
    assert Expect(1).fault(seen("", 1)) == "0 error messages"
    assert Expect(1).fault(seen("error: a", 1)) == ""


def test_events_that_the_sound_recording_does_not_hold_are_wrong(tmp_path):
    recording = Recording(70.0).lid(0, 12.0, 0.4).pull(1, 15.0, 1.5).jitter()
    result = pipeline.detect(recording.measured())
    result.save(tmp_path / "out")
    both = Sound(result.events, result.summary.frames, 0.0)
    assert judge(0, "", tmp_path / "out", both) == ("right", "")
    wrong, reason = judge(0, "", tmp_path / "out", replace(both, events=both.events[:1]))
    assert (wrong, reason) == (
        "wrong",
        "an event that the recording does not hold, without a warning",
    )
    twice = replace(both, events=[*both.events, both.events[0]])
    assert judge(0, "", tmp_path / "out", twice)[0] == "wrong"
    assert judge(1, "error: x", tmp_path / "out", both) == ("wrong", "a refusal that leaves files")
    assert judge(1, "error: x", tmp_path / "none", both) == ("refused", "")
    assert judge(1, "Traceback", tmp_path / "none", both) == ("wrong", "a traceback")


def test_a_header_may_say_when_a_whole_recording_begins(tmp_path):
    recording = Recording(70.0).lid(0, 12.0, 0.4).jitter()
    sound = pipeline.detect(recording.measured())
    measured = recording.measured()
    later = pipeline.detect(replace(measured, time_s=measured.time_s + 1.5))
    later.save(tmp_path / "out")
    whole = Sound(sound.events, sound.summary.frames, 0.0)
    assert judge(0, "", tmp_path / "out", whole) == ("right", "")
    assert judge(0, "", tmp_path / "out", replace(whole, frames=9))[0] == "wrong"
    assert judge(0, "", tmp_path / "out", replace(whole, start_s=1.5))[0] == "wrong"


def test_the_page_names_what_is_weak_and_what_failed(tmp_path):
    def row(name: str, code: int, weak: str = "") -> Row:
        return Row("model", name, lambda place: ["guide"], Expect(code), weak=weak)

    results = [run_row(row("odd | name", 0, "it is odd"), tmp_path), run_row(row("b", 3), tmp_path)]
    text = page(results, [])
    assert "- model: odd | name: it is odd." in text
    assert "- model: b: exit code 0, not 3." in text
    assert r"| odd \| name | weak |" in text
    assert "| The models | 2 | 0 | 0 | 0 | 0 | 1 | 1 | 0 |" in text
