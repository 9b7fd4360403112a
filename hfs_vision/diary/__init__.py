"""The diary of one person over months: sessions, treatments, and the file that keeps them."""

from hfs_vision.diary.opening import init_diary, open_diary, read_diary
from hfs_vision.diary.records import (
    AFFECTED_SIDES,
    TREATMENT_KINDS,
    WHOLE,
    BadRow,
    Diary,
    SegmentCounts,
    SessionRecord,
    Treatment,
)

__all__ = [
    "AFFECTED_SIDES",
    "TREATMENT_KINDS",
    "WHOLE",
    "BadRow",
    "Diary",
    "SegmentCounts",
    "SessionRecord",
    "Treatment",
    "init_diary",
    "open_diary",
    "read_diary",
]
