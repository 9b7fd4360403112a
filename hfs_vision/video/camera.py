"""Cameras of this machine, through OpenCV."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from hfs_vision.core.messages import Message
from hfs_vision.errors import SourceError, UsageError
from hfs_vision.schema import SourceInfo
from hfs_vision.video.source import Picture, check_fps

# Media Foundation knows no virtual camera; DirectShow does.
_BACKENDS = {
    "linux": (cv2.CAP_V4L2,),
    "darwin": (cv2.CAP_AVFOUNDATION,),
    "win32": (cv2.CAP_MSMF, cv2.CAP_DSHOW),
}.get(sys.platform, (cv2.CAP_ANY,))
# 640x480 at 30 is what every webcam gives without compression. 60 is for the user to ask: a webcam
# that has it at all shortens the exposure, and a weak laptop drops half of the frames.
_DEFAULT_SIZE = (640, 480)
_DEFAULT_FPS = 30.0
_Opener = Callable[[int, int], cv2.VideoCapture]


@dataclass(frozen=True)
class CameraName:
    """A camera as the system lists it.

    Attributes:
        index: Its number with OpenCV.
        name: What its maker calls it.
        path: ``/dev/video0`` or what identifies it on other systems; may be empty.
        backend: OpenCV's number of the interface that listed it.
    """

    index: int
    name: str
    path: str
    backend: int


def list_cameras() -> list[CameraName]:
    """Cameras that are connected, by index; a camera that two interfaces know is listed once."""
    # Here, since on macOS it loads a framework that reading a file has no need of.
    from cv2_enumerate_cameras import enumerate_cameras

    found: list[CameraName] = []
    for backend in _BACKENDS:
        known = {camera.path or camera.name for camera in found}
        for camera in sorted(enumerate_cameras(backend), key=lambda c: int(c.index)):
            name = CameraName(int(camera.index), camera.name or "", camera.path or "", backend)
            if (name.path or name.name) not in known:
                found.append(name)
    return found


def find_camera(device: int | str, cameras: list[CameraName]) -> CameraName:
    """The camera of an index, a path or a part of a name, whichever fits first.

    Raises:
        UsageError: None fits, or several names do.
    """
    wanted = str(device).strip()
    if not wanted:
        raise UsageError("the camera's name is empty: give an index or a part of the name")
    if wanted.isdecimal():
        matches = [c for c in cameras if c.index == int(wanted)][:1]
    else:
        path = os.path.realpath(wanted)  # /dev/v4l/by-id/... points to /dev/video2
        matches = [c for c in cameras if c.path and c.path in (wanted, path)]
        matches = matches or [c for c in cameras if wanted.casefold() in c.name.casefold()]
    if len(matches) == 1:
        return matches[0]
    listed = ", ".join(f"{c.index} ({c.name})" for c in matches or cameras)
    if matches:
        raise UsageError(f"{wanted!r} fits several cameras: {listed}; give the index of one")
    hint = f"there are {listed}" if cameras else "no camera is connected"
    raise UsageError(f"there is no camera {wanted!r}: {hint}")


class Camera:
    """A camera of this machine, timed by the clock at the moment each picture is there.

    Attributes:
        info: Size and rate as the camera gives them; known once the first picture came.
        warnings: What was asked of the camera and not given.
    """

    info: SourceInfo

    def __init__(
        self,
        device: int | str,
        *,
        clock: Callable[[], float],
        size: tuple[int, int] | None = None,
        fps: float | None = None,
        cameras: Callable[[], list[CameraName]] = list_cameras,
        open_device: _Opener = cv2.VideoCapture,
    ) -> None:
        """Nothing is opened yet.

        Args:
            device: Index, path, or a part of the name.
            clock: Seconds since the session began.
            size: Width and height to ask for; 640x480 if ``None``.
            fps: Frames per second to ask for; 30 if ``None``.
            cameras: Lists the cameras.
            open_device: Opens one by its index and interface.

        Raises:
            UsageError: No camera has such a rate.
        """
        if fps is not None:
            check_fps(fps)
        self._device, self._clock = device, clock
        self._size, self._fps = size or _DEFAULT_SIZE, fps or _DEFAULT_FPS
        self._cameras, self._open_device = cameras, open_device
        self._chosen: CameraName | None = None
        self._closing = threading.Event()
        self.warnings: list[Message] = []

    def pictures(self) -> Iterator[tuple[float, Picture]]:
        """Opens the camera and gives its pictures until `close`.

        Raises:
            UsageError: There is no such camera.
            SourceError: The camera cannot be opened or read.
        """
        camera = self._find()
        cv2.setLogLevel(0)  # what a missing or busy camera makes it print
        device = self._open_device(camera.index, camera.backend)
        try:
            if device.isOpened():
                self._ask(device)
            if not (device.isOpened() and device.grab()):
                raise SourceError(
                    f"camera {camera.index} ({camera.name}) gives no picture: close other programs "
                    "that use it, and let this one use cameras in the system's settings"
                )
            if self._chosen is None:
                self._chosen = camera
            while not self._closing.is_set():
                time_s = self._clock()
                ok, bgr = device.retrieve()
                if ok:  # else it came damaged over the cable
                    rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
                    self._describe(device, rgb)
                    yield time_s, rgb
                if not device.grab():
                    raise SourceError(f"camera {camera.index} ({camera.name}) was disconnected")
        finally:
            device.release()

    def close(self) -> None:
        """Makes `pictures` end after the next picture."""
        self._closing.set()

    def _find(self) -> CameraName:
        cameras = self._cameras()
        if self._chosen is None:
            return find_camera(self._device, cameras)
        # Plugged in again, a camera may have another index.
        same = [c for c in cameras if c.name == self._chosen.name]
        if not same:
            raise SourceError(f"the camera {self._chosen.name} is not connected: plug it in again")
        return next((c for c in same if c.path == self._chosen.path), same[0])

    def _ask(self, device: cv2.VideoCapture) -> None:
        width, height = self._size
        # USB 2 carries no more than that without compression.
        if width * height > 640 * 480 or self._fps > 30:
            device.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        device.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        device.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        device.set(cv2.CAP_PROP_FPS, self._fps)
        device.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def _describe(self, device: cv2.VideoCapture, rgb: Picture) -> None:
        if hasattr(self, "info"):
            return
        height, width = rgb.shape[:2]
        fourcc = int(device.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True)
        self.info = SourceInfo(
            kind="camera",
            container=None,
            codec=fourcc.decode("ascii", "replace") if fourcc.isalnum() else None,
            width=width,
            height=height,
            nominal_fps=device.get(cv2.CAP_PROP_FPS) or None,
            frame_count=None,
            duration_s=None,
            rotation_deg=0,
        )
        if (width, height) != self._size:
            wanted = dict(zip(("wanted_width", "wanted_height"), self._size, strict=True))
            self.warnings.append(Message("camera_size", width=width, height=height, **wanted))
