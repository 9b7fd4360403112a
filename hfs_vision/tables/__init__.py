"""Result files: tables of events, twitches, counts, segments and signals, and ``summary.json``.

Plain RFC 4180 CSV with a header row, dot decimals and an empty cell for what is missing. Columns
and units are documented in the README. Files of a recording are written beside their place and
moved there when complete, so that a reader never meets half of one; those of a live session grow
line by line (`hfs_vision.live.log`).
"""

from hfs_vision.tables.columns import (
    COHORT_FILE,
    COUNT_COLUMNS,
    COUNTS_FILE,
    EVENT_COLUMNS,
    EVENTS_FILE,
    MARK_COLUMNS,
    MARKS_FILE,
    MEASURED_COLUMNS,
    REVIEWED_COLUMNS,
    REVIEWED_FILE,
    SEGMENT_COLUMNS,
    SEGMENTS_FILE,
    SIGNAL_COLUMNS,
    SIGNALS_FILE,
    SUMMARY_FILE,
    TWITCH_COLUMNS,
    TWITCHES_FILE,
)
from hfs_vision.tables.folder import (
    Mark,
    ResultFolder,
    read_folder,
    read_marks,
)
from hfs_vision.tables.reading import (
    parse_number,
    read_events,
    read_rows,
    read_segments,
    read_signals,
)
from hfs_vision.tables.reviewed import (
    VERDICTS,
    ReviewedEvent,
    read_reviewed,
    standing,
    write_reviewed,
)
from hfs_vision.tables.writing import (
    check_folder,
    event_line,
    format_cell,
    line,
    signal_lines,
    twitch_lines,
    write_counts,
    write_events,
    write_json,
    write_result,
    write_segments,
    write_signals,
    write_twitches,
)

__all__ = [
    "COHORT_FILE",
    "COUNTS_FILE",
    "COUNT_COLUMNS",
    "EVENTS_FILE",
    "EVENT_COLUMNS",
    "MARKS_FILE",
    "MARK_COLUMNS",
    "MEASURED_COLUMNS",
    "REVIEWED_COLUMNS",
    "REVIEWED_FILE",
    "SEGMENTS_FILE",
    "SEGMENT_COLUMNS",
    "SIGNALS_FILE",
    "SIGNAL_COLUMNS",
    "SUMMARY_FILE",
    "TWITCHES_FILE",
    "TWITCH_COLUMNS",
    "VERDICTS",
    "Mark",
    "ResultFolder",
    "ReviewedEvent",
    "check_folder",
    "event_line",
    "format_cell",
    "line",
    "parse_number",
    "read_events",
    "read_folder",
    "read_marks",
    "read_reviewed",
    "read_rows",
    "read_segments",
    "read_signals",
    "signal_lines",
    "standing",
    "twitch_lines",
    "write_counts",
    "write_events",
    "write_json",
    "write_result",
    "write_reviewed",
    "write_segments",
    "write_signals",
    "write_twitches",
]
