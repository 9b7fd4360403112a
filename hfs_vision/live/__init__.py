"""A session in front of a camera: counts while it runs, keeps a log that survives."""

from hfs_vision.live.loop import Display, Session
from hfs_vision.live.protocol import open_protocol
from hfs_vision.live.session import SESSION_FILES, run_live, session_clock
from hfs_vision.live.view import SEGMENTS, View
from hfs_vision.live.window import Action, Window

__all__ = [
    "SEGMENTS",
    "SESSION_FILES",
    "Action",
    "Display",
    "Session",
    "View",
    "Window",
    "open_protocol",
    "run_live",
    "session_clock",
]
