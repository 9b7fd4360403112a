"""How a command that notes signals ends where there is nothing to keep yet."""

from __future__ import annotations

import signal
import sys

import pytest

from hfs_vision.support.interrupts import stop_on_signal


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal of POSIX")
def test_what_raises_after_a_signal_ends_by_the_signal_that_was_sent():
    told = []

    def end(number, frame):
        told.append(number)
        raise KeyboardInterrupt

    def stopped():
        with stop_on_signal() as caught:
            signal.raise_signal(signal.SIGTERM)
            assert (caught, told) == ([signal.SIGTERM], [])
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(KeyboardInterrupt):
            stopped()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == [signal.SIGTERM]
