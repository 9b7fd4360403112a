"""What is put into a diary comes out of it, whoever else writes and whenever it is killed."""

import random
import signal
import stat
import sys
import time
from dataclasses import replace
from datetime import date, datetime, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfs_vision.diary import (
    TREATMENT_KINDS,
    WHOLE,
    SegmentCounts,
    SessionRecord,
    Treatment,
    open_diary,
    read_diary,
)
from hfs_vision.diary.records import KEYS
from hfs_vision.errors import UsageError
from tests.diary_support import LABELS, comparable, new_diary, segment, session, writer

KILLS = 50

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes and modes of POSIX")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = texts | st.none()
numbers = st.floats(0, 1e9)
measured = numbers | st.just(float("nan"))
moments = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc))
parts = st.builds(
    SegmentCounts,
    label=texts,
    valid_s=numbers,
    counts=st.fixed_dictionaries({key: st.integers(0, 10**6) for key in KEYS}),
    time_s=st.fixed_dictionaries(dict.fromkeys(KEYS, measured)),
)
records = st.builds(
    SessionRecord,
    started_utc=moments,
    sha256=names.filter(bool) | st.none(),
    result=names,
    result_sha256=names,
    device=texts,
    protocol=texts,
    note=texts,
    partial=st.booleans(),
    reviewed=st.booleans(),
    settings_sha256=names,
    model_sha256=names,
    landmarker=texts,
    hfs_vision=texts,
    fps=measured,
    face_px=measured,
    width=st.integers(1, 10**5) | st.none(),
    height=st.integers(1, 10**5) | st.none(),
    duration_s=measured,
    warnings=st.lists(texts, max_size=3).map(tuple),
    segments=st.lists(parts, max_size=3).map(tuple),
)
treatments = st.builds(
    Treatment,
    date=st.dates(date(1980, 1, 1), date(2200, 12, 31)),
    kind=st.sampled_from(TREATMENT_KINDS),
    product=texts,
    units=texts,
    sites=texts,
    text=texts,
)


@pytest.fixture
def path(tmp_path):
    return new_diary(tmp_path / "ann.diary")


@pytest.fixture
def store(path):
    with open_diary(path) as opened:
        yield opened


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records, treatments)
def test_records_come_out_as_they_went_in(store, record, treatment):
    added, number = store.add(record), store.add_treatment(treatment)
    diary = store.load()
    assert [comparable(s) for s in diary.sessions] == [comparable(record)]
    assert comparable(store.session(added.number)) == comparable(record)
    assert list(diary.treatments) == [replace(treatment, number=number)]
    store.remove_session(added.number)
    store.remove_treatment(number)
    assert store.load().sessions == store.load().treatments == ()


def test_sessions_come_in_order_of_time_and_treatments_of_days(store):
    for day in (3, 1, 2):
        store.add(session(day))
        store.add_treatment(Treatment(date=date(2026, 1, day), kind="note"))
    diary = store.load()
    assert [s.number for s in diary.sessions] == [2, 3, 1]
    assert [t.number for t in diary.treatments] == [2, 3, 1]
    assert (diary.person, diary.affected_side, diary.timezone) == ("Ann", "left", "Europe/Vienna")


class TestTheSameSessionAgain:
    def test_it_is_recognised_by_the_recording(self, store):
        first = store.add(session(1))
        again = store.add(session(1, result="elsewhere", note="new"))
        assert (first.state, again.state) == ("added", "known")
        assert again.number == first.number
        assert store.session(1).result == "1.results"

    def test_without_a_recording_it_is_recognised_by_its_start(self, store):
        store.add(session(1, sha256=None))
        assert store.add(session(1, sha256=None)).state == "known"
        assert store.add(session(2, sha256=None)).state == "added"

    def test_other_counts_are_told_and_taken_where_asked(self, store):
        store.add(session(1))
        changed = session(1, segments=(segment(seed=99), segment("rest")))
        assert store.add(changed).state == "differs"
        assert comparable(store.session(1)) == comparable(session(1))
        assert store.add(changed, replace=True).state == "updated"
        assert comparable(store.session(1)) == comparable(changed)
        assert len(store.load().sessions) == 1


def test_a_number_is_never_given_twice(store):
    numbers = [store.add(session(day)).number for day in range(3)]
    store.remove_session(3)
    assert [*numbers, store.add(session(4)).number] == [1, 2, 3, 4]


def test_what_is_not_there_cannot_be_shown_or_removed(store):
    for call in (store.session, store.remove_session, store.remove_treatment):
        with pytest.raises(UsageError, match=r"holds no .* 7"):
            call(7)


def test_a_session_is_gone_with_all_that_was_counted_in_it(store, path):
    store.add(session(1, note="a secret of hers", labels=("a secret place",)))
    store.remove_session(1)
    assert b"secret" not in path.read_bytes()


def test_what_was_stated_can_be_changed(store):
    store.edit(affected_side="right", timezone="UTC")
    diary = store.load()
    assert (diary.person, diary.affected_side, diary.timezone) == ("Ann", "right", "UTC")


def test_counting_anew_leaves_what_was_corrected_or_removed_meanwhile(store):
    for day in range(3):
        store.add(session(day))
    counted = [replace(s, segments=(segment(seed=50),)) for s in store.load().sessions]
    store.add(session(1, reviewed=True), replace=True)
    store.remove_session(3)
    assert store.recount(counted) == [1]
    now = store.load().sessions
    assert [s.number for s in now] == [1, 2]
    assert now[0].segments == (segment(seed=50),)
    assert now[1].segments == session(1).segments


def test_the_file_is_the_user_s_alone_and_nothing_lies_beside_it(store, path):
    store.add(session(1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_two_writers_at_once_lose_nothing(path):
    """Both add some sessions of their own, and some that the other adds too."""
    writers = [writer(path, 0, 20), writer(path, 10, 30)]
    for process, _ in writers:
        process.join(timeout=120)
        assert process.exitcode == 0
    found = read_diary(path).sessions
    assert [s.sha256 for s in found] == [f"{day:064x}" for day in range(30)]


def test_killed_at_any_moment_it_keeps_whole_sessions_and_opens(path):
    chance, kept, in_the_middle = random.Random(1), 0, 0
    journal = path.with_name(f"{path.name}-journal")
    for first in range(0, 1000 * KILLS, 1000):
        process, begun = writer(path, first, first + 1000)
        assert begun.recv() == "begun"
        time.sleep(chance.uniform(0.0, 0.06))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        in_the_middle += journal.exists()
        found = read_diary(path).sessions
        days = [int(s.sha256, 16) for s in found]
        assert days[kept:] == list(range(first, first + len(days) - kept))
        assert [[p.label for p in s.segments] for s in found] == [[WHOLE, *LABELS]] * len(found)
        assert len(found) > kept
        kept = len(found)
    assert in_the_middle > KILLS / 10  # many transactions were cut, and undone by the next
