"""Makes docs/images/live.png anew: the window of a live session, 19 s into a sample video.

python -m tests.golden.live_picture
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2

from hfs_vision.live import Action, View, run_live, session_clock
from hfs_vision.live.frame_view import draw
from hfs_vision.video import Replay
from tests.paths import ROOT, SAMPLES

PICTURE = ROOT / "docs" / "images" / "live.png"
_AT_S = 19.2


class _Camera:
    """Keeps the picture of one moment."""

    def show(self, view: View) -> list[Action]:
        if view.time_s < _AT_S:
            return []
        PICTURE.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(PICTURE), draw(view), [cv2.IMWRITE_PNG_COMPRESSION, 9])
        return [Action("quit")]


def main() -> None:
    """Plays the sample at its own pace."""
    source = Replay(SAMPLES / "right_hemifacial_spasms.mp4", realtime=True)
    with tempfile.TemporaryDirectory() as folder:
        run_live(source, Path(folder), clock=session_clock(), display=_Camera())
    print(PICTURE)


if __name__ == "__main__":
    main()
