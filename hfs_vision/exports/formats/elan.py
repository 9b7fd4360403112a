"""An ELAN document (EAF 3.0), which opens by a double click.

Rather than the tab-delimited text that ELAN imports: there the user has to tell it what each
column is, and every time again.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

from hfs_vision.exports.content import Content
from hfs_vision.exports.export_format import ExportJob, text_format
from hfs_vision.results import EventRecord
from hfs_vision.schema import SIDES

MARK_MS = 100
"""An annotation needs a length: a mark gets this one."""

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_MIME_TYPES = {
    "video/mp2t": (".m2t", ".m2ts", ".mts", ".ts"),
    "video/mpeg": (".m2v", ".mod", ".mpe", ".mpeg", ".mpg", ".tod", ".vob"),
    "video/mp4": (".m4v", ".mp4"),
    "video/quicktime": (".mov", ".qt"),
    "video/x-matroska": (".mkv",),
    "video/x-msvideo": (".avi", ".divx"),
    "video/x-ms-wmv": (".asf", ".wmv"),
    "video/dv": (".dv",),
}
_TIMED, _ATTACHED = "movements", "comments"


@dataclass
class Tier:
    """Annotations that do not overlap: begin and end in milliseconds, text, comment."""

    name: str
    rows: list[tuple[int, int, str, str]] = field(default_factory=list)


def elan_xml(content: Content, *, made: datetime | None, media: Path | None, home: Path) -> str:
    """The document: a tier for each side, for segments, times without measurement, and marks.

    ELAN knows milliseconds and no time before zero: times are rounded and, if need be, moved to 0.
    What they count from stands in a property of the header.

    Args:
        content: What to write.
        made: Date of the document, which the format demands; ``None`` writes the year 1970.
        media: The recording, whose place is written; ``None`` leaves it to ELAN's user.
        home: Folder of the document, from where the recording's place is told too.
    """
    root = ET.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "",
            "DATE": made.isoformat(timespec="seconds") if made else "1970-01-01T00:00:00+00:00",
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _XSI,
            "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    header = ET.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if media is not None:
        ET.SubElement(header, "MEDIA_DESCRIPTOR", _media(media, home))
    tiers = [tier for name, rows in _all_rows(content) for tier in _tiers(name, rows)]
    ET.SubElement(header, "PROPERTY", {"NAME": "clock"}).text = content.clock
    _Writer(root, header).write(tiers)
    ET.indent(root)
    body: str = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _media(media: Path, home: Path) -> dict[str, str]:
    found = {
        "MEDIA_URL": media.absolute().as_uri(),
        "MIME_TYPE": _mime_type(media),
    }
    try:
        relative = media.absolute().relative_to(home.absolute())
    except ValueError:
        return found
    return found | {"RELATIVE_MEDIA_URL": f"./{relative.as_posix()}"}


def _mime_type(media: Path) -> str:
    """Not as the system has it, to which ``.ts`` may be a table of translations."""
    ending = media.suffix.lower()
    known = next((name for name, endings in _MIME_TYPES.items() if ending in endings), None)
    guessed = mimetypes.guess_type(media.name)[0] or ""
    return known or (guessed if guessed.startswith("video/") else "video/mp4")


def _all_rows(content: Content) -> Iterable[tuple[str, list[tuple[int, int, str, str]]]]:
    for side in SIDES:
        yield side, [_row(e) for e in content.events if e.event.side == side]
    for kind in ("segment", "not_measured", "mark"):
        rows = []
        for s in content.of_kind(kind):
            begin = _ms(s.start_s)
            end = begin + MARK_MS if kind == "mark" else max(_ms(s.end_s), begin + 1)
            rows.append((begin, end, s.label or kind, ""))
        yield kind, rows


def _row(record: EventRecord) -> tuple[int, int, str, str]:
    event = record.event
    begin = _ms(event.onset_s)
    return begin, max(_ms(event.offset_s), begin + 1), event.kind, record.comment


def _ms(time_s: float) -> int:
    return max(round(1000 * time_s), 0)


def _tiers(name: str, rows: Sequence[tuple[int, int, str, str]]) -> list[Tier]:
    """As many tiers as it takes: on one of ELAN's, nothing may overlap."""
    tiers = [Tier(name)]
    for row in sorted(rows):
        free = next((t for t in tiers if not t.rows or t.rows[-1][1] <= row[0]), None)
        if free is None:
            free = Tier(f"{name} {len(tiers) + 1}")
            tiers.append(free)
        free.rows.append(row)
    return tiers


class _Writer:
    """Numbers annotations and times; comments hang on the annotation that they are about."""

    def __init__(self, root: ET.Element, header: ET.Element) -> None:
        self._root, self._header = root, header
        self._annotations = 0

    def write(self, tiers: Sequence[Tier]) -> None:
        times = ET.SubElement(self._root, "TIME_ORDER")
        moments = sorted({ms for tier in tiers for row in tier.rows for ms in row[:2]})
        slots = {ms: f"ts{i}" for i, ms in enumerate(moments, start=1)}
        for ms, slot in slots.items():
            ET.SubElement(times, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(ms)})
        for tier in tiers:
            self._write_tier(tier, slots)
        last = ET.SubElement(self._header, "PROPERTY", {"NAME": "lastUsedAnnotationId"})
        last.text = str(self._annotations)
        for name, attached in ((_TIMED, False), (_ATTACHED, True)):
            kind = {"LINGUISTIC_TYPE_ID": name, "TIME_ALIGNABLE": str(not attached).lower()}
            if attached:
                kind["CONSTRAINTS"] = "Symbolic_Association"
            ET.SubElement(self._root, "LINGUISTIC_TYPE", kind)
        text = "1-1 association with a parent annotation"
        constraint = {"STEREOTYPE": "Symbolic_Association", "DESCRIPTION": text}
        ET.SubElement(self._root, "CONSTRAINT", constraint)

    def _write_tier(self, tier: Tier, slots: dict[int, str]) -> None:
        timed = {"TIER_ID": tier.name, "LINGUISTIC_TYPE_REF": _TIMED}
        element, comments = ET.SubElement(self._root, "TIER", timed), []
        for begin, end, text, comment in tier.rows:
            place = {"TIME_SLOT_REF1": slots[begin], "TIME_SLOT_REF2": slots[end]}
            number = self._annotate(element, "ALIGNABLE_ANNOTATION", place, text)
            if comment:
                comments.append((number, comment))
        if comments:
            name = f"{tier.name} comments"
            attached = {"TIER_ID": name, "LINGUISTIC_TYPE_REF": _ATTACHED, "PARENT_REF": tier.name}
            element = ET.SubElement(self._root, "TIER", attached)
            for number, comment in comments:
                self._annotate(element, "REF_ANNOTATION", {"ANNOTATION_REF": number}, comment)

    def _annotate(self, tier: ET.Element, tag: str, place: dict[str, str], text: str) -> str:
        self._annotations += 1
        number = f"a{self._annotations}"
        annotation = ET.SubElement(tier, "ANNOTATION")
        inner = ET.SubElement(annotation, tag, {"ANNOTATION_ID": number, **place})
        ET.SubElement(inner, "ANNOTATION_VALUE").text = text
        return number


def _texts(content: Content, _: str, job: ExportJob) -> tuple[str]:
    made = None if job.request.deidentify else datetime.now(timezone.utc)
    return (elan_xml(content, made=made, media=job.request.media, home=job.out),)


FORMAT = text_format("elan", "ELAN", (".eaf",), _texts, ("media",))
