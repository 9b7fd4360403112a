"""A small share of the seeded mutations of results and diaries; the nightly run has the rest."""

from __future__ import annotations

import sys

import pytest

from tests.fuzz.results import FILES, mutated, run, sound

COUNT, SEED = 40, 20260301

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return sound(tmp_path_factory.mktemp("sound"))


def test_every_command_reads_or_refuses_a_damaged_file(tmp_path):
    (tmp_path / "sound").mkdir()
    assert list(run(range(COUNT), tmp_path, SEED)) == []


def test_a_case_is_the_same_each_time_and_damages_one_file(original, tmp_path):
    before = {path.name: path.read_bytes() for path in original.rglob("*") if path.is_file()}
    damaged = set()
    for number in range(len(FILES)):
        names = [mutated(number, original, tmp_path / f"{number}-{i}", SEED) for i in range(2)]
        first, second = (
            {path.name: path.read_bytes() for path in (tmp_path / f"{number}-{i}").rglob("*.*")
             if path.is_file()}
            for i in range(2)
        )  # fmt: skip
        assert first == second
        assert {name for name in before if first[name] != before[name]} <= {names[0]}
        damaged.add(names[0])
    assert damaged == set(FILES)
