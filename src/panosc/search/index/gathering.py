"""What the catalogue says of a batch of records, for the index: one statement a relation.

What becomes of it is `documents`; who keeps the index up to date is `following`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from tantivy import DocAddress, Document, Occur, Query, Searcher

from panosc.catalogue import tables
from panosc.catalogue.changes import Change
from panosc.catalogue.tables import metadata
from panosc.domain.access import ALWAYS
from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.pid import surrogate
from panosc.search.index.documents import SCHEMA, Facts, Measured, Tag, digest, of_record, of_shared
from panosc.search.index.schema import MODELS, SHARED

BATCH = 1000
MOST_FILES = 50
"""Names of files of one dataset that can be found as words."""

_SAYS = {
    "Instrument": ("name", "facility"),
    "Technique": ("pid", "panet_id", "name"),
    "Sample": ("name", "description"),
    "Person": ("full_name", "first_name", "last_name"),
}
"""What a shared record lends to the records that name it."""


def everything(connection: sa.Connection, model: str) -> Iterator[Document]:
    """Yield the documents of all records of a class, in the order of their keys."""
    table, last = _table(model), -(2**63)
    while True:
        query = sa.select(table.c.id).where(table.c.id > last).order_by(table.c.id).limit(BATCH)
        keys = connection.execute(query).scalars().all()
        if not keys:
            return
        yield from documents(connection, model, keys)
        last = keys[-1]


def count(connection: sa.Connection) -> int:
    """Return how many documents `everything` yields for all classes, nearly."""
    rows = (sa.select(sa.func.count()).select_from(_table(one)) for one in (*MODELS, *SHARED))
    return sum(connection.execute(query).scalar_one() for query in rows)


def documents(connection: sa.Connection, model: str, keys: Iterable[int]) -> Iterator[Document]:
    """Yield the documents of those records that are there."""
    waiting = iter(keys)
    while batch := list(islice(waiting, BATCH)):
        match model:
            case "Dataset":
                found = _datasets(connection, batch)
            case "Document":
                found = _documents(connection, batch)
            case _:
                yield from _shared(connection, model, batch)
                continue
        yield from map(of_record, found.values())


def touched(
    connection: sa.Connection, changes: Sequence[Change], searcher: Searcher
) -> dict[str, set[int]]:
    """Return which documents of the index are no longer right after `changes`: model -> keys.

    A document borrows from its datasets, and both from instruments, samples … that they name; what
    was linked before is told by the index as it was. A shared record that says the same as before
    touches nothing.
    """
    keys: dict[str, set[int]] = {model: set() for model in (*MODELS, *SHARED)}
    for change in changes:
        if change.model in keys:
            keys[change.model].add(surrogate(change.model, change.pid))
    for model in SHARED:
        keys[model], _ = said_anew(connection, model, keys[model], searcher)
        keys["Dataset"] |= _naming(connection, model, keys[model], "dataset")
    keys["Document"] |= _naming(connection, "Person", keys["Person"], "document")
    keys["Dataset"] |= _datasets_of(connection, keys["Document"], searcher)
    # the last: a dataset that is written anew forgets which documents it has left, though the
    # change that tells of it may come later
    keys["Document"] |= documents_of(connection, keys["Dataset"], searcher)
    return keys


def said_anew(
    connection: sa.Connection, model: str, keys: set[int], searcher: Searcher
) -> tuple[set[int], set[int]]:
    """Return which shared records say something new, and those of them that the index knew."""
    if not keys:
        return set(), set()
    found = searcher.search(Query.term_set_query(SCHEMA, "key", list(keys)), len(keys))
    places = [address for _, address in found.hits]
    before = dict(
        zip(
            searcher.fast_field_values("key", places),
            searcher.fast_field_values("digest", places),
            strict=True,
        )
    )
    now = {key: digest(texts) for key, texts in said(connection, model, list(keys))}
    anew = {key for key in keys if before.get(key) != now.get(key)}
    return anew, anew & before.keys()


def _naming(connection: sa.Connection, model: str, keys: set[int], owner: str) -> set[int]:
    """Return the datasets or documents that name shared records."""
    if not keys:
        return set()
    one, other = {
        "Instrument": (tables.dataset.c.id, tables.dataset.c.instrument_id),
        "Technique": (
            tables.dataset_technique.c.dataset_id,
            tables.dataset_technique.c.technique_id,
        ),
        "Sample": (tables.dataset_sample.c.dataset_id, tables.dataset_sample.c.sample_id),
        "Person": (tables.member.c[f"{owner}_id"], tables.member.c.person_id),
    }[model]
    query = sa.select(one).where(_any_of(other, list(keys)), one.is_not(None))
    return set(connection.execute(query).scalars())


def documents_of(connection: sa.Connection, keys: set[int], searcher: Searcher) -> set[int]:
    """Return the documents of datasets, as they are and as the index had them."""
    link, found = tables.document_dataset.c, set[int]()
    for some in _pieces(keys):
        query = sa.select(link.document_id).where(_any_of(link.dataset_id, some))
        found |= set(connection.execute(query).scalars())
        before = {"before": {"terms": {"field": "documents", "size": 65_000}}}
        known = searcher.aggregate(Query.term_set_query(SCHEMA, "key", some), before)
        found |= {bucket["key"] for bucket in known["before"]["buckets"]}
    return found


def _datasets_of(connection: sa.Connection, keys: set[int], searcher: Searcher) -> set[int]:
    link, found = tables.document_dataset.c, set[int]()
    for some in _pieces(keys):
        query = sa.select(link.dataset_id).where(_any_of(link.document_id, some))
        found |= set(connection.execute(query).scalars())
        known = Query.boolean_query(
            [
                (Occur.Must, Query.term_set_query(SCHEMA, "documents", some)),
                (Occur.Must, Query.term_query(SCHEMA, "model", "Dataset")),
            ]
        )
        counted: Any = searcher.search(known, 1)
        hits = searcher.search(known, max(1, counted.count)).hits
        found |= keys_at(searcher, [address for _, address in hits])
    return found


def keys_at(searcher: Searcher, places: Sequence[DocAddress]) -> set[int]:
    """Return the keys of documents of the index."""
    return {int(key) for key in searcher.fast_field_values("key", list(places)) if key is not None}


def _pieces(keys: set[int]) -> Iterator[list[int]]:
    waiting = iter(sorted(keys))
    while some := list(islice(waiting, BATCH)):
        yield some


def _table(model: str) -> sa.Table:
    return metadata.tables[MODEL_BY_NAME[model].table]


def _any_of(column: "sa.ColumnElement[int]", keys: Sequence[int]) -> "sa.ColumnElement[bool]":
    return column == sa.any_(sa.literal(list(keys), sa.ARRAY(sa.BigInteger)))


def said(connection: sa.Connection, model: str, keys: Sequence[int]) -> Iterator[Any]:
    """Yield (key, what it lends) of shared records."""
    table = _table(model)
    columns = [table.c[name] for name in _SAYS[model]]
    for row in connection.execute(sa.select(table.c.id, *columns).where(_any_of(table.c.id, keys))):
        yield row.id, list(row[1:])


def _shared(connection: sa.Connection, model: str, keys: Sequence[int]) -> Iterator[Document]:
    for key, texts in said(connection, model, keys):
        yield of_shared(model, key, texts)


def _facts(model: str, row: Any) -> Facts:
    return Facts(
        model=model,
        key=row.id,
        pid=row.pid,
        mark=row.mark,
        listed_at=row.listed_at,
        opened_at=row.opened_at,
        owner_group=row.owner_group,
        title=row.title,
    )


def _datasets(connection: sa.Connection, keys: Sequence[int]) -> dict[int, Facts]:
    table, instrument = tables.dataset, tables.instrument
    query = (
        sa.select(table, instrument.c.pid, instrument.c.name, instrument.c.facility)
        .outerjoin_from(table, instrument, instrument.c.id == table.c.instrument_id)
        .set_label_style(sa.LABEL_STYLE_DISAMBIGUATE_ONLY)
        .where(_any_of(table.c.id, keys))
        .order_by(table.c.id)
    )
    found: dict[int, Facts] = {}
    for row in connection.execute(query):
        facts = found[row.id] = _facts("Dataset", row)
        facts.abstract, facts.kind, facts.size = row.description, row.kind, row.size
        facts.created, facts.released = row.creation_date, row.release_date
        if row.instrument_id is not None:
            facts.instruments.append((row.pid_1, row.name, row.facility))
    _tags(connection, found)
    _samples(connection, found)
    _parameters(connection, found, "dataset_id")
    _people(connection, found, "dataset_id")
    _files(connection, found)
    share = tables.share.c
    given = sa.select(share.dataset_id, share.reader).where(
        _any_of(share.dataset_id, keys), share.source.is_not(None)
    )
    for key, group in connection.execute(given.order_by(share.reader)):
        found[key].sharing.append(group)
    link = tables.document_dataset.c
    rows = sa.select(link.dataset_id, link.document_id).where(_any_of(link.dataset_id, keys))
    for key, other in connection.execute(rows.order_by(link.document_id)):
        found[key].documents.append(other)
    return found


def _tags(connection: sa.Connection, found: dict[int, Facts]) -> None:
    link, technique = tables.dataset_technique.c, tables.technique
    query = (
        sa.select(link.dataset_id, technique.c.pid, technique.c.panet_id, technique.c.name)
        .where(technique.c.id == link.technique_id, _any_of(link.dataset_id, list(found)))
        .order_by(link.dataset_id, technique.c.id)
    )
    for key, pid, panet_id, name in connection.execute(query):
        found[key].tags.append(Tag(pid, panet_id, name))


def _samples(connection: sa.Connection, found: dict[int, Facts]) -> None:
    link, sample = tables.dataset_sample.c, tables.sample
    query = (
        sa.select(link.dataset_id, sample.c.name, sample.c.description)
        .where(sample.c.id == link.sample_id, _any_of(link.dataset_id, list(found)))
        .order_by(link.dataset_id, sample.c.id)
    )
    for key, *texts in connection.execute(query):
        found[key].samples += [text for text in texts if text]


def _parameters(connection: sa.Connection, found: dict[int, Facts], owner: str) -> None:
    table = tables.parameter
    columns = ("name", "value_number", "value_text", "unit", "si_value", "si_unit")
    query = (
        sa.select(table.c[owner], *(table.c[name] for name in columns))
        .where(_any_of(table.c[owner], list(found)))
        .order_by(table.c.id)
    )
    for key, *values in connection.execute(query):
        found[key].parameters.append(Measured(*values))


def _people(connection: sa.Connection, found: dict[int, Facts], owner: str) -> None:
    member, person = tables.member, tables.person
    query = (
        sa.select(member.c[owner], person.c.full_name, person.c.first_name, person.c.last_name)
        .where(person.c.id == member.c.person_id, _any_of(member.c[owner], list(found)))
        .order_by(member.c.id)
    )
    for key, full, first, last in connection.execute(query):
        name = full or " ".join(filter(None, (first, last)))
        if name:
            found[key].people.append(name)


def _files(connection: sa.Connection, found: dict[int, Facts]) -> None:
    keys = (
        sa.func.unnest(sa.literal(list(found), sa.ARRAY(sa.BigInteger)))
        .table_valued("key")
        .render_derived()
    )
    file = tables.file
    first = (
        sa.select(file.c.name)
        .where(file.c.dataset_id == keys.c.key)
        # not the bare column: its index, in whose order all files of the node would be walked, is
        # not the one to use for those of one dataset
        .order_by(file.c.id + 0)
        .limit(MOST_FILES)
        .lateral("first")
    )
    query = sa.select(keys.c.key, first.c.name).select_from(keys).join(first, sa.true())
    for key, name in connection.execute(query):
        found[key].files.append(name)


def _documents(connection: sa.Connection, keys: Sequence[int]) -> dict[int, Facts]:
    table = tables.document
    query = sa.select(table).where(_any_of(table.c.id, keys)).order_by(table.c.id)
    found: dict[int, Facts] = {}
    for row in connection.execute(query):
        facts = found[row.id] = _facts("Document", row)
        facts.abstract, facts.keywords = row.summary, row.keywords or []
        facts.created, facts.released = row.start_date, row.release_date
    _parameters(connection, found, "document_id")
    _people(connection, found, "document_id")
    _lent(connection, found)
    return found


def _lent(connection: sa.Connection, found: dict[int, Facts]) -> None:
    """Let a document be found by what its datasets are: those that everyone may know of."""
    link, table = tables.document_dataset.c, tables.dataset
    is_known = sa.and_(
        _any_of(link.document_id, list(found)),
        table.c.id == link.dataset_id,
        table.c.listed_at == ALWAYS,
    )
    tag, technique, instrument = tables.dataset_technique.c, tables.technique, tables.instrument
    tags = (
        sa.select(link.document_id, technique.c.pid, technique.c.panet_id, technique.c.name)
        .where(is_known, tag.dataset_id == table.c.id, technique.c.id == tag.technique_id)
        .distinct()
    )
    for key, pid, panet_id, name in connection.execute(tags.order_by(link.document_id)):
        found[key].tags.append(Tag(pid, panet_id, name))
    places = (
        sa.select(link.document_id, instrument.c.pid, instrument.c.name, instrument.c.facility)
        .where(is_known, instrument.c.id == table.c.instrument_id)
        .distinct()
    )
    for key, *one in connection.execute(places):
        found[key].instruments.append((one[0], one[1], one[2]))
