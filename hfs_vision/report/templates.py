"""Pages of one file in one style: the report of a recording, the trend of a diary, a cohort."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from hfs_vision.results.formatting import number
from hfs_vision.schema import NOT_A_DEVICE

GENERATOR = '<meta name="generator" content="hfs-vision'
"""By this a page is known as one of this program."""

_SHARED = ("base.html", "parts.html", "page.css")
"""Of this package; all other templates are their callers'."""


def spoken(name: str) -> str:
    """Name of a kind as words."""
    return name.replace("_", " ")


def make_page(
    package: str,
    template: str,
    values: Mapping[str, Any],
    filters: Mapping[str, Callable[..., object]] | None = None,
) -> str:
    """A page as HTML; what comes from outside is escaped.

    Args:
        package: Which holds the template, such as ``hfs_vision.report``.
        template: File name of a template that extends ``base.html``.
        values: What it shows.
        filters: Of its own, besides ``number`` and ``spoken``.
    """

    def load(name: str) -> str:
        place = __package__ if name in _SHARED else package
        return files(place).joinpath(name).read_text(encoding="utf-8")

    environment = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({"number": number, "spoken": spoken, **(filters or {})})
    environment.tests["known"] = lambda value: isinstance(value, float) and math.isfinite(value)
    return environment.get_template(template).render(
        {
            "notice": NOT_A_DEVICE,
            "generator": GENERATOR,
            "program": version("hfs-vision"),
            "style": load("page.css"),
            **values,
        }
    )
