"""What the arguments of a command name: files and folders, each once."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from hfs_vision.errors import UsageError


def find_each(
    inputs: Sequence[str], found_at: Callable[[Path], Iterable[Path]], *, wanted: str, hint: str
) -> list[Path]:
    """What the inputs name, in their order.

    Args:
        inputs: Paths, and globs that stand for several.
        found_at: What is wanted at a path that exists.
        wanted: What that is called.
        hint: What to give instead.

    Raises:
        UsageError: If an input names none.
    """
    found: dict[Path, Path] = {}
    for each in inputs:
        # Path.glob takes no absolute pattern.
        matches = sorted(glob.glob(each, recursive=True))  # noqa: PTH207
        named = [each] if Path(each).exists() else matches
        paths = [path for name in named for path in found_at(Path(name))]
        if not paths:
            raise UsageError(f"{each} names no {wanted}: give {hint}, or a glob in quotes")
        for path in paths:
            found.setdefault(path.resolve(), path)
    return list(found.values())
