"""A stand-in for DataCite's REST API, for trying out and for tests: it registers nothing.

It is written from DataCite's documented API and from the rules of its server (`lupo`), speaks
HTTP like the real one, keeps everything in memory, and runs on loopback only.
"""

from panosc.publication.minting.standin.rules import Record, Repository
from panosc.publication.minting.standin.server import Fault, StandIn

__all__ = ["Fault", "Record", "Repository", "StandIn"]
