"""Brings the layout of a diary file up to date."""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

MIGRATIONS = Path(__file__).with_name("migrations")


def knows(revision: str) -> bool:
    """Whether a layout is one that this version of the program can bring up to date."""
    return revision in {step.revision for step in _steps().walk_revisions()}


def migrate(connection: Connection, revision: str | None) -> None:
    """Takes all steps from a layout to the newest, in the transaction of the connection.

    Args:
        connection: Its transaction may write.
        revision: Which layout the file has; ``None`` for an empty file.
    """
    steps = _steps()
    context = MigrationContext.configure(connection)
    for step in reversed(list(steps.iterate_revisions("head", revision or "base"))):
        with Operations.context(context):
            step.module.upgrade()
        context.stamp(steps, step.revision)


def _steps() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))
