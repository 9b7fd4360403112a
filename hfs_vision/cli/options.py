"""Options that several commands share: the landmark model, and the fields of `Settings`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import click

from hfs_vision.core.settings import Settings
from hfs_vision.errors import UsageError
from hfs_vision.results import read_json
from hfs_vision.schema import LANDMARKERS
from hfs_vision.video import FPS_RANGE


class FiniteRange(click.FloatRange):
    """A number in a range. What is none (nan), or has no end (inf), is bad usage everywhere."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number, or bad usage; see `click.ParamType.convert`."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a number that can be used: write digits.", param, ctx)
        return number


FPS = FiniteRange(*FPS_RANGE)
"""A rate that a camera is asked for, or that images are said to have."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def landmarker_options(command: _Command, *, subject: str = "the largest face") -> _Command:
    """Adds which landmark model runs, and whom it follows.

    Args:
        command: Gets the options.
        subject: Who is followed where ``--subject`` is not given.
    """
    for option in (
        click.option(
            "--subject",
            type=(FiniteRange(), FiniteRange()),
            metavar="X Y",
            help="Follow the face nearest to this place in the first picture, as fractions of its "
            f"width and height.  [default: {subject}]",
        ),
        click.option(
            "--model",
            type=click.Path(path_type=Path),
            help="Bundle for facelandmarker or fused, if elsewhere.",
        ),
        click.option(
            "--landmarker",
            type=click.Choice(("auto", *LANDMARKERS)),
            default="auto",
            show_default=True,
            help="facemesh comes inside MediaPipe; facelandmarker needs `hfs-vision model fetch`; "
            "fused is the mean of both.",
        ),
    ):
        command = option(command)
    return command


def settings_options(command: _Command) -> _Command:
    """Adds one option for each field of `Settings`, and ``--settings FILE`` to start from."""
    for f in reversed(fields(Settings)):
        option = click.option(
            "--" + f.name.removesuffix("_s").replace("_", "-"),
            f.name,
            type=FiniteRange(f.metadata["low"], f.metadata["high"]),
            default=None,
            help=f"{f.metadata['help']}.  [default: {f.default:g}"
            f"{' s' if f.name.endswith('_s') else ''}]",
        )
        command = option(command)
    start = click.option(
        "--settings",
        "settings_file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Start from the settings in this JSON file, such as the summary.json of a result.",
    )
    return start(command)


def read_settings(settings_file: Path | None, options: dict[str, float | None]) -> Settings:
    """Settings from a file, if there is one, overridden by the options that were given.

    Raises:
        UsageError: If the file or a value cannot be used.
    """
    values: dict[str, Any] = {}
    if settings_file is not None:
        try:
            values = read_json(settings_file)
            values = values.get("settings", values)
            values = dict(values)
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise UsageError(f"{settings_file} is not a settings file: {error}") from error
    return Settings.from_dict({**values, **{k: v for k, v in options.items() if v is not None}})


def processors() -> int:
    """How many processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # a container may have fewer than the machine
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def diary_argument(command: _Command) -> _Command:
    """Adds DIARY, a file or a study's folder."""
    return click.argument("diary", metavar="DIARY", type=click.Path(path_type=Path))(command)
