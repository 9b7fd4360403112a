"""Tables of a result as pandas data frames, with the columns of the CSV files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.signals import Signals
from hfs_vision.core.summary import Count
from hfs_vision.errors import UsageError, check_extra
from hfs_vision.results.columns import (
    COUNT_COLUMNS,
    EVENT_COLUMNS,
    SIGNAL_COLUMNS,
    TWITCH_COLUMNS,
)
from hfs_vision.results.write_tables import event_cells, signal_columns
from hfs_vision.schema import Event

if TYPE_CHECKING:
    import pandas

TABLES = ("events", "twitches", "counts", "signals")
"""What `data_frame` knows."""

_TEXTS = ("side", "region", "kind", "component")
_TYPES = {"event": "int64", "count": "int64", "truncated": "bool", "twitches": "Int64"}
"""Of columns that hold neither texts nor numbers with decimals."""


def data_frame(
    table: str,
    *,
    events: Sequence[Event],
    counts: Sequence[Count],
    measured: Measurements,
    signals: Signals,
) -> pandas.DataFrame:
    """One of `TABLES` as a data frame; NaN where a cell of the CSV file is empty.

    Raises:
        UsageError: If there is no such table, or pandas is missing.
    """
    if table not in TABLES:
        raise UsageError(f"there is no table {table!r}: ask for one of {', '.join(TABLES)}")
    check_extra("to_frame", ["pandas"], "export")
    import pandas

    if table == "signals":
        known = signal_columns(measured, signals)
        columns = {name: known[name] for name in SIGNAL_COLUMNS}
        return pandas.DataFrame({**columns, "valid": columns["valid"] == 1})
    if table == "counts":
        return _frame(COUNT_COLUMNS, ([getattr(c, n) for n in COUNT_COLUMNS] for c in counts))
    if table == "events":
        return _frame(EVENT_COLUMNS, map(event_cells, events))
    return _frame(
        TWITCH_COLUMNS,
        (
            [number, t.onset_s, t.duration_s, event.side, t.region, t.peak_s, t.score]
            for number, event in enumerate(events, start=1)
            for t in event.twitches
        ),
    )


def _frame(names: Sequence[str], rows: Iterable[Sequence[object]]) -> pandas.DataFrame:
    """Typed columns, of no rows too."""
    import pandas

    kept = list(rows)
    cells: dict[str, Any] = {name: [row[i] for row in kept] for i, name in enumerate(names)}
    for name, column in cells.items():
        if name in _TYPES:
            cells[name] = pandas.array(column, dtype=_TYPES[name])
        elif name not in _TEXTS:
            cells[name] = np.array(column, dtype=np.float64)  # of None, NaN
        else:
            cells[name] = pandas.Series(column, dtype="str")
    return pandas.DataFrame(cells)
