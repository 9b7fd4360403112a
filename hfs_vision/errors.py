"""One error tree. Each message says what is wrong, the value received and what to do.

The command line prints the message without a traceback and exits with ``exit_code``:
2 where the call itself was wrong, 1 where a sound call failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec


class HfsVisionError(Exception):
    """Base of every error that this package raises on purpose.

    ``code`` names its kind where an error is stored.
    """

    exit_code = 1
    code = "failed"


class UsageError(HfsVisionError):
    """The call was wrong: a path that is missing, a setting out of range, a result that exists."""

    exit_code = 2
    code = "usage"


class SourceError(HfsVisionError):
    """A source of frames cannot be opened or decoded, or holds too little to analyse."""

    code = "source"


class NoFaceError(SourceError):
    """A source was read, but no frame of it shows a face."""

    code = "no_face"


class ModelError(HfsVisionError):
    """A landmark model is missing, damaged or not supported by the installed MediaPipe."""

    code = "model"


class TableError(HfsVisionError):
    """A CSV or JSON file does not have the documented form; the message names file and row."""

    code = "table"


class OutputError(HfsVisionError):
    """A result cannot be written."""

    code = "output"


class DiaryError(HfsVisionError):
    """A diary is damaged, in use, of a newer version, or no diary."""

    code = "diary"


def library_hint(error: BaseException) -> str:
    """What to install where a library of the system is missing; empty for other errors."""
    if "cannot open shared object" not in str(error):
        return ""
    return "; on Debian or Ubuntu: apt-get install libgl1 libegl1 libgles2 libglib2.0-0"


def library_error(error: ImportError) -> str:
    """What to say where a library cannot be loaded, be it missing or memory too small for it."""
    return f"a library cannot be loaded: {error}{library_hint(error)}"


def check_extra(what: str, libraries: Sequence[str], extra: str) -> None:
    """Makes sure that the libraries of an extra are here.

    Args:
        what: That needs them, such as ``the page``.
        libraries: Names by which they are imported.
        extra: Its name in ``pyproject.toml``.

    Raises:
        UsageError: If a library is missing.
    """
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{what} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} "
            "not here: "
            f'pip install "hfs-vision[{extra}]"'
        )
