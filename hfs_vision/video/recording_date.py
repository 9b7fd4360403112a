"""When a recording was made, as its file says it: in UTC, and by the clock where it was made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from hfs_vision.schema import in_years

_UNSET_YEARS = (1904, 1970)
"""Zero of QuickTime's clock and of Unix's: what a header says that was never filled in."""

_MOMENT = re.compile(
    r"(\d{4})[-:/](\d\d)[-:/](\d\d)[T ]+(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?"
    r"\s*(Z|[+-]\d\d:?\d\d)?",
    re.ASCII | re.IGNORECASE,
)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)


class RecordingDate(NamedTuple):
    """When a recording was made.

    Attributes:
        utc: ISO 8601 in UTC; ``None`` where the file does not say, or only by a local clock.
        local: ISO 8601 by the clock where it was made, with its offset from UTC where the file
            says that too; ``None`` where it does not say.
    """

    utc: str | None = None
    local: str | None = None


def recorded_by_tags(tags: Mapping[str, str]) -> RecordingDate:
    """By the tags of a video file, as FFmpeg names them, in any case.

    Apple's date of creation comes first: programs that trim, share or export a video put their own
    time into ``creation_time`` and leave that one. It has the zone's offset, as has the older tag
    ``date``; Samsung gives the offset apart. ``creation_time`` is in UTC in QuickTime, MP4 and
    Matroska; in AVI it has no zone and is the camera's clock.

    >>> recorded_by_tags({"creation_time": "2026-03-01T08:30:15.000000Z"})
    RecordingDate(utc='2026-03-01T08:30:15+00:00', local=None)
    >>> recorded_by_tags({"com.apple.quicktime.creationdate": "2026-03-01T09:30:15+0100"})
    RecordingDate(utc='2026-03-01T08:30:15+00:00', local='2026-03-01T09:30:15+01:00')
    >>> recorded_by_tags({"creation_time": "2026-03-01 09:30:15"})
    RecordingDate(utc=None, local='2026-03-01T09:30:15')
    """
    named = {name.casefold(): text for name, text in tags.items()}
    found = [moment for moment in _moments(named) if moment.year not in _UNSET_YEARS]
    zoned = [moment for moment in found if moment.tzinfo is not None]
    for moment in zoned or found:
        return _recorded(moment)
    return RecordingDate()


def recorded_by_clock(text: str, offset: str = "") -> RecordingDate:
    """By a date and time such as EXIF's, and its offset from UTC where that is known.

    >>> recorded_by_clock("2026:03:01 09:30:15", "+01:00")
    RecordingDate(utc='2026-03-01T08:30:15+00:00', local='2026-03-01T09:30:15+01:00')
    >>> recorded_by_clock("2026:03:01 09:30:15")
    RecordingDate(utc=None, local='2026-03-01T09:30:15')
    """
    moment = _moment(text)
    if moment is None or moment.year in _UNSET_YEARS:
        return RecordingDate()
    zone = _zone(offset)
    return _recorded(moment.replace(tzinfo=zone) if zone else moment)


def _moments(named: Mapping[str, str]) -> Iterator[datetime]:
    """What the tags state, the most trustworthy first."""
    dates = ("com.apple.quicktime.creationdate", "date", "date_recorded")
    found = [_moment(named.get(name, "")) for name in dates]
    yield from (moment for moment in found if moment and moment.tzinfo)
    created = _moment(named.get("creation_time", ""))
    if created:
        zone = _zone(named.get("com.samsung.android.utc_offset", ""))
        try:
            yield created.astimezone(zone) if zone and created.tzinfo else created
        except OverflowError:
            yield created
    yield from (moment for moment in found if moment and not moment.tzinfo)


def _moment(text: str) -> datetime | None:
    stated = _MOMENT.fullmatch(text.strip())
    if stated is None:
        return None
    *parts, zone = stated.groups(default="")
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    try:
        found = datetime(year, month, day, hour, minute, second, tzinfo=_zone(zone))
    except ValueError:
        return None
    return found if in_years(found) else None


def _zone(text: str) -> timezone | None:
    """UTC for ``Z``; ``None`` for what is no offset, or one that no place on earth has."""
    if text in ("Z", "z"):
        return timezone.utc
    stated = _OFFSET.fullmatch(text.strip())
    if stated is None:
        return None
    sign, hours, minutes = stated.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset) if offset < timedelta(days=1) else None


def _recorded(moment: datetime) -> RecordingDate:
    local = moment.isoformat(timespec="seconds")
    if moment.tzinfo is None:
        return RecordingDate(None, local)
    try:
        utc = moment.astimezone(timezone.utc).isoformat(timespec="seconds")
    except OverflowError:
        return RecordingDate()
    return RecordingDate(utc, None if moment.tzinfo is timezone.utc else local)
