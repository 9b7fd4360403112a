"""The forms of export: every module here whose ``FORMAT`` says how it is written."""

from importlib import import_module
from pkgutil import iter_modules

from hfs_vision.exports.export_format import ExportFormat

_MODULES = sorted(module.name for module in iter_modules(__path__))
_FOUND: list[ExportFormat] = [import_module(f"{__name__}.{name}").FORMAT for name in _MODULES]

FORMATS = {found.name: found for found in _FOUND}
"""By the names that the command line takes."""
