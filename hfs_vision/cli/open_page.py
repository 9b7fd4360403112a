"""What the commands that show a page share: the libraries it needs, its address, the browser."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable

import click

from hfs_vision.cli import terminal
from hfs_vision.errors import check_extra


def port_option(whose: str = "") -> Callable[[click.decorators.FC], click.decorators.FC]:
    """``--port`` of the page."""
    return click.option(
        "--port",
        type=click.IntRange(0, 65535),
        help=f"Port of the page{whose}.  [default: any free]",
    )


def check_libraries() -> None:
    """Makes sure that a page can be served.

    Raises:
        UsageError: If a library is missing.
    """
    check_extra("the page", ("fastapi", "uvicorn"), "review")


def tell_address(url: str) -> None:
    """Prints the address, by itself on its line and whole, so that it can be copied."""
    click.echo(f"The page is at\n{url}")  # at once also on a pipe
    terminal.err.print("Ctrl-C ends it. Keep the address to yourself: it lets its holder in.")


def open_browser(url_for_once: str) -> None:
    """Opens a browser where it has a screen: not one that takes over the terminal."""
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform in ("win32", "darwin") or screen:
        webbrowser.open(url_for_once)
