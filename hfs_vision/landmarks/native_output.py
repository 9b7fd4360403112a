"""Keeps native libraries quiet: their chatter from what a person reads, and sound out of it all."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# Lines that MediaPipe, absl and TFLite write in every sound run; anything else is passed on.
_NOISE = re.compile(
    r"[IW]\d{4} \d\d:\d\d:|INFO: Created TensorFlow Lite |INFO: Applying \d+ TensorFlow Lite "
    r"|WARNING: All log messages before absl::InitializeLog\(\) "
)


@contextlib.contextmanager
def quiet_native() -> Iterator[None]:
    """Keep the chatter of MediaPipe's native code off stderr while a model is loaded.

    It is written to file descriptor 2 directly, where it would tear a progress bar apart, and no
    setting of absl or TFLite reaches it. What is not known chatter, errors above all, comes out
    afterwards; what was raised as an exception is not touched.
    """
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, AttributeError, ValueError):  # no stderr at all, such as under pythonw
        yield
        return
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            with contextlib.suppress(OSError, ValueError, AttributeError):
                sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            captured.seek(0)
            for line in captured.read().splitlines(keepends=True):
                if not _NOISE.match(line.decode(errors="replace")):
                    os.write(2, line)


@contextlib.contextmanager
def without_sound() -> Iterator[None]:
    """Lets MediaPipe be imported without the library by which it could record sound.

    It imports that where it can and does without where it cannot. The library would look for
    PortAudio, by running a compiler where there is one, and open the sound system, microphones
    too, where it is found.
    """
    if "sounddevice" in sys.modules:  # by whoever uses this package together with it
        yield
        return
    sys.modules["sounddevice"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["sounddevice"]
