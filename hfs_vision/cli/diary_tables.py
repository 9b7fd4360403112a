"""What ``hfs-vision diary list`` and ``diary show`` print."""

from __future__ import annotations

import math
from pathlib import Path

from rich.table import Table

from hfs_vision.cli import terminal
from hfs_vision.diary import Diary, SegmentCounts, SessionRecord, Treatment
from hfs_vision.diary.dates import open_zone
from hfs_vision.diary.importing import tables_sha256
from hfs_vision.exports.content import plain
from hfs_vision.schema import KINDS, SIDES


def show_list(diary: Diary) -> None:
    """Sessions and treatments in order of time, on the diary's own calendar."""
    zone = open_zone(diary.timezone)
    rows = [
        (session.started_utc.astimezone(zone).strftime("%Y-%m-%d %H:%M"), _session_cells(session))
        for session in diary.sessions
    ]
    rows += [(f"{t.date}", _treatment_cells(t)) for t in diary.treatments]
    table = Table(title=f"{plain(diary.person)}, affected side: {diary.affected_side}")
    for name in ("date", "what"):
        table.add_column(name, no_wrap=True)
    for name in (*(f"{side}\nper min" for side in SIDES), "valid\nmin"):
        table.add_column(name, justify="right")
    table.add_column("remarks", overflow="fold")
    for when, cells in sorted(rows, key=lambda row: row[0]):
        table.add_row(when, *cells)
    for bad in diary.bad:
        table.add_row("bad", f"{bad.what} {bad.number}", "", "", "", plain(bad.reason))
    terminal.show_table(table)
    terminal.out.print(f"Times are those of {diary.timezone}. Sides are the subject's own.")
    terminal.show_warnings([plain(bad.told) for bad in diary.bad])


def show_session(session: SessionRecord, timezone: str, home: Path) -> None:
    """One session whole; paths count from ``home``."""
    local = session.started_utc.astimezone(open_zone(timezone))
    terminal.out.print(f"session {session.number}, {local:%Y-%m-%d %H:%M} ({timezone})")
    for segment in session.segments:
        terminal.out.print(_counts_table(segment))
    picture = f"{session.width} x {session.height} pixels" if session.width else ""
    facts = {
        "device": session.device,
        "protocol": session.protocol,
        "note": session.note,
        "events": "corrected by a person" if session.reviewed else "as the program found them",
        "recording": "not analysed to its end" if session.partial else "",
        "length": _number(session.duration_s, 1, " s"),
        "frames per second": _number(session.fps, 1),
        "face": _number(session.face_px, 0, " px"),
        "picture": picture,
        "landmark model": session.landmarker,
        "hfs_vision": session.hfs_vision,
        "settings (SHA-256)": session.settings_sha256 or "",
        "recording (SHA-256)": session.sha256 or "",
        "result": _result(session, home),
    }
    for name, value in facts.items():
        if value:
            terminal.out.print(f"{name}: {plain(value)}", soft_wrap=True)
    terminal.show_warnings([plain(text) for text in session.warnings])


def per_minute(segment: SegmentCounts | None, side: str) -> float:
    """All events of a side per minute of valid time; NaN without any."""
    if segment is None or not segment.valid_s > 0:
        return math.nan
    return 60 * sum(segment.counts[side, kind] for kind in KINDS) / segment.valid_s


def _session_cells(session: SessionRecord) -> list[str]:
    whole = session.segment("")
    remarks = [
        "corrected" if session.reviewed else "",
        "partial" if session.partial else "",
        session.protocol,
        session.note,
    ]
    return [
        f"session {session.number}",
        *(_number(per_minute(whole, side), 1) or "-" for side in SIDES),
        _number(whole.valid_s / 60, 1) if whole else "-",
        plain("; ".join(filter(None, remarks))),
    ]


def _treatment_cells(treatment: Treatment) -> list[str]:
    given = (treatment.product, treatment.units, treatment.sites, treatment.text)
    kind = "" if treatment.kind == "note" else treatment.kind.replace("_", " ")
    what = "note" if treatment.kind == "note" else "treatment"
    remarks = "; ".join(filter(None, (kind, *given)))
    return [f"{what} {treatment.number}", "", "", "", plain(remarks)]


def _counts_table(segment: SegmentCounts) -> Table:
    label = plain(segment.label) or "whole session"
    table = Table(title=f"{label}, {segment.valid_s:.1f} s of valid time", title_justify="left")
    table.add_column("kind")
    for side in SIDES:
        table.add_column(f"{side}\ncount", justify="right")
        table.add_column("\nper min", justify="right")
        table.add_column("\n% of time", justify="right")
    valid_s = segment.valid_s if segment.valid_s > 0 else math.nan
    for kind in (*KINDS, "all"):
        cells = []
        for side in SIDES:
            keys = [(side, each) for each in (KINDS if kind == "all" else (kind,))]
            count, time_s = (
                sum(of[key] for key in keys) for of in (segment.counts, segment.time_s)
            )
            rates = (60 * count / valid_s, 100 * time_s / valid_s)
            cells += [str(count), *(_number(rate, 1) or "-" for rate in rates)]
        if kind == "all":
            table.add_section()
        table.add_row(kind, *cells)
    return table


def _result(session: SessionRecord, home: Path) -> str:
    if session.result is None:
        return "none: it came from a table"
    folder = home / session.result
    now = tables_sha256(folder)
    if now is None:
        state = "missing"
    elif now == session.result_sha256:
        state = "as it was added"
    else:
        state = "changed since it was added; hfs-vision diary add --update takes what is there now"
    return f"{folder} ({state})"


def _number(value: float, decimals: int, unit: str = "") -> str:
    return "" if math.isnan(value) else f"{value:.{decimals}f}{unit}"
