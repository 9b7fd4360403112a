"""Reads JSON that a person may have edited, or that was cut off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hfs_vision.schema import StrPath


def read_json(path: StrPath) -> Any:
    """What a JSON file holds; a whole number that float64 does not hold exactly as a float.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no JSON, or brackets in it are nested without end.
    """
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_int=_whole)
    except RecursionError as error:
        raise ValueError("brackets are nested too deep") from error


def sound_text(text: str) -> str:
    r"""The text with ``\ud800`` spelt out for half a character, which no file and no page can hold.

    >>> sound_text("\ud800a"), sound_text("\u00e9")
    ('\\ud800a', 'é')
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def sound_json(value: Any) -> Any:
    """The same with all its texts as `sound_text` gives them."""
    if isinstance(value, dict):
        return {sound_text(name): sound_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [sound_json(inner) for inner in value]
    return sound_text(value) if isinstance(value, str) else value


def _whole(digits: str) -> int | float:
    value = float(digits)
    return int(digits) if abs(value) < 2**53 else value
