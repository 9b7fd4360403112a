"""The pages that explain the tables say of every column what the program says of it."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from hfs_vision.exports.column_descriptions import EVENTS, IOD, SIGNALS
from hfs_vision.results.columns import EVENT_COLUMNS, SIGNAL_COLUMNS, TWITCH_COLUMNS
from hfs_vision.schema import COMPONENTS, KINDS, REGIONS, SIDES, Blink, Event, Twitch
from tests.paths import ROOT

SHORT = {IOD: "iod", f"{IOD}/s": "iod/s", "deg": "degrees"}


def rows(page: str) -> list[list[str]]:
    """Cells of the tables of a page, without their heads."""
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if "|" in line[:1]]
    return [row for row in cells if not set(row[0]) <= {"-"}]


def units() -> dict[str, str]:
    """Unit of each column on the page of tables."""
    return {
        name: row[1]
        for row in rows("tables.md")
        if len(row) == 3
        for name in re.findall(r"`(\w+)`", row[0])
    }


@pytest.mark.parametrize("name", [*EVENT_COLUMNS, *TWITCH_COLUMNS, *SIGNAL_COLUMNS])
def test_every_column_is_on_the_page_of_tables(name):
    assert name in units()


@pytest.mark.parametrize("name", sorted({*EVENTS, *SIGNALS}))
def test_units_on_the_page_are_those_of_the_exports(name):
    unit = (EVENTS | SIGNALS)[name].unit
    said = units()[name]
    if said not in ("0..1", "0/1", "px"):  # what has no unit there
        assert said == SHORT.get(unit, unit)


def test_every_word_of_the_records_is_in_the_glossary():
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    terms = {re.sub(r" \(.*", "", row[0]).replace(" ", "_") for row in rows("glossary.md")}
    names = {f.name for record in (Event, Twitch, Blink) for f in fields(record)}
    for name in names:
        term = re.sub(r"_s$|^(?:closure|excursion)_(?=velocity)", "", name)
        assert term in terms or term.removesuffix("es") in terms, name
    for word in (*SIDES, *REGIONS, *KINDS, *COMPONENTS):
        assert f"`{word}`" in text, word


def test_the_terms_stand_in_order_once():
    terms = [row[0].lower().replace("_", " ") for row in rows("glossary.md")][1:]
    assert terms == sorted(set(terms))
