"""``hfs-vision cohort``: many persons in one table, before and after a treatment, two counters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.table import Table

from hfs_vision.cli import terminal
from hfs_vision.cli.options import FiniteRange
from hfs_vision.cohort import interpretation
from hfs_vision.cohort.counts import COUNTS_CSV, COUNTS_PARQUET, TABLE_FILES, write_table
from hfs_vision.cohort.paired import PairedComparison, compare
from hfs_vision.cohort.periods import (
    AFFECTED,
    ALL,
    COMPARED_KINDS,
    COMPARED_SIDES,
    COMPARED_TREATMENTS,
    BeforeAfter,
    Question,
    pair_of,
)
from hfs_vision.cohort.persons import Person, read_persons
from hfs_vision.cohort.raters import BOTH_SIDES, RATED_SIDES, Raters, read_raters
from hfs_vision.cohort.write_cohort import (
    AGREEMENT_FILES,
    COMPARISON_FILES,
    write_agreement,
    write_comparison,
)
from hfs_vision.diary import WHOLE
from hfs_vision.exports.content import plain
from hfs_vision.results import check_folder

_Command = TypeVar("_Command", bound=Callable[..., Any])

_diaries = click.argument("diaries", nargs=-1, required=True, metavar="DIARY...")
_force = click.option("--force", is_flag=True, help="Replace files that are already there.")


def _deidentify(what: str) -> Callable[[_Command], _Command]:
    return click.option("--deidentify", is_flag=True, help=f"Leave out {what}.")


@click.group("cohort")
def cohort_group() -> None:
    """Many persons: a table of all counts, before and after a treatment, agreement of two counters.

    DIARY is a diary that hfs-vision diary keeps, each of one person: its file, a folder (searched
    for diary.sqlite and *.diary), or a glob in quotes.
    """


@cohort_group.command("table")
@_diaries
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
@_deidentify("names, dates, and labels that are free text; persons are numbered")
@_force
def table_command(diaries: tuple[str, ...], out: Path, deidentify: bool, force: bool) -> None:
    """Writes all counts of all persons as one tidy table.

    One row for each person, session, segment, side and kind, as CSV and Parquet, and a code book
    that says what each column means.
    """
    check_folder(out, TABLE_FILES, force=force, what="tables")
    with terminal.err.status("reading the diaries"):
        persons = read_persons(diaries, deidentify=deidentify)
        written = write_table(persons, out, deidentify=deidentify)
    _show_bad(persons)
    if COUNTS_PARQUET not in written:
        (out / COUNTS_PARQUET).unlink(missing_ok=True)
        terminal.show_warnings(
            [
                f"{COUNTS_PARQUET} was not written, because pyarrow is missing; {COUNTS_CSV} holds "
                "the same: python -m pip install 'hfs-vision[export]' for both"
            ]
        )
    sessions = sum(len(person.diary.sessions) for person in persons)
    terminal.out.print(
        f"{len(persons)} person(s), {sessions} session(s): {', '.join(written)} are in {out}",
        soft_wrap=True,
    )


@cohort_group.command("compare")
@_diaries
@click.option(
    "--treatment",
    type=click.Choice(COMPARED_TREATMENTS),
    required=True,
    help="Before and after are separated by each person's first treatment of that kind.",
)
@click.option(
    "--side",
    type=click.Choice(COMPARED_SIDES),
    default=AFFECTED,
    show_default=True,
    help="Which side counts; affected is what each diary states.",
)
@click.option(
    "--kind",
    type=click.Choice(COMPARED_KINDS),
    default=ALL,
    show_default=True,
    help="Which movements count.",
)
@click.option(
    "--segment",
    default=WHOLE,
    metavar="LABEL",
    help="Only segments of that label, such as rest.  [default: whole sessions]",
)
@click.option(
    "--before",
    "before_days",
    type=int,
    default=Question.before_days,
    show_default=True,
    metavar="DAYS",
    help="Number of days before the treatment that count.",
)
@click.option(
    "--after",
    "after_days",
    type=(int, int),
    default=Question.after_days,
    show_default=True,
    metavar="FROM TO",
    help="The first and the last day after it that count; the last is earlier where the treatment "
    "is given again.",
)
@click.option(
    "--least-valid",
    "least_valid_s",
    type=FiniteRange(0, min_open=True),
    default=Question.least_valid_s,
    show_default=True,
    metavar="SECONDS",
    help="Leave out who has less valid time before or after.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=f"Folder for {' and '.join(COMPARISON_FILES)}; without it all is only shown.",
)
@_deidentify("names and dates; persons are numbered")
@_force
def compare_command(
    diaries: tuple[str, ...], out: Path | None, deidentify: bool, force: bool, **asked: Any
) -> None:
    """Compares each person's rate before and after a treatment.

    All events of the sessions of a period by all their valid time make a person's rate. Over the
    persons: Wilcoxon's signed-rank test, the middle of the differences, the mean ratio, each with
    what it means. Whoever lacks sessions or a treatment is left out and named.
    """
    question = Question(**asked)
    if out is not None:
        check_folder(out, COMPARISON_FILES, force=force, what="tables")
    with terminal.err.status("reading the diaries"):
        persons = read_persons(diaries, deidentify=deidentify)
        pairs = [pair_of(person, question) for person in persons]
        found = compare(pairs)
        if out is not None:
            write_comparison(out, pairs, found, question, deidentify=deidentify)
    terminal.out.print(interpretation.asked(question), soft_wrap=True)
    _show_pairs([pair for pair in pairs if not pair.left_out])
    _show_comparison(found)
    for pair in pairs:
        if pair.left_out:
            terminal.out.print(f"left out: {pair.person}: {pair.left_out}", soft_wrap=True)
    for text in interpretation.about_comparison(found):
        terminal.out.print(text, soft_wrap=True)
    terminal.show_warnings(interpretation.doubts(pairs))
    _show_bad(persons)
    _tell_files(COMPARISON_FILES, out)


@cohort_group.command("raters")
@click.argument("results", nargs=-1, required=True, metavar="RESULT...")
@click.option(
    "--second",
    metavar="NAME",
    help="Compare corrections with those of this file in each folder, a second reviewer's.  "
    "[default: with the program's own events]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=f"Folder for {', '.join(AGREEMENT_FILES)}; without it all is only shown.",
)
@_deidentify("names of recordings; they are numbered")
@_force
def raters_command(
    results: tuple[str, ...], second: str | None, out: Path | None, deidentify: bool, force: bool
) -> None:
    """Says how far two counts of the same recordings agree.

    RESULT is a result folder with corrected events (events.reviewed.csv), a folder of several, or a
    glob in quotes. Corrections are compared with what the program found, or by --second with those
    of another person: bias, limits of agreement (Bland and Altman) and ICC(2,1).
    """
    if out is not None:
        check_folder(out, AGREEMENT_FILES, force=force, what="tables")
    with terminal.err.status("reading the results"):
        raters = read_raters(results, second=second, deidentify=deidentify)
        if out is not None:
            write_agreement(out, raters)
    _show_agreement(raters)
    for name, why in raters.left_out.items():
        terminal.out.print(f"left out: {name}: {why}", soft_wrap=True)
    for text in interpretation.about_agreement(raters):
        terminal.out.print(text, soft_wrap=True)
    terminal.show_warnings(interpretation.doubts_of_results(raters))
    _tell_files(AGREEMENT_FILES, out)


def _show_bad(persons: Sequence[Person]) -> None:
    """Tells what of the diaries cannot be read."""
    terminal.show_warnings(
        [plain(f"{person.name}: {bad.told}") for person in persons for bad in person.diary.bad]
    )


def _show_pairs(pairs: Sequence[BeforeAfter]) -> None:
    table = Table(title="Events per minute")
    table.add_column("person", overflow="fold")
    table.add_column("side")
    for name in ("before", "after", "difference"):
        table.add_column(name, justify="right")
    for pair in pairs:
        values = (pair.before.rate.per_min, pair.after.rate.per_min, pair.difference)
        table.add_row(pair.person, pair.side, *(f"{value:.1f}" for value in values))
    if pairs:
        terminal.show_table(table)


def _show_comparison(found: PairedComparison) -> None:
    test = found.test
    method = f" (Wilcoxon signed-rank, {test.method})" if test.method else ""
    before, after = (interpretation.number(value, 1) for value in (found.before, found.after))
    for text in (
        f"persons compared: {found.persons}; lower after: {found.lower}, higher: {found.higher}, "
        f"the same: {found.same}",
        f"median rate: {before} before, {after} after",
        f"difference: {interpretation.estimate(found.difference, 1)} per minute",
        f"ratio: {interpretation.estimate(found.ratio, 2)}",
        f"p: {interpretation.p_value(test.p)}{method}",
    ):
        terminal.out.print(text, soft_wrap=True)


def _show_agreement(raters: Raters) -> None:
    table = Table(title=f"{raters.second} less {raters.first}")
    for name in ("measure", "side"):
        table.add_column(name, no_wrap=True)
    for name in ("bias", "95 % limits", "ICC(2,1)", "95 % interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for measure, side, found in raters.agreements():
        table.add_row(
            "count" if measure == "count" else "per min",
            "both" if side == BOTH_SIDES else side,
            interpretation.number(found.bias, 2),
            f"{interpretation.number(found.low, 2)} to {interpretation.number(found.high, 2)}",
            interpretation.number(found.icc, 2),
            " to ".join(interpretation.number(x, 2) for x in (found.icc_low, found.icc_high)),
            end_section=side == RATED_SIDES[-1],
        )
    terminal.out.print(f"recordings counted by both: {len(raters.recordings)}")
    terminal.show_table(table)
    for note in dict.fromkeys(found.note for *_, found in raters.agreements() if found.note):
        terminal.out.print(note, soft_wrap=True)


def _tell_files(names: Sequence[str], folder: Path | None) -> None:
    if folder is not None:
        terminal.out.print(f"{', '.join(names)} are in {folder}", soft_wrap=True)
