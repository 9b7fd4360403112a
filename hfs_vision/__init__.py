"""Counts one-sided facial movements (hemifacial spasm) in ordinary video.

``analyze`` runs the whole pipeline on a recording, ``FrameCounter`` on frames as they come;
``detect`` decides again on stored measurements, ``read_folder`` reads a result back.
`hfs_vision.schema` states the conventions. Not a medical device.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hfs_vision.analysis.frame_counter import FrameCounter
    from hfs_vision.analysis.pipeline import analyze, detect
    from hfs_vision.analysis.result import Analysis
    from hfs_vision.core.settings import Settings
    from hfs_vision.errors import HfsVisionError
    from hfs_vision.results.folder import ResultFolder, read_folder
    from hfs_vision.schema import Blink, Event

    __version__: str
    """Of the installed package."""

__all__ = [
    "Analysis",
    "Blink",
    "Event",
    "FrameCounter",
    "HfsVisionError",
    "ResultFolder",
    "Settings",
    "__version__",
    "analyze",
    "detect",
    "read_folder",
]

_HOMES = {
    "Analysis": "analysis.result",
    "Blink": "schema",
    "Event": "schema",
    "FrameCounter": "analysis.frame_counter",
    "HfsVisionError": "errors",
    "ResultFolder": "results.folder",
    "Settings": "core.settings",
    "analyze": "analysis.pipeline",
    "detect": "analysis.pipeline",
    "read_folder": "results.folder",
}


def __getattr__(name: str) -> Any:
    # The pipeline loads OpenCV and PyAV; the core must be usable with numpy alone. And the command
    # line must be there to answer Ctrl-C before anything is loaded.
    if name in _HOMES:
        return getattr(import_module(f"hfs_vision.{_HOMES[name]}"), name)
    if name == "__version__":
        return import_module("importlib.metadata").version("hfs-vision")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
