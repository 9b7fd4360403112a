"""Puts the figures of a cohort into a page, in the style of `hfs_vision.report`."""

from __future__ import annotations

from collections.abc import Sequence

from hfs_vision.cohort import figures, interpretation
from hfs_vision.cohort.paired import PairedComparison, person_ratio
from hfs_vision.cohort.periods import BeforeAfter, Question
from hfs_vision.cohort.raters import RATED_SIDES, Raters
from hfs_vision.report.svg import Drawing, render
from hfs_vision.report.templates import make_page


def comparison_page(
    pairs: Sequence[BeforeAfter], found: PairedComparison, question: Question
) -> str:
    """The page of a comparison.

    Args:
        pairs: All persons, those left out too.
        found: What they come to.
        question: What was asked.
    """
    kept = [pair for pair in pairs if not pair.left_out]
    drawn = ""
    if kept:
        told = {
            figures.person_gid(number): f"{pair.person}: {pair.before.rate.per_min:.1f} before, "
            f"{pair.after.rate.per_min:.1f} after"
            for number, pair in enumerate(kept)
        }
        with Drawing():
            drawn = render(
                figures.before_and_after(kept, found),
                "pairs",
                title="Rates of each person before and after",
                description="One line for each person, and their differences. The table below has "
                "the numbers.",
                marks=told,
            )
    values = {
        "warnings": interpretation.doubts(pairs),
        "words": interpretation.about_comparison(found),
        "asked": interpretation.asked(question),
        "question": question,
        "found": found,
        "figure": drawn,
        "rows": [(pair, person_ratio(pair)) for pair in kept],
        "left_out": [pair for pair in pairs if pair.left_out],
    }
    return make_page(__package__, "comparison.html", values, {"p": interpretation.p_value})


def agreement_page(raters: Raters) -> str:
    """The page of an agreement."""
    told = {
        f"{side}-{number}": f"{recording.name}: {raters.first} "
        f"{recording.value('first', side, 'count')}, {raters.second} "
        f"{recording.value('second', side, 'count')}"
        for side in RATED_SIDES
        for number, recording in enumerate(raters.recordings)
    }
    with Drawing():
        drawn = render(
            figures.bland_altman(raters),
            "agreement",
            title="Differences of two counts against their mean",
            description="Both sides together, left and right, with bias and 95 % limits of "
            "agreement. The tables below have the numbers.",
            marks=told,
        )
    values = {
        "warnings": interpretation.doubts_of_results(raters),
        "words": interpretation.about_agreement(raters),
        "raters": raters,
        "figure": drawn,
        "rows": list(raters.agreements()),
    }
    return make_page(__package__, "agreement.html", values, {"p": interpretation.p_value})
