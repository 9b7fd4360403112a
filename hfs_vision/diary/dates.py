"""Dates as the user writes them, in the diary's own time zone; moments are kept in UTC."""

from __future__ import annotations

import os
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from hfs_vision.errors import UsageError
from hfs_vision.schema import FIRST_YEAR, LAST_YEAR, in_years

_AHEAD = timedelta(days=1)
"""What lies further in the future is a slip: clocks and zones differ by no more."""


def open_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises:
        UsageError: If there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(
            f"there is no time zone {name!r}: give an IANA name such as Europe/Vienna or UTC"
        ) from error


def zone_of_machine() -> str | None:
    """IANA name of the zone that this machine is set to; ``None`` where it cannot be told."""
    names = [os.environ.get("TZ", "").lstrip(":")]
    if not names[0]:
        _, found, linked = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")
        names = [linked] if found else []
    for name in filter(None, names):
        try:
            return open_zone(name).key
        except UsageError:
            continue
    return None


def read_day(text: str) -> date:
    """A day, written as ``2026-03-01``.

    Raises:
        UsageError: If it is no day of the calendar, or of a year that is a slip.
    """
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"{text!r} is no date: write a day such as 2026-03-01") from error
    _check_year(text, day)
    return day


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """A moment in UTC from ``2026-03-01``, ``2026-03-01T09:30`` or ``2026-03-01T09:30+01:00``.

    A day alone stands for its noon. What has no offset of its own is a time in ``zone``; of an
    hour that comes twice, when clocks go back, the first is taken.

    Raises:
        UsageError: If it is no date, a time that the zone leaves out on that day, or of a year that
            is a slip.
    """
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        _check_year(text, moment)
        if "T" not in text and ":" not in text:
            moment = datetime.combine(moment.date(), time(12))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        utc = aware.astimezone(timezone.utc)
        there = utc.astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is no date: write a day such as 2026-03-01, or 2026-03-01T09:30"
        ) from error
    if moment.tzinfo is None and there.replace(tzinfo=None, fold=0) != moment:
        raise UsageError(
            f"{text!r} does not exist in {zone.key}: clocks were set forward over it; write another"
        )
    return utc


def _check_year(text: str, day: date) -> None:
    if not in_years(day):
        raise UsageError(
            f"{text!r} is no date of the years {FIRST_YEAR} to {LAST_YEAR}: write a day such as "
            "2026-03-01"
        )


def comes_twice(text: str, zone: ZoneInfo) -> bool:
    """Whether clocks showed this time twice, and it does not say which of them is meant."""
    utc = read_moment(text, zone)
    local = utc.astimezone(zone)
    given = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return given.tzinfo is None and local.utcoffset() != local.replace(fold=1).utcoffset()


def started_identity(moment: datetime) -> str:
    """By what a session is recognised that has no recording: when it started.

    >>> started_identity(datetime(2026, 3, 1, 9, 30, tzinfo=timezone.utc))
    'started 2026-03-01T09:30:00+00:00'
    """
    return f"started {moment.astimezone(timezone.utc).isoformat()}"


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The day on the zone's calendar."""
    return moment.astimezone(zone).date()


def check_not_ahead(moment: datetime, told: str) -> None:
    """Refuses what lies more than a day in the future.

    Raises:
        UsageError: If it does; ``told`` says what it is.
    """
    now = datetime.now(timezone.utc)
    if moment > now + _AHEAD:
        raise UsageError(
            f"{told} is dated {moment:%Y-%m-%d}, in the future (today is {now:%Y-%m-%d}): give the "
            "right day by --date"
        )
