"""The command line: one module a noun. Verbs print tables on a terminal, TSV in a pipe."""

from panosc.cli.main import main

__all__ = ["main"]
