"""Tables of a diary file. A change here needs a step in ``migrations/versions``."""

from __future__ import annotations

import math
from datetime import datetime, timezone

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import TypeDecorator

from hfs_vision.diary.records import KEYS

HEAD = "0001"
"""Newest revision of the layout, which this version of the program reads and writes."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, without the zone, which SQLite does not keep."""
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware again."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


class NullableNumber(TypeDecorator[float]):
    """A number that may be unknown: NaN in the program, NULL in the file."""

    impl = Float
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """NaN becomes NULL."""
        return None if value is None or math.isnan(value) else value

    def process_result_value(self, value: float | None, dialect: Dialect) -> float:
        """NULL becomes NaN."""
        return math.nan if value is None else value


def _text(name: str) -> Column[str]:
    return Column(name, String, nullable=False)


metadata = MetaData()

person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    _text("person"),
    _text("affected_side"),
    _text("timezone"),
)

session = Table(
    "session",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("identity", String, nullable=False, unique=True),
    Column("started_utc", UtcDateTime, nullable=False),
    Column("sha256", String),
    Column("result", String),
    Column("result_sha256", String),
    _text("device"),
    _text("protocol"),
    _text("note"),
    Column("partial", Boolean, nullable=False),
    Column("reviewed", Boolean, nullable=False),
    Column("settings_sha256", String),
    Column("model_sha256", String),
    _text("landmarker"),
    _text("hfs_vision"),
    Column("fps", NullableNumber),
    Column("face_px", NullableNumber),
    Column("width", Integer),
    Column("height", Integer),
    Column("duration_s", NullableNumber),
    Column("warnings", JSON, nullable=False),
    sqlite_autoincrement=True,  # a number is never given twice
)

# Wide, not a row for each side and kind: 10,000 sessions of five segments load in half a second.
segment = Table(
    "segment",
    metadata,
    Column("session", Integer, ForeignKey("session.number", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    _text("label"),
    Column("valid_s", Float, nullable=False),
    *(Column(f"{side}_{kind}_count", Integer, nullable=False) for side, kind in KEYS),
    *(Column(f"{side}_{kind}_time_s", Float) for side, kind in KEYS),
    sqlite_with_rowid=False,
)

treatment = Table(
    "treatment",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("date", Date, nullable=False),
    _text("kind"),
    _text("product"),
    _text("units"),
    _text("sites"),
    _text("text"),
    sqlite_autoincrement=True,
)

revision = Table("alembic_version", MetaData(), Column("version_num", String(32)))
"""Alembic's own table: which revision of the layout a file has."""
