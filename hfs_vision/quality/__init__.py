"""Looks at some seconds of a recording or a camera, and says what to fix before counting.

Nothing here decides about movements. The same landmarks and patches as in an analysis are measured,
so that what is judged is what the detector will see.
"""

from __future__ import annotations

from hfs_vision.quality.findings import FIX, OK, TOPICS, YOURS, Check, Finding
from hfs_vision.quality.guide import guide_text
from hfs_vision.quality.run_check import check_live, check_recording

__all__ = [
    "FIX",
    "OK",
    "TOPICS",
    "YOURS",
    "Check",
    "Finding",
    "check_live",
    "check_recording",
    "guide_text",
]
