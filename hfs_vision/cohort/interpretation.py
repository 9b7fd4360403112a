"""What the figures of a cohort mean, in sentences: the same on the terminal and in the pages."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hfs_vision.cohort.paired import PairedComparison
from hfs_vision.cohort.periods import AFFECTED, ALL, BOTH, BeforeAfter, Question
from hfs_vision.cohort.raters import Raters
from hfs_vision.rates import Estimate

_FEW_PERSONS, _FEW_RECORDINGS = 20, 20
_LEAST_FOR_INTERVAL = 6


def p_value(p: float) -> str:
    """A chance as text.

    >>> p_value(0.0312), p_value(0.00004), p_value(float("nan"))
    ('0.031', 'below 0.001', 'none')
    """
    if math.isnan(p):
        return "none"
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def number(value: float, decimals: int) -> str:
    """A number as text; a dash for none."""
    return "-" if math.isnan(value) else f"{value:.{decimals}f}"


def estimate(found: Estimate, decimals: int) -> str:
    """A number with its interval, where it has one.

    >>> estimate(Estimate(0.5, 0.25, 1.0), 2), estimate(Estimate(0.5, math.nan, math.nan), 1)
    ('0.50 (95 % interval 0.25 to 1.00)', '0.5')
    """
    text = number(found.value, decimals)
    if math.isnan(found.low):
        return text
    return f"{text} (95 % interval {number(found.low, decimals)} to {number(found.high, decimals)})"


def asked(question: Question) -> str:
    """What was compared."""
    first, last = question.after_days
    kind = "events of all kinds" if question.kind == ALL else f"{_spoken(question.kind)} events"
    side = {
        AFFECTED: "the side that each diary states as affected",
        BOTH: "both sides together",
    }.get(question.side, f"the {question.side} side")
    where = f"segments {question.segment!r}" if question.segment else "whole sessions"
    return (
        f"Rate of {kind} of {side}, in {where}: the {question.before_days} days before the first "
        f"{_spoken(question.treatment)}, against the days {first} to {last} after it, or until it "
        "was given again. Each rate is all events of those sessions by all their valid time."
    )


def about_comparison(found: PairedComparison) -> list[str]:
    """What test and estimates say and do not say."""
    told = []
    test, difference = found.test, found.difference
    if math.isnan(test.p):
        told.append("p: there is none, because nobody's rate changed.")
    else:
        told.append(
            f"p: if rises and falls were equally likely for everybody, differences as one-sided as "
            f"these or more would come about in {_percent(test.p)} of such groups by chance alone. "
            "It does not say how large a change is, how likely an effect is, nor what caused it."
        )
    if math.isfinite(difference.value):
        told.append(
            "Difference: Hodges-Lehmann estimate, the middle of the differences and of the means "
            "of every two of them, in events per minute."
        )
    if math.isfinite(found.ratio.value):
        added = (
            f" For {found.with_half} of them, who had no event in one of the periods, half an "
            "event was added to both counts."
            if found.with_half
            else ""
        )
        told.append(f"Ratio: geometric mean over the persons; below 1 the rate fell.{added}")
    if 0 < found.persons < _LEAST_FOR_INTERVAL:
        told.append(
            f"With {_counted(found.persons, 'person')} the test cannot fall below 5 % and the "
            f"difference has no 95 % interval: {_LEAST_FOR_INTERVAL} are needed for either."
        )
    elif found.persons < _FEW_PERSONS:
        told.append(
            f"{_counted(found.persons, 'person')} are few: the intervals say how little is known."
        )
    told.append(
        "A group without the treatment is missing here. Movements come and go by themselves, and "
        "who is treated when they are many has fewer of them later even without any effect "
        "(regression to the mean)."
    )
    return told


def doubts(pairs: Sequence[BeforeAfter]) -> list[str]:
    """What makes the pairs less comparable, in sentences."""
    kept = [pair for pair in pairs if not pair.left_out]
    told = []
    if others := [pair.person for pair in kept if pair.others]:
        told.append(
            f"other treatments are marked in the periods compared, or between them: "
            f"{', '.join(others)}"
        )
    if mixed := [pair.person for pair in kept if pair.makings > 1]:
        told.append(
            "sessions were counted with different settings, landmark models or versions, so that "
            f"counts may differ for that reason: {', '.join(mixed)}"
        )
    return told


def about_agreement(raters: Raters) -> list[str]:
    """What bias, limits and ICC say and do not say."""
    told = [
        "ICC(2,1): the share of the variance between counts that is due to the recordings and not "
        "to who counted; 1 is perfect agreement. It is high, too, where recordings differ much.",
        "95 % limits: where differences are spread normally, those of 95 of 100 recordings lie "
        "between them.",
        "Reviews begin with the program's events, which draws the counts together: two who count "
        "by themselves agree less.",
    ]
    if len(raters.recordings) < _FEW_RECORDINGS:
        told.append(
            f"{_counted(len(raters.recordings), 'recording')}: limits and ICC of few recordings "
            "are uncertain themselves."
        )
    return told


def doubts_of_results(raters: Raters) -> list[str]:
    """What is to be known of each result, and a warning where events were not looked at."""
    told = [f"{r.name}: {text}" for r in raters.recordings for text in r.warnings]
    return [*told, *unseen(raters)]


def unseen(raters: Raters) -> list[str]:
    """A warning where events were not looked at."""
    open_ones = [r.name for r in raters.recordings if r.unseen]
    if not open_ones:
        return []
    return [
        "not every event was looked at, and those that were not count as agreed: "
        f"{', '.join(open_ones)}"
    ]


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _counted(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _percent(p: float) -> str:
    return "fewer than 0.1 %" if p < 0.001 else f"{100 * p:.1f} %"
