"""``hfs-vision diary``: the sessions and treatments of one person over months."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Any, TypeVar

import click

from hfs_vision.cli import terminal
from hfs_vision.cli.diary_file import backup_command, recompute_command, restore_command
from hfs_vision.cli.diary_tables import show_list, show_session
from hfs_vision.cli.options import diary_argument
from hfs_vision.cli.trend import trend_command
from hfs_vision.diary import (
    AFFECTED_SIDES,
    TREATMENT_KINDS,
    Treatment,
    init_diary,
    open_diary,
)
from hfs_vision.diary.adding import UserFields, add_session
from hfs_vision.diary.dates import (
    check_not_ahead,
    comes_twice,
    local_day,
    open_zone,
    read_day,
    read_moment,
    zone_of_machine,
)
from hfs_vision.diary.exporting import EXPORTED_FILES, export_diary
from hfs_vision.diary.importing import Input, find_inputs
from hfs_vision.errors import HfsVisionError, UsageError
from hfs_vision.exports.content import plain
from hfs_vision.schema import NOT_A_DEVICE
from hfs_vision.support.interrupts import stop_on_signal

_Command = TypeVar("_Command", bound=Callable[..., Any])

_HELP = f"""Keeps the sessions and treatments of one person over months.

\b
  hfs-vision diary init ann.diary --person Ann --affected left
  hfs-vision diary add ann.diary visit1.results visit2.results
  hfs-vision diary treatment ann.diary --date 2026-03-01 --kind botulinum_toxin
  hfs-vision diary list ann.diary
  hfs-vision diary trend ann.diary

DIARY is a file, or a study's folder, in which it is called diary.sqlite. Everything stays on this
machine; docs/diary.md says what the file holds.

