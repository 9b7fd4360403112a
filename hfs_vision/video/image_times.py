"""Times of numbered images: the number is the time, so that what is missing leaves a hole."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from hfs_vision.core.messages import Message
from hfs_vision.errors import SourceError

_DIGITS = re.compile(r"([0-9]+)")
_UNITS = {"ms": 1e3, "us": 1e6, "ns": 1e9}
_SAME_STEP = 0.1
"""By what share the usual step between numbers of such a unit may differ from the rate's."""


def natural_key(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sorts ``frame2`` before ``frame10``."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", path.name.lower())
    return [(int(number or -1), text) for number, text in parts], path.name


def times_by_number(images: Sequence[Path], fps: float) -> tuple[list[float], list[Message]]:
    """Times in seconds, the first at 0, and what the user must know of them.

    The number of an image is the last one in its name that goes up from image to image, if the
    names have everything but numbers and endings in common.

    - Numbers that step by one: the number is that of the frame. What is missing is a hole.
    - Numbers that all step by 2, or any other whole number: `fps` is the rate of the images that
      are there. That is told, since it might be the rate before some were left out.
    - Numbers that step as a clock would in ms, us or ns at this rate: they are times.
    - Names without such a number: the place in the list stands for it, which is told.

    Args:
        images: In natural order.
        fps: Images per second.

    Raises:
        SourceError: Two images have the same number.
    """
    numbers = _numbers(images)
    if numbers is None:
        told = [Message("images_not_numbered")] if len(images) > 1 else []
        return [index / fps for index in range(len(images))], told
    steps = [b - a for a, b in pairwise(numbers)]
    usual = Counter(steps).most_common(1)[0][0] if steps else 1
    since = [number - numbers[0] for number in numbers]
    middle = sorted(steps)[len(steps) // 2] if steps else 1
    for unit, a_second in _UNITS.items():
        if middle > 1 and abs(middle * fps / a_second - 1) <= _SAME_STEP:
            return [number / a_second for number in since], [
                Message("images_numbered_by_time", step=middle, unit=unit, fps=fps)
            ]
    step = usual if math.gcd(*steps) == usual and 2 * steps.count(usual) >= len(steps) else 1
    notes = []
    if step > 1:
        notes.append(Message("images_step", step=step, fps=fps, other_fps=fps / step))
    missing = since[-1] // step + 1 - len(images)
    if missing:
        longest = max(steps) // step - 1
        notes.append(
            Message("images_missing", count=missing, longest=longest, longest_s=longest / fps)
        )
    return [number / step / fps for number in since], notes


def _numbers(images: Sequence[Path]) -> list[int] | None:
    """The number of each image; ``None`` where names have none that goes up throughout."""
    parts = [_DIGITS.split(image.stem.lower()) for image in images]
    if len({tuple(part[::2]) for part in parts}) > 1 or len(parts[0]) < 2:
        return None
    columns = [[int(part[at]) for part in parts] for at in range(1, len(parts[0]), 2)]
    for column in reversed(columns):
        if all(a < b for a, b in pairwise(column)):
            return column
    rows = list(zip(*columns, strict=True))
    for (a, b), (first, second) in zip(pairwise(rows), pairwise(images), strict=True):
        if a == b:
            raise SourceError(
                f"{first.parent}: {first.name} and {second.name} have the same number: take one "
                "of them out of the folder"
            )
    return None
