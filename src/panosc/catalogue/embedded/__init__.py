"""A PostgreSQL of the node's own, one per home: started by its first user, stopped by its last."""

from panosc.catalogue.embedded.server import Progress, Server, running

__all__ = ["Progress", "Server", "running"]
