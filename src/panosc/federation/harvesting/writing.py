"""Records of other catalogues brought into this one: written, linked, deleted, told to the feed.

All of it in the caller's transaction. What is this node's own is never touched; records that many
share, such as people, are changed only by the source whose they are. What is to be written is
decided in `keeping`.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue import changes, tables
from panosc.catalogue.federating.tables import connector, told
from panosc.catalogue.rows import Row, Shape
from panosc.catalogue.staging import ORDER, PARTS, Stage
from panosc.catalogue.writer import concerned, record_changes, settle
from panosc.domain.entities import LINKS, MODEL_BY_NAME
from panosc.domain.pid import surrogate
from panosc.federation.harvesting.taking import SHARED
from panosc.federation.source import Source

Shown = tuple[Source, Sequence[tuple[str, Row]], Sequence[tuple[str, Row]]]
"""A source, the rows of one of its records, and the shared rows that came with them."""
Readers = Mapping[str, tuple[str, Sequence[str]]]
"""PID of a dataset: the source whose word on it counts, and the groups that this gives access."""
_NAMED = {
    "instrumentId": "Instrument",
    "personId": "Person",
    "affiliationId": "Affiliation",
    "sampleId": "Sample",
    "techniqueId": "Technique",
}
_WHERE_NAMED: dict[str, tuple[tuple[str, str], ...]] = {
    "Sample": (("dataset_sample", "sample_id"),),
    "Technique": (("dataset_technique", "technique_id"),),
    "Instrument": (("dataset", "instrument_id"),),
    "Person": (("member", "person_id"),),
    "Affiliation": (("member", "affiliation_id"),),
}


@dataclass(slots=True)
class Writing:
    """What one transaction does to the catalogue.

    Attributes
    ----------
    awaits : dict
        (class, PID) of a written record → shared records that it names and that are nowhere.
    """

    connection: sa.Connection
    now: datetime
    awaits: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _gone: list[tuple[str, str]] = field(default_factory=list)
    _loose: dict[str, set[int]] = field(default_factory=dict)

    def all(
        self,
        shown: Sequence[Shown],
        deleted: dict[str, list[str]],
        *,
        linked: tuple[Iterable[str], Iterable[str]],
        readers: Readers,
    ) -> None:
        """Write records, delete others, and bring the links in order.

        Parameters
        ----------
        shown : sequence of Shown
        deleted : dict
            PIDs by class, of records that no source tells of any more.
        linked : pair of iterables of str
            PIDs of datasets whose links, and of documents to which links, may have changed.
        readers : mapping
            Each dataset that is written, deleted or not a source's any more.
        """
        written = [name_and_row for _, rows, _ in shown for name_and_row in rows[:1]]
        self._note_loose(written, deleted)
        self._delete(deleted)
        rows = self._resolved(shown)
        touched = self._merge(rows)
        touched |= self._link(*linked)
        touched |= self._share(readers)
        keys = concerned(self.connection, touched)
        touched |= {("Dataset", key) for key in settle(self.connection, keys)}
        self._delete_loose()
        record_changes(self.connection, touched)
        changes.append(self.connection, self._gone, deleted=True)

    def _merge(self, rows: Sequence[tuple[str, Row]]) -> set[tuple[str, int]]:
        lines: dict[str, list[str]] = {}
        shapes: dict[str, Shape] = {}
        for name, row in rows:
            if name not in shapes:
                shapes[name] = Shape(name, now=self.now)
                lines[name] = []
            lines[name].append(shapes[name].line(row))
        stage = Stage(self.connection)
        for name in ORDER:
            if name in lines:
                stage.fill(shapes[name], lines[name])
        return stage.merge(replaced=frozenset(PARTS))

    def _resolved(self, shown: Sequence[Shown]) -> list[tuple[str, Row]]:
        """Return the rows that can be written: each shared one once, no reference to nothing."""
        found = self._shared(shown)
        known = {(name, _key(row)) for name, row in found}
        wanted: dict[str, set[str]] = {}
        for _, rows, _ in shown:
            for target, key in _names_in(rows) - known:
                wanted.setdefault(target, set()).add(key)
        for target, keys in wanted.items():
            known |= {(target, key) for key in self._there(target, keys)}
        for _, rows, _ in shown:
            found += self._kept(rows, known)
        return found

    def _kept(
        self, rows: Sequence[tuple[str, Row]], known: set[tuple[str, str]]
    ) -> Iterator[tuple[str, Row]]:
        """Yield the rows of a record without references to nothing, and note those."""
        model, top = rows[0]
        for name, row in rows:
            kept, lost = _without_lost(row, known)
            if lost:
                self.awaits.setdefault((model, _key(top)), []).extend(lost)
            # shared ones are written already
            if name not in SHARED and not (lost and name in LINKS):
                yield name, kept

    def _shared(self, shown: Sequence[Shown]) -> list[tuple[str, Row]]:
        """Return the shared rows that may be written, each once."""
        found: dict[tuple[str, str], Row] = {}
        others: dict[str, set[str]] = {}
        for source, rows, shared in shown:
            named = _names_in(rows)
            alone = [item for item in rows[:1] if item[0] in SHARED]
            needed = [item for item in shared if (item[0], _key(item[1])) in named]
            for name, row in (*alone, *needed):
                key = _key(row)
                if (name, key) not in found:
                    found[name, key] = row
                    if not _is_of(source, name, key):
                        others.setdefault(name, set()).add(key)
        sources = {source.name for source, _, _ in shown}
        for name, keys in others.items():
            for key in self._settled(name, keys, sources):
                del found[name, key]
        return [(name, row) for (name, _), row in found.items()]

    def _there(self, model: str, keys: set[str]) -> list[str]:
        table, column = _table(model)
        given = sa.any_(sa.literal([surrogate(model, key) for key in keys], _KEYS))
        return list(self.connection.scalars(sa.select(column).where(table.c.id == given)))

    def _settled(self, model: str, keys: set[str], sources: set[str]) -> list[str]:
        """Return those of the shared records that are there and are not only the sources' own."""
        table, column = _table(model)
        given = sa.any_(sa.literal([surrogate(model, key) for key in keys], _KEYS))
        statement = sa.select(column).where(table.c.id == given)
        if model == "Instrument":
            source = tables.instrument.c.source
            statement = statement.where(source.is_(None) | source.not_in(sources))
        elif model == "Sample":
            link, dataset = tables.dataset_sample.c, tables.dataset.c
            statement = statement.where(
                sa.select(link.dataset_id)
                .join(tables.dataset, dataset.id == link.dataset_id)
                .where(link.sample_id == table.c.id)
                .where(dataset.source.is_(None) | dataset.source.not_in(sources))
                .exists()
            )
        return list(self.connection.scalars(statement))

    def _link(self, datasets: Iterable[str], documents: Iterable[str]) -> set[tuple[str, int]]:
        """Let datasets have the links that are told of them, and documents all of theirs."""
        given = {"datasets": sorted(set(datasets)), "documents": sorted(set(documents))}
        found: set[int] = set()
        if given["datasets"]:
            was = self.connection.execute(_UNLINK, given).all()
            now = self.connection.execute(_LINK_DATASETS, given).all()
            before, after = ({tuple(row) for row in rows} for rows in (was, now))
            found |= {dataset for _, dataset in before ^ after}
        if given["documents"]:
            found |= {row[1] for row in self.connection.execute(_LINK_DOCUMENTS, given)}
        return {("Dataset", key) for key in found}

    def _share(self, readers: Readers) -> set[tuple[str, int]]:
        """Let groups have the access that sources give, no more; what people give stays."""
        share = tables.share
        keys = sa.literal([surrogate("Dataset", pid) for pid in readers], _KEYS)
        given = share.c.source.is_not(None) & (share.c.dataset_id == sa.any_(keys))
        there = self.connection.execute(sa.select(share).where(given))
        before = {(row.dataset_id, row.reader, row.source): row.id for row in there}
        after = {
            (surrogate("Dataset", pid), reader, source)
            for pid, (source, groups) in readers.items()
            for reader in groups
        }
        gone = [made for line, made in before.items() if line not in after]
        new = [
            {
                "id": secrets.token_hex(8),
                "dataset_id": key,
                "reader": reader,
                "by": f"connector:{source}",
                "at": self.now,
                "source": source,
            }
            for key, reader, source in sorted(after - before.keys())
        ]
        if gone:
            ended = sa.any_(sa.literal(gone, sa.ARRAY(sa.Text)))
            self.connection.execute(sa.delete(share).where(share.c.id == ended))
        if new:
            self.connection.execute(sa.insert(share), new)
        return {("Dataset", key) for key, _, _ in before.keys() ^ after}

    def _delete(self, deleted: dict[str, list[str]]) -> None:
        """Delete records with all that is theirs, unless they have become this node's own."""
        for model, pids in deleted.items():
            if not pids or model == "Sample":
                continue
            table, column = _table(model)
            keys = sa.any_(sa.literal([surrogate(model, pid) for pid in pids], _KEYS))
            statement = sa.delete(table).where(
                table.c.id == keys, table.c.source.in_(sa.select(connector.c.name))
            )
            if model == "Instrument":
                dataset = tables.dataset.c
                used = sa.select(dataset.id).where(dataset.instrument_id == table.c.id).exists()
                statement = statement.where(~used)
            gone = self.connection.scalars(statement.returning(column))
            self._gone += sorted((model, pid) for pid in gone)
        for model in ("Sample", "Instrument"):
            for pid in deleted.get(model, ()):
                self._loose.setdefault(model, set()).add(surrogate(model, pid))

    def _note_loose(
        self, written: Sequence[tuple[str, Row]], deleted: dict[str, list[str]]
    ) -> None:
        """Note which shared records may be named by nobody afterwards."""
        keys: dict[str, set[int]] = {"Dataset": set(), "Document": set()}
        for name, row in written:
            if name in keys:
                keys[name].add(surrogate(name, _key(row)))
        for name in keys:
            keys[name] |= {surrogate(name, pid) for pid in deleted.get(name, ())}
        given = {name.lower(): sorted(found) for name, found in keys.items()}
        for model, key in self.connection.execute(_NAMES, given):
            self._loose.setdefault(model, set()).add(key)

    def _delete_loose(self) -> None:
        """Delete shared records that were named, or told of alone, and are no more."""
        for model in ("Sample", "Instrument", "Technique", "Person", "Affiliation"):
            keys = self._loose.get(model)
            if not keys:
                continue
            table, column = _table(model)
            statement = sa.delete(table).where(
                table.c.id == sa.any_(sa.literal(sorted(keys), _KEYS)),
                ~sa.select(told.c.pid).where(told.c.model == model, told.c.pid == column).exists(),
            )
            for place, reference in _WHERE_NAMED[model]:
                other = tables.metadata.tables[place].c[reference]
                statement = statement.where(~sa.select(other).where(other == table.c.id).exists())
            if model == "Instrument":
                ours = tables.instrument.c.source.in_(sa.select(connector.c.name))
                statement = statement.where(ours)
            gone = self.connection.scalars(statement.returning(column))
            self._gone += sorted((model, key) for key in gone)


