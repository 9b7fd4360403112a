"""Files of a comparison and of an agreement: a page that needs no network, and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from hfs_vision.cohort.paired import PairedComparison, person_ratio
from hfs_vision.cohort.periods import BeforeAfter, Question
from hfs_vision.cohort.raters import Raters
from hfs_vision.results import line, write_result
from hfs_vision.schema import SIDES

COMPARISON_FILES = ("comparison.html", "comparison.csv")
AGREEMENT_FILES = ("agreement.html", "agreement.csv", "raters.csv")

PAIR_COLUMNS = (
    "person",
    "side",
    "kind",
    "segment",
    "treatment",
    "treated",
    *(
        f"{period}_{what}"
        for period in ("before", "after")
        for what in ("sessions", "count", "valid_s", "rate_per_min", "low_per_min", "high_per_min")
    ),
    "difference_per_min",
    "ratio",
    "other_treatments",
    "left_out",
)
AGREEMENT_COLUMNS = (
    "measure", "side", "first", "second", "recordings", "bias", "low", "high", "icc", "icc_low",
    "icc_high", "note",
)  # fmt: skip
RATER_COLUMNS = ("recording", "valid_s", "side", "first", "second", "unseen")


def write_comparison(
    folder: Path,
    pairs: Sequence[BeforeAfter],
    found: PairedComparison,
    question: Question,
    *,
    deidentify: bool = False,
) -> None:
    """Writes `COMPARISON_FILES`, all or none.

    Args:
        folder: Made if it is missing.
        pairs: All persons, those left out too.
        found: What they come to.
        question: What was asked.
        deidentify: Leave out the day of the treatment.

    Raises:
        OutputError: If a file cannot be written.
    """
    from hfs_vision.cohort.cohort_page import comparison_page  # brings matplotlib

    page = comparison_page(pairs, found, question)
    columns = [c for c in PAIR_COLUMNS if not (deidentify and c == "treated")]
    rows = (_pair_row(pair, question) for pair in pairs)
    table = ([row[name] for name in columns] for row in rows)
    _write(folder, dict(zip(COMPARISON_FILES, (page, _csv(columns, table)), strict=True)))


def write_agreement(folder: Path, raters: Raters) -> None:
    """Writes `AGREEMENT_FILES`, all or none.

    Args:
        folder: Made if it is missing.
        raters: What was compared.

    Raises:
        OutputError: If a file cannot be written.
    """
    from hfs_vision.cohort.cohort_page import agreement_page  # brings matplotlib

    found = (
        [measure, side, raters.first, raters.second, *vars(agreed).values()]
        for measure, side, agreed in raters.agreements()
    )
    counts = (
        [r.name, r.valid_s, side, r.first[side], r.second[side], r.unseen]
        for r in raters.recordings
        for side in SIDES
    )
    texts = (
        agreement_page(raters),
        _csv(AGREEMENT_COLUMNS, found),
        _csv(RATER_COLUMNS, counts),
    )
    _write(folder, dict(zip(AGREEMENT_FILES, texts, strict=True)))


def _pair_row(pair: BeforeAfter, question: Question) -> dict[str, object]:
    row: dict[str, object] = {
        "person": pair.person,
        "side": pair.side or None,
        "kind": question.kind,
        "segment": question.segment or None,
        "treatment": question.treatment,
        "treated": pair.treated.isoformat() if pair.treated else None,
        "difference_per_min": pair.difference,
        "ratio": None if pair.left_out else person_ratio(pair),
        "other_treatments": pair.others,
        "left_out": pair.left_out or None,
    }
    for name, period in (("before", pair.before), ("after", pair.after)):
        rate = period.rate
        row |= {
            f"{name}_sessions": period.sessions,
            f"{name}_count": rate.count,
            f"{name}_valid_s": period.valid_s,
            f"{name}_rate_per_min": rate.per_min,
            f"{name}_low_per_min": rate.low,
            f"{name}_high_per_min": rate.high,
        }
    return row


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return "".join(map(line, (columns, *rows)))


def _write(folder: Path, texts: dict[str, str]) -> None:
    def write(handle: TextIO, text: str) -> None:
        handle.write(text)

    files: dict[str, Callable[[TextIO], None]] = {
        name: partial(write, text=text) for name, text in texts.items()
    }
    write_result(folder, files, force=True)  # what is there was asked about before
