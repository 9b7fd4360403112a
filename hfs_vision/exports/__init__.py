"""Results in the forms that other tools read: BIDS, MNE, BORIS, ELAN and Parquet.

What is exported is decided once, in `hfs_vision.exports.content`: that is where names, dates and
free text are dropped, and no format sees anything else.
"""

from hfs_vision.exports.content import Content, Stretch, read_content
from hfs_vision.exports.run_export import FORMATS, Request, export

__all__ = ["FORMATS", "Content", "Request", "Stretch", "export", "read_content"]
