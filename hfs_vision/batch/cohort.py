"""What a batch keeps of each recording, and the table of all of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from hfs_vision.batch.names import folder_lock, read_names
from hfs_vision.pipeline import RESULT_FILES, Analysis
from hfs_vision.schema import KINDS, SIDES
from hfs_vision.tables import COHORT_FILE, SEGMENTS_FILE, line, read_json, write_json, write_result

RECORD_FILE = "batch.json"

_GROUPS = (
    *((side, kind) for side in SIDES for kind in (*KINDS, "all")),
    ("all", "all"),
)
COHORT_COLUMNS = (
    "name",
    "result",
    "sha256",
    "status",
    "reason",
    "duration_s",
    "valid_s",
    "coverage",
    "frames",
    "fps",
    "face_px",
    *(f"{side}_{kind}_{what}" for side, kind in _GROUPS for what in ("count", "rate_per_min")),
    "blinks",
    "warnings",
    "settings_sha256",
    "model_sha256",
    "hfs_vision",
)

_REST = 10
"""After the table was written, so many times as long as that took pass before the next time."""


def result_folder(out: Path, name: str) -> Path:
    """Where the result of a recording is."""
    return out / f"{name}.results"


def measured(result: Analysis) -> dict[str, Any]:
    """The columns from ``duration_s`` to ``warnings``."""
    summary = result.summary
    values = {
        name: getattr(summary, name)
        for name in ("duration_s", "valid_s", "coverage", "frames", "fps", "face_px", "blinks")
    }
    for count in summary.counts:
        values[f"{count.side}_{count.kind}_count"] = count.count
        values[f"{count.side}_{count.kind}_rate_per_min"] = count.rate_per_min
    return {**values, "warnings": "; ".join(result.warnings)}


def read_record(folder: Path) -> dict[str, Any] | None:
    """What is kept of a finished recording; ``None`` if it is not finished."""
    try:
        record = read_json(folder / RECORD_FILE)
        return record if record["status"] in ("done", "failed") else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_record(
    folder: Path,
    record: Mapping[str, Any],
    result: Analysis | None,
    *,
    force: bool = False,
    inputs: Sequence[Path] = (),
) -> str | None:
    """Replaces what a folder holds in one step, so that the record never speaks of another result
    than the one that lies beside it.

    Args:
        folder: Of the result; made if it is missing.
        record: What is kept of the recording.
        result: ``None`` where it failed; an earlier result then goes.
        force: Whether files that this program did not write may be replaced.
        inputs: The recording, where it is a file here; it stays in any case.

    Returns:
        The new name of corrections that are of other events, as `Analysis.save` gives it.

    Raises:
        UsageError: If a file must not be replaced; nothing was written.
        OutputError: If the folder cannot be written.
    """
    beside = {RECORD_FILE: partial(write_json, values=dict(record))}
    if result is not None:
        return result.save(folder, force=force, inputs=inputs, beside=beside)
    old = (*RESULT_FILES, SEGMENTS_FILE)
    return write_result(folder, beside, force=force, inputs=inputs, remove=old, retiring=True)


class Cohort:
    """The table of all recordings that are finished in a folder, also those of other batches."""

    def __init__(self, out: Path, *, force: bool = False) -> None:
        self._out, self._force = out, force
        self._next = 0.0

    def update(self, *, at_once: bool = False) -> None:
        """Writes the table where it has changed; of many recordings not after each of them.

        Raises:
            OutputError: If it cannot be written.
        """
        began = time.monotonic()
        if not at_once and began < self._next:
            return
        with folder_lock(self._out):
            text = self._text()
            file = self._out / COHORT_FILE
            if not file.exists() or file.read_text(encoding="utf-8") != text:
                write_result(
                    self._out, {COHORT_FILE: partial(_write, text=text)}, force=self._force
                )
        ended = time.monotonic()
        self._next = ended + _REST * (ended - began)

    def _text(self) -> str:
        rows = [line(COHORT_COLUMNS)]
        for name in read_names(self._out).values():
            record = read_record(result_folder(self._out, name))
            if record is not None:
                rows.append(line(record.get(column) for column in COHORT_COLUMNS))
        return "".join(rows)


def _write(handle: TextIO, text: str) -> None:
    handle.write(text)
