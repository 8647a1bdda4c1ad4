"""The project's table of facilities, filled in from what was asked and what came.

Each cell rests on the last probe of a catalogue, or on its records as they are known here. What has
not been asked is unknown; nothing is told from hearsay.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue import tables
from panosc.catalogue.federating.tables import harvest
from panosc.domain.access import NEVER
from panosc.federation.evidence.cells import Cell, Findings, State
from panosc.federation.overview.catalogues import Catalogue, catalogues

_COMMON = frozenset({"panosc", "node"})
"""Kinds of catalogues that speak the common API themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copies:
    """What the copies of a catalogue's datasets say; counts of those that anyone may know of."""

    all: int = 0
    open: int = 0
    doi: int = 0
    licensed: int = 0
    dated: int = 0
    """Not open, and it is said until when."""
    ruled: int = 0
    """With either."""
    defined: int = 0
    tagged: int = 0
    at: datetime | None = None


def findings(connection: sa.Connection, *, now: datetime) -> list[Findings]:
    """Return a row for each catalogue that this node knows, by title."""
    copies = _copies(connection, now)
    return [
        Findings(source=one.name, title=one.title, cells=_cells(one, copies.get(one.name)))
        for one in catalogues(connection)
    ]


def _copies(connection: sa.Connection, now: datetime) -> dict[str, _Copies]:
    data, link, term = tables.dataset.c, tables.dataset_technique.c, tables.technique.c

    def many(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.count().filter(condition)

    is_open = data.opened_at <= now
    # what never opens has the end of time for a date
    dated = ~is_open & (data.opened_at < NEVER)
    tagged = (
        sa.select(link.dataset_id)
        .join(tables.technique, term.id == link.technique_id)
        .where(link.dataset_id == data.id, term.panet_id.is_not(None))
        .exists()
    )
    query = (
        sa.select(
            data.source,
            sa.func.count().label("all"),
            many(is_open).label("open"),
            many(data.pid.regexp_match(r"^10\.\d{4,9}/")).label("doi"),
            many(data.license.is_not(None)).label("licensed"),
            many(dated).label("dated"),
            many(data.license.is_not(None) | dated).label("ruled"),
            many(data.definition.is_not(None)).label("defined"),
            many(tagged).label("tagged"),
        )
        .where(data.source.is_not(None), data.listed_at <= now)
        .group_by(data.source)
    )
    last = (
        sa.select(harvest.c.connector, sa.func.max(harvest.c.ended).label("at"))
        .where(harvest.c.state == "done")
        .group_by(harvest.c.connector)
    )
    ended = {row.connector: row.at for row in connection.execute(last)}
    return {
        row.source: _Copies(
            all=row.all,
            open=row.open,
            doi=row.doi,
            licensed=row.licensed,
            dated=row.dated,
            ruled=row.ruled,
            defined=row.defined,
            tagged=row.tagged,
            at=ended.get(row.source),
        )
        for row in connection.execute(query)
    }


def _cells(one: Catalogue, copies: _Copies | None) -> tuple[Cell, ...]:
    return (
        _policy(copies),
        _catalogue(one),
        _definition(copies),
        _share("doi", copies, copies.doi if copies else 0, "Which datasets have a DOI."),
        _share("open", copies, copies.open if copies else 0, "Which datasets anyone may see."),
        _services(one),
        _api(one),
    )


def _policy(copies: _Copies | None) -> Cell:
    asked = "Which datasets say under what licence, or until when, they may be used."
    if copies is None:
        return _unknown("policy", asked)
    said = f"{_number(copies.licensed)} with a licence, {_number(copies.dated)} with a date"
    state = _state(copies.ruled, copies.all)
    return Cell(name="policy", state=state, said=said, asked=asked, at=copies.at)


def _definition(copies: _Copies | None) -> Cell:
    asked = "Which datasets name their format's definition, or a technique of PaNET."
    if copies is None:
        return _unknown("definition", asked)
    said = f"{_number(copies.defined)} with a definition, {_number(copies.tagged)} with PaNET"
    state = _state(max(copies.defined, copies.tagged), copies.all)
    return Cell(name="definition", state=state, said=said, asked=asked, at=copies.at)


def _share(name: str, copies: _Copies | None, many: int, asked: str) -> Cell:
    if copies is None:
        return _unknown(name, asked)
    said = f"{_number(many)} of {_number(copies.all)}"
    return Cell(name=name, state=_state(many, copies.all), said=said, asked=asked, at=copies.at)


def _catalogue(one: Catalogue) -> Cell:
    asked = "What catalogue it is, by questions that only that kind answers."
    if one.probed_at is None:
        return _unknown("catalogue", asked)
    own = one.features.get("catalogue")
    said = f"{one.kind_title} {one.version or ''}".strip()
    if own is not None and own.state == "yes":
        said = own.evidence
    return Cell(name="catalogue", state="yes", said=said, asked=asked, at=one.probed_at)


def _services(one: Catalogue) -> Cell:
    asked = "The files of a dataset."
    found = one.features.get("files")
    if one.probed_at is None or found is None or found.state == "unknown":
        return _unknown("services", asked)
    state: State = "yes" if found.state == "yes" else "no"
    return Cell(name="services", state=state, said=found.evidence, asked=asked, at=one.probed_at)


def _api(one: Catalogue) -> Cell:
    asked = "Datasets, by the PaNOSC search API."
    if one.probed_at is None:
        return _unknown("api", asked)
    if one.kind not in _COMMON:
        said = f"asked as {one.kind_title}"
        return Cell(name="api", state="no", said=said, asked=asked, at=one.probed_at)
    worked = [support.state == "yes" for support in one.features.values()]
    known = [support for support in one.features.values() if support.state != "unknown"]
    said = f"{sum(worked)} of {len(known)} features work"
    state = _state(sum(worked), len(known))
    return Cell(name="api", state=state, said=said, asked=asked, at=one.probed_at)


def _state(many: int, of: int) -> State:
    if not of:
        return "unknown"
    return "yes" if many >= of else "partly" if many else "no"


def _unknown(name: str, asked: str) -> Cell:
    return Cell(name=name, state="unknown", said="not asked yet", asked=asked)


def _number(number: int) -> str:
    return f"{number:,}".replace(",", "\u2009")
