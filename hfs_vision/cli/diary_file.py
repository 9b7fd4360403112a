"""What is done to a diary as a file: a copy, the way back to it, counting all of it anew."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from hfs_vision.cli import terminal
from hfs_vision.cli.options import diary_argument, read_settings, settings_options
from hfs_vision.diary import open_diary
from hfs_vision.diary.opening import check_libraries
from hfs_vision.diary.paths import diary_file
from hfs_vision.errors import HfsVisionError
from hfs_vision.exports.content import plain
from hfs_vision.support.interrupts import stop_on_signal


@click.command("backup")
@diary_argument
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="File to write.  [default: the diary's name with date and time, beside it]",
)
def backup_command(diary: Path, to: Path | None) -> None:
    """Copies the diary and checks the copy.

    It is whole also where something is being added meanwhile.
    """
    from hfs_vision.diary.backups import back_up

    with open_diary(diary) as store:
        copy = back_up(store.path, to)
    terminal.out.print(f"{copy} is a whole copy", soft_wrap=True)


@click.command("restore")
@diary_argument
@click.argument("backup", type=click.Path(path_type=Path))
def restore_command(diary: Path, backup: Path) -> None:
    """Goes back to a backup.

    The file that is in the diary's place is kept under another name.
    """
    check_libraries()
    from hfs_vision.diary.backups import restore

    file = diary_file(diary)
    kept = restore(file, backup)
    terminal.out.print(f"{file} is again as {backup} was", soft_wrap=True)
    if kept is not None:
        terminal.out.print(f"what was there is kept as {kept}", soft_wrap=True)


@click.command("recompute")
@diary_argument
@settings_options
def recompute_command(diary: Path, settings_file: Path | None, **options: float | None) -> int:
    """Counts all sessions again with the same settings.

    It uses the stored signals, as hfs-vision detect does. Result folders stay as they
    are. So do sessions whose events a person has corrected, and those whose signals are not there:
    they are listed. A backup is made before anything is changed.
    """
    from hfs_vision.diary.recomputing import recomputed  # it brings the detector

    settings = read_settings(settings_file, options)
    with open_diary(diary) as store, stop_on_signal() as caught:
        from hfs_vision.diary.backups import back_up

        known, counted = store.load(), []
        terminal.show_warnings([plain(bad.told) for bad in known.bad])
        with terminal.sessions_bar() as bar:
            for session in bar.track(known.sessions, description="counting"):
                if caught:
                    terminal.err.print("stopped: nothing was changed")
                    return 128 + caught[0]
                try:
                    tell = partial(_tell, session.number)
                    counted.append(recomputed(session, store.home, settings, tell))
                except HfsVisionError as error:
                    terminal.show_warnings([f"session {session.number} is left as it is: {error}"])
        if counted:
            copy = back_up(store.path)
            terminal.err.print(f"{copy} holds the diary as it was", soft_wrap=True)
        done = len(store.recount(counted)) if counted else 0
    terminal.out.print(f"{done} session{'' if done == 1 else 's'} counted again")
    return 0


def _tell(number: int, warnings: Sequence[str]) -> None:
    terminal.show_warnings([f"session {number}: {text}" for text in warnings])
