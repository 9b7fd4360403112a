"""What must hold of a diary whatever it is given: a session is in it whole, or refused."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

from hfs_vision.diary import init_diary, open_diary
from hfs_vision.diary.adding import UserFields, add_session
from hfs_vision.diary.importing import find_inputs
from hfs_vision.errors import HfsVisionError

DIARY_FILE = "p.diary"
COHORT_WORDS = ("name", "result", "sha256", "status", "done", "valid_s", "date", "2026-03-01")
LIVE_WORDS = ("started_utc", "recorded_utc", "2026-03-01T09:30:00+00:00", "kind", "file", "width")

_DAY = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def diary_beside(folder: Path) -> None:
    """An empty diary."""
    init_diary(folder / DIARY_FILE, person="P1", affected_side="left", timezone="UTC")


def added(path: Path) -> None:
    """All sessions that a file brings, one after the other; what was added reads the same."""
    refused: HfsVisionError | None = None
    with open_diary(path.with_name(DIARY_FILE)) as store:
        for given in find_inputs(path if path.suffix == ".csv" else path.parent)[:3]:
            for said in (
                UserFields(allow_partial=True),
                UserFields(allow_partial=True, started_utc=_DAY),
            ):
                try:
                    done = add_session(store, given, said, ZoneInfo("UTC"))
                except HfsVisionError as error:
                    refused = error
                    continue
                (session,) = store.load().sessions
                assert session.number == done.number
                assert session.segments[0].label == ""
                assert repr(session) == repr(store.session(session.number))
                store.remove_session(session.number)
    if refused:
        raise refused
