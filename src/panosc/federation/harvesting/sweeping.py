"""Which of the kept records are no longer at their source: the list of all against what is kept.

Nothing is deleted before the list is whole, nor when it says that more than half are gone.
"""

from collections.abc import AsyncIterator, Iterator, Sequence

import sqlalchemy as sa

from panosc.domain.errors import Conflict
from panosc.federation.harvesting.raws import Place

BATCH = 1000


class Sweep:
    """The list of all that there is at a source, in a table of this connection alone."""

    def __init__(self, connection: sa.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self.count = 0

    async def fill(self, pages: AsyncIterator[Sequence[Place]]) -> None:
        """Take the whole list."""
        self._run("drop table if exists pg_temp.swept")
        self._run(
            "create temporary table swept (kind text collate pg_c_utf8,"
            " external_id text collate pg_c_utf8)"
        )
        self._connection.commit()
        async for page in pages:
            if page:
                self._run(
                    "insert into swept select * from"
                    " unnest(cast(:kinds as text[]), cast(:ids as text[]))",
                    kinds=[kind for kind, _ in page],
                    ids=[item for _, item in page],
                )
                self._connection.commit()
                self.count += len(page)
        self._run("create index on swept (kind, external_id)")
        self._run("analyze swept")
        self._connection.commit()

    def check(self, *, is_forced: bool) -> int:
        """Return how many records are gone.

        Raises
        ------
        Conflict
            If they are more than half of all.
        """
        row = self._run(_COUNT).one()
        self._connection.commit()
        if row.gone * 2 > row.everything and not is_forced:
            raise Conflict(
                f"{self._name} lists {self.count} records; {row.gone} of the {row.everything} that"
                " are known here would vanish at once. Nothing was deleted.",
                hint=f"If that is right: `panosc connector harvest {self._name} --sweep --force`.",
            )
        return int(row.gone)

    def gone(self) -> Iterator[list[Place]]:
        """Yield in batches what is gone; what was yielded is to be marked so by the caller."""
        while rows := self._run(_NEXT, limit=BATCH).all():
            self._connection.commit()
            yield [(row.kind, row.external_id) for row in rows]
        self._connection.commit()

    def _run(self, statement: str, **given: object) -> "sa.CursorResult[tuple[object, ...]]":
        named = {"name": self._name} if ":name" in statement else {}
        return self._connection.execute(sa.text(statement), named | given)


_BESIDE = (
    " from raw r left join (select distinct kind, external_id from swept) s"
    " on s.kind = r.kind and s.external_id = r.external_id"
    " where r.connector = :name and r.gone is null"
)
_COUNT = (
    "select count(*) as everything, count(*) filter (where s.external_id is null) as gone" + _BESIDE
)
_NEXT = (
    "select r.kind, r.external_id" + _BESIDE + " and s.external_id is null order by 1, 2"
    " limit :limit"
)
