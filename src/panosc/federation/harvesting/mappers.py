"""What raw records that are kept tell, worked out again where it is needed: of any catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa

from panosc.catalogue.federating.tables import connector as table
from panosc.domain.errors import PanoscError
from panosc.federation.connectors import connector_of
from panosc.federation.contract import Connector
from panosc.federation.harvesting import raws
from panosc.federation.harvesting.taking import Piece, Taken, Taking
from panosc.federation.same.clustering import Record
from panosc.federation.source import Source
from panosc.federation.sources import source_of

if TYPE_CHECKING:
    from panosc.federation.calling import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What one source says of one record."""

    source: Source
    taken: Taken
    piece: Piece


class Mappers:
    """Maps raw records of several catalogues, within one transaction.

    Parameters
    ----------
    connection : Connection
    current : Connector
        The one that is being harvested.
    """

    def __init__(self, connection: sa.Connection, current: Connector) -> None:
        self._connection = connection
        self._taking: dict[str, tuple[Source, Taking] | None] = {
            current.source.name: (current.source, Taking(current))
        }
        self._known: dict[tuple[str, str, str], Taken] = {}

    def know(self, source: str, taken: Taken) -> None:
        """Take what has been mapped already."""
        self._known[source, taken.kind, taken.external_id] = taken

    def load(self, records: Iterable[Record]) -> None:
        """Read the raw records behind some records, and map them."""
        wanted: dict[str, dict[raws.Place, None]] = {}
        for item in records:
            if (item.source, item.kind, item.external_id) not in self._known:
                wanted.setdefault(item.source, {})[item.kind, item.external_id] = None
        places = {name: list(found) for name, found in wanted.items()}
        for (name, kind, external_id), raw in raws.read(self._connection, places).items():
            taking = self._of(name)
            if taking is not None:
                self._known[name, kind, external_id] = taking[1].take(raw)

    def piece(self, record: Record, model: str) -> Saying | None:
        """Return what a source says of a record; None if that cannot be told any more."""
        taken = self._known.get((record.source, record.kind, record.external_id))
        source = self._of(record.source)
        if taken is None or source is None:
            return None
        for piece in taken.pieces:
            if (piece.model, piece.pid) == (model, record.own_pid):
                return Saying(source=source[0], taken=taken, piece=piece)
        return None

    def _of(self, name: str) -> tuple[Source, Taking] | None:
        if name not in self._taking:
            self._taking[name] = self._made(name)
        return self._taking[name]

    def _made(self, name: str) -> tuple[Source, Taking] | None:
        row = self._connection.execute(sa.select(table).where(table.c.name == name)).one()
        source = source_of(row)
        try:
            made = mapper_of(source)
        except PanoscError:
            # a plug-in that is not there any more: its records stay as they are
            return None
        return source, Taking(made)


def mapper_of(source: Source) -> Connector:
    """Return a connector that maps, and asks nobody.

    Raises
    ------
    Invalid
    """
    return connector_of(source.kind)(source, cast("Caller", None))
