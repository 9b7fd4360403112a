"""What others have written must not steer the terminal, wherever the program shows it."""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from hfs_vision.analysis.pipeline import detect
from hfs_vision.cli.visible import VisibleConsole, VisibleStream, visible
from hfs_vision.diary import init_diary
from tests.cli.support import posix_only
from tests.synthetic import Recording

OSC = "\x1b]52;c;ZXZpbA==\x07"
STEERING = f"{OSC}\x1b[2J\x9b31m\x9d0;x\x9c\x7f\x08\r\u202e\u2066\u200f"
SHOWN = r"\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\x9d0;x\x9c\x7f\x08\x0d\u202e\u2066\u200f"


def test_control_characters_are_shown_and_all_else_is_left():
    assert visible(f"a{STEERING}b") == f"a{SHOWN}b"
    assert visible("\udc9b\ud800\0") == r"\udc9b\ud800\x00"
    for text in ("", "Zoë\tß 漢字 🙂\nb", "\x1bc".replace("\x1b", "\\x1b"), "a\u0301\xa0"):
        assert visible(text) == text


def streams(encoding: str = "utf-8", errors: str = "strict"):
    raw = io.BytesIO()
    return raw, VisibleStream(io.TextIOWrapper(raw, encoding=encoding, errors=errors))


def test_a_stream_shows_what_is_written_in_any_way():
    raw, stream = streams()
    stream.write(f"{STEERING}\n")
    stream.writelines([STEERING, "\n"])
    print(STEERING, file=stream)
    assert raw.getvalue().decode() == f"{SHOWN}\n" * 3
    raw, stream = streams("ascii")
    print("Zoë\x9b", file=stream)
    assert raw.getvalue() == b"Zo\\xeb\\x9b\n"


def test_a_console_keeps_its_own_colours(monkeypatch):
    from rich.table import Table
    from rich.text import Text

    raw, stream = streams()
    monkeypatch.setattr(sys, "stdout", stream)
    console = VisibleConsole(
        force_terminal=True, color_system="standard", width=200, highlight=False, _environ={}
    )
    table = Table(title=STEERING, caption=STEERING)
    table.add_column(STEERING)
    table.add_row(STEERING, Text(STEERING, style="red"))
    console.print(table)
    console.print(STEERING, style="bold")
    console.print(Text(STEERING, style="red"), soft_wrap=True)
    with console.status(STEERING), console.capture():
        pass
    stream.flush()
    found = raw.getvalue().decode()
    assert found.count(SHOWN) >= 5  # rich drops some characters of what is a Text already
    assert "\x1b[1m" in found
    assert "\x1b[31m" in found
    for harm in (OSC, "\x1b]", "\x07", "\x9b", "\u202e", "\x1b[2J\\", "\x7f"):
        assert harm not in found


def on_terminal(*arguments: object, cwd: Path) -> str:
    """All that a terminal is sent by the program."""
    import pty

    terminal, end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "PYTHONWARNINGS": "always"}
    command = [sys.executable, "-m", "hfs_vision", *map(os.fsencode, map(str, arguments))]
    shown = b""
    with subprocess.Popen(
        command, stdin=end, stdout=end, stderr=end, env=environment, cwd=cwd
    ) as process:
        os.close(end)
        while select.select([terminal], [], [], 120)[0]:
            try:
                block = os.read(terminal, 1 << 16)
            except OSError:
                break
            if not block:
                break
            shown += block
    os.close(terminal)
    assert process.returncode in (0, 1, 2)
    return shown.decode(errors="surrogateescape")


def check_harmless(shown: str, told: str = r"\x1b]52;c;ZXZpbA") -> None:
    assert "Traceback" not in shown
    for harm in ("\x1b]", "\x07", "\x9b", "\x9d", "\x7f", "\x08", "\u202e", "\u2066", "\u200f"):
        assert harm not in shown.replace("\x1b]8;", "")
    assert "\x1b[2J" not in shown
    assert told in shown


@posix_only
@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", f"{STEERING}.mp4"],
        ["detect", f"{STEERING}/signals.csv"],
        ["report", f"{STEERING}.results"],
        ["evaluate", f"{STEERING}.csv", f"{STEERING}.csv"],
        ["batch", f"{STEERING}*", "--out", "o"],
        ["live", "--no-display", "--file", STEERING],
        ["live", "--no-display", "--camera", STEERING],
        ["live", "--no-display", "--protocol", STEERING],
        ["check", STEERING],
        ["export", STEERING, "--to", STEERING],
        ["diary", "trend", STEERING],
        ["cohort", "table", STEERING, "--out", "o"],
        ["model", "fetch", STEERING],
        [f"{STEERING}"],
        [f"--{STEERING}"],
        ["analyze", f"--{STEERING}"],
        ["analyze", "--landmarker", STEERING, "a.mp4"],
        ["live", "--fps", STEERING],
    ],
    ids=lambda a: " ".join(a).replace(STEERING, "X"),
)
def test_arguments_and_names_of_files(arguments, tmp_path):
    check_harmless(on_terminal(*arguments, cwd=tmp_path))


@posix_only
def test_an_address_is_not_shown_as_it_may_hold_a_password(tmp_path):
    shown = on_terminal("model", "fetch", "--url", STEERING, "--dest", "d", cwd=tmp_path)
    check_harmless(shown, "the URL holds a space, or a sign that no address has")


@posix_only
class TestTables:
    def test_cells_of_a_table_that_is_wrong(self, tmp_path):
        folder = tmp_path / "a.results"
        detect(Recording(20.0).lid(0, 12.0, 0.4).measured()).save(folder)
        events = folder / "events.csv"
        lines = events.read_text().splitlines()
        events.write_text(
            "\n".join([lines[0], lines[1].replace("left", STEERING.replace("\r", ""))]), newline=""
        )
        human = events.with_name("human.csv")
        human.write_bytes(events.read_bytes())
        check_harmless(on_terminal("evaluate", human, events, cwd=tmp_path))
        check_harmless(on_terminal("report", folder, cwd=tmp_path))

    def test_warnings_of_a_summary(self, tmp_path):
        folder = tmp_path / f"{STEERING}.results"
        detect(Recording(20.0).lid(0, 12.0, 0.4).measured()).save(folder)
        summary = folder / "summary.json"
        values = json.loads(summary.read_text())
        values["warnings"] = [STEERING]
        summary.write_text(json.dumps(values))
        check_harmless(on_terminal("report", folder, cwd=tmp_path))

    def test_labels_of_a_diary(self, tmp_path):
        file = tmp_path / f"{STEERING}.diary"
        init_diary(file, person=STEERING, affected_side="left", timezone="UTC")
        # The diary itself keeps no control characters; the marks of direction it does.
        check_harmless(on_terminal("diary", "list", file, cwd=tmp_path), r"\u202e")


@posix_only
def test_warnings_and_logs_of_libraries(tmp_path):
    code = (
        "import logging, sys, warnings; from hfs_vision.cli.visible import *;"
        "show_control_characters(); warnings.simplefilter('always');"
        "text = sys.argv[1]; warnings.warn(text); logging.warning(text);"
        "print(text, file=sys.stderr); print(text)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, STEERING], capture_output=True, check=True, cwd=tmp_path
    )
    for shown in (done.stdout.decode(), done.stderr.decode()):
        check_harmless(shown)
    assert done.stderr.decode().count(SHOWN) == 3
