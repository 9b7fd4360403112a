"""Where ``hfs-vision live`` shows a session: in a window, on the terminal, or in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfs_vision.cli import terminal
from hfs_vision.cli.open_page import check_libraries, open_browser, tell_address
from hfs_vision.errors import UsageError
from hfs_vision.live import Action, Display, Session, View, Window

if TYPE_CHECKING:
    from hfs_vision.web.live_display import PageDisplay


def _nothing(_: Session) -> None:
    pass


@dataclass(frozen=True)
class DisplayChoice:
    """Where a session is shown.

    Attributes:
        display: Takes its moments.
        end_asked: Whether the user has asked there to end it, the first picture or not.
        finish: To be told what it came to.
    """

    display: Display
    end_asked: Callable[[], bool] = lambda: False
    finish: Callable[[Session], None] = _nothing


@dataclass(frozen=True)
class Wanted:
    """What the options say of it.

    Attributes:
        no_display: On the terminal alone.
        web: In the browser.
        port: Of the page; ``None`` if not given.
        no_browser: Only print the address of the page.
    """

    no_display: bool
    web: bool
    port: int | None
    no_browser: bool

    def check(self) -> None:
        """Makes sure that it can be had, as far as that is known before a camera is opened.

        Raises:
            UsageError: If it cannot.
        """
        if self.web and self.no_display:
            raise UsageError("--web and --no-display exclude each other: give one of them")
        for name, given in (("--port", self.port is not None), ("--no-browser", self.no_browser)):
            if given and not self.web:
                raise UsageError(f"{name} belongs to the page: give --web too")
        if self.web:
            check_libraries()


@contextmanager
def open_display(wanted: Wanted) -> Iterator[DisplayChoice]:
    """Opens it until the block ends.

    Raises:
        UsageError: If no window can be opened.
        OutputError: If the page's port is taken.
    """
    if wanted.web:
        with _page(wanted) as place:
            yield place
    elif wanted.no_display:
        with terminal.live_status() as status:
            yield DisplayChoice(_Terminal(status))
    else:
        window = Window("hfs_vision")
        try:
            yield DisplayChoice(window)
        finally:
            window.close()


@contextmanager
def _page(wanted: Wanted) -> Iterator[DisplayChoice]:
    # Not above: the other displays need no server.
    from hfs_vision.web.live import create_live_app
    from hfs_vision.web.live_display import PageDisplay
    from hfs_vision.web.server import LocalServer

    page = PageDisplay()
    with LocalServer(create_live_app(page), port=wanted.port or 0) as server:
        tell_address(server.url)
        if not wanted.no_browser:
            open_browser(server.url_for_once)
        try:
            with terminal.live_status() as status:
                shown = _PageAndTerminal(page, _Terminal(status))
                yield DisplayChoice(shown, lambda: page.quit_asked, page.finish)
        finally:
            page.close()


class _Terminal:
    """One line of state on standard error, instead of a window."""

    def __init__(self, status: terminal.LiveStatus) -> None:
        self._status = status

    def show(self, view: View) -> Sequence[Action]:
        """Shows how the session stands; nothing can be asked for here."""
        self._status.show(view)
        return ()


class _PageAndTerminal:
    """The line of state as well: it tells that the session goes on where no page is open."""

    def __init__(self, page: PageDisplay, line: _Terminal) -> None:
        self._page, self._line = page, line

    def show(self, view: View) -> Sequence[Action]:
        """Shows a moment on both; asked for is what the page asks for."""
        self._line.show(view)
        return self._page.show(view)
