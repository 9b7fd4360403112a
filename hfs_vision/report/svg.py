"""Figures -> inline SVG that follows the page's colours and tells what each of its marks is.

Colours in a figure are names of roles. The page's style sheet says what they look like on a light
screen, on a dark one and on paper.
"""

from __future__ import annotations

import html
import io
import logging
import re
import threading
import warnings
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from hfs_vision.schema import SIDES

INK, FAINT, GRID, GAP = "#010101", "#010102", "#010103", "#010104"
FILL = dict(zip(SIDES, ("#010105", "#010106"), strict=True))
"""Area of a side: its colour as it is everywhere in the program."""

LINE = dict(zip(SIDES, ("#010107", "#010108"), strict=True))
"""Line of a side: of the same hue, and dark enough for a thin line on white paper."""

DASHES = dict(zip(SIDES, ("-", (0, (4.0, 1.6))), strict=True))
"""How lines of the sides differ where there are no colours."""

_ROLES = {
    INK: "currentColor",
    FAINT: "var(--faint)",
    GRID: "var(--grid)",
    GAP: "var(--gap)",
    FILL["left"]: "var(--left)",
    FILL["right"]: "var(--right)",
    LINE["left"]: "var(--left-line)",
    LINE["right"]: "var(--right-line)",
}

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 8.0,
    "text.color": INK,
    "text.parse_math": False,  # a label is a text, also with a dollar sign in it
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify": False,  # a peak must not be lost
}

_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_TAG = re.compile(r"<[^>]*>")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r'(\bid="|href="#|url\(#)')
_MARK = re.compile(r'<g id="([^"]*)">')
_COLOUR = re.compile("|".join(_ROLES))

_lock = threading.Lock()  # the library's settings are those of the whole process


class Drawing:
    """The library's settings while figures are made; figures are made in one thread at a time."""

    def __enter__(self) -> None:
        _lock.acquire()
        # It tells of fonts that it looks for: what is shown is set in the reader's own.
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        self._style = mpl.rc_context(_STYLE)
        self._style.__enter__()
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.filterwarnings("ignore", message="Glyph ", category=UserWarning)

    def __exit__(self, *error: object) -> None:
        self._warnings.__exit__(None, None, None)
        self._style.__exit__(None, None, None)
        _lock.release()


def render(
    figure: Figure,
    name: str,
    *,
    title: str,
    description: str,
    marks: Mapping[str, str] | None = None,
) -> str:
    """The figure as an ``<svg>`` element, the same for the same figure.

    Args:
        figure: Drawn in the colours of this module, within `Drawing`.
        name: Unique in the page; starts every id of the element.
        title: What the figure is.
        description: What it shows, for those who cannot see it.
        marks: What a mark is, by the gid of its artist; shown where one points at it.
    """
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": f"hfs-vision-{name}"}):
        figure.savefig(text, format="svg", metadata=_NO_METADATA)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].rstrip()
    told = {gid: html.escape(printable(what)) for gid, what in (marks or {}).items()}

    def tidy(found: re.Match[str]) -> str:
        tag = _COLOUR.sub(lambda colour: _ROLES[colour[0]], found[0])
        tag = _NUMBER.sub(_shorter, tag)
        mark = _MARK.fullmatch(tag)
        tag = _REFERENCE.sub(rf"\g<1>{name}-", tag)
        return f"{tag}<title>{told[mark[1]]}</title>" if mark and mark[1] in told else tag

    head, _, body = _TAG.sub(tidy, svg).partition(">")
    box = re.search(r'viewBox="[^"]*"', head)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{box[0] if box else ""} role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{html.escape(title)}</title>'
        f'<desc id="{name}-desc">{html.escape(description)}</desc>{body}'
    )


def printable(text: str) -> str:
    r"""A text without what no drawing can hold: control characters, line ends.

    >>> printable("a\x00b\nc")
    'a b c'
    """
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _shorter(number: re.Match[str]) -> str:
    """A hundredth of a point is finer than anything can be printed."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
