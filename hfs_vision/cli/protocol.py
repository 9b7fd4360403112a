"""``hfs-vision protocol``: what a recording protocol asks for, and its file to start from."""

from __future__ import annotations

import click
from rich.table import Table

from hfs_vision.cli import terminal
from hfs_vision.live.protocol import BUILT_IN, Protocol, open_protocol, protocol_file
from hfs_vision.results.formatting import clock

_EXAMPLES = """\b
  hfs-vision protocol clinical --csv > mine.csv   a copy to edit
  hfs-vision protocol mine.csv                    is it right, how long does it take?
  hfs-vision live --protocol mine.csv             lead through it
"""


@click.command("protocol", epilog=_EXAMPLES)
@click.argument("name_or_file", default=BUILT_IN[0])
@click.option(
    "--csv", "as_csv", is_flag=True, help="Print the file itself, to make your own one from."
)
def protocol_command(name_or_file: str, as_csv: bool) -> None:
    """Shows the steps of a recording protocol: a built-in one (clinical), or a CSV file."""
    protocol = open_protocol(name_or_file)
    if as_csv:
        click.echo(protocol_file(name_or_file).read_bytes(), nl=False)
    else:
        _show(protocol)


def _show(protocol: Protocol) -> None:
    table = Table(title=f"Protocol {protocol.name}")
    for name in ("step", "start", "length", "pause"):
        table.add_column(name, justify="right")
    table.add_column("label", overflow="fold")
    table.add_column("prompt", overflow="fold")
    for number, (step, start_s) in enumerate(zip(protocol.steps, protocol.starts_s, strict=True)):
        times = f"{step.repeat} x " if step.repeat > 1 else ""
        table.add_row(
            str(number + 1),
            clock(start_s),
            f"{times}{step.seconds:g} s",
            f"{step.pause_s:g} s" if step.pause_s else "",
            step.label,
            step.prompt,
        )
    terminal.show_table(table)
    terminal.out.print(f"{len(protocol.steps)} steps, {clock(protocol.duration_s)} in all")
