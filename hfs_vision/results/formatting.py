"""Times and numbers as people read them, the same in every output."""

from __future__ import annotations

import math

MISSING = "\N{EN DASH}"
"""Stands for a number that is missing."""


def clock(seconds: float, *, decimals: int = 0) -> str:
    """A time as a player shows it, cut and not rounded: 65.9 s are still in the second 1:05.

    >>> clock(65.9), clock(3675.29, decimals=1), clock(-2.0), clock(65.9999999)
    ('1:05', '1:01:15.2', '-0:02', '1:06')
    """
    if not math.isfinite(seconds):
        return MISSING
    units = math.floor(round(abs(seconds) * 10**decimals, 6))
    whole, rest = divmod(units, 10**decimals)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    head = f"{hours}:{minute:02}" if hours else f"{minute}"
    tail = f".{rest:0{decimals}}" if decimals else ""
    return f"{'-' if seconds < 0 and units else ''}{head}:{second:02}{tail}"


def number(value: float | None, decimals: int) -> str:
    """A number as text, `MISSING` for what is none.

    >>> number(1.25, 1), number(None, 1) == number(float("nan"), 1) == MISSING, number(-0.001, 2)
    ('1.2', True, '0.00')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text
