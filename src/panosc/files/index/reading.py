"""The rows of one index on disk, and what was read of them before."""

import sqlite3
import threading
from collections import OrderedDict
from typing import Any, Final

from panosc.domain.errors import NotFound, Unavailable

READY_BYTES: Final = 2 * 2**20
"""Answers of one index that are kept ready."""


class Rows:
    """A connection to an index that never changes; safe for threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.is_broken = False
        """It has turned out to be damaged, and is to be made anew."""
        self.lock = threading.RLock()
        self._connection = connection

    def __del__(self) -> None:
        self._connection.close()

    def all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return all rows that a statement finds.

        Raises
        ------
        Unavailable
            When the file is damaged.
        """
        try:
            with self.lock:
                return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self.is_broken = True
            raise Unavailable(
                f"The index of this file is damaged ({error}); it is made anew.",
                hint="Try again in a moment.",
            ) from error

    def one(self, statement: str, *values: object) -> tuple[Any, ...]:
        """Return the one row that a statement finds."""
        rows = self.all(statement, *values)
        if not rows:
            raise NotFound("There is no such object in this file.")
        return rows[0]


class Ready:
    """Answers by question, bounded in bytes; those asked for long ago go first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[Any, ...], tuple[Any, int]] = OrderedDict()
        self._nbytes = 0

    def known(self, key: tuple[Any, ...]) -> Any:
        """Return the answer; None when it is not here."""
        ready = self._answers.get(key)
        if ready is None:
            return None
        self._answers.move_to_end(key)
        return ready[0]

    def keep(self, key: tuple[Any, ...], answer: Any, size: int | None = None) -> None:
        """Keep an answer that is not here yet."""
        nbytes = len(answer) if size is None else size
        nbytes += 200 + sum(len(str(part)) for part in key)
        if nbytes > READY_BYTES or key in self._answers:
            return
        self._answers[key] = (answer, nbytes)
        self._nbytes += nbytes
        while self._nbytes > READY_BYTES:
            _, (_, freed) = self._answers.popitem(last=False)
            self._nbytes -= freed