_KEYS = sa.ARRAY(sa.BigInteger)
_TOLD = """
  select l.connector, l.document, l.dataset from told_link l
  join told t on t.connector = l.connector and t.model = '{model}' and t.own_pid = l.{column}
  where t.pid = any(cast(:{given} as text[]))
  union select l.connector, l.document, l.dataset from told_link l
  where l.{column} = any(cast(:{given} as text[]))
"""
_LINK = """
insert into document_dataset (document_id, dataset_id)
select distinct c.id, d.id from ({told}) l
left join told tc on tc.connector = l.connector and tc.model = 'Document'
  and tc.own_pid = l.document
left join told td on td.connector = l.connector and td.model = 'Dataset'
  and td.own_pid = l.dataset
join document c on c.pid = coalesce(tc.pid, l.document)
join dataset d on d.pid = coalesce(td.pid, l.dataset)
  and d.source in (select name from connector)
on conflict do nothing returning document_id, dataset_id
"""
_LINK_DATASETS = sa.text(
    _LINK.format(told=_TOLD.format(model="Dataset", column="dataset", given="datasets"))
)
_LINK_DOCUMENTS = sa.text(
    _LINK.format(told=_TOLD.format(model="Document", column="document", given="documents"))
)
_UNLINK = sa.text(
    "delete from document_dataset l using dataset d where d.id = l.dataset_id"
    " and d.pid = any(cast(:datasets as text[])) and d.source in (select name from connector)"
    " and l.key is distinct from 'package' returning l.document_id, l.dataset_id"
)
_NAMES = sa.text(
    "select 'Instrument', instrument_id from dataset"
    " where id = any(cast(:dataset as bigint[])) and instrument_id is not null"
    " union select 'Sample', sample_id from dataset_sample"
    " where dataset_id = any(cast(:dataset as bigint[]))"
    " union select 'Technique', technique_id from dataset_technique"
    " where dataset_id = any(cast(:dataset as bigint[]))"
    " union select v.name, v.id from member m,"
    " lateral (values ('Person', person_id), ('Affiliation', affiliation_id)) as v(name, id)"
    " where v.id is not null and (dataset_id = any(cast(:dataset as bigint[]))"
    " or document_id = any(cast(:document as bigint[])))"
)


