"""``hfs-vision evaluate``: events of a machine against those of a human."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from hfs_vision.cli import terminal
from hfs_vision.cli.options import FiniteRange
from hfs_vision.errors import UsageError
from hfs_vision.evaluation.evaluate import TOLERANCE_S, ComparedRecording
from hfs_vision.evaluation.kappa import Presence
from hfs_vision.evaluation.pair_files import LAST_ROW, find_pairs, read_pair
from hfs_vision.evaluation.read_references import CONFIDENCES
from hfs_vision.evaluation.reviewers import read_presence, total_presence
from hfs_vision.evaluation.scores import Errors, Evaluation, MatchCounts, evaluate
from hfs_vision.evaluation.write_scores import check_file, report, write_file, write_scores
from hfs_vision.results import write_json
from hfs_vision.schema import KINDS, REGIONS, SIDES

ALSO_S = (0.10, 0.15, 0.25)
"""Tolerances that are reported beside the chosen one, so that no choice hides in one number."""

_COLUMNS = {
    "events": "reference",
    "found": "matched",
    "missed": "missed",
    "merged": "merged",
    "false": "false",
    "split": "split",
    "recall": "recall",
    "pre-\ncision": "precision",
    "F1": "f1",
    "false\n/min": "false_per_min",
}


@click.command("evaluate")
@click.argument("reference", type=click.Path(path_type=Path))
@click.argument("estimated", type=click.Path(path_type=Path))
@click.option(
    "--tolerance",
    "tolerance_s",
    type=FiniteRange(0, 10),
    default=TOLERANCE_S,
    show_default=True,
    help="Seconds by which the onsets of one event may differ.",
)
@click.option(
    "--min-confidence",
    type=click.Choice(CONFIDENCES),
    default=CONFIDENCES[1],
    show_default=True,
    help="Ignore reference events that were labelled with less confidence than this.",
)
@click.option(
    "--duration",
    "duration_s",
    type=FiniteRange(0, min_open=True),
    help="Length of each recording in seconds, where no summary.json lies beside the estimate. "
    "[default: until the last event ends]",
)
@click.option(
    "--only-common", is_flag=True, help="Leave out recordings that are in one folder only."
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path),
    help="Write all results and what became of each event to this file.",
)
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path),
    help="Write one row for each recording, tolerance, side and kind to this file.",
)
@click.option("--force", is_flag=True, help="Replace files that are already there.")
def evaluate_command(
    reference: Path,
    estimated: Path,
    tolerance_s: float,
    min_confidence: str,
    duration_s: float | None,
    only_common: bool,
    json_file: Path | None,
    csv_file: Path | None,
    force: bool,
) -> None:
    """Compares ESTIMATED events with REFERENCE events, those of a human or of a simulation.

    Each is an event file (events.csv, events.reviewed.csv, labels, or the truth of a simulation), a
    result folder (as REFERENCE its corrected events, if there are some), or a folder of several:
    NAME.csv or NAME.truth.csv in REFERENCE, result folders or NAME.csv in ESTIMATED. Events are
    matched one to one within their side, by onset; docs/evaluation.md says how. Of two files of
    corrected events it is also told how far the reviewers agree.
    """
    _check([f for f in (json_file, csv_file) if f is not None], force)
    pairs, left_out = find_pairs(reference, estimated, only_common=only_common)
    inputs = [path for pair in pairs for path in (pair.reference, pair.estimated)]
    for path in filter(None, (json_file, csv_file)):
        check_file(path, force=force, inputs=inputs)
    recordings, seen, notes = [], [], []
    for pair in pairs:
        recording, said = read_pair(pair, min_confidence=min_confidence, duration_s=duration_s)
        recordings.append(recording)
        seen.append(read_presence(pair, recording))
        notes += said
    if left_out:
        notes.append(f"left out, being in one folder only: {', '.join(left_out)}")
    notes += _notes(recordings)
    tolerances = [*sorted({*ALSO_S, tolerance_s}), None]
    everything = [evaluate(recordings, tolerance_s=tolerance) for tolerance in tolerances]
    chosen = everything[tolerances.index(tolerance_s)]
    presence = total_presence(seen)
    if json_file is not None:
        values = report(chosen, everything, notes, presence)
        write_file(json_file, partial(write_json, values=values))
    if csv_file is not None:
        write_file(csv_file, partial(write_scores, evaluations=everything, presence=seen))
    _show(chosen, everything, presence)
    terminal.show_warnings(notes)


def _check(files: list[Path], force: bool) -> None:
    for path in files:
        check_file(path, force=force)
    if len({path.resolve() for path in files}) < len(files):
        raise UsageError(f"--json and --csv are both {files[0]}: give two files")


def _notes(recordings: Sequence[ComparedRecording]) -> list[str]:
    """What the reader must know to read the figures."""
    notes = []
    if unsure := sum(len(recording.unsure) for recording in recordings):
        notes.append(
            f"{unsure} reference event(s) below the confidence asked for are neither wanted nor "
            "false (--min-confidence low counts them)"
        )
    if any(recording.valid_from == LAST_ROW for recording in recordings):
        notes.append(
            "without summary.json or --duration a recording counts until its last row ends: false "
            "events per minute are too high"
        )
    return notes


def _show(
    chosen: Evaluation, everything: Sequence[Evaluation], presence: Mapping[str, Presence]
) -> None:
    onset = f"onset within {chosen.tolerance_s:g} s"
    rows = [
        ("any overlap" if e.tolerance_s is None else f"within {e.tolerance_s:g} s", e.tally())
        for e in everything
    ]
    _print_table("Events by onset", [rows])
    sections = (
        [(side, chosen.tally(side=side)) for side in SIDES],
        [(region, chosen.tally(region=region)) for region in REGIONS],
        [(kind, chosen.tally(kind=kind)) for kind in KINDS],
    )
    _print_table(
        f"By side, region and kind, {onset}",
        [[(n, t) for n, t in rows if t.reference + t.estimated - t.unsure] for rows in sections],
    )
    if len(chosen.recordings) > 1:
        names = [recording.name for recording in chosen.recordings]
        tallies = zip(names, chosen.tallies(), strict=True)
        _print_table(f"By recording, {onset}", [list(tallies)])
    for line in (*_lines(chosen), *_reviewers(chosen, presence)):
        terminal.out.print(line, soft_wrap=True)


_BOTH_FOUND = (
    "found a/b: a by what the reference says (recall), b by what the estimate says (precision)"
)


def _print_table(title: str, sections: Sequence[Sequence[tuple[str, MatchCounts]]]) -> None:
    differ = any(tally.right != tally.matched for rows in sections for _, tally in rows)
    table = Table(
        title=title,
        title_justify="left",
        caption=_BOTH_FOUND if differ else None,
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=0,
        show_edge=False,
    )
    table.add_column("", overflow="fold")
    for head in _COLUMNS:
        table.add_column(head, justify="right", no_wrap=True)
    for rows in sections:
        for name, tally in rows:
            cells = {field: _cell(getattr(tally, field)) for field in _COLUMNS.values()}
            if tally.right != tally.matched:
                cells["matched"] += f"/{tally.right}"
            table.add_row(name, *cells.values())
        table.add_section()
    if table.row_count:
        terminal.show_table(table)
        terminal.out.print()


def _lines(chosen: Evaluation) -> Iterator[str]:
    tally = chosen.tally()
    if tally.matched:
        yield f"onset     {_error(chosen.onset_error())}"
        yield f"duration  {_error(chosen.duration_error())}"
        yield f"same region in {_cell(chosen.same_region())} of the pairs"
    yield f"wrong side: {tally.wrong_side} of {tally.matched + tally.wrong_side}"
    if tally.merged or tally.split:
        yield (
            f"with merged events as missed and split ones as false: recall "
            f"{_cell(tally.strict_recall)}, precision {_cell(tally.strict_precision)}"
        )
    if tally.valid_s > 0:
        sources = sorted({recording.valid_from for recording in chosen.recordings})
        yield f"time: {tally.valid_s / 60:.2f} min ({', '.join(sources)})"
    count, null = chosen.without_events()
    if count:
        yield (
            f"recordings without a reference event: {count}, {null.valid_s / 60:.2f} min, "
            f"{null.false} false, {_cell(null.false_per_min)} per min"
        )
    if situations := chosen.situations():
        parts = (
            f"{s.kind} {s.false}" + (f" (in {s.rows}, {s.time_s:.1f} s)" if s.rows else "")
            for s in situations
        )
        yield f"false events by situation: {', '.join(parts)}"
    if len(chosen.recordings) > 1:
        yield from map(partial(_agreement, chosen), ("all", *SIDES))


def _reviewers(chosen: Evaluation, presence: Mapping[str, Presence]) -> Iterator[str]:
    """Agreement of two reviewers; nothing where there are no two."""
    if presence:
        f1 = _cell(chosen.tally().f1)
        yield f"two reviewers: F1 of events {f1}, onset within {chosen.tolerance_s:g} s"
    for side, seen in presence.items():
        text = f"kappa of seconds with a movement, {side}: "
        if seen.note:
            yield text + f"{seen.note} ({seen.seconds} s)"
        else:
            yield (
                f"{text}{seen.kappa:.2f} (both saw one in {seen.both} of {seen.seconds} s, the "
                f"first alone in {seen.first}, the second alone in {seen.second})"
            )


def _error(errors: Errors) -> str:
    return (
        f"{1000 * errors.median:+.0f} ms in the median, {1000 * errors.mean_abs:.0f} ms off in the "
        f"mean, 90 % within {1000 * errors.p90_abs:.0f} ms"
    )


def _agreement(chosen: Evaluation, side: str) -> str:
    found = chosen.agreement(side)
    text = f"counts, {side}: bias {found.bias:+.2f}"
    if found.note:
        return f"{text}; {found.note}"
    return (
        f"{text}, 95 % limits {found.low:+.2f} to {found.high:+.2f}, ICC(2,1) {found.icc:.2f} "
        f"(95 % interval {found.icc_low:.2f} to {found.icc_high:.2f}), "
        f"{found.recordings} recordings"
    )


def _cell(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return "-" if math.isnan(value) else f"{value:.2f}"
