"""Counts one-sided facial movements (hemifacial spasm) in ordinary video.

``analyze`` runs the whole pipeline on a recording; ``detect`` decides again on stored
measurements; `hfs_vision.schema` states the conventions. Not a medical device.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfs_vision.analysis.pipeline import Analysis, analyze, detect
    from hfs_vision.core.settings import Settings
    from hfs_vision.schema import Blink, Event

__all__ = ["Analysis", "Blink", "Event", "Settings", "analyze", "detect"]


_HOMES = {"Blink": "schema", "Event": "schema", "Settings": "core.settings"}


def __getattr__(name: str) -> Any:
    # The pipeline loads OpenCV and PyAV; the core must be usable with numpy alone. And the command
    # line must be there to answer Ctrl-C before anything is loaded.
    if name in __all__:
        return getattr(import_module(f"hfs_vision.{_HOMES.get(name, 'analysis.pipeline')}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
