"""Counts one-sided facial movements (hemifacial spasm) in ordinary video.

``analyze`` runs the whole pipeline on a recording; ``detect`` decides again on stored
measurements; `hfs_vision.schema` states the conventions. Not a medical device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hfs_vision.schema import Blink, Event
from hfs_vision.settings import Settings

if TYPE_CHECKING:
    from hfs_vision.pipeline import Analysis, analyze, detect

__all__ = ["Analysis", "Blink", "Event", "Settings", "analyze", "detect"]


def __getattr__(name: str) -> Any:
    # The pipeline loads OpenCV and PyAV; the core must be usable with numpy alone.
    if name in __all__:
        from hfs_vision import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
