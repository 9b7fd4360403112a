"""Dates of a diary: written by the user's clock, kept in UTC."""

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfs_vision.diary import dates
from hfs_vision.diary.dates import comes_twice, local_day, open_zone, read_day, read_moment
from hfs_vision.errors import UsageError

VIENNA, APIA, KOLKATA = map(open_zone, ("Europe/Vienna", "Pacific/Apia", "Asia/Kolkata"))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-01-15", VIENNA, utc(2026, 1, 15, 11)),
        ("2026-07-15", VIENNA, utc(2026, 7, 15, 10)),
        ("2026-07-15T09:30", VIENNA, utc(2026, 7, 15, 7, 30)),
        ("2026-07-15 09:30:15", KOLKATA, utc(2026, 7, 15, 4, 0, 15)),
        ("2026-07-15T09:30Z", VIENNA, utc(2026, 7, 15, 9, 30)),
        ("2026-07-15T09:30-05:00", VIENNA, utc(2026, 7, 15, 14, 30)),
        ("2024-02-29", VIENNA, utc(2024, 2, 29, 11)),
        ("2024-02-29T23:30-08:00", VIENNA, utc(2024, 3, 1, 7, 30)),
        # The days on which clocks change are 23 and 25 hours long; their noon is where it is.
        ("2026-03-29", VIENNA, utc(2026, 3, 29, 10)),
        ("2026-10-25", VIENNA, utc(2026, 10, 25, 11)),
        ("2026-03-29T01:59", VIENNA, utc(2026, 3, 29, 0, 59)),
        ("2026-03-29T03:00", VIENNA, utc(2026, 3, 29, 1, 0)),
        ("2026-10-25T02:30", VIENNA, utc(2026, 10, 25, 0, 30)),
        ("2026-10-25T02:30+01:00", VIENNA, utc(2026, 10, 25, 1, 30)),
    ],
)
def test_a_moment_is_read_by_the_clock_of_the_zone(text, zone, moment):
    assert read_moment(text, zone) == moment
    assert read_moment(text, zone).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "zone"), [("2026-03-29T02:30", VIENNA), ("2011-12-30", APIA), ("2011-12-30T08", APIA)]
)
def test_a_time_that_clocks_leave_out_is_refused(text, zone):
    with pytest.raises(UsageError, match=f"{text}.*does not exist in {zone.key}"):
        read_moment(text, zone)


def test_a_time_that_clocks_show_twice_is_known():
    assert comes_twice("2026-10-25T02:30", VIENNA)
    for once in ("2026-10-25T02:30+02:00", "2026-10-25T03:00", "2026-10-25", "2026-03-29T03:30"):
        assert not comes_twice(once, VIENNA)


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-29",
        "2026-13-01",
        "yesterday",
        "",
        "1.3.2026",
        "2026-03-01T25:00",
        "9999-12-31T23:59-23:00",
        "0026-03-01",
        "0001-01-01",
        "1899-12-31",
        "2201-01-01",
    ],
)
def test_what_is_no_date_is_told(text):
    with pytest.raises(UsageError, match="is no date"):
        read_moment(text, VIENNA)
    with pytest.raises(UsageError, match="is no date"):
        read_day(text)


def test_a_day_is_that_of_the_zone():
    late = utc(2026, 2, 28, 23, 30)
    assert local_day(late, VIENNA) == date(2026, 3, 1)
    assert local_day(late, open_zone("UTC")) == date(2026, 2, 28)
    assert read_day("2024-02-29") == date(2024, 2, 29)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.sampled_from([VIENNA, APIA]))
def test_what_a_clock_shows_leads_back_to_the_moment(when, zone):
    moment = when.replace(tzinfo=timezone.utc)
    shown = moment.astimezone(zone)
    assert read_moment(shown.isoformat(), zone) == moment
    read = read_moment(shown.replace(tzinfo=None).isoformat(), zone)
    assert read == moment or comes_twice(shown.replace(tzinfo=None).isoformat(), zone)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "../etc/passwd", "", "Europe", "/etc/passwd"])
def test_what_is_no_zone_is_told(name):
    with pytest.raises(UsageError, match="no time zone"):
        open_zone(name)


def test_the_machine_s_zone_is_what_it_is_set_to(monkeypatch):
    monkeypatch.setenv("TZ", ":Asia/Kolkata")
    assert dates.zone_of_machine() == "Asia/Kolkata"
    monkeypatch.setenv("TZ", "IST-5:30")
    assert dates.zone_of_machine() is None
