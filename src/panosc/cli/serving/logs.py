"""How a node that serves logs: JSON lines, or lines for a person at a terminal."""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from panosc.domain import underway

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def install(level: int = logging.WARNING) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Human() if sys.stderr.isatty() else _Lines())
    logging.basicConfig(level=level, handlers=[handler], force=True)


class _Lines(logging.Formatter):
    """One JSON object a line: what a collector of logs takes apart."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": os.getpid(),
            "message": record.getMessage(),
        }
        if (request := underway.current()) is not None:
            said["requestId"] = request.id
        said |= {key: value for key, value in vars(record).items() if key not in _KNOWN}
        if record.exc_info:
            said["error"] = self.formatException(record.exc_info)
        # in ASCII: names of files and headers may hold what is no text
        return json.dumps(said, default=str)


class _Human(logging.Formatter):
    """A line that a person reads, with the id of the request."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    @override
    def format(self, record: logging.LogRecord) -> str:
        request = underway.current()
        question = getattr(record, "question", None)
        more = f" ?{question}" if question else ""
        return super().format(record) + more + (f" [{request.id}]" if request else "")
