"""Writing what harvesters may know of, from the catalogue, in batches of one stamp each.

A stamp is later than all before it, and comes with the commit under a lock that readers wait for
(`store.settle`): who saw the records of a second will see no more of that second later.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.database import unlimited
from panosc.catalogue.publishing.tables import oai_record as kept
from panosc.catalogue.tables import instrument, technique
from panosc.domain.access import ALWAYS, NEVER
from panosc.publication.oai import names, store
from panosc.publication.reading.copies import copied_sql
from panosc.publication.reading.describing import plain

Clock = Callable[[], datetime]

# a withdrawn record keeps its core, an erased one its place among the sets: those who harvest a
# set shall learn that it is gone. What nobody could know of has no line
_WRITE = """
insert into oai_record as kept
  (id, model, pid, born, stamp, listed_at, opened_at, was_listed, sets)
select given.id, :model, given.pid, :stamp, :stamp,
  given.listed_at, given.opened_at, false,
  case when given.mark = 'erased' then coalesce(old.sets, given.sets) else given.sets end
from ({given}) as given
left join oai_record as old on old.id = given.id
where given.listed_at < :never or old.id is not null
order by given.id
on conflict (id) do update set
  stamp = excluded.stamp,
  was_listed = kept.was_listed or kept.listed_at <= excluded.stamp,
  listed_at = excluded.listed_at,
  opened_at = excluded.opened_at,
  sets = excluded.sets
"""
_DATASETS = """
  select dataset.id, dataset.pid, dataset.mark, dataset.opened_at,
    case when {copied} then :never when dataset.mark = 'withdrawn' then :always
      else dataset.listed_at end as listed_at,
    array[:all_data, coalesce(facility.set, :facility)] || coalesce(terms.sets, '{{}}') as sets
  from dataset
  left join instrument on instrument.id = dataset.instrument_id
  left join unnest(cast(:facilities as text[]), cast(:facility_sets as text[]))
    as facility(name, set) on facility.name = instrument.facility
  left join (
    select tagged.dataset_id, array_agg(distinct term.set) as sets
    from dataset_technique as tagged
    join unnest(cast(:techniques as bigint[]), cast(:technique_sets as text[]))
      as term(id, set) on term.id = tagged.technique_id
    where tagged.dataset_id = any(:keys)
    group by tagged.dataset_id
  ) as terms on terms.dataset_id = dataset.id
  where dataset.id = any(:keys)
"""
_DOCUMENTS = """
  select id, pid, mark, opened_at, array[cast(:facility as text)] as sets,
    case when {copied} then :never when mark = 'withdrawn' then :always
      else listed_at end as listed_at
  from document
  where id = any(:keys)
"""
_MISS = """
update oai_record as kept
set stamp = :stamp, listed_at = :never, opened_at = :never,
  was_listed = was_listed or listed_at <= :stamp
where id = any(:keys) and model = :model
  and not exists (select from {table} as it where it.id = kept.id)
"""
_GIVEN = {
    "Dataset": _DATASETS.format(copied=copied_sql("Dataset")),
    "Document": _DOCUMENTS.format(copied=copied_sql("Document")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Which facilities and techniques make which sets."""

    facility: str
    """The set of the node itself."""
    facilities: dict[str, str]
    techniques: list[tuple[int, str]]

    @classmethod
    def of(cls, connection: sa.Connection, lineage: names.Lineage, facility: str) -> "Naming":
        """Read what the catalogue names."""
        own = names.facility_set(facility)
        found = connection.scalars(sa.select(instrument.c.facility).distinct())
        rows = connection.execute(sa.select(technique.c.id, technique.c.pid, technique.c.panet_id))
        return cls(
            facility=own,
            facilities={
                name: names.facility_set(name) if plain(name) else own for name in found if name
            },
            techniques=[
                (key, names.technique_set(id_))
                for key, pid, panet_id in rows
                for id_, _ in lineage(pid, panet_id)
            ],
        )


@contextmanager
def stamping(engine: sa.Engine, clock: Clock) -> Iterator[tuple[sa.Connection, datetime]]:
    """Give a transaction, and the stamp of what it writes."""
    with engine.begin() as connection:
        unlimited(connection)
        yield connection, stamp(connection, clock)


def stamp(connection: sa.Connection, clock: Clock) -> datetime:
    """Return the stamp of this transaction, which has to commit soon."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(store.LOCK)))
    # read under the lock: it is later than all that readers were told before
    now = clock()
    newest = connection.execute(sa.select(sa.func.max(kept.c.stamp))).scalar()
    return now if newest is None else max(now, newest + timedelta(microseconds=1))


def take_up(
    connection: sa.Connection, model: str, keys: Sequence[int], at: datetime, naming: Naming
) -> None:
    """Let the records with these keys stand as they are in the catalogue, stamped `at`."""
    given = {"model": model, "keys": list(keys), "stamp": at, "never": NEVER}
    told: dict[str, Any] = {"always": ALWAYS, "facility": naming.facility}
    if model == "Dataset":
        told |= {
            "all_data": names.ALL_DATA,
            "facilities": list(naming.facilities),
            "facility_sets": list(naming.facilities.values()),
            "techniques": [key for key, _ in naming.techniques],
            "technique_sets": [spec for _, spec in naming.techniques],
        }
    statement = _WRITE.replace("{given}", _GIVEN[model])
    connection.execute(sa.text(statement), given | told)
    miss(connection, model, keys, at)


def miss(connection: sa.Connection, model: str, keys: Sequence[int], at: datetime) -> None:
    """Let those that are no more in the catalogue be deleted ones, stamped `at`."""
    statement = _MISS.replace("{table}", model.lower())
    given = {"model": model, "keys": list(keys), "stamp": at, "never": NEVER}
    connection.execute(sa.text(statement), given)
    # nobody heard of these
    connection.execute(
        sa.delete(kept).where(
            kept.c.id == sa.any_(sa.literal(list(keys), sa.ARRAY(sa.BigInteger))),
            kept.c.listed_at == NEVER,
            kept.c.was_listed.is_(False),
        )
    )
