"""How many datasets there are under each value that a visitor may choose.

Each facet is counted with everything chosen but its own values, so a count is what choosing
the value gives; for techniques that includes the narrower ones.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from panosc.domain.entities import MODEL_BY_NAME
from panosc.search.language.selection import Selection
from panosc.search.panet import ontology
from panosc.search.reading import Reading
from panosc.search.sql import clauses
from panosc.search.sql.columns import Condition, column_of, table_of

Run = Callable[[sa.Select[Any]], Sequence[sa.Row[Any]]]

MOST_VALUES = 1000
_GROUPED = ("facility", "instrument", "kind", "access", "year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """One value that can be chosen; `value` is its spelling in the URL."""

    value: str
    label: str
    count: int


def count(reading: Reading, selection: Selection, names: Iterable[str]) -> dict[str, list[Facet]]:
    """Return the values of each facet, the most frequent first."""
    wanted = list(dict.fromkeys(names))
    found: dict[str, list[Facet]] = {}
    by_rest: dict[Selection, list[str]] = {}
    for name in wanted:
        by_rest.setdefault(selection.without(name), []).append(name)
    for rest, together in by_rest.items():
        found |= _by_index(reading, rest, selection, together) or _by_sql(
            reading, rest, selection, together
        )
    return {name: found.get(name, []) for name in wanted}


def _by_index(
    reading: Reading, rest: Selection, selection: Selection, names: list[str]
) -> dict[str, list[Facet]] | None:
    """Count all facets in one pass over the index; None if it cannot answer the question."""
    moment, question = reading.moment, rest.query()
    filters = None if moment is None else moment.filters(question)
    if moment is None or filters is None or moment.is_renamed():
        return None
    query = moment.query(question, filters)
    counted = moment.by_value(query, names)
    found = {
        name: _facets((str(key), str(key), number) for key, number in rows)
        for name, rows in counted.items()
    }
    if "year" in names:
        found["year"] = _by_year(found["year"])
    if "instrument" in names:
        found["instrument"] = _named(reading.run, counted["instrument"])
    if "technique" in names:
        labels, _ = _labels(reading.run, selection.technique)
        rows = ((key, labels[key], n) for key, n in counted["technique"] if key in labels)
        found["technique"] = _facets(rows)
    # what the index does not know yet; with words nothing else can know it
    changed = () if question.words else moment.changed("Dataset")
    return _sums(found, _by_sql(reading, rest, selection, names, changed)) if changed else found


def _sums(one: dict[str, list[Facet]], other: dict[str, list[Facet]]) -> dict[str, list[Facet]]:
    """Return the counts of two disjoint sets of datasets together."""
    found = {}
    for name, facets in one.items():
        counts = {facet.value: facet for facet in facets}
        for facet in other[name]:
            known = counts.get(facet.value)
            counts[facet.value] = (
                facet if known is None else replace(known, count=known.count + facet.count)
            )
        found[name] = _by_year(counts.values()) if name == "year" else _ranked(counts.values())
    return found


def _named(run: Run, rows: list[tuple[Any, int]]) -> list[Facet]:
    table, counts = table_of("instrument"), {str(pid): number for pid, number in rows}
    wanted = table.c.pid == sa.any_(sa.literal(list(counts), sa.ARRAY(sa.Text)))
    known = run(sa.select(table.c.pid, table.c.name).where(wanted))
    return _facets((row.pid, row.name or row.pid, counts[row.pid]) for row in known)


def _by_sql(
    reading: Reading,
    rest: Selection,
    selection: Selection,
    names: list[str],
    among: Sequence[int] | None = None,
) -> dict[str, list[Facet]]:
    """Count in the database; `among` are keys of datasets, None for all."""
    found: dict[str, list[Facet]] = {}
    grouped = [name for name in names if name in _GROUPED]
    if grouped:
        found |= _grouped(reading, rest, grouped, among)
    if "technique" in names:
        found["technique"] = _techniques(reading, rest, selection.technique, among)
    return found


def _base(
    reading: Reading, rest: Selection, among: Sequence[int] | None
) -> tuple[clauses.Place, list[Condition]]:
    viewer, question = reading.viewer, rest.query()
    place = clauses.start(MODEL_BY_NAME["Dataset"], viewer)
    conditions = [viewer.may_list(place.table), *clauses.conditions(question, place)]
    if question.words:
        conditions.append(reading.planner.ranking(question, place).condition)
    if among is not None:
        keys = sa.literal(list(among), sa.ARRAY(sa.BigInteger))
        conditions.append(place.table.c.id == sa.any_(keys))
    return place, conditions


def _grouped(
    reading: Reading, rest: Selection, names: list[str], among: Sequence[int] | None
) -> dict[str, list[Facet]]:
    """Count what the dataset's own row tells: all facets in one pass over the rows."""
    run = reading.run
    place, conditions = _base(reading, rest, among)
    columns = place.table.c
    access = column_of(
        place.model.property_by_name["access"], place.model, place.table, reading.viewer
    )
    inner = (
        sa.select(
            columns.instrument_id,
            columns.kind,
            access.label("access"),
            sa.extract("year", columns.creation_date).label("year"),
        )
        .where(*conditions)
        .subquery()
    )
    keys = [inner.c.instrument_id, inner.c.kind, inner.c.access, inner.c.year]
    statement = sa.select(
        *keys, sa.func.grouping(*keys).label("which"), sa.func.count().label("number")
    ).group_by(sa.func.grouping_sets(*(sa.tuple_(key) for key in keys)))
    # in the number of `grouping` the bit of the key that is grouped by is zero
    bits = {0b0111: "instrument", 0b1011: "kind", 0b1101: "access", 0b1110: "year"}
    rows: dict[str, list[tuple[Any, int]]] = {name: [] for name in bits.values()}
    for row in run(statement):
        key = next((value for value in row[:4] if value is not None), None)
        if key is not None:
            rows[bits[row.which]].append((key, row.number))
    found = {
        name: _facets((str(key), str(key), number) for key, number in rows[name])
        for name in ("kind", "access", "year")
    }
    if "facility" in names or "instrument" in names:
        found |= _instruments(run, rows["instrument"])
    found["year"] = _by_year(found["year"])
    return {name: found[name] for name in names}


