"""What `hfs_vision` exports and what its public functions take; how names of it go."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import hfs_vision
from hfs_vision.analysis.pipeline import detect
from hfs_vision.exports import ExportRequest, export
from hfs_vision.report import write_report
from hfs_vision.results import (
    REVIEWED_FILE,
    is_ours,
    is_reviewed,
    read_events,
    read_folder,
    read_header,
    read_json,
    read_marks,
    read_reviewed,
    read_rows,
    read_segments,
    read_signals,
    read_summary,
)
from hfs_vision.review import Review
from hfs_vision.support.deprecation import deprecated, warn_deprecated
from tests.paths import ROOT
from tests.synthetic import Recording

INIT = ROOT / "hfs_vision" / "__init__.py"

# What is exported


def public(names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith("_") or name == "__version__"]


def test_the_exported_members_are_those_of_the_list():
    assert hfs_vision.__all__ == sorted(hfs_vision.__all__)
    assert public(dir(hfs_vision)) == hfs_vision.__all__
    for name in hfs_vision.__all__:
        assert getattr(hfs_vision, name) is not None


def test_what_type_checkers_see_is_what_is_exported():
    tree = ast.parse(INIT.read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {"__version__"}
    homes = {}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            seen |= {alias.name for alias in node.names}
            homes |= {alias.name: node.module for alias in node.names}
    assert sorted(seen) == hfs_vision.__all__
    for name, home in homes.items():
        assert getattr(hfs_vision, name) is getattr(import_module(str(home)), name)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        _ = hfs_vision.analyse  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_installed_package():
    assert hfs_vision.__version__ == version("hfs-vision")


HEAVY = ("av", "cv2", "matplotlib", "mediapipe", "onnxruntime", "pandas", "scipy")


@pytest.mark.parametrize(
    ("code", "loaded"),
    [
        ("import hfs_vision; dir(hfs_vision); hfs_vision.__version__", []),
        ("from hfs_vision import Settings, HfsVisionError, read_folder, ResultFolder", []),
        ("from hfs_vision import analyze", ["av", "cv2"]),
    ],
)
def test_a_name_loads_what_it_needs_and_no_more(code, loaded):
    code += f"; import sys; print([n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = ast.literal_eval(done.stdout)
    assert set(loaded) <= set(found) if loaded else found == []
    assert {"matplotlib", "pandas"}.isdisjoint(found)


# Paths as text

PACKAGES = (
    "batch",
    "diary",
    "exports",
    "live",
    "quality",
    "render",
    "report",
    "results",
    "review",
    "simulate",
    "video",
)
PLUMBING = {  # of `hfs_vision.results`: for writers of this program
    "RecordingSpan", "ResultFolder", "check_folder", "check_replaceable", "finish_replacing",
    "flush", "held", "parse_choice", "parse_number", "parse_time", "recording_of",
    "replace_files", "retire", "write_result", "Job", "Pool", "FoundRecording",
}  # fmt: skip


def functions(package: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    module = import_module(f"hfs_vision.{package}" if package else "hfs_vision")
    for name in getattr(module, "__all__", ()):
        found = getattr(module, name)
        if name in PLUMBING:
            continue
        if inspect.isclass(found):
            for inner, method in vars(found).items():
                function = method.__func__ if isinstance(method, classmethod) else method
                if inspect.isfunction(function) and not inner.startswith("_"):
                    yield f"{package}.{name}.{inner}", function
        elif inspect.isfunction(found):
            yield f"{package}.{name}", found


def test_every_public_function_takes_a_path_as_text():
    asked, wanting = 0, []
    for package in ("", *PACKAGES):
        for name, function in functions(package):
            for parameter in inspect.signature(function).parameters.values():
                annotation = str(parameter.annotation)
                asked += "StrPath" in annotation
                if "Path" in annotation.replace("StrPath", ""):
                    wanting.append(f"{name}: {parameter}")
    assert wanting == []
    assert asked > 25


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A result that somebody has corrected, with segments, as text."""
    place = str(tmp_path_factory.mktemp("surface") / "a.results")
    recording = Recording(30.0).lid(0, 14, 0.4).lid(1, 20, 0.3)
    detect(recording.measured(), segments=[("rest", 0.0)]).save(place)
    with Path(place, "marks.csv").open("w", encoding="utf-8") as file:
        file.write("time_s,kind,label\n0.0,segment,rest\n")
    with Review.open(read_folder(place), file=f"{place}/{REVIEWED_FILE}", reviewer="A") as review:
        review.add(onset_s=25.0, offset_s=25.5, side="left", region="eye")
    return place


READERS = [
    (read_signals, "signals.csv"),
    (read_events, "events.csv"),
    (read_reviewed, REVIEWED_FILE),
    (read_marks, "marks.csv"),
    (read_segments, "marks.csv"),
    (read_summary, "summary.json"),
    (read_json, "summary.json"),
    (read_header, "counts.csv"),
    (is_reviewed, REVIEWED_FILE),
    (is_ours, "events.csv"),
    (lambda path: list(read_rows(path, ("side",))), "counts.csv"),
]


@pytest.mark.parametrize(("read", "name"), READERS)
def test_readers_take_text_and_give_what_they_give_for_a_path(folder, read, name):
    by_text, by_path = read(f"{folder}/{name}"), read(Path(folder, name))
    assert by_text is not None
    assert repr(by_text) == repr(by_path)


def test_what_is_done_with_a_folder_takes_text(folder, tmp_path):
    found = read_folder(folder)
    assert (found.path, len(found.events)) == (Path(folder), 3)
    assert write_report(folder, f"{tmp_path}/made.html") == tmp_path / "made.html"
    assert "<svg" in (tmp_path / "made.html").read_text(encoding="utf-8")
    made = export(ExportRequest(folders=folder, to="mne", out=f"{tmp_path}/mne"))
    (file,) = made.files
    several = export(ExportRequest(folders=[folder], to="mne", out=f"{tmp_path}/two"))
    assert (several.out / file).read_bytes() == (made.out / file).read_bytes()


# How a name goes


def test_what_goes_warns_where_it_is_called_and_says_until_when():
    @deprecated(gone_in="0.3", instead="use `new`")
    def old(value: int, *, more: int = 0) -> int:
        """Adds."""
        return value + more

    with pytest.warns(DeprecationWarning, match="goes in") as caught:
        assert old(1, more=2) == 3
    (warning,) = caught
    name = f"{__name__}.{old.__qualname__}"
    assert str(warning.message) == f"{name} goes in hfs_vision 0.3: use `new`"
    assert warning.filename == __file__
    assert old.__name__ == "old"
    assert old.__doc__ == "Adds.\n\nDeprecated: goes in version 0.3: use `new`."


def test_an_option_that_goes_warns_in_the_callers_line():
    def call(*, fast: bool | None = None) -> None:
        if fast is not None:
            warn_deprecated("the option `fast`", gone_in="0.3", instead="leave it out")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
        call(fast=True)
    (warning,) = caught
    assert warning.filename == __file__
    assert "0.3" in str(warning.message)


def goings() -> Iterator[tuple[str, str]]:
    """Module and version of everything in the package that is said to go."""
    for path in (ROOT / "hfs_vision").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            known = isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant)
            if known and node.arg == "gone_in":
                yield path.name, str(node.value.value)


def test_nothing_that_was_to_go_by_now_is_still_there():
    def parts(text: str) -> list[int]:
        return [int(part) for part in text.split(".")[:2]]

    late = [each for each in goings() if parts(each[1]) <= parts(hfs_vision.__version__)]
    assert late == []
