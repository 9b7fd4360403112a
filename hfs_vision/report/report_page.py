"""Puts words, tables and figures into the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hfs_vision.regions import FACE_REGIONS
from hfs_vision.report import figures, numbers
from hfs_vision.report.rates import Bin, rates_over_time
from hfs_vision.report.svg import Drawing, render
from hfs_vision.report.templates import make_page, spoken
from hfs_vision.report.timeline import mark_name, timeline
from hfs_vision.report.traces import choose, mark_id
from hfs_vision.results import EventRecord, ResultFolder
from hfs_vision.results.formatting import clock
from hfs_vision.schema import KINDS, SIDES

_TEMPLATE = "page.html"


def render_page(folder: ResultFolder) -> str:
    """The whole page; see `hfs_vision.report.make_report`."""
    found = numbers.overview(folder)
    chosen = choose(found.items) if len(folder.signals) > 1 else []
    bins = rates_over_time(found.events, folder.frame_times, found.start_s, found.end_s)
    with Drawing():
        drawn = _figures(found, chosen, bins)
    values = {
        "found": found,
        "summary": folder.summary,
        "partial": folder.summary.partial,
        "warnings": _warnings(folder),
        "rows": numbers.count_rows(found),
        "marks": [mark for mark in folder.marks if mark.kind != "segment"],
        "stretches": numbers.stretches(found),
        "spreads": numbers.spreads(found),
        "facts": numbers.facts(found),
        "versions": numbers.versions(found),
        "settings": numbers.setting_rows(found),
        "chosen": chosen,
        "bins": bins,
        "figures": drawn,
        "SIDES": SIDES,
        "KINDS": KINDS,
        "FACE_REGIONS": FACE_REGIONS,
    }
    return make_page(__package__, _TEMPLATE, values, {"clock": clock, "called": mark_name})


def tell(item: EventRecord) -> str:
    """An event in a few words.

    Its number, side and kind, where it is, and what was said of it.
    """
    event = item.event
    verdict = f" ({item.verdict})" if item.verdict else ""
    return (
        f"event {item.number}: {event.side} {spoken(event.kind)} at "
        f"{clock(event.onset_s, decimals=1)}, {event.duration_s:.2f} s{verdict}"
    )


def _warnings(folder: ResultFolder) -> list[str]:
    """What is wrong with the folder, then what makes the counts less certain."""
    return [*folder.warnings, *folder.summary.warnings]


def _figures(found: numbers.Overview, chosen: list[EventRecord], bins: list[Bin]) -> dict[str, str]:
    """Each figure by its name; those that there is nothing to draw of are left out."""
    folder, span = found.folder, (found.start_s, found.end_s)
    told = {mark_id(item): tell(item) for item in found.items}
    told |= {
        f"mark-{number}": f"{mark_name(mark)} at {clock(mark.time_s, decimals=1)}"
        for number, mark in enumerate(folder.marks, start=1)
    }
    drawn = {}
    amplitudes = _amplitudes()
    if found.duration_s > 0:
        drawn["timeline"] = render(
            timeline(found.items, found.missing, folder.marks, *span),
            "timeline",
            title="Events of both sides over the recording",
            description=_counted(found),
            marks=told,
        )
    if found.events:
        drawn["distributions"] = render(
            figures.distributions(found.items),
            "distributions",
            title="How long and how large the events are",
            description=f"Histograms of duration, {amplitudes} of both sides. The table below has "
            "their quartiles.",
        )
    if any(math.isfinite(r.per_min) for b in bins for r in b.rates.values()):
        drawn["rate"] = render(
            figures.rate_figure(bins),
            "rate",
            title="Events per minute of valid time",
            description="Rates of both sides over the recording, with 95 % intervals. The table "
            "below has the numbers.",
        )
    if len(folder.signals) > 1:
        drawn["quality"] = _quality(found, span)
        drawn |= _traces(found, chosen)
    return drawn


def _quality(found: numbers.Overview, span: tuple[float, float]) -> str:
    limits = found.settings.max_yaw_deg, found.settings.max_pitch_deg
    folder = found.folder
    figure = figures.quality(folder.measurements, folder.signals, found.missing, span, limits)
    missing_s = sum(end - start for start, end in found.missing)
    return render(
        figure,
        "quality",
        title="How well the face could be measured",
        description=f"Strips over the recording: face measured or not ({missing_s:.1f} s without), "
        "size of the face, angles of the head, frames per second.",
    )


def _traces(found: numbers.Overview, chosen: list[EventRecord]) -> Mapping[str, str]:
    signals, max_gap_s = found.folder.signals, found.settings.max_gap_s
    limits = figures.amplitude_limits(chosen, signals)
    amplitudes = _amplitudes().capitalize()
    return {
        f"trace-{item.number}": render(
            figures.event_traces(item, signals, limits, max_gap_s),
            f"trace-{item.number}",
            title=f"Traces of {tell(item)}",
            description=f"{amplitudes} of both sides around the event.",
        )
        for item in chosen
    }


def _amplitudes() -> str:
    return " and ".join(region.plot_title for region in FACE_REGIONS)


def _counted(found: numbers.Overview) -> str:
    counts: dict[str, Any] = {
        side: sum(event.side == side for event in found.events) for side in SIDES
    }
    told = ", ".join(f"{side} {counts[side]}" for side in SIDES)
    return f"Counted events: {told}. The table of events below lists them with their times."
