"""Records of this node and of others that share a key, read from the database, and their verdicts.

Only what hangs together with the keys that are asked for is looked at: others cannot be concerned.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.federating.tables import connector, told
from panosc.catalogue.publishing.tables import doi
from panosc.catalogue.tables import dataset, document, instrument
from panosc.federation.same.clustering import OWN, Rank, Record, Verdict, clustered
from panosc.federation.same.keys import DOI, FOLDING, STRONG, keys_of, minute_of

AGGREGATORS = frozenset({"oai", "datacite", "invenio"})
"""Kinds of catalogues that tell of what others hold; a facility's own word counts more."""
MOST = 5000
"""Records that are looked at together: more never share keys but by somebody's fault."""
_OWN_RANK: Rank = (0, "", "")
_t = told.c
_TABLES = {"Dataset": dataset, "Document": document}
_MINUTE = timedelta(minutes=1)


@dataclass(slots=True, kw_only=True)
class Line:
    """A line of the table of what was told; `row` is how it stands there, None if it is new."""

    record: Record
    row: Any = None


@dataclass(slots=True)
class Together:
    """All records of one class that share keys, and what becomes of them."""

    model: str
    lines: dict[tuple[str, str, str, str], Line] = field(default_factory=dict)
    own: dict[str, Record] = field(default_factory=dict)
    verdicts: dict[Record, Verdict] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """Take a line, unless it is here already."""
        self.lines.setdefault(place_of(line.record), line)


def place_of(record: Record) -> tuple[str, str, str, str]:
    """Return what a line is known by among those of its class."""
    return record.source, record.kind, record.external_id, record.own_pid


def ranks(connection: sa.Connection) -> dict[str, Rank]:
    """Return whose word counts more: this node's own, adopted, facilities', aggregators'."""
    c = connector.c
    rows = connection.execute(sa.select(c.name, c.kind, c.is_adopted, c.added))
    return {
        row.name: (
            1 if row.is_adopted else 3 if row.kind in AGGREGATORS else 2,
            row.added.isoformat(),
            row.name,
        )
        for row in rows
    }


def fold(
    connection: sa.Connection,
    model: str,
    lines: Iterable[Line],
    keys: Iterable[str],
    *,
    rank: Mapping[str, Rank],
    facility: str,
) -> Together:
    """Return all that hangs together with new lines and with keys, and the verdicts.

    Parameters
    ----------
    lines : iterable of Line
        What is new and not in the table yet.
    keys : iterable of str
        Further keys that are concerned, such as those of lines that went.
    rank : mapping
        `ranks`.
    facility : str
        This node's own name.
    """
    found = Together(model)
    for line in lines:
        found.add(line)
    waiting = set(keys) | {key for line in found.lines.values() for key in line.record.keys}
    done: set[str] = set()
    most = len(found.lines) + MOST
    while waiting and len(found.lines) < most:
        done |= waiting
        met: set[str] = set()
        for row in connection.execute(_sharing(model, waiting)):
            line = Line(record=_record(row, rank), row=row)
            found.add(line)
            met.update(line.record.keys)
        if model in FOLDING:
            for record in _own(connection, model, waiting, facility):
                found.own[record.own_pid] = record
                met.update(record.keys)
        waiting = met - done
    everyone = [line.record for line in found.lines.values()]
    found.verdicts = clustered([*everyone, *found.own.values()])
    return found


def _sharing(model: str, keys: set[str]) -> "sa.Select[Any]":
    given = sa.literal(sorted(keys), _t["keys"].type)
    return sa.select(told).where(_t.model == model, _t["keys"].op("&&")(given))


def _record(row: "sa.Row[Any]", rank: Mapping[str, Rank]) -> Record:
    return Record(
        source=row.connector,
        rank=rank[row.connector],
        own_pid=row.own_pid,
        keys=tuple(row.keys),
        kind=row.kind,
        external_id=row.external_id,
    )


def _own(connection: sa.Connection, model: str, keys: set[str], facility: str) -> list[Record]:
    """Return records of this node itself that may have some of the keys."""
    table = _TABLES[model]
    c = table.c
    names = sorted(key.partition(":")[2] for key in keys if not key.startswith(STRONG))
    dois = sorted(key.removeprefix(DOI) for key in keys if key.startswith(DOI))
    given = sa.any_(sa.literal(names, sa.ARRAY(sa.Text)))
    of_dois = sa.any_(sa.literal(dois, sa.ARRAY(sa.Text)))
    minted = sa.select(doi.c.pid).where(doi.c.model == model, sa.func.lower(doi.c.doi) == of_dois)
    ways: list[Any] = [
        sa.select(c.id).where(c.pid == given),
        sa.select(c.id).where(c.pid.in_(minted)),
    ]
    if model == "Document":
        ways.append(sa.select(c.id).where(sa.func.lower(c.doi) == of_dois))
    minutes = sorted({at for key in keys if (at := minute_of(key)) is not None})
    times = sa.literal(minutes, sa.ARRAY(sa.DateTime(timezone=True)))
    if minutes and model == "Dataset":
        begin = sa.func.unnest(times).column_valued("begin")
        started: sa.ColumnElement[bool] = c.creation_date.between(begin, begin + _MINUTE)
        ways.append(sa.select(c.id).where(started, c.source.is_(None)))
    elif minutes:
        started = sa.func.date_trunc("minute", c.start_date) == sa.any_(times)
        ways.append(sa.select(c.id).where(started, c.source.is_(None)))
    statement = sa.select(
        c.pid,
        c.title,
        (c.creation_date if model == "Dataset" else c.start_date).label("start"),
        (c.size if model == "Dataset" else sa.null()).label("size"),
        (sa.null() if model == "Dataset" else c.doi).label("doi"),
        (instrument.c.name if model == "Dataset" else sa.null()).label("instrument"),
        (instrument.c.facility if model == "Dataset" else sa.null()).label("facility"),
        sa.select(sa.func.array_agg(doi.c.doi))
        .where(doi.c.model == model, doi.c.pid == c.pid)
        .scalar_subquery()
        .label("dois"),
    ).where(c.id.in_(sa.union(*ways)), is_own(table))
    if model == "Dataset":
        statement = statement.outerjoin(instrument, instrument.c.id == c.instrument_id)
    rows = connection.execute(statement).all()
    return [_own_record(model, row, facility) for row in rows]


def _own_record(model: str, row: Any, facility: str) -> Record:
    start = None if row.start is None else row.start.isoformat()
    said = {
        "pid": row.pid,
        "title": row.title,
        "creationDate": start,
        "startDate": start,
        "size": row.size,
        "doi": row.doi,
    }
    keys = keys_of(
        model,
        said,
        also=row.dois or (),
        instrument=row.instrument or "",
        facility=row.facility or facility,
    )
    return Record(source=OWN, rank=_OWN_RANK, own_pid=row.pid, keys=keys)


def is_own(table: sa.Table) -> sa.ColumnElement[bool]:
    """Return the condition that a record is none that a catalogue told of."""
    return table.c.source.is_(None) | table.c.source.not_in(sa.select(connector.c.name))
