"""What the feed of changes and the policy mean for DOIs: which are looked at, which are new.

A change makes the DOIs due that tell of it; `rounds` finds out whether anything is to be told.
Datasets whose policy says ``auto`` get a DOI as soon as anyone may know of them; as that comes
with time, too, all are looked through once an hour.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, get_args

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from panosc.catalogue.changes import Follower, last
from panosc.catalogue.publishing.tables import doi
from panosc.catalogue.tables import dataset, ruling
from panosc.policy.document import ClassName, Document
from panosc.policy.opening.reckoning import class_name
from panosc.publication.minting import queue
from panosc.publication.minting.neighbours import concerned
from panosc.publication.minting.queue import Wish
from panosc.publication.minting.suffixes import doi_of

FOLLOWER: Final = "dois"
SWEEP_EVERY: Final = timedelta(hours=1)
AT_ONCE: Final = 1000
_BROUGHT: Final = r"^10\.\d{4,9}/"


class Following:
    """Follows the feed on behalf of the DOIs of one prefix.

    Parameters
    ----------
    find : callable
        A version of a policy by its name.
    """

    def __init__(
        self,
        engine: sa.Engine,
        find: Callable[[str], Document],
        *,
        prefix: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._find = find
        self._prefix = prefix
        self._clock = clock
        self._follower = Follower(FOLLOWER)
        self._swept: datetime | None = None

    def step(self) -> bool:
        """Take up some of what has changed; return whether there may be more."""
        self._begin()
        with self._follower.batch(self._engine, limit=AT_ONCE) as (connection, found):
            if not found:
                return self._sweep()
            now = self._clock()
            records = {(change.model, change.pid) for change in found}
            queue.touch(connection, concerned(connection, records), now=now)
            datasets = sorted(pid for model, pid in records if model == "Dataset")
            named = dataset.c.pid == sa.any_(sa.literal(datasets, ARRAY(sa.Text)))
            self._take_up(connection, named, now=now)
        return True

    def _begin(self) -> None:
        with self._engine.begin() as connection:
            if self._follower.position(connection) is not None:
                return
            number = last(connection)
            # the node may have had DOIs before, and an account no more for a while
            connection.execute(
                sa.update(doi)
                .where(doi.c.due.is_(None), doi.c.message.is_(None))
                .values(due=self._clock())
            )
            self._follower.start(connection, number)

    def _sweep(self) -> bool:
        now = self._clock()
        if self._swept is not None and now < self._swept + SWEEP_EVERY:
            return False
        with self._engine.begin() as connection:
            if self._take_up(connection, sa.true(), now=now):
                return True
        self._swept = now
        return False

    def _take_up(
        self, connection: sa.Connection, chosen: sa.ColumnElement[bool], *, now: datetime
    ) -> int:
        """Queue DOIs of chosen datasets to which the policy gives one; return how many."""
        automatic = self._automatic(connection)
        if automatic is None:
            return 0
        has = sa.select(doi.c.doi).where(
            doi.c.model == "Dataset", doi.c.pid == dataset.c.pid, doi.c.kind == "version"
        )
        brought = sa.and_(
            dataset.c.pid.regexp_match(_BROUGHT),
            ~dataset.c.pid.startswith(f"{self._prefix}/", autoescape=True),
        )
        rows = connection.execute(
            sa.select(dataset.c.pid)
            .join(ruling, ruling.c.dataset_id == dataset.c.id)
            .where(chosen, automatic, dataset.c.listed_at <= now, ~brought, ~has.exists())
            .order_by(dataset.c.id)
            .limit(AT_ONCE)
        )
        wishes = [
            Wish(
                doi=doi_of("Dataset", pid, prefix=self._prefix),
                model="Dataset",
                pid=pid,
                wanted="findable",
                by="policy",
            )
            for pid in rows.scalars()
        ]
        return queue.want_many(connection, wishes, now=now)

    def _automatic(self, connection: sa.Connection) -> sa.ColumnElement[bool] | None:
        names = connection.execute(
            sa.select(ruling.c.policy).where(ruling.c.policy.is_not(None)).distinct()
        )
        cases: list[Any] = []
        for name in names.scalars():
            classes = self._find(name).scope.data_classes
            kinds = [one for one in get_args(ClassName) if getattr(classes, one).doi == "auto"]
            if kinds:
                cases.append(sa.and_(ruling.c.policy == name, class_name().in_(kinds)))
        return sa.or_(*cases) if cases else None
