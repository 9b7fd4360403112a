"""``hfs-vision diary trend``."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

import click
from rich.table import Table

from hfs_vision.cli import terminal
from hfs_vision.cli.open_page import check_libraries, open_browser, port_option, tell_address
from hfs_vision.cli.options import diary_argument
from hfs_vision.diary import TREATMENT_KINDS, read_diary
from hfs_vision.diary.paths import diary_file
from hfs_vision.errors import OutputError, UsageError
from hfs_vision.exports.content import plain
from hfs_vision.results import line, write_result
from hfs_vision.support.interrupts import stop_on_signal
from hfs_vision.trend import (
    KIND_CHOICES,
    SIDE_CHOICES,
    WHOLE_NAME,
    Trend,
    TrendOptions,
    build_trend,
)

PAGE_FILE = "trend.html"
TREND_FILES = (PAGE_FILE, "trend.png", "trend.csv", "treatments.csv")

_MOST_ROWS = 12


@click.command("trend")
@diary_argument
@click.option(
    "--side",
    type=click.Choice(SIDE_CHOICES),
    help="Which side is shown.  [default: the affected one, as the diary states it; else both]",
)
@click.option(
    "--kind",
    type=click.Choice(KIND_CHOICES),
    default="all",
    show_default=True,
    help="Which movements are counted.",
)
@click.option(
    "--segment",
    metavar="LABEL",
    help="Which segment of the sessions is compared, such as rest, or "
    f"{WHOLE_NAME} sessions.  [default: rest where most sessions have it, else {WHOLE_NAME}]",
)
@click.option(
    "--since-treatment",
    "since",
    type=click.Choice([kind for kind in TREATMENT_KINDS if kind != "note"]),
    help="Draw over days since the last treatment of this kind, not over the calendar.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write to.  [default: DIARY with .trend for its ending]",
)
@click.option("--web", is_flag=True, help="Show the page in the browser and write nothing.")
@port_option(" of --web")
@click.option("--no-browser", is_flag=True, help="With --web: only print the address.")
def trend_command(
    diary: Path,
    side: str | None,
    kind: str,
    segment: str | None,
    since: str | None,
    out: Path | None,
    web: bool,
    port: int | None,
    no_browser: bool,
) -> int:
    """Draws rates and share of time over months.

    With 95 % intervals, and for each treatment the rates before and after it, and when it began to
    act and wore off. Only sessions of the same segment are compared; a warning says where settings,
    model, camera or framing differ.

    Writes trend.html, which needs no network and prints on A4, trend.png, trend.csv and
    treatments.csv, and replaces those that it wrote before. --web shows the page in the browser
    instead, with a choice of side, kind, segment and axis; only this machine can reach it.
    """
    choice = TrendOptions(side=side, kind=kind, segment=segment, since=since)
    if web:
        if out is not None:
            raise UsageError(
                f"--web writes nothing, so --out {out} has no use: leave out one of both"
            )
        return _serve(diary, choice, port, no_browser)
    folder = diary_file(diary).with_suffix(".trend") if out is None else out
    _check_target(folder)
    known = read_diary(diary)
    gc.freeze()  # else its many records are looked through for garbage again and again
    trend = build_trend(known, choice)
    _write(folder, trend)
    _show(trend)
    terminal.show_warnings([plain(warning) for warning in trend.warnings])
    terminal.out.print(f"{', '.join(TREND_FILES)} are in {folder}", soft_wrap=True)
    return 0


def _serve(diary: Path, choice: TrendOptions, port: int | None, no_browser: bool) -> int:
    check_libraries()
    # Not above: the other commands need neither.
    from hfs_vision.web.server import LocalServer
    from hfs_vision.web.trend import create_app

    build_trend(read_diary(diary), choice)  # what is wrong is told here, before a page is opened
    app = create_app(partial(read_diary, diary), choice)
    with stop_on_signal() as caught, LocalServer(app, port=port or 0) as server:
        tell_address(server.url)
        if not no_browser:
            open_browser(server.url_for_once)
        while not caught:
            time.sleep(0.1)
    return 0


def _check_target(folder: Path) -> None:
    """Refuses a folder that holds files of these names which are not of this program."""
    from hfs_vision.report.templates import GENERATOR

    try:
        there = [name for name in TREND_FILES if (folder / name).exists()]
        page = folder / PAGE_FILE
        known = page.is_file() and GENERATOR.encode() in page.read_bytes()[:4096]
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror or error}") from error
    if there and not known:
        raise UsageError(
            f"{folder / there[0]} is there and no trend of this program: choose another folder by "
            "--out, or move it away"
        )


def _write(folder: Path, trend: Trend) -> None:
    from hfs_vision.trend.figures import picture  # these bring matplotlib
    from hfs_vision.trend.tables import (
        SESSION_COLUMNS,
        TREATMENT_COLUMNS,
        session_rows,
        treatment_rows,
    )
    from hfs_vision.trend.trend_page import trend_page

    page, drawn = trend_page(trend), picture(trend)
    writers: tuple[Callable[[TextIO], None], ...] = (
        partial(_write_text, lines=[page]),
        partial(_write_bytes, content=drawn),
        partial(_write_text, lines=map(line, (SESSION_COLUMNS, *session_rows(trend)))),
        partial(_write_text, lines=map(line, (TREATMENT_COLUMNS, *treatment_rows(trend)))),
    )
    write_result(folder, dict(zip(TREND_FILES, writers, strict=True)), force=True)


def _write_text(handle: TextIO, lines: Iterable[str]) -> None:
    handle.writelines(lines)


def _write_bytes(handle: TextIO, content: bytes) -> None:
    handle.buffer.write(content)


def _show(trend: Trend) -> None:
    """Prints the latest points and what followed the treatments, with 95 % intervals."""
    from hfs_vision.trend.trend_page import point_rows

    shown = trend.shown
    each = "" if not trend.step else f", {trend.step} days each"
    table = Table(title=f"{plain(trend.diary.person)}: latest rates{each}")
    table.add_column("day" if shown.since is None else "days since")
    table.add_column("valid\nmin", justify="right")
    for side in shown.sides:
        table.add_column(f"{side}\nper min", justify="right")
        table.add_column("95 %\ninterval", justify="right")
        table.add_column("% of\ntime", justify="right")
    for row in list(point_rows(trend))[-_MOST_ROWS:]:
        cells = []
        for side in shown.sides:
            rate, share = row.rates[side], row.shares[side]
            cells += [_number(rate[0]), _interval(rate[1:]), _number(share[0])]
        table.add_row(row.when, _number(row.valid_min), *cells)
    terminal.show_table(table)
    for found in _effects(trend) if trend.effects else ():
        terminal.show_table(found)
    terminal.out.print(
        f"kind: {shown.kind}; segment: {plain(shown.segment_name)}; {len(trend.sessions.records)} "
        f"sessions. Rates are per valid minute, with 95 % intervals; sides the person's own, days "
        f"those of {trend.diary.timezone}."
    )


def _effects(trend: Trend) -> list[Table]:
    """Rates before and after the latest treatments, and when they began to act and wore off."""
    more = "; the latest" if len(trend.effects) > _MOST_ROWS else ""
    compared = Table(title=f"Before and after treatments, events per valid minute{more}")
    moments = Table(
        title=f"Days from the treatment to half of the effect, and to half of its loss{more}"
    )
    for table in (compared, moments):
        table.add_column("treatment", no_wrap=True)
    for name in ("before", "after", "difference", "ratio"):
        compared.add_column(name, justify="right", no_wrap=True)
    for name in ("onset", "wearing-off"):
        moments.add_column(name)
    for effect in trend.effects[-_MOST_ROWS:]:
        named = f"{effect.treatment.date} {effect.side}"
        compared.add_row(
            f"{named}\n{effect.treatment.kind.replace('_', ' ')}",
            *(_three(r.per_min, r.low, r.high) for r in (effect.before.rate, effect.after.rate)),
            _three(effect.difference.value, effect.difference.low, effect.difference.high),
            _three(effect.ratio.value, effect.ratio.low, effect.ratio.high, 2),
        )
        moments.add_row(named, effect.onset_said, effect.wearing_off_said)
    return [compared, moments]


def _three(value: float, low: float, high: float, decimals: int = 1) -> str:
    return f"{_number(value, decimals)}\n{_interval((low, high), decimals)}"


def _interval(bounds: Sequence[float], decimals: int = 1) -> str:
    if math.isnan(bounds[0]):
        return ""
    return f"{_number(bounds[0], decimals)} to {_number(bounds[1], decimals)}"


def _number(value: float, decimals: int = 1) -> str:
    return "-" if math.isnan(value) else "any" if math.isinf(value) else f"{value:.{decimals}f}"
