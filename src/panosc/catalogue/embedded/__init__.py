"""A PostgreSQL of the node's own, one per home: started by its first user, stopped by its last.

Use it through `server.running`; the watchdog is a program of its own and imports little.
"""
