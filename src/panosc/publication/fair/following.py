"""Keeping how FAIR datasets are, beside a node that serves: it follows the feed of changes.

What is kept is derived: each dataset is looked at once, and again when something changes that it
tells of. It may be killed at any time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from panosc.catalogue.beside.leading import Post, beside
from panosc.catalogue.changes import Follower, last
from panosc.catalogue.database import unlimited
from panosc.domain.access import OPERATOR
from panosc.publication.fair import checks, store
from panosc.publication.gathering import Gatherer
from panosc.publication.oai import touching

POST: Final = Post(name="looking how FAIR datasets are", lock=0x666169722E2E)
BATCH: Final = 200


class Scoring:
    """Looks at datasets that are new or have changed."""

    def __init__(self, engine: sa.Engine, gatherer: Gatherer) -> None:
        self._engine, self._gatherer = engine, gatherer
        self._follower = Follower("fair")
        self._filled: int | None = 0
        """Up to which key all datasets have been looked at; None: all."""

    def step(self, goes_on: Callable[[], bool]) -> bool:
        """Look at some datasets; return whether there are more."""
        with self._engine.begin() as connection:
            if self._follower.position(connection) is None:
                # what changes from now on comes with the feed
                self._follower.start(connection, last(connection))
        return self._follow(goes_on) or self._fill()

    def catch_up(self) -> None:
        """Do all there is to do now; another process must not be at it."""
        while self.step(lambda: True):
            pass

    def _follow(self, goes_on: Callable[[], bool]) -> bool:
        with self._follower.batch(self._engine, limit=1000) as (connection, changes):
            if not changes:
                return False
            unlimited(connection)
            changed = touching.keys_of(changes)
            self._score_all(changed.get("Dataset", []))
            with self._engine.connect() as reading:
                unlimited(reading)
                for model, keys in touching.touched(reading, changed, BATCH):
                    if not goes_on():
                        # the changes come again
                        raise InterruptedError
                    if model == "Dataset":
                        self._score_all(keys)
        return True

    def _fill(self) -> bool:
        if self._filled is None:
            return False
        with self._engine.connect() as connection:
            unlimited(connection)
            keys = store.after(connection, self._filled, BATCH)
        if not keys:
            self._filled = None
            return False
        self._score_all(keys)
        self._filled = keys[-1]
        return True

    def _score_all(self, keys: Sequence[int]) -> None:
        for begin in range(0, len(keys), BATCH):
            self._score(keys[begin : begin + BATCH])

    def _score(self, keys: Sequence[int]) -> None:
        with self._engine.begin() as connection:
            unlimited(connection)
            found = store.pids(connection, keys)
            by_pid = {
                item.pid: checks.report(item)
                for item in self._gatherer.many(
                    connection, OPERATOR, "Dataset", list(found.values()), _nowhere
                )
                if item.access not in {"withdrawn", "erased"}
            }
            scores = [
                (key, by_pid[pid].score, [check.name for check in by_pid[pid].missing])
                for key, pid in found.items()
                if pid in by_pid
            ]
            gone = [key for key in keys if found.get(key) not in by_pid]
            store.write(connection, scores, gone)


def _nowhere(path: str) -> str:
    """Return a path as it is: no check rests on where the node is."""
    return path


@contextmanager
def scoring(engine: sa.Engine, gatherer: Gatherer) -> Iterator[None]:
    """Keep how FAIR datasets are beside whatever the block does."""
    with beside(engine, POST, Scoring(engine, gatherer)):
        yield
