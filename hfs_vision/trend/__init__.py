"""Rates and shares of time over months, from a diary, and what followed each treatment.

A trend is a pure function of a diary and of the options (`TrendOptions`). `series` reads the
sessions, `comparing` says what keeps them from being compared, `effects` and `levels` calculate
what followed each treatment; `figures`, `trend_page` and `tables` show it.
"""

from hfs_vision.trend.building import Trend, build_trend
from hfs_vision.trend.series import KIND_CHOICES, SIDE_CHOICES, WHOLE_NAME, TrendOptions

__all__ = ["KIND_CHOICES", "SIDE_CHOICES", "WHOLE_NAME", "Trend", "TrendOptions", "build_trend"]
