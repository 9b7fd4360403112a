"""How a name or an option of the public surface goes: it warns for a while, and says until when.

The policy is in docs/python.md.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def warn_deprecated(what: str, *, gone_in: str, instead: str, stacklevel: int = 2) -> None:
    """Tells the caller's caller that something goes.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn_deprecated("the option `fast`", gone_in="0.3", instead="use `workers`")
    >>> print(caught[0].message)
    the option `fast` goes in hfs_vision 0.3: use `workers`

    Args:
        what: What goes, in words.
        gone_in: The first version without it.
        instead: What to do instead.
        stacklevel: As in `warnings.warn`, from whoever calls this.
    """
    text = f"{what} goes in hfs_vision {gone_in}: {instead}"
    warnings.warn(text, DeprecationWarning, stacklevel=stacklevel + 1)


def deprecated(*, gone_in: str, instead: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Marks a function that goes: each call of it warns where it is called.

    Args:
        gone_in: The first version without it.
        instead: What to do instead.
    """

    def mark(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def warning(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            what = f"{function.__module__}.{function.__qualname__}"
            warn_deprecated(what, gone_in=gone_in, instead=instead)
            return function(*args, **kwargs)

        note = f"Deprecated: goes in version {gone_in}: {instead}."
        warning.__doc__ = f"{function.__doc__.rstrip()}\n\n{note}" if function.__doc__ else note
        return warning

    return mark
