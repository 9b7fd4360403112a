"""Which files belong together, and the recordings that they make."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfs_vision.errors import TableError, UsageError
from hfs_vision.evaluation.align_clocks import find_clock
from hfs_vision.evaluation.evaluate import ComparedRecording
from hfs_vision.evaluation.matching import LONG_S
from hfs_vision.evaluation.read_references import CONFIDENCES, EventFile, read_event_file
from hfs_vision.results import (
    COHORT_FILE,
    EVENTS_FILE,
    REVIEWED_FILE,
    SUMMARY_FILE,
    SummaryFile,
    is_reviewed,
    read_reviewed,
    read_summary,
)
from hfs_vision.results.folder import doubts_of_result

LAST_ROW = "until the last row ends"
"""Where the time of a recording comes from, if nobody says how long it is."""

_RESULTS = ".results"
_TRUTH = ".truth.csv"


@dataclass(frozen=True)
class FilePair:
    """The reference and the estimated event file of one recording."""

    name: str
    reference: Path
    estimated: Path


def find_pairs(
    reference: Path, estimated: Path, *, only_common: bool = False
) -> tuple[list[FilePair], list[str]]:
    """Pairs of event files, and the names that were left out.

    Args:
        reference: Event file, result folder, or folder of ``NAME.csv`` or ``NAME.truth.csv``. Of a
            result folder the corrected events count, where there are some; in a folder of several
            those of each result folder, where there is no other reference of its name, which is
            that of the folder without ``.results``.
        estimated: Event file, result folder, or folder of result folders or of ``NAME.csv``.
        only_common: Whether names that are in one folder only are left out.

    Raises:
        UsageError: If a path does not exist, one is a folder of files and the other is not, or both
            are the same table of a result.
        TableError: If the names in the two folders differ, or a name has two references.
    """
    for path in (reference, estimated):
        if not path.exists():
            raise UsageError(f"{path} does not exist: check the path")
    first, second = _single(reference, (REVIEWED_FILE, EVENTS_FILE)), _single(estimated)
    if first and second:
        if _is_result(first) and first.resolve() == second.resolve():
            raise UsageError(
                f"{reference} and {estimated} are the same events, which always agree: correct "
                f"them first (hfs-vision review {first.parent} makes the {REVIEWED_FILE} that is "
                "then the reference), or give what a person marked as REFERENCE"
            )
        return [FilePair(_name(first), first, second)], []
    if first or second:
        one, many = (reference, estimated) if first else (estimated, reference)
        raise UsageError(
            f"{one} is of one recording and {many} is a folder without {EVENTS_FILE}: give two "
            "event files or result folders, or two folders of them"
        )
    wanted = _references(reference)
    found = _estimates(estimated, {path.resolve() for path in wanted.values()})
    if not wanted and found:
        raise TableError(
            f"{reference} holds no reference: neither NAME.csv nor NAME{_TRUTH}, and no result "
            f"folder with {REVIEWED_FILE}, which hfs-vision review makes"
        )
    left_out = sorted(wanted.keys() ^ found.keys())
    if left_out and not only_common:
        raise TableError(_unmatched(reference, estimated, wanted.keys(), found.keys()))
    pairs = [
        FilePair(name, wanted[name], found[name]) for name in sorted(wanted.keys() & found.keys())
    ]
    if not pairs:
        raise TableError(
            f"{reference} and {estimated} have no recording in common: the first must hold "
            f"NAME.csv, NAME{_TRUTH} or result folders with {REVIEWED_FILE}, the second result "
            f"folders (NAME or NAME{_RESULTS}) or NAME.csv"
        )
    return pairs, left_out


def _single(path: Path, names: Sequence[str] = (EVENTS_FILE,)) -> Path | None:
    """The event file, if this is one or a result folder; of the latter the first there is."""
    if path.is_dir():
        if not (path / EVENTS_FILE).exists():
            return None
        return next((path / name for name in names if (path / name).exists()), None)
    return path


def _name(file: Path) -> str:
    name = file.parent.name if file.name in (EVENTS_FILE, REVIEWED_FILE) else file.name
    for ending in (_RESULTS, _TRUTH, ".csv"):
        name = name.removesuffix(ending)
    return name or file.name


def _references(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.csv")):
        if path.name == COHORT_FILE:
            continue
        name = path.name.removesuffix(_TRUTH).removesuffix(".csv")
        if name in found:
            raise TableError(f"{found[name]} and {path} are both references of {name}: keep one")
        found[name] = path
    return {**_in_results(folder, REVIEWED_FILE), **found}


def _in_results(folder: Path, name: str) -> dict[str, Path]:
    """That file of each result folder right below, by the name of the recording."""
    found: dict[str, Path] = {}
    for path in sorted(folder.glob(f"*/{name}")):
        if not (path.parent / EVENTS_FILE).exists():
            continue
        known = found.setdefault(_name(path), path)
        if known is not path:
            raise TableError(
                f"{known.parent} and {path.parent} are both of {_name(path)}: keep one"
            )
    return found


def _estimates(folder: Path, references: set[Path]) -> dict[str, Path]:
    """Event files by name; a result folder goes before a table. References are no estimates."""
    tables = {
        path.name.removesuffix(".csv"): path
        for path in sorted(folder.glob("*.csv"))
        if path.resolve() not in references
        and not path.name.endswith(_TRUTH)
        and path.name != COHORT_FILE
    }
    return {**tables, **_in_results(folder, EVENTS_FILE)}


def _unmatched(
    reference: Path, estimated: Path, wanted: Collection[str], found: Collection[str]
) -> str:
    parts = []
    for here, others, place in ((wanted, found, estimated), (found, wanted, reference)):
        if alone := sorted(set(here) - set(others)):
            parts.append(f"{place} has nothing for {', '.join(alone)}")
    return f"{'; '.join(parts)}: add it, or leave these recordings out with --only-common"


def read_pair(
    pair: FilePair, *, min_confidence: str = CONFIDENCES[1], duration_s: float | None = None
) -> tuple[ComparedRecording, list[str]]:
    """One recording, and what the reader of its scores must know.

    Where the two are on different clocks, as labels made in a player and the table of a file that
    begins at hours, one is moved onto that of the other, and a note says so.

    Valid time is that of the ``summary.json`` beside the estimated ``events.csv``, or beside
    corrected events of either; else ``duration_s``; else the time from 0 s until the last row of
    either file ends.

    Args:
        pair: Its event files.
        min_confidence: Reference events of lower confidence are neither wanted nor false.
        duration_s: Length of the recording, which begins at 0 s.

    Raises:
        TableError: If a file is not as documented, events of one side of the reference overlap,
            or an event lies beyond the end of the recording.
    """
    notes = [f"{pair.name}: {text}" for text in _doubts(pair)]
    summary = beside(pair, SUMMARY_FILE)
    end_s, tonic_s, known_s = math.inf, LONG_S, list[float]()
    if summary is not None:
        told = _told(summary)
        valid_s, end_s, tonic_s = told.valid_s, told.end_s, told.settings.tonic_s
        if not all(map(_is_result, (pair.reference, pair.estimated))):  # they have one clock
            sign = 1 if _is_of(summary, pair.estimated) else -1
            zeros_s = dict.fromkeys((told.source.zero_s, told.start_s))
            known_s = [sign * zero_s for zero_s in zeros_s if math.isfinite(zero_s)]
        valid_from = "valid time in summary.json"
        if told.partial:
            notes.append(f"{pair.name}: the estimate is of an analysis that was stopped early")
    elif duration_s is not None:
        valid_s, end_s, valid_from = duration_s, duration_s, "--duration"
    else:
        valid_s, valid_from = math.nan, ""

    def read(reference_end_s: float, estimated_end_s: float) -> tuple[EventFile, EventFile]:
        return (
            read_event_file(
                pair.reference,
                min_confidence=min_confidence,
                may_overlap=False,
                end_s=reference_end_s,
                tonic_s=tonic_s,
            ),
            read_event_file(pair.estimated, end_s=estimated_end_s, tonic_s=tonic_s),
        )

    reference, estimated = read(math.inf, math.inf)
    found, said = find_clock(pair.name, reference, estimated, known_s)
    notes += said
    ahead_s = found.offset_s
    # All comes onto the clock of the result that is here, else onto the one that begins earlier.
    moves_reference = ahead_s < 0 if summary is None else _is_of(summary, pair.estimated)
    by_s = (ahead_s, 0.0) if moves_reference else (0.0, -ahead_s)
    read(end_s - by_s[0], end_s - by_s[1])  # refuses what lies beyond the end
    reference, estimated = reference.moved(by_s[0]), estimated.moved(by_s[1])
    if not valid_from:
        valid_s, valid_from = _last_end(reference, estimated), LAST_ROW
    recording = ComparedRecording(
        pair.name,
        reference.events,
        estimated.events,
        reference.situations,
        reference.unsure,
        valid_s,
        valid_from,
        ahead_s,
    )
    return recording, notes


def beside(pair: FilePair, name: str) -> Path | None:
    """A file of the result folder that the events come from, if there is one."""
    results = [
        path
        for path in (pair.estimated, pair.reference)
        if (path == pair.estimated and path.name == EVENTS_FILE) or is_reviewed(path)
    ]
    found = (path.with_name(name) for path in results)
    return next((path for path in found if path.exists()), None)


def _doubts(pair: FilePair) -> list[str]:
    """What the reader of the scores must know of the files by themselves."""
    files = dict.fromkeys((pair.reference, pair.estimated))
    folders = dict.fromkeys(path.parent for path in files if _is_result(path))
    found = [text for folder in folders for text in doubts_of_result(folder)]
    for path in filter(is_reviewed, files):
        rows = read_reviewed(path)
        if unseen := sum(not row.verdict for row in rows):
            found.append(
                f"{unseen} of {len(rows)} events of {path.name} were not looked at, and count as "
                "agreed: end the review first"
            )
    return found


def _is_result(path: Path) -> bool:
    return path.name == EVENTS_FILE or is_reviewed(path)


def _is_of(summary: Path, events: Path) -> bool:
    return _is_result(events) and summary.parent == events.parent


def _last_end(*files: EventFile) -> float:
    """End of the last row of some files; 0 where no file has a row."""
    return max((file.end_s for file in files), default=0.0)


def _told(path: Path) -> SummaryFile:
    """What the summary of an analysis says, its valid time and its end among it."""
    found = read_summary(path) or SummaryFile()
    for name in ("valid_s", "end_s"):
        if not math.isfinite(getattr(found, name)):
            raise TableError(f"{path} cannot be read as that of an analysis: no {name}")
    return found
