"""``python -m tests.fuzz READER|all``: fuzzes one reader, or each for so long."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import NoReturn

import atheris

# Only what is imported here has its branches counted, which is what guides the fuzzer.
with atheris.instrument_imports(include=["hfs_vision", "csv", "json"]):
    from tests.fuzz.readers import READERS, accepts, prepared

CORPUS = Path(__file__).with_name("corpus")
_LONGEST = 4096  # bytes of a file: what fails for longer ones fails for short ones too
_TIMEOUT_S, _MOST_MB = 20, 2048


def main() -> int:
    """Runs libFuzzer; 1 where it found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("reader", choices=[*READERS, "all"])
    parser.add_argument("--seconds", type=int, default=60, help="for each reader")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="readers at a time")
    parser.add_argument("--findings", type=Path, default=Path(), help="folder for what fails")
    parser.add_argument("--new", type=Path, help="folder for what reaches new code")
    asked = parser.parse_args()
    names = list(READERS) if asked.reader == "all" else [asked.reader]
    count = len(names)
    failed, running = [], dict[int, str]()
    with tempfile.TemporaryDirectory() as scratch:
        while names or running:
            while names and len(running) < asked.jobs:
                name = names.pop(0)
                new = (asked.new or Path(scratch)) / name
                for folder in (asked.findings, new, CORPUS / name):
                    folder.mkdir(parents=True, exist_ok=True)
                sys.stdout.flush()
                child = os.fork()  # libFuzzer ends its process
                if not child:
                    _fuzz(name, new, asked)
                running[child] = name
            child, code = os.wait()
            if code:
                failed.append(running[child])
            del running[child]
    print(f"{count} reader(s), {asked.seconds} s each; failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


def _fuzz(name: str, new: Path, asked: argparse.Namespace) -> NoReturn:
    warnings.simplefilter("error")
    reader = READERS[name]
    with tempfile.TemporaryDirectory() as scratch:
        folder = prepared(reader, Path(scratch) / "there")
        words = Path(scratch) / "words"
        words.write_text("".join(f'"{_escaped(word)}"\n' for word in reader.words))
        options = [
            f"-max_total_time={asked.seconds}",
            f"-max_len={_LONGEST}",
            f"-timeout={_TIMEOUT_S}",
            f"-rss_limit_mb={_MOST_MB}",
            f"-artifact_prefix={asked.findings}/{name}-",
            f"-dict={words}",
            "-verbosity=0",
            "-print_final_stats=1",
        ]

        def read(content: bytes) -> None:
            accepts(reader, folder, content)

        print(f"== {name}", flush=True)
        atheris.Setup([sys.argv[0], *options, str(new), str(CORPUS / name)], read)
        atheris.Fuzz()
    os._exit(1)


def _escaped(word: str) -> str:
    """As libFuzzer's dictionaries have it."""
    return "".join(c if c.isalnum() or c in " _./#>:-" else f"\\x{ord(c):02X}" for c in word)


if __name__ == "__main__":
    sys.exit(main())
