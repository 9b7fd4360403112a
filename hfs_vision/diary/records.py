"""What a diary holds: sessions and treatments of one person, as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from hfs_vision.schema import KINDS, SIDES

TREATMENT_KINDS = ("botulinum_toxin", "drug_start", "drug_stop", "surgery", "note")
"""What may be marked in a diary. A note marks a day and is compared with nothing."""

AFFECTED_SIDES = ("left", "right", "both", "unknown")
"""What the user says of the affected side; it is never guessed from the counts."""

KEYS = tuple((side, kind) for side in SIDES for kind in KINDS)
"""By what counts are kept: side and kind, in this order."""

WHOLE = ""
"""Label of the counts of a whole session, whatever was done in it."""


@dataclass(frozen=True, kw_only=True)
class SegmentCounts:
    """Counts of one labelled stretch of a session, or of the whole session.

    Attributes:
        label: What was done, such as ``rest``; `WHOLE` for the whole session. Stretches of a
            session that have the same label are one.
        valid_s: Seconds in which both sides were measured; every rate refers to it.
        counts: Number of events by ``(side, kind)``, for ``left`` and ``right`` and each of
            `hfs_vision.schema.KINDS`; sums are not stored.
        time_s: Their total duration in seconds, by the same keys.
    """

    label: str
    valid_s: float
    counts: Mapping[tuple[str, str], int]
    time_s: Mapping[tuple[str, str], float]


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """One recording of the person.

    Attributes:
        number: Of the session in the diary, from 1; 0 before it is stored.
        started_utc: When it was recorded; aware, in UTC.
        sha256: Which recording it is, by its content; ``None`` where nobody knows, as in a live
            session that was not recorded.
        result: Folder of the result, relative to the diary's own folder where it can be;
            ``None`` for a session that came from a table.
        result_sha256: Of the folder's tables, to see whether they changed since; ``None`` as
            above.
        device: Camera or kind of file, as far as it is known; empty else.
        protocol: Name of the protocol that led through it; empty where there was none.
        note: Free text of the user.
        partial: Whether the recording was not analysed to its end.
        reviewed: Whether a person corrected the events.
        settings_sha256: Of the settings, as in ``cohort.csv``; ``None`` where unknown.
        model_sha256: Of the landmark model; ``None`` where unknown.
        landmarker: Which landmark model ran; empty where unknown.
        hfs_vision: Version of the program that counted; empty where unknown.
        fps: Median frames per second; NaN where unknown.
        face_px: Median distance between the outer corners of the eyes, in pixels; NaN likewise.
        width, height: Of the picture, in pixels; ``None`` where unknown.
        duration_s: Length in seconds.
        warnings: What makes the counts less certain, in sentences.
        segments: The whole session first, then one for each label, in order of its first start.
    """

    number: int = 0
    started_utc: datetime
    sha256: str | None = None
    result: str | None = None
    result_sha256: str | None = None
    device: str = ""
    protocol: str = ""
    note: str = ""
    partial: bool = False
    reviewed: bool = False
    settings_sha256: str | None = None
    model_sha256: str | None = None
    landmarker: str = ""
    hfs_vision: str = ""
    fps: float = float("nan")
    face_px: float = float("nan")
    width: int | None = None
    height: int | None = None
    duration_s: float = float("nan")
    warnings: tuple[str, ...] = ()
    segments: tuple[SegmentCounts, ...] = ()

    def segment(self, label: str) -> SegmentCounts | None:
        """Counts under this label; ``None`` where the session has none."""
        return next((s for s in self.segments if s.label == label), None)


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """Something that was done, on a day of the user's own calendar.

    Attributes:
        number: In the diary, from 1; 0 before it is stored.
        date: The day.
        kind: One of `TREATMENT_KINDS`.
        product, units, sites: Free fields of the user, such as a trade name, a dose and where.
        text: Free text.
    """

    number: int = 0
    date: date
    kind: str
    product: str = ""
    units: str = ""
    sites: str = ""
    text: str = ""


@dataclass(frozen=True)
class BadRow:
    """A session or treatment of the file that cannot be read: another program wrote it, or a disk.

    Attributes:
        what: ``session`` or ``treatment``.
        number: In the diary.
        reason: What is wrong.
    """

    what: str
    number: int
    reason: str

    @property
    def told(self) -> str:
        """In a sentence, with the way out."""
        return (
            f"{self.what} {self.number} cannot be read and is left out: {self.reason}; "
            f"hfs-vision diary remove DIARY {self.what} {self.number} takes it out of the diary"
        )


@dataclass(frozen=True, kw_only=True)
class Diary:
    """All that is known of one person.

    Attributes:
        person: Name or code, as the user gave it.
        affected_side: One of `AFFECTED_SIDES`, as the user stated it.
        timezone: IANA name of the zone in which days are counted, such as ``Europe/Vienna``.
        sessions: In order of ``started_utc``.
        treatments: In order of ``date``.
        bad: What the file holds besides and cannot be read.
    """

    person: str
    affected_side: str
    timezone: str = "UTC"
    sessions: tuple[SessionRecord, ...] = field(default=())
    treatments: tuple[Treatment, ...] = field(default=())
    bad: tuple[BadRow, ...] = field(default=())
