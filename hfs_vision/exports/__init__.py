"""Results in the forms that other tools read: BIDS, MNE, BORIS, ELAN and Parquet.

What is exported is decided once, in `hfs_vision.exports.content`: that is where names, dates and
free text are dropped, and no format sees anything else.
"""

from hfs_vision.exports.content import Content, ExportInterval, read_content
from hfs_vision.exports.export_format import ExportRequest
from hfs_vision.exports.formats import FORMATS
from hfs_vision.exports.run_export import export

__all__ = ["FORMATS", "Content", "ExportInterval", "ExportRequest", "export", "read_content"]
