"""All rows, in the order of the page."""

from __future__ import annotations

from tests.faults import (
    rows_detector,
    rows_files,
    rows_followup,
    rows_model,
    rows_signals,
    rows_source,
    rows_tables,
    rows_times,
    rows_writer,
)
from tests.faults.rows import Row

ROWS: list[Row] = [
    *rows_source.ROWS,
    *rows_followup.ROWS,
    *rows_times.ROWS,
    *rows_model.ROWS,
    *rows_detector.ROWS,
    *rows_tables.ROWS,
    *rows_writer.ROWS,
    *rows_files.ROWS,
    *rows_signals.ROWS,
]
