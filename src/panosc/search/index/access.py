"""Who may see what, as clauses of the index; a property test holds them to `policy.sql`.

Records open by their dates without being indexed again: the times are compared with the present.
What people shared is asked from the database when the question comes, so that it holds at once.
What an adopted catalogue shares, with each of its records maybe, stands in them like their group.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from tantivy import FieldType, Occur, Query, Schema

from panosc.catalogue.tables import share
from panosc.domain.access import Who
from panosc.search.index.documents import micros

Level = Literal["list", "detail"]
MARKS = ["withdrawn", "erased"]
_WHEN = {"list": "listed_at", "detail": "opened_at"}
_SEPARATOR = "\x1f"
# made once: it is asked with every question
_SHARED = sa.select(share.c.dataset_id).where(
    share.c.reader
    == sa.any_(
        sa.func.string_to_array(
            sa.bindparam("readers", type_=sa.Text), _SEPARATOR, type_=sa.ARRAY(sa.Text)
        )
    ),
    share.c.source.is_(None),
    sa.or_(
        share.c.until.is_(None),
        share.c.until > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    ),
)


def shared_with(connection: sa.Connection, who: Who, *, now: datetime) -> Sequence[int]:
    """Return the keys of the datasets that people shared with somebody."""
    if not who.readers:
        return ()
    # one text: the driver takes longer over hundreds of short ones than the query does
    readers = {"readers": _SEPARATOR.join(sorted(who.readers)), "now": now}
    return connection.execute(_SHARED, readers).scalars().all()


class Gate:
    """What is hidden from one viewer at one moment."""

    def __init__(self, schema: Schema, who: Who, *, now: datetime, shared: Sequence[int]) -> None:
        self._schema = schema
        self.now = micros(now)
        """As times stand in the index."""
        self._is_trusted = who.may_use("list")
        self._is_steward = who.is_steward and self._is_trusted
        self._theirs = self._belonging(who, shared) if self._is_trusted else []

    def hidden(self, level: Level) -> Query:
        """Return what the viewer may not list, or of what not see the detail."""
        marked = Query.term_set_query(self._schema, "mark", MARKS)
        if self._is_steward:
            return marked
        later = self.after(_WHEN[level])
        if not self._theirs:
            # what is withdrawn or erased opens never
            return later
        theirs = Query.boolean_query([(Occur.Should, one) for one in self._theirs])
        normal = Query.boolean_query([(Occur.Must, theirs), (Occur.MustNot, marked)])
        return Query.boolean_query([(Occur.Must, later), (Occur.MustNot, normal)])

    def after(self, field: str) -> Query:
        """Return the records of which a time has not come."""
        return Query.range_query(
            self._schema, field, FieldType.Integer, lower_bound=self.now, include_lower=False
        )

    def _belonging(self, who: Who, shared: Sequence[int]) -> list[Query]:
        found: list[Query] = []
        if who.groups:
            found.append(Query.term_set_query(self._schema, "owner_group", sorted(who.groups)))
        if who.instruments:
            names = sorted(who.instruments)
            found.append(Query.term_set_query(self._schema, "instrument", names))
        if shared:
            found.append(Query.term_set_query(self._schema, "key", list(shared)))
        return found
