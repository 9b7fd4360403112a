"""Draws on pictures, and makes videos and pictures of a result: all of it, or each event.

``face_overlay``, ``trace`` and ``text_drawing`` draw what they are given; colours are BGR.
The recording is read a second time, with the landmark model, so that no mesh has to be kept with
the results. Sound is never carried over, since voices tell who it is.
"""

from __future__ import annotations

from hfs_vision.render.annotated_picture import Style
from hfs_vision.render.annotated_video import annotate
from hfs_vision.render.clips import Cut, cut_clip, plan_cuts
from hfs_vision.render.contact_sheets import make_sheet
from hfs_vision.render.event_lookup import EventLookup
from hfs_vision.render.replay_pass import ReplayPass

__all__ = [
    "Cut",
    "EventLookup",
    "ReplayPass",
    "Style",
    "annotate",
    "cut_clip",
    "make_sheet",
    "plan_cuts",
]
