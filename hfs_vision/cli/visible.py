r"""Text of others on the terminal: what would steer it is shown instead.

A terminal obeys what is printed: a file name may hold a sequence that writes the clipboard, moves
the cursor over what was said, or turns the order of letters around. So the streams of the program
show such characters as ``\x1b`` and the like, whoever writes to them: click, warnings, a library.
Only the consoles of `hfs_vision.cli.terminal` write to the streams below, since their own colours
are such sequences too; they do the same to every text that they are given.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from typing import IO, Any, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

# C0 but tab and newline, DEL and C1; marks of direction; lone surrogates (a name that is no UTF-8).
_STEERING = re.compile(
    "[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)


def visible(text: str) -> str:
    r"""The text with control characters as they are written in Python.

    >>> visible("a\x1b]52;c;eA==\x07.mp4")
    'a\\x1b]52;c;eA==\\x07.mp4'
    """
    return _STEERING.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


class VisibleStream(io.TextIOWrapper):
    """A text stream of the process that shows control characters.

    Attributes:
        below: The stream that passes them on.
    """

    def __init__(self, below: io.TextIOWrapper) -> None:
        self.below = below
        super().__init__(
            below.buffer,
            encoding=below.encoding,
            # A name that the terminal's encoding does not know must not end the program.
            errors="backslashreplace" if below.errors == "strict" else below.errors,
            line_buffering=below.line_buffering,
            write_through=True,
        )
        below.reconfigure(errors=self.errors)

    def close(self) -> None:
        """Leaves the stream below open: it is not ours, and goes with the process."""
        if not self.buffer.closed:
            self.flush()

    def write(self, text: str) -> int:
        """Shows the text; all other ways to write come through here."""
        super().write(visible(text))
        return len(text)


class VisibleConsole(Console):
    """A console whose own sequences reach the terminal, and nobody else's."""

    @property
    def file(self) -> IO[str]:
        """Where it writes to."""
        stream = super().file
        return stream.below if isinstance(stream, VisibleStream) else stream

    @file.setter
    def file(self, new: IO[str]) -> None:
        self._file = new

    def render_str(self, text: str, **options: Any) -> Text:
        """Text of a string. Here too, so that columns are as wide as what is shown."""
        return super().render_str(visible(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """What is to be written, line by line and cell by cell; see `rich.console.Console`."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text), segment.style)


def show_control_characters() -> None:
    """Puts such streams in the place of the process's own, once."""
    sys.stdout, sys.stderr = _over(sys.stdout), _over(sys.stderr)


def _over(stream: TextIO) -> TextIO:
    # Not one of a test's that is no file, nor none at all, as of pythonw.
    if type(stream) is io.TextIOWrapper:
        return VisibleStream(stream)
    return stream
