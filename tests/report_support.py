"""What the tests of the report share: a page read back, and where its marks stand."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from hfs_vision.analysis.pipeline import detect
from hfs_vision.analysis.result import Analysis
from hfs_vision.report import make_report
from hfs_vision.results import EventRecord, read_folder, write_reviewed
from tests.synthetic import Recording

SVG = "{http://www.w3.org/2000/svg}"


class Page(HTMLParser):
    """Tables by id, tags with their attributes, and the visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.tables, self.tags, self.words = text, {}, [], []
        self._rows: list[list[str]] = []
        self._skip = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._skip = tag == "style"
        if tag == "table":
            self._rows = self.tables.setdefault(dict(attrs)["id"], [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "br":
            self.handle_data(" ")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        self._skip = False
        if tag == "table":
            self._rows = []

    def handle_data(self, data):
        if not self._skip:
            self.words.append(data)
        if self._rows and self._rows[-1]:
            self._rows[-1][-1] += data

    def table(self, name: str) -> list[list[str]]:
        return [[" ".join(cell.split()) for cell in row] for row in self.tables[name]]

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.words).split())

    def figure(self, name: str) -> ElementTree.Element:
        found = re.search(rf'<svg [^>]*"{name}-title .*?</svg>', self.text, re.DOTALL)
        assert found, name
        return ElementTree.fromstring(found[0])


def part(figure: ElementTree.Element, gid: str) -> ElementTree.Element:
    found = [g for g in figure.iter() if g.get("id") == gid]
    assert len(found) == 1, gid
    return found[0]


def points(element: ElementTree.Element) -> np.ndarray:
    """Corners of all paths in an element."""
    drawn = " ".join(path.get("d", "") for path in element.iter(f"{SVG}path"))
    return np.array(re.findall(r"-?\d+\.?\d*", drawn), dtype=float).reshape(-1, 2)


def seconds(text: str) -> float:
    sign = -1 if text.startswith(("-", "\N{MINUS SIGN}")) else 1
    value = 0.0
    for unit in text.lstrip("-\N{MINUS SIGN}").split(":"):
        value = 60 * value + float(unit)
    return sign * value


def scale(axes: ElementTree.Element, axis: str = "x") -> np.ndarray:
    """Slope and offset that turn a place along an axis into the value that its ticks tell."""
    told = []
    for tick in axes.iter(f"{SVG}g"):
        if re.search(rf"-{axis}tick_\d+$", tick.get("id", "")):
            text = "".join(tick.itertext()).strip()
            told.append((float(next(tick.iter(f"{SVG}use")).get(axis)), seconds(text)))
    assert len(told) > 1
    return np.polyfit(*zip(*told, strict=True), 1)


def span(axes: ElementTree.Element, gid: str) -> tuple[float, float]:
    """From when to when a mark is drawn, as the axis tells."""
    x = np.polyval(scale(axes), points(part(axes, gid))[:, 0])
    return float(x.min()), float(x.max())


def saved(recording: Recording, folder: Path) -> tuple[Analysis, Path]:
    analysis = detect(recording.measured())
    analysis.save(folder)
    return analysis, folder


def page_of(folder: Path) -> Page:
    return Page(make_report(read_folder(folder)))


def made() -> Analysis:
    """An event of the left eye, two of the right side, a blink, and five seconds without a face."""
    recording = Recording(50.0).lid(0, 12.0, 0.4).pull(1, 20.0, 1.5).lid(1, 40.0, 0.3)
    return detect(recording.both_lids(35.0).without_face(25.0, 5.0).measured())


def review(folder: Path, analysis: Analysis, **said: str) -> None:
    """Accepts the first event, rejects the second, adds one, and leaves the third."""
    first, second, third = (replace(event, twitches=()) for event in analysis.events)
    missing = dict.fromkeys(("score", "confidence", "closure", "excursion"), math.nan)
    added = replace(first, side="left", region="mouth", onset_s=5.0, offset_s=5.5, **missing)
    rows = [
        EventRecord(1, first, "accepted", **said),
        EventRecord(2, second, "rejected"),
        EventRecord(3, third),
        EventRecord(4, added, "added"),
    ]
    with (folder / "events.reviewed.csv").open("w", newline="", encoding="utf-8") as handle:
        write_reviewed(handle, rows)
