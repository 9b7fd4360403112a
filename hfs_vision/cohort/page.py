"""Puts the figures of a cohort into a page, in the style of `hfs_vision.report`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from hfs_vision.cohort import figures, words
from hfs_vision.cohort.paired import Comparison, person_ratio
from hfs_vision.cohort.periods import Pair, Question
from hfs_vision.cohort.raters import RATED_SIDES, Raters
from hfs_vision.report import numbers
from hfs_vision.report.page import spoken
from hfs_vision.report.svg import Drawing, render


def comparison_page(
    pairs: Sequence[Pair], found: Comparison, question: Question, *, notice: str
) -> str:
    """The page of a comparison.

    Args:
        pairs: All persons, those left out too.
        found: What they come to.
        question: What was asked.
        notice: What the page says of the program.
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
    return _render(
        "comparison.html",
        notice=notice,
        warnings=words.doubts(pairs),
        words=words.about_comparison(found),
        asked=words.asked(question),
        question=question,
        found=found,
        figure=drawn,
        rows=[(pair, person_ratio(pair)) for pair in kept],
        left_out=[pair for pair in pairs if pair.left_out],
    )


def agreement_page(raters: Raters, *, notice: str) -> str:
    """The page of an agreement; ``notice`` is what it says of the program."""
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
    return _render(
        "agreement.html",
        notice=notice,
        warnings=words.unseen(raters),
        words=words.about_agreement(raters),
        raters=raters,
        figure=drawn,
        rows=list(raters.agreements()),
    )


def _render(template: str, **values: Any) -> str:
    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=numbers.number, p=words.p_value, spoken=spoken)
    environment.tests["known"] = lambda value: isinstance(value, float) and math.isfinite(value)
    style = files("hfs_vision.report").joinpath("page.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(
        program=version("hfs-vision"), style=style, **values
    )


def _resource(name: str) -> str:
    return files("hfs_vision.cohort").joinpath(name).read_text(encoding="utf-8")
