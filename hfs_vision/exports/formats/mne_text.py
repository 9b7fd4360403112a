"""Annotations as `mne.read_annotations` reads them, in its text form.

Not in its CSV form: there onsets that are numbers are taken as milliseconds. The reader knows
ASCII alone, and commas and ``#`` part its columns, so labels and comments are spelt without them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from hfs_vision.exports.content import Content
from hfs_vision.exports.export_format import text_format

SUFFIX = "_annot.txt"
"""MNE asks for this ending."""

NOT_MEASURED = "BAD_no_face"
"""MNE leaves out times whose description begins with BAD."""


def mne_text(content: Content) -> str:
    """``KIND/SIDE``, ``BAD_no_face``, ``segment/LABEL``, ``mark/LABEL`` and ``comment/TEXT``.

    Where it is known when the session started, ``orig_time`` says it.
    """
    lines = ["# MNE-Annotations"]
    if content.started_utc is not None:
        # Without the microseconds MNE takes it for no time at all.
        lines.append(f"# orig_time : {content.started_utc:%Y-%m-%d %H:%M:%S.%f}")
    lines.append(f"# {content.clock}")
    lines.append("# onset, duration, description")
    rows = sorted(_rows(content), key=lambda row: row[0])
    lines += [f"{onset_s:.6f},{duration_s:.6f},{text}" for onset_s, duration_s, text in rows]
    return "\n".join(lines) + "\n"


def _rows(content: Content) -> Iterator[tuple[float, float, str]]:
    for stretch in content.stretches:
        what = NOT_MEASURED if stretch.kind == "not_measured" else stretch.kind
        if label := _spelt(stretch.label):
            what = f"{what}/{label}"
        yield stretch.start_s, stretch.end_s - stretch.start_s, what
    for record in content.events:
        event = record.event
        yield event.onset_s, event.duration_s, f"{event.kind}/{event.side}"
        if comment := _spelt(record.comment):
            yield event.onset_s, event.duration_s, f"comment/{comment}"


def _spelt(text: str) -> str:
    r"""The text in ASCII.

    >>> _spelt("müde, 50 % #2 \u65e5")
    'mude; 50 % no.2 ?'
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    bare = bare.encode("ascii", "replace").decode("ascii")
    return " ".join(bare.replace(",", ";").replace("#", "no.").split())


FORMAT = text_format("mne", "MNE", (SUFFIX,), lambda content, *_: (mne_text(content),))
