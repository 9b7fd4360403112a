"""``hfs-vision check`` and ``hfs-vision guide``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from hfs_vision.cli import terminal
from hfs_vision.cli.camera_url import read_url, url_options
from hfs_vision.cli.live_source import LiveRequest
from hfs_vision.cli.options import FPS, FiniteRange, landmarker_options
from hfs_vision.errors import UsageError
from hfs_vision.evaluation.write_scores import check_file, write_file
from hfs_vision.live import session_clock
from hfs_vision.quality import (
    FIX,
    TOPICS,
    YOURS,
    Check,
    check_live,
    check_recording,
    guide_text,
)
from hfs_vision.results import write_json
from hfs_vision.schema import NOT_A_DEVICE
from hfs_vision.support.interrupts import stop_on_signal

_SIGNS = {FIX: "!! fix", YOURS: "?  look"}


@click.command("check")
@click.argument("video", required=False, type=click.Path(path_type=Path))
@click.option("--camera", metavar="INDEX|NAME", help="A camera instead; see hfs-vision cameras.")
@url_options("A network camera instead: http:// (MJPEG) or rtsp://.")
@click.option(
    "--seconds",
    type=FiniteRange(1.0, 600.0),
    default=10.0,
    show_default=True,
    help="How many seconds to examine; in a longer recording, at three places.",
)
@click.option("--size", metavar="WIDTHxHEIGHT", help="Ask the camera for it.  [default: 640x480]")
@click.option(
    "--fps",
    type=FPS,
    help="Ask the camera for it; or frames per second of a folder of images.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write the findings to this file."
)
@click.option("--force", is_flag=True, help="Replace that file if it exists.")
@landmarker_options
def check_command(
    video: Path | None,
    camera: str | None,
    url: str | None,
    url_file: Path | None,
    seconds: float,
    size: str | None,
    fps: float | None,
    json_file: Path | None,
    force: bool,
    landmarker: str,
    model: Path | None,
    subject: tuple[float, float] | None,
) -> int:
    """Looks at some seconds of VIDEO, or of a camera, and says what to fix before counting.

    Exit code 0: nothing must be fixed. 1: something must, or it cannot be read. 2: the call is
    wrong. Nothing is stored but the file that --json names, which holds no name and no picture.
    """
    url = read_url(url, url_file)
    if sum(given is not None for given in (video, camera, url)) != 1:
        raise UsageError("give one of VIDEO, --camera and --url")
    if video is not None and size is not None:
        raise UsageError("--size is asked of a camera: a recording has its own")
    if json_file is not None:
        check_file(json_file, force=force)
    choice: dict[str, Any] = {
        "seconds": seconds,
        "landmarker": landmarker,
        "model": model,
        "subject": subject,
    }
    look: Callable[..., Check]
    if video is not None:
        look = partial(check_recording, video, fps=fps, **choice)
    else:
        clock = session_clock()
        source = LiveRequest(camera=camera, url=url, size=size, fps=fps).open(clock)
        look = partial(check_live, source, clock=clock, **choice)
    with stop_on_signal() as caught, _progress(seconds) as progress:
        found = look(progress=progress, stop=lambda: bool(caught))
    if json_file is not None:
        values = {"notice": NOT_A_DEVICE, **found.as_dict(), "versions": _versions()}
        write_file(json_file, partial(write_json, values=values))
    show_check(found)
    return 128 + caught[0] if caught else int(not found.good)


@click.command("guide")
def guide_command() -> None:
    """Prints how to record: distance, light, frame rate, filters, what to do, how long."""
    terminal.out.print(Markdown(guide_text(), hyperlinks=False))
    terminal.out.print(Text(f"\n{NOT_A_DEVICE}"))


def show_check(found: Check) -> None:
    """Prints the findings as a table, and the outcome in plain words below."""
    table = Table(title="What the recording is like")
    table.add_column("topic", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("what was found, and what to do", ratio=1)
    for finding in found.findings:
        style = "bold" if finding.verdict == FIX else ""
        advice = f"\n{finding.advice}." if finding.advice else ""
        table.add_row(
            TOPICS[finding.topic],
            Text(_SIGNS.get(finding.verdict, "   ok"), style=style),
            Text(f"{finding.found}{advice}", style=style),
        )
    terminal.show_table(table)
    terminal.out.print(
        f"{found.frames} pictures of {found.seconds:.1f} s looked at"
        f"{' before it was stopped' if found.partial else ''}, {found.source.width}x"
        f"{found.source.height}."
    )
    terminal.out.print(Text(found.words, style="bold"), soft_wrap=True)


def _versions() -> dict[str, str]:
    return {"hfs_vision": version("hfs-vision")}


@contextmanager
def _progress(seconds: float) -> Iterator[Callable[[float], None]]:
    """A bar over the seconds looked at, on standard error; a log file gets none."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"))
    console = terminal.err
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("looking", total=seconds, done="loading the landmark model")

        def show(done_s: float) -> None:
            bar.update(task, completed=done_s, done=f"{done_s:.0f} of {seconds:.0f} s")

        yield show
        bar.update(task, visible=False)
