"""All that an index holds, record by record, to hold two of them against each other."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from tantivy import Query

from panosc.catalogue import tables
from panosc.search.index.folder import Snapshot
from panosc.search.index.schema import slot

MOST = 65_000

Dump = dict[int, dict[str, Any]]


def index_dump(snapshot: Snapshot, home: Path, engine: sa.Engine) -> Dump:
    """Return key -> field -> what the record says there, of every record."""
    with engine.connect() as connection:
        return _Reading(snapshot, home, _slots(connection)).all()


class _Reading:
    def __init__(self, snapshot: Snapshot, home: Path, slots: list[str]) -> None:
        meta = home / "index" / snapshot.generation / "meta.json"
        self.fields = orjson.loads(meta.read_bytes())["schema"]
        self.searcher = snapshot.searcher
        self.slots = slots
        self.schema = snapshot.schema
        self.found: defaultdict[int, dict[str, Any]] = defaultdict(dict)

    def all(self) -> Dump:
        for key, _ in self.found_by(Query.all_query(), "key"):
            assert key not in self.found, "a record stands there twice"
            self.found[key] = {}
        for field in self.fields:
            name, options = field["name"], field["options"]
            match field["type"]:
                case "text":
                    self.text(name)
                case "json_object":
                    self.json(name)
                case _ if options.get("fast"):
                    self.numbers(name)
        return {
            key: {name: sorted(values) for name, values in fields.items()}
            for key, fields in self.found.items()
        }

    def found_by(self, query: Query, field: str) -> list[tuple[int, Any]]:
        places = [place for _, place in self.searcher.search(query, MOST).hits]
        keys = self.searcher.fast_field_values("key", places)
        values = self.searcher.fast_field_values(field, places)
        return [(int(key or 0), value) for key, value in zip(keys, values, strict=True)]

    def text(self, name: str) -> None:
        for term, _ in self.searcher.terms_with_prefix(name, ""):
            query = Query.term_query(self.schema, name, term)
            for key, _ in self.found_by(query, "key"):
                self.found[key].setdefault(name, []).append(term)

    def numbers(self, name: str) -> None:
        self.values(name, name)

    def json(self, name: str) -> None:
        for one in self.slots:
            self.values(name, f"{name}.{one}")

    def values(self, name: str, path: str) -> None:
        each = {"terms": {"field": path, "size": MOST}}
        asked = {"by": {"terms": {"field": "key", "size": MOST}, "aggs": {"each": each}}}
        for bucket in self.searcher.aggregate(Query.all_query(), asked)["by"]["buckets"]:
            values = sorted((one["key"], one["doc_count"]) for one in bucket["each"]["buckets"])
            if values:
                self.found[int(bucket["key"])].setdefault(name, []).append((path, values))


def _slots(connection: sa.Connection) -> list[str]:
    table = tables.parameter.c
    found = set()
    for name, unit in connection.execute(sa.select(table.name, table.si_unit).distinct()):
        found |= {slot(name), slot(name, unit)}
    return sorted(found)
