"""Makes the figures of docs/concepts.md anew: what `analyze` measures in the sample videos.

python -m tests.golden.concept_figures
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hfs_vision import Analysis, Event, Settings, analyze, detect
from hfs_vision.core.signals import EXIT_THRESHOLD
from hfs_vision.schema import SIDES, Frame
from hfs_vision.simulate.video_file import write_video
from hfs_vision.video import open_source
from tests.paths import ROOT, SAMPLES

IMAGES = ROOT / "docs" / "images"

_COLOR = {"left": "#1f78ad", "right": "#b36b00"}  # lines of the report
_FILL = {"left": "#56b4e9", "right": "#e69f00"}
_DASHES = {"left": "-", "right": (0, (4.0, 1.6))}
_INK, _FAINT, _GAP = "#1b1f24", "#57606a", "#e7eaed"
_WIDTH_IN = 6.2
_HIDDEN_S = 10.2, 18.0
_LOWEST_SCORE = -1.5
"""Below, a trace only says that the other side moves."""

_STYLE = {
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "svg.hashsalt": "concepts",  # the same data give the same file
}


@dataclass(frozen=True)
class Span:
    """A stretch of a recording that a figure shows."""

    result: Analysis
    start_s: float
    end_s: float

    @property
    def rows(self) -> slice:
        a, b = np.searchsorted(self.result.signals.time_s, (self.start_s, self.end_s))
        return slice(int(a), int(b))

    @property
    def events(self) -> list[Event]:
        inside = (self.start_s, self.end_s)
        return [e for e in self.result.events if inside[0] < e.peak_s < inside[1]]


def main() -> None:
    """Analyses two samples, and one of them once more with the face hidden for a while."""
    spasms = analyze(SAMPLES / "right_hemifacial_spasms.mp4")
    twitches = analyze(SAMPLES / "left_eyelid_twitches.mp4")
    with mpl.rc_context(_STYLE), tempfile.TemporaryDirectory() as folder:
        hidden = Path(folder) / "hidden.mp4"
        write_video(hidden, _hide(SAMPLES / "right_hemifacial_spasms.mp4"))
        for name, figure in {
            "spasm": _spasm(Span(spasms, 24.2, 26.9)),
            "rest": _rest(Span(twitches, 0.0, 10.5)),
            "merging": _merging(twitches, 20.2, 22.4),
            "components": _components(Span(spasms, 5.9, 7.3), Span(spasms, 7.8, 10.4)),
            "valid_time": _valid_time(analyze(hidden)),
            "sides": _sides(_picture(SAMPLES / "right_hemifacial_spasms.mp4", 21.5)),
        }.items():
            path = IMAGES / f"concept_{name}.{'jpg' if name == 'sides' else 'svg'}"
            figure.savefig(path, dpi=140, metadata=None if name == "sides" else {"Date": None})
            print(path)


def _hide(video: Path) -> Iterator[Frame]:
    """The recording with a grey picture instead of the face for some seconds."""
    with open_source(video) as source:
        for frame in source:
            hidden = _HIDDEN_S[0] <= frame.time_s < _HIDDEN_S[1]
            yield replace(frame, rgb=np.full_like(frame.rgb, 110)) if hidden else frame


def _picture(video: Path, time_s: float) -> np.ndarray:
    with open_source(video) as source:
        return next(islice((f.rgb for f in source if f.time_s >= time_s), 1))


# Figures


def _spasm(span: Span) -> Figure:
    """One spasm of lids and mouth beside a blink, from what is measured to what is decided."""
    rows, signals, measured = span.rows, span.result.signals, span.result.measurements
    time_s = signals.time_s[rows]
    panels = (
        ("aperture, iod", measured.aperture[rows]),
        ("closure", signals.closure[rows]),
        ("excursion, iod", signals.excursion[rows]),
        ("score, eye", signals.eye_score[rows]),
        ("score, mouth", signals.mouth_score[rows]),
    )
    figure, axes = _panels(len(panels), 6.6)
    for ax, (label, values) in zip(axes, panels, strict=True):
        _trace(ax, time_s, values, label)
        for event in span.events:
            ax.axvspan(event.onset_s, event.offset_s, color=_GAP, zorder=0)
        if label.startswith("score"):
            _thresholds(ax)
    (blink,) = [b for b in span.result.blinks if span.start_s < b.onset_s < span.end_s]
    (event,) = span.events
    _name(axes[1], (blink.onset_s + blink.offset_s) / 2, "blink: both lids")
    _name(axes[1], event.peak_s, "spasm: one side")
    axes[0].legend(loc="lower left", frameon=False)
    axes[-1].set_xlabel("seconds of the recording; grey: the event, from onset to offset")
    axes[-1].set_xlim(span.start_s, span.end_s)
    return figure


def _rest(span: Span) -> Figure:
    """Apertures, and the open aperture that was learned from them."""
    rows, signals = span.rows, span.result.signals
    aperture, closure = span.result.measurements.aperture[rows], signals.closure[rows]
    time_s = signals.time_s[rows]
    # Closure is 1 - aperture / open aperture: the latter is read where the eyes are not shut.
    open_ = np.where(np.abs(closure) < 0.5, aperture / (1 - closure), np.nan)
    figure, (above, below) = _panels(2, 3.6)
    _trace(above, time_s, aperture, "aperture, iod")
    for i, side in enumerate(SIDES):
        level = float(np.nanmedian(open_[:, i]))
        above.axhline(level, color=_COLOR[side], linewidth=0.8, linestyle=":")
    text = "dotted: open aperture of each eye"
    above.annotate(text, (span.start_s, 0.092), fontsize=7.5, color=_FAINT)
    above.set_ylim(-0.005, 0.1)
    _trace(below, time_s, closure, "closure")
    for level, at, text in ((0.0, -0.15, "0: as open as usual"), (1.0, 1.05, "1: shut")):
        below.axhline(level, color=_FAINT, linewidth=0.6, linestyle=":")
        below.annotate(text, (span.end_s, at), ha="right", fontsize=7.5, color=_FAINT)
    below.set_ylim(-0.25, 1.25)
    below.set_yticks((0, 0.5, 1))
    above.legend(loc="lower left", frameon=False, ncols=2)
    below.set_xlim(span.start_s, span.end_s)
    below.set_xlabel("seconds of the recording")
    return figure


def _merging(result: Analysis, start_s: float, end_s: float) -> Figure:
    """Two twitches, and what they are with two merge gaps."""
    span = Span(result, start_s, end_s)
    rows = span.rows
    figure, (score, lanes) = _panels(2, 3.3, ratios=(3, 1.6))
    _trace(score, result.signals.time_s[rows], result.signals.eye_score[rows], "score, eye")
    _thresholds(score)
    score.legend(loc="upper right", frameon=False)
    gaps_s = (0.25, 0.5)
    for lane, gap_s in enumerate(gaps_s):
        again = detect(result.measurements, settings=Settings(merge_gap_s=gap_s))
        _events(lanes, Span(again, start_s, end_s).events, lane)
    lanes.set_yticks(range(len(gaps_s)), [f"merge gap {gap_s:g} s" for gap_s in gaps_s])
    lanes.set_ylim(len(gaps_s) - 0.4, -0.6)
    lanes.tick_params(axis="y", length=0)
    lanes.spines["left"].set_visible(False)
    lanes.set_xlim(start_s, end_s)
    lanes.set_xlabel("seconds of the recording; thin bars: the twitches of the event")
    return figure


def _components(*spans: Span) -> Figure:
    """A brief movement and one that is held, on one scale of time."""
    lengths = [span.end_s - span.start_s for span in spans]
    figure = Figure(figsize=(_WIDTH_IN, 2.4), layout="constrained")
    axes = figure.subplots(1, 2, width_ratios=lengths)
    parts = (("mouth_score", "score, mouth"), ("eye_score", "score, eye"))
    for ax, span, (name, label) in zip(axes, spans, parts, strict=True):
        rows, signals = span.rows, span.result.signals
        _trace(ax, signals.time_s[rows], getattr(signals, name)[rows], label)
        _thresholds(ax)
        (event,) = span.events
        ax.axvspan(event.onset_s, event.offset_s, color=_GAP, zorder=0)
        ax.set_title(f"{event.component}: {event.kind}, {event.duration_s:.2f} s", fontsize=8.5)
        ax.set_xlim(span.start_s, span.end_s)
        ax.set_xlabel("seconds of the recording")
    axes[1].legend(loc="center", frameon=False)
    return figure


def _valid_time(result: Analysis) -> Figure:
    """Closure with a stretch in which no face was seen, and the rates that follow."""
    figure, (above, below) = _panels(2, 3.0, ratios=(3, 1))
    time_s, signals = result.signals.time_s, result.signals
    _trace(above, time_s, signals.closure, "closure")
    above.legend(loc="upper left", frameon=False)
    edges = np.flatnonzero(np.diff(signals.valid.astype(int), prepend=1, append=1))
    for start, stop in edges.reshape(-1, 2):
        for ax in (above, below):
            ax.axvspan(time_s[start], time_s[stop], facecolor="white", edgecolor=_FAINT, hatch="//")
        below.annotate(
            "nothing measured",
            ((time_s[start] + time_s[stop]) / 2, 0),
            ha="center",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none"},
        )
    _events(below, result.events, 0)
    below.set_yticks([])
    below.set_ylim(0.6, -0.6)
    below.spines["left"].set_visible(False)
    below.set_ylabel("events", rotation=0, ha="right", va="center")
    below.set_xlim(0, result.summary.end_s)
    (right,) = [c for c in result.summary.counts if (c.side, c.kind) == ("right", "all")]
    below.set_xlabel(
        f"seconds of the recording: {result.summary.duration_s:.1f} s, of which "
        f"{result.summary.valid_s:.1f} s valid;\n{right.count} events of the right side, "
        f"{right.rate_per_min:.1f} a minute"
    )
    return figure


def _sides(picture: np.ndarray) -> Figure:
    """The same moment as a camera stores it and mirrored."""
    figure = Figure(figsize=(_WIDTH_IN, 3.9), layout="constrained")
    titles = ("as others see it: what a camera stores", "mirrored: as in a mirror, or a selfie")
    for ax, title, mirrored in zip(figure.subplots(1, 2), titles, (False, True), strict=True):
        ax.imshow(picture[:, ::-1] if mirrored else picture)
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()
        places = (0.14, 0.86) if not mirrored else (0.86, 0.14)
        for side, x in zip(("right", "left"), places, strict=True):
            ax.text(
                x,
                0.07,
                f"subject's {side}",
                transform=ax.transAxes,
                ha="left" if x < 0.5 else "right",
                fontsize=9,
                color="white",
                bbox={"facecolor": _COLOR[side], "edgecolor": "white", "pad": 4},
            )
    return figure


# Pieces


def _panels(
    count: int, height_in: float, ratios: Sequence[float] | None = None
) -> tuple[Figure, Sequence[Axes]]:
    figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
    axes = figure.subplots(count, 1, sharex=True, height_ratios=ratios)
    figure.align_ylabels(axes)
    return figure, list(axes)


def _trace(ax: Axes, time_s: np.ndarray, values: np.ndarray, label: str) -> None:
    for i, side in enumerate(SIDES):
        ax.plot(
            time_s,
            values[:, i],
            color=_COLOR[side],
            linestyle=_DASHES[side],
            linewidth=1.3,
            label=side,
        )
    ax.set_ylabel(label)


def _thresholds(ax: Axes) -> None:
    ax.set_ylim(bottom=_LOWEST_SCORE)
    for level, text, at in ((1.0, "begins", "bottom"), (EXIT_THRESHOLD, "lasts", "top")):
        ax.axhline(level, color=_FAINT, linewidth=0.7, linestyle=":")
        ax.annotate(
            f"{level:g} {text}",
            (1.0, level),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            va=at,
            fontsize=7,
            color=_FAINT,
        )


def _events(ax: Axes, events: Sequence[Event], lane: int) -> None:
    for event in events:
        ax.barh(
            lane,
            event.duration_s,
            0.5,
            event.onset_s,
            facecolor=_FILL[event.side],
            edgecolor=_INK,
            linewidth=0.7,
        )
        for twitch in event.twitches if len(event.twitches) > 1 else ():
            ax.barh(lane, twitch.duration_s, 0.14, twitch.onset_s, facecolor=_INK)


def _name(ax: Axes, time_s: float, text: str) -> None:
    ax.annotate(text, (time_s, 1.08), ha="center", fontsize=7.5, color=_INK)
    ax.set_ylim(-0.2, 1.3)


if __name__ == "__main__":
    main()
