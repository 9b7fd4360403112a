"""The course of a diary: rates and shares of time over months, and what followed treatments.

A trend is a pure function of a diary and of what the user wants to see (`Choice`). `series` reads
the sessions, `comparing` says what keeps them from being compared, `effects` and `levels` what
followed each treatment, `figures`, `page` and `tables` show it.
"""

from hfs_vision.trend.building import Trend, build_trend
from hfs_vision.trend.series import KIND_CHOICES, SIDE_CHOICES, WHOLE_NAME, Choice

__all__ = ["KIND_CHOICES", "SIDE_CHOICES", "WHOLE_NAME", "Choice", "Trend", "build_trend"]
