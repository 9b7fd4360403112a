"""How well a trend tells what is known: simulated years, and the time of 10,000 sessions.

A year has 52 weekly sessions of 3 valid minutes and four injections. The rate is 8 a minute, falls
to 2.4 five days after each, and is half of the way back after 9 to 11 weeks, at once or over four
weeks. Counts are Poisson numbers; with day-to-day variation the rate of each session is drawn from
a gamma distribution around it.

The true ratio is that of the mean rate of the days that count as after to the rate without an
injection. A moment is asked for where there are two sessions or more after it before the next
injection. Sham years have injections that change nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hfs_vision.rates import Estimate, poisson_interval, rates
from hfs_vision.trend.effects import AFTER_DAYS, Effect, find_effects
from hfs_vision.trend.series import read_sessions
from tests.benchmarks.common import Report, parser, spread, steps
from tests.trend_support import Course, simulated_year

_MINUTES = 3.0
_LASTS = 63.0, 77.0
_WITHIN_DAYS = 14.0
_SIDE, _KIND, _SEGMENT = "left", "all", "rest"


@dataclass
class Tally:
    """What is counted over the years of one setting."""

    inside: list[bool] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    ratio_inside: list[bool] = field(default_factory=list)
    difference_inside: list[bool] = field(default_factory=list)
    onset_seen: list[bool] = field(default_factory=list)
    onset_inside: list[bool] = field(default_factory=list)
    off_near: list[bool] = field(default_factory=list)
    off_seen: list[bool] = field(default_factory=list)
    off_inside: list[bool] = field(default_factory=list)
    sham: list[bool] = field(default_factory=list)
    sham_ratio_inside: list[bool] = field(default_factory=list)
    variation: list[float] = field(default_factory=list)


def year(rng: np.random.Generator, tally: Tally, ramp: float, variation: float) -> None:
    """Adds one year and one sham year."""
    course = Course(lasts=tuple(rng.uniform(*_LASTS, 4)), ramp=ramp)
    diary = simulated_year(rng, course.rate, minutes=_MINUTES, variation=variation)
    sessions = read_sessions(diary, _SEGMENT)
    count = sessions.of(_SIDE, _KIND)[0]
    days = sessions.day - sessions.day[0]
    true = np.array([course.rate(day) for day in days])
    if not variation:
        _, low, high = rates(count, sessions.valid_s)
        tally.inside += ((low <= true) & (true <= high)).tolist()
    effects, found = find_effects(sessions, diary.treatments, _SIDE, _KIND, _SEGMENT)
    tally.variation.append(found)
    for k, (effect, start) in enumerate(zip(effects, course.injected, strict=True)):
        _moments(tally, effect, course, k, float(days[-1]))
        after = true[(days >= start + AFTER_DAYS[0]) & (days <= start + AFTER_DAYS[1])].mean()
        _compared(tally, effect, course.level, float(after))
    quiet = simulated_year(rng, lambda day: course.level, minutes=_MINUTES, variation=variation)
    shams, _ = find_effects(
        read_sessions(quiet, _SEGMENT), quiet.treatments, _SIDE, _KIND, _SEGMENT
    )
    tally.sham += [effect.onset is not None for effect in shams]
    tally.sham_ratio_inside += [_holds(effect.ratio, 1.0) for effect in shams]


def _compared(tally: Tally, effect: Effect, before: float, after: float) -> None:
    tally.ratios.append(effect.ratio.value / (after / before))
    tally.ratio_inside.append(_holds(effect.ratio, after / before))
    tally.difference_inside.append(_holds(effect.difference, after - before))


def _moments(tally: Tally, effect: Effect, course: Course, k: int, last: float) -> None:
    onset, off = effect.onset, effect.wearing_off
    tally.onset_seen.append(onset is not None)
    if onset is not None:
        tally.onset_inside.append(onset.low <= course.onset <= onset.high)
    end = course.injected[k + 1] if k + 1 < len(course.injected) else last
    if course.lasts[k] + _WITHIN_DAYS > end - course.injected[k]:
        return
    tally.off_seen.append(off is not None)
    tally.off_near.append(off is not None and abs(off.day - course.lasts[k]) <= _WITHIN_DAYS)
    if off is not None:
        tally.off_inside.append(off.low <= course.lasts[k] <= off.high)


def _holds(estimate: Estimate, true: float) -> bool:
    return bool(estimate.low <= true <= estimate.high)


def _percent(values: list[bool]) -> str:
    return f"{100 * np.mean(values):.1f}" if values else "-"


def years(report: Report, runs: int, seed: int) -> None:
    """All settings, with the floors."""
    rows, kept = [], []
    settings = [(v, ramp) for v in (0.0, 0.2, 0.3, 0.6) for ramp in (0.0, 28.0)]
    for variation, ramp in steps(settings, "simulating years"):
        rng, tally = np.random.default_rng(seed), Tally()
        for _ in range(runs):
            year(rng, tally, ramp, variation**2)
        ratio = float(np.mean(tally.ratios))
        rows.append(
            (
                f"{100 * variation:.0f} %, {'at once' if not ramp else 'over 4 weeks'}",
                _percent(tally.inside),
                f"{ratio:.3f}",
                f"{np.median(tally.ratios):.3f}",
                _percent(tally.ratio_inside),
                _percent(tally.difference_inside),
                _percent(tally.onset_seen),
                _percent(tally.onset_inside),
                _percent(tally.off_near),
                _percent(tally.off_seen),
                _percent(tally.off_inside),
                _percent(tally.sham),
                _percent(tally.sham_ratio_inside),
                f"{100 * np.mean(np.sqrt(tally.variation)):.0f}",
            )
        )
        kept.append({"day_to_day": variation, "ramp_days": ramp, **vars(tally)})
    report.table(
        f"{runs} years: % of cases, unless it says else",
        (
            "day-to-day, way back",
            "rate inside",
            "ratio / true, mean",
            "median",
            "ratio inside",
            "difference inside",
            "onset seen",
            "onset inside",
            "wearing-off within 2 weeks",
            "seen",
            "inside",
            "sham onset",
            "sham ratio inside",
            "variation found, %",
        ),
        rows,
    )
    report.note(
        "Floors, of Poisson noise alone: rate inside 93 to 97 %, ratio within 0.95 to 1.05, "
        "wearing-off within two weeks in 90 %."
    )
    report.keep(years=kept)


def intervals(report: Report) -> None:
    """How often the interval of a count holds its mean, by the exact distribution."""
    rows = []
    for mean in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0):
        counts = np.arange(int(mean + 12 * np.sqrt(mean) + 12))
        logs = np.cumsum(np.log(np.maximum(counts, 1)))
        chance = np.exp(counts * np.log(mean) - mean - logs)
        low, high = poisson_interval(counts)
        rows.append((f"{mean:g}", f"{100 * chance[(low <= mean) & (mean <= high)].sum():.1f}"))
    report.table("Interval of a count: % that hold the mean", ("mean", "inside"), rows)


def speed(report: Report, sessions: int, runs: int) -> None:
    """Time of the command, end to end, on a diary of as many sessions."""
    from hfs_vision.diary import init_diary, open_diary

    every = 1.0
    injected = tuple(range(28, int(sessions * every), 91))
    course = Course(lasts=(70.0,) * len(injected), injected=injected)
    diary = simulated_year(
        np.random.default_rng(1), course.rate, sessions=sessions, every=every, injected=injected
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "long.diary"
        init_diary(file, person="long", affected_side="left", timezone="Europe/Vienna")
        with open_diary(file) as store:
            for record in steps(diary.sessions, "adding sessions"):
                store.add(record)
            for treatment in diary.treatments:
                store.add_treatment(treatment)
        command = [sys.executable, "-m", "hfs_vision", "diary", "trend", str(file)]
        spent = []
        for _ in range(runs):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            spent.append(time.perf_counter() - started)
        size = sum(path.stat().st_size for path in file.with_suffix(".trend").iterdir())
    report.table(
        f"{sessions} sessions, {len(injected)} treatments",
        ("what", "figure"),
        [("hfs-vision diary trend, s", spread(spent)), ("files, MB", size / 1e6)],
    )
    report.keep(sessions=sessions, trend_s=spent)


def main() -> None:
    """Simulates and times."""
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=200, metavar="N", help="years (200)")
    arguments.add_argument("--seed", type=int, default=1, help="of the simulation (1)")
    arguments.add_argument(
        "--sessions", type=int, default=10_000, metavar="N", help="timed (10000)"
    )
    arguments.add_argument(
        "--only", choices=("years", "intervals", "speed"), help="one part (default: all)"
    )
    given: argparse.Namespace = arguments.parse_args()
    report = Report("followup")
    if given.only in (None, "intervals"):
        intervals(report)
    if given.only in (None, "years"):
        years(report, given.runs, given.seed)
    if given.only in (None, "speed"):
        speed(report, given.sessions, 5)
    report.write(given.json)


if __name__ == "__main__":
    main()
