"""No code of the package runs what a file, a page or a name says; read off the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.paths import ROOT

SOURCES = sorted(
    path for part in ("hfs_vision", "models", ".ci") for path in (ROOT / part).rglob("*.py")
)

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "code"}
"""What makes objects, and so runs code, of bytes."""

CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "os.startfile",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell",
    "yaml.load",
    "yaml.unsafe_load",
    "tempfile.mktemp",
    "numpy.fromfile",
    "pandas.read_pickle",
    "pandas.eval",
    "markupsafe.Markup",
}
LOADERS = {"numpy.load": "allow_pickle", "torch.load": "weights_only"}
"""What makes objects of a file unless the argument forbids it, with the value that does."""

SAFE = {"allow_pickle": False, "weights_only": True}
STATEMENTS = {"execute", "exec_driver_sql", "executescript", "text"}
"""Methods whose text a database runs: values go beside it, not into it."""


def faults(source: str) -> list[str]:
    """What must not be in a module, each with its line."""
    tree = ast.parse(source)
    names = dict(_imported(tree))
    found = [
        f"{node.lineno}: imports {name}"
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in _modules(node)
        if name.partition(".")[0] in MODULES
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += [f"{node.lineno}: {fault}" for fault in _call_faults(node, names)]
    return found


def _call_faults(call: ast.Call, names: dict[str, str]) -> Iterator[str]:
    name = _full_name(call.func, names)
    given = {word.arg: word.value for word in call.keywords}
    if name in CALLS:
        yield f"calls {name}"
    shell = given.get("shell", ast.Constant(False))
    if not (isinstance(shell, ast.Constant) and shell.value is False):
        yield f"{name} with shell="
    if name in LOADERS:
        argument = given.get(LOADERS[name])
        if not (isinstance(argument, ast.Constant) and argument.value is SAFE[LOADERS[name]]):
            yield f"{name} without {LOADERS[name]}={SAFE[LOADERS[name]]}"
    if any(name.endswith(f".{loader}") for loader in ("load", "loads")) and "allow_pickle" in given:
        argument = given["allow_pickle"]
        if not (isinstance(argument, ast.Constant) and argument.value is False):
            yield f"{name} with allow_pickle"
    if name.rpartition(".")[2] in STATEMENTS and any(map(_is_made, call.args[:1])):
        yield f"{name} with a text that is put together"


def _is_made(text: ast.expr) -> bool:
    if ast.unparse(text).lstrip("f'\"").startswith("PRAGMA "):  # which takes no values
        return False
    made = isinstance(text, (ast.JoinedStr, ast.BinOp))
    formatted = isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute)
    return made or (formatted and text.func.attr == "format")


def _full_name(function: ast.expr, names: dict[str, str]) -> str:
    """``np.load`` as ``numpy.load``."""
    text = ast.unparse(function)
    first, dot, rest = text.partition(".")
    return names.get(first, first) + dot + rest


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((a.asname or a.name, a.name) for a in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((a.asname or a.name, f"{node.module}.{a.name}") for a in node.names)


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if node.module and not node.level else []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_runs_what_it_reads(path):
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import marshal as m",
        "eval('1')",
        "exec(text)",
        "import os\nos.system(name)",
        "from os import system\nsystem(name)",
        "import subprocess\nsubprocess.run(line, shell=True)",
        "import subprocess as s\ns.run(line, shell=wanted)",
        "import numpy as np\nnp.load(path)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import torch\ntorch.load(path)",
        "import yaml\nyaml.load(text)",
        "connection.execute(f'select {name}')",
        "from sqlalchemy import text\ntext('select ' + name)",
        "connection.execute('select {}'.format(name))",
        "from markupsafe import Markup\nMarkup(name)",
    ],
)
def test_what_is_looked_for_is_found(source):
    assert faults(source)


def test_what_is_safe_is_not_taken_for_it():
    source = (
        "import re, subprocess, numpy as np\nre.compile('a')\nsubprocess.run(['a'], shell=False)\n"
        "np.load(path, allow_pickle=False)\nconnection.execute('select ?', (name,))\n"
        "model.eval()\n"
    )
    assert faults(source) == []
