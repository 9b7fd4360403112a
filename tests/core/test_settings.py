import math
from dataclasses import fields

import pytest

from hfs_vision.core.settings import Settings
from hfs_vision.errors import UsageError


def test_defaults_lie_in_their_own_ranges_and_round_trip():
    settings = Settings(closure_threshold=0.3)
    assert Settings.from_dict(settings.as_dict()) == settings


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, 1e9, "0.2", None, True])
@pytest.mark.parametrize("name", [f.name for f in fields(Settings)])
def test_a_useless_value_is_refused_with_name_range_and_value(name, value):
    with pytest.raises(UsageError, match=rf"{name} must be a number from .* got {value!r}"):
        Settings(**{name: value})


def test_an_unknown_setting_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r"unknown setting 'threshold'.*closure_threshold"):
        Settings.from_dict({"threshold": 1.0})
