"""The first layout. It names its columns itself: what is written here never changes again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_KINDS = ("eyelid_twitch", "forced_closure", "lower_face_spasm", "mouth_pull", "hemifacial_spasm")
_KEYS = [f"{side}_{kind}" for side in ("left", "right") for kind in _KINDS]


def upgrade() -> None:
    """Makes all tables."""
    op.create_table(
        "person",
        sa.Column("id", sa.Integer, primary_key=True),
        *_texts("person", "affected_side", "timezone"),
    )
    op.create_table(
        "session",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("identity", sa.String, nullable=False, unique=True),
        sa.Column("started_utc", sa.DateTime, nullable=False),
        sa.Column("sha256", sa.String),
        sa.Column("result", sa.String),
        sa.Column("result_sha256", sa.String),
        *_texts("device", "protocol", "note"),
        sa.Column("partial", sa.Boolean, nullable=False),
        sa.Column("reviewed", sa.Boolean, nullable=False),
        sa.Column("settings_sha256", sa.String),
        sa.Column("model_sha256", sa.String),
        *_texts("landmarker", "hfs_vision"),
        sa.Column("fps", sa.Float),
        sa.Column("face_px", sa.Float),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("duration_s", sa.Float),
        sa.Column("warnings", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "segment",
        sa.Column(
            "session",
            sa.Integer,
            sa.ForeignKey("session.number", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("position", sa.Integer, primary_key=True),
        *_texts("label"),
        sa.Column("valid_s", sa.Float, nullable=False),
        *(sa.Column(f"{key}_count", sa.Integer, nullable=False) for key in _KEYS),
        *(sa.Column(f"{key}_time_s", sa.Float) for key in _KEYS),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "treatment",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("date", sa.Date, nullable=False),
        *_texts("kind", "product", "units", "sites", "text"),
        sqlite_autoincrement=True,
    )


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String, nullable=False) for name in names]