def _instruments(run: Run, rows: list[tuple[Any, int]]) -> dict[str, list[Facet]]:
    table = table_of("instrument")
    counts = dict(rows)
    wanted = table.c.id == sa.any_(sa.literal(list(counts), sa.ARRAY(sa.BigInteger)))
    known = run(sa.select(table.c.id, table.c.pid, table.c.name, table.c.facility).where(wanted))
    by_facility: dict[str, int] = {}
    for row in known:
        if row.facility:
            by_facility[row.facility] = by_facility.get(row.facility, 0) + counts[row.id]
    return {
        "instrument": _facets((row.pid, row.name or row.pid, counts[row.id]) for row in known),
        "facility": _facets((name, name, number) for name, number in by_facility.items()),
    }


def _techniques(
    reading: Reading, rest: Selection, chosen: tuple[str, ...], among: Sequence[int] | None
) -> list[Facet]:
    """Count datasets by technique, each with its narrower ones, a dataset once."""
    run = reading.run
    place, conditions = _base(reading, rest, among)
    link = table_of("dataset_technique").alias()
    tags = (
        sa.select(sa.func.array_agg(link.c.technique_id).label("ids"))
        .join_from(link, place.table, place.table.c.id == link.c.dataset_id)
        .where(*conditions)
        .group_by(link.c.dataset_id)
        .subquery()
    )
    rows = run(sa.select(tags.c.ids, sa.func.count().label("number")).group_by(tags.c.ids))
    labels, reach = _reach(run, chosen)
    counts: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        for value in reach[row.ids[0]].union(*(reach[key] for key in row.ids[1:])):
            counts[value] += row.number
    return _facets((value, labels[value], number) for value, number in counts.items())


def _reach(run: Run, chosen: tuple[str, ...]) -> tuple[dict[str, str], dict[int, frozenset[str]]]:
    """Return labels of the values, and under which values each technique counts."""
    labels, own = _labels(run, chosen)
    used, panet = frozenset(labels), ontology()
    return labels, {key: (panet.ancestors([value]) | {value}) & used for key, value in own.items()}


def _labels(run: Run, chosen: tuple[str, ...]) -> tuple[dict[str, str], dict[int, str]]:
    """Return labels of the values, and the value of each technique.

    Values are the techniques in use, and those of PaNET that are chosen.
    """
    panet, table = ontology(), table_of("technique")
    rows = run(sa.select(table.c.id, table.c.pid, table.c.name, table.c.panet_id))
    concepts = [found for found in map(panet.find, chosen) if found]
    labels = {found.id: found.label for found in concepts}
    own: dict[int, str] = {}
    for row in rows:
        concept = panet.find(row.panet_id or "") or panet.find(row.pid)
        value = concept.id if concept else row.pid
        own[row.id] = value
        labels[value] = concept.label if concept else row.name or row.pid
    return labels, own


def _facets(rows: Iterable[tuple[str, str, int]]) -> list[Facet]:
    return _ranked(Facet(value=value, label=label, count=number) for value, label, number in rows)


def _ranked(facets: Iterable[Facet]) -> list[Facet]:
    ranked = sorted(facets, key=lambda facet: (-facet.count, facet.label, facet.value))
    return ranked[:MOST_VALUES]


def _by_year(facets: Iterable[Facet]) -> list[Facet]:
    return sorted(facets, key=lambda facet: -int(facet.value))
