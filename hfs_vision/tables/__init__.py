"""Result files: tables of events, twitches, counts, segments and signals, and ``summary.json``.

Plain RFC 4180 CSV with a header row, dot decimals and an empty cell for what is missing. Columns
and units are documented in the README. Files of a recording are written beside their place and
moved there when complete, so that a reader never meets half of one; those of a live session grow
line by line (`hfs_vision.live.log`).
"""

from hfs_vision.tables.columns import (
    COHORT_FILE,
    COUNT_COLUMNS,
    EVENT_COLUMNS,
    MARK_COLUMNS,
    MARKS_FILE,
    SEGMENT_COLUMNS,
    SEGMENTS_FILE,
    SIGNAL_COLUMNS,
    TWITCH_COLUMNS,
)
from hfs_vision.tables.reading import (
    parse_number,
    read_events,
    read_rows,
    read_segments,
    read_signals,
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
    "COUNT_COLUMNS",
    "EVENT_COLUMNS",
    "MARKS_FILE",
    "MARK_COLUMNS",
    "SEGMENTS_FILE",
    "SEGMENT_COLUMNS",
    "SIGNAL_COLUMNS",
    "TWITCH_COLUMNS",
    "check_folder",
    "event_line",
    "format_cell",
    "line",
    "parse_number",
    "read_events",
    "read_rows",
    "read_segments",
    "read_signals",
    "signal_lines",
    "twitch_lines",
    "write_counts",
    "write_events",
    "write_json",
    "write_result",
    "write_segments",
    "write_signals",
    "write_twitches",
]
