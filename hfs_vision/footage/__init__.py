"""Videos and pictures of what a result says: the whole recording, a clip or a sheet of each event.

The recording is read a second time, with the landmark model, so that no mesh has to be kept with
the results. Sound is never carried over, since voices tell who it is.
"""

from __future__ import annotations

from hfs_vision.footage.annotated import annotate
from hfs_vision.footage.clips import Cut, cut_clip, plan_cuts
from hfs_vision.footage.course import Course
from hfs_vision.footage.pictures import Style
from hfs_vision.footage.second_pass import SecondPass
from hfs_vision.footage.sheets import make_sheet

__all__ = [
    "Course",
    "Cut",
    "SecondPass",
    "Style",
    "annotate",
    "cut_clip",
    "make_sheet",
    "plan_cuts",
]