{NOT_A_DEVICE}
"""

_TOLD = {
    "added": "added",
    "updated": "updated",
    "known": "already there",
    "differs": "already there with other counts; --update takes these",
}


def _date_option(help_: str, *, required: bool = True) -> Callable[[_Command], _Command]:
    return click.option("--date", "date", metavar="DATE", required=required, help=help_)


@click.group("diary", help=_HELP)
def diary_group() -> None:
    """Commands on one diary."""


for _command in (backup_command, restore_command, recompute_command, trend_command):
    diary_group.add_command(_command)


@diary_group.command("init")
@diary_argument
@click.option("--person", required=True, help="Name or code of the person.")
@click.option(
    "--affected",
    required=True,
    type=click.Choice(AFFECTED_SIDES),
    help="The affected side, the person's own, as you know it; it is never guessed from counts.",
)
@click.option(
    "--timezone",
    metavar="ZONE",
    help="IANA name of the zone in which days are counted, such as Europe/Vienna.  "
    "[default: this machine's]",
)
def init_command(diary: Path, person: str, affected: str, timezone: str | None) -> None:
    """Makes a new diary."""
    zone = timezone or zone_of_machine()
    file = init_diary(diary, person=person, affected_side=affected, timezone=zone or "UTC")
    terminal.out.print(f"Created {file} (time zone {zone or 'UTC'})", soft_wrap=True)
    if zone is None:
        terminal.show_warnings(
            ["this machine's time zone is not known, so UTC is taken: diary edit --timezone"]
        )


@diary_group.command("edit")
@diary_argument
@click.option("--person", help="Name or code of the person.")
@click.option("--affected", type=click.Choice(AFFECTED_SIDES), help="The affected side.")
@click.option("--timezone", metavar="ZONE", help="IANA name of the zone, such as Europe/Vienna.")
def edit_command(
    diary: Path, person: str | None, affected: str | None, timezone: str | None
) -> None:
    """Changes what init was told.

    Moments stay as they are: another zone shows them by its own clock.
    """
    values = {"person": person, "affected_side": affected, "timezone": timezone}
    given = {name: value for name, value in values.items() if value is not None}
    if not given:
        raise UsageError("nothing to change: give --person, --affected or --timezone")
    if timezone is not None:
        open_zone(timezone)
    with open_diary(diary) as store:
        store.edit(**given)
    terminal.out.print(f"{store.path} is changed: {', '.join(given.values())}", soft_wrap=True)


@diary_group.command("add")
@diary_argument
@click.argument(
    "results", nargs=-1, required=True, metavar="RESULT...", type=click.Path(path_type=Path)
)
@_date_option(
    "When it was recorded, such as 2026-03-01 or 2026-03-01T09:30, in the diary's time zone.  "
    "[default: what the recording or the live session says]",
    required=False,
)
@click.option("--device", default="", help="What recorded it.  [default: camera, file ...]")
@click.option("--protocol", default="", help="Name of the protocol that was used.")
@click.option("--note", default="", help="Free text.")
@click.option(
    "--allow-partial", is_flag=True, help="Accept recordings that were not analysed to their end."
)
@click.option("--update", is_flag=True, help="Replace sessions that are there; texts stay.")
def add_command(
    diary: Path,
    results: tuple[Path, ...],
    date: str | None,
    device: str,
    protocol: str,
    note: str,
    allow_partial: bool,
    update: bool,
) -> int:
    """Adds sessions from result folders.

    RESULT is a folder that analyze, live or batch has written, or a batch's cohort.csv. Corrected
    events count where there are any. A recording that is there already is recognised by its content
    and not added again. In a cohort.csv a column "date" of yours gives the day of each row.
    """
    with open_diary(diary) as store, stop_on_signal() as caught:
        zone = open_zone(store.timezone)
        started = read_moment(date, zone) if date else None
        if date and comes_twice(date, zone):
            told = (
                f"{date} came twice in {zone.key}: the first is taken; write an offset to say which"
            )
            terminal.show_warnings([f"{told}, as in 2026-10-25T02:30+01:00"])
        said = UserFields(
            started_utc=started,
            device=device,
            protocol=protocol,
            note=note,
            allow_partial=allow_partial,
            update=update,
        )
        inputs, failed = _find_all(results)
        with terminal.sessions_bar() as bar:
            for given in bar.track(inputs, description="adding"):
                if caught:
                    terminal.err.print("stopped: what was added stays; run it again to go on")
                    return 128 + caught[0]
                try:
                    added = add_session(store, given, said, zone)
                except HfsVisionError as error:  # of one input, does not keep out the others
                    failed = True
                    terminal.show_error(f"{given.name} is not added: {error}")
                else:
                    when = f"{added.started_utc.astimezone(zone):%Y-%m-%d %H:%M}"
                    told = f"session {added.number} of {when}: {_TOLD[added.state]}"
                    terminal.out.print(f"{told}  {given.name}", soft_wrap=True)
                    terminal.show_warnings([f"{given.name}: {text}" for text in added.warnings])
    return 1 if failed else 0


@diary_group.command("list")
@diary_argument
def list_command(diary: Path) -> None:
    """Lists sessions, treatments and notes in order of time."""
    with open_diary(diary) as store:
        show_list(store.load())


@diary_group.command("show")
@diary_argument
@click.argument("number", metavar="N", type=int)
def show_command(diary: Path, number: int) -> None:
    """Shows a session whole.

    N is its number in the list. The counts are by segment, side and kind; the result folder is
    looked at, whether it is still as it was added.
    """
    with open_diary(diary) as store:
        show_session(store.session(number), store.timezone, store.home)


@diary_group.command("remove")
@diary_argument
@click.argument("what", type=click.Choice(("session", "treatment", "note")))
@click.argument("number", metavar="N", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_command(diary: Path, what: str, number: int, yes: bool) -> int:
    """Removes a session, treatment or note.

    N is its number in the list. Result folders stay as they are.
    """
    if not yes and not sys.stdin.isatty():
        raise UsageError(f"to remove {what} {number} without being asked, give --yes")
    if not yes and not click.confirm(f"Remove {what} {number} from {diary}?", err=True):
        terminal.err.print("nothing was removed")
        return 1
    with open_diary(diary) as store:
        remove = store.remove_session if what == "session" else store.remove_treatment
        remove(number)
    terminal.out.print(f"{what} {number} is removed")
    return 0


@diary_group.command("treatment")
@diary_argument
@_date_option("The day, such as 2026-03-01.")
@click.option(
    "--kind",
    required=True,
    type=click.Choice([k for k in TREATMENT_KINDS if k != "note"]),
    help="What was done.",
)
@click.option("--product", default="", help="Free text, such as the product's name.")
@click.option("--units", default="", help="Free text, such as the dose.")
@click.option("--sites", default="", help="Free text: where.")
@click.option("--note", "text", default="", help="Free text.")
def treatment_command(
    diary: Path, date: str, kind: str, product: str, units: str, sites: str, text: str
) -> None:
    """Marks a treatment on a day."""
    given = Treatment(
        date=read_day(date), kind=kind, product=product, units=units, sites=sites, text=text
    )
    _add_treatment(diary, given)


@diary_group.command("note")
@diary_argument
@_date_option("The day, such as 2026-03-01.")
@click.argument("text")
def note_command(diary: Path, date: str, text: str) -> None:
    """Marks a day with TEXT."""
    _add_treatment(diary, Treatment(date=read_day(date), kind="note", text=text))


@diary_group.command("export")
@diary_argument
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder for the tables."
)
@click.option(
    "--deidentify",
    is_flag=True,
    help="Leave out names, paths, devices, free text; dates become days since the first session.",
)
@click.option("--force", is_flag=True, help="Replace tables that are already there.")
def export_command(diary: Path, out: Path, deidentify: bool, force: bool) -> None:
    """Writes the diary as CSV tables.

    One of sessions, one of counts by segment, side and kind, one of treatments and notes.
    """
    with open_diary(diary) as store:
        known = store.load()
        export_diary(known, out, deidentify=deidentify, force=force)
    terminal.show_warnings([plain(bad.told) for bad in known.bad])
    terminal.out.print(f"{', '.join(EXPORTED_FILES)} are in {out}", soft_wrap=True)


def _add_treatment(diary: Path, treatment: Treatment) -> None:
    with open_diary(diary) as store:
        known = store.load()
        zone = open_zone(known.timezone)
        begin = datetime.combine(treatment.date, time(), tzinfo=zone)
        check_not_ahead(begin, "this")
        number = store.add_treatment(treatment)
    what = "note" if treatment.kind == "note" else "treatment"
    terminal.out.print(f"{what} {number}: {treatment.date} {treatment.kind}", soft_wrap=True)
    first = local_day(known.sessions[0].started_utc, zone) if known.sessions else treatment.date
    if treatment.kind != "note" and treatment.date < first:
        told = f"the diary's first session is of {first}, after this treatment"
        terminal.show_warnings([f"{told}: there is no session before it to compare with"])


def _find_all(paths: Sequence[Path]) -> tuple[list[Input], bool]:
    """All that is to be added, and whether something could not be found, which is told."""
    inputs, failed = [], False
    for path in paths:
        try:
            inputs += find_inputs(path)
        except HfsVisionError as error:
            failed = True
            terminal.show_error(f"{path} is not added: {error}")
    return inputs, failed
