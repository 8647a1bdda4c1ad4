"""A catalogue forgotten: what it alone told of goes, what others told, too, is theirs again."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa
from typing_extensions import override

from panosc.catalogue.federating.tables import connector, raw
from panosc.federation.contract import Connector, Mapped, Probed, Raw
from panosc.federation.harvesting import journal, trees
from panosc.federation.harvesting.harvester import BATCH, alone
from panosc.federation.harvesting.keeping import Counts, Keeping
from panosc.federation.source import Source
from panosc.settings import Settings

if TYPE_CHECKING:
    from panosc.federation.calling import Caller

_r = raw.c


class _Forgotten(Connector):
    """Stands for a connector whose records all go: nothing of it is needed, not even a plug-in."""

    @override
    async def probe(self) -> Probed:
        return Probed()

    @override
    def map(self, raw: Raw) -> Mapped:
        return Mapped()


def would_go(engine: sa.Engine, name: str) -> dict[str, int]:
    """Return how many records, by class, nobody but this catalogue tells of."""
    datasets = trees.would_go(engine, name)
    with engine.connect() as connection:
        rows = connection.execute(_WOULD_GO, {"name": name}).all()
    found = {row.model: int(row.records) for row in rows}
    return found | {"Dataset": datasets} if datasets else found


def remove(
    engine: sa.Engine,
    source: Source,
    clock: Callable[[], datetime],
    *,
    by: str,
    settings: Settings,
    progress: Callable[[int], None] = lambda _: None,
) -> Counts:
    """Forget a catalogue and what it alone told of; stopped half-way, it goes on when run again.

    Raises
    ------
    Conflict
        If it is being harvested, or others have changed what came by it since.
    """
    counts = Counts()
    with alone(engine, source.name):
        with engine.begin() as connection:
            # nobody harvests it while its records go
            connection.execute(
                sa.update(connector)
                .where(connector.c.name == source.name)
                .values(is_harvested=False, is_live=False, due=None, cursor=None)
            )
            number = journal.begin(connection, source.name, "sweep", by=by, now=clock())
        trees.leave(engine, settings, source.name, clock)
        forgotten = _Forgotten(source, cast("Caller", None))
        keeping = Keeping(forgotten, clock, harvest=number, facility=settings.facility)
        query = (
            sa.select(_r.kind, _r.external_id)
            .where(_r.connector == source.name, _r.gone.is_(None))
            .order_by(_r.kind, _r.external_id)
            .limit(BATCH)
        )
        while True:
            with engine.begin() as connection:
                rows = connection.execute(query).all()
                given = [Raw(kind=row.kind, external_id=row.external_id) for row in rows]
                counts.add(keeping.keep(connection, given))
            if not rows:
                break
            progress(counts.gone)
        with engine.begin() as connection:
            connection.execute(sa.delete(connector).where(connector.c.name == source.name))
    return counts


_WOULD_GO = sa.text(
    "select t.model, count(distinct t.pid) as records from told t"
    " where t.connector = :name and t.is_shown and not exists (select from told o"
    " where o.model = t.model and o.pid = t.pid and o.connector <> :name)"
    " group by t.model order by t.model"
)
