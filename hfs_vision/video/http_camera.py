"""What a camera sends over HTTP: pictures one after the other, or a container for FFmpeg."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote

from hfs_vision.errors import SourceError
from hfs_vision.support.http_client import LedAwayError, ask
from hfs_vision.video.jpegs import JpegReader

_BLOCK = 1 << 16
_JPEG_TYPES = ("multipart/", "image/jpeg", "image/jpg", "image/pjpeg", "video/x-motion-jpeg")
_JPEG_BEGINS = re.compile(rb"\s*(\xff\xd8\xff|--[!-~]+[ \t]*\r?\n|content-)", re.IGNORECASE)
BROKEN = (OSError, HTTPException)
"""What reading may raise."""


class HttpCamera:
    """An answer that goes on for as long as it is read.

    It can be read as a file by FFmpeg, or as pictures by `jpegs`.
    """

    def __init__(self, answer: HTTPResponse) -> None:
        packed = answer.headers.get("content-encoding", "identity").strip().lower()
        if packed not in ("", "identity"):
            raise SourceError(f"the camera packs its stream ({packed}): switch that off there")
        self._answer = answer
        self._head = answer.read1(_BLOCK)
        kind = answer.headers.get("content-type", "").strip().lower()
        self.sends_jpegs = (
            kind.startswith(_JPEG_TYPES) or _JPEG_BEGINS.match(self._head) is not None
        )
        self.is_playlist = self._head.lstrip().startswith(b"#EXTM3U")

    def read(self, size: int) -> bytes:
        """Up to so many bytes, as soon as there are any; none at the end."""
        head, self._head = self._head[:size], self._head[size:]
        return head or self._answer.read1(size)

    def jpegs(self, closed: Callable[[], bool]) -> Iterator[bytes]:
        """Pictures as they come, until the camera ends them.

        Raises:
            SourceError: It sends none, or only one.
        """
        reader, count = JpegReader(), 0
        while not closed() and (block := self.read(_BLOCK)):
            for jpeg in reader.feed(block):
                count += 1
                yield jpeg
        if closed():
            return
        if count == 0:
            raise SourceError(
                "what it sends is no video stream, perhaps a web page: check the path"
            )
        if count == 1:
            raise SourceError("it is a single picture: give the address of the camera's stream")

    def close(self) -> None:
        """Ends the connection."""
        self._answer.close()


def open_camera(url: SplitResult, *, timeout_s: float) -> HttpCamera:
    """Asks the camera.

    Args:
        url: May hold user and password, which go into a header.
        timeout_s: How long the network may be silent.

    Raises:
        SourceError: It does not answer as it should; says why, and nothing that is secret.
    """
    login = None
    if url.username is not None:
        login = unquote(url.username), unquote(url.password or "")
    bare = url._replace(netloc=url.netloc.rpartition("@")[2], fragment="").geturl()
    try:
        # Cameras have certificates that they made themselves.
        with contextlib.ExitStack() as opened:
            answer = opened.enter_context(ask(bare, timeout_s=timeout_s, login=login, verify=False))
            camera = HttpCamera(answer)
            opened.pop_all()
        return camera
    except LedAwayError as error:
        raise SourceError(
            f"the camera leads to another address, {error}: if that is right, give that address"
        ) from None
    except HTTPError as error:
        error.close()
        said = f"the camera answers with an error ({error.code}): check the address and the camera"
        raise SourceError(_STATUS.get(error.code, said)) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, HTTPException):
            raise SourceError("what answers there does not speak HTTP: check the port") from None
        if isinstance(reason, OSError):
            raise reason from None
        # Its words may hold the address.
        raise SourceError("the camera does not answer as it should: check the address") from None


_STATUS = {
    401: "the camera asks for a password or refuses this one: write user@ before the host, and "
    "check both; the password is asked for",
    403: "the camera refuses access (403): check the user, who stands as user@ before the host, "
    "and the password",
    404: "the camera has nothing at this address (404): check the path",
}
