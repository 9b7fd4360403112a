"""``hfs-vision review``."""

from __future__ import annotations

import getpass
import time
from pathlib import Path

import click

from hfs_vision.cli import terminal
from hfs_vision.cli.open_page import check_libraries, open_browser, port_option, tell_address
from hfs_vision.errors import UsageError
from hfs_vision.results import REVIEWED_FILE, read_folder
from hfs_vision.review import Review
from hfs_vision.support.interrupts import stop_on_signal


@click.command("review")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--video",
    type=click.Path(path_type=Path),
    help="The recording.  [default: searched for beside DIR, by its name]",
)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    help=f"Where the corrections are kept, such as a second reviewer's.  [default: {REVIEWED_FILE} "
    "in DIR]",
)
@click.option(
    "--reviewer", help="Name that is written beside each change.  [default: the user's name]"
)
@port_option()
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@click.option("--no-report", is_flag=True, help="Leave report.html as it is.")
def review_command(
    folder: Path,
    video: Path | None,
    file: Path | None,
    reviewer: str | None,
    port: int | None,
    no_browser: bool,
    no_report: bool,
) -> int:
    """Looks through the events of a result in a page of this machine, and corrects them.

    DIR is what analyze or live has written. The page shows the video, the traces and the events.
    Every change is kept at once in a file of its own; what the program found stays as it is.

    Only this machine can reach the page, and only with the address that is printed. Ctrl-C ends it.
    """
    check_libraries()
    # Not above: the other commands need neither.
    from hfs_vision.web.review import create_app
    from hfs_vision.web.server import LocalServer
    from hfs_vision.web.session import ReviewSession

    name = _name(reviewer)
    with terminal.err.status("reading the result"):
        found = read_folder(folder)
        session = ReviewSession(found, video=video, file=file, reviewer=name, report=not no_report)
    with session:
        with stop_on_signal() as caught, LocalServer(create_app(session), port=port or 0) as server:
            terminal.show_warnings(session.warnings)
            tell_address(server.url)
            if not no_browser:
                open_browser(server.url_for_once)
            _serve(session.review, caught)
        terminal.err.print("ending")
    return _tell_end(session.review)


def _serve(review: Review, caught: list[int]) -> None:
    """Waits for the signal to end; where something is not saved, for a second one."""
    warned = False
    while True:
        while not caught:
            time.sleep(0.1)
        if review.unsaved:
            review.save()
        if warned or not review.unsaved:
            return
        warned = True
        caught.clear()
        terminal.err.print(f"NOT SAVED: {review.unsaved}", soft_wrap=True)
        terminal.err.print(
            'The page keeps running: fix that and press "Try again" there. Ctrl-C again ends it; '
            "the corrections then go to another file, if one can be written.",
            soft_wrap=True,
        )


def _name(given: str | None) -> str:
    if given is not None:
        if not given.strip():
            raise UsageError("--reviewer is empty: give a name, or leave it out")
        return given.strip()
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a system without user names
        return "reviewer"


def _tell_end(review: Review) -> int:
    looked_at, of = review.progress()
    done = f"{looked_at} of {of} events looked at"
    if review.revision == 0:
        terminal.out.print("nothing was changed")
        return 0
    if review.rescued is None and not review.unsaved:
        terminal.out.print(f"{done}; they are in {review.file.name}", soft_wrap=True)
        return 0
    if review.rescued is not None:
        where = f"they could not be saved in their place and are in {review.rescued}"
    else:
        where = f"NOT SAVED: {review.unsaved}"
    terminal.err.print(f"{done}; {where}", soft_wrap=True)
    return 1
