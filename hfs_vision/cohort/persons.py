"""The diaries of a cohort: which files they are, and the person of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hfs_vision.cohort.find_diaries import find_each
from hfs_vision.diary import Diary, SessionRecord, read_diary
from hfs_vision.diary.dates import local_day, open_zone
from hfs_vision.diary.paths import DIARY_FILE
from hfs_vision.errors import UsageError

_NAMES = (DIARY_FILE, "*.diary")
"""What a diary in a folder is called."""


@dataclass(frozen=True)
class Person:
    """One person of a cohort.

    Attributes:
        name: As tables and pages call the person: as in the diary, or a number.
        diary: All that is known.
    """

    name: str
    diary: Diary

    def day(self, session: SessionRecord) -> date:
        """The day of a session on the person's own calendar, by which treatments are dated."""
        return local_day(session.started_utc, open_zone(self.diary.timezone))


def read_persons(inputs: Sequence[str], *, deidentify: bool = False) -> list[Person]:
    """The persons of the diaries that the inputs name, in order.

    Args:
        inputs: Files, folders (searched below for diaries) and globs.
        deidentify: Call them ``person-01`` and so on, by the order of the diaries.

    Raises:
        UsageError: If an input names no diary, or two diaries are of one person.
        HfsVisionError: If a diary cannot be read; see `hfs_vision.diary.read_diary`.
    """
    paths = find_diaries(inputs)
    return as_persons(zip(paths, map(read_diary, paths), strict=True), deidentify=deidentify)


def find_diaries(inputs: Sequence[str]) -> list[Path]:
    """Files of diaries, each once, in the order of the inputs and below them by name.

    Raises:
        UsageError: If an input names none.
    """
    return find_each(
        inputs,
        _diaries_at,
        wanted="diary",
        hint=f"its file, a folder that holds {' or '.join(_NAMES)}",
    )


def as_persons(diaries: Iterable[tuple[Path, Diary]], *, deidentify: bool = False) -> list[Person]:
    """The persons of diaries; see `read_persons`.

    Raises:
        UsageError: If two diaries are of one person, who would count twice.
    """
    persons: dict[str, tuple[Path, Person]] = {}
    for number, (path, diary) in enumerate(diaries, start=1):
        if diary.person in persons:
            raise UsageError(
                f"{persons[diary.person][0]} and {path} are both of {diary.person!r}: give one "
                "diary for each person"
            )
        name = f"person-{number:02}" if deidentify else diary.person
        persons[diary.person] = path, Person(name, diary)
    return [person for _, person in persons.values()]


def _diaries_at(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(each for name in _NAMES for each in path.rglob(name) if each.is_file())
