"""The address of a network camera, and its password, which need not stand on the command line.

Every user of the machine can read the arguments of a process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import click

from hfs_vision.cli import terminal
from hfs_vision.errors import UsageError
from hfs_vision.support.http_client import parse_address

PASSWORD_VARIABLE = "HFS_VISION_CAMERA_PASSWORD"
"""Environment variable that holds the camera's password."""

_LONGEST = 1 << 16


def url_options(text: str) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """``--url`` and ``--url-file``.

    Args:
        text: What ``--url`` is, with a full stop.
    """

    def add(command: click.decorators.FC) -> click.decorators.FC:
        command = click.option(
            "--url-file",
            metavar="FILE",
            type=click.Path(path_type=Path, allow_dash=True),
            help="Read that address from the first line of a file, or from standard input (-).",
        )(command)
        return click.option(
            "--url",
            help=f"{text} The password of USER@ in it comes from {PASSWORD_VARIABLE} or is asked "
            "for: others can read what stands here.",
        )(command)

    return add


def read_url(url: str | None, file: Path | None) -> str | None:
    """The whole address; ``None`` where none is given.

    Raises:
        UsageError: Both are given, the file cannot be read, or a password is missing.
    """
    if url is not None and file is not None:
        raise UsageError("give one of --url and --url-file")
    if file is not None:
        return _with_password(_first_line(file))
    if url is None:
        return None
    whole = _with_password(url.strip())
    if whole == url.strip() and parse_address(whole).password:
        terminal.err.print(
            "note: while this runs others on this machine can read the password in the list of "
            f"processes: leave it out of --url, and it is asked for, or give it in "
            f"{PASSWORD_VARIABLE}",
            soft_wrap=True,
        )
    return whole


def _first_line(file: Path) -> str:
    try:
        if str(file) == "-":
            text = sys.stdin.readline(_LONGEST)
        else:
            with file.open(encoding="utf-8-sig") as opened:
                text = opened.readline(_LONGEST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"--url-file {file} cannot be read: {why}") from None
    if not text.strip():
        raise UsageError(f"--url-file {file} begins with an empty line: write the address there")
    return text.strip()


def _with_password(url: str) -> str:
    parts = parse_address(url)
    if parts.username is None or parts.password is not None:
        return url
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        if not sys.stdin.isatty():
            raise UsageError(
                f"the URL names a user and no password: give it in {PASSWORD_VARIABLE}, or write "
                "USER:PASSWORD@ into the file of --url-file"
            )
        password = click.prompt("Password of the camera", hide_input=True, err=True)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()
