"""Adds what a result tells to a diary, with what the user says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hfs_vision.diary.dates import check_not_ahead, read_moment
from hfs_vision.diary.importing import Input
from hfs_vision.diary.records import SessionRecord
from hfs_vision.errors import UsageError

if TYPE_CHECKING:
    from hfs_vision.diary.store import Added, DiaryStore


@dataclass(frozen=True, kw_only=True)
class UserFields:
    """What the user says of sessions; ``None`` or empty where they say nothing.

    Attributes:
        started_utc: When they were recorded, whatever the results say.
        device, protocol, note: As in `SessionRecord`.
        allow_partial: Whether recordings that were not analysed to their end are taken.
        update: Whether sessions that are there are replaced.
    """

    started_utc: datetime | None = None
    device: str = ""
    protocol: str = ""
    note: str = ""
    allow_partial: bool = False
    update: bool = False


def add_session(store: DiaryStore, given: Input, said: UserFields, zone: ZoneInfo) -> Added:
    """Adds one session. Of one that is replaced, the date and texts stay that are not given anew.

    Raises:
        UsageError: If it is no result, is partial, says nowhere when it was, or lies ahead.
        TableError: If a file of it is not as documented.
        DiaryError: If the diary cannot be written.
    """
    found = given.read(store.home)
    if found.fields.get("partial") and not said.allow_partial:
        raise UsageError(
            "it was not analysed to its end: analyse it again, or add what is there with "
            "--allow-partial"
        )
    known = store.find(found.identity)
    started = said.started_utc or (known.started_utc if known else None)
    if started is None and found.date:
        started = read_moment(found.date, zone)
    started = started or found.started_utc
    if started is None:
        raise UsageError("it does not say when it was recorded: give the day by --date 2026-03-01")
    check_not_ahead(started, "it")
    texts = {
        name: getattr(said, name)
        or (getattr(known, name) if known else "")
        or found.fields.get(name, "")
        for name in ("device", "protocol", "note")
    }
    record = SessionRecord(**{**found.fields, **texts}, started_utc=started)
    added = store.add(record, identity=found.identity, replace=said.update)
    return replace(added, warnings=tuple(found.warnings))
