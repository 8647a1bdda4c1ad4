"""The raw answers of other catalogues, word for word: which are new, kept, read again."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from panosc.catalogue.federating.tables import raw as table
from panosc.federation.contract import Raw

Place = tuple[str, str]
"""Kind and external id."""
LARGEST = 32 << 20
"""Bytes of one record."""
_c = table.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a raw record is to stand in the table."""

    raw: Raw
    text: str
    sha256: bytes
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Raw records by what is to be done with them."""

    new: Sequence[Kept]
    changed: Sequence[Kept]
    gone: Sequence[Place]


def place_of(raw: Raw) -> Place:
    """Return what a raw record is known by."""
    return raw.kind, raw.external_id


def written(content: Any) -> str | None:
    """Return JSON in its one spelling; None for what is none or is too large.

    Examples
    --------
    >>> written({"b": 1, "a": [None]})
    '{"a":[null],"b":1}'
    """
    try:
        text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError):
        return None
    return text.decode() if len(text) <= LARGEST else None


def sort(connection: sa.Connection, name: str, raws: Iterable[Raw], *, mapping: int) -> Sorted:
    """Part raw records of a catalogue: those that are known and the same are left out.

    Of one that comes twice the last counts. One that was mapped otherwise is changed, too.
    """
    last = {place_of(item): item for item in raws}
    stand = _standing(connection, name, list(last))
    new, changed, gone = list[Kept](), list[Kept](), list[Place]()
    for place, item in last.items():
        before = stand.get(place)
        if item.is_gone:
            if before is not None and before.gone is None:
                gone.append(place)
            continue
        text = written(item.content)
        problem = None if text is not None else "It is no JSON, or too large."
        digest = hashlib.sha256((text or "").encode()).digest()
        kept = Kept(raw=item, text=text or "null", sha256=digest, problem=problem)
        if before is None:
            new.append(kept)
        elif before.sha256 != digest or before.gone is not None or before.mapping != mapping:
            changed.append(kept)
    return Sorted(new=new, changed=changed, gone=gone)


def _standing(connection: sa.Connection, name: str, places: Sequence[Place]) -> dict[Place, Any]:
    given = _given(places)
    statement = (
        sa.select(_c.kind, _c.external_id, _c.sha256, _c.gone, _c.mapping)
        .join(given, (given.c.kind == _c.kind) & (given.c.external_id == _c.external_id))
        .where(_c.connector == name)
    )
    return {(row.kind, row.external_id): row for row in connection.execute(statement)}


def _given(places: Sequence[Place]) -> Any:
    text = sa.ARRAY(sa.Text)
    columns = [sa.literal([place[index] for place in places], text) for index in (0, 1)]
    return sa.func.unnest(*columns).table_valued("kind", "external_id").render_derived()


def keep(
    connection: sa.Connection,
    name: str,
    items: Sequence[Kept],
    *,
    at: datetime,
    mapping: int,
    harvest: int,
) -> None:
    """Keep raw records as they are now."""
    if not items:
        return
    fixed = {"connector": name, "at": at, "mapping": mapping, "harvest": harvest}
    lists = {
        "kinds": [item.raw.kind for item in items],
        "ids": [item.raw.external_id for item in items],
        "digests": [item.sha256 for item in items],
        "texts": [item.text for item in items],
        "changed": [item.raw.changed for item in items],
        "problems": [item.problem for item in items],
    }
    connection.execute(_KEEP, fixed | lists)


_KEEP = sa.text(
    "insert into raw (connector, kind, external_id, sha256, content, changed, fetched, mapping,"
    " gone, problem, harvest_id)"
    " select :connector, kind, external_id, sha256, content, changed, :at, :mapping, null, problem,"
    " :harvest from unnest(cast(:kinds as text[]), cast(:ids as text[]), cast(:digests as bytea[]),"
    " cast(:texts as text[]), cast(:changed as timestamptz[]), cast(:problems as text[]))"
    " as g(kind, external_id, sha256, content, changed, problem)"
    " on conflict (connector, kind, external_id) do update set sha256 = excluded.sha256,"
    " content = excluded.content, changed = excluded.changed, fetched = excluded.fetched,"
    " mapping = excluded.mapping, gone = null, problem = excluded.problem,"
    " harvest_id = excluded.harvest_id"
)


def leave(
    connection: sa.Connection, name: str, places: Sequence[Place], *, at: datetime, harvest: int
) -> None:
    """Note that raw records are gone."""
    if not places:
        return
    given = _given(places)
    statement = (
        sa.update(table)
        .where(_c.connector == name, _c.kind == given.c.kind, _c.external_id == given.c.external_id)
        .values(gone=at, problem=None, harvest_id=harvest)
    )
    connection.execute(statement)


def read(
    connection: sa.Connection, places: Mapping[str, Sequence[Place]]
) -> dict[tuple[str, str, str], Raw]:
    """Return raw records by (catalogue, kind, external id)."""
    found: dict[tuple[str, str, str], Raw] = {}
    for name, wanted in places.items():
        given = _given(wanted)
        statement = (
            sa.select(_c.kind, _c.external_id, _c.content, _c.changed)
            .join(given, (given.c.kind == _c.kind) & (given.c.external_id == _c.external_id))
            .where(_c.connector == name)
        )
        for row in connection.execute(statement):
            found[name, row.kind, row.external_id] = Raw(
                kind=row.kind,
                external_id=row.external_id,
                content=orjson.loads(row.content),
                changed=row.changed,
            )
    return found


def older(
    connection: sa.Connection, name: str, *, mapping: int | None, after: Place, limit: int
) -> list[Raw]:
    """Return raw records after a place that were mapped otherwise; without `mapping`: any."""
    statement = (
        sa.select(_c.kind, _c.external_id, _c.content, _c.changed)
        .where(_c.connector == name, _c.gone.is_(None))
        .where(sa.tuple_(_c.kind, _c.external_id) > sa.tuple_(*after))
        .order_by(_c.kind, _c.external_id)
        .limit(limit)
    )
    if mapping is not None:
        statement = statement.where(_c.mapping != mapping)
    return [
        Raw(
            kind=row.kind,
            external_id=row.external_id,
            content=orjson.loads(row.content),
            changed=row.changed,
        )
        for row in connection.execute(statement)
    ]
