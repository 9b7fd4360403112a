"""Steps of pages that lead somewhere, and what they print: `main` runs and writes them.

python -m tests.golden.tutorial
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT, SAMPLES

PAGE = ROOT / "docs" / "tutorial.md"
PAGES = (PAGE, ROOT / "docs" / "diary.md", ROOT / "docs" / "python.md")
LEFT_OUT = "..."
HOME = "/home/me"
"""Instead of the temporary folder in which the steps run."""

_STEP = re.compile(
    r"<!-- run -->\n```(sh|python)\n(.*?)```\n<!-- prints -->\n```text\n(.*?)```", re.DOTALL
)


@dataclass(frozen=True)
class Step:
    """Something to run, and what the page says that it prints."""

    language: str
    code: str
    printed: str

    def run(self, folder: Path) -> str:
        """What it prints on a terminal of 80 columns, with ``sample_videos`` below the folder."""
        command = [sys.executable, "-c"] if self.language == "python" else ["bash", "-ec"]
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            [*command, self.code],
            cwd=folder,
            env={**os.environ, "COLUMNS": "80", "PATH": programs, "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
            encoding="utf-8",
        )
        printed = done.stdout.replace(str(folder.resolve()), HOME)
        return "".join(f"{line.rstrip()}\n" for line in printed.splitlines())


def steps(text: str) -> Iterator[Step]:
    """The steps of a page, in order."""
    for found in _STEP.finditer(text):
        yield Step(*found.groups())


def prepare(folder: Path) -> None:
    """Puts the sample videos where the page expects them."""
    (folder / "sample_videos").symlink_to(SAMPLES, target_is_directory=True)


def main() -> None:
    """Runs all steps and writes what they print. Lines to be left out are then cut by hand."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            prepare(folder)
            for step in steps(text):
                before = f"{step.code}```\n<!-- prints -->\n```text\n"
                text = text.replace(f"{before}{step.printed}```", f"{before}{step.run(folder)}```")
        page.write_text(text, encoding="utf-8")
        print(page)


if __name__ == "__main__":
    main()