def _table(model: str) -> tuple[sa.Table, "sa.Column[Any]"]:
    found = MODEL_BY_NAME[model]
    table = tables.metadata.tables[found.table]
    return table, table.c[found.property_by_name[found.key].column]


def _key(row: Row) -> str:
    return str(row["pid"] if "pid" in row else row["id"])


def _is_of(source: Source, model: str, key: str) -> bool:
    """Whether an identifier of a shared record says that it is this source's own."""
    if model in {"Person", "Affiliation"}:
        return key.startswith(f"{source.name}/")
    return bool(source.prefix) and key.startswith(source.prefix)


def _names_in(rows: Iterable[tuple[str, Row]]) -> set[tuple[str, str]]:
    """Return the shared records that rows name."""
    return {
        (target, str(row[reference]))
        for _, row in rows
        for reference, target in _NAMED.items()
        if row.get(reference) is not None
    }


def _without_lost(row: Row, known: set[tuple[str, str]]) -> tuple[Row, list[str]]:
    lost = [
        (reference, f"{target}:{row[reference]}")
        for reference, target in _NAMED.items()
        if row.get(reference) is not None and (target, str(row[reference])) not in known
    ]
    if not lost:
        return row, []
    gone = {reference for reference, _ in lost}
    kept = {name: value for name, value in row.items() if name not in gone}
    return kept, [what for _, what in lost]
