"""The regions of the face: one table, and nothing beside it that names them."""

import re
from dataclasses import fields
from pkgutil import iter_modules

import numpy as np
import pytest

from hfs_vision.core.geometry import Measurements
from hfs_vision.core.landmarks import MOVING
from hfs_vision.core.settings import Settings
from hfs_vision.core.signals import Signals
from hfs_vision.exports import FORMATS, formats
from hfs_vision.regions import FACE_REGIONS
from hfs_vision.results import EVENT_COLUMNS, SIGNAL_COLUMNS
from hfs_vision.schema import COMPONENTS, KINDS, REGIONS, SIDES, Event, event_kind, regions_of
from tests.paths import ROOT

NAMES = "|".join(region.name for region in FACE_REGIONS)
LITERAL = re.compile(f"""["']({NAMES})["']|\\b({NAMES})_score\\b""")
OWN = ("regions.py", "core/signals.py", "simulate/")
"""The table, the scores' own formulas, and the movements that are rendered for tests."""


def names(cls):
    return {field.name for field in fields(cls)}


@pytest.mark.parametrize("region", FACE_REGIONS, ids=lambda region: region.name)
class TestEachRegion:
    def test_has_what_the_records_and_the_settings_call_by_its_names(self, region):
        assert region.field in names(Measurements)
        assert {region.amplitude, region.score} <= names(Signals)
        assert {region.amplitude, region.velocity} <= names(Event) & set(EVENT_COLUMNS)
        assert set(region.thresholds) <= names(Settings)
        ends = (*region.measured, region.amplitude, region.score)
        assert {f"{name}_{side}" for name in ends for side in SIDES} <= set(SIGNAL_COLUMNS)

    def test_is_measured_alike_on_both_sides(self, region):
        left, right = map(set, region.points)
        assert len(left) == len(right) == len(region.points[0])
        assert not left & right
        assert left | right <= set(MOVING.tolist())

    def test_has_a_kind_for_brief_and_one_for_held(self, region):
        kinds = [event_kind(region.name, component) for component in COMPONENTS]
        assert kinds == [region.clonic.name, region.tonic.name]
        assert [regions_of(kind) for kind in kinds] == [(region.name,)] * 2


def test_keys_and_names_are_told_apart():
    for name in ("key", "name", "amplitude", "field"):
        values = [getattr(region, name) for region in FACE_REGIONS]
        assert len(set(values)) == len(values)


def test_several_that_move_have_one_kind():
    several = [region for region in REGIONS if "+" in region]
    assert {event_kind(r, c) for r in several for c in COMPONENTS} == {KINDS[-1]}
    assert regions_of(KINDS[-1]) == tuple(several)


def test_only_the_table_names_a_region():
    package = ROOT / "hfs_vision"
    files = [p for ending in ("*.py", "*.js") for p in package.rglob(ending)]
    code = {
        path.relative_to(package).as_posix(): re.sub(r"(?m)^ *(\(+'|>>> ).*", "", path.read_text())
        for path in files
    }
    found = {name for name, text in code.items() if LITERAL.search(text)}
    assert sorted(name for name in found if not name.startswith(OWN)) == []


def test_signals_of_one_region_are_found_by_its_record():
    signals = Signals.blank(np.arange(3.0))
    for region in FACE_REGIONS:
        assert signals.amplitude(region) is getattr(signals, region.amplitude)
        assert signals.score(region) is getattr(signals, region.score)


def test_every_module_of_the_formats_is_one():
    assert len(FORMATS) == len(list(iter_modules(formats.__path__)))
    for name, form in FORMATS.items():
        assert form.name == name
        assert set(form.options) <= {"media", "subject", "session"}
