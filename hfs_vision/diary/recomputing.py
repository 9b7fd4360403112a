"""Counts sessions anew from their stored signals, all by the same settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from hfs_vision.analysis.pipeline import detect
from hfs_vision.core.settings import Settings, settings_sha256
from hfs_vision.diary.importing import counted, counted_by_label
from hfs_vision.diary.records import WHOLE, SessionRecord
from hfs_vision.errors import UsageError
from hfs_vision.results import MARKS_FILE, SIGNALS_FILE, read_folder, read_segments


def recomputed(
    record: SessionRecord,
    home: Path,
    settings: Settings,
    tell: Callable[[Sequence[str]], None] = lambda warnings: None,
) -> SessionRecord:
    """The session with the counts that these settings and this version of the program give.

    Args:
        record: As it is in the diary.
        home: Folder from which its result's path counts.
        settings: Thresholds and durations.
        tell: Called with what is to be known of the result by itself, in sentences.

    Raises:
        UsageError: If it cannot or must not be counted anew; says why.
        TableError: If a file is not as documented.
    """
    if record.result is None:
        raise UsageError("it came from a table, without signals")
    path = home / record.result
    if not (path / SIGNALS_FILE).is_file():
        raise UsageError(f"{path / SIGNALS_FILE} is not there")
    folder = read_folder(path)
    tell(folder.warnings)
    if record.reviewed or folder.reviewed is not None:
        raise UsageError("a person corrected its events, which stay")
    if folder.sha256 != record.sha256:
        raise UsageError(f"{path} holds the result of another recording now")
    marks = path / MARKS_FILE
    result = detect(
        folder.measurements,
        settings=settings,
        segments=read_segments(marks, folder.recorded) if marks.exists() else (),
        inherited=folder.summary.values,
    )
    segments = [(s.label, s.start_s, s.valid_s) for s in result.segments]
    return replace(
        record,
        settings_sha256=settings_sha256(settings.as_dict()),
        hfs_vision=version("hfs-vision"),
        warnings=tuple(result.warnings),
        segments=(
            counted(WHOLE, result.summary.valid_s, result.events),
            *counted_by_label(segments, result.events),
        ),
    )
