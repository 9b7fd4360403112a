"""Who may import whom, read off the source, and what the core drags in when it is imported."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGE = ROOT / "hfs_vision"
BASE = {"errors", "regions", "schema"}
CORE = BASE | {"core"}
MEASURED = CORE | {"video", "landmarks", "results"}

# Each part may import itself, the standard library and what is listed here.
ALLOWED = {
    "errors": (set(), set()),
    "support": ({"errors"}, set()),
    "regions": (set(), set()),
    "schema": ({"regions"}, {"numpy"}),
    "rates": (set(), {"numpy", "scipy"}),
    "core": (BASE, {"numpy"}),
    "results": (CORE, {"numpy", "pandas", "matplotlib"}),
    "video": (CORE | {"results", "support"}, {"numpy", "av", "cv2", "cv2_enumerate_cameras"}),
    "landmarks": (CORE | {"support"}, {"numpy", "cv2", "mediapipe", "onnxruntime"}),
    "evaluation": (CORE | {"results"}, {"numpy"}),
    "simulate": (CORE | {"video"}, {"numpy", "av", "cv2", "skimage"}),
    "analysis": (MEASURED, {"numpy", "cv2", "pandas", "matplotlib"}),
    "batch": (MEASURED | {"support", "analysis"}, {"fsspec", "dask", "distributed"}),
    "render": (MEASURED, {"numpy", "av", "cv2"}),
    "live": (MEASURED | {"analysis", "render"}, {"numpy", "cv2"}),
    "report": (CORE | {"results", "rates"}, {"numpy", "jinja2", "matplotlib"}),
    "review": (CORE | {"results"}, set()),
    "quality": (MEASURED | {"analysis", "live"}, {"numpy", "cv2", "av"}),
    "exports": (CORE | {"results"}, {"numpy", "pandas", "pyarrow"}),
    "diary": (CORE | {"results", "analysis"}, {"numpy", "sqlalchemy", "alembic"}),
    "trend": (CORE | {"rates", "diary", "report"}, {"numpy", "scipy", "jinja2", "matplotlib"}),
    "cohort": (
        CORE | {"rates", "diary", "results", "report", "trend", "evaluation"},
        {"numpy", "scipy", "jinja2", "matplotlib", "pandas", "pyarrow"},
    ),
    "web": (
        CORE | {"video", "results", "review", "report", "live", "diary", "trend"},
        {"numpy", "av", "fastapi", "starlette", "uvicorn", "pydantic"},
    ),
    "cli": (
        MEASURED
        | {"support", "evaluation", "simulate", "analysis", "live", "batch"}
        | {"report", "review", "render", "exports", "web", "quality", "diary", "trend", "cohort"},
        {"click", "rich"},
    ),
    "__init__": (CORE | {"analysis", "results"}, set()),
    "__main__": ({"cli", "errors", "support"}, set()),
}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Full names of imported modules; names imported from the package itself count as modules."""
    package = ["hfs_vision", *path.relative_to(PACKAGE).parts[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "hfs_vision":
                found |= {f"{module}.{alias.name}" for alias in node.names}
            else:
                found.add(module)
    return found


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_each_part_imports_only_what_its_layer_may(path):
    part = part_of(path)
    parts, libraries = ALLOWED[part]
    for name in imports(path):
        top, *rest = name.split(".")
        if top == "hfs_vision":
            assert not rest or rest[0] in parts | {part}, f"{path.name} imports {name}"
        else:
            known = top in sys.stdlib_module_names or top in libraries
            assert known, f"{path.name} imports {name}"


def test_every_part_of_the_package_has_a_layer():
    assert {part_of(p) for p in PACKAGE.rglob("*.py")} == set(ALLOWED)


def test_the_core_loads_numpy_and_no_other_library():
    code = (
        "import sys; before = set(sys.modules); import numpy; "
        "import hfs_vision.core.summary, hfs_vision.evaluation.scores\n"
        "heavy = {'cv2', 'av', 'mediapipe', 'click', 'rich', 'matplotlib', 'skimage', 'scipy',\n"
        "         'onnxruntime'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_is_over_400_lines():
    long = {
        p.name: n for p in PACKAGE.rglob("*.py") if (n := len(p.read_text().splitlines())) > 400
    }
    assert not long


def names_of(path: Path) -> set[str]:
    """Top-level classes of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_no_class_name_stands_in_two_modules():
    found = [name for path in PACKAGE.rglob("*.py") for name in names_of(path)]
    assert sorted(name for name in set(found) if found.count(name) > 1) == []


@pytest.mark.parametrize(
    "init", sorted(PACKAGE.rglob("__init__.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_no_package_hands_on_a_name_that_one_of_its_modules_bears(init):
    # The import of the module would put it in the place of the function.
    tree = ast.parse(init.read_text(encoding="utf-8"))
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module != f"hfs_vision.{init.parent.name}"
        for alias in node.names
    } | {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert names & {path.stem for path in init.parent.glob("*.py")} == set()
