"""The filter of the PaNOSC search API, LoopBack's, read into `domain.query`.

Every fault is a `BadFilter` that names its place, such as ``where.and[1].title``.
"""

from panosc.search.loopback.document import argument
from panosc.search.loopback.filter import read_filter
from panosc.search.loopback.where import read_where
from panosc.search.loopback.writing import write_filter, write_standard

__all__ = ["argument", "read_filter", "read_where", "write_filter", "write_standard"]
