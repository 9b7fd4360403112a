"""Frames with their true times, from a video file, a folder of images, or live.

- **Time** is the container's presentation timestamp as FFmpeg's demuxer gives it (edit lists
  applied), in seconds; it may start above or below zero and step unevenly. Delivered times
  strictly increase.
- **Pictures** are upright (display matrix, EXIF) and have square pixels: a picture with another
  sample aspect ratio is enlarged along one axis, so that no detail is lost.
- **Damage** is counted in `DecodeStats`, not delivered: a smeared picture is not a measurement.
- **No network** of files: FFmpeg may open local files only, even where a playlist names other
  addresses.
- **Live**: a `Camera`, a `NetworkStream` or the `Replay` of a file, read by a `Capture`, which
  never waits for whoever takes the frames; a `Recorder` writes them to a file meanwhile.

FFmpeg's log stays silent: PyAV discards it unless the application asks for it.
"""

from __future__ import annotations

from hfs_vision.video.camera import Camera, CameraName, list_cameras
from hfs_vision.video.capture import Capture, CaptureStats, Interruption, LiveSource
from hfs_vision.video.content_hash import VIDEO_SUFFIXES, Stopped, digest, stamp
from hfs_vision.video.file import VideoFile
from hfs_vision.video.images import (
    IMAGE_SUFFIXES,
    TIMESTAMPS_NAME,
    ImageFolder,
    content_files,
    read_picture,
)
from hfs_vision.video.opening import open_source
from hfs_vision.video.recording import Recorder
from hfs_vision.video.recording_search import RECORDING_FILE, FoundRecording, find_recording
from hfs_vision.video.repeats import RepeatCounts, Repeats
from hfs_vision.video.replay import Replay
from hfs_vision.video.source import (
    FPS_RANGE,
    DecodeStats,
    FrameSource,
    ahead,
    check_fps,
    turned_info,
    turned_picture,
    turned_point,
)
from hfs_vision.video.stream import NetworkStream

__all__ = [
    "FPS_RANGE",
    "IMAGE_SUFFIXES",
    "RECORDING_FILE",
    "TIMESTAMPS_NAME",
    "VIDEO_SUFFIXES",
    "Camera",
    "CameraName",
    "Capture",
    "CaptureStats",
    "DecodeStats",
    "FoundRecording",
    "FrameSource",
    "ImageFolder",
    "Interruption",
    "LiveSource",
    "NetworkStream",
    "Recorder",
    "RepeatCounts",
    "Repeats",
    "Replay",
    "Stopped",
    "VideoFile",
    "ahead",
    "check_fps",
    "content_files",
    "digest",
    "find_recording",
    "list_cameras",
    "open_source",
    "read_picture",
    "stamp",
    "turned_info",
    "turned_picture",
    "turned_point",
]
