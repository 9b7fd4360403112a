"""Where results go, and options and settings files."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
from rich.table import Table

from hfs_vision import Settings
from hfs_vision.analysis.result import RESULT_FILES
from hfs_vision.cli import cli, terminal
from hfs_vision.cli.report import settle_report
from hfs_vision.cli.visible import VisibleConsole
from tests.cli.support import VIDEO, files_in, nothing_written
from tests.golden.data import task_file

# Output


@pytest.mark.parametrize("command", ["analyze", "detect"])
def test_a_folder_below_a_file_is_refused_before_the_work(hfs, stand_in, results, command):
    Path("file").write_text("I was here first")
    given = VIDEO if command == "analyze" else results / "signals.csv"
    outcome = hfs(command, given, "--out", "file/results")
    assert outcome.code == 1
    assert "cannot write results to file/results" in outcome.message
    assert "choose another folder with --out" in outcome.message
    assert [p.name for p in Path().iterdir()] == ["file"]
    assert Path("file").read_text() == "I was here first"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_read_only_folder_is_refused_before_the_work(hfs, stand_in):
    Path("locked").mkdir(mode=0o500)
    outcome = hfs("analyze", VIDEO, "--out", "locked/results")
    assert outcome.code == 1
    assert "cannot write results to locked/results" in outcome.message
    assert not list(Path("locked").iterdir())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_a_folder_that_cannot_be_made_is_refused_in_one_line(hfs, results):
    outcome = hfs("detect", results / "signals.csv", "--out", "/proc/hfs_vision/results")
    assert outcome.code == 1
    assert "cannot write results to /proc/hfs_vision/results" in outcome.message
    assert "choose another folder with --out" in outcome.message


def test_a_disk_that_fails_at_the_end_leaves_nothing_behind(hfs, stand_in, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hfs_vision.analysis.result.write_signals", full)
    outcome = hfs("analyze", VIDEO, "--out", "results")
    assert outcome.code == 1
    assert "cannot write results to results: No space left on device" in outcome.message
    assert not files_in(Path())
    assert not list(Path().rglob(".writing-*"))


@pytest.mark.parametrize("command", ["analyze", "detect"])
def test_existing_results_are_kept_unless_forced(hfs, stand_in, results, command):
    given = VIDEO if command == "analyze" else results / "signals.csv"
    Path("kept").mkdir()
    Path("kept/events.csv").write_text("mine")
    outcome = hfs(command, given, "--out", "kept")
    assert outcome.code == 2
    assert "kept already holds events.csv" in outcome.message
    assert "--force" in outcome.message
    assert files_in(Path()).keys() == {"kept/events.csv"}
    assert Path("kept/events.csv").read_text() == "mine"
    if command == "detect":
        assert hfs(command, given, "--out", "kept", "--force").code == 0
        assert {p.name for p in Path("kept").iterdir()} == {*RESULT_FILES, "report.html"}
        assert Path("kept/events.csv").read_text() != "mine"


# Options


def option_of(name: str) -> str:
    return "--" + name.removesuffix("_s").replace("_", "-")


@pytest.mark.parametrize("command", ["analyze", "detect"])
@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_each_setting_has_an_option_with_its_range_and_default(field, command):
    (option,) = (p for p in cli.commands[command].params if p.name == field.name and p.opts)
    assert option.opts == [option_of(field.name)]
    assert isinstance(option.type, click.FloatRange)
    assert (option.type.min, option.type.max) == (field.metadata["low"], field.metadata["high"])
    unit = " s" if field.name.endswith("_s") else ""
    assert option.help == f"{field.metadata['help']}.  [default: {field.default:g}{unit}]"


@pytest.mark.parametrize("field", fields(Settings), ids=lambda field: field.name)
def test_each_option_sets_its_setting_and_no_other(hfs, results, field):
    value = (field.default + field.metadata["high"]) / 2
    outcome = hfs("detect", results / "signals.csv", option_of(field.name), value, "--out", "again")
    assert outcome.code == 0
    written = json.loads(Path("again/summary.json").read_text())["settings"]
    assert written == {**Settings().as_dict(), field.name: pytest.approx(value, abs=1e-6)}


@pytest.mark.parametrize("value", ["5", "0", "-1", "nan", "inf", "much", ""])
@pytest.mark.parametrize("command", ["analyze", "detect"])
def test_a_setting_out_of_range_is_refused_with_its_value(hfs, stand_in, results, command, value):
    given = VIDEO if command == "analyze" else results / "signals.csv"
    outcome = hfs(command, given, "--closure-threshold", value, "--out", "out")
    assert outcome.code == 2
    assert value in outcome.message
    assert "closure" in outcome.message
    assert nothing_written()


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", VIDEO, "--sensitivity", "3"),
        ("detect", "signals.csv", "--sensitivity", "3"),
        ("simulate", "a.mp4", "--sensitivity", "3"),
        ("model", "fetch", "--sensitivity", "3"),
        ("--sensitivity",),
    ],
)
def test_an_unknown_option_is_refused_with_its_name(hfs, arguments):
    outcome = hfs(*arguments)
    assert outcome.code == 2
    assert "--sensitivity" in outcome.message
    assert nothing_written()


@pytest.mark.parametrize("arguments", [("analyse", VIDEO), ("analyze",), ("model", "get")])
def test_a_wrong_command_is_refused_with_its_usage(hfs, arguments):
    outcome = hfs(*arguments)
    assert outcome.code == 2
    assert outcome.err.startswith("Usage: ")
    assert re.search("analyse|VIDEO|get", outcome.message)


SETTINGS_FILES = [
    ("no file", None, "settings.json is not a settings file"),
    ("no JSON", "closure_threshold = 0.2", "settings.json is not a settings file"),
    ("a list", "[1, 2]", "settings.json is not a settings file"),
    ("a list in a result", '{"settings": [1]}', "settings.json is not a settings file"),
    ("bytes", b"\xff\xfe\x00", "settings.json is not a settings file"),
    ("an unknown name", '{"eagerness": 1}', "unknown setting 'eagerness'"),
    ("a text", '{"tonic_s": "long"}', "tonic_s must be a number from 0.1 to 10, got 'long'"),
    ("out of range", '{"tonic_s": 99}', "tonic_s must be a number from 0.1 to 10, got 99"),
]


@pytest.mark.parametrize(
    ("text", "what"), [case[1:] for case in SETTINGS_FILES], ids=[c[0] for c in SETTINGS_FILES]
)
def test_an_unreadable_settings_file_is_refused(hfs, results, tmp_path, text, what):
    path = tmp_path / "settings.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    outcome = hfs("detect", results / "signals.csv", "--settings", path, "--out", "out")
    assert outcome.code == 2
    assert what in outcome.message
    assert nothing_written()


def test_settings_of_an_earlier_result_are_taken_up_and_options_go_before_them(hfs, results):
    first = hfs(
        "detect", results / "signals.csv", "--tonic", 2, "--merge-gap", 0.3, "--out", "first"
    )
    assert first.code == 0
    again = hfs(
        "detect", results / "signals.csv", "--settings", "first/summary.json",
        "--merge-gap", 0.5, "--out", "again",
    )  # fmt: skip
    assert again.code == 0
    written = json.loads(Path("again/summary.json").read_text())["settings"]
    assert written == {**Settings().as_dict(), "tonic_s": 2.0, "merge_gap_s": 0.5}


@pytest.mark.parametrize(
    ("options", "code", "what"),
    [
        (("--subject", "2", "0.5"), 2, "subject must be fractions of width and height"),
        (("--fps", "30"), 2, "a video has its own times; leave it out"),
        (("--landmarker", "facemesh", "--model", "x.task"), 2, "takes no model file"),
        (("--landmarker", "dlib"), 2, "'dlib'"),
        (("--landmarker", "facelandmarker", "--model", "x.task"), 1, "x.task does not exist"),
    ],
)
def test_options_that_do_not_fit_are_refused(hfs, options, code, what):
    outcome = hfs("analyze", VIDEO, *options)
    assert outcome.code == code
    assert what in outcome.err
    assert "Traceback" not in outcome.err
    assert nothing_written()


@pytest.mark.parametrize("damage", ["cut", "text", "overwritten"])
def test_a_damaged_model_is_refused_by_its_path(hfs, tmp_path, damage):
    bundle = task_file()
    path = tmp_path / "model.task"
    if damage == "text":
        path.write_text("not a model")
    elif bundle is None:
        pytest.skip("face_landmarker.task is not here")
    else:
        data = bytearray(bundle.read_bytes())
        if damage == "cut":
            data = data[: len(data) // 2]
        else:
            data[1_000_000:1_000_500] = bytes(500)
        path.write_bytes(data)
    outcome = hfs("analyze", VIDEO, "--landmarker", "facelandmarker", "--model", path)
    assert outcome.code == 1
    assert str(path) in outcome.message
    assert re.search("truncated|damaged", outcome.message)
    assert nothing_written()


def every_command(group: click.Group) -> Iterator[click.Command]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command)
        elif command is not None:
            yield command


def types_of(kind: click.ParamType) -> list[click.ParamType]:
    return list(kind.types) if isinstance(kind, click.Tuple) else [kind]


def test_every_option_that_is_a_number_refuses_what_is_none():
    found = [
        (command, option, kind)
        for command in every_command(cli)
        for option in command.params
        for kind in types_of(option.type)
        if isinstance(kind, click.FloatRange | click.types.FloatParamType)
    ]
    assert len(found) > 60
    for command, option, kind in found:
        for text in ("nan", "inf", "-inf", "1e999"):
            with pytest.raises(click.BadParameter):
                assert kind.convert(text, option, None) is None, (command.name, option.name)


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_session_without_an_end_is_no_number(hfs, value):
    outcome = hfs("live", "--file", VIDEO, "--no-display", "--duration", value)
    assert outcome.code == 2
    assert f"Invalid value for '--duration': {value} is not a number" in outcome.message
    nothing_written()


# Tables


def test_a_narrow_terminal_cuts_no_number(monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "30")
    table = Table(title="Numbers")
    table.add_column("what was found, in many words")
    table.add_column("kept", no_wrap=True)
    table.add_column("95 %\ninterval", justify="right")
    table.add_column("count", justify="right")
    table.add_row("a_word_that_is_longer_than_it all", "not wrapped", "0.53 to 1.23", "123456")
    terminal.show_table(table)
    shown = capfd.readouterr().out
    assert "…" not in shown
    for text in ("0.53 to 1.23", "123456", "not wrapped", "interval"):
        assert text in shown


# Files that are there


def test_the_words_fit_the_command(hfs, results):
    Path("there.mp4").write_bytes(b"x")
    outcome = hfs("annotate", results, "--video", VIDEO, "--out", "there.mp4")
    told = "already holds there.mp4: choose another file with --out, or replace the video with"
    assert told in outcome.message
    outcome = hfs("detect", results / "signals.csv", "--out", results)
    assert "choose another folder with --out, or replace the results with" in outcome.message


def test_what_is_done_after_the_bar_is_shown(results, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(terminal, "err", VisibleConsole(file=shown, force_terminal=True))
    assert settle_report(results, wanted=True, force=True) == 0
    assert "writing report.html" in shown.getvalue()
