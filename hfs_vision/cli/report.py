"""``hfs-vision report``, and how the other commands leave a report beside their tables."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import click

from hfs_vision.cli import terminal
from hfs_vision.errors import HfsVisionError, UsageError
from hfs_vision.report import write_report
from hfs_vision.results import REPORT_FILE

no_report_option = click.option("--no-report", is_flag=True, help=f"Write no {REPORT_FILE}.")

_AGAIN = "the tables are complete; hfs-vision report tries again"


@click.command("report")
@click.argument(
    "folders", nargs=-1, required=True, metavar="DIR...", type=click.Path(path_type=Path)
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=f"File to write.  [default: {REPORT_FILE} in DIR]",
)
def report_command(folders: tuple[Path, ...], out: Path | None) -> int:
    """Makes report.html again from the tables in DIR, a folder that analyze or live has written.

    Where events were corrected (events.reviewed.csv), it shows the corrected counts. It is one file
    that any browser opens without a network, and that prints on A4. It replaces the report that is
    there.
    """
    if out is not None and len(folders) > 1:
        raise UsageError(f"--out {out} is one file, and {len(folders)} folders are given: omit it")
    code = 0
    for folder in folders:
        try:
            written = write_report(folder, out)
        except HfsVisionError as error:  # of one folder, does not keep the others from theirs
            if len(folders) == 1:
                raise
            terminal.show_error(str(error))
            code = error.exit_code
        else:
            terminal.out.print(str(written), soft_wrap=True)
    return code


def settle_report(folder: Path, *, wanted: bool, force: bool) -> int:
    """After the tables of a folder were written: makes its report, where that is wanted.

    Returns:
        The exit code: 1 where that failed, which is told. The tables stay whatever happens.
    """
    told = ""
    if wanted:
        with terminal.err.status(f"writing {REPORT_FILE}"):
            told = _make(folder, force)
    if told:
        terminal.show_error(told)
    elif wanted:
        terminal.out.print(f"{REPORT_FILE} is in {folder}", soft_wrap=True)
    return 1 if told else 0


class BatchReports:
    """Reports of the recordings of a batch, made in the background.

    Args:
        wanted: Whether any are.
        force: Whether files of others may be replaced.
    """

    def __init__(self, *, wanted: bool, force: bool) -> None:
        self._wanted, self._force = wanted, force
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._made: dict[Path, Future[str]] = {}

    def after(self, folder: Path, status: str) -> None:
        """Takes a recording's folder once it has ended, as `hfs_vision.batch.Outcome` says."""
        missing = status == "skipped" and not (folder / REPORT_FILE).exists()
        if self._wanted and (status == "done" or missing):
            self._made[folder] = self._thread.submit(_make, folder, self._force)

    def finish(self, *, stopped: bool) -> bool:
        """Waits for them, or leaves those to the next run that have not begun; tells what failed.

        Returns:
            Whether all could be made.
        """
        waiting = sum(not made.done() for made in self._made.values())
        if waiting and not stopped:
            terminal.err.print(f"writing the last {waiting} of {len(self._made)} {REPORT_FILE}")
        self._thread.shutdown(wait=True, cancel_futures=stopped)
        told = [made.result() for made in self._made.values() if not made.cancelled()]
        for message in filter(None, told):
            terminal.show_error(message)
        if written := sum(not message for message in told):
            terminal.out.print(f"{written} {REPORT_FILE} written")
        return not any(told)


def _make(folder: Path, force: bool) -> str:
    """What went wrong, in a sentence; empty if nothing did."""
    try:
        write_report(folder, force=force)
    except HfsVisionError as error:
        return f"{REPORT_FILE} could not be made: {error} ({_AGAIN})"
    except Exception as error:  # whatever it is, it must not hide what was found
        return f"{REPORT_FILE} of {folder} could not be made: {error!r} ({_AGAIN})"
    return ""
