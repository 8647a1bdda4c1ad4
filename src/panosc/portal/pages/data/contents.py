"""What pages ask of the data service about one file: JSON as h5grove gives it, read.

Pages run in threads; what has to read the file waits for the service's own loop.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import anyio.from_thread
import orjson

from panosc.data.questions import Question, What, path_of
from panosc.data.service import DataService
from panosc.domain.access import Who
from panosc.domain.errors import TooLarge

MOST_BYTES: Final = 1_000_000
"""Of an answer that becomes a part of a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The contents of one file, or of the only one, for one person."""

    service: DataService
    who: Who
    pid: str
    file: str | None

    def meta(self, path: str) -> dict[str, Any]:
        """Return what stands at a path."""
        return self._known("meta", path)

    def attributes(self, path: str) -> dict[str, Any]:
        """Return the attributes at a path."""
        return self._known("attr", path)

    def left_out(self) -> tuple[str, ...]:
        """Return what of the file is not told, in sentences."""
        return self.service.left_out(self.who, self.pid, self.file)

    def values(self, path: str, selection: str) -> Any:
        """Return a part of an array."""
        return self._read("data", path, selection)

    def stats(self, path: str, selection: str) -> dict[str, Any]:
        """Return extremes, mean and deviation of a part of an array."""
        found: dict[str, Any] = self._read("stats", path, selection)
        return found

    def query(self, path: str, **more: str) -> str:
        """Return the part of an address that says what is looked at."""
        file = {} if self.file is None else {"file": self.file}
        return urlencode({**file, "path": path, **more})

    def _known(self, what: What, path: str) -> dict[str, Any]:
        question = Question(what=what, file=self.file, path=path_of(path))
        found: dict[str, Any] = orjson.loads(self.service.look(self.who, self.pid, question))
        return found

    def _read(self, what: What, path: str, selection: str) -> Any:
        question = Question(
            what=what, file=self.file, path=path_of(path), selection=selection or None
        )
        return orjson.loads(anyio.from_thread.run(self._answer, question))

    async def _answer(self, question: Question) -> bytes:
        located = await self.service.locate(self.who, self.pid, self.file)
        reply = await self.service.answer(self.who, located, question)
        if reply.pieces is None and len(reply.body) <= MOST_BYTES:
            return reply.body
        raise TooLarge(
            "These values are too long to be shown on a page.",
            limit=MOST_BYTES,
            hint="Fetch them instead.",
        )
