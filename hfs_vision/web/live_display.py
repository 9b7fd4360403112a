"""Where a running session and the page's server meet; each in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from hfs_vision.errors import UsageError
from hfs_vision.live import Action, Session, View
from hfs_vision.web.live_messages import Message, broken_off, ended, moment, waiting
from hfs_vision.web.live_pictures import JpegEncoder

_MESSAGE_S = 1 / 20
_PICTURE_S = 1 / 20
"""Times between two messages to one page, and between two pictures: the eye asks for no more, and
each takes time from the session where processors are few."""

_ALIVE_S = 1.0
_TAKEN_S = 2.0
_MOST_ASKED = 100


@dataclass(frozen=True)
class DisplayedView:
    """What there is to be looked at.

    Attributes:
        number: Grows with each moment.
        view: The moment; ``None`` before the first picture.
        last: The last message, once the session is over.
    """

    number: int = 0
    view: View | None = None
    last: Message | None = None


class PageDisplay:
    """Shows a session to any number of pages; a `hfs_vision.live.Display`.

    The session's thread leaves each moment here and goes on; nothing is encoded, sent or waited
    for in it. The server's thread takes the newest when a page has room for it, and what came
    between is never seen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown = DisplayedView()
        self._asked: list[Action] = []
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._streams = 0
        self._pictures = _Pictures()
        self.quit_asked = False

    # The session's thread ------------------------------------------------------------------

    def show(self, view: View) -> Sequence[Action]:
        """Leaves a moment to the pages and gives back what they asked for since the last one."""
        with self._lock:
            asked, self._asked = self._asked, []
            self._leave(DisplayedView(self._shown.number + 1, view))
        return asked

    def finish(self, session: Session) -> None:
        """Tells the pages what the session came to."""
        self._end(ended(session))

    def close(self, wait_s: float = 1.0) -> None:
        """Ends all streams, and waits so long for the pages to have got the last message."""
        self._end(broken_off())
        until = time.monotonic() + wait_s
        while self._streams and time.monotonic() < until:
            time.sleep(0.01)

    def _end(self, last: Message) -> None:
        with self._lock:
            if self._shown.last is None:
                self._leave(DisplayedView(self._shown.number + 1, self._shown.view, last))

    def _leave(self, shown: DisplayedView) -> None:
        self._shown = shown
        waiters, self._waiters = self._waiters, []
        for loop, event in waiters:
            with contextlib.suppress(RuntimeError):  # a server that has ended
                loop.call_soon_threadsafe(event.set)

    # The server's thread -------------------------------------------------------------------

    async def ask(self, action: Action) -> None:
        """Hands an action to the session, and waits until it was taken.

        Raises:
            UsageError: The session is over, or takes nothing.
        """
        with self._lock:
            if self._shown.last is not None:
                raise UsageError("the session is over")
            if len(self._asked) >= _MOST_ASKED:
                raise UsageError("the session is busy: try again in a moment")
            self._asked.append(action)
            number = self._shown.number
        if action.kind == "quit":
            self.quit_asked = True
        await self._newer(number, _TAKEN_S)

    async def messages(self) -> AsyncIterator[Message]:
        """What one page is told, from now to the end of the session."""
        number, after_s = -1, -math.inf
        self._streams += 1
        try:
            while True:
                shown = await self._newer(number, _ALIVE_S)
                if shown.last is not None:
                    yield shown.last
                    return
                number = shown.number
                if shown.view is None:
                    yield waiting()
                    continue
                yield moment(shown.view, after_s)
                if len(shown.view.trace):
                    after_s = float(shown.view.trace.time_s[-1])
                await asyncio.sleep(_MESSAGE_S)
        finally:
            self._streams -= 1

    async def picture(self, after: int) -> tuple[DisplayedView, bytes] | None:
        """The newest picture once it is another than the one numbered so, as a JPEG.

        ``None`` where none comes within a second, or none comes any more.
        """
        kept = self._pictures.newer(after)
        if kept is not None:
            return kept
        await asyncio.sleep(self._pictures.due_s)
        shown = await self._newer(after, _ALIVE_S)
        if shown.view is None or shown.number <= after or shown.last is not None:
            return None
        return self._pictures.newer(after) or self._pictures.make(shown, shown.view)

    async def _newer(self, number: int, wait_s: float) -> DisplayedView:
        """What there is once it is newer than that, or after a while."""
        event = asyncio.Event()
        waiter = asyncio.get_running_loop(), event
        with self._lock:
            if self._shown.number > number:
                return self._shown
            self._waiters.append(waiter)
        try:
            await asyncio.wait_for(event.wait(), wait_s)
        except asyncio.TimeoutError:
            pass
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._waiters.remove(waiter)
        return self._shown


class _Pictures:
    """The last picture that was encoded, for all pages; used in the server's thread alone."""

    def __init__(self) -> None:
        self._encode = JpegEncoder()
        self._last: tuple[DisplayedView, bytes] | None = None
        self._made_s = -math.inf

    @property
    def due_s(self) -> float:
        """How long until the next one may be made."""
        return max(self._made_s + _PICTURE_S - time.monotonic(), 0.0)

    def newer(self, after: int) -> tuple[DisplayedView, bytes] | None:
        """The last one, if it is newer than that."""
        return self._last if self._last is not None and self._last[0].number > after else None

    def make(self, shown: DisplayedView, view: View) -> tuple[DisplayedView, bytes]:
        """Encodes a moment's picture."""
        self._made_s = time.monotonic()
        last = self._last
        if last is not None and last[0].view is not None and last[0].view.rgb is view.rgb:
            self._last = shown, last[1]  # the camera is lost, or slower than we are
        else:
            self._last = shown, self._encode(view.rgb)
        return self._last
