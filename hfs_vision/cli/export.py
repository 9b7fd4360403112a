"""``hfs-vision export``: results in the forms of other tools."""

from __future__ import annotations

from pathlib import Path

import click

from hfs_vision.cli import terminal
from hfs_vision.exports import FORMATS, ExportRequest, export

_MOST_SHOWN = 12


_TITLES = [form.title for form in FORMATS.values()]


def _with(option: str) -> str:
    """Names of the forms that take an option."""
    return ", ".join(form.name for form in FORMATS.values() if option in form.options)


@click.command(
    "export",
    help=f"""Writes results for {", ".join(_TITLES[:-1])} or {_TITLES[-1]} readers.

    DIR is a result folder; its corrected events are taken where there are any. bids and parquet
    put several into one dataset, the others write files for each. docs/export.md describes them.
    """,
)
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    metavar="DIR...",
    type=click.Path(path_type=Path),
)
@click.option("--to", type=click.Choice(list(FORMATS)), required=True, help="Which form.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the files.  [default: DIR with the form as its ending, beside it]",
)
@click.option(
    "--deidentify",
    is_flag=True,
    help="Leave out names, paths, dates and free text.",
)
@click.option("--force", is_flag=True, help="Replace files that are already there.")
@click.option(
    "--machine", is_flag=True, help="The program's own events, though a person corrected them."
)
@click.option(
    "--media",
    type=click.Path(path_type=Path),
    help=f"{_with('media')}: the recording; its place or name is then in the files.",
)
@click.option(
    "--subject",
    "subjects",
    multiple=True,
    metavar="LABEL",
    help=f"{_with('subject')}: the subject; several times for several DIRs.  [default: 01, 02 ...]",
)
@click.option(
    "--session",
    "sessions",
    multiple=True,
    metavar="LABEL",
    help=f"{_with('session')}: the session; several times for several DIRs.",
)
@click.option("--task", default="face", show_default=True, metavar="LABEL", help="bids: the task.")
def export_command(
    folders: tuple[Path, ...],
    to: str,
    out: Path | None,
    deidentify: bool,
    force: bool,
    machine: bool,
    media: Path | None,
    subjects: tuple[str, ...],
    sessions: tuple[str, ...],
    task: str,
) -> None:
    """Exports and says which files there are."""
    done = export(
        ExportRequest(
            folders=folders,
            to=to,
            out=out,
            deidentify=deidentify,
            force=force,
            machine=machine,
            media=media,
            subjects=subjects,
            sessions=sessions,
            task=task,
        )
    )
    for name in done.files[:_MOST_SHOWN]:
        terminal.out.print(str(name), soft_wrap=True)
    if len(done.files) > _MOST_SHOWN:
        terminal.out.print(f"... and {len(done.files) - _MOST_SHOWN} more")
    n = len(done.files)
    terminal.out.print(f"{n} file{'s are' if n > 1 else ' is'} in {done.out}", soft_wrap=True)
    terminal.show_warnings(done.warnings)
