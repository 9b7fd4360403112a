"""What a command does outside itself, as the system sees it: its calls, traced by strace."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.golden.data import task_file
from tests.paths import ROOT

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

_CALLS = (
    "execve,chdir,fchdir,socket,connect,bind,sendto,sendmsg,sendmmsg,"
    "open,openat,openat2,creat,truncate,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,"
    "link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,chmod,fchmodat,chown,fchownat,utimensat"
)
_LINE = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>\S.*)")
_OPENED = re.compile(r"\d+<(?P<path>.*?)>(?P<deleted>\(deleted\))?$")
_PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, )?"(?P<path>(?:[^"\\]|\\.)*)"')
_ADDRESS = re.compile(r'inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"')

# Runs commands one after the other in one process: the libraries are loaded once.
_SEVERAL = """
import json, sys
from hfs_vision.__main__ import main
for arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
"""


@dataclass
class Trace:
    """What all processes of a command did.

    Attributes:
        families: Address families of the sockets that were opened, or tried to.
        addresses: Internet addresses that were bound, connected or sent to, or tried to.
        programs: What was started.
        changed: Files and folders that were made, opened for writing, moved or removed.
        nameless: Folders in which files without a name were made, which end with their process.
    """

    families: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)
    changed: set[Path] = field(default_factory=set)
    nameless: set[Path] = field(default_factory=set)

    def changed_outside(self, *folders: Path) -> set[Path]:
        """What was changed that is not below one of the folders."""
        return {path for path in self.changed if not any(map(path.is_relative_to, folders))}


class Room:
    """A machine of its own, as far as a program can tell: home, temporary files, a recording.

    Args:
        folder: Where to make it.

    Attributes:
        home, temporary, recordings, out: Folders; results belong into the last.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.home, self.temporary = self.folder / "home", self.folder / "tmp"
        self.recordings, self.out = self.folder / "recordings", self.folder / "out"
        for made in (self.home, self.temporary, self.recordings, self.out):
            made.mkdir()

    def run(self, *arguments: object) -> Trace:
        """One command of the program, which must end well."""
        return self._run(["-m", "hfs_vision", *map(str, arguments)])

    def run_all(self, *commands: Iterable[object]) -> Trace:
        """Several, one after the other in one process."""
        listed = [[str(argument) for argument in command] for command in commands]
        return self._run(["-c", _SEVERAL, json.dumps(listed)])

    def _run(self, arguments: list[str]) -> Trace:
        with self.running(arguments) as (process, trace):
            _, said = process.communicate()
            assert process.returncode == 0, said
        return trace

    @contextmanager
    def running(self, arguments: list[str]) -> Iterator[tuple[subprocess.Popen[str], Trace]]:
        """Python under trace, from the folder of the room; the trace is filled at the end."""
        trace = Trace()
        with tempfile.TemporaryDirectory() as written:
            # A file for each thread, or lines would be torn; only the calls of interest stop it.
            command = ["strace", "-ff", "--seccomp-bpf", "-qq", "-y", "-s", "4096"]
            command += ["-e", f"trace={_CALLS}", "-e", "signal=none", "-o", f"{written}/thread"]
            process = subprocess.Popen(
                [*command, sys.executable, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=self.folder,
                env=environment(HOME=self.home, TMPDIR=self.temporary),
            )
            try:
                yield process, trace
            finally:
                process.kill()
                process.communicate()
                for file in sorted(Path(written).iterdir()):
                    for line in file.read_text(errors="replace").splitlines():
                        _read(line, self.folder, trace)


def environment(**folders: Path) -> dict[str, str]:
    """That of this process, without what names folders of the user's."""
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("XDG_", "MPL", "PYTEST", "COV"))
    }
    bundle = task_file()
    models = {"HFS_VISION_MODELS": bundle.parent} if bundle else {}
    return {
        **known,
        **{name: str(folder) for name, folder in {**models, **folders}.items()},
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",  # what Python itself keeps of its modules
    }


def tracee(strace: int) -> int:
    """The process that strace has started."""
    return int(Path(f"/proc/{strace}/task/{strace}/children").read_text().split()[0])


def _read(line: str, folder: Path, trace: Trace) -> None:
    found = _LINE.match(line)
    if found is None:  # a call that a kill has cut
        assert line.rstrip().endswith(("= ?", "<unfinished ...>", ")")) or "+++" in line, line
        return
    name, arguments, result = found["name"], found["arguments"], found["result"]
    if name == "socket":
        trace.families.add(arguments.partition(",")[0])
    elif name in ("connect", "bind", "sendto", "sendmsg", "sendmmsg"):
        trace.addresses.update(_ADDRESS.findall(arguments))
    elif result.startswith(("-1", "?")):
        return
    elif name == "execve":
        trace.programs.add(_text(_PATH.findall(arguments)[0][1]))
    elif name in ("open", "openat", "openat2", "creat"):
        _read_opened(arguments, result, trace)
    elif name in ("chdir", "fchdir"):
        assert arguments == f'"{folder}"', line  # from elsewhere relative paths would be others
    else:
        for below, path in _PATH.findall(arguments):
            trace.changed.add(_absolute(Path(below or folder, _text(path))))


def _read_opened(arguments: str, result: str, trace: Trace) -> None:
    if not re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC|TMPFILE)", arguments):
        return
    opened = _OPENED.match(result)
    assert opened is not None, result
    path = Path(_text(opened["path"]))
    if "O_TMPFILE" in arguments:
        trace.nameless.add(_absolute(path.parent))
    else:
        trace.changed.add(_absolute(path))


def _text(escaped: str) -> str:
    return escaped.encode().decode("unicode_escape").encode("latin-1").decode(errors="replace")


def _absolute(path: Path) -> Path:
    # The folder, not the file itself: a link that is removed is not what it leads to.
    return path.parent.resolve() / path.name
