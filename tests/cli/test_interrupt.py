"""How a command that notes signals ends where there is nothing to keep yet."""

from __future__ import annotations

import signal
import subprocess
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


STOPPED = """
import sys
import hfs_vision.__main__ as program
import hfs_vision.cli

def run():
    try:
        exec("raise KeyboardInterrupt")  # as libraries do that compile code of their own
    except KeyboardInterrupt:
        print("stopped")
    sys.exit(143)

hfs_vision.cli.main = run
program.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="looks at a signal of POSIX")
def test_the_exit_code_stands_after_an_interrupt_that_passed_through_exec(tmp_path):
    (tmp_path / "stopped.py").write_text(STOPPED)
    ended = subprocess.run(
        [sys.executable, "-m", "stopped"], capture_output=True, text=True, cwd=tmp_path
    )
    assert (ended.returncode, ended.stdout) == (143, "stopped\n"), ended.stderr
