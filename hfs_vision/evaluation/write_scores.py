"""JSON and CSV of an evaluation."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from hfs_vision.errors import OutputError, UsageError
from hfs_vision.evaluation.evaluate import ComparedRecording, Comparison, EventLike
from hfs_vision.evaluation.kappa import Presence
from hfs_vision.evaluation.matching import LONG_S, MIN_IOU
from hfs_vision.evaluation.scores import RATES, Evaluation, MatchCounts
from hfs_vision.results import check_replaceable, format_cell
from hfs_vision.schema import KINDS, REGIONS, SIDES, regions_of

COUNTS = tuple(field.name for field in fields(MatchCounts))
SCORE_COLUMNS = ("recording", "criterion", "side", "region", "kind", *COUNTS, *RATES, "kappa")
OVERLAP = "overlap"
"""Criterion of an evaluation that matches by any overlap; others are named by their tolerance."""


def criterion(evaluation: Evaluation) -> str:
    """Tolerance in seconds, or `OVERLAP`."""
    return OVERLAP if evaluation.tolerance_s is None else f"{evaluation.tolerance_s:g}"


def write_scores(
    handle: TextIO,
    evaluations: Sequence[Evaluation],
    presence: Sequence[Mapping[str, Presence]] = (),
) -> None:
    """Writes one row for each recording, criterion, side (or all) and kind (or all).

    Args:
        handle: Where to.
        evaluations: The same recordings at several criteria.
        presence: Of each recording, see `hfs_vision.evaluation.reviewers.read_presence`; its kappa
            stands in the rows of all kinds, since it knows no others.
    """
    rows = csv.writer(handle, lineterminator="\n")
    rows.writerow(SCORE_COLUMNS)
    groups = [(side, kind) for side in (*SIDES, "all") for kind in (*KINDS, "all")]
    tallies = {
        (place, group): evaluation.tallies(side=group[0], kind=group[1])
        for place, evaluation in enumerate(evaluations)
        for group in groups
    }
    for number, recording in enumerate(evaluations[0].recordings):
        for place, evaluation in enumerate(evaluations):
            for group in groups:
                names = (recording.name, criterion(evaluation), group[0], _region(group[1]))
                values = _values(tallies[place, group][number]).values()
                seen = presence[number].get(group[0]) if presence and group[1] == "all" else None
                cells = [*values, seen.kappa if seen else None]
                rows.writerow([*names, group[1], *map(format_cell, cells)])


def _region(kind: str) -> str:
    """Region of a kind of event."""
    return "all" if kind == "all" else regions_of(kind)[0]


def _values(tally: MatchCounts) -> dict[str, float]:
    return {**asdict(tally), **{name: getattr(tally, name) for name in RATES}}


def report(
    evaluation: Evaluation,
    others: Sequence[Evaluation],
    notes: Sequence[str],
    presence: Mapping[str, Presence] | None = None,
) -> dict[str, Any]:
    """Everything that an evaluation says, for `hfs_vision.results.write_json`.

    Args:
        evaluation: At the tolerance that counts.
        others: The same recordings at several criteria.
        notes: What the reader must know.
        presence: Of two reviewers, by side; nothing where there are no two.
    """
    overall = evaluation.tally()
    without, of_those = evaluation.without_events()
    return {
        "version": version("hfs-vision"),
        "tolerance_s": evaluation.tolerance_s,
        "overlap_from_s": LONG_S,
        "min_iou": MIN_IOU,
        "notes": list(notes),
        "overall": _values(overall),
        "by_criterion": {criterion(other): _values(other.tally()) for other in others},
        "by_side": {side: _values(evaluation.tally(side=side)) for side in SIDES},
        "by_region": {region: _values(evaluation.tally(region=region)) for region in REGIONS},
        "by_kind": {kind: _values(evaluation.tally(kind=kind)) for kind in KINDS},
        "without_reference_events": {"recordings": without, **_values(of_those)},
        "onset_error_s": asdict(evaluation.onset_error()),
        "duration_error_s": asdict(evaluation.duration_error()),
        "same_region": evaluation.same_region(),
        "situations": [asdict(situation) for situation in evaluation.situations()],
        "agreement": {side: asdict(evaluation.agreement(side)) for side in ("all", *SIDES)},
        "presence": {side: _seen(found) for side, found in (presence or {}).items()},
        "recordings": [
            {
                "name": recording.name,
                "valid_from": recording.valid_from,
                "clock_offset_s": recording.clock_offset_s,
                **_values(tally),
                "events": list(_outcomes(recording, comparison)),
            }
            for recording, comparison, tally in zip(
                evaluation.recordings, evaluation.comparisons, evaluation.tallies(), strict=True
            )
        ],
    }


def _seen(presence: Presence) -> dict[str, Any]:
    seconds = {"seconds": presence.seconds, **asdict(presence)}
    return {**seconds, "kappa": presence.kappa, "note": presence.note}


def _outcomes(recording: ComparedRecording, comparison: Comparison) -> Iterator[dict[str, Any]]:
    """What became of each event."""

    def outcome(what: str, a: int | None, b: int | None) -> dict[str, Any]:
        return {
            "outcome": what,
            "reference": None if a is None else _event(recording.reference[a]),
            "estimated": None if b is None else _event(recording.estimated[b]),
        }

    for a, b in comparison.matched:
        yield outcome("matched", a, b)
    for what in ("merged", "missed"):
        for a in getattr(comparison, what):
            yield outcome(what, a, None)
    for what in ("split", "unsure", "false"):
        for b in getattr(comparison, what):
            yield outcome(what, None, b)


def _event(mark: EventLike) -> dict[str, Any]:
    return {
        "onset_s": mark.onset_s,
        "offset_s": mark.offset_s,
        "side": mark.side,
        "region": mark.region,
        "kind": mark.kind,
    }


def check_file(path: Path, *, force: bool, inputs: Sequence[Path] = ()) -> None:
    """Refuses a file before the work starts.

    Raises:
        UsageError: If it is there and ``force`` is not set, or it is one of the ``inputs``.
        OutputError: If its folder is not there.
    """
    check_replaceable(path, force=True, inputs=inputs)
    if os.path.lexists(path) and (path.is_dir() or not force):
        raise UsageError(
            f"{path} is already there: choose another name, or replace it with --force"
        )
    if not path.absolute().parent.is_dir():
        raise OutputError(f"cannot write {path}: its folder does not exist")


def write_file(path: Path, write: Callable[[TextIO], None]) -> None:
    """Writes a file, whole or not at all.

    Raises:
        OutputError: If it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
            temporary = Path(folder) / path.name
            # The name of a recording may hold bytes that are no text.
            with temporary.open(
                "w", encoding="utf-8", errors="backslashreplace", newline=""
            ) as handle:
                write(handle)
            temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
